"""Whether two pairings are equal, by py_ecc: e(p, P) = e(q, Q) on BN254.

Source: EIP-197 (groups, encodings). Points come as bytes of EIP-196 and EIP-197 and are checked: reduced, on their
curve, those of G2 also in the subgroup of order r (the twist has others).
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

from pyml.crypto.bn254 import SCALAR_MODULUS, decode_point
from pyml.crypto.bn254_group import PointG2
from pyml.errors import InputError, ToolMissingError

G2_BYTES = 128


def decode_g2(data: bytes) -> PointG2:
    """A finite point of G2 from EIP-197's 128 bytes; raises ``InputError`` for anything else."""
    if len(data) != G2_BYTES:
        raise InputError("a point of G2 has the wrong length", expected=f"{G2_BYTES} bytes", got=len(data))
    x1, x0, y1, y0 = (int.from_bytes(data[i : i + 32], "big") for i in range(0, G2_BYTES, 32))
    point = PointG2((x0, x1), (y0, y1))
    curve = _curve()
    if not curve.is_inf(curve.multiply(_g2(point), SCALAR_MODULUS)):
        raise InputError("a point of the twist is not in G2")
    return point


def pairings_agree(left: tuple[bytes, PointG2], right: tuple[bytes, PointG2]) -> bool:
    """Whether e(left) = e(right). The points of G2 must have passed ``decode_g2``."""
    curve = _curve()
    one, other = (curve.pairing(_g2(second), _g1(first), final_exponentiate=False) for first, second in (left, right))
    return bool(curve.final_exponentiate(one / other) == curve.FQ12.one())


def _g1(data: bytes) -> tuple[Any, Any, Any]:
    curve, point = _curve(), decode_point(data)
    return curve.FQ(point.x), curve.FQ(point.y), curve.FQ(1)


def _g2(point: PointG2) -> tuple[Any, Any, Any]:
    curve = _curve()
    return curve.FQ2(point.x), curve.FQ2(point.y), curve.FQ2.one()


@cache
def _curve() -> Any:
    limit = sys.getrecursionlimit()
    try:
        return importlib.import_module("py_ecc.optimized_bn128")
    except ImportError as error:
        raise ToolMissingError("pairings need py_ecc", hint="Install it: pip install py-ecc") from error
    finally:
        # py_ecc raises it to 100,000, beyond what the C stack of the JSON parser bears.
        sys.setrecursionlimit(limit)
