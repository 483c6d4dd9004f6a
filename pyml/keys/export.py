"""Keys and words out of pyml, in the forms that other wallets read, and back.

Source: Web3 Secret Storage version 3 (geth, MetaMask), as ``pyml.chain.accounts`` keeps accounts; BIP-39 words as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyml.chain.accounts import SCRYPT_WORK, StoredAccount, import_keystore
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, KeystoreError, PymlError
from pyml.files import read_bounded, write_atomically
from pyml.keys.hd import entropy_of, words
from pyml.store.keystore import Secret

_WORDS_LIMIT: Final = 4096


def write_keystore(
    folder: Path, name: str, key: SigningKey, password: Secret, *, scrypt_work: int = SCRYPT_WORK
) -> StoredAccount:
    """Encrypt a key to ``folder/name.json``, mode 0600; ``KeystoreError`` if the name is taken or the password empty.

    ``pyml.chain.accounts.open_keystore`` reads it, and so do geth and MetaMask. The password is UTF-8.
    """
    if scrypt_work < 2 or scrypt_work & (scrypt_work - 1):
        raise InputError("the cost of scrypt is malformed", expected="a power of two", got=scrypt_work)
    try:
        return import_keystore(folder, name, key.reveal.hex(), password.reveal.decode, scrypt_work=scrypt_work)
    except UnicodeDecodeError:
        raise KeystoreError("the password is not UTF-8") from None
    except OSError as error:
        raise KeystoreError(f"{folder} cannot be written: {error.strerror or error}") from None
    except PymlError as error:
        raise error.with_traceback(None) from None  # the frames below hold the key in the clear


def write_words(path: Path, phrase: Secret) -> None:
    """Write checked BIP-39 words as one line, mode 0600, in the clear; ``KeystoreError`` if there is a file already."""
    line = Secret(words(entropy_of(phrase)).reveal + b"\n")
    try:
        write_atomically(path, line.reveal, mode=0o600, exclusive=True)
    except FileExistsError:
        raise KeystoreError(f"{path} already exists", hint="Name another file; nothing was overwritten.") from None
    except PymlError as error:
        raise error.with_traceback(None) from None  # the frames below hold the words in the clear


def read_words(path: Path) -> Secret:
    """Words as ``write_words`` wrote them; ``KeystoreError`` for a file that is absent or that others can read.

    ``InputError`` if the content is not words with a right checksum.
    """
    try:
        mode = path.stat().st_mode & 0o777
        content = Secret(read_bounded(path, _WORDS_LIMIT))
    except FileNotFoundError:
        raise KeystoreError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise KeystoreError(f"{path} cannot be read ({type(error).__name__})") from None
    if mode & 0o077:
        raise KeystoreError(
            f"{path} is open to other users", expected="mode 600", got=f"{mode:o}", hint=f"chmod 600 {path}"
        )
    return words(entropy_of(content))
