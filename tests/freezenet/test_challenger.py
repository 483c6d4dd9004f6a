"""A challenger's next step, and a miner's answer, in every situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pyml.freezenet.answers import pack_answers
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.challenger import EXAMINE, Finding, Known, Seen, next_step
from pyml.freezenet.challenges import Case, Demand
from pyml.freezenet.defence import next_answer, withdrawal
from pyml.freezenet.dispute import Dispute, DisputeCase, Turn
from pyml.freezenet.leaf_demands import Tree, rows_of
from pyml.freezenet.registries import Phase, Revealed, Status
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import content_of
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work
from pyml.freezenet.trainable import TrainableNetwork, architecture, small_mlp
from tests.freezenet.round_views import BOND, LAST, MINER, OPEN, OTHER, SHOWN
from tests.freezenet.test_solution import SEED, marked

TASK = Architecture(architecture(small_mlp(20, 9, 4)), 300_000)
CONTENT = content_of(marked(TrainableNetwork(small_mlp(20, 9, 4), seed=3).integer_network(), TASK), TASK, SEED)
SAMPLES = SampleSet.salted(np.arange(100, dtype=np.int8).reshape(5, 20), np.arange(5) % 4)
ANSWERS = pack_answers(np.ones(5, dtype=np.bool_))
REVEALED = Revealed(MINER, CONTENT.solution(), 5, ANSWERS)
ME = OTHER
IN_TIME, LATE = 300, 460


def case_of(_: Revealed, sample: int) -> DisputeCase:
    return DisputeCase.of(TASK, CONTENT, SEED, SAMPLES, sample)


def known(*, it: Finding | None = None) -> Known:
    return Known(ME, TASK, {} if it is None else {MINER: it}, case_of)


def seen(block: int = IN_TIME, **more: Any) -> Seen:
    defaults: dict[str, Any] = {
        "block": block,
        "task": 4,
        "number": 2,
        "round": SHOWN,
        "open": [REVEALED],
        "disputes": (),
        "demands": (),
        "fee": 1000,
        "hidden": frozenset[str](),
        "withdrawal": None,
    }
    return Seen(**{**defaults, **more})


def dispute(turn: Turn, *, challenger: str = ME, deadline: int = IN_TIME + 10, shown: bytes = b"") -> Case:
    empty = dict.fromkeys(("layer", "level", "operand", "index", "step", "start", "end", "count"), 0)
    found = Dispute(
        challenger=challenger,
        deadline=deadline,
        turn=turn,
        miner=MINER,
        task_id=4,
        round=2,
        sample=3,
        turn_blocks=12,
        node=bytes(32),
        source=bytes(32),
        **empty,
    )
    return Case(9, found, shown)


def demand(row: tuple[Tree, int, int], *, is_open: bool = True, deadline: int = IN_TIME + 10) -> Demand:
    tree, first, length = row
    return Demand(6, ME, deadline, tree, is_open, MINER, 4, 2, first, length)


FALSE, FINE, HIDDEN = Finding("false", 3), Finding("fine"), Finding("hidden")
ROWS = list(rows_of(TASK))


def test_what_is_revealed_is_examined_once() -> None:
    assert next_step(known(), seen(240)) == Work(EXAMINE + MINER)
    assert next_step(known(it=FINE), seen(240)) == Wait(241, "the reveal phase ends")
    assert next_step(known(it=FINE), seen()) == Wait(IN_TIME + 1, "the challenge phase ends")
    before = next_step(known(), seen(150, round=OPEN, open=()))
    assert before == Wait(LAST[Phase.TEST], "solutions are revealed")


def test_only_a_false_claim_is_bonded_against_in_time_and_once() -> None:
    send = Send("optimistic", "challenge", (4, 2, MINER, 3, ANSWERS), BOND)
    assert next_step(known(it=FALSE), seen()) == send
    assert next_step(known(it=FALSE), seen(LAST[Phase.CHALLENGE] - 1)) == send
    for block in (240, LATE):
        assert isinstance(next_step(known(it=FALSE), seen(block)), Wait)
    for turn in (Turn.TRACE, Turn.OVER):
        assert isinstance(next_step(known(it=FALSE), seen(disputes=(dispute(turn),))), Wait)
    others = seen(disputes=(dispute(Turn.TRACE, challenger=MINER),))
    assert next_step(known(it=FALSE), others) == send, "another's challenge may fail"


@pytest.mark.parametrize("finding", [FINE, HIDDEN])
def test_nothing_else_is_bonded(finding: Finding) -> None:
    step = next_step(known(it=finding), seen())
    assert not isinstance(step, Send) or step.function == "demand"


def test_turns_are_taken_and_missed_ones_claimed() -> None:
    pick = dispute(Turn.PICK_VALUE)
    step = next_step(known(it=FALSE), seen(disputes=(pick,)))
    assert isinstance(step, Send)
    assert (step.function, step.arguments[0], step.value_wei) == ("pickValue", 9, 0)
    late = dispute(Turn.SUMS, deadline=IN_TIME)
    assert next_step(known(it=FALSE), seen(disputes=(late,))) == Send("optimistic", "claimTimeout", (9,))
    last = dispute(Turn.SUMS, deadline=IN_TIME + 1)
    assert isinstance(next_step(known(it=FALSE), seen(disputes=(last,))), Wait)


def test_what_is_hidden_is_demanded_row_by_row() -> None:
    first = next_step(known(it=HIDDEN), seen())
    assert isinstance(first, Send)
    assert (first.contract, first.function, first.value_wei) == ("demands", "demand", 2000)
    waiting = seen(demands=(demand(ROWS[0]),))
    assert isinstance(next_step(known(it=HIDDEN), waiting), Wait)
    served = seen(demands=(demand(ROWS[0], is_open=False),))
    second = next_step(known(it=HIDDEN), served)
    assert isinstance(second, Send)
    assert second.arguments[-3:] == (int(ROWS[1][0]), *ROWS[1][1:])
    everything = seen(demands=tuple(demand(row, is_open=False) for row in ROWS))
    assert next_step(known(it=HIDDEN), everything) == Work(EXAMINE + MINER)


def test_silence_on_a_demand_rejects() -> None:
    late = seen(demands=(demand(ROWS[0], deadline=IN_TIME),))
    assert next_step(known(it=HIDDEN), late) == Send("demands", "claimUnserved", (6,))
    hidden = seen(hidden=frozenset([MINER]))
    assert next_step(known(it=HIDDEN), hidden) == Send("optimistic", "rejectHidden", (4, 2, MINER))


@pytest.mark.parametrize("block", [240, 360, LATE])
def test_demands_are_made_in_the_first_half_of_the_challenge_phase(block: int) -> None:
    assert isinstance(next_step(known(it=HIDDEN), seen(block)), Wait)


def test_the_end() -> None:
    over = {"open": (), "disputes": ()}
    assert next_step(known(), seen(LAST[Phase.ENROL], **over)) == Send("rounds", "settle", (4, 2))
    settled = replace(SHOWN, status=Status.SETTLED)
    take_out = Send("optimistic", "withdraw", ())
    assert next_step(known(), seen(700, round=settled, withdrawal=take_out, **over)) == take_out
    assert next_step(known(), seen(700, round=settled, **over)) == Finish("settled")
    late = (dispute(Turn.TRACE),)
    assert next_step(known(), seen(700, round=settled, disputes=late)) == Send("optimistic", "claimTimeout", (9,))


def answer(block: int = IN_TIME, *, disputes: tuple[Case, ...] = (), demands: tuple[Demand, ...] = ()) -> Step | None:
    def own(sample: int) -> DisputeCase:
        return case_of(REVEALED, sample)

    return next_answer(MINER, block, disputes=disputes, demands=demands, content=CONTENT, known=own)


def test_a_miner_answers_what_is_asked_of_it() -> None:
    traced = answer(disputes=(dispute(Turn.TRACE),))
    assert isinstance(traced, Send)
    assert (traced.function, traced.arguments[0]) == ("trace", 9)
    served = answer(disputes=(dispute(Turn.TRACE),), demands=(demand(ROWS[0]),))
    assert isinstance(served, Send)
    assert (served.contract, served.function) == ("demands", "serve")
    assert answer() is None


def test_a_miner_claims_what_its_challenger_missed_and_nothing_else() -> None:
    assert answer(disputes=(dispute(Turn.PICK_LAYER, deadline=IN_TIME),)) == Send("optimistic", "claimTimeout", (9,))
    assert answer(disputes=(dispute(Turn.PICK_LAYER),)) is None
    assert answer(disputes=(dispute(Turn.TRACE, deadline=IN_TIME),)) is None, "too late to answer"
    assert answer(disputes=(dispute(Turn.OVER),)) is None
    assert answer(demands=(demand(ROWS[0], is_open=False),)) is None
    others = replace(dispute(Turn.TRACE).dispute, miner=OTHER)
    assert answer(disputes=(Case(9, others),), demands=(replace(demand(ROWS[0]), miner=OTHER),)) is None


def test_everything_is_taken_out_one_by_one() -> None:
    assert withdrawal(1, 1, 1) == Send("rounds", "withdraw", ())
    assert withdrawal(0, 1, 1) == Send("optimistic", "withdraw", ())
    assert withdrawal(0, 0, 1) == Send("demands", "withdraw", ())
    assert withdrawal(0, 0, 0) is None
