"""The random scalars of a proof, and column K that holds those which hide sums and evaluations.

Source: ``circuits/native_accuracy/SPEC.md``, section 7. The sum-check masks are Libra's (Xie, Zhang, Zhang, Papamanthou
and Song 2019, section 4.1): p(x) = a + Σ_t Σ_e p_{t,e}·x_t^e, whose sum over the cube and value at a point are linear
in its coefficients. Scalars come from ChaCha20 (RFC 8439) under a seed that serves one proof: two proofs from one seed
would reveal what they hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import ProofError
from pyml.zk.native.layout import MASKS_PER_ROW, SPARE_MASKS, MaskRows

SEED_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
"""Twice the length of r: the residue of a block is uniform up to 2^-256."""


class ScalarStream:
    """Scalar j is block j of ChaCha20 (nonce 0), read big-endian, modulo r."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ProofError("a seed has the wrong length", expected=f"{SEED_BYTES} bytes", got=len(seed))
        self.__stream = Cipher(algorithms.ChaCha20(seed, bytes(16)), mode=None).encryptor()

    def take(self, count: int) -> list[int]:
        """The next scalars."""
        blocks = self.__stream.update(bytes(_BLOCK_BYTES * count))
        starts = range(0, len(blocks), _BLOCK_BYTES)
        return [int.from_bytes(blocks[start : start + _BLOCK_BYTES], "big") % SCALAR_MODULUS for start in starts]

    def __repr__(self) -> str:
        return "ScalarStream(secret)"


@dataclass(frozen=True, slots=True, repr=False)
class Libra:
    """p(x) = a + Σ_t Σ_e p_{t,e}·x_t^e."""

    constant: int
    rounds: tuple[tuple[int, ...], ...]
    """p_{t,1}, p_{t,2}, … of each variable."""

    def univariate(self, variable: int, x: int) -> int:
        """Σ_e p_{t,e}·x^e."""
        return sum(part * pow(x, power, SCALAR_MODULUS) for power, part in enumerate(self.rounds[variable], 1))

    def at(self, point: Sequence[int]) -> int:
        """p(point)."""
        parts = (self.univariate(variable, x) for variable, x in enumerate(point))
        return (self.constant + sum(parts)) % SCALAR_MODULUS

    def cube_sum(self) -> int:
        """Σ p over the cube: 2^v·a + 2^(v-1)·Σ p_{t,e}."""
        parts = sum(map(sum, self.rounds))
        return ((self.constant << len(self.rounds)) + (parts << len(self.rounds) >> 1)) % SCALAR_MODULUS

    def __repr__(self) -> str:
        return f"Libra({len(self.rounds)} rounds, secret)"


@dataclass(frozen=True, slots=True, repr=False)
class Masks:
    """Everything random in one proof."""

    libra_a: Libra
    libra_b: Libra | None
    """None for the proof of weights."""
    masks_a: tuple[int, ...]
    """Of message 5, in its order, Y apart."""
    masks_b: tuple[int, ...]
    """Of message 8, in its order, X apart."""
    spares: tuple[int, ...]
    cover: tuple[int, ...]
    """S."""
    blinds: tuple[int, ...]
    """Of the polynomials of stage 1, S, stage 2."""

    def __repr__(self) -> str:
        return "Masks(secret)"


def draw_masks(seed: bytes, rows: MaskRows, coefficients: int, polynomials: int) -> Masks:
    """The masks that a seed gives, in the document's order."""
    stream = ScalarStream(seed)
    libra_a = _draw_libra(stream, rows.degrees_a)
    return Masks(
        libra_a=libra_a,
        libra_b=_draw_libra(stream, rows.degrees_b) if rows.degrees_b else None,
        masks_a=tuple(stream.take(rows.masks_a)),
        masks_b=tuple(stream.take(rows.masks_b)),
        spares=tuple(stream.take(SPARE_MASKS)),
        cover=tuple(stream.take(coefficients)),
        blinds=tuple(stream.take(polynomials)),
    )


def mask_column(masks: Masks, rows: MaskRows) -> list[int]:
    """Column K."""
    column = [0] * (1 << rows.variables)
    _place_libra(column, 0, masks.libra_a)
    if masks.libra_b is not None:
        _place_libra(column, rows.row_b, masks.libra_b)
    for row, entries in (
        (rows.row_masks_a, masks.masks_a),
        (rows.row_masks_b, masks.masks_b),
        (rows.row_spare, masks.spares),
    ):
        start = row * MASKS_PER_ROW
        column[start : start + len(entries)] = entries
    return column


def libra_sum_weights(libra: Libra, row: int, size: int) -> list[int]:
    """The form on K that gives Σ p over the cube; no secret enters."""
    variables = len(libra.rounds)
    weights = [0] * size
    weights[row * MASKS_PER_ROW] = pow(2, variables, SCALAR_MODULUS)
    for place, _, _ in _places(libra, row):
        weights[place] = pow(2, variables - 1, SCALAR_MODULUS)
    return weights


def libra_value_weights(libra: Libra, row: int, size: int, point: Sequence[int]) -> list[int]:
    """The form on K that gives p(point); no secret enters."""
    weights = [0] * size
    weights[row * MASKS_PER_ROW] = 1
    for place, variable, power in _places(libra, row):
        weights[place] = pow(point[variable], power, SCALAR_MODULUS)
    return weights


def _draw_libra(stream: ScalarStream, degrees: Sequence[int]) -> Libra:
    (constant,) = stream.take(1)
    return Libra(constant, tuple(tuple(stream.take(degree)) for degree in degrees))


def _place_libra(column: list[int], row: int, libra: Libra) -> None:
    column[row * MASKS_PER_ROW] = libra.constant
    for place, variable, power in _places(libra, row):
        column[place] = libra.rounds[variable][power - 1]


def _places(libra: Libra, row: int) -> list[tuple[int, int, int]]:
    """(index in K, variable, power) of each p_{t,e}."""
    return [
        (power + MASKS_PER_ROW * (row + variable), variable, power)
        for variable, parts in enumerate(libra.rounds)
        for power in range(1, len(parts) + 1)
    ]
