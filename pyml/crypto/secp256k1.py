"""Keys and ECDSA signatures on secp256k1: what Bitcoin and Ethereum accept, and nothing looser.

Source: SEC 2 v2.0, section 2.4.1 (curve); RFC 6979 (nonces); BIP-66 (strict DER); BIP-62 rule 5 and EIP-2 (low s). The
arithmetic, in constant time where a secret takes part, is that of libsecp256k1 through coincurve.

Narrower than libsecp256k1: public keys in the hybrid form (06, 07) are refused, and so is the recovery of a public key
from a signature with high s. A secret lives in one immutable ``bytes`` that Python cannot overwrite: it is never shown,
but it stays in memory until the interpreter reuses the place.
"""

from __future__ import annotations

from secrets import token_bytes
from typing import Final, NoReturn, Protocol

from coincurve import PrivateKey, PublicKey

from pyml.crypto.libsecp256k1 import multiply_generator
from pyml.errors import InputError

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""n, the order of the group (SEC 2)."""
SECRET_BYTES: Final = 32
DIGEST_BYTES: Final = 32
RECOVERABLE_BYTES: Final = 65
COMPRESSED_BYTES: Final = 33
UNCOMPRESSED_BYTES: Final = 65

_ORDER_BYTES: Final = ORDER.to_bytes(SECRET_BYTES, "big")
_ZERO: Final = bytes(SECRET_BYTES)


class KeyRangeError(InputError):
    """A secret is not a private key: zero, or not below the order of the group."""


class Concealed(Protocol):
    """What hides bytes from ``repr`` and gives them on request, as ``pyml.store.keystore.Secret`` does."""

    @property
    def reveal(self) -> bytes: ...


class SigningKey:
    """A private key. It shows its public key only and is neither pickled nor copied; equality is that of the number."""

    __slots__ = ("__key", "__public", "__secret")
    __secret: bytes
    __public: bytes | None
    __key: PrivateKey | None

    def __init__(self) -> NoReturn:
        raise TypeError("a SigningKey is made by SigningKey.from_secret or SigningKey.random")

    @classmethod
    def from_secret(cls, secret: bytes | Concealed) -> SigningKey:
        """32 bytes, big-endian, in [1, n-1]; raises ``KeyRangeError`` for any other number: none is ever reduced."""
        content = secret if isinstance(secret, bytes) else secret.reveal
        if not is_secret(content):
            length = len(content)
            del content, secret  # tracebacks may be shown with the locals of each frame
            raise _refusal(length)
        key = cls.__new__(cls)
        key.__secret = content  # noqa: SLF001
        key.__public = None  # noqa: SLF001
        key.__key = None  # noqa: SLF001
        return key

    @classmethod
    def random(cls) -> SigningKey:
        """A new key, uniform in [1, n-1]."""
        while not is_secret(secret := token_bytes(SECRET_BYTES)):
            pass
        return cls.from_secret(secret)

    @property
    def public(self) -> bytes:
        """The public key, compressed: 33 bytes."""
        if self.__public is None:
            self.__public = PublicKey.from_valid_secret(self.__secret).format()
        return self.__public

    @property
    def public_uncompressed(self) -> bytes:
        """The public key as 04 ‖ x ‖ y: 65 bytes."""
        return uncompressed(self.public)

    @property
    def reveal(self) -> bytes:
        """The secret, 32 bytes; whoever takes it answers for where it goes."""
        return self.__secret

    def sign_der(self, digest: bytes) -> bytes:
        """A signature of a 32-byte digest in DER: deterministic (RFC 6979), low s, at most 71 bytes."""
        return self._signer().sign(_checked_digest(digest), hasher=None)  # pyright: ignore[reportUnknownMemberType]

    def sign_recoverable(self, digest: bytes) -> bytes:
        """The same signature as r ‖ s ‖ v, 65 bytes; v, 0 to 3, tells which public key signed."""
        signer = self._signer()
        return signer.sign_recoverable(_checked_digest(digest), hasher=None)  # pyright: ignore[reportUnknownMemberType]

    def exchange(self, public: bytes) -> bytes:
        """ECDH in constant time: SHA-256 of the compressed shared point, 32 secret bytes (a KDF's input, not a key)."""
        return self._signer().ecdh(compressed(public))

    def _signer(self) -> PrivateKey:
        # Late, because coincurve multiplies twice to make one, which a key that only gets an address does not need.
        if self.__key is None:
            self.__key = PrivateKey(self.__secret)
        return self.__key

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningKey) and self.public == other.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SigningKey is not pickled or copied: keep it in a keystore file instead")


def is_secret(secret: bytes) -> bool:
    """Whether 32 bytes are a number in [1, n-1]."""
    return len(secret) == SECRET_BYTES and _ZERO < secret < _ORDER_BYTES


def public_keys(secrets: bytes) -> list[bytes]:
    """The compressed public keys of many secrets, given end to end, 32 bytes each.

    Raises ``KeyRangeError``, with the position, at the first secret that is not in [1, n-1].
    """
    rows = [secrets[start : start + SECRET_BYTES] for start in range(0, len(secrets), SECRET_BYTES)]
    refused = next((position for position, row in enumerate(rows) if not is_secret(row)), None)
    if refused is not None:
        length = len(rows[refused])
        del rows, secrets
        raise _refusal(length, refused)
    return multiply_generator(rows)


def uncompressed(public: bytes) -> bytes:
    """Any accepted form of a public key as 04 ‖ x ‖ y; raises ``InputError`` if it is none."""
    return _parse_public(public).format(compressed=False)


def compressed(public: bytes) -> bytes:
    """Any accepted form of a public key in 33 bytes; raises ``InputError`` if it is none."""
    return _parse_public(public).format()


def verify(public: bytes, digest: bytes, der: bytes) -> bool:
    """Whether ``der`` is the key's signature of the digest, in strict DER and with low s.

    A signature that is malformed is false; a public key or digest that is malformed raises ``InputError``.
    """
    key = _parse_public(public)
    try:
        return key.verify(der, _checked_digest(digest), hasher=None)
    except ValueError:
        return False


def recover(digest: bytes, signature: bytes) -> bytes:
    """The compressed public key whose signature this is: r ‖ s ‖ v as ``SigningKey.sign_recoverable`` gives it.

    Raises ``InputError`` for a wrong length, v above 3, high s, and for numbers that no key can have signed. Any
    digest gives some key: the caller must compare it with the one that it expects.
    """
    _checked_digest(digest)
    if len(signature) != RECOVERABLE_BYTES:
        expected = f"{RECOVERABLE_BYTES} bytes: r, s, v"
        raise InputError("a recoverable signature has the wrong length", expected=expected, got=len(signature))
    if int.from_bytes(signature[32:64], "big") > ORDER // 2:
        raise InputError(
            "a signature has a high s", expected="s at most n/2", hint="Its twin, n - s, is the valid one."
        )
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    except ValueError:
        raise InputError("a recoverable signature belongs to no public key") from None


def _parse_public(public: bytes) -> PublicKey:
    if (len(public), public[:1]) not in _PUBLIC_FORMS:
        expected = "33 bytes that begin with 02 or 03, or 65 that begin with 04"
        raise InputError("a public key has an unknown form", expected=expected, got=f"{len(public)} bytes")
    try:
        return PublicKey(public)
    except ValueError:
        raise InputError("a public key is not a point of secp256k1", got=public.hex()) from None


_PUBLIC_FORMS: Final = frozenset(
    {(COMPRESSED_BYTES, b"\x02"), (COMPRESSED_BYTES, b"\x03"), (UNCOMPRESSED_BYTES, b"\x04")}
)


def _checked_digest(digest: bytes) -> bytes:
    if len(digest) != DIGEST_BYTES:
        raise InputError("a digest has the wrong length", expected=f"{DIGEST_BYTES} bytes", got=len(digest))
    return digest


def _refusal(length: int, position: int | None = None) -> KeyRangeError:
    """Says what is wrong with a secret without a digit of it."""
    which = "a secret" if position is None else f"secret {position}"
    if length != SECRET_BYTES:
        return KeyRangeError(f"{which} has the wrong length", expected=f"{SECRET_BYTES} bytes", got=length)
    return KeyRangeError(
        f"{which} is not a private key",
        expected="a number from 1 to n-1, n the order of secp256k1",
        hint="It is not reduced: the key would be another one than the secret says.",
    )
