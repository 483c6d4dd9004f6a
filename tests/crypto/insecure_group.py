"""A group with a key of published primes: what all tests of the threshold scheme compute with."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyml.crypto.big_integers import products
from pyml.crypto.paillier import Encrypted, Encryptor
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, deal, partial_decryptions

VECTORS = Path(__file__).parents[1] / "vectors"
CONTEXT = bytes(range(32))
OTHER_CONTEXT = bytes(range(1, 33))


@dataclass(frozen=True)
class Group:
    """Four parties, three of which decrypt; three ciphertexts each."""

    p: int
    q: int
    key: ThresholdKey
    shares: list[KeyShare]
    encryptor: Encryptor
    plaintexts: list[list[int]]
    encrypted: list[Encrypted]
    aggregate: list[int]
    partials: dict[int, list[int]]

    @property
    def sums(self) -> list[int]:
        return [sum(row[place] for row in self.plaintexts) % self.key.public.n for place in range(3)]


def primes(bits: int) -> tuple[int, int]:
    """Published safe primes of this length."""
    stored = json.loads((VECTORS / "deepchain_primes.json").read_text(encoding="utf-8"))["primes"][str(bits)]
    return int(stored[0], 16), int(stored[1], 16)


@lru_cache(maxsize=1)
def insecure_group() -> Group:
    """The same group in each test of a run, with the same numbers in each run."""
    generator = random.Random(6)
    p, q = primes(512)
    key, shares = deal(
        p, q, parties=4, threshold=3, exponent_bits=448, insecure=True, random_bits=generator.getrandbits
    )
    encryptor = Encryptor(key.public, random_bits=generator.getrandbits)
    plaintexts = [[generator.randrange(key.public.n) for _ in range(3)] for _ in range(4)]
    encrypted = [encryptor.encrypt(row) for row in plaintexts]
    aggregate = products([row.ciphertexts for row in encrypted], key.public.n_squared)
    partials = {share.index: partial_decryptions(key, share, aggregate) for share in shares}
    return Group(p, q, key, shares, encryptor, plaintexts, encrypted, aggregate, partials)


def flips(data: bytes, *, step: int = 1) -> list[bytes]:
    """The bytes with one bit flipped, for every ``step``-th bit."""
    found: list[bytes] = []
    for bit in range(0, 8 * len(data), step):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        found.append(bytes(changed))
    return found
