"""Disputes played on a devnet, both sides by ``pyml.freezenet.dispute``: who cheats loses, who does not wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.freezenet.insistence import play_stubborn, play_until
from bench.freezenet.stage import MINER_BOND, begin_dispute, play
from pyml.errors import ContractRevertedError
from pyml.freezenet.activations import trace_sample
from pyml.freezenet.dispute import Dispute, DisputeCase, Turn, miner_move, refuted_samples
from pyml.freezenet.inference import Int8Network, predict
from pyml.freezenet.steps import Send
from tests.freezenet.dispute_stage import (
    ACCEPTED,
    BYSTANDER,
    REJECTED,
    SAMPLES,
    UNDECIDED,
    Setting,
    changed,
    flips,
    with_network,
)

# The miner cheats


@pytest.mark.parametrize("layer", range(4))
def test_a_miner_who_computes_with_other_weights_loses(setting: Setting, layer: int) -> None:
    stage = setting.stage
    sample, cheat = _cheat(setting, layer)
    honest = setting.case(sample)
    liar = with_network(honest, cheat, setting.samples.inputs[sample])
    number = begin_dispute(stage, sample, setting.answers)
    with pytest.raises(ContractRevertedError, match="DoesNotFollow"):
        play(stage, number, liar, honest)
    dispute = stage.dispute(number)
    assert (dispute.turn, dispute.layer) == (Turn.PROVE, layer)
    assert dispute.operand < 32
    _silence(setting, number)
    _assert_miner_lost(setting, number)


@pytest.mark.parametrize("layer", range(1, 4))
def test_a_miner_who_reads_other_activations_loses(setting: Setting, layer: int) -> None:
    """The layer before is committed to as it is, and something else is multiplied."""
    stage = setting.stage
    sample, liar = _misreading(setting, layer)
    honest = setting.case(sample)
    number = begin_dispute(stage, sample, setting.answers)
    with pytest.raises(ContractRevertedError, match="DoesNotFollow"):
        play(stage, number, liar, honest)
    dispute = stage.dispute(number)
    assert (dispute.turn, dispute.layer, dispute.operand) == (Turn.PROVE, layer, 32)
    _silence(setting, number)
    _assert_miner_lost(setting, number)


def test_a_miner_who_reads_another_sample_loses(setting: Setting) -> None:
    stage = setting.stage
    labels = setting.samples.labels
    rights = predict(setting.network, setting.samples.inputs) == labels
    sample, other = next(
        (int(wrong), int(np.flatnonzero(rights & (labels == labels[wrong]))[0]))
        for wrong in np.flatnonzero(~rights)
        if (rights & (labels == labels[wrong])).any()
    )
    honest = setting.case(sample)
    liar = replace(honest, trace=trace_sample(setting.network, setting.samples.inputs[other]))
    number = begin_dispute(stage, sample, setting.answers)
    with pytest.raises(ContractRevertedError, match="DoesNotFollow"):
        play(stage, number, liar, honest)
    dispute = stage.dispute(number)
    assert (dispute.turn, dispute.layer, dispute.operand) == (Turn.PROVE, 0, 32)


def test_a_miner_who_claims_other_logits_loses_at_the_sums(setting: Setting) -> None:
    stage = setting.stage
    sample = int(refuted_samples(setting.network, setting.samples, setting.answers)[0])
    honest = setting.case(sample)
    wanted = list(honest.trace.logits)
    wanted[int(setting.samples.labels[sample])] = max(wanted) + 1
    liar = replace(honest, trace=replace(honest.trace, logits=tuple(wanted)))
    number = begin_dispute(stage, sample, setting.answers)
    with pytest.raises(ContractRevertedError, match="DoesNotFollow"):
        play(stage, number, liar, honest)
    assert stage.dispute(number).turn is Turn.SUMS


def test_a_byte_beyond_the_last_channel_loses_at_once(setting: Setting) -> None:
    """Layer 0 has 35 channels: the second leaf of a place has three values, and 29 bytes that must be zero."""
    stage, sample = setting.stage, setting.right
    honest = setting.case(sample)
    words = [list(level) for level in honest.trace.words]
    words[0][1] = words[0][1][:-1] + b"\x01"
    trace = replace(honest.trace)
    trace.__dict__["words"] = tuple(map(tuple, words))
    liar = replace(honest, trace=trace)
    number = begin_dispute(stage, sample, setting.answers)
    play(stage, number, liar, honest)
    assert stage.dispute(number).turn is Turn.OVER
    assert stage.gas[-1][0] == "pickValue"
    _assert_miner_lost(setting, number)


# The challenger cheats


def _targets() -> list[Any]:
    """(layer, leaf · 32 + lane, step, operand): weights of codes, free ones and the last layer's, and activations."""
    cases = [("weights of the first layer", (0, 0 * 32 + 7, 4, lane)) for lane in range(3)] + [
        ("a channel that is not there", (0, 0, 4, 3)),
        ("bytes of the sample", (0, 5 * 32 + 1, 13, 32)),
        ("the padding", (0, 0, 0, 32)),
        ("the second group of channels", (1, 2, 5, 2)),
        ("a group's end", (1, 3, 5, 3)),
        ("a leaf of the layer before", (1, 1, 8, 32)),
        ("the padding of a later layer", (1, 0, 0, 32)),
        ("a dense weight", (2, 33, 1, 15)),
        ("a dense weight that is not there", (2, 33, 1, 16)),
        ("flattened activations", (2, 1, 0, 32)),
        ("a weight of the last layer", (3, 4, 1, 7)),
        ("a weight behind the last layer's", (3, 4, 1, 8)),
        ("activations of the last layer", (3, 0, 0, 32)),
    ]
    return [pytest.param(target, id=name + f" {target[3]}") for name, target in cases]


@pytest.mark.parametrize("target", _targets())
def test_an_honest_miner_proves_whatever_is_picked(setting: Setting, target: tuple[int, int, int, int]) -> None:
    stage = setting.stage
    number = begin_dispute(stage, setting.right, setting.answers)
    assert setting.verdict() == UNDECIDED
    before = setting.credit("optimistic", 1)
    dispute = play_stubborn(stage, number, setting.case(setting.right), target)
    assert (dispute.turn, dispute.step, dispute.operand) == (Turn.OVER, target[2], target[3])
    assert setting.credit("optimistic", 1) - before == MINER_BOND
    assert setting.credit("optimistic", 2) == 0
    standing = stage.contracts["optimistic"].call("standingOf", stage.task, stage.round, stage.miner.address)
    assert (standing["disputes"], standing["rejected"]) == (0, False)


def test_an_honest_challenger_finds_nothing_wrong_with_an_honest_miner(setting: Setting) -> None:
    case = setting.case(setting.right)
    number = begin_dispute(setting.stage, setting.right, setting.answers)
    dispute = play(setting.stage, number, case, case)
    assert dispute.turn is Turn.PICK_LAYER
    _silence(setting, number)
    assert setting.credit("optimistic", 1) == MINER_BOND
    assert setting.verdict() == UNDECIDED  # until the phase is over
    setting.stage.skip_to(setting.stage.phase(4)[0] + 1)
    setting.stage.node.rpc.request("anvil_mine", hex(1))
    assert setting.verdict() == ACCEPTED


# Silence, and several at once


@pytest.mark.parametrize("turn", [turn for turn in Turn if turn not in (Turn.NONE, Turn.OVER)])
def test_who_is_silent_loses(setting: Setting, turn: Turn) -> None:
    stage, case = setting.stage, setting.case(setting.right)
    number = begin_dispute(stage, setting.right, setting.answers)
    dispute = play_until(stage, number, case, (0, 5 * 32 + 1, 13, 32), turn)
    with pytest.raises(ContractRevertedError, match="DeadlineNotPassed"):
        stage.contracts["optimistic"].call("claimTimeout", number)
    stage.skip_to(dispute.deadline + 1)
    late = miner_move(case, number, dispute)
    if late is not None:
        stage.node.rpc.request("anvil_mine", hex(1))
        with pytest.raises(ContractRevertedError, match="DeadlinePassed"):
            stage.contracts["optimistic"].call(late.function, *late.arguments, sender=stage.miner.address)
    stage.send(Send("optimistic", "claimTimeout", (number,)), stage.node.accounts[BYSTANDER])
    if turn.miners:
        _assert_miner_lost(setting, number)
    else:
        assert setting.credit("optimistic", 1) == MINER_BOND
    with pytest.raises(ContractRevertedError, match="NotTheTurn"):
        stage.contracts["optimistic"].call("claimTimeout", number)


def test_bonds_of_other_disputes_go_back_once_one_succeeds(setting: Setting) -> None:
    stage = setting.stage
    case = setting.case(setting.right)
    numbers = [begin_dispute(stage, setting.right, setting.answers) for _ in range(3)]
    play_until(stage, numbers[1], case, (3, 0, 0, 32), Turn.PICK_STEP)
    _silence(setting, numbers[0])
    assert setting.verdict() == REJECTED
    late = miner_move(case, numbers[2], stage.dispute(numbers[2]))
    assert late is not None
    with pytest.raises(ContractRevertedError, match=r"DeadlinePassed|AlreadyRejected"):
        stage.contracts["optimistic"].call(late.function, *late.arguments, sender=stage.miner.address)
    for number in numbers[1:]:
        stage.send(Send("optimistic", "claimTimeout", (number,)), stage.node.accounts[BYSTANDER])
    assert setting.credit("optimistic", 2) == 3 * MINER_BOND
    assert setting.credit("rounds", 2) == MINER_BOND // 2
    with pytest.raises(ContractRevertedError, match=r"AlreadyRejected|NoSolution"):
        begin_dispute(stage, setting.right, setting.answers)
    balance = stage.client.balance_wei(stage.contracts["optimistic"].address)
    assert balance == 3 * MINER_BOND
    stage.send(Send("optimistic", "withdraw", ()), stage.challenger)
    assert stage.client.balance_wei(stage.contracts["optimistic"].address) == 0


# What is refused


def test_challenges_that_are_none_are_refused(setting: Setting) -> None:
    stage = setting.stage
    optimistic, miner = stage.contracts["optimistic"], stage.miner.address
    good = (stage.task, stage.round, miner, 0, setting.answers)
    stage.node.rpc.request("anvil_mine", hex(1))  # calls are made in the newest block, not in the next

    def refused(error: str, *, value_wei: int = MINER_BOND, **changes: object) -> None:
        names = ("task", "round", "miner", "sample", "answers")
        arguments = [changes.get(name, value) for name, value in zip(names, good, strict=True)]
        with pytest.raises(ContractRevertedError) as caught:
            optimistic.call("challenge", *arguments, value_wei=value_wei, sender=stage.challenger.address)
        assert caught.value.name == error

    refused("ValueMismatch", value_wei=MINER_BOND - 1)
    refused("ClaimMismatch", answers=b"\x01" + setting.answers[1:])
    refused("NotDeclared", sample=SAMPLES)
    refused("NoSolution", miner=stage.challenger.address)
    stage.skip_to(stage.phase(4)[0] + 1)
    stage.node.rpc.request("anvil_mine", hex(1))
    refused("OutsidePhase")
    with pytest.raises(ContractRevertedError, match="DisputeUnknown"):
        optimistic.call("disputeOf", 0)


@pytest.mark.parametrize("turn", [turn for turn in Turn if turn not in (Turn.NONE, Turn.OVER)])
def test_only_the_side_whose_turn_it_is_moves(setting: Setting, turn: Turn) -> None:
    stage, case = setting.stage, setting.case(setting.right)
    number = begin_dispute(stage, setting.right, setting.answers)
    dispute = play_until(stage, number, case, (0, 5 * 32 + 1, 13, 32), turn)
    optimistic = stage.contracts["optimistic"]
    step = miner_move(case, number, dispute)
    if step is not None:
        with pytest.raises(ContractRevertedError, match="NotYourTurn"):
            optimistic.call(step.function, *step.arguments, sender=stage.challenger.address)
    for other in (Turn.OPEN_LEAF, Turn.OPERANDS):
        if other is not turn:
            arguments: tuple[Any, ...] = (number, bytes(32)) if other is Turn.OPEN_LEAF else (number, 0, 0)
            function = "openLeaf" if other is Turn.OPEN_LEAF else "operands"
            with pytest.raises(ContractRevertedError, match="NotTheTurn"):
                optimistic.call(function, *arguments, sender=stage.miner.address)


@pytest.mark.parametrize(
    ("turn", "argument", "error"),
    [
        (Turn.TRACE, 1, "ArchitectureMismatch"),
        (Turn.TRACE, 2, "SolutionMismatch"),
        (Turn.TRACE, 5, "NotUnderRoot|DoesNotFollow"),
        (Turn.TRACE, 6, "NotUnderRoot"),
        (Turn.OPEN, 1, "ClaimMismatch"),
        (Turn.OPEN_LEAF, 1, "ClaimMismatch"),
        (Turn.SUMS, 1, "ArchitectureMismatch"),
        (Turn.SUMS, 2, "SolutionMismatch"),
        (Turn.SUMS, 4, "NotUnderRoot"),
        (Turn.SUMS, 5, "NotUnderRoot"),
        (Turn.PROVE, 2, "DoesNotFollow"),
        (Turn.PROVE, 3, "DoesNotFollow"),
    ],
)
def test_every_changed_bit_of_a_proof_is_refused(setting: Setting, turn: Turn, argument: int, error: str) -> None:
    stage, case = setting.stage, setting.case(setting.right)
    number = begin_dispute(stage, setting.right, setting.answers)
    target = (3, 4, 1, 7) if turn is Turn.PROVE else (0, 5 * 32 + 1, 13, 32)
    dispute = play_until(stage, number, case, target, turn)
    step = miner_move(case, number, dispute)
    assert step is not None
    optimistic = stage.contracts["optimistic"]
    optimistic.call(step.function, *step.arguments, sender=stage.miner.address)
    for flipped in flips(step.arguments[argument]):
        arguments = list(step.arguments)
        arguments[argument] = flipped
        with pytest.raises(ContractRevertedError, match=error):
            optimistic.call(step.function, *arguments, sender=stage.miner.address)


def _cheat(setting: Setting, layer: int) -> tuple[int, Int8Network]:
    """A sample that the solution does not answer, and a network, other in one layer, that does."""
    random = np.random.default_rng(layer)
    wrong = predict(setting.network, setting.samples.inputs) != setting.samples.labels
    for _ in range(500):
        cheat = changed(setting.network, layer, random, 0.1)
        answered = predict(cheat, setting.samples.inputs) == setting.samples.labels
        if (wrong & answered).any():
            return int(np.flatnonzero(wrong & answered)[0]), cheat
    raise AssertionError("no cheat was found")


def _misreading(setting: Setting, layer: int) -> tuple[int, DisputeCase]:
    """A sample, and a miner who gets its label by reading, in one layer, what the layer before does not put out."""
    random = np.random.default_rng(layer)
    network, samples = setting.network, setting.samples
    tail = Int8Network(network.layers[layer:])
    wrong = np.flatnonzero(predict(network, samples.inputs) != samples.labels)
    for attempt in range(3000):
        sample = int(wrong[attempt % len(wrong)])
        honest = setting.case(sample)
        read = np.array(honest.trace.reads[layer])
        places = random.integers(0, len(read), max(1, len(read) // 4))
        read[places] = random.integers(0, 128, len(places))
        if predict(tail, read[None])[0] == samples.labels[sample]:
            false = trace_sample(tail, read)
            trace = replace(
                honest.trace,
                reads=honest.trace.reads[:layer] + false.reads,
                outputs=honest.trace.outputs[:layer] + false.outputs,
                logits=false.logits,
            )
            return sample, replace(honest, trace=trace)
    raise AssertionError("no misreading was found")


def _silence(setting: Setting, number: int) -> None:
    stage = setting.stage
    stage.skip_to(stage.dispute(number).deadline + 1)
    stage.send(Send("optimistic", "claimTimeout", (number,)), stage.node.accounts[BYSTANDER])


def _assert_miner_lost(setting: Setting, number: int) -> None:
    stage = setting.stage
    assert stage.dispute(number).turn is Turn.OVER
    assert setting.verdict() == REJECTED
    assert setting.credit("optimistic", 2) == MINER_BOND
    assert setting.credit("rounds", 2) == MINER_BOND // 2
    assert setting.credit("optimistic", 1) == setting.credit("rounds", 1) == 0
    entry = stage.contracts["rounds"].call("entryOf", stage.task, stage.round, stage.miner.address)
    assert entry["closed"]
    assert not entry["enrolled"]


def test_dispute_decodes_what_the_chain_says(setting: Setting) -> None:
    stage = setting.stage
    number = begin_dispute(stage, setting.right, setting.answers)
    dispute = stage.dispute(number)
    assert dispute == Dispute(
        challenger=stage.challenger.address,
        deadline=stage.client.block_number() + 25,
        turn=Turn.TRACE,
        layer=0,
        level=0,
        operand=0,
        miner=stage.miner.address,
        task_id=stage.task,
        round=stage.round,
        sample=setting.right,
        index=0,
        step=0,
        start=0,
        end=0,
        count=0,
        turn_blocks=25,
        node=bytes(32),
        source=bytes(32),
    )
