"""Random histories: from a seed to replicas, faults and their moments, within what the number of replicas must bear."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from pyml.kdac.pbft.messages import Message, vote_of
from pyml.kdac.pbft.votes import Kind
from tests.kdac.pbft import adversaries
from tests.kdac.pbft.simulator import Filter, World, let_all, no_cut

TURMOIL_MS = 1500
"""Faults happen so long; then links heal, machines come back, and only the Byzantine stay as they are."""
RECOVERY_MS = 60_000
"""Bound on recovery: a round may last 64 times the first, 12.8 s here, when the links heal."""
HUNTED = 0.25
"""Share of the histories with an adversary who knows what is decided when."""
SIZES = (4, 4, 4, 4, 5, 6, 7)


def run(seed: int) -> World:
    """One history to its end; raises ``Violation``, with the seed, if a promise was broken."""
    rng = Random(seed)
    n = rng.choice(SIZES)
    faulty = rng.sample(range(n), rng.randint(0, (n - 1) // 3))
    twins = [index for index in faulty if rng.random() < 0.2]
    wiped = [index for index in faulty if index not in twins and rng.random() < 0.2]
    liars = [index for index in faulty if index not in twins and index not in wiped]
    filters: dict[int, Filter] = {index: rng.choice(adversaries.FILTERS) for index in liars}
    world = World(seed, n, byzantine=filters)
    for index in twins:
        world.add_twin(index)
    world.drop, world.duplicate = rng.choice((0.0, 0.05, 0.3)), rng.choice((0.0, 0.1))
    world.delay = rng.choice(((1, 20), (1, 120), (10, 12)))
    world.is_encoded = rng.random() < 0.1
    _start(world, rng)
    _partition(world, rng)
    _crash(world, rng, wiped)
    if rng.random() < HUNTED:
        _hunt(world, rng)
    for index in liars:
        for time in sorted(rng.sample(range(TURMOIL_MS), 2)):
            world.at(time, partial(adversaries.usurp, world, index))
    for k in range(rng.randint(2, 6)):
        place = rng.choice([index for index in range(n) if index not in faulty])
        world.at(rng.randrange(TURMOIL_MS), partial(world.submit, place, b"message %d" % k))
    world.run(TURMOIL_MS)
    _heal(world)
    world.require_recovery(RECOVERY_MS)
    return world


def _start(world: World, rng: Random) -> None:
    """All at once, or with one that comes late."""
    late = rng.randrange(world.n) if rng.random() < 0.2 else None
    for place in range(len(world.nodes)):
        world.at(rng.randrange(TURMOIL_MS) if place == late else 0, partial(world.start, place))


def _partition(world: World, rng: Random) -> None:
    """Cuts: halves, one alone, one direction only, flapping; also between an instance and half of a pair of twins."""
    cuts: list[tuple[int, int, Callable[[int, int, int], bool]]] = []
    for _ in range(rng.choice((0, 1, 1, 2))):
        start = rng.randrange(TURMOIL_MS)
        side = set(rng.sample(range(len(world.nodes)), rng.choice((1, len(world.nodes) // 2))))
        period = rng.choice((0, 0, 70))
        is_one_way = rng.random() < 0.3

        def is_cut(
            now: int, source: int, target: int, side: set[int] = side, period: int = period, one: bool = is_one_way
        ) -> bool:
            if period and (now // period) % 2:
                return False
            return (source in side and target not in side) or (not one and target in side and source not in side)

        cuts.append((start, start + rng.randrange(100, TURMOIL_MS), is_cut))

    def blocked(source: int, target: int) -> bool:
        return any(start <= world.now < end and is_cut(world.now, source, target) for start, end, is_cut in cuts)

    world.blocked = blocked


def _crash(world: World, rng: Random, wiped: list[int]) -> None:
    """Machines die between two steps or within one, and come back with their disk; the ``wiped`` without."""
    for _ in range(rng.choice((0, 1, 2, 4))):
        place, time = rng.randrange(len(world.nodes)), rng.randrange(TURMOIL_MS)
        if rng.random() < 0.5:
            world.at(time, partial(_crash_within, world, place, rng.randrange(6)))
        else:
            world.at(time, partial(world.crash, place))
        world.at(time + rng.randrange(20, 600), partial(world.start, place))
    for place in wiped:
        time = rng.randrange(200, TURMOIL_MS)
        world.at(time, partial(world.crash, place, wipe=True))
        world.at(time + 1, partial(world.start, place, joining=True))


def _hunt(world: World, rng: Random) -> None:
    """One replica alone sees the commits of a height, decides, and is cut off: the others must come to the same block.

    Their pools differ meanwhile, since half of what is passed on is lost.
    """
    height, quarry = rng.randint(1, 2), rng.choice([node.index for node in world.honest])
    node, cut_before, lasts = world.nodes[quarry], world.blocked, rng.randrange(400, 1200)
    decided_at: list[int] = []

    def choose(source: int, target: int, message: Message) -> bool:
        vote = vote_of(message)
        if vote.kind is Kind.FORWARD:
            return rng.random() < 0.5
        if decided_at or target == quarry:
            return True
        return (vote.kind, vote.height, vote.round) != (Kind.COMMIT, height, 0)

    def blocked(source: int, target: int) -> bool:
        if not decided_at and len(node.archive) >= height:
            decided_at.append(world.now)
        is_cut = bool(decided_at) and world.now < decided_at[0] + lasts and quarry in (source, target)
        return is_cut or cut_before(source, target)

    world.choose, world.blocked = choose, blocked


def _crash_within(world: World, place: int, effects: int) -> None:
    world.nodes[place].crash_after = effects


def _heal(world: World) -> None:
    world.blocked = no_cut
    world.choose = let_all
    world.drop = world.duplicate = 0.0
    world.delay = (1, 20)
    for place, node in enumerate(world.nodes):
        node.crash_after = None
        world.start(place)
