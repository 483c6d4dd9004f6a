"""What of ``pyml kdac`` needs a chain, on a devnet: deploying for a network, registered keys, anchoring, ordering."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pyml.chain.client import Client
from pyml.chain.devnet import Devnet
from pyml.cli.main import app
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import ChainError, InputError, NotDeployedError, PymlError
from pyml.kdac.mailbox import Entry
from pyml.kdac.pbft.network_file import bind_network, read_network
from pyml.kdac.registries import MessageLog, addresses_of, open_contracts
from pyml.store.keystore import Secret, save_secret
from tests.cli.test_kdac import World, relay_process
from tests.kdac.network import befriend, person

KEYS = [SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(21, 25)]


def network_file(path: Path, keys: list[SigningKey]) -> Path:
    rows = ["# ours", "batch = 50"]
    for i, key in enumerate(keys):
        rows += ["[[replica]]", f'key = "{key.public.hex()}"', 'host = "127.0.0.1"', f"port = {7800 + i}"]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def deployed(world: World, devnet: Devnet) -> dict[str, Any]:
    """The contracts, and ``network.toml`` bound to them."""
    network_file(world.folder / "network.toml", KEYS)
    return must(world, "deploy", "--network", str(world.folder / "network.toml"), *chain(world, devnet))


def chain(world: World, devnet: Devnet) -> list[str]:
    return ["--rpc", devnet.url, "--deployments", str(world.folder / "deployments")]


def must(world: World, *words: str) -> dict[str, Any]:
    done = CliRunner(env=world.environment).invoke(app, ["kdac", *words, "--json"])
    assert done.exception is None, done.exception
    return dict(json.loads(done.stdout))


def refused(world: World, *words: str, kind: type[PymlError] = InputError) -> str:
    done = CliRunner(env=world.environment).invoke(app, ["kdac", *words])
    assert isinstance(done.exception, kind), (done.output, done.exception)
    return str(done.exception)


def test_network_file_is_bound_to_its_log(world: World, devnet: Devnet, deployed: dict[str, Any]) -> None:
    path = world.folder / "network.toml"
    network = read_network(path)
    assert network.replicas.chain_id == 31337
    assert "0x" + network.replicas.log_address.hex() == deployed["MessageLog"].lower()
    assert network.batch == 50
    log = MessageLog.at(Client.connect(devnet.url), deployed["MessageLog"])
    assert log.network() == network.replicas.network
    before = path.read_bytes()
    assert must(world, "deploy", "--network", str(path), *chain(world, devnet)) == deployed, "again does nothing"
    assert path.read_bytes() == before


def test_network_file_of_another_chain_or_log_is_refused(world: World, devnet: Devnet, tmp_path: Path) -> None:
    path = network_file(tmp_path / "network.toml", KEYS)
    path.write_text("chain_id = 5\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    words = ("deploy", "--network", str(path), *chain(world, devnet))
    assert "serves another chain; expected chain id 5" in refused(world, *words, kind=ChainError)
    path = network_file(tmp_path / "other.toml", KEYS)
    assert bind_network(path, 31337, bytes(19) + b"\x01").replicas.chain_id == 31337
    with pytest.raises(InputError, match="is of another chain or log"):
        bind_network(path, 31337, bytes(19) + b"\x02")
    with pytest.raises(InputError, match="is of another chain or log"):
        bind_network(path, 1, bytes(19) + b"\x01")


def test_key_is_registered_checked_and_revoked(world: World, devnet: Devnet, deployed: dict[str, Any]) -> None:
    assert deployed["KeyRegistry"]
    place, relay = chain(world, devnet), "ws://127.0.0.1:9"
    word = world.must("invite", "bob", "--relay", relay)["invitation"]
    accept = ("accept", word, "alice", "--wait", "0", *place)
    assert "the inviter's key is not registered" in world.refused(*accept, who="bob")
    assert "has not registered this identity's key" in world.refused("register", "--revoke", *place)
    entry = world.must("register", *place)
    assert (entry["account"], entry["valid"]) == (devnet.accounts[0].address, True)
    assert world.must("register", *place) == entry, "again does nothing"
    assert "this account has registered another key" in world.refused("register", *place, who="bob")
    assert "has not registered this identity's key" in world.refused("register", "--revoke", *place, who="bob")
    assert world.must(*accept, who="bob")["registered_by"] == entry["account"]
    assert world.must("register", "--revoke", *place)["valid"] is False
    assert world.must("register", "--revoke", *place)["valid"] is False
    again = world.must("invite", "carol", "--relay", relay)["invitation"]
    words = ("accept", again, "alice two", "--wait", "0", *place)
    assert "the inviter has revoked this key" in world.refused(*words, who="bob")
    assert "this account has revoked its key" in world.refused("register", *place)


def test_relay_without_what_it_needs(world: World, devnet: Devnet, deployed: dict[str, Any], tmp_path: Path) -> None:
    bound, unbound = world.folder / "network.toml", network_file(tmp_path / "network.toml", KEYS)
    relay = ("relay", "--folder", str(tmp_path / "relay"), "--port", "0")
    assert "there is nothing to anchor; expected --network" in refused(world, *relay, "--anchor", devnet.url)
    both = (*relay, "--evm", devnet.url, "--network", str(bound))
    assert "a chain orders instead of a network" in refused(world, *both)
    save_secret(
        tmp_path / "key", Secret(KEYS[0].reveal), Secret(b"correct horse"), label="kdac.replica.v1", scrypt_n=2**14
    )
    replica = ("--replica-key", str(tmp_path / "key"), "--password-file", str(world.folder / "password"))
    words = (*relay, *replica, "--anchor", devnet.url, "--beginning", "new", "--network")
    assert "names no message_log" in refused(world, *words, str(unbound))
    other = network_file(tmp_path / "other.toml", KEYS)
    bind_network(other, 31337, bytes.fromhex(deployed["KeyRegistry"][2:]))
    problem = refused(world, *words, str(other), kind=PymlError)  # a contract is there, but another one
    assert "MessageLog" in problem
    absent = (*relay, "--evm", devnet.url, "--deployments", str(tmp_path / "none"))
    assert "kdac" in refused(world, *absent, kind=NotDeployedError)


def test_log_of_other_replicas_is_refused(
    world: World, devnet: Devnet, deployed: dict[str, Any], tmp_path: Path
) -> None:
    assert deployed["MessageLog"]
    wrong = MessageLog.deploy(
        Client.connect(devnet.url), list(addresses_of([key.public for key in KEYS[:3]])), account=devnet.accounts[0]
    )
    path = network_file(tmp_path / "network.toml", KEYS)
    bind_network(path, 31337, bytes.fromhex(wrong.address[2:]))
    words = ("verify-anchor", str(tmp_path / "blocks.sqlite"), "1", "--network", str(path), "--rpc", devnet.url)
    assert "the message log was made for other replicas" in refused(world, *words)
    unbound = network_file(tmp_path / "unbound.toml", KEYS)
    words = ("verify-anchor", str(tmp_path / "blocks.sqlite"), "1", "--network", str(unbound), "--rpc", devnet.url)
    assert "names no message_log" in refused(world, *words)
    bound = world.folder / "network.toml"
    words = ("verify-anchor", str(tmp_path / "blocks.sqlite"), "1", "--network", str(bound), "--rpc", devnet.url)
    assert "there is no block archive" in refused(world, *words)


def test_chain_orders_for_a_relay(world: World, devnet: Devnet, deployed: dict[str, Any], tmp_path: Path) -> None:
    assert deployed["MessageQueue"]
    place = ("--evm", devnet.url, "--deployments", str(world.folder / "deployments"))

    async def talk(url: str) -> None:
        other = World(tmp_path)
        async with person(other.folder / "alice", url) as alice, person(other.folder / "bob", url) as bob:
            await befriend(alice, bob, url)
            alice.mailbox.enqueue("bob", b"through the chain")
            (entry,) = await bob.until(1)
            assert isinstance(entry, Entry)
            assert entry.body == b"through the chain"

    with relay_process(world, *place) as ready:
        asyncio.run(talk(ready["url"]))
    contracts = open_contracts(Client.connect(devnet.url), world.folder / "deployments")
    assert contracts.queue.count() >= 4, "an answer, a reply, its confirmation, a text"
