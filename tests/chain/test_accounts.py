"""Keystores and signers: what opens, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest
from eth_account import Account

from pyml.chain.accounts import (
    Signer,
    create_keystore,
    dev_signers,
    import_keystore,
    list_keystores,
    open_keystore,
    password_from_file,
    signer_from_environment,
)
from pyml.errors import InputError, KeystoreError

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"  # of eth-account's documentation
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
WORK = 2**12  # scrypt N, low for speed; the default is checked below without being run


def password() -> str:
    return "correct horse"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return import_keystore(tmp_path, "alice", KEY, password, scrypt_work=WORK).path


def test_imported_key_opens_and_signs(stored: Path) -> None:
    signer = open_keystore(stored, password)
    assert signer.address == ADDRESS
    assert not signer.dev_only
    fields = {"chainId": 1, "nonce": 0, "to": ADDRESS, "value": 1, "gas": 21000, "gasPrice": 1}
    assert Account.recover_transaction(signer.sign(fields).raw) == ADDRESS


def test_file_is_private_encrypted_and_complete(stored: Path) -> None:
    assert stored.stat().st_mode & 0o777 == 0o600
    assert KEY not in stored.read_text()
    content = json.loads(stored.read_text())
    assert (content["version"], content["crypto"]["kdf"]) == (3, "scrypt")
    assert [path.name for path in stored.parent.iterdir()] == ["alice.json"]


def test_new_keys_differ_and_are_listed(tmp_path: Path) -> None:
    made = [create_keystore(tmp_path, name, password, scrypt_work=WORK) for name in ("bob", "carol")]
    assert len({account.address for account in made}) == 2
    assert list_keystores(tmp_path) == tuple(made)
    assert open_keystore(made[0].path, password).address == made[0].address
    assert list_keystores(tmp_path / "absent") == ()


def test_wrong_password(stored: Path) -> None:
    with pytest.raises(KeystoreError, match="wrong password") as caught:
        open_keystore(stored, lambda: "battery staple")
    assert "battery" not in str(caught.value)


def test_name_that_is_taken_keeps_the_old_key(stored: Path) -> None:
    before = stored.read_bytes()
    with pytest.raises(KeystoreError, match="alice exists already"):
        create_keystore(stored.parent, "alice", password, scrypt_work=WORK)
    assert stored.read_bytes() == before
    assert len(list(stored.parent.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "../alice", "a/b", ".hidden", "a" * 65, "a b", "ä"])
def test_names_that_could_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="account name"):
        create_keystore(tmp_path / "keys", name, password, scrypt_work=WORK)
    assert list(tmp_path.iterdir()) == []


def test_empty_password(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match="password is empty"):
        create_keystore(tmp_path, "alice", lambda: "", scrypt_work=WORK)
    assert list(tmp_path.iterdir()) == []


def test_file_that_others_can_read(stored: Path) -> None:
    stored.chmod(0o640)
    with pytest.raises(KeystoreError, match=r"accessible to other users.*chmod 600"):
        open_keystore(stored, password)


@pytest.mark.parametrize("mode", ["ciphertext", "mac", "salt", "iv"])
def test_one_flipped_bit(stored: Path, mode: str) -> None:
    """The MAC covers key and ciphertext; a changed iv gives another key, which the recorded address reveals."""
    content = json.loads(stored.read_text())
    place = {"ciphertext": content["crypto"], "mac": content["crypto"], "salt": content["crypto"]["kdfparams"]}
    fields = place.get(mode, content["crypto"]["cipherparams"])
    fields[mode] = f"{int(fields[mode][0], 16) ^ 1:x}" + fields[mode][1:]
    stored.write_text(json.dumps(content))
    with pytest.raises(KeystoreError, match=r"wrong password, or damaged file|holds another key"):
        open_keystore(stored, password)


def test_address_that_is_not_the_keys(stored: Path) -> None:
    content = json.loads(stored.read_text())
    content["address"] = "00" * 19 + "01"
    stored.write_text(json.dumps(content))
    with pytest.raises(KeystoreError, match=f"holds another key; expected 0x0{{39}}1; got {ADDRESS}"):
        open_keystore(stored, password)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 1}, "version 3, scrypt"),
        ({"crypto": None}, "not a keystore"),
        ({"address": "xyz"}, "not a keystore"),
    ],
)
def test_other_formats(stored: Path, change: dict[str, object], expected: str) -> None:
    stored.write_text(json.dumps({**json.loads(stored.read_text()), **change}))
    with pytest.raises(KeystoreError, match=expected):
        open_keystore(stored, password)


@pytest.mark.parametrize(("field", "value"), [("n", 2**40), ("n", 0), ("r", 2**30), ("p", 10**6)])
def test_hostile_cost_parameters(stored: Path, field: str, value: int) -> None:
    content = json.loads(stored.read_text())
    content["crypto"]["kdfparams"][field] = value
    stored.write_text(json.dumps(content))
    with pytest.raises(KeystoreError, match="too much memory or time"):
        open_keystore(stored, password)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"x"'])
def test_file_that_is_no_keystore(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(KeystoreError, match="not a keystore"):
        open_keystore(path, password)
    with pytest.raises(KeystoreError, match="does not exist"):
        open_keystore(tmp_path / "absent.json", password)


@pytest.mark.parametrize("key", ["", "12", "0x" + "g" * 64, KEY + "00", KEY[:-1]])
def test_malformed_key_is_not_repeated_in_the_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(KeystoreError, match="private key is malformed") as caught:
        import_keystore(tmp_path, "x", key, password, scrypt_work=WORK)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("key", ["0" * 64, "f" * 64])
def test_key_outside_the_group(tmp_path: Path, key: str) -> None:
    with pytest.raises(KeystoreError, match="outside the secp256k1 group order"):
        import_keystore(tmp_path, "x", key, password, scrypt_work=WORK)


@pytest.mark.parametrize("chain_id", [31337, 1337])
def test_key_in_the_environment_on_a_development_chain(chain_id: int) -> None:
    signer = signer_from_environment("0x" + KEY, chain_id)
    assert (signer.address, signer.dev_only) == (ADDRESS, True)


@pytest.mark.parametrize("chain_id", [1, 11155111, 0, 31338])
def test_key_in_the_environment_on_a_public_chain(chain_id: int) -> None:
    with pytest.raises(KeystoreError, match=f"development chains only; expected .*1337.*; got {chain_id}") as caught:
        signer_from_environment(KEY, chain_id)
    assert KEY not in str(caught.value)


def test_development_key_does_not_sign_for_another_chain() -> None:
    signer = signer_from_environment(KEY, 31337)
    fields = {"nonce": 0, "to": ADDRESS, "value": 1, "gas": 21000, "gasPrice": 1}
    with pytest.raises(KeystoreError, match="for development chains only"):
        signer.sign({**fields, "chainId": 1})
    with pytest.raises(InputError, match="without a chain id"):
        signer.sign(fields)


def test_secret_is_not_shown_or_copied() -> None:
    signer = signer_from_environment(KEY, 31337)
    assert repr(signer) == f"Signer({ADDRESS}, environment)"
    for shown in (repr(signer), str(signer), f"{signer}", repr([signer])):
        assert KEY[:16] not in shown.lower()
    assert not hasattr(signer, "__dict__")
    for spread in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            spread(signer)


def test_development_accounts_are_the_known_ones() -> None:
    first, second = dev_signers(2)
    assert first.address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # printed by anvil and Hardhat
    assert second.address == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert isinstance(first, Signer)
    assert first.dev_only


def test_password_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(" with spaces \n")
    assert password_from_file(path)() == " with spaces "
    path.write_bytes(b"windows\r\n")
    assert password_from_file(path)() == "windows"
    with pytest.raises(KeystoreError, match=r"password file .* cannot be read"):
        password_from_file(tmp_path / "absent")()


def test_default_cost_is_that_of_geth() -> None:
    assert create_keystore.__kwdefaults__ == {"scrypt_work": 262144}
