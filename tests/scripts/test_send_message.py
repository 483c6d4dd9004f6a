"""A message and a file through one relay, and through four that anchor, as the script is called."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyml.chain.devnet import Devnet
from pyml.cli.demo.kdac import searched
from pyml.errors import PymlError
from scripts import send_message
from scripts.send_message import demonstrate, demonstrate_network, show


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


def test_four_relays_anchor_what_they_carry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Devnet() as node:
        result = asyncio.run(demonstrate_network(node, tmp_path, "at noon, by the north gate", Path(__file__)))
    assert (tmp_path / "received").read_bytes() == Path(__file__).read_bytes()
    assert result["relays"] == 4
    assert result["messages_in_blocks"] >= 5, "an answer, a reply, its confirmation, a text, a link"
    assert sum(result["anchored_by_relay"]) == result["blocks_anchored"] >= 1
    assert sorted(result["refused"].values()) == ["HeightNotAbove", "SignatureInvalid"]
    show(result)
    assert "all of them anchored in\nMessageLog 0x" in capsys.readouterr().out


def test_every_relay_is_searched(tmp_path: Path) -> None:
    for i in range(4):
        (tmp_path / str(i) / "replica").mkdir(parents=True)
        (tmp_path / str(i) / "replica" / "log").write_bytes(b"sealed")
    places = [tmp_path / str(i) for i in range(4)]
    assert searched(places, [b"noon"]) == 24
    (tmp_path / "3" / "replica" / "notes").write_bytes(b"they meet at noon")
    with pytest.raises(PymlError, match="the relay has neither texts nor long-term keys"):
        searched(places, [b"noon"])


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PymlError, match="cannot be read"):
        asyncio.run(demonstrate(tmp_path, "hello", tmp_path / "nothing"))
