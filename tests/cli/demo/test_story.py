"""The demonstration can fail: neither success, nor another refusal, nor a failure to ask counts as the one meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyml.chain.transactions import Receipt
from pyml.cli.demo.story import Chapter, Refused, refused_by_contract, refused_with, require
from pyml.cli.demo.transactions import Sent
from pyml.errors import ChainError, ContractRevertedError, InputError, PymlError, RecoveryError

BUG = "This is a bug in pyml; please report it."
RECEIPT = Receipt("0x" + "ab" * 32, 7, "0x" + "cd" * 32, 21_000, 1, True, None, ())


def revert() -> object:
    raise ContractRevertedError("AccuracyRegistry", "InvalidProof")


def unreachable() -> object:
    raise ChainError("node cannot be reached")


def closed() -> object:
    raise RecoveryError("no key")


def chapter() -> Chapter:
    return Chapter("zk", "a title")


def test_refusals_are_told() -> None:
    told = chapter()
    told.refuse("a forgery", revert)
    told.refuse_off_chain("a false proof", lambda: False)
    told.refuse_locally("a wrong password", RecoveryError, closed)
    assert told.refused == [
        Refused("a forgery", "AccuracyRegistry", "InvalidProof"),
        Refused("a false proof", "off chain", "the proof is false"),
        Refused("a wrong password", "off chain", "no key"),
    ]


@pytest.mark.parametrize("outcome", [True, False, None, 0, "receipt"])
def test_forgery_that_passes_ends_the_demo(outcome: object) -> None:
    told = chapter()
    with pytest.raises(PymlError) as caught:
        told.refuse("a forgery", lambda: outcome)
    assert str(caught.value) == f"what should be refused was accepted. {BUG}"
    assert told.refused == []


def test_refusal_for_another_reason_is_none() -> None:
    told = chapter()
    with pytest.raises(PymlError, match="the contract says NotMember, not InvalidProof"):
        told.refuse("a forgery", revert, "NotMember")
    assert told.refused == []


@pytest.mark.parametrize("answer", [True, None, 0, ""])
def test_only_false_is_false(answer: bool) -> None:
    """A check that gives up, or answers with nothing, has not said that the proof is false."""
    told = chapter()
    with pytest.raises(PymlError, match="a forged proof does not verify"):
        told.refuse_off_chain("a forged proof", lambda: answer)
    assert told.refused == []


@pytest.mark.parametrize("attempt", [revert, unreachable])
def test_another_error_is_no_local_refusal(attempt: Callable[[], object]) -> None:
    told = chapter()
    with pytest.raises(ChainError):
        told.refuse_locally("a wrong password", RecoveryError, attempt)
    with pytest.raises(PymlError, match="should be refused was accepted"):
        told.refuse_locally("a wrong password", RecoveryError, lambda: "a key")
    assert told.refused == []


def test_failure_to_ask_is_no_refusal() -> None:
    told = chapter()
    with pytest.raises(ChainError, match="cannot be reached"):
        told.refuse("a forgery", unreachable)
    assert told.refused == []


def test_functions_behind_it() -> None:
    assert refused_by_contract(revert).contract == "AccuracyRegistry"
    assert refused_with(RecoveryError, closed) == "no key"
    require(True, "two and two make four")
    with pytest.raises(PymlError, match="this should be so and is not: two and two make five"):
        require(False, "two and two make five")


def test_what_a_chapter_took() -> None:
    told = chapter()
    told.tell("claimed", "yes", seconds=1.23456, receipt=RECEIPT)
    told.tell("looked at", "fine")
    told.sent = (Sent(1, "0x01", "A.b", 5, True), Sent(2, "0x02", "A.b", 7, False))
    shown = told.as_dict()
    assert (shown["gas"], shown["transactions"]) == (12, 2)
    assert shown["steps"][0] == {
        "what": "claimed",
        "result": "yes",
        "seconds": 1.23,
        "gas": 21_000,
        "tx": RECEIPT.tx_hash,
    }
    assert shown["steps"][1]["gas"] is shown["steps"][1]["tx"] is shown["steps"][1]["seconds"] is None


def test_an_input_error_is_no_recovery_error() -> None:
    def wrong() -> object:
        raise InputError("not a picture")

    with pytest.raises(InputError, match="not a picture"):
        chapter().refuse_locally("another picture", RecoveryError, wrong)
