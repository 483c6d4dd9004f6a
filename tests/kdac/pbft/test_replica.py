"""The list of what a trusted Byzantine fault tolerant machine survives (specification, section 3), one by one."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from pyml.kdac.pbft import replica
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.messages import Blocks, Claim, Forward, Message, Proposal, RoundChange, Signed
from pyml.kdac.pbft.records import Decided, Joining, Voted
from pyml.kdac.pbft.state import Received, Send, Start, Submitted
from pyml.kdac.pbft.votes import Kind, Vote
from tests.kdac.pbft import adversaries, scenarios
from tests.kdac.pbft.simulator import NETWORK, Filter, MacKeys, World, let_none

SIZES = [4, 5, 6, 7]


@pytest.mark.parametrize("n", SIZES)
def test_messages_are_ordered_without_faults(n: int) -> None:
    world = scenarios.started(n)
    for k in range(10):
        world.at(20 * k, partial(world.submit, k % n, b"message %d" % k))
    world.run(300)
    world.require_recovery(2000)
    ordered = [payload for decided in world.nodes[0].archive for payload in decided.block.payloads]
    assert sorted(ordered) == sorted(b"message %d" % k for k in range(10))
    assert all(node.state.round == 0 for node in world.nodes)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_replicas_order_too(n: int) -> None:
    world = scenarios.started(n)
    world.submit(0, b"first")
    world.submit(n - 1, b"second")
    world.require_recovery(2000)
    assert len(world.chain) >= 1


def test_leaders_take_turns() -> None:
    world = scenarios.started(4)
    proposers: list[int] = []

    def choose(source: int, target: int, message: Message) -> bool:
        if isinstance(message, Proposal) and target == 0:
            proposers.append(source)
        return True

    world.choose = choose
    for k in range(8):
        world.submit(0, b"message %d" % k)
        world.require_recovery(2000)
    assert proposers == [1, 2, 3, 1, 2, 3]  # replica 0 sends nothing to itself


@pytest.mark.parametrize("place", [1, 3], ids=["leader", "backup"])
@pytest.mark.parametrize("returns_after_ms", [None, 300], ids=["stays down", "returns"])
def test_crash_at_every_phase(place: int, returns_after_ms: int | None) -> None:
    """At every effect of the first heights: between disk and network, between two receivers, between two phases."""
    for effects in range(40):
        scenarios.crashed(4, place, effects, returns_after_ms=returns_after_ms)


@pytest.mark.parametrize("n", SIZES)
def test_more_than_f_down_halts_without_fork_and_resumes(n: int) -> None:
    world = scenarios.started(n)
    down = range(n - world.nodes[0].settings.quorum + 1)
    world.submit(n - 1, b"before")
    world.require_recovery(2000)
    for place in down:
        world.crash(place)
    height = len(world.chain)
    world.submit(n - 1, b"meanwhile")
    world.run(world.now + 20_000)
    assert len(world.chain) == height
    scenarios.heal(world)
    assert len(world.chain) > height


@pytest.mark.parametrize("n", SIZES)
def test_block_that_one_replica_committed_is_the_one_all_decide(n: int) -> None:
    scenarios.lock_holds(n)


@pytest.mark.parametrize("n", SIZES)
def test_unjustified_proposals_are_refused(n: int) -> None:
    scenarios.usurper_is_refused(n)


@pytest.mark.parametrize("n", SIZES)
def test_halves_do_not_decide(n: int) -> None:
    scenarios.halves_wait(n)


@pytest.mark.parametrize("filter_", adversaries.FILTERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("n", [4, 7])
def test_byzantine_replicas_do_not_matter(filter_: Filter, n: int) -> None:
    faulty = {1: filter_} if n == 4 else {1: filter_, 2: filter_}
    world = scenarios.started(n, byzantine=faulty)
    for k in range(4):
        world.at(60 * k, partial(world.submit, (0, 3)[k % 2], b"message %d" % k))
    world.run(400)
    world.require_recovery(scenarios.RECOVERY_MS)


@pytest.mark.parametrize("n", [4, 7])
def test_evidence_of_equivocation_is_kept(n: int) -> None:
    """Leader 1 shows two blocks, and votes for both: honest replicas keep proof of it that anybody can check."""
    world = scenarios.started(n, byzantine={1: adversaries.equivocate})
    world.submit(2, b"message")
    world.run(400)
    world.require_recovery(scenarios.RECOVERY_MS)
    found = [evidence for node in world.honest for evidence in node.evidence]
    assert {evidence.first.sender for evidence in found} == {1}
    assert Kind.PROPOSE in {evidence.first.kind for evidence in found}
    for evidence in found:
        assert evidence.verify(MacKeys.all(n)[0], NETWORK)
        spoiled = replace(evidence.second, signature=bytes(65))
        assert not replace(evidence, second=spoiled).verify(MacKeys.all(n)[0], NETWORK)
        assert not replace(evidence, second=evidence.first).verify(MacKeys.all(n)[0], NETWORK)


def _twins(partitions: tuple[int, ...]) -> None:
    """Instances 0 to 3 and the twin of 1, in two groups for 150 ms at a time, by the bits of each number."""
    world = World(sum(b << (5 * i) for i, b in enumerate(partitions)), 4)
    world.add_twin(1)
    for place in range(5):
        world.start(place)

    def blocked(source: int, target: int) -> bool:
        bits = partitions[min(world.now // 150, len(partitions) - 1)]
        return (bits >> source & 1) != (bits >> target & 1)

    world.blocked = blocked
    for place in (0, 2, 3):
        world.submit(place, b"message of %d" % place)
    world.run(150 * len(partitions))
    scenarios.heal(world)


def test_twins() -> None:
    """Bano et al., "Twins: BFT Systems Made Robust", 2020: two instances with one key, and partitions between all."""
    every = list(itertools.product(range(1, 16), repeat=3))
    for partitions in Random(1).sample(every, 60):
        _twins(partitions)


@pytest.mark.long
def test_all_twins() -> None:
    for partitions in itertools.product(range(1, 16), repeat=3):
        _twins(partitions)


def _is_cut(name: str, now: int, source: int, target: int) -> bool:
    halves = (source < 2) != (target < 2)
    cuts = {
        "2/2": halves,
        "3/1": 1 in (source, target),
        "one way": source == 1,
        "deaf": target == 1,
        "flapping": halves and now // 130 % 2 == 0,
    }
    return cuts[name]


@pytest.mark.parametrize("name", ["2/2", "3/1", "one way", "deaf", "flapping"])
def test_partitions_heal_within_bounds(name: str) -> None:
    world = scenarios.started(4)
    world.blocked = lambda source, target: _is_cut(name, world.now, source, target)
    for k in range(6):
        world.at(300 * k, partial(world.submit, k % 4, b"message %d" % k))
    world.run(3000)
    if name == "2/2":
        assert not world.chain
    else:
        assert world.chain, "a quorum goes on"
    start = world.now
    scenarios.heal(world)
    assert world.now - start <= 2 * (200 << 6), "no longer than the longest round, twice"


@pytest.mark.parametrize("n", SIZES)
def test_late_joiner_catches_up(n: int) -> None:
    world = World(1, n)
    for place in range(n - 1):
        world.start(place)
    for k in range(25):
        world.submit(k % (n - 1), b"message %d" % k)
        world.run(world.now + 100)
    height = len(world.chain)
    assert height >= 8
    world.start(n - 1)
    world.require_recovery(2000)
    assert len(world.nodes[n - 1].archive) >= height


@pytest.mark.parametrize("n", SIZES)
def test_wiped_disk_rejoins_silently_and_then_votes(n: int) -> None:
    world = scenarios.started(n)
    for k in range(5):
        world.submit(0, b"message %d" % k)
        world.require_recovery(2000)
    world.crash(2, wipe=True)
    world.start(2, joining=True)
    votes: list[int] = []

    def choose(source: int, target: int, message: Message) -> bool:
        if source == 2 and isinstance(message, (Vote, Proposal, RoundChange)):
            vote = message if isinstance(message, Vote) else message.vote
            votes.extend([vote.height] if vote.kind is not Kind.CHECKPOINT else [])
        return True

    world.choose = choose
    before = len(world.chain)
    for k in range(5, 25):
        world.submit(0, b"message %d" % k)
        world.require_recovery(scenarios.RECOVERY_MS)
    assert len(world.nodes[2].archive) == len(world.chain)
    assert votes, "it takes part again"
    assert min(votes) > before + 2, "but in no height in which it may have voted before"


def test_wiped_disk_keeps_its_word_while_a_block_is_decided() -> None:
    scenarios.wiped_is_silent(4)


def test_machine_without_its_disk_starts_only_to_rejoin() -> None:
    world = scenarios.started(4)
    world.submit(0, b"message")
    world.require_recovery(2000)
    node = world.nodes[2]
    world.crash(2, wipe=True)
    world.start(2)
    assert not node.is_up
    assert node.disk == []
    world.start(2, joining=True)
    assert node.disk == [Joining(0)]
    world.crash(2)
    world.start(2)
    assert node.is_up
    assert node.state.is_silent, "it lost its memory once, and has not forgotten that"


def _proposals_after_first_block(world: World, *records: Joining) -> list[Proposal]:
    """What the leader of height 2 proposes that has no more than these records, and fetches the block of height 1."""
    settings, first = world.nodes[2].settings, world.nodes[0].archive[0]
    state, _ = replica.step(replica.restore(settings, records), Start(bytes(16)))
    state, _ = replica.step(state, Submitted((b"another",)))
    answer = world.nodes[0].settings.signed(Blocks(((first.block, first.certificate),)))
    state, effects = replica.step(state, Received(answer))
    assert state.height == 1
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, Proposal)]


def test_leader_without_memory_proposes_nothing_where_it_may_have_proposed() -> None:
    """A block fetched from others takes it to a height that it has led: only what it was told can keep it silent."""
    world = scenarios.started(4)
    for k in range(2):
        world.submit(0, b"message %d" % k)
        world.require_recovery(2000)
    assert world.nodes[2].settings.leader(2, 0) == 2
    assert _proposals_after_first_block(world, Joining(0)) == []
    assert _proposals_after_first_block(world, Joining(2)) == []
    (free,) = _proposals_after_first_block(world, Joining(1))
    assert (free.vote.height, free.vote.round, free.block.payloads) == (2, 0, (b"another",))
    (ignorant,) = _proposals_after_first_block(world)
    assert ignorant.vote.digest != world.chain[2], "which is why the engine does not begin without being told"


def test_three_of_four_rejoin() -> None:
    world = scenarios.started(4)
    for k in range(4):
        world.submit(3, b"message %d" % k)
        world.run(world.now + 37)
    for place in (0, 1, 2):
        world.crash(place)
    world.submit(3, b"alone")
    world.run(world.now + 5000)
    for place in (0, 1, 2):
        world.start(place)
        world.run(world.now + 700)
    world.require_recovery(scenarios.RECOVERY_MS)
    assert b"alone" in {payload for node in world.nodes for d in node.archive for payload in d.block.payloads}


def test_restart_never_contradicts_a_vote() -> None:
    """A leader shows another block to a replica that has voted and come back: it is accepted, but not voted for."""
    world = scenarios.started(4)
    world.choose = let_none
    settings = world.nodes[1].settings
    first, second = (Block(1, GENESIS, (name,)) for name in (b"first", b"second"))
    shown, other = (Proposal(settings.vote(Kind.PROPOSE, 1, 0, b.digest), b, (), None) for b in (first, second))
    node = world.nodes[2]
    world.step(2, Received(shown))
    votes = [record.message for record in node.disk if isinstance(record, Voted)]
    assert [vote.digest for vote in votes if isinstance(vote, Vote)] == [first.digest]
    world.crash(2)
    world.start(2)
    node.state, effects = replica.step(node.state, Received(other))
    assert not [effect for effect in effects if isinstance(effect, Send) and isinstance(effect.message, Vote)]
    assert node.state.sent == {(Kind.PREPARE, 0): votes[0]}


def test_step_is_pure() -> None:
    """The state given is as it was, and the same state and event give the same again."""
    world = scenarios.started(4)
    for place in range(4):
        world.submit(place, b"message of %d" % place)
    world.run(15)
    state = world.nodes[1].state
    before = pickle.dumps(state)
    event = Submitted((b"one more",))
    first, second = replica.step(state, event), replica.step(state, event)
    assert first == second
    assert pickle.dumps(state) == before


def test_memory_is_bounded_against_a_flood() -> None:
    """One Byzantine replica signs tens of thousands of messages for all heights and rounds."""
    world = scenarios.started(4)
    world.choose = let_none
    rng, attacker = Random(5), world.nodes[3].settings
    state = world.nodes[0].state
    for k in range(6000):
        kind = rng.choice((Kind.PREPARE, Kind.COMMIT, Kind.ROUND_CHANGE, Kind.PROPOSE, Kind.CHECKPOINT, Kind.FORWARD))
        vote = attacker.vote(kind, rng.choice((1, 2, 3, 10**6)), rng.randrange(10**6), rng.randbytes(32))
        message: Message = vote
        if kind is Kind.PROPOSE:
            message = Proposal(vote, Block(vote.height, GENESIS, (b"%d" % k,)), (), None)
        elif kind is Kind.ROUND_CHANGE:
            free = attacker.vote(kind, vote.height, vote.round, bytes(32))
            message = RoundChange(Claim(free, None), None, None)
        elif kind is Kind.FORWARD:
            message = attacker.signed(Forward(tuple(b"%d %d" % (k, i) for i in range(8))))
        state, _ = replica.step(state, Received(message))
    assert len([place for place in state.votes if place[2] == 3]) <= 24
    assert len(state.round_changes) <= 4
    assert len(state.blocks) <= 8
    assert all(len(messages) <= 6 for messages in state.future.values())
    assert len(state.checkpoints) <= 16
    assert len(state.pool) == state.settings.pool_payloads
    assert state.pool.room(0)[0] == state.settings.pool_payloads, "the flood took nobody else's share"
    assert state.round == 0


@pytest.mark.parametrize("field", ["signature", "digest", "sender", "round", "height"])
def test_altered_votes_count_for_nothing(field: str) -> None:
    """Three prepares of which one is altered are not a quorum."""
    world = scenarios.started(4)
    world.choose = let_none
    block = Block(1, GENESIS, (b"message",))
    all_settings = [node.settings for node in world.nodes]
    state = world.nodes[0].state
    proposal = Proposal(all_settings[1].vote(Kind.PROPOSE, 1, 0, block.digest), block, (), None)
    good = [all_settings[i].vote(Kind.PREPARE, 1, 0, block.digest) for i in (1, 2)]
    values = {"signature": bytes(65), "digest": bytes(32), "sender": 3, "round": 1, "height": 2}
    altered = replace(good[1], **{field: values[field]})  # pyright: ignore[reportArgumentType]
    for message in (proposal, good[0], altered):
        state, _ = replica.step(state, Received(message))
    assert state.prepared is None
    state, _ = replica.step(state, Received(good[1]))
    assert state.prepared is not None


def test_body_of_another_signature_is_refused() -> None:
    world = scenarios.started(4)
    forward = world.nodes[1].settings.signed(Forward((b"a message",)))
    swapped = Signed(forward.vote, Forward((b"another",)))
    state, effects = replica.step(world.nodes[0].state, Received(swapped))
    assert not state.pool.waiting
    assert not effects
    own = world.nodes[0].settings.signed(Forward((b"my own, sent back",)))
    assert replica.step(world.nodes[0].state, Received(own)) == (world.nodes[0].state, ())


def test_restored_state_goes_on_where_it_was() -> None:
    world = scenarios.started(4)
    for k in range(7):
        world.submit(k % 4, b"message %d" % k)
        world.run(world.now + 45)
    for node in world.nodes:
        state = replica.restore(node.settings, node.disk)
        assert (state.height, state.tip, state.round) == (node.state.height, node.state.tip, node.state.round)
        assert (state.prepared, state.window) == (node.state.prepared, node.state.window)
        again = replica.restore(node.settings, replica.snapshot(state))
        assert (again.height, again.tip, again.sent, again.window) == (
            state.height,
            state.tip,
            state.sent,
            state.window,
        )
        assert not any(isinstance(record, Decided) for record in replica.snapshot(state))


def test_payload_is_not_ordered_twice_within_the_window() -> None:
    world = scenarios.started(4)
    world.submit(0, b"message")
    world.require_recovery(2000)
    height = len(world.chain)
    for place in range(4):
        world.submit(place, b"message")
        world.nodes[place].owed.clear()
    world.run(world.now + 2000)
    assert len(world.chain) == height
    leaf = next(iter(world.submitted))
    assert world.nodes[0].state.window.height_of(leaf) == height
    again = Block(height + 1, world.chain[height], (b"message",))
    settings = [node.settings for node in world.nodes]
    by = settings[0].leader(height + 1, 0)
    proposal = Proposal(settings[by].vote(Kind.PROPOSE, height + 1, 0, again.digest), again, (), None)
    state, _ = replica.step(world.nodes[(by + 1) % 4].state, Received(proposal))
    assert state.proposal is None


def test_checkpoint_is_stable_once_a_quorum_has_it() -> None:
    world = scenarios.started(4)
    for k in range(12):
        world.submit(k % 4, b"message %d" % k)
        world.run(world.now + 120)
    world.require_recovery(2000)
    for node in world.nodes:
        stable = node.state.stable
        assert stable is not None
        assert stable.height >= 6
        assert stable.digest == world.chain[stable.height]
        assert node.settings.verify_certificate(stable)
        assert len(node.disk) < 30, "the log was cut"


def test_start_alone_sends_no_vote() -> None:
    world = World(0, 4)
    state, effects = replica.step(world.nodes[0].state, Start(bytes(16)))
    assert state.round == 0
    assert not [e for e in effects if isinstance(e, Send) and not isinstance(e.message, Signed)]
