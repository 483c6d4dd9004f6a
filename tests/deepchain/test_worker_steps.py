"""What a worker does next."""

from __future__ import annotations

from dataclasses import replace

from pyml.deepchain.records import Demand, Phase, Subject
from pyml.deepchain.worker_steps import Enlist, ServeAggregate, Sign, Update, next_worker_step
from tests.deepchain.views import ACCOUNTS, WORKERS, posted_block, view_in

DEMAND = Demand(6, ACCOUNTS[0], 105, Subject.AGGREGATE, True, 0, 0, 5)
STRANGER = "0x" + "f" * 40


def test_a_stranger_enlists_while_there_is_something_to_come() -> None:
    assert next_worker_step(view_in(Phase.FORMING), STRANGER) == Enlist()
    assert next_worker_step(view_in(Phase.COLLECTING), STRANGER) == Enlist()
    assert next_worker_step(view_in(Phase.OVER), STRANGER) is None
    assert next_worker_step(view_in(Phase.FORMING), WORKERS[0]) is None


def test_the_leader_posts_once_and_in_time() -> None:
    view = view_in(Phase.AGGREGATING)
    assert next_worker_step(view, WORKERS[1]) == Update(2, 0)
    assert next_worker_step(view, WORKERS[0]) is None
    assert next_worker_step(replace(view, head=110), WORKERS[1]) is None
    assert next_worker_step(replace(view, block=posted_block()), WORKERS[1]) is None
    assert next_worker_step(replace(view, draw=None), WORKERS[1]) is None


def test_a_block_of_an_earlier_run_does_not_count() -> None:
    view = view_in(Phase.AGGREGATING, block=posted_block(collected=99))
    assert next_worker_step(view, WORKERS[1]) == Update(2, 0)
    assert next_worker_step(view, WORKERS[0]) is None


def test_the_committee_signs_once() -> None:
    view = view_in(Phase.AGGREGATING, block=posted_block(signed=0b001))
    assert next_worker_step(view, WORKERS[0]) is None
    assert next_worker_step(view, WORKERS[2]) == Sign(2, 0)
    assert next_worker_step(replace(view, head=110), WORKERS[2]) is None


def test_the_leader_serves_what_is_demanded_of_its_attempt() -> None:
    view = view_in(Phase.DECRYPTING, block=posted_block(), demands=(DEMAND,))
    assert next_worker_step(view, WORKERS[1]) == ServeAggregate(DEMAND)
    assert next_worker_step(view, WORKERS[0]) is None
    assert next_worker_step(replace(view, demands=(replace(DEMAND, accused=1),)), WORKERS[1]) is None
    assert next_worker_step(replace(view, demands=(replace(DEMAND, subject=Subject.SHARES),)), WORKERS[1]) is None
    assert next_worker_step(replace(view, head=105), WORKERS[1]) is None
