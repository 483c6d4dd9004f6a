"""All that a replica knows, as one immutable value; what happens to it, and what it then wants done.

The height that is being worked on is ``height + 1``. Everything that peers can make grow has a limit here or in
``settings``: votes and round changes by sender, blocks of one height, messages of the next height, payloads by origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from pyml.errors import InputError
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.messages import Body, Message, Proposal, RoundChange, Signed
from pyml.kdac.pbft.pool import Pool
from pyml.kdac.pbft.quorum import leader, max_faults, quorum
from pyml.kdac.pbft.records import Decided, Joining, Prepared, Record
from pyml.kdac.pbft.replica_set import Authenticator
from pyml.kdac.pbft.turns import Turns
from pyml.kdac.pbft.votes import Certificate, Evidence, Kind, Vote, signed_digest
from pyml.kdac.pbft.window import Window
from pyml.kdac.pbft.wire import NONCE_BYTES, body_digest, body_kind

Place: TypeAlias = tuple[Kind, int, int]
"""Kind, round and sender of a vote for the current height."""
NO_NONCE: Final = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Settings:
    """What never changes while a replica runs. Times are in milliseconds."""

    index: int
    n: int
    network: bytes
    authenticator: Authenticator
    batch: int = 500
    round_ms: int = 1000
    """Of round 0; each later one takes twice as long as the one before, up to 64 times."""
    tick_ms: int = 500
    duplicate_window: int = 512
    """No payload is twice in so many blocks that follow each other."""
    checkpoint_interval: int = 64
    pool_payloads: int = 4096
    pool_bytes: int = 16 * 2**20

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.n:
            raise InputError("a replica's number is out of range", expected=f"0 to {self.n - 1}", got=self.index)
        numbers = (self.batch, self.round_ms, self.tick_ms, self.duplicate_window, self.checkpoint_interval)
        if min(*numbers, self.pool_payloads, self.pool_bytes) < 1:
            raise InputError("a setting of the ordering engine is not positive", got=numbers)

    @property
    def quorum(self) -> int:
        return quorum(self.n)

    @property
    def max_faults(self) -> int:
        return max_faults(self.n)

    def leader(self, height: int, round_: int) -> int:
        return leader(height, round_, self.n)

    def vote(self, kind: Kind, height: int, round_: int, digest: bytes) -> Vote:
        """A vote of this replica."""
        signature = self.authenticator.sign(signed_digest(self.network, kind, height, round_, digest))
        return Vote(kind, height, round_, digest, self.index, signature)

    def signed(self, body: Body) -> Signed:
        return Signed(self.vote(body_kind(body), 0, 0, body_digest(body)), body)

    def verify(self, vote: Vote) -> bool:
        return vote.sender < self.n and vote.verify(self.authenticator, self.network)

    def verify_certificate(self, certificate: Certificate) -> bool:
        return certificate.verify(self.authenticator, self.network, self.n)


@dataclass(frozen=True, slots=True)
class State:
    """See the module; ``replica.initial`` and ``replica.restore`` make one."""

    settings: Settings
    pool: Pool
    window: Window
    height: int = 0
    tip: bytes = GENESIS
    # The height being worked on.
    round: int = 0
    is_armed: bool = False
    """Whether the round's timer runs."""
    proposal: Proposal | None = None
    """What was accepted in this round."""
    blocks: Mapping[bytes, Block] = field(default_factory=dict[bytes, Block])
    prepared: Prepared | None = None
    votes: Mapping[Place, Vote] = field(default_factory=dict[Place, Vote])
    round_changes: Mapping[int, RoundChange] = field(default_factory=dict[int, RoundChange])
    """The highest of each sender."""
    sent: Mapping[tuple[Kind, int], Message] = field(default_factory=dict[tuple[Kind, int], Message])
    """One's own messages, by kind and round: sent again when nothing moves, and never contradicted."""
    has_witnessed: bool = False
    # Around it.
    past: Mapping[Place, Vote] = field(default_factory=dict[Place, Vote])
    """Votes of the height before, against which late ones are compared."""
    future: Mapping[int, tuple[Message, ...]] = field(default_factory=dict[int, tuple[Message, ...]])
    """Of each sender, messages for the next height."""
    checkpoints: Mapping[tuple[int, int], Vote] = field(default_factory=dict[tuple[int, int], Vote])
    """By height and sender."""
    stable: Certificate | None = None
    accused: frozenset[tuple[int, Kind]] = frozenset()
    turns: Turns = field(default_factory=Turns)
    """How long each leader is waited for."""
    # Catching up.
    peers: Mapping[int, int] = field(default_factory=dict[int, int])
    """The height that each has said it has decided."""
    asked: frozenset[int] = frozenset()
    """Whom blocks were asked of since the last tick."""
    served: Mapping[int, int] = field(default_factory=dict[int, int])
    """Up to where blocks were sent to each since the last tick."""
    joining: Joining | None = None
    nonce: bytes = NO_NONCE
    answers: Mapping[int, int] = field(default_factory=dict[int, int])
    """Heights that answer this replica's hello."""
    # As of the last tick.
    ticked: tuple[int, int] = (0, 0)
    ticked_pool: frozenset[bytes] = frozenset()

    @property
    def working(self) -> int:
        return self.height + 1

    @property
    def is_leader(self) -> bool:
        return self.settings.leader(self.working, self.round) == self.settings.index

    @property
    def has_begun(self) -> bool:
        """Whether the round's leader may propose: the first one at once, a later one once a quorum is in the round."""
        followers = sum(change.vote.round >= self.round for change in self.round_changes.values())
        return self.round == 0 or followers >= self.settings.quorum

    @property
    def is_silent(self) -> bool:
        """Whether this replica may have voted in this height before it lost its disk."""
        return self.joining is not None and (not self.joining.silent_until or self.working <= self.joining.silent_until)


@dataclass(frozen=True, slots=True)
class Start:
    """The replica runs from now on. ``nonce`` is fresh randomness."""

    nonce: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message from anybody; it names its sender, and its signature is not yet checked."""

    message: Message


@dataclass(frozen=True, slots=True)
class Submitted:
    """Payloads from this replica's own clients."""

    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RoundTimeout:
    """The timer of a round ran out."""

    height: int
    round: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The regular one."""


Event: TypeAlias = Start | Received | Submitted | RoundTimeout | Tick


@dataclass(frozen=True, slots=True)
class Persist:
    """On disk before anything is sent that comes after it."""

    record: Record


@dataclass(frozen=True, slots=True)
class Send:
    """To one replica, or to all others."""

    to: int | None
    message: Message


@dataclass(frozen=True, slots=True)
class SetTimer:
    """In place of the one of the same type that runs."""

    delay_ms: int
    timer: RoundTimeout | Tick


@dataclass(frozen=True, slots=True)
class Deliver:
    """A block is final."""

    decided: Decided


@dataclass(frozen=True, slots=True)
class Serve:
    """Send decided blocks, from a height on, to one replica, as many as fit into an answer."""

    to: int
    first: int


@dataclass(frozen=True, slots=True)
class Stabilise:
    """A quorum has everything up to the certificate's height on disk: the log before may go."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Accuse:
    """A replica contradicted itself."""

    evidence: Evidence


Effect: TypeAlias = Persist | Send | SetTimer | Deliver | Serve | Stabilise | Accuse


@dataclass(slots=True)
class Transition:
    """One step under way: the state so far, what is to be done, and one's own messages that are still to be heard."""

    state: State
    effects: list[Effect] = field(default_factory=list[Effect])
    own: list[Message] = field(default_factory=list[Message])

    def update(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def do(self, effect: Effect) -> None:
        self.effects.append(effect)

    def send(self, to: int | None, body: Body) -> None:
        self.do(Send(to, self.state.settings.signed(body)))
