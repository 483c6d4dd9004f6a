"""Directed histories: each sets up the one situation in which a rule matters, and runs it to the end."""

from __future__ import annotations

from functools import partial

from pyml.kdac.pbft.messages import Message, vote_of
from pyml.kdac.pbft.quorum import leader, max_faults
from pyml.kdac.pbft.votes import Kind
from tests.kdac.pbft import adversaries
from tests.kdac.pbft.simulator import Filter, World, let_all, no_cut

RECOVERY_MS = 60_000
QUARRY = 0
"""The replica that decides alone; it leads neither round 0 nor the next ones of height 1."""


def started(n: int, *, seed: int = 0, byzantine: dict[int, Filter] | None = None) -> World:
    world = World(seed, n, byzantine=byzantine)
    for place in range(n):
        world.start(place)
    return world


def heal(world: World) -> World:
    """Links work, all machines are up; then everything must be settled in time."""
    world.blocked = no_cut
    world.choose = let_all
    world.drop = 0.0
    for place, node in enumerate(world.nodes):
        node.crash_after = None
        world.start(place)
    world.require_recovery(RECOVERY_MS)
    return world


def one_decides_alone(n: int, *, byzantine: dict[int, Filter] | None = None) -> World:
    """Only one replica sees the commits of round 0; it decides and is cut off. The others' pools differ."""
    world = started(n, byzantine=byzantine)
    quarry = world.nodes[QUARRY]

    def choose(source: int, target: int, message: Message) -> bool:
        vote = vote_of(message)
        if vote.kind is Kind.FORWARD:
            return False
        return target == QUARRY or (vote.kind, vote.height, vote.round) != (Kind.COMMIT, 1, 0)

    world.choose = choose
    world.blocked = lambda source, target: bool(quarry.archive) and QUARRY in (source, target)
    for place in range(1, n):
        world.submit(place, b"message of %d" % place)
    assert world.run(1000, done=lambda: bool(quarry.archive))
    return world


def lock_holds(n: int) -> World:
    """The others change rounds without the one that decided, and must decide the same."""
    world = one_decides_alone(n)
    world.run(3000)
    assert world.chain[1] == world.nodes[QUARRY].archive[0].block.digest
    assert any(len(node.archive) > 1 for node in world.nodes), "the others went on without it"
    return heal(world)


def usurper_is_refused(n: int) -> World:
    """The leaders of the next rounds are Byzantine and propose another block, with claims that are not a quorum's."""
    faulty = {leader(1, round_, n): adversaries.agree_to_everything for round_ in range(1, 1 + max_faults(n))}
    world = one_decides_alone(n, byzantine=faulty)
    for index in faulty:
        world.rivals[b""] = b"x" * 32
        adversaries.usurp(world, index)
    world.run(3000)
    return heal(world)


def halves_wait(n: int) -> World:
    """Two halves, each with a message of its own: neither decides; together again, both are ordered."""
    world = started(n)
    world.blocked = lambda source, target: (source < n // 2) != (target < n // 2)
    world.submit(0, b"left")
    world.submit(n - 1, b"right")
    world.run(4000)
    if n != 5 and n != 7:  # an odd number's larger half may be a quorum
        assert not world.chain
    return heal(world)


def crashed(n: int, place: int, effects: int, *, returns_after_ms: int | None) -> World:
    """A machine dies after so many effects of its run; the others go on, and it comes back or does not."""
    world = started(n)
    world.nodes[place].crash_after = effects
    for k in range(4):
        world.at(10 + 60 * k, partial(world.submit, (place + 1 + k % (n - 1)) % n, b"message %d" % k))
    if returns_after_ms is not None:
        world.run(returns_after_ms)
        world.nodes[place].crash_after = None
        world.start(place)
    world.run(400)
    world.require_recovery(RECOVERY_MS)
    return world


def wiped_is_silent(n: int) -> World:
    """A replica that has a lock, and told so, loses its disk while a block is decided at one place only."""
    world = one_decides_alone(n)
    node = world.nodes[1]
    assert world.run(3000, done=lambda: (Kind.ROUND_CHANGE, 1) in node.state.sent)
    world.crash(1, wipe=True)
    world.start(1, joining=True)
    world.run(world.now + 2000)
    return heal(world)
