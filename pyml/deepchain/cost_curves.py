"""What encryption costs: bytes and seconds against the number of gradients, and against the number of parties.

Source: DeepChain, section 5, figures 4, 5 and 9. Every number is measured when it is asked for, in CPU seconds, with
random updates (what a ciphertext costs does not depend on what is in it). A round's cost is the sum of what its
processes do: every member encrypts, proves and makes shares, one leader multiplies, one challenger verifies everybody,
one member combines; training and the chain are not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from pyml.crypto.paillier import Encrypted, Encryptor
from pyml.crypto.proof_cd import prove_cd, verify_cd
from pyml.crypto.proof_pk import prove_pk, verify_pk
from pyml.crypto.threshold_paillier import (
    KeyShare,
    ThresholdKey,
    combine_roots,
    open_ciphertexts,
    partial_decryptions,
)
from pyml.deepchain.contents import multiply
from pyml.deepchain.fixed_point import Encoded, FixedPoint
from pyml.deepchain.packing import Packing

Dealt = tuple[ThresholdKey, Sequence[KeyShare]]
_T = TypeVar("_T")
ENCODING: Final = FixedPoint()
_CONTEXT: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class VectorCost:
    """One update of one member."""

    gradients: int
    key_bits: int
    ciphertexts: int
    size: int
    """Bytes of all ciphertexts."""
    seconds: Mapping[str, float]
    """``encrypt`` one update, ``aggregate`` those of all members, ``share`` of one member, ``combine`` to the sums."""


@dataclass(frozen=True, slots=True)
class RoundCost:
    """One round of a group."""

    parties: int
    gradients: int
    key_bits: int
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """Of all steps."""
        return sum(self.seconds.values())


def vector_costs(dealt: Dealt, sizes: Sequence[int]) -> Iterator[VectorCost]:
    """The cost of updates of these sizes under one key."""
    encryptor = Encryptor(dealt[0].public)
    for gradients in sizes:
        yield _vector_cost(dealt, encryptor, gradients)


def _vector_cost(dealt: Dealt, encryptor: Encryptor, gradients: int) -> VectorCost:
    key, shares = dealt
    packing, clock = _packing(key), _Stopwatch()
    codes = _codes(gradients, key.parties)
    rows = [clock.once("encrypt", lambda row=row: _encrypted(encryptor, packing, row)) for row in codes]
    vectors = [row.ciphertexts for row in rows]
    aggregate = clock.run("aggregate", lambda: multiply(key, vectors))
    partials = {
        share.index: clock.once("share", lambda share=share: partial_decryptions(key, share, aggregate))
        for share in shares[: key.threshold]
    }
    clock.run("combine", lambda: _opened(key, aggregate, partials, packing, gradients))
    size = len(vectors[0]) * key.public.residue_bytes
    return VectorCost(gradients, key.public.n.bit_length(), len(vectors[0]), size, clock.seconds)


def round_cost(dealt: Dealt, gradients: int) -> RoundCost:
    """The cost of one round of all the key's parties."""
    key, shares = dealt
    encryptor, packing, clock = Encryptor(key.public), _packing(key), _Stopwatch()
    plain = [packing.pack(row, length=gradients) for row in _codes(gradients, key.parties)]
    rows = [clock.run("encrypt", lambda row=row: encryptor.encrypt(row)) for row in plain]
    proofs = [
        clock.run("prove", lambda row=row, texts=texts: prove_pk(key, row, texts, context=_CONTEXT))
        for row, texts in zip(rows, plain, strict=True)
    ]
    for row, proof in zip(rows, proofs, strict=True):
        clock.run("verify", lambda row=row, proof=proof: verify_pk(key, row.ciphertexts, proof, context=_CONTEXT))
    aggregate = clock.run("aggregate", lambda: multiply(key, [row.ciphertexts for row in rows]))
    partials: dict[int, list[int]] = {}
    for share in shares:
        made = clock.run("shares", lambda share=share: partial_decryptions(key, share, aggregate))
        proof = clock.run(
            "prove", lambda share=share, made=made: prove_cd(key, share, aggregate, made, context=_CONTEXT)
        )
        clock.run(
            "verify",
            lambda index=share.index, made=made, proof=proof: verify_cd(
                key, index, aggregate, made, proof, context=_CONTEXT
            ),
        )
        partials[share.index] = made
    clock.run("combine", lambda: _opened(key, aggregate, partials, packing, gradients))
    return RoundCost(key.parties, gradients, key.public.n.bit_length(), clock.seconds)


class _Stopwatch:
    """Seconds by step: the sum of all runs, or the first alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, step: str, work: Callable[[], _T]) -> _T:
        begun = time.process_time()
        result = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - begun
        return result

    def once(self, step: str, work: Callable[[], _T]) -> _T:
        return work() if step in self.seconds else self.run(step, work)


def _packing(key: ThresholdKey) -> Packing:
    return Packing(ENCODING.bits, key.parties, key.public.n.bit_length())


def _codes(gradients: int, parties: int) -> list[Encoded]:
    generator = np.random.default_rng(gradients)
    return [ENCODING.encode(generator.uniform(-ENCODING.clip, ENCODING.clip, gradients)) for _ in range(parties)]


def _encrypted(encryptor: Encryptor, packing: Packing, codes: Encoded) -> Encrypted:
    return encryptor.encrypt(packing.pack(codes, length=len(codes)))


def _opened(
    key: ThresholdKey, aggregate: Sequence[int], partials: Mapping[int, Sequence[int]], packing: Packing, gradients: int
) -> Encoded:
    openings = open_ciphertexts(key, aggregate, combine_roots(key, partials))
    return packing.unpack([int(opening.plaintext) for opening in openings], length=gradients)
