"""A full disk, too little memory, ports that are taken, a broker and a node that are there or not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.chain.devnet import Devnet
from pyml.cli.doctor.findings import Finding, State, Surroundings
from pyml.cli.doctor.machine import look_at_broker, look_at_disk, look_at_memory, look_at_node_url, look_at_ports
from pyml.config import Config
from pyml.errors import ToolMissingError

NOWHERE = "192.0.2.1"
"""An address for documents, which no machine has (RFC 5737)."""


@pytest.fixture
def place(tmp_path: Path) -> Surroundings:
    return Surroundings(Config(home=tmp_path / "home"))


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = found
    assert finding.advice or finding.state is State.OK
    return finding


def listening() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def test_disk(place: Surroundings, tmp_path: Path) -> None:
    found = only(look_at_disk(place))
    assert found.state is State.OK
    assert str(tmp_path) in found.found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no file system that is always full")
def test_full_disk(place: Surroundings) -> None:
    found = only(look_at_disk(replace(place, config=Config(home=Path("/proc/pyml/home")))))
    assert (found.state, found.found) == (State.PROBLEM, "0.0 GiB free at /proc")
    assert "PYML_HOME" in found.advice


@pytest.mark.parametrize(
    ("available", "limit", "used", "state"),
    [
        (8 * 2**20, None, None, State.OK),
        (2**20, None, None, State.PROBLEM),
        (8 * 2**20, 4 * 2**30, 2**29, State.OK),
        (8 * 2**20, 4 * 2**30, 2**31, State.PROBLEM),
        (8 * 2**20, 2**30, 2**31, State.PROBLEM),
    ],
)
def test_memory(
    place: Surroundings, tmp_path: Path, available: int, limit: int | None, used: int | None, state: State
) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available} kB\n")
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{used}\n")
    found = only(look_at_memory(replace(place, meminfo=tmp_path / "meminfo", control_group=tmp_path)))
    assert found.state is state


def test_ports(place: Surroundings) -> None:
    with listening() as taken:
        port = taken.getsockname()[1]
        found = only(look_at_ports(replace(place, relay_port=port)))
        assert (found.state, found.found) == (State.OPTIONAL, f"port {port} is taken")
        assert "--port" in found.advice
    assert only(look_at_ports(replace(place, relay_port=port))).state is State.OK
    found = only(look_at_ports(replace(place, host=NOWHERE)))
    assert (found.state, found.found) == (State.PROBLEM, f"nothing can listen at {NOWHERE}")


def test_broker(place: Surroundings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with listening() as broker:
        port = broker.getsockname()[1]
        assert only(look_at_broker(replace(place, broker_port=port))).state is State.OK
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only(look_at_broker(replace(place, broker_port=port))).found == "not installed"
    (tmp_path / "rabbitmq-server").write_text("#!/bin/sh\n")
    (tmp_path / "rabbitmq-server").chmod(0o755)
    found = only(look_at_broker(replace(place, broker_port=port)))
    assert (found.state, found.found) == (State.OPTIONAL, "not running")


def test_no_node_is_named(place: Surroundings) -> None:
    assert only(look_at_node_url(place)).state is State.OK


def test_a_node_that_answers(place: Surroundings) -> None:
    try:
        with Devnet() as devnet:
            found = only(look_at_node_url(replace(place, config=replace(place.config, rpc=devnet.url))))
    except ToolMissingError as error:
        pytest.skip(str(error))
    assert found.state is State.OK
    assert "chain 31337" in found.found


def test_a_node_that_is_away_and_its_credentials(place: Surroundings) -> None:
    with listening() as closed:
        port = closed.getsockname()[1]
    url = f"http://somebody:hunter2@127.0.0.1:{port}/v3/0123456789abcdef0123456789abcdef"
    found = only(look_at_node_url(replace(place, config=replace(place.config, rpc=url))))
    assert found.state is State.PROBLEM
    text = f"{found.found} {found.advice}"
    assert "127.0.0.1" in text
    assert not any(secret in text for secret in ("hunter2", "0123456789abcdef", "somebody"))
