"""An agreement has one form in bytes, and what does not hold together is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pyml.deepchain.agreement import FORMAT, Agreement
from pyml.errors import InputError

AGREED = Agreement()


def test_an_agreement_is_read_as_it_was_written() -> None:
    for agreed in (AGREED, Agreement(data="mnist", network="cnn", seed=7, clip=1.5, bits=12)):
        assert Agreement.decode(agreed.encode()) == agreed
    assert AGREED.encoding.bits == 16


def test_every_field_changes_the_bytes() -> None:
    others = {"data": "mnist", "network": "mlp", "seed": 1, "shards": 4, "iterations": 1, "batch_size": 1,
              "learning_rate": 0.1, "bits": 15, "clip": 0.5}  # fmt: skip
    forms = {replace(AGREED, **{name: value}).encode() for name, value in others.items()}
    assert len(forms | {AGREED.encode()}) == len(others) + 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": "another"},
        {"more": 1},
        {"bits": 16.0},
        {"bits": True},
        {"bits": 99},
        {"clip": float("nan")},
        {"clip": 1},
        {"shards": 0},
        {"seed": -1},
        {"iterations": 0},
        {"learning_rate": 0.0},
        {"network": "x" * 201},
        {"network": "flower"},
        {"weights": "00"},
    ],
)
def test_what_does_not_hold_together_is_refused(change: dict[str, Any]) -> None:
    raw = json.loads(AGREED.encode()) | change
    with pytest.raises(InputError, match=r"agreement|out of range|initial weights"):
        Agreement.decode(json.dumps(raw, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        json.dumps(json.loads(AGREED.encode())).encode(),
        AGREED.encode() + b" ",
    ],
)
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="agreement"):
        Agreement.decode(content)
    assert FORMAT.encode() in AGREED.encode()
