"""Seed reuse: old models answer a new block, where seeds are 32 bits and the miner can vary the block.

In the reference scheme (FreezeNet, section 3.1, with the author's Mersenne Twister) a block's watermark follows from 32
bits of its hash. Whoever keeps B trained models varies a nonce until the hash hits one of their seeds: 2^32 / B hashes
on average, and no training at all.

The v1 seed is 256 bits of a hash without a nonce (``pyml.freezenet.binding``): a miner has one seed a round, which is
that of an old model with probability B · 2^-256. ``v1_seeds`` draws what a miner can reach there, ``seeds_of_accounts``
what somebody can who makes up addresses by the thousand; ``search_seeds`` looks for a bank's among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from eth_utils.address import to_checksum_address

from pyml.errors import InputError
from pyml.freezenet.binding import SeedContext

SEED_BITS = 32
_NONCE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Match:
    """A nonce under which a block has the seed of an old model, and what it took to find."""

    nonce: int
    seed: int
    hashes: int
    seconds: float


def reference_seed(block: bytes, nonce: int, *, seed_bits: int = SEED_BITS) -> int:
    """The reference scheme's seed of a block with a nonce."""
    digest = sha256(block + nonce.to_bytes(_NONCE_BYTES, "big")).digest()
    return int.from_bytes(digest, "big") % (1 << seed_bits)


def search(bank: Collection[int], block: bytes, *, limit: int, seed_bits: int = SEED_BITS) -> Match | None:
    """Vary the nonce until the seed is one of the bank's; ``None`` after ``limit`` hashes.

    ``seed_bits`` may be lowered to see the search end sooner: its cost halves with each bit.
    """
    if not bank or limit < 1 or not 1 <= seed_bits <= 256:
        raise InputError("nothing to search", expected="seeds, a positive limit, 1 to 256 bits")
    seeds, started = frozenset(bank), time.process_time()
    for nonce in range(limit):
        seed = reference_seed(block, nonce, seed_bits=seed_bits)
        if seed in seeds:
            return Match(nonce, seed, nonce + 1, time.process_time() - started)
    return None


def expected_hashes(models: int, *, seed_bits: int = SEED_BITS) -> float:
    """On average, for a bank of so many models."""
    return (1 << seed_bits) / models


def v1_seeds(context: SeedContext, rounds: int) -> Iterator[bytes]:
    """All seeds that one bonded miner can have in so many rounds: one each."""
    return (replace(context, round=context.round + number).seed for number in range(rounds))


def seeds_of_accounts(context: SeedContext, accounts: int) -> Iterator[bytes]:
    """Seeds of made-up addresses in one round: nobody has to fund an address to look at its seed."""
    for number in range(accounts):
        yield replace(context, miner=to_checksum_address(number.to_bytes(20, "big"))).seed


def search_seeds(bank: Collection[bytes], seeds: Iterable[bytes], *, cut: Callable[[bytes], bytes]) -> int | None:
    """How many seeds it took until one, after ``cut``, was one of the bank's; ``None`` if none was.

    v1 cuts nothing off: ``bytes``. What fewer bits would be worth shows with another ``cut``.
    """
    old = frozenset(map(cut, bank))
    return next((count for count, seed in enumerate(seeds, start=1) if cut(seed) in old), None)
