"""Useful training as proof of work (FreezeNet): watermarks drawn from a bound seed, exact integer inference.

The four names are imported when they are asked for: a deployment (``deployment``) runs where NumPy is not installed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyml.freezenet.codes import watermark_codes
    from pyml.freezenet.feistel import inverse_position, permutation
    from pyml.freezenet.reference import reference_watermark

__all__ = ["inverse_position", "permutation", "reference_watermark", "watermark_codes"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pyml.freezenet import codes, feistel, reference

    return next(getattr(home, name) for home in (codes, feistel, reference) if hasattr(home, name))
