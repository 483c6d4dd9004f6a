"""What the contracts keep, as values: ``ITrading``, ``IProcessing`` and ``IDisputes`` say what each field means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from eth_utils.crypto import keccak

from pyml.chain.transactions import checked_address
from pyml.errors import InputError

NO_ADDRESS: Final = "0x" + "0" * 40
BASIS_POINTS: Final = 10_000


class Phase(IntEnum):
    """``ITrading.Phase``."""

    NONE = 0
    FORMING = 1
    COLLECTING = 2
    AGGREGATING = 3
    DECRYPTING = 4
    OVER = 5


class Status(IntEnum):
    """``IProcessing.Status``."""

    NONE = 0
    POSTED = 1
    APPENDED = 2


class Subject(IntEnum):
    """``IDisputes.Subject``."""

    GRADIENTS = 0
    SHARES = 1
    AGGREGATE = 2


class Turn(IntEnum):
    """``IDisputes.Turn``: what is to be done next."""

    NONE = 0
    TRACE = 1
    DESCEND = 2
    OPEN = 3
    JUSTIFY = 4
    OVER = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """``ITrading.Terms``, field by field and in its order."""

    processing: str
    disputes: str
    evidence: str
    assets: str
    key_root: bytes
    model_digest: bytes
    weights_digest: bytes
    rounds: int
    count: int
    width: int
    threshold: int
    committee: int
    pk_proof_bytes: int
    cd_proof_bytes: int
    bounty_bps: int
    party_bps: int
    turn_blocks: int
    deposit: int
    worker_deposit: int
    bond: int
    windows: tuple[int, ...]
    """Blocks of T1 … T9."""

    def __post_init__(self) -> None:
        for address in (self.processing, self.disputes, self.evidence, self.assets):
            checked_address(address)
        if len(self.windows) != 9 or any(len(each) != 32 for each in (self.key_root, self.model_digest)):
            raise InputError("terms have nine windows and digests of 32 bytes")

    def as_tuple(self) -> tuple[object, ...]:
        """As the contract takes it."""
        values: list[object] = [getattr(self, name) for name in self.__slots__]
        return (*values[:-1], list(self.windows))

    @classmethod
    def decode(cls, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        values = list(raw.values())
        return cls(*values[:-1], windows=tuple(int(each) for each in values[-1]))


@dataclass(frozen=True, slots=True)
class Submission:
    """Roots and digests that a member posts of a vector; ``content_digest`` is a blob's."""

    vector_root: bytes
    proof_digest: bytes
    content_digest: bytes

    def as_tuple(self) -> tuple[bytes, bytes, bytes]:
        """As the contract takes it."""
        return self.vector_root, self.proof_digest, self.content_digest

    @classmethod
    def decode(cls, raw: Mapping[str, Any]) -> Self:
        """From an event."""
        return cls(bytes(raw["vectorRoot"]), bytes(raw["proofDigest"]), bytes(raw["contentDigest"]))

    def digest(self, round_index: int) -> bytes:
        """keccak256(abi.encode(round, submission)): what the contract keeps of it."""
        return keccak(round_index.to_bytes(32, "big") + b"".join(self.as_tuple()))


@dataclass(frozen=True, slots=True)
class Clock:
    """``ITrading.Clock``."""

    phase: Phase
    round: int
    base: int
    pending: int
    reruns: int
    parties: int
    threshold: int

    @classmethod
    def decode(cls, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        names = ("round", "base", "pending", "reruns", "parties", "threshold")
        return cls(Phase(int(raw["phase"])), *(int(raw[name]) for name in names))


@dataclass(frozen=True, slots=True)
class Masks:
    """``ITrading.Masks``: sets of members, a bit each."""

    active: int
    submitted: int
    accepted: int
    shared: int

    @classmethod
    def decode(cls, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        return cls(*(int(raw[name]) for name in ("active", "submitted", "accepted", "shared")))


def members(mask: int) -> tuple[int, ...]:
    """The indices whose bits are set, rising."""
    return tuple(index for index in range(mask.bit_length()) if mask >> index & 1)


@dataclass(frozen=True, slots=True)
class Block:
    """``IProcessing.Block``."""

    status: Status
    attempt: int
    leader: int
    pending: int
    collected: int
    base: int
    committee: int
    signed: int
    aggregate_root: bytes
    content_digest: bytes

    @classmethod
    def decode(cls, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        return cls(
            status=Status(int(raw["status"])),
            attempt=int(raw["attempt"]),
            leader=int(raw["leader"]),
            pending=int(raw["pending"]),
            collected=int(raw["collected"]),
            base=int(raw["base"]),
            committee=int(raw["committee"]),
            signed=int(raw["signed"]),
            aggregate_root=bytes(raw["aggregateRoot"]),
            content_digest=bytes(raw["contentDigest"]),
        )


@dataclass(frozen=True, slots=True)
class Dispute:
    """``IDisputes.Dispute`` under its number."""

    number: int
    challenger: str
    deadline: int
    turn: Turn
    subject: Subject
    party: int
    depth: int
    group: int
    round: int
    position: int
    levels: int
    trace_root: bytes
    node: bytes

    @classmethod
    def decode(cls, number: int, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        return cls(
            number=number,
            challenger=str(raw["challenger"]),
            deadline=int(raw["deadline"]),
            turn=Turn(int(raw["turn"])),
            subject=Subject(int(raw["subject"])),
            party=int(raw["party"]),
            depth=int(raw["depth"]),
            group=int(raw["groupId"]),
            round=int(raw["round"]),
            position=int(raw["position"]),
            levels=int(raw["levels"]),
            trace_root=bytes(raw["traceRoot"]),
            node=bytes(raw["node"]),
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """``IDisputes.Demand`` under its number."""

    number: int
    challenger: str
    deadline: int
    subject: Subject
    open: bool
    accused: int
    index: int
    group: int

    @classmethod
    def decode(cls, number: int, raw: Mapping[str, Any]) -> Self:
        """From the contract's answer."""
        return cls(
            number,
            str(raw["challenger"]),
            int(raw["deadline"]),
            Subject(int(raw["subject"])),
            bool(raw["open"]),
            *(int(raw[name]) for name in ("accused", "index", "groupId")),
        )


@dataclass(frozen=True, slots=True)
class Element:
    """``Vectors.Element``: a number with its place in a tree."""

    content: bytes = b""
    path: Sequence[bytes] = ()

    def as_tuple(self) -> tuple[object, ...]:
        """As the contract takes it."""
        return self.content, list(self.path)


@dataclass(frozen=True, slots=True)
class Factor:
    """``IEvidence.Factor``: one ciphertext of a member."""

    party: int
    submission: Submission
    ciphertext: Element

    def as_tuple(self) -> tuple[object, ...]:
        """As the contract takes it."""
        return self.party, self.submission.as_tuple(), self.ciphertext.as_tuple()


@dataclass(frozen=True, slots=True)
class Fault:
    """``IEvidence.Fault``: what makes a number malformed."""

    submission: Submission
    modulus: Element
    cofactor: bytes = b""
    """q with q·number ≡ 0 modulo n; empty where the number is not reduced."""

    def as_tuple(self) -> tuple[object, ...]:
        """As the contract takes it."""
        return self.submission.as_tuple(), self.modulus.as_tuple(), self.cofactor
