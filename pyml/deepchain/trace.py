"""A verification as a row of modular multiplications, each of which a contract can check by itself.

States S_0 = 1, S_1, …; step t makes S_(t+1) of S_t and of an operand whose place follows from t alone. A Merkle tree
over the states fixes them before anyone says which step is in doubt. Steps, programs and bytes are described in
docs/deepchain-disputes.md; the programs themselves are in ``trace_programs``; ``contracts/deepchain`` has the twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from pyml.crypto.big_integers import big
from pyml.crypto.merkle import MerkleTree, node_hash, root_of
from pyml.errors import InputError


class Kind(IntEnum):
    """What a step does; the numbers are the contract's."""

    RESET = 0
    SQUARE = 1
    MULTIPLY = 2
    KEEP = 3
    EQUAL = 4


class Origin(IntEnum):
    """Where an operand is bound; the numbers are the contract's."""

    NONE = 0
    KEY = 1
    VECTOR = 2
    AGGREGATE = 3
    SHARE = 4
    RESULT = 5
    PROOF = 6
    """Element 0 is ``a``, element 1 ``b``."""
    STATE = 7


@dataclass(frozen=True, slots=True)
class Source:
    """A number by its place: a leaf of a posted tree, an element of the proof, or an earlier state."""

    origin: Origin
    place: int = 0


NOTHING = Source(Origin.NONE)


@dataclass(frozen=True, slots=True)
class Step:
    """Step t: what it does, and with which operand."""

    kind: Kind
    source: Source = NOTHING


@dataclass(frozen=True, slots=True)
class Powers:
    """∏ bases[j] ** exponents[j], bit by bit from the highest of ``bits``."""

    bases: tuple[Source, ...]
    exponents: tuple[int, ...]
    bits: int

    @property
    def length(self) -> int:
        return 1 + self.bits * (1 + len(self.bases))

    def step(self, place: int) -> Step:
        """Step ``place`` of this segment."""
        if place == 0:
            return Step(Kind.RESET)
        position, slot = divmod(place - 1, 1 + len(self.bases))
        if slot == 0:
            return Step(Kind.SQUARE)
        bit = self.exponents[slot - 1] >> (self.bits - 1 - position) & 1
        return Step(Kind.MULTIPLY, self.bases[slot - 1]) if bit else Step(Kind.KEEP)


@dataclass(frozen=True, slots=True)
class Single:
    """A segment of one step."""

    only: Step

    @property
    def length(self) -> int:
        return 1

    def step(self, place: int) -> Step:
        del place
        return self.only


Segment = Powers | Single


@dataclass(frozen=True, slots=True)
class Program:
    """All segments of a verification, with the numbers that its sources stand for."""

    modulus: int
    residue_bytes: int
    segments: tuple[Segment, ...]
    resolve: Callable[[Source], int]
    """The number at a place, for every origin but ``STATE``."""

    @property
    def length(self) -> int:
        """T: steps before the padding."""
        return sum(segment.length for segment in self.segments)

    @property
    def depth(self) -> int:
        """d: the tree has 2^d leaves."""
        return self.length.bit_length()  # T + 1 states: the least d with 2^d > T

    def step(self, place: int) -> Step:
        """Step t for every t below 2^d - 1."""
        rest = place
        for segment in self.segments:
            if rest < segment.length:
                return segment.step(rest)
            rest -= segment.length
        return Step(Kind.KEEP)

    def steps(self) -> Iterator[Step]:
        """All steps in order, without the padding."""
        for segment in self.segments:
            for place in range(segment.length):
                yield segment.step(place)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A program with all its states."""

    program: Program
    states: tuple[int, ...]
    """S_0 … S_T."""
    failed: int | None
    """The first EQUAL step that does not hold; a true statement has none."""
    tree: MerkleTree

    @property
    def root(self) -> bytes:
        return self.tree.root

    def state(self, place: int) -> int:
        """State at a leaf, also of the padding."""
        return self.states[min(place, len(self.states) - 1)]

    def operand(self, step: Step) -> int:
        """The number that a step multiplies by or compares with."""
        if step.source.origin is Origin.STATE:
            return self.state(step.source.place)
        return 1 if step.source.origin is Origin.NONE else self.program.resolve(step.source)

    def children(self, level: int, position: int) -> tuple[bytes, bytes]:
        """What is below node ``position`` of a level; leaves are level 0, the root is level d."""
        if not 1 <= level <= self.program.depth or not 0 <= position < 1 << (self.program.depth - level):
            raise InputError("a node is out of the trace's tree", got=(level, position))
        below = self.tree.levels[level - 1]
        return below[2 * position], below[2 * position + 1]


@dataclass(frozen=True, slots=True)
class Justification:
    """All numbers of a step t, for whoever knows the roots: ``path`` is shared by S_t and S_(t+1)."""

    place: int
    before: int
    after: int
    operand: int
    path: tuple[bytes, ...]
    state_path: tuple[bytes, ...]
    """Of the operand, where it is an earlier state; of other operands the tree's owner gives it."""


def run(program: Program) -> Trace:
    """All states; the price of a full verification and a hash each."""
    states: list[int] = [big(1)]
    state, failed = states[0], None
    for place, step in enumerate(program.steps()):
        operand = _operand(program, states, step)
        if step.kind is Kind.EQUAL and state != operand and failed is None:
            failed = place
        state = advance(step.kind, state, operand, program.modulus)
        states.append(state)
    hashed = [int(value).to_bytes(program.residue_bytes, "big") for value in states]
    hashed += [hashed[-1]] * ((1 << program.depth) - len(hashed))
    return Trace(program, tuple(states), failed, MerkleTree.of(hashed))


def advance(kind: Kind, state: int, operand: int, modulus: int) -> int:
    """S_(t+1); for EQUAL the state itself, whether it is equal or not."""
    if kind is Kind.RESET:
        return big(1)
    if kind is Kind.SQUARE:
        return state * state % modulus
    if kind is Kind.MULTIPLY:
        return state * operand % modulus
    return state


def first_difference(trace: Trace, children: Callable[[int, int], tuple[bytes, bytes]], root: bytes) -> int | None:
    """Descend from another's root along the leftmost difference: the leaf where it departs, ``None`` if nowhere.

    ``children(level, position)`` asks the other side; raises ``InputError`` if what it gives does not hash to the node.
    """
    if root == trace.root:
        return None
    node, position = root, 0
    for level in range(trace.program.depth, 0, -1):
        left, right = children(level, position)
        if node_hash(left, right) != node:
            raise InputError("children do not hash to their node", got=(level, position))
        differs_left = left != trace.children(level, position)[0]
        node, position = (left, 2 * position) if differs_left else (right, 2 * position + 1)
    return position


def justify(trace: Trace, place: int) -> Justification:
    """What an accused shows for step ``place``; raises ``InputError`` for a place without a step."""
    if not 0 <= place < (1 << trace.program.depth) - 1:
        raise InputError("a trace has no such step", expected=f"0 to {(1 << trace.program.depth) - 2}", got=place)
    step = trace.program.step(place)
    of_state = step.source.origin is Origin.STATE
    return Justification(
        place=place,
        before=int(trace.state(place)),
        after=int(trace.state(place + 1)),
        operand=int(trace.operand(step)),
        path=trace.tree.path(place, 2),
        state_path=trace.tree.path(step.source.place) if of_state else (),
    )


def verify_step(program: Program, root: bytes, shown: Justification) -> bool:
    """What the contract checks, but for the paths of operands in other trees, which ``program.resolve`` stands for."""
    step, leaves, size = program.step(shown.place), 1 << program.depth, program.residue_bytes
    if not 0 <= shown.before < program.modulus or not 0 <= shown.after < program.modulus:
        return False
    if shown.place == 0 and shown.before != 1:
        return False
    pair = [shown.before.to_bytes(size, "big"), shown.after.to_bytes(size, "big")]
    try:
        if root_of(pair, first=shown.place, count=leaves, path=shown.path) != root:
            return False
        if not _is_bound(program, root, step, shown):
            return False
    except InputError:
        return False
    if step.kind is Kind.EQUAL and shown.before != shown.operand:
        return False
    return advance(step.kind, shown.before, shown.operand, program.modulus) == shown.after


def _is_bound(program: Program, root: bytes, step: Step, shown: Justification) -> bool:
    if step.source.origin is Origin.STATE:
        if not 0 <= shown.operand < program.modulus:
            return False
        leaf = [shown.operand.to_bytes(program.residue_bytes, "big")]
        count = 1 << program.depth
        return root_of(leaf, first=step.source.place, count=count, path=shown.state_path) == root
    return step.source.origin is Origin.NONE or shown.operand == program.resolve(step.source)


def _operand(program: Program, states: list[int], step: Step) -> int:
    if step.source.origin is Origin.STATE:
        return states[step.source.place]
    return 1 if step.source.origin is Origin.NONE else program.resolve(step.source)
