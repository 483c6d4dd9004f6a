"""Useful training as proof of work (FreezeNet): watermarks drawn from a bound seed, exact integer inference."""

from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.feistel import inverse_position, permutation
from pyml.freezenet.reference import reference_watermark

__all__ = ["inverse_position", "permutation", "reference_watermark", "watermark_codes"]
