"""A replica's key and a relay of a network, from the command line: mistakes end in one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyml.cli.main import app
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, KeystoreError
from pyml.store.keystore import Secret, save_secret

LABEL = "kdac.replica.v1"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("correct horse\n", encoding="utf-8")
    return path


def network(folder: Path, key: SigningKey) -> Path:
    path = folder / "network.toml"
    path.write_text(f'[[replica]]\nkey = "{key.public.hex()}"\nhost = "127.0.0.1"\nport = 7800\n', encoding="utf-8")
    return path


def stored(folder: Path, key: SigningKey) -> Path:
    path = folder / "replica.key"
    save_secret(path, Secret(key.reveal), Secret(b"correct horse"), label=LABEL, scrypt_n=2**14)
    return path


def refused(*words: str, kind: type[Exception] = InputError) -> str:
    result = CliRunner().invoke(app, ["kdac", "relay", *words])
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def test_replica_key_is_made_once_and_shows_its_public_half(tmp_path: Path, password: Path) -> None:
    path = tmp_path / "replica.key"
    words = ["kdac", "replica-key", str(path), "--password-file", str(password), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    shown = json.loads(result.output)
    assert len(bytes.fromhex(shown["key"])) == 33
    assert path.stat().st_mode & 0o777 == 0o600
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, KeystoreError)
    assert "already exists" in str(again.exception)


def test_relay_of_a_network_needs_its_key(tmp_path: Path, password: Path) -> None:
    key = SigningKey.random()
    place = ["--folder", str(tmp_path / "relay"), "--network", str(network(tmp_path, key))]
    assert "a replica needs its key; expected --replica-key FILE" in refused(*place)
    place += ["--password-file", str(password)]
    with_key = [*place, "--replica-key", str(stored(tmp_path, key))]
    assert "unknown beginning; expected resume, new, rejoin" in refused(*with_key, "--beginning", "again")
    assert "has no log of this replica" in refused(*with_key)
    (tmp_path / "other").mkdir()
    other = stored(tmp_path / "other", SigningKey.random())
    assert "this key is no replica's" in refused(*place, "--replica-key", str(other), "--beginning", "new")


def test_wrong_password_and_missing_network_are_named(tmp_path: Path, password: Path) -> None:
    key = SigningKey.random()
    path = stored(tmp_path, key)
    words = ["--folder", str(tmp_path / "relay"), "--replica-key", str(path), "--password-file", str(password)]
    assert "absent.toml cannot be read" in refused(*words, "--network", str(tmp_path / "absent.toml"))
    password.write_text("wrong\n", encoding="utf-8")
    problem = refused(*words, "--network", str(network(tmp_path, key)), kind=KeystoreError)
    assert "does not open" in problem
    assert key.reveal.hex() not in problem
