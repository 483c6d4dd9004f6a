"""A seeded, deterministic world for replicas: virtual time, a network that misbehaves, disks that tear, oracles.

It drives ``pyml.kdac.pbft.replica.step``, the same function that the sockets drive. One seed is one history, event by
event. What is watched at every step: that no two honest replicas decide different blocks, that heights have no gap,
that certificates verify, that nothing is ordered that nobody submitted, nor twice within the window, that a vote is on
disk before it leaves, and that no honest replica ever contradicts a vote of its own, crashes included.

Signatures are keyed MACs here, so that 100,000 histories are affordable: a Byzantine replica holds its own key only.
The same rules under real keys are tested in ``test_votes``, ``test_engine`` and the contracts' tests.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pyml.errors import InputError
from pyml.kdac.pbft import merkle, replica
from pyml.kdac.pbft.messages import Blocks, Message, vote_of
from pyml.kdac.pbft.records import Decided, Record, Voted, decode_record, encode_record
from pyml.kdac.pbft.state import (
    Accuse,
    Deliver,
    Effect,
    Event,
    Persist,
    Received,
    Send,
    Serve,
    SetTimer,
    Settings,
    Stabilise,
    Start,
    State,
    Submitted,
)
from pyml.kdac.pbft.votes import Evidence, Kind
from pyml.kdac.pbft.wire import decode, encode

NETWORK = hashlib.sha256(b"a simulated network").digest()
SERVED = 16


class Violation(AssertionError):  # noqa: N818
    """A promise was broken; the message names the seed."""


@dataclass(frozen=True, slots=True)
class MacKeys:
    """Keyed MACs in place of signatures: ``verify`` knows all keys, ``sign`` uses one."""

    index: int
    keys: tuple[bytes, ...]

    @classmethod
    def all(cls, n: int) -> list[MacKeys]:
        keys = tuple(hashlib.sha256(b"replica %d" % i).digest() for i in range(n))
        return [cls(index, keys) for index in range(n)]

    def sign(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self.keys[self.index], digest_size=64).digest() + b"\0"

    def verify(self, sender: int, digest: bytes, signature: bytes) -> bool:
        return hashlib.blake2b(digest, key=self.keys[sender], digest_size=64).digest() + b"\0" == signature


@dataclass(slots=True)
class Node:
    """An instance of a replica with its disk. Twins are two instances with one index."""

    index: int
    settings: Settings
    state: State
    is_honest: bool = True
    is_up: bool = False
    disk: list[Record] = field(default_factory=list[Record])
    archive: list[Decided] = field(default_factory=list[Decided])
    timers: dict[type, int] = field(default_factory=dict[type, int])
    owed: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """Payloads of its clients that are not final here yet, by leaf; a client submits again after a crash."""
    evidence: list[Evidence] = field(default_factory=list[Evidence])
    crash_after: int | None = None
    """Effects that are still carried out before the machine dies."""
    stable: int = 0
    has_lost_disk: bool = False
    """It has run, and nothing is left: the engine refuses to resume without a log, it can only rejoin."""


Filter = Callable[["World", int, int, Message], Sequence[Message]]
"""What becomes of a message of a Byzantine sender on its way to one instance."""


def no_cut(_source: int, _target: int) -> bool:
    return False


def let_all(_source: int, _target: int, _message: Message) -> bool:
    return True


def let_none(_source: int, _target: int, _message: Message) -> bool:
    return False


class World:
    """See the module. ``blocked`` says whether a link (from instance, to instance) is cut at this moment."""

    def __init__(self, seed: int, n: int, *, byzantine: dict[int, Filter] | None = None, **settings: Any) -> None:
        self.seed, self.n, self.rng = seed, n, Random(seed)
        self.now, self.steps = 0, 0
        self.drop = self.duplicate = 0.0
        self.delay: tuple[int, int] = (1, 20)
        self.is_encoded = False
        self.blocked: Callable[[int, int], bool] = no_cut
        self.choose: Callable[[int, int, Message], bool] = let_all
        """Whether a message is let through; for directed schedules."""
        self.byzantine = byzantine or {}
        self.trace = hashlib.sha256()
        self.chain: dict[int, bytes] = {}
        self.submitted: set[bytes] = set()
        self.rivals: dict[bytes, bytes] = {}
        """Of equivocating leaders: the block that one half saw, and that of the other."""
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._voted: dict[tuple[int, Kind, int, int], bytes] = {}
        values = {"round_ms": 200, "tick_ms": 100, "batch": 3, "duplicate_window": 16, "checkpoint_interval": 3}
        values.update(settings)
        self.nodes: list[Node] = []
        for keys in MacKeys.all(n):
            made = Settings(keys.index, n, NETWORK, keys, **values)
            self.nodes.append(Node(keys.index, made, replica.initial(made), keys.index not in self.byzantine))

    # Building histories

    def at(self, time: int, action: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (time, self._sequence, action))

    def add_twin(self, index: int) -> int:
        """A second instance with the same key, its own disk; neither counts as honest."""
        settings = self.nodes[index].settings
        self.nodes[index].is_honest = False
        self.nodes.append(Node(index, settings, replica.initial(settings), is_honest=False))
        return len(self.nodes) - 1

    def start(self, place: int, *, joining: bool = False) -> None:
        node = self.nodes[place]
        if node.is_up or (node.has_lost_disk and not joining):
            return
        node.is_up, node.crash_after, node.has_lost_disk = True, None, False
        if joining:
            node.state = replica.initial(node.settings, joining=True)
        else:
            records = [decode_record(encode_record(record)) for record in node.disk]
            node.state = replica.restore(node.settings, records)
            for record in records:
                if isinstance(record, Decided) and record.block.height > len(node.archive):
                    self._deliver(node, record)  # the machine died between its disk and whoever consumes
        self.step(place, Start(self.rng.randbytes(16)))
        if node.owed:
            self.step(place, Submitted(tuple(node.owed.values())))

    def crash(self, place: int, *, wipe: bool = False) -> None:
        node = self.nodes[place]
        node.is_up, node.timers = False, {}
        if wipe:
            node.disk, node.archive, node.stable, node.has_lost_disk = [], [], 0, True

    def submit(self, place: int, payload: bytes) -> None:
        node = self.nodes[place]
        leaf = merkle.leaf(payload)
        self.submitted.add(leaf)
        node.owed[leaf] = payload
        if node.is_up:
            self.step(place, Submitted((payload,)))

    # Running

    def run(self, until: int, *, done: Callable[[], bool] = lambda: False) -> bool:
        """Run to a time, or until ``done``; says whether it is done."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heapq.heappop(self._queue)
            action()
            if done():
                return True
        self.now = max(self.now, until)
        return done()

    def step(self, place: int, event: Event) -> None:
        node = self.nodes[place]
        if not node.is_up:
            return
        self.steps += 1
        node.state, effects = replica.step(node.state, event)
        for effect in effects:
            if node.crash_after is not None:
                if node.crash_after == 0:
                    self.crash(place)
                    return
                node.crash_after -= 1
            self._carry_out(place, node, effect)
        if node.state.stable is not None and node.state.stable.height > node.stable:
            node.stable = node.state.stable.height
            node.disk = list(replica.snapshot(node.state))

    def _carry_out(self, place: int, node: Node, effect: Effect) -> None:
        if isinstance(effect, Persist):
            node.disk.append(effect.record)
        elif isinstance(effect, Send):
            self._check_vote(node, effect.message)
            for target, other in enumerate(self.nodes):
                if other.index == effect.to or (effect.to is None and other.index != node.index):
                    self._send(place, target, effect.message)
        elif isinstance(effect, SetTimer):
            self._set_timer(place, node, effect)
        elif isinstance(effect, Deliver):
            self._deliver(node, effect.decided)
        elif isinstance(effect, Serve):
            self._serve(place, node, effect)
        elif isinstance(effect, Accuse):
            node.evidence.append(effect.evidence)
            self._check_evidence(node, effect.evidence)
        else:
            assert isinstance(effect, Stabilise)

    def _serve(self, place: int, node: Node, effect: Serve) -> None:
        blocks = [d for d in node.archive if d.block.height >= effect.first][:SERVED]
        answer = node.settings.signed(Blocks(tuple((d.block, d.certificate) for d in blocks)))
        for target, other in enumerate(self.nodes):
            if other.index == effect.to and blocks:
                self._send(place, target, answer)

    def _set_timer(self, place: int, node: Node, effect: SetTimer) -> None:
        kind = type(effect.timer)
        self._sequence += 1
        generation = node.timers[kind] = self._sequence

        def fire() -> None:
            if node.timers.get(kind) == generation:
                self.step(place, effect.timer)

        self.at(self.now + effect.delay_ms, fire)

    def _send(self, source: int, target: int, message: Message) -> None:
        if not self.choose(source, target, message):
            return
        change = self.byzantine.get(self.nodes[source].index)
        messages = change(self, source, target, message) if change else (message,)
        for item in messages:
            copies = 2 if self.duplicate and self.rng.random() < self.duplicate else 1
            for _ in range(copies):
                if self.blocked(source, target) or (self.drop and self.rng.random() < self.drop):
                    continue
                self.post(target, item)

    def post(self, target: int, message: Message | bytes) -> None:
        """Put a message, or any bytes, on its way."""
        if self.is_encoded and not isinstance(message, bytes):
            message = encode(message)

        def arrive() -> None:
            self.receive(target, message)

        self.at(self.now + self.rng.randint(*self.delay), arrive)

    def receive(self, target: int, message: Message | bytes) -> None:
        if isinstance(message, bytes):
            try:
                message = decode(message)
            except InputError:
                return
        vote = vote_of(message)
        self.trace.update(b"%d %d %d" % (self.now, target, vote.kind) + vote.digest)
        self.step(target, Received(message))

    # Oracles

    def _fail(self, what: str) -> None:
        raise Violation(f"{what} [seed {self.seed}, n {self.n}, at {self.now} ms, step {self.steps}]")

    def _deliver(self, node: Node, decided: Decided) -> None:
        block, certificate = decided.block, decided.certificate
        if block.height != len(node.archive) + 1:
            self._fail(f"replica {node.index} decided height {block.height} after {len(node.archive)}")
        node.archive.append(decided)
        for leaf in block.leaves:
            node.owed.pop(leaf, None)
        if not node.is_honest:
            return
        if self.chain.setdefault(block.height, block.digest) != block.digest:
            self._fail(f"two blocks were decided at height {block.height}")
        if (certificate.height, certificate.digest) != (block.height, block.digest):
            self._fail("a certificate is for another block")
        if not node.settings.verify_certificate(certificate):
            self._fail("a certificate does not verify")
        window = node.archive[-node.settings.duplicate_window :]
        leaves = [leaf for item in window for leaf in item.block.leaves]
        if len(set(leaves)) != len(leaves):
            self._fail("a payload was ordered twice")
        if not self.byzantine and not self.submitted.issuperset(block.leaves):
            self._fail("a payload was ordered that nobody submitted")

    def _check_vote(self, node: Node, message: Message) -> None:
        vote = vote_of(message)
        if not node.is_honest or vote.kind > Kind.ROUND_CHANGE or vote.sender != node.index:
            return
        place = (node.index, vote.kind, vote.height, vote.round)
        if self._voted.setdefault(place, vote.digest) != vote.digest:
            self._fail(f"replica {node.index} contradicted itself: {vote.kind.name}, round {vote.round}")
        if not any(isinstance(record, Voted) and vote_of(record.message) == vote for record in node.disk):
            self._fail(f"replica {node.index} voted before it was on disk")

    def _check_evidence(self, node: Node, evidence: Evidence) -> None:
        if not node.is_honest:
            return
        if not evidence.verify(node.settings.authenticator, NETWORK):
            self._fail("evidence does not verify")
        if any(other.is_honest and other.index == evidence.first.sender for other in self.nodes):
            self._fail("an honest replica was accused")

    # Asking

    @property
    def honest(self) -> list[Node]:
        return [node for node in self.nodes if node.is_honest]

    def is_settled(self) -> bool:
        """Whether all honest replicas that are up are at the same height and owe their clients nothing."""
        up = [node for node in self.honest if node.is_up]
        return len({len(node.archive) for node in up}) == 1 and not any(node.owed for node in up)

    def require_recovery(self, within_ms: int) -> None:
        """Bounded recovery: from now on, everything is settled within a time."""
        start = self.now
        if not self.run(start + within_ms, done=self.is_settled):
            heights = [len(node.archive) for node in self.nodes]
            owed = [len(node.owed) for node in self.nodes]
            rounds = [node.state.round for node in self.nodes]
            self._fail(f"no recovery within {within_ms} ms: heights {heights}, owed {owed}, rounds {rounds}")

    @property
    def fingerprint(self) -> str:
        return self.trace.hexdigest()
