"""Signing accounts: encrypted keystores, the devnet's public test keys, and a raw key on development chains only.

Keystores are Web3 Secret Storage version 3 with scrypt, the format of geth and MetaMask, made and opened by
eth-account. A ``Signer`` holds the key; its ``repr`` shows the address alone and it refuses to be pickled.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount

from pyml.chain.chain_ids import DEV_CHAIN_IDS, is_dev_chain
from pyml.chain.transactions import checked_address, to_hex
from pyml.errors import InputError, KeystoreError
from pyml.files import write_atomically

DEV_MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The phrase that anvil and Hardhat use. Public: whoever sends value to these accounts elsewhere loses it."""
SCRYPT_WORK: Final = 2**18
"""scrypt N of geth's standard keystore: 256 MiB and about a second for each guess."""
_MAX_SCRYPT_BYTES: Final = 2**30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")

Password = Callable[[], str]
"""Asked for only when it is needed; a prompt, or ``password_from_file``."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Ready to hand to a node."""

    raw: bytes
    tx_hash: str


class Signer:
    """An address that can sign. ``dev_only`` signers refuse every chain but 31337 and 1337."""

    __slots__ = ("__account", "address", "dev_only", "origin")

    def __init__(self, account: LocalAccount, *, origin: str, dev_only: bool) -> None:
        self.__account = account
        self.address: Final = str(account.address)
        self.origin: Final = origin
        self.dev_only: Final = dev_only

    def __repr__(self) -> str:
        return f"Signer({self.address}, {self.origin})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Signer holds a private key and cannot be pickled or copied")

    def require_usable_on(self, chain_id: int) -> None:
        """Raise ``KeystoreError`` if this key must not be used on the chain."""
        if self.dev_only and not is_dev_chain(chain_id):
            raise KeystoreError(
                f"account {self.address} ({self.origin}) is for development chains only",
                expected=f"chain id {' or '.join(map(str, sorted(DEV_CHAIN_IDS)))}",
                got=chain_id,
                hint="Use an encrypted keystore: pyml chain accounts new.",
            )

    def sign(self, fields: Mapping[str, object]) -> SignedTransaction:
        """Sign a complete transaction; ``fields`` are those of eth-account, with ``chainId``."""
        chain_id = fields.get("chainId")
        if not isinstance(chain_id, int):
            raise InputError("a transaction without a chain id could be replayed on any chain", expected="chainId")
        self.require_usable_on(chain_id)
        signed = self.__account.sign_transaction(cast(Any, dict(fields)))
        return SignedTransaction(bytes(signed.raw_transaction), to_hex(bytes(signed.hash)))

    def sign_typed_data(self, typed: Mapping[str, Any]) -> bytes:
        """The EIP-712 signature of ``{"types", "primaryType", "domain", "message"}``: r ‖ s ‖ v, 65 bytes."""
        chain_id = cast("Mapping[str, object]", typed["domain"]).get("chainId")
        if not isinstance(chain_id, int):
            raise InputError("typed data without a chain id could be replayed on any chain", expected="chainId")
        self.require_usable_on(chain_id)
        return bytes(self.__account.sign_typed_data(full_message=dict(typed)).signature)


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """A keystore file on disk, still closed."""

    name: str
    address: str
    path: Path


def dev_signers(count: int = 10) -> tuple[Signer, ...]:
    """The funded accounts of anvil and Hardhat (BIP-44 path ``m/44'/60'/0'/0/i`` of the public test phrase)."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(
        Signer(
            Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}"),
            origin=f"public test key {index}",
            dev_only=True,
        )
        for index in range(count)
    )


def signer_from_environment(value: str, chain_id: int) -> Signer:
    """A raw hexadecimal key from the environment, on chain ids 31337 and 1337 only."""
    if not is_dev_chain(chain_id):
        raise KeystoreError(
            "a private key in the environment is accepted on development chains only",
            expected=f"chain id {' or '.join(map(str, sorted(DEV_CHAIN_IDS)))}",
            got=chain_id,
            hint="Put it into an encrypted keystore: pyml chain accounts import.",
        )
    return Signer(_account(value), origin="environment", dev_only=True)


def create_keystore(folder: Path, name: str, password: Password, *, scrypt_work: int = SCRYPT_WORK) -> StoredAccount:
    """Make a new random key and store it encrypted; raises if the name is taken or the password empty."""
    return _store(folder, name, Account.from_key(secrets.token_bytes(32)), password, scrypt_work)


def import_keystore(
    folder: Path, name: str, key: str, password: Password, *, scrypt_work: int = SCRYPT_WORK
) -> StoredAccount:
    """Encrypt and store an existing private key, given as 64 hexadecimal digits."""
    return _store(folder, name, _account(key), password, scrypt_work)


def list_keystores(folder: Path) -> tuple[StoredAccount, ...]:
    """The accounts stored in a folder, by name; raises ``KeystoreError`` on a file that is not a keystore."""
    return tuple(
        StoredAccount(path.stem, _read_keystore(path)[1], path)
        for path in sorted(folder.glob("*.json"))
        if not path.name.startswith(".")
    )


def open_keystore(path: Path, password: Password) -> Signer:
    """Decrypt a keystore; raises ``KeystoreError`` on a wrong password, a damaged file or one that others can read."""
    keystore, address = _read_keystore(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeystoreError(f"keystore {path} is accessible to other users", hint=f"chmod 600 {path}")
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(keystore, password()))
    except (ValueError, TypeError, KeyError) as error:
        problem = f"keystore {path} does not open"
        reason = "wrong password, or damaged file" if "MAC" in str(error) else type(error).__name__
        raise KeystoreError(problem, got=reason) from None
    if account.address != address:
        raise KeystoreError(f"keystore {path} holds another key", expected=address, got=account.address)
    return Signer(account, origin=f"keystore {path.stem}", dev_only=False)


def password_from_file(path: Path) -> Password:
    """The file's content without its last line break."""

    def read() -> str:
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise KeystoreError(f"password file {path} cannot be read ({type(error).__name__})") from error

    return read


def _store(folder: Path, name: str, account: LocalAccount, password: Password, work: int) -> StoredAccount:
    if not _NAME.fullmatch(name):
        raise InputError("account name cannot be used", expected="letters, digits, '.', '_', '-'; at most 64", got=name)
    path = folder / f"{name}.json"
    taken = KeystoreError(f"account {name} exists already", hint="Choose another name; nothing was overwritten.")
    if path.exists():
        raise taken
    phrase = password()
    if not phrase:
        raise KeystoreError("the password is empty", expected="at least one character")
    keystore = account.encrypt(phrase, kdf="scrypt", iterations=work)
    sealed = folder / f".{name}.{secrets.token_hex(4)}.tmp"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(sealed, json.dumps(keystore).encode(), mode=0o600)
    try:
        os.link(sealed, path)  # unlike a rename, never replaces a key that appeared meanwhile
    except FileExistsError:
        raise taken from None
    finally:
        sealed.unlink()
    return StoredAccount(name, str(account.address), path)


def _read_keystore(path: Path) -> tuple[dict[str, Any], str]:
    """Parse and check a keystore; scrypt parameters are bounded because they decide how much memory opening takes."""
    try:
        keystore = cast(dict[str, Any], json.loads(path.read_bytes()))
        crypto = keystore.get("crypto") or keystore["Crypto"]
        version, kdf, params = keystore["version"], crypto["kdf"], crypto["kdfparams"]
        address = checked_address("0x" + str(keystore["address"]).lower().removeprefix("0x"))
        if version != 3 or kdf != "scrypt":
            raise KeystoreError(f"keystore {path} has a format that is not accepted", expected="version 3, scrypt")
        if not 0 < 128 * int(params["n"]) * int(params["r"]) <= _MAX_SCRYPT_BYTES or not 0 < int(params["p"]) <= 16:
            raise KeystoreError(f"keystore {path} asks for too much memory or time", expected="scrypt within 1 GiB")
    except FileNotFoundError:
        hint = "pyml chain accounts list shows what there is."
        raise KeystoreError(f"keystore {path} does not exist", hint=hint) from None
    except OSError as error:
        raise KeystoreError(f"keystore {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise KeystoreError(f"{path} is not a keystore ({type(error).__name__})") from None
    return keystore, address


def _account(key: str) -> LocalAccount:
    text = key.strip()
    if not _KEY.fullmatch(text):
        raise KeystoreError("private key is malformed", expected="64 hexadecimal digits, optionally after 0x")
    try:
        return Account.from_key(text)
    except Exception:  # eth-keys raises a type of its own for 0 and for values past the group order
        raise KeystoreError("private key is outside the secp256k1 group order") from None
