"""From one random secret to any number of keys: words to write down, a seed, keys along a path.

Source: BIP-39 (English words), BIP-32, BIP-44 and BIP-84 (paths), through eth-account, which has the word list and
derives private keys. Only private keys leave this module: an extended public key, of which watch-only wallets derive
addresses, together with any one private key below it gives away its parent.
"""

from __future__ import annotations

import re
from typing import Final

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.store.keystore import Secret

ETHEREUM_PATH: Final = "m/44'/60'/0'/0/0"
BITCOIN_PATH: Final = "m/44'/0'/0'/0/0"
"""For a P2PKH address."""
BITCOIN_SEGWIT_PATH: Final = "m/84'/0'/0'/0/0"
"""For a P2WPKH address."""
ENTROPY_BYTES: Final = (16, 20, 24, 28, 32)
SEED_BYTES: Final = range(16, 65)
_NO_PASSPHRASE: Final = Secret(b"")
_PATH: Final = re.compile(r"m(/(0|[1-9][0-9]{0,9})'?)*")
_MAX_DEPTH: Final = 255
_MAX_PHRASE_BYTES: Final = 4096
_HARDENED: Final = 2**31


def words(entropy: Secret) -> Secret:
    """16 to 32 bytes of entropy, a multiple of four, as 12 to 24 English words with a checksum; UTF-8."""
    from eth_account.hdaccount.mnemonic import Mnemonic

    if len(entropy.reveal) not in ENTROPY_BYTES:
        expected = f"{', '.join(map(str, ENTROPY_BYTES))} bytes"
        raise InputError("entropy has the wrong length", expected=expected, got=len(entropy.reveal))
    return Secret(Mnemonic().to_mnemonic(entropy.reveal).encode("utf-8"))


def entropy_of(phrase: Secret) -> Secret:
    """The entropy that ``words`` made; raises ``InputError`` for a foreign word, a wrong number or a wrong checksum.

    Case and the space between words do not matter.
    """
    entropy = _decoded(phrase)
    if entropy is None:
        raise InputError("the words are not those of BIP-39", expected="12 to 24 English words with a right checksum")
    return entropy


def seed(phrase: Secret, *, passphrase: Secret = _NO_PASSPHRASE) -> Secret:
    """The 64-byte seed of words, which are checked, and a passphrase, UTF-8, which cannot be: each gives some seed."""
    from eth_account.hdaccount.mnemonic import Mnemonic

    if not _is_utf8(passphrase):
        raise InputError("a passphrase is not UTF-8")
    canonical = words(entropy_of(phrase))
    return Secret(Mnemonic.to_seed(canonical.reveal.decode(), passphrase.reveal.decode()))


def key_from_seed(seed: Secret, path: str) -> SigningKey:
    """The key at an absolute BIP-32 path, such as ``m/44'/60'/0'/0/0``, below a seed of 16 to 64 bytes."""
    from eth_account.hdaccount.deterministic import HDPath

    require_path(path)
    if len(seed.reveal) not in SEED_BYTES:
        raise InputError("a seed has the wrong length", expected="16 to 64 bytes", got=len(seed.reveal))
    return SigningKey.from_secret(Secret(HDPath(path).derive(seed.reveal)))


def key_at(entropy: Secret, path: str, *, passphrase: Secret = _NO_PASSPHRASE) -> SigningKey:
    """The key that a wallet finds at ``path`` when it is given ``words(entropy)`` and the passphrase."""
    return key_from_seed(seed(words(entropy), passphrase=passphrase), path)


def require_path(path: str) -> None:
    """Raise ``InputError`` unless ``path`` is absolute, with at most 255 indices below 2^31, hardened by ``'``."""
    indices = [int(index.removesuffix("'")) for index in path.split("/")[1:]] if _PATH.fullmatch(path) else [_HARDENED]
    if len(indices) > _MAX_DEPTH or any(index >= _HARDENED for index in indices):
        raise InputError("a derivation path is malformed", expected="for instance m/44'/60'/0'/0/0", got=ascii(path))


def _decoded(phrase: Secret) -> Secret | None:
    from eth_account.hdaccount.mnemonic import Mnemonic

    if len(phrase.reveal) > _MAX_PHRASE_BYTES or not _is_utf8(phrase):
        return None
    english, listed = Mnemonic(), phrase.reveal.decode().lower().split()
    if not english.is_mnemonic_valid(" ".join(listed)):
        return None
    bits = "".join(f"{english.wordlist.index(word):011b}" for word in listed)
    size = len(listed) * 4 // 3
    return Secret(int(bits[: 8 * size], 2).to_bytes(size, "big"))


def _is_utf8(text: Secret) -> bool:
    try:
        text.reveal.decode()
    except UnicodeDecodeError:
        return False
    return True
