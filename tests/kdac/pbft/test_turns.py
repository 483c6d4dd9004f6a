"""How long leaders are waited for: short for one that is away, full again for one that is back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.kdac.pbft import replica
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.keccak import ZERO
from pyml.kdac.pbft.messages import Claim, Forward, Message, Proposal, RoundChange, Signed
from pyml.kdac.pbft.state import Effect, Received, RoundTimeout, SetTimer, State, Submitted
from pyml.kdac.pbft.turns import Turns
from pyml.kdac.pbft.votes import Kind
from tests.kdac.pbft import scenarios, schedules
from tests.kdac.pbft.simulator import Node, World, let_none

FULL_MS = 200
"""As the simulator has it, in round 0."""
ABSENT = 2


# The value alone


def test_missed_turns_shorten_the_next_ones() -> None:
    turns, times = Turns(), list[int]()
    for height in (1, 5, 9, 13):
        times.append(turns.time_for(1, 640))
        turns = turns.let_pass(1, height)
    assert times == [640, 80, 10, 10]
    assert turns.time_for(1, 3) == 1, "a timer is never 0"
    assert turns.time_for(2, 640) == 640, "nobody else pays"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_proposal_in_time_clears(count: int) -> None:
    turns = Turns().let_pass(2, 1)
    for height in range(count):
        turns = turns.let_pass(1, 1 + 4 * height)
    assert turns.used(1) == Turns().let_pass(2, 1)
    assert turns.used(3) == turns


def test_late_proposal_clears_only_if_its_turn_was_short() -> None:
    turns = Turns().let_pass(1, 5).let_pass(1, 9).let_pass(1, 13)
    for height in (9, 13):
        assert turns.heard_late(1, height) == Turns()
    for leader, height in ((1, 5), (1, 1), (2, 9)):
        assert turns.heard_late(leader, height) == turns
    again = turns.heard_late(1, 9).let_pass(1, 17)
    for height in (9, 13, 17):
        assert again.heard_late(1, height) == again, "nothing old excuses a turn that was full"


@given(st.lists(st.sampled_from(["nothing", "late", "in time"]), max_size=40))
def test_late_leader_gets_every_second_turn_at_most(answers: list[str]) -> None:
    turns, waited = Turns(), list[bool]()
    for place, answer in enumerate(answers):
        height = 1 + 4 * place
        is_full = turns.time_for(1, 640) == 640
        if answer == "in time":
            turns = turns.used(1)
            continue
        waited.append(is_full)
        turns = turns.let_pass(1, height)
        if answer == "late":
            turns = turns.heard_late(1, height)
            assert is_full or turns.time_for(1, 640) == 640, "one turn was lost, not two"
        elif place and answers[place - 1] == "nothing":
            assert not is_full
    if "in time" not in answers:
        assert not any(first and second for first, second in itertools.pairwise(waited))


# Within a replica


def _alone(world: World) -> tuple[Node, State]:
    """Replica 0, which nobody else hears, in its first height, with a payload."""
    world.choose = let_none
    node = world.nodes[0]
    state, _ = replica.step(node.state, Submitted((b"message",)))
    return node, state


def _delays(effects: tuple[Effect, ...]) -> list[int]:
    return [e.delay_ms for e in effects if isinstance(e, SetTimer) and isinstance(e.timer, RoundTimeout)]


def _change(world: World, sender: int, round_: int) -> Received:
    vote = world.nodes[sender].settings.vote(Kind.ROUND_CHANGE, 1, round_, ZERO)
    return Received(RoundChange(Claim(vote, None), None, None))


def _proposal(world: World, sender: int, *, height: int = 1, parent: bytes = GENESIS) -> Proposal:
    block = Block(height, parent, (b"message",))
    return Proposal(world.nodes[sender].settings.vote(Kind.PROPOSE, height, 0, block.digest), block, (), None)


def test_round_changes_of_others_say_nothing_about_a_leader() -> None:
    """f + 1 of them move a replica on; whether the leader was there, only its own timer says."""
    world = scenarios.started(4)
    _, state = _alone(world)
    for sender in (2, 3):
        state, _ = replica.step(state, _change(world, sender, 1))
    assert state.round == 1
    assert state.turns == Turns()


def test_turn_above_round_0_begins_with_a_quorum() -> None:
    """Until then the timer only asks again, at full length; a leader that could not propose has missed nothing."""
    world = scenarios.started(4)
    _, state = _alone(world)
    state, effects = replica.step(state, RoundTimeout(1, 0))
    assert list(state.turns.missed) == [1]
    assert _delays(effects) == [2 * FULL_MS]
    state, effects = replica.step(state, RoundTimeout(1, 1))
    assert (state.round, list(state.turns.missed)) == (1, [1])
    assert _delays(effects) == [2 * FULL_MS]
    state, effects = replica.step(state, _change(world, 1, 1))
    assert not _delays(effects)
    state, effects = replica.step(state, _change(world, 3, 1))
    assert _delays(effects) == [2 * FULL_MS], "a full turn from now on"
    state, _ = replica.step(state, RoundTimeout(1, 1))
    assert (state.round, sorted(state.turns.missed)) == (2, [1, 2])


def test_short_turn_above_round_0_does_not_ask_more_often() -> None:
    world = scenarios.started(4)
    _, state = _alone(world)
    doubted = Turns().let_pass(2, 1).let_pass(2, 1)
    state = _doubting(state, doubted)
    state, effects = replica.step(state, RoundTimeout(1, 0))
    assert _delays(effects) == [2 * FULL_MS], "no quorum is in round 1"
    for sender in (1, 3):
        state, effects = replica.step(state, _change(world, sender, 1))
    assert _delays(effects) == [2 * FULL_MS // 64]


@pytest.mark.parametrize("is_doubted", [True, False])
def test_accepted_proposal_has_the_full_time_to_be_voted_on(is_doubted: bool) -> None:
    world = scenarios.started(4)
    node, _ = _alone(world)
    state = _doubting(node.state, Turns().let_pass(1, 1) if is_doubted else Turns())
    state, effects = replica.step(state, Submitted((b"message",)))
    assert _delays(effects) == [FULL_MS // 8 if is_doubted else FULL_MS]
    state, effects = replica.step(state, Received(_proposal(world, 1)))
    assert _delays(effects) == ([FULL_MS] if is_doubted else [])
    assert state.turns == Turns()


@pytest.mark.parametrize("wrong", ["leader", "signature", "full turn", "later round"])
def test_late_proposal_of_a_short_turn_clears_and_no_other_does(wrong: str) -> None:
    world = scenarios.started(4)
    node, _ = _alone(world)
    state = _doubting(node.state, Turns().let_pass(1, 1 if wrong == "full turn" else 0))
    state, _ = replica.step(state, Submitted((b"message",)))
    state, _ = replica.step(state, RoundTimeout(1, 0))
    state = replace(state, round=5)
    good, settings = _proposal(world, 1), world.nodes[1].settings
    late = {
        "leader": _proposal(world, 3),
        "signature": replace(good, vote=replace(good.vote, signature=bytes(65))),
        "full turn": good,
        "later round": replace(good, vote=settings.vote(Kind.PROPOSE, 1, 4, good.block.digest)),
    }
    assert replica.step(state, Received(late[wrong]))[0].turns == state.turns
    if wrong != "full turn":
        after, effects = replica.step(state, Received(good))
        assert after.turns == Turns()
        assert not effects, "it is not voted for: its round is over"


def test_late_proposal_of_a_height_that_is_decided_clears_too() -> None:
    world = scenarios.started(4)
    for k in range(3):
        world.submit(0, b"message %d" % k)
        world.require_recovery(2000)
    node = world.nodes[0]
    late = Received(_proposal(world, 1))
    assert replica.step(_doubting(node.state, Turns().let_pass(1, 0)), late)[0].turns == Turns()
    doubted = Turns().let_pass(1, 1)
    assert replica.step(_doubting(node.state, doubted), late)[0].turns == doubted


def _doubting(state: State, turns: Turns) -> State:
    return replace(state, turns=turns)


# Among replicas


def _order(world: World, count: int, *, name: bytes = b"message", place: int = 0) -> list[int]:
    """Messages one after the other, each final before the next; how long each took."""
    times = list[int]()
    for k in range(count):
        start = world.now
        world.submit(place, b"%s %d" % (name, k))
        world.require_recovery(scenarios.RECOVERY_MS)
        times.append(world.now - start)
    return times


def _proposers(world: World, first: int) -> list[int]:
    """Who led the round in which each block from a height on was decided, as replica 0 saw it."""
    decided = world.nodes[0].archive[first:]
    return [world.nodes[0].settings.leader(d.certificate.height, d.certificate.round) for d in decided]


def test_dead_leader_costs_its_full_time_once() -> None:
    world = World(0, 4)
    world.delay = (1, 1)
    for place in (0, 1, 3):
        world.start(place)
    turns = [time for height, time in enumerate(_order(world, 24), start=1) if height % 4 == ABSENT]
    assert turns[0] >= FULL_MS
    assert FULL_MS // 8 <= turns[1] < FULL_MS // 4
    assert max(turns[2:]) < FULL_MS // 8


@pytest.mark.parametrize("delay", [(1, 1), (10, 12), (1, 60)], ids=["near", "far", "wavering"])
@pytest.mark.parametrize("n", [4, 7])
def test_leader_that_returns_gets_its_turns_back(n: int, delay: tuple[int, int]) -> None:
    """Also where its proposals take longer than the short turns that it then has."""
    world = World(0, n)
    for place in set(range(n)) - {ABSENT}:
        world.start(place)
    _order(world, 4 * n)
    short = [node for node in world.nodes if node.is_up and node.state.turns.time_for(ABSENT, FULL_MS) == FULL_MS // 64]
    assert len(short) > world.nodes[0].settings.max_faults, "enough to move the others"
    world.start(ABSENT)
    world.delay = delay
    world.require_recovery(2000)
    _order(world, 3 * n, name=b"after")
    before = len(world.chain)
    _order(world, 3 * n, name=b"later")
    assert _proposers(world, before).count(ABSENT) == 3, "every turn of its own"
    assert not any(node.state.turns.is_short(ABSENT) for node in world.nodes)


def test_doubt_of_one_replica_alone_passes_while_another_is_down() -> None:
    """Without the one that doubts and the one that is down, the others are no quorum."""
    world = scenarios.started(4)
    world.delay = (10, 12)
    world.crash(3)
    _order(world, 8)
    node = world.nodes[0]
    node.state = _doubting(node.state, node.state.turns.let_pass(1, 0).let_pass(1, 0))
    _order(world, 8, name=b"after", place=2)
    before = len(world.chain)
    _order(world, 8, name=b"later", place=2)
    assert _proposers(world, before).count(1) == 2
    assert not node.state.turns.is_short(1)


@pytest.mark.parametrize("is_shown", [False, True])
def test_liar_takes_no_turn_from_a_leader_that_has_something_to_propose(is_shown: bool) -> None:
    """Replica 3 shows its clients' messages to all but replica 1, whose turns then pass: it was not given anything.

    As soon as anybody honest has a message for it, it proposes, is heard, and has its turns.
    """

    def hide(_world: World, _source: int, target: int, message: Message) -> tuple[Message, ...]:
        is_hidden = target == 1 and isinstance(message, Signed) and isinstance(message.body, Forward)
        return () if is_hidden else (message,)

    world = scenarios.started(4, byzantine={3: hide})
    for k in range(40):
        world.at(world.now + 1 + 400 * k, partial(world.submit, 3, b"hidden %d" % k))
        if is_shown:
            world.at(world.now + 400 * k, partial(world.submit, 0, b"shown %d" % k))
    world.run(20_000)
    assert len(world.chain) >= 30
    turns = _proposers(world, 20).count(1)
    assert (turns >= (len(world.chain) - 20) // 4) == is_shown


def _always_short(_turns: Turns, _leader: int, _full_ms: int) -> int:
    return 1


def _never_short(_turns: Turns, _leader: int, full_ms: int) -> int:
    return full_ms


def _whimsical(turns: Turns, leader: int, full_ms: int) -> int:
    return max(1, full_ms >> (7 * leader + len(turns.missed)) % 8)


@pytest.mark.parametrize("time_for", [_always_short, _never_short, _whimsical])
def test_no_promise_depends_on_how_long_turns_are(
    time_for: Callable[[Turns, int, int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agreement and bounded recovery in random histories, whatever replicas think of leaders."""
    monkeypatch.setattr(Turns, "time_for", time_for)
    for seed in range(5000, 5040):
        schedules.run(seed)
