"""The verifying key as a verifier takes it: checked, and digested into what every transcript begins with.

Source: ``circuits/native_accuracy/SPEC.md``, section 5 (vk) and section 9 (vk of a proof of weights).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pyml.crypto.bn254_group import PointG2
from pyml.crypto.challenges import domain, word
from pyml.errors import CircuitError, InputError
from pyml.zk.native.generator import H
from pyml.zk.native.pairing import decode_g2
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.verifier_layout import Layout
from pyml.zk.native.verifier_transcript import INFINITE, digest

ACCURACY: Final = domain("pyml.zk.native.accuracy.v1")
WEIGHTS: Final = domain("pyml.zk.native.weights.v1")


def require_key(key: VerifyingKey, layout: Layout) -> None:
    """Refuse, as ``CircuitError``, commitments of another number than the layout's, and a [τ]_2 outside its group."""
    if len(key.data) != layout.data.polynomials:
        raise CircuitError(
            "a verifying key has the wrong number of data polynomials",
            expected=layout.data.polynomials,
            got=len(key.data),
        )
    tau_point(key.tau_g2)


@lru_cache(maxsize=32)
def tau_point(tau_g2: tuple[int, int, int, int]) -> PointG2:
    """[τ]_2; ``CircuitError`` unless it is a finite point of order r."""
    try:
        return decode_g2(b"".join(map(word, tau_g2)))
    except (InputError, OverflowError) as error:
        raise CircuitError("[τ]_2 of a verifying key is not a point of G2", got=str(error)) from error


def accuracy_digest(key: VerifyingKey) -> bytes:
    """vk of section 5, for accuracy and for inference."""
    shape = key.shape
    numbers = (
        *(shape.degree, shape.samples, shape.hidden_layers),
        *(*shape.widths, *shape.shifts, *shape.bias_units),
        *(shape.limb_bits, shape.margin_limbs, int(shape.data_in_witness)),
    )
    points = [INFINITE if point is None else point.encode() for point in key.data]
    return digest([ACCURACY, *map(word, numbers), *points, H.encode(), *map(word, key.tau_g2)])


def weights_digest(shape: Shape, tau_g2: tuple[int, int, int, int]) -> bytes:
    """vk of section 9."""
    numbers = (shape.degree, shape.hidden_layers, *shape.widths, shape.weight_bits)
    return digest([WEIGHTS, *map(word, numbers), H.encode(), *map(word, tau_g2)])
