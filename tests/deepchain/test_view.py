"""Events folded into a history, and what follows from a view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from pyml.deepchain.records import Demand, Dispute, Phase, Subject, Submission, Turn, members
from pyml.deepchain.view import Aggregate, History
from pyml.errors import InputError
from tests.deepchain.views import ACCOUNTS, POSTED, TERMS, posted_block, view_in

RAW: dict[str, bytes] = dict(zip(("vectorRoot", "proofDigest", "contentDigest"), POSTED.as_tuple(), strict=True))


def told(*events: tuple[str, dict[str, Any]]) -> History:
    history = History()
    for name, values in events:
        history = history.apply(name, values)
    return history


def started(reruns: int = 0) -> tuple[str, dict[str, Any]]:
    return "RoundStarted", {"round": 1, "reruns": reruns, "seed": bytes([reruns]) * 32}


def test_a_round_is_told_from_beginning_to_end() -> None:
    history = told(
        ("GroupOpened", {"members": ACCOUNTS}),
        ("Joined", {"party": 2}),
        ("Joined", {"party": 0}),
        ("Enlisted", {"account": ACCOUNTS[1]}),
        started(),
        ("GradientsSubmitted", {"round": 1, "party": 2, "submission": RAW}),
        ("Collected", {"round": 1, "accepted": 0b100}),
        ("Updated", {"round": 1, "aggregateRoot": b"a", "contentDigest": b"c", "attempt": 0}),
        ("SharesSubmitted", {"round": 1, "party": 2, "submission": RAW}),
        ("RoundAccepted", {"round": 1}),
        ("Claimed", {"party": 2}),
        ("WorkerClaimed", {"worker": 0}),
        ("SomethingElse", {"round": 1}),
    )
    record = history.rounds[1]
    assert (history.members, history.joined, history.workers) == (ACCOUNTS, 0b101, (ACCOUNTS[1],))
    assert record.gradients == record.shares == {2: POSTED}
    assert (record.collected, record.aggregate, record.accepted) == (0b100, Aggregate(b"a", b"c", 0), True)
    assert history.claimed == {("party", 2), ("worker", 0)}


def test_a_rerun_begins_with_nothing() -> None:
    history = told(
        started(),
        ("GradientsSubmitted", {"round": 1, "party": 2, "submission": RAW}),
        ("Convicted", {"party": 2}),
        started(1),
    )
    record = history.rounds[1]
    assert (record.reruns, record.gradients, record.convicted) == (1, {}, 0)


def test_a_conviction_is_of_the_run_under_way() -> None:
    assert told(started(), ("Convicted", {"party": 2})).rounds[1].convicted == 0b100


def test_an_aggregate_that_is_withdrawn_takes_the_shares_with_it() -> None:
    history = told(
        started(),
        ("Updated", {"round": 1, "aggregateRoot": b"a", "contentDigest": b"c", "attempt": 0}),
        ("SharesSubmitted", {"round": 1, "party": 2, "submission": RAW}),
        ("AggregateWithdrawn", {"round": 1}),
    )
    assert (history.rounds[1].aggregate, history.rounds[1].shares) == (None, {})


def test_disputes_and_what_is_opened_are_kept() -> None:
    history = told(
        ("Disputed", {"disputeId": 3}),
        ("NodeOpened", {"disputeId": 3, "descendants": [b"l", b"r"]}),
        ("Demanded", {"demandId": 8}),
    )
    assert (history.disputes, history.demands, history.opened) == ((3,), (8,), {3: (b"l", b"r")})


def test_the_clock_may_jump_to_what_somebody_waits_for() -> None:
    dispute = Dispute(4, ACCOUNTS[0], 103, Turn.TRACE, Subject.GRADIENTS, 1, 0, 5, 2, 0, 0, b"", b"")
    demand = Demand(6, ACCOUNTS[0], 99, Subject.GRADIENTS, True, 1, 0, 5)
    view = view_in(Phase.COLLECTING, disputes=(dispute,), demands=(demand,))
    assert view.pending_deadlines() == (103, 110, 120, 130)
    assert view_in(Phase.AGGREGATING, 111).pending_deadlines() == (120,)
    assert view_in(Phase.FORMING).pending_deadlines() == ()


def test_contexts_differ_by_all_that_they_bind() -> None:
    view = view_in(Phase.COLLECTING)
    other_run = replace(view.history.rounds[2], seed=bytes(32))
    contexts = {
        view.context(0),
        view.context(1),
        view.context(0, view.history.rounds[1]),
        view.context(0, other_run),
        replace(view, group=6).context(0),
        replace(view, chain_id=1).context(0),
        replace(view, trading="0x" + "8" * 40).context(0),
    }
    assert len(contexts) == 7
    with pytest.raises(InputError, match="no round yet"):
        view_in(Phase.FORMING, clock={"round": 0}).context(0)


def test_a_block_is_posted_only_in_its_own_run() -> None:
    view = view_in(Phase.AGGREGATING, block=posted_block())
    assert view.is_posted
    assert not replace(view, block=posted_block(collected=99)).is_posted
    assert not view_in(Phase.DECRYPTING, block=posted_block()).is_posted


def test_a_submissions_digest_is_what_the_contract_keeps() -> None:
    expected = keccak(abi_encode(["uint32", "(bytes32,bytes32,bytes32)"], [7, POSTED.as_tuple()]))
    assert POSTED.digest(7) == expected != POSTED.digest(8)
    assert Submission.decode(RAW) == POSTED


def test_members_are_the_bits_that_are_set() -> None:
    assert members(0) == ()
    assert members(0b1010_0001) == (0, 5, 7)


def test_terms_have_nine_windows_and_addresses() -> None:
    assert TERMS.as_tuple()[-1] == [10] * 9
    with pytest.raises(InputError, match="nine windows"):
        replace(TERMS, windows=(1,) * 8)
    with pytest.raises(InputError, match="nine windows"):
        replace(TERMS, key_root=b"short")
    with pytest.raises(InputError, match="address"):
        replace(TERMS, disputes="0x12")
