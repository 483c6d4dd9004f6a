"""What replicas send each other. A message proves itself: whoever passes it on can add nothing to it.

Source: Moniz, "The Istanbul BFT Consensus Algorithm", 2020 (pre-prepare, prepare, commit, round change with
justification); Castro and Liskov, OSDI 1999 (checkpoint). Paper, III-C: steps 2 to 5; its step 5 has only the master
commit, which leaves the others without proof of the outcome: here every replica commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyml.kdac.pbft.block import Block
from pyml.kdac.pbft.keccak import ZERO, keccak256
from pyml.kdac.pbft.votes import Certificate, Kind, Vote


def prepared_digest(round_: int, digest: bytes) -> bytes:
    """What a round change's digest commits to: the round and block that its sender prepared last."""
    return keccak256(round_.to_bytes(4, "big") + digest)


@dataclass(frozen=True, slots=True)
class Claim:
    """A signed round change without its proof: "I want this round, and this is what I prepared last, if anything"."""

    vote: Vote
    prepared: tuple[int, bytes] | None
    """Round and digest."""

    @property
    def is_consistent(self) -> bool:
        expected = ZERO if self.prepared is None else prepared_digest(*self.prepared)
        earlier = self.prepared is None or self.prepared[0] < self.vote.round
        return self.vote.kind is Kind.ROUND_CHANGE and self.vote.digest == expected and earlier


@dataclass(frozen=True, slots=True)
class RoundChange:
    """A claim with its proof: a quorum's prepares, and the block."""

    claim: Claim
    certificate: Certificate | None
    block: Block | None

    @property
    def vote(self) -> Vote:
        return self.claim.vote


@dataclass(frozen=True, slots=True)
class Proposal:
    """A leader's block; above round 0 with a quorum's claims and the prepares behind the highest of them."""

    vote: Vote
    block: Block
    claims: tuple[Claim, ...]
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Forward:
    """Payloads that a replica was given and that every other must know of, so that all wait for their order."""

    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """How far its sender is: the last height that it has decided; ``nonce`` echoes a ``Hello``."""

    height: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Fetch:
    """Asks for decided blocks from a height on."""

    first: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """Decided blocks in order, each with its commit certificate."""

    blocks: tuple[tuple[Block, Certificate], ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """A replica without a memory asks how far the others are, now: the nonce keeps old answers out."""

    nonce: bytes


@dataclass(frozen=True, slots=True)
class Witness:
    """A leader's vote as its sender saw it, shown when somebody prepares another block of the same round."""

    vote: Vote


Body: TypeAlias = Forward | Status | Fetch | Blocks | Hello | Witness


@dataclass(frozen=True, slots=True)
class Signed:
    """A body that is no vote, signed as a whole."""

    vote: Vote
    body: Body


Message: TypeAlias = Vote | Proposal | RoundChange | Signed


def vote_of(message: Message) -> Vote:
    """The signed part of a message, which names its sender."""
    return message if isinstance(message, Vote) else message.vote
