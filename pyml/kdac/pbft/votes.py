"""Signed votes, certificates made of them, and the evidence that two of them are.

    digest signed = keccak256(network ‖ kind u8 ‖ height u64 ‖ round u32 ‖ digest)

The round is signed with the rest, and a certificate is of one round. Commits of different rounds must not add up, even
for the same block: each of them is safe only because its own round locked a quorum, and a mixture of them could stand
beside a certificate for another block.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

from pyml.errors import InputError
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.quorum import quorum

_FIELDS = struct.Struct(">32sBQI32s")
MAX_HEIGHT = 2**63
MAX_ROUND = 2**31


class Kind(IntEnum):
    """What is signed. From ``FORWARD`` on it is no vote: the digest is that of the frame's body."""

    PROPOSE = 1
    PREPARE = 2
    COMMIT = 3
    ROUND_CHANGE = 4
    CHECKPOINT = 5
    FORWARD = 6
    STATUS = 7
    FETCH = 8
    BLOCKS = 9
    HELLO = 10
    WITNESS = 11


class Verifier(Protocol):
    def verify(self, sender: int, digest: bytes, signature: bytes) -> bool: ...


@lru_cache(maxsize=4096)  # a replica asks for each several times: alone, and within certificates
def signed_digest(network: bytes, kind: int, height: int, round_: int, digest: bytes) -> bytes:
    """What a vote's signature is over."""
    return keccak256(_FIELDS.pack(network, kind, height, round_, digest))


@dataclass(frozen=True, slots=True)
class Vote:
    """One replica's signed word."""

    kind: Kind
    height: int
    round: int
    digest: bytes
    sender: int
    signature: bytes

    def verify(self, verifier: Verifier, network: bytes) -> bool:
        digest = signed_digest(network, self.kind, self.height, self.round, self.digest)
        return verifier.verify(self.sender, digest, self.signature)

    def contradicts(self, other: Vote) -> bool:
        """Whether no honest replica signs both."""
        place, others = ((vote.kind, vote.height, vote.round, vote.sender) for vote in (self, other))
        return place == others and self.kind <= Kind.CHECKPOINT and self.digest != other.digest


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signatures of a quorum for one statement, in strictly ascending order of replicas."""

    kind: Kind
    height: int
    round: int
    digest: bytes
    signatures: tuple[tuple[int, bytes], ...]

    @classmethod
    def of(cls, votes: Iterable[Vote]) -> Certificate:
        """From votes for the same statement, at least one; ``InputError`` if they differ."""
        found = sorted(votes, key=lambda vote: vote.sender)
        first = found[0]
        statement = (first.kind, first.height, first.round, first.digest)
        if any((vote.kind, vote.height, vote.round, vote.digest) != statement for vote in found):
            raise InputError("votes for different statements make no certificate")
        return cls(*statement, tuple((vote.sender, vote.signature) for vote in found))

    def verify(self, verifier: Verifier, network: bytes, n: int) -> bool:
        """Whether a quorum of the ``n`` replicas signed it: anybody can ask, with no more than the public keys."""
        senders = [sender for sender, _ in self.signatures]
        if len(senders) < quorum(n) or senders != sorted(set(senders)) or senders[0] < 0 or senders[-1] >= n:
            return False
        digest = signed_digest(network, self.kind, self.height, self.round, self.digest)
        return all(verifier.verify(sender, digest, signature) for sender, signature in self.signatures)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two votes of one replica that contradict each other: proof, for anybody, that it is faulty."""

    first: Vote
    second: Vote

    def verify(self, verifier: Verifier, network: bytes) -> bool:
        votes = (self.first, self.second)
        return self.first.contradicts(self.second) and all(vote.verify(verifier, network) for vote in votes)
