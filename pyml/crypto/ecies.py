"""Encryption to a public key of secp256k1: whoever has the private key, and names the same context, can open the box.

Source: SEC 1 v2.0, section 5.1 (ECIES), with HKDF-SHA256 (RFC 5869) as KDF, AES-256 in counter mode and HMAC-SHA256.

    box = R ‖ body ‖ HMAC(mac_key, R ‖ body)        33 + length + 32 bytes
    cipher_key ‖ mac_key = HKDF(Z, info = "pyml.ecies.v1" ‖ R ‖ P ‖ context)

R is a fresh public key, P the recipient's, both compressed; Z is libsecp256k1's ECDH, SHA-256 of the compressed shared
point. Both derived keys are for one box, so the counter begins at zero. The tag commits to recipient and context: a box
that opens under several keys needs a collision of HMAC-SHA256, where with AES-GCM it is easily made, and would test
many guesses of an embedding's key at once.

Not the ``eciespy`` package: it multiplies by the long-term key with a routine whose time depends on that key, binds no
context, and accepts a box again after a bit of R's first byte was flipped.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pyml.crypto.secp256k1 import COMPRESSED_BYTES, SigningKey, compressed
from pyml.errors import InputError, IntegrityError

TAG_BYTES: Final = 32
OVERHEAD_BYTES: Final = COMPRESSED_BYTES + TAG_BYTES
_LABEL: Final = b"pyml.ecies.v1"
_KEY_BYTES: Final = 32
_FIRST_COUNTER: Final = bytes(16)


def encrypt(public: bytes, message: bytes, *, context: bytes) -> bytes:
    """A box with the message for the owner of a public key; ``context`` says what it is for and is not in the box.

    Anyone can make a box: it says nothing about who did.
    """
    recipient = compressed(public)
    ephemeral = SigningKey.random()
    cipher_key, mac_key = _keys(ephemeral.exchange(recipient), ephemeral.public, recipient, context)
    sealed = ephemeral.public + _counter_mode(cipher_key, message)
    return sealed + hmac.digest(mac_key, sealed, "sha256")


def decrypt(key: SigningKey, box: bytes, *, context: bytes) -> bytes:
    """The message; raises ``IntegrityError`` for a box that is altered, for another key, or of another context."""
    message = _open(key, box, context)
    if message is None:
        raise IntegrityError("an encrypted box does not open: wrong key or context, or it has been altered")
    return message


def _open(key: SigningKey, box: bytes, context: bytes) -> bytes | None:
    sealed, tag = box[:-TAG_BYTES], box[-TAG_BYTES:]
    sender = sealed[:COMPRESSED_BYTES]
    try:
        shared = key.exchange(sender)
    except InputError:
        return None
    cipher_key, mac_key = _keys(shared, sender, key.public, context)
    if not hmac.compare_digest(hmac.digest(mac_key, sealed, "sha256"), tag):
        return None
    return _counter_mode(cipher_key, sealed[COMPRESSED_BYTES:])


def _keys(shared: bytes, sender: bytes, recipient: bytes, context: bytes) -> tuple[bytes, bytes]:
    kdf = HKDF(SHA256(), length=2 * _KEY_BYTES, salt=None, info=_LABEL + sender + recipient + context)
    derived = kdf.derive(shared)
    return derived[:_KEY_BYTES], derived[_KEY_BYTES:]


def _counter_mode(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(AES256(key), CTR(_FIRST_COUNTER)).encryptor()
    return cipher.update(data) + cipher.finalize()
