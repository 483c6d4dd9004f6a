"""One change to a proof, of a kind drawn at random: bits, words, points, length."""

from __future__ import annotations

import random

from pyml.crypto.bn254 import FELT_BYTES, FIELD_MODULUS
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254_group import G1, multiply_g1


def mutated(proof: bytes, rng: random.Random) -> bytes:
    """The proof with one change of a kind drawn at random; never the same bytes."""
    words = len(proof) // FELT_BYTES
    at, other = FELT_BYTES * rng.randrange(words), FELT_BYTES * rng.randrange(words)
    old = proof[at : at + FELT_BYTES]
    number = int.from_bytes(old, "big")
    match rng.randrange(9):
        case 0:  # one bit
            new = (number ^ (1 << rng.randrange(8 * FELT_BYTES))).to_bytes(FELT_BYTES, "big")
        case 1:  # the same scalar, or coordinate, not reduced
            modulus = rng.choice((R, FIELD_MODULUS))
            new = ((number + modulus) % 2**256).to_bytes(FELT_BYTES, "big")
        case 2:  # another word of the proof
            new = proof[other : other + FELT_BYTES]
        case 3:
            new = bytes(FELT_BYTES)
        case 4:
            new = rng.choice((R - number % R, 1, R - 1, FIELD_MODULUS - number % FIELD_MODULUS)).to_bytes(32, "big")
        case 5:
            new = rng.randrange(R).to_bytes(FELT_BYTES, "big")
        case 6:  # two words change places
            at, other = min(at, other), max(at, other)
            swapped = proof[:at] + proof[other : other + 32] + proof[at + 32 : other] + proof[at : at + 32]
            return _different(proof, swapped + proof[other + 32 :] if at != other else proof, rng)
        case 7:  # cut short, or longer
            changed = rng.choice((proof[:at], proof[:-1], proof + bytes(1), proof + old, proof[at:], b""))
            return _different(proof, changed, rng)
        case _:  # a point, or two words that were to be one
            point = multiply_g1(G1, rng.randrange(1, R))
            assert point is not None
            at = min(at, len(proof) - 2 * FELT_BYTES)
            return _different(proof, proof[:at] + point.encode() + proof[at + 2 * FELT_BYTES :], rng)
    return _different(proof, proof[:at] + new + proof[at + FELT_BYTES :], rng)


def _different(proof: bytes, changed: bytes, rng: random.Random) -> bytes:
    return changed if changed != proof else mutated(proof, rng)
