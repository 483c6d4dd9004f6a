"""The network file: what it says, and that each mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.kdac.pbft.engine import Beginning
from pyml.kdac.pbft.links import Address
from pyml.kdac.pbft.network_file import read_network

KEYS = [SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(1, 5)]
ROWS = "\n".join(
    f'[[replica]]\nkey = "{key.public.hex()}"\nhost = "relay-{i}.example"\nport = {7800 + i}'
    for i, key in enumerate(KEYS)
)


def written(folder: Path, text: str) -> Path:
    path = folder / "network.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_network_is_read(tmp_path: Path) -> None:
    log = "0x" + "ab" * 20
    network = read_network(written(tmp_path, f'chain_id = 1337\nmessage_log = "{log}"\nbatch = 50\n{ROWS}'))
    assert network.replicas.chain_id == 1337
    assert network.replicas.log_address.hex() == "ab" * 20
    key = KEYS[2]
    options = network.options(key, tmp_path, beginning=Beginning.NEW)
    assert options.listen == Address("relay-2.example", 7802)
    assert {address.port for address in options.peers.values()} == {7800, 7801, 7803}
    assert (options.batch, options.round_ms, options.tick_ms) == (50, 1000, 500)
    assert set(options.peers) == {0, 1, 2, 3} - {network.replicas.index(key.public)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no replicas"),
        ("replica = 3", "names no replicas"),
        ("[[replica]]\n", "a replica has a key, a host and a port"),
        (f"bach = 5\n{ROWS}", "has unknown entries; got bach"),
        (f"batch = 0\n{ROWS}", "batch is not a positive whole number; got 0"),
        (f"round_ms = true\n{ROWS}", "round_ms is not a positive whole number"),
        (f"message_log = 3\n{ROWS}", "message_log is not an address"),
        (f'message_log = "0x12"\n{ROWS}', "not 20 bytes in hexadecimal"),
        (ROWS.replace("7800", "0"), "a replica's port is out of range"),
        (ROWS.replace(KEYS[0].public.hex(), "zz"), "not 33 bytes in hexadecimal"),
        (ROWS.replace(KEYS[0].public.hex(), KEYS[1].public.hex()), "replicas are not distinct"),
        (ROWS.replace(KEYS[0].public.hex(), "02" + "ff" * 32), "not a point of secp256k1"),
        ("= 3", "cannot be read"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_network(written(tmp_path, text))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the network file .*absent\.toml cannot be read"):
        read_network(tmp_path / "absent.toml")
