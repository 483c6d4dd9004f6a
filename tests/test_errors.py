"""``PymlError``: one line for people, the same fields for machines, one exit code, one root."""

from __future__ import annotations

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml import errors
from pyml.errors import (
    ChainError,
    ConfigError,
    ContractRevertedError,
    DatasetError,
    InputError,
    InsufficientFundsError,
    IntegrityError,
    ModelError,
    NotDeployedError,
    PymlError,
    SrsError,
    TransactionFailedError,
)

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, PymlError)]
PLAIN = [kind for kind in CLASSES if kind is not ContractRevertedError]
_TEXT = st.text(max_size=60)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("a thing is wrong"), "a thing is wrong"),
        (InputError("a thing is wrong", expected=3), "a thing is wrong; expected 3"),
        (InputError("a thing is wrong", got="4"), "a thing is wrong; got 4"),
        (InputError("a thing is wrong", expected=[1, 2], got=(3,)), "a thing is wrong; expected [1, 2]; got (3,)"),
        (InputError("a thing is wrong", hint="Mend it."), "a thing is wrong. Mend it."),
        (
            SrsError("a thing is wrong", expected="this", got="that", hint="Mend it."),
            "a thing is wrong; expected this; got that. Mend it.",
        ),
        (InputError("two\nlines\tand  gaps", got="a\r\nb", hint="\n"), "two lines and gaps; got a b."),
    ],
)
def test_line(error: PymlError, line: str) -> None:
    assert str(error) == line


def test_nothing_is_left_out_because_it_is_falsy() -> None:
    """Zero, the empty list and ``False`` are answers; only ``None`` is no answer."""
    assert str(InputError("wrong", expected=0, got=False)) == "wrong; expected 0; got False"
    assert str(InputError("wrong", expected=[], got="")) == "wrong; expected []; got"
    assert InputError("wrong", expected=0, got=[]).as_dict() == {
        "error": "InputError",
        "problem": "wrong",
        "expected": "0",
        "got": "[]",
    }


@given(_TEXT, st.none() | _TEXT, st.none() | _TEXT, st.none() | _TEXT)
def test_always_one_line_and_always_json(problem: str, expected: str | None, got: str | None, hint: str | None) -> None:
    error = IntegrityError(problem, expected=expected, got=got, hint=hint)
    line = str(error)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    words = set(line.replace(";", " ").replace(".", " ").split())
    for part in (problem, expected, got):
        assert set((part or "").replace(";", " ").replace(".", " ").split()) <= words
    table = json.loads(json.dumps(error.as_dict()))
    assert table.pop("error") == "IntegrityError"
    given_fields = {"problem": problem, "expected": expected, "got": got, "hint": hint}
    assert table == {name: value for name, value in given_fields.items() if value is not None}


@pytest.mark.parametrize("kind", PLAIN)
def test_every_class_names_itself_and_exits_with_2(kind: type[PymlError]) -> None:
    error = kind("wrong", expected="right")
    assert error.as_dict() == {"error": kind.__name__, "problem": "wrong", "expected": "right"}
    assert error.exit_code == 2
    assert (error.problem, error.expected, error.got, error.hint) == ("wrong", "right", None, None)
    assert kind.__doc__, "the reader is told when it is raised"


def test_details_are_named_not_positional() -> None:
    with pytest.raises(TypeError, match="positional"):
        InputError("wrong", "right")  # type: ignore[misc] # pyright: ignore[reportCallIssue]


def test_whoever_catches_the_general_gets_the_special() -> None:
    assert issubclass(ModelError, InputError)
    assert issubclass(DatasetError, InputError)
    for kind in (InsufficientFundsError, TransactionFailedError, ContractRevertedError, NotDeployedError):
        assert issubclass(kind, ChainError)
    for kind in (ChainError, ConfigError, IntegrityError, SrsError):
        assert not issubclass(kind, InputError)
    assert not issubclass(PymlError, (ValueError, OSError)), "a broad except of ours must not swallow it"


def test_revert_shows_contract_name_and_arguments() -> None:
    error = ContractRevertedError("AccuracyRegistry", "CountOutOfRange", {"count": 7, "set": b"\x01\xff"}, hint="Less.")
    assert str(error) == "AccuracyRegistry refused the call: CountOutOfRange(count=7, set=0x01ff). Less."
    assert (error.contract, error.name, error.arguments) == (
        "AccuracyRegistry",
        "CountOutOfRange",
        {"count": 7, "set": b"\x01\xff"},
    )
    assert error.as_dict() == {
        "error": "ContractRevertedError",
        "problem": "AccuracyRegistry refused the call: CountOutOfRange(count=7, set=0x01ff)",
        "hint": "Less.",
    }
    assert error.exit_code == 2


def test_revert_without_arguments() -> None:
    assert str(ContractRevertedError("A", "InvalidProof")) == "A refused the call: InvalidProof()"
    assert ContractRevertedError("A", "InvalidProof").arguments == {}
