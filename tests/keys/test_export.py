"""Exports: other programs' readers open them, nobody else's do, and what is there is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account

from pyml.chain.accounts import open_keystore
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, KeystoreError
from pyml.keys.addresses import ethereum
from pyml.keys.export import read_words, write_keystore, write_words
from pyml.keys.hd import ETHEREUM_PATH, entropy_of, key_at, words
from pyml.store.keystore import Secret

KEY = SigningKey.from_secret(bytes(range(1, 33)))
PASSWORD = Secret("correct horse é".encode())
FAST = 2**10
ENTROPY = Secret(bytes(range(32)))
PHRASE = words(ENTROPY)


def test_a_keystore_opens_here_and_in_eth_account(tmp_path: Path) -> None:
    stored = write_keystore(tmp_path, "spoonbill", KEY, PASSWORD, scrypt_work=FAST)
    assert (stored.path, stored.address) == (tmp_path / "spoonbill.json", ethereum(KEY.public))
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert open_keystore(stored.path, lambda: PASSWORD.reveal.decode()).address == ethereum(KEY.public)
    content = stored.path.read_text(encoding="utf-8")
    assert bytes(Account.decrypt(content, PASSWORD.reveal.decode())) == KEY.reveal
    assert KEY.reveal.hex() not in content
    keystore = json.loads(content)
    assert (keystore["version"], keystore["crypto"]["kdf"], keystore["crypto"]["cipher"]) == (
        3,
        "scrypt",
        "aes-128-ctr",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["spoonbill.json"]


def test_the_published_keystore_opens(tmp_path: Path) -> None:
    """The scrypt example of the Web3 Secret Storage Definition."""
    path = tmp_path / "published.json"
    crypto = {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 2**18,
            "p": 8,
            "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    }
    keystore = {
        "address": "008aeeda4d805471df9b2a5b0f38a0c3bcba786b",
        "crypto": crypto,
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    }
    path.write_text(json.dumps(keystore), encoding="utf-8")
    path.chmod(0o600)
    secret = bytes.fromhex("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
    address = open_keystore(path, lambda: "testpassword").address
    assert address == ethereum(SigningKey.from_secret(secret).public)


@pytest.mark.parametrize("work", [-2, 0, 1, 3, 2**14 + 1])
def test_malformed_costs_are_refused(tmp_path: Path, work: int) -> None:
    with pytest.raises(InputError, match=rf"^the cost of scrypt is malformed; expected a power of two; got {work}$"):
        write_keystore(tmp_path, "a", KEY, PASSWORD, scrypt_work=work)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"")
    with pytest.raises(KeystoreError, match=r"keys cannot be written: File exists$"):
        write_keystore(tmp_path / "keys", "a", KEY, PASSWORD, scrypt_work=FAST)


@pytest.mark.parametrize("password", [b"correct horse", b"correct horse e", b"Correct horse \xc3\xa9"])
def test_another_password_does_not_open_a_keystore(tmp_path: Path, password: bytes) -> None:
    stored = write_keystore(tmp_path, "a", KEY, PASSWORD, scrypt_work=FAST)
    with pytest.raises(KeystoreError, match=r"does not open; got wrong password, or damaged file$"):
        open_keystore(stored.path, lambda: password.decode())


@pytest.mark.parametrize("field", ["ciphertext", "mac"])
def test_a_changed_keystore_does_not_open(tmp_path: Path, field: str) -> None:
    path = write_keystore(tmp_path, "a", KEY, PASSWORD, scrypt_work=FAST).path
    keystore = json.loads(path.read_bytes())
    for place in (0, 17, 63):
        digits = keystore["crypto"][field]
        altered = digits[:place] + f"{int(digits[place], 16) ^ 1:x}" + digits[place + 1 :]
        path.write_text(json.dumps({**keystore, "crypto": {**keystore["crypto"], field: altered}}), encoding="utf-8")
        with pytest.raises(KeystoreError, match=r"does not open; got wrong password, or damaged file$"):
            open_keystore(path, lambda: PASSWORD.reveal.decode())


def test_a_taken_name_is_kept(tmp_path: Path) -> None:
    path = write_keystore(tmp_path, "a", KEY, PASSWORD, scrypt_work=FAST).path
    before = path.read_bytes()
    with pytest.raises(KeystoreError, match=r"^account a exists already. Choose another name; nothing was overwritten"):
        write_keystore(tmp_path, "a", SigningKey.random(), PASSWORD, scrypt_work=FAST)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "password", "problem"),
    [
        ("a", b"", "the password is empty"),
        ("a", b"\xff\xfe", "the password is not UTF-8"),
        ("../a", b"x", "account name cannot be used"),
        ("", b"x", "account name cannot be used"),
    ],
)
def test_what_cannot_be_stored_leaves_no_file(tmp_path: Path, name: str, password: bytes, problem: str) -> None:
    with pytest.raises((KeystoreError, InputError), match=rf"^{problem}"):
        write_keystore(tmp_path / "keys", name, KEY, Secret(password), scrypt_work=FAST)
    assert not list(tmp_path.rglob("*.json"))


def test_words_on_paper_give_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    write_words(path, PHRASE)
    assert path.read_bytes() == PHRASE.reveal + b"\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_words(path) == PHRASE
    assert key_at(entropy_of(read_words(path)), ETHEREUM_PATH) == key_at(ENTROPY, ETHEREUM_PATH)
    Account.enable_unaudited_hdwallet_features()
    theirs = Account.from_mnemonic(path.read_text(encoding="utf-8").strip(), account_path=ETHEREUM_PATH)
    assert theirs.address == ethereum(key_at(ENTROPY, ETHEREUM_PATH).public)


def test_words_typed_by_hand_are_read(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(PHRASE.reveal.upper().replace(b" ", b"\r\n") + b"\r\n\r\n")
    path.chmod(0o600)
    assert read_words(path) == PHRASE


def test_a_file_of_words_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(b"something else")
    with pytest.raises(KeystoreError, match=r"already exists. Name another file; nothing was overwritten.$"):
        write_words(path, PHRASE)
    assert path.read_bytes() == b"something else"
    assert [entry.name for entry in tmp_path.iterdir()] == ["words.txt"]


def test_wrong_words_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the words are not those of BIP-39"):
        write_words(tmp_path / "words.txt", Secret(PHRASE.reveal + b" zoo"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_words_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "words.txt"
    write_words(path, PHRASE)
    path.chmod(mode)
    with pytest.raises(KeystoreError, match=rf"is open to other users; expected mode 600; got {mode:o}. chmod 600"):
        read_words(path)


@pytest.mark.parametrize("content", [b"", b"\n", PHRASE.reveal[:-1], PHRASE.reveal + b" zoo", bytes(40), b"\xff" * 40])
def test_files_of_something_else_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match=r"^the words are not those of BIP-39"):
        read_words(path)


def test_absent_folders_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"absent does not exist$"):
        read_words(tmp_path / "absent")
    with pytest.raises(KeystoreError, match=r"cannot be read \(IsADirectoryError\)$"):
        read_words(tmp_path)
    (tmp_path / "huge").write_bytes(PHRASE.reveal + b" " * 4096)
    with pytest.raises(KeystoreError, match=r"huge cannot be read \(ValueError\)$"):
        read_words(tmp_path / "huge")
