"""Keystore files: round trip, tampering with every byte, wrong passwords, permissions, and nothing in a repr."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import KeystoreError
from pyml.store.keystore import SECRET_LIMIT, Secret, change_password, load_secret, save_secret

FAST = 2**14  # the least cost that is accepted
LABEL = "zk/model-salt"
PASSWORD = Secret("correct horse é".encode())
VALUE = Secret(b"\x00\x01 the secret \xff")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "salt.key"
    save_secret(path, VALUE, PASSWORD, label=LABEL, scrypt_n=FAST)
    return path


def test_round_trip(saved: Path) -> None:
    assert load_secret(saved, PASSWORD, label=LABEL) == VALUE
    assert saved.stat().st_mode & 0o777 == 0o600
    assert VALUE.reveal not in saved.read_bytes()
    assert [path.name for path in saved.parent.iterdir()] == ["salt.key"]


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=50))
@settings(max_examples=8)
def test_any_secret_under_any_password(tmp_path_factory: pytest.TempPathFactory, value: bytes, password: bytes) -> None:
    path = tmp_path_factory.mktemp("keys") / "a.key"
    save_secret(path, Secret(value), Secret(password), label="x", scrypt_n=FAST)
    assert load_secret(path, Secret(password), label="x").reveal == value
    with pytest.raises(KeystoreError, match="wrong password"):
        load_secret(path, Secret(password + b"x"), label="x")


def test_the_default_cost_is_high(tmp_path: Path) -> None:
    save_secret(tmp_path / "a.key", VALUE, PASSWORD, label=LABEL)
    header = json.loads((tmp_path / "a.key").read_bytes().split(b"\n")[0])
    assert (header["n"], header["r"], header["p"]) == (2**17, 8, 1)
    assert load_secret(tmp_path / "a.key", PASSWORD, label=LABEL) == VALUE


def test_salt_and_nonce_are_fresh(saved: Path, tmp_path: Path) -> None:
    save_secret(tmp_path / "b.key", VALUE, PASSWORD, label=LABEL, scrypt_n=FAST)
    first, second = (json.loads(path.read_bytes().split(b"\n")[0]) for path in (saved, tmp_path / "b.key"))
    assert first["salt"] != second["salt"]
    assert first["nonce"] != second["nonce"]


@pytest.mark.parametrize("password", [b"", b"correct horse", PASSWORD.reveal + b"\0", PASSWORD.reveal.upper()])
def test_wrong_passwords(saved: Path, password: bytes) -> None:
    with pytest.raises(KeystoreError, match=r"wrong password|password is empty"):
        load_secret(saved, Secret(password), label=LABEL)


def test_every_changed_byte_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    header_end = content.index(b"\n")
    # Every byte outside the header's hexadecimal fields; a sample of those, since each costs one scrypt.
    for index in [*range(0, header_end, 5), *range(header_end, len(content), 3), len(content) - 1]:
        changed = bytearray(content)
        changed[index] ^= 1
        saved.write_bytes(changed)
        with pytest.raises(KeystoreError):
            load_secret(saved, PASSWORD, label=LABEL)
    saved.write_bytes(content)
    assert load_secret(saved, PASSWORD, label=LABEL) == VALUE


@pytest.mark.parametrize("length", [0, 1, 50, 200, -1, -16, -17])
def test_cut_files_are_refused(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(KeystoreError):
        load_secret(saved, PASSWORD, label=LABEL)


def rewrite_header(path: Path, **change: Any) -> None:
    line, _, sealed = path.read_bytes().partition(b"\n")
    header = {**json.loads(line), **change}
    path.write_bytes(json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + sealed)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"n": 2**13}, "scrypt costs out of range"),
        ({"n": 2**30}, "scrypt costs out of range"),  # a file must not take all memory
        ({"n": 2**14 + 1}, "scrypt costs out of range"),
        ({"n": True}, "malformed header"),
        ({"n": "16384"}, "malformed header"),
        ({"r": 0}, "scrypt costs out of range"),
        ({"p": 100}, "scrypt costs out of range"),
        ({"p": 2}, "wrong password, or the file has been altered"),
        ({"r": 9}, "wrong password, or the file has been altered"),
        ({"n": 2**15}, "wrong password, or the file has been altered"),
        ({"format": "pyml.keystore.v2"}, "is of another version"),
        ({"format": 1}, "is of another version"),
        ({"cipher": "none"}, "malformed header"),
        ({"kdf": "pbkdf2"}, "malformed header"),
        ({"salt": "00"}, "malformed header"),
        ({"nonce": "é" * 24}, "malformed header"),
        ({"extra": 1}, "malformed header"),
        ({"label": 1}, "malformed header"),
    ],
)
def test_hostile_headers_are_refused(saved: Path, change: dict[str, Any], problem: str) -> None:
    rewrite_header(saved, **change)
    with pytest.raises(KeystoreError, match=problem):
        load_secret(saved, PASSWORD, label=LABEL)


def test_the_label_is_bound(saved: Path) -> None:
    with pytest.raises(KeystoreError, match=f"holds another kind of secret; expected kdac/identity; got {LABEL}"):
        load_secret(saved, PASSWORD, label="kdac/identity")
    rewrite_header(saved, label="kdac/identity")
    with pytest.raises(KeystoreError, match="has been altered"):
        load_secret(saved, PASSWORD, label="kdac/identity")


@pytest.mark.parametrize(
    "content", [b"", b"\n" * 100, b"[]\n" + bytes(40), b"{\n" * 50, b"[" * 5000, b"{}\n" + bytes(9)]
)
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeystoreError, match=r"not a pyml keystore|not a complete pyml keystore|another version"):
        load_secret(path, PASSWORD, label=LABEL)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_files_open_to_others_are_refused(saved: Path, mode: int) -> None:
    saved.chmod(mode)
    with pytest.raises(KeystoreError, match=f"open to other users; expected mode 600; got {mode:o}"):
        load_secret(saved, PASSWORD, label=LABEL)


def test_absent_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match="does not exist"):
        load_secret(tmp_path / "absent", PASSWORD, label=LABEL)
    with pytest.raises(KeystoreError, match="cannot be read"):
        load_secret(tmp_path, PASSWORD, label=LABEL)


def test_an_existing_file_is_kept(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(KeystoreError, match="already exists"):
        save_secret(saved, Secret(b"other"), PASSWORD, label=LABEL, scrypt_n=FAST)
    assert saved.read_bytes() == before


def test_the_password_can_be_changed(saved: Path) -> None:
    new = Secret(b"new")
    change_password(saved, PASSWORD, new, label=LABEL, scrypt_n=FAST)
    assert load_secret(saved, new, label=LABEL) == VALUE
    with pytest.raises(KeystoreError, match="wrong password"):
        load_secret(saved, PASSWORD, label=LABEL)
    before = saved.read_bytes()
    with pytest.raises(KeystoreError, match="wrong password"):
        change_password(saved, PASSWORD, new, label=LABEL, scrypt_n=FAST)
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    ("secret", "password", "label", "scrypt_n", "problem"),
    [
        (b"x", b"", LABEL, FAST, "password is empty"),
        (b"x", b"p", "", FAST, "label is not usable"),
        (b"x", b"p", "a\nb", FAST, "label is not usable"),
        (b"x", b"p", "é", FAST, "label is not usable"),
        (b"x", b"p", "x" * 201, FAST, "label is not usable"),
        (b"x", b"p", LABEL, 2**10, "scrypt costs out of range"),
        (bytes(SECRET_LIMIT + 1), b"p", LABEL, FAST, "secret is too long"),
    ],
)
def test_what_cannot_be_saved_leaves_no_file(
    tmp_path: Path, secret: bytes, password: bytes, label: str, scrypt_n: int, problem: str
) -> None:
    with pytest.raises(KeystoreError, match=problem):
        save_secret(tmp_path / "a.key", Secret(secret), Secret(password), label=label, scrypt_n=scrypt_n)
    assert list(tmp_path.iterdir()) == []


def test_secrets_do_not_show() -> None:
    secret = Secret(b"hunter2hunter2")
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret]), repr({"key": secret})):
        assert "hunter2" not in shown
        assert "14 bytes" in shown
    assert repr(secret) == repr(Secret(b"hunter2hunter2"))
    assert repr(secret) != repr(Secret(b"hunter2hunter3"))
    assert secret == Secret(b"hunter2hunter2") and hash(secret) == hash(Secret(b"hunter2hunter2"))  # noqa: PT018
    assert secret != Secret(b"hunter2hunter3")
    assert secret != b"hunter2hunter2"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="is not pickled"):
            leak(secret)


def test_errors_show_neither_secret_nor_password(saved: Path) -> None:
    with pytest.raises(KeystoreError) as caught:
        load_secret(saved, Secret(b"hunter2"), label=LABEL)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
