"""A sponsor's next step in every situation."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet.registries import Phase, Round, Status, Terms
from pyml.freezenet.sponsor import PUBLISH, SEAL, Known, Sealed, Seen, next_step
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work
from pyml.freezenet.trainable import architecture, small_mlp
from tests.freezenet.round_views import BOND, LAST, OPEN, SHOWN, SOME, TERMS

LAYERS = architecture(small_mlp())
REWARD = 10**18
SEALED = Sealed(SOME, bytes([2]) * 32, bytes([3]) * 32)
NEW = Known(TERMS, LAYERS, REWARD)
READY = replace(NEW, task=4, sealed=SEALED)
SERVED = replace(READY, published=True)


def at(block: int, opened: Round = OPEN, known: Known = SERVED) -> Step:
    return next_step(known, Seen(block, 0, 2, opened))


def test_a_task_a_seal_a_round() -> None:
    nothing = Seen(90, 0)
    assert next_step(NEW, nothing) == Send("tasks", "register", (TERMS.as_tuple(), [*LAYERS]))
    assert next_step(replace(NEW, task=4), nothing) == Work(SEAL)
    assert next_step(READY, nothing) == Send("rounds", "openRound", (4, SEALED.seal), REWARD + BOND)


def test_the_test_set_is_shown_after_commitments_and_not_before() -> None:
    assert at(150) == Wait(LAST[Phase.COMMIT], "miners train and commit")
    assert at(LAST[Phase.COMMIT] - 1, known=READY) == Wait(LAST[Phase.COMMIT], "miners train and commit")
    assert at(LAST[Phase.COMMIT], known=READY) == Work(PUBLISH)
    shown = Send("rounds", "revealTestSet", (4, 2, SEALED.root, SEALED.digest))
    assert at(LAST[Phase.COMMIT]) == shown
    assert at(LAST[Phase.TEST] - 1) == shown


@given(st.integers(0, LAST[Phase.COMMIT] - 1), st.sampled_from([NEW, READY, SERVED]), st.booleans())
def test_nothing_of_the_test_set_leaves_in_the_commit_phase(block: int, known: Known, opened: bool) -> None:
    step = next_step(known, Seen(block, 0, 2, OPEN) if opened else Seen(block, 0))
    assert step != Work(PUBLISH)
    assert SEALED.root.hex() not in repr(step)
    assert not (isinstance(step, Send) and SEALED.digest in step.arguments)


def test_a_round_that_cannot_go_on_is_cancelled() -> None:
    assert at(LAST[Phase.COMMIT], replace(OPEN, commitments=0)) == Send("rounds", "cancel", (4, 2))
    assert at(LAST[Phase.TEST]) == Send("rounds", "cancel", (4, 2))


def test_settle_withdraw_and_leave() -> None:
    assert at(300, SHOWN) == Wait(LAST[Phase.ENROL], "miners reveal and solutions are judged")
    assert at(LAST[Phase.ENROL], SHOWN) == Send("rounds", "settle", (4, 2))
    for status in (Status.SETTLED, Status.CANCELLED):
        ended = replace(SHOWN, status=status)
        assert next_step(SERVED, Seen(700, 5, 2, ended)) == Send("rounds", "withdraw", ())
        assert at(700, ended) == Finish(status.name.lower())


def test_secrets_are_not_shown() -> None:
    assert SEALED.root.hex() not in repr(SEALED)
    assert repr(SEALED) == f"Sealed(0x{SEALED.seal.hex()})"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"threshold": 21}, "the threshold is above the size of the test set; expected at most 20"),
        ({"threshold_floor": 13}, "lowest threshold is out of range"),
        ({"threshold_floor": 0}, "lowest threshold is out of range"),
        ({"samples": 0, "threshold": 0}, "number of test samples is out of range"),
        ({"samples": 65_537}, "number of test samples is out of range"),
        ({"fraction_ppm": 0}, "fraction is out of range"),
        ({"fraction_ppm": 1_000_001}, "fraction is out of range"),
        ({"miner_bond": 0}, "miner's bond in wei is out of range"),
        ({"sponsor_bond": 2**96}, "sponsor's bond in wei is out of range"),
        ({"commit_blocks": 4}, "commit phase in blocks is out of range"),
        ({"challenge_blocks": 2_628_001}, "challenge phase in blocks is out of range"),
        ({"training_root": bytes(32)}, "no training set"),
        ({"verifier": "0x12"}, "not an Ethereum address"),
    ],
)
def test_terms_that_the_chain_would_refuse(change: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        replace(TERMS, **change)  # pyright: ignore[reportArgumentType]


def test_terms_are_in_the_order_of_the_contract() -> None:
    assert TERMS.as_tuple()[:5] == (SOME, TERMS.verifier, 300_000, 20, 12)
    assert TERMS.as_tuple()[-6:] == (BOND, BOND, 100, 20, 40, 200)
    assert len(TERMS.as_tuple()) == len(fields(Terms)) == 14
