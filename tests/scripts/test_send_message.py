"""A message and a file through a relay, as the script is called."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyml.errors import PymlError
from scripts import send_message
from scripts.send_message import demonstrate


def test_text_and_file_arrive_and_the_relay_has_neither(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("north gate " * 9_000)
    result = asyncio.run(demonstrate(tmp_path, "at noon, by the north gate", tmp_path / "plan.txt"))
    assert result["text"] == "at noon, by the north gate"
    assert result["file_bytes"] == 99_000
    assert (tmp_path / "received").read_text().startswith("north gate ")
    assert len(result["safety_number"].replace(" ", "")) == 30
    assert result["relay_stored_bytes"] > 0


def test_what_the_relay_must_not_have_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that kept a file with the text beside its blocks would be noticed."""
    real = send_message.SingleNode

    def leaking(path: Path) -> object:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "notes").write_bytes(b"they meet at noon")
        return real(path)

    monkeypatch.setattr(send_message, "SingleNode", leaking)
    with pytest.raises(PymlError, match="the relay has neither texts nor long-term keys"):
        asyncio.run(demonstrate(tmp_path, "meet at noon", Path(__file__)))


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PymlError, match="cannot be read"):
        asyncio.run(demonstrate(tmp_path, "hello", tmp_path / "nothing"))
