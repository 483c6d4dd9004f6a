"""What commands share: output for people and for programs, passwords, nodes, and who signs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.chain.accounts import DEV_MNEMONIC, create_keystore, dev_signers, import_keystore
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.cli.terminal import (
    address_of,
    ask_secret,
    connect,
    password,
    phases,
    share_done,
    show,
    signer,
    stopwatch,
)
from pyml.config import Config
from pyml.errors import ChainError, InputError, KeystoreError

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
FAST = 2**12
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Devnet() as node:
        yield Client.connect(node.url)


@pytest.fixture(scope="module")
def public() -> Iterator[Client]:
    """A chain that is nobody's development chain."""
    with Devnet(DevnetOptions(chain_id=4242)) as node:
        yield Client.connect(node.url)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


# Output


def test_json_is_one_line_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    result = {"digest": DIGEST, "share": 0.5, "list": [1, 2], "valid": True, "none": None}
    show(result, as_json=True, title="not shown")
    out, err = capfd.readouterr()
    assert (json.loads(out), err) == (result, "")
    assert out.count("\n") == 1


@pytest.mark.parametrize("columns", ["200", "80", "40"])
def test_table_shows_everything_at_any_width(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show({"vka_digest": "0x" + DIGEST, "shifts": [1, 2], "valid": False}, as_json=False, title="set up")
    out = capfd.readouterr().out
    squeezed = "".join(character for character in out if character.isalnum() or character in "[],")
    assert "0x" + DIGEST in squeezed, "digests are folded, never cut"
    assert "set up" in out
    assert "vka digest" in out
    assert "[1, 2]" in out
    assert "false" in out


@pytest.mark.parametrize("name", ["model[red]x[/red].onnx", "m[/x].onnx", "[bold]", "a[0]"])
def test_values_are_not_markup(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file may be named anything; none of it is an instruction to the terminal."""
    monkeypatch.setenv("COLUMNS", "100")
    show({"file": name}, as_json=False)
    assert name in capfd.readouterr().out


def test_progress_is_silent_for_programs(capfd: pytest.CaptureFixture[str]) -> None:
    with phases(as_json=True) as begin:
        begin("proving")
        begin("verifying")
    with share_done("training", as_json=True) as report:
        report("epoch 1", 0.5)
    assert capfd.readouterr() == ("", "")


def test_progress_goes_to_standard_error(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with phases(as_json=False) as begin:
        begin("proving")
        begin("verifying")
    with share_done("training", as_json=False) as report:
        report("epoch 1", 0.5)
    out, err = capfd.readouterr()
    assert out == ""
    for word in ("proving", "verifying"):
        assert word in err


def test_progress_without_a_phase_and_with_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with phases(as_json=False):
        pass

    def fail_half_way() -> None:
        with phases(as_json=False) as begin:
            begin("proving")
            raise InputError("half way")

    with pytest.raises(InputError, match="half way"):
        fail_half_way()
    assert capfd.readouterr().out == ""


def test_stopwatch_goes_forward() -> None:
    elapsed = stopwatch()
    first = elapsed()
    assert 0 <= first <= elapsed()


# Passwords


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("correct horse", "correct horse"),
        ("correct horse\n", "correct horse"),
        ("correct horse\r\n", "correct horse"),
        ("two\nlines\n", "two\nlines"),
        (" leading and trailing \n", " leading and trailing "),
        ("Ünïcode 🐎\n", "Ünïcode 🐎"),
    ],
)
def test_password_from_a_file(tmp_path: Path, content: str, secret: str) -> None:
    (tmp_path / "password").write_bytes(content.encode())
    found = password(tmp_path / "password")
    assert found.reveal == secret.encode()
    assert secret not in repr(found)


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n"])
def test_empty_password_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(KeystoreError) as caught:
        password(tmp_path / "password")
    assert str(caught.value) == "the password is empty. Give one with --password-file or on the terminal."


def test_unreadable_password_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, reason in (
        (tmp_path / "absent", "FileNotFoundError"),
        (tmp_path, "IsADirectoryError"),
        (tmp_path / "bytes", "UnicodeDecodeError"),
    ):
        with pytest.raises(KeystoreError) as caught:
            password(path)
        assert str(caught.value) == f"password file {path} cannot be read ({reason})"


def test_password_from_standard_input(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    typed(monkeypatch, "correct horse\nnext question\n")
    assert password(None).reveal == b"correct horse"
    assert ask_secret("Key") == "next question"
    assert capfd.readouterr() == ("", "")
    typed(monkeypatch, "")
    with pytest.raises(KeystoreError, match="the password is empty"):
        password(None)


# Nodes and accounts


def test_no_node_is_named(config: Config) -> None:
    with pytest.raises(InputError) as caught:
        connect(config, None)
    assert str(caught.value) == "no node to talk to; expected --rpc URL. `pyml chain devnet` runs one."


def test_connect(tmp_path: Path) -> None:
    with Devnet() as node:
        named = Config(home=tmp_path, rpc=node.url)
        assert connect(named, None).chain_id == 31337
        assert connect(Config(home=tmp_path, rpc="http://127.0.0.1:1"), node.url).chain_id == 31337
        with pytest.raises(ChainError, match="expected chain id 1; got chain id 31337"):
            connect(named, None, chain_id=1)
        assert connect(named, None, chain_id=31337).chain_id == 31337
    with pytest.raises(ChainError, match="cannot be reached"):
        connect(named, None)


def test_development_chain_has_a_public_account(client: Client, config: Config) -> None:
    found = signer(client, config, None, None)
    assert found.address == dev_signers(1)[0].address == address_of(client, config, None)
    assert found.dev_only


def test_key_from_the_environment_on_a_development_chain(client: Client, tmp_path: Path) -> None:
    config = Config(home=tmp_path, dev_key=KEY)
    assert signer(client, config, None, None).address == ADDRESS == address_of(client, config, None)
    with pytest.raises(KeystoreError) as caught:
        signer(client, Config(home=tmp_path, dev_key=KEY[:-1]), None, None)
    assert KEY[:10] not in str(caught.value)


def test_stored_account_beats_the_environment(client: Client, tmp_path: Path) -> None:
    config = Config(home=tmp_path, dev_key="11" * 32)
    import_keystore(tmp_path / "accounts", "bob", KEY, lambda: "correct horse", scrypt_work=FAST)
    (tmp_path / "password").write_text("correct horse\n")
    assert signer(client, config, "bob", tmp_path / "password").address == ADDRESS
    assert address_of(client, config, "bob") == ADDRESS, "without a password"


def test_public_chain_needs_a_stored_account(public: Client, config: Config) -> None:
    for attempt in (lambda: signer(public, config, None, None), lambda: address_of(public, config, None)):
        with pytest.raises(KeystoreError) as caught:
            attempt()
        assert str(caught.value) == (
            "chain 4242 needs an account that pays; expected --account NAME. pyml chain accounts new NAME makes one."
        )
    raw = Config(home=config.home, dev_key=KEY)
    with pytest.raises(KeystoreError, match="accepted on development chains only") as caught:
        signer(public, raw, None, None)
    assert KEY not in str(caught.value)


def test_stored_account_on_a_public_chain(public: Client, config: Config, tmp_path: Path) -> None:
    stored = create_keystore(config.home / "accounts", "alice", lambda: "correct horse", scrypt_work=FAST)
    (tmp_path / "password").write_text("correct horse\n")
    found = signer(public, config, "alice", tmp_path / "password")
    assert (found.address, found.dev_only) == (stored.address, False)
    assert address_of(public, config, "alice") == stored.address
    found.require_usable_on(1)


def test_absent_account_and_wrong_password(client: Client, config: Config, tmp_path: Path) -> None:
    create_keystore(config.home / "accounts", "alice", lambda: "correct horse", scrypt_work=FAST)
    (tmp_path / "wrong").write_text("battery staple\n")
    with pytest.raises(KeystoreError, match="wrong password, or damaged file"):
        signer(client, config, "alice", tmp_path / "wrong")
    with pytest.raises(KeystoreError, match=r"eve\.json does not exist"):
        signer(client, config, "eve", tmp_path / "wrong")
    with pytest.raises(KeystoreError) as caught:
        address_of(client, config, "eve")
    assert str(caught.value) == "there is no stored account eve. pyml chain accounts list shows them."


def test_password_file_means_the_same_for_making_and_for_opening(
    client: Client, config: Config, tmp_path: Path
) -> None:
    """``chain accounts new`` and every command that signs read it alike, whatever follows the first line."""
    from pyml.chain.accounts import password_from_file

    (tmp_path / "password").write_text("correct horse\na note below\n")
    create_keystore(config.home / "accounts", "alice", password_from_file(tmp_path / "password"), scrypt_work=FAST)
    assert signer(client, config, "alice", tmp_path / "password").address == address_of(client, config, "alice")


def test_nothing_secret_is_in_a_repr(client: Client, tmp_path: Path) -> None:
    found = signer(client, Config(home=tmp_path, dev_key=KEY), None, None)
    assert KEY not in repr(found)
    assert DEV_MNEMONIC not in repr(signer(client, Config(home=tmp_path), None, None))
