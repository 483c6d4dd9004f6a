"""A group's key on disk: the public part as it is, each share encrypted under its party's password.

    threshold-key.bin       what all agree on; its digest and root go on chain
    share-I.keystore        party I's share, for nobody else: ``pyml.store.keystore``

The dealer's primes and polynomial are in no file. Whoever runs the dealer is trusted not to keep them, and to hand each
share to its party only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pyml.crypto.paillier import EXPONENT_BITS
from pyml.crypto.safe_primes import safe_prime
from pyml.crypto.threshold_key_codec import decode_key, decode_share, encode_key, encode_share
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, deal, require_group
from pyml.errors import InputError
from pyml.files import read_bounded, write_atomically
from pyml.store.keystore import SCRYPT_N, Secret, load_secret, save_secret

KEY_FILE: Final = "threshold-key.bin"
SHARE_LABEL: Final = "pyml deepchain key share"

_KEY_LIMIT: Final = 1 << 16


def run_trusted_dealer(
    *,
    bits: int,
    parties: int,
    threshold: int,
    exponent_bits: int = EXPONENT_BITS,
    allow_insecure: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[ThresholdKey, list[KeyShare]]:
    """A fresh key and its shares, in memory; 1024 bits only with ``allow_insecure``."""
    require_group(parties, threshold)
    if bits == 1024 and not allow_insecure:
        raise InputError("a key of 1024 bits is insecure", hint="Take 2048, or ask for an insecure key by name.")
    if bits not in (1024, 2048, 3072):
        raise InputError("a key has the wrong length", expected="2048 or 3072 bits", got=bits)
    p, q = safe_prime(bits // 2, progress=progress), safe_prime(bits // 2, progress=progress)
    return deal(p, q, parties=parties, threshold=threshold, exponent_bits=exponent_bits, insecure=bits == 1024)


def save_group_key(
    folder: Path,
    key: ThresholdKey,
    shares: Sequence[KeyShare],
    passwords: Sequence[Secret],
    *,
    scrypt_n: int = SCRYPT_N,
) -> None:
    """Write the key and one file for each share; existing files are kept and raise ``KeystoreError``."""
    if not len(passwords) == len(shares) == key.parties:
        raise InputError("each party needs a password", expected=key.parties, got=len(passwords))
    for share, password in zip(shares, passwords, strict=True):
        secret = Secret(encode_share(key, share))
        save_secret(share_path(folder, share.index), secret, password, label=SHARE_LABEL, scrypt_n=scrypt_n)
    write_atomically(folder / KEY_FILE, encode_key(key))


def share_path(folder: Path, index: int) -> Path:
    """Where party ``index``'s share lies."""
    return folder / f"share-{index}.keystore"


def load_group_key(path: Path, *, allow_insecure: bool = False) -> ThresholdKey:
    """Read a key from a file of hostile origin."""
    try:
        data = read_bounded(path, _KEY_LIMIT)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", hint="The dealer makes it.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return decode_key(data, allow_insecure=allow_insecure)


def load_key_share(path: Path, key: ThresholdKey, password: Secret) -> KeyShare:
    """Open a party's share of this key; ``InputError`` if it is another key's or not what the dealer dealt."""
    return decode_share(key, load_secret(path, password, label=SHARE_LABEL).reveal)
