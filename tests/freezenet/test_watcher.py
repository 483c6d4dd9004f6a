"""What anybody may do for a round, in every situation."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pyml.freezenet.registries import Entry, Phase, Round, Status, Verdict
from pyml.freezenet.steps import Finish, Send, Step, Wait
from pyml.freezenet.watcher import Seen, next_step
from tests.freezenet.round_views import LAST, MINER, OPEN, OPENED, OTHER, SHOWN, SOME, entry

REVEALED = entry(SOME, revealed=True, correct=15)


def at(block: int, opened: Round = SHOWN, *, acts: bool = True, **entries: tuple[Entry, Verdict]) -> Step:
    named = {"mine": MINER, "other": OTHER}
    return next_step(Seen(block, 4, 2, opened, {named[name]: found for name, found in entries.items()}), acts=acts)


def test_beacons() -> None:
    no_beacon = replace(OPEN, beacon=bytes(32), last_blocks=(900, 920, 960, 1000, 1040))
    assert at(OPENED, no_beacon) == Send("rounds", "fixBeacon", (4, 2))
    assert at(OPENED + 256, no_beacon) == Send("rounds", "reopen", (4, 2))
    assert at(150, OPEN) == Wait(151, "the commit phase")


def test_only_what_was_accepted_is_enrolled_and_once() -> None:
    accepted, other = (REVEALED, Verdict.ACCEPTED), (REVEALED, Verdict.REJECTED)
    assert at(500, other=other, mine=accepted) == Send("rounds", "enrol", (4, 2, MINER))
    assert at(300, mine=accepted) == Wait(301, "the challenge phase")
    for done in (replace(REVEALED, enrolled=True), replace(REVEALED, closed=True), entry(SOME)):
        assert at(500, mine=(done, Verdict.ACCEPTED), other=other) == Wait(501, "the enrol phase")


def test_settle_or_cancel() -> None:
    assert at(LAST[Phase.ENROL]) == Send("rounds", "settle", (4, 2))
    assert at(LAST[Phase.TEST], OPEN) == Send("rounds", "cancel", (4, 2))
    assert at(LAST[Phase.COMMIT], replace(OPEN, commitments=0)) == Send("rounds", "cancel", (4, 2))


def test_everybody_gets_what_lies_there() -> None:
    settled, cancelled = (replace(SHOWN, status=status) for status in (Status.SETTLED, Status.CANCELLED))
    enrolled, lost = replace(REVEALED, enrolled=True), (entry(SOME), Verdict.UNDECIDED)
    collect = Send("rounds", "collect", (4, 2, MINER))
    assert at(700, settled, other=lost, mine=(enrolled, Verdict.ACCEPTED)) == collect
    assert at(700, settled, other=lost, mine=(replace(enrolled, closed=True), Verdict.ACCEPTED)) == Finish("settled")
    assert at(230, cancelled, mine=lost) == collect
    assert at(230, cancelled, mine=(replace(lost[0], closed=True), Verdict.UNDECIDED)) == Finish("cancelled")


@given(st.integers(OPENED, 800), st.sampled_from([OPEN, SHOWN, replace(SHOWN, status=Status.SETTLED)]))
def test_who_only_watches_sends_nothing(block: int, opened: Round) -> None:
    step = at(block, opened, acts=False, mine=(replace(REVEALED, enrolled=True), Verdict.ACCEPTED))
    assert isinstance(step, Wait | Finish)
