"""KDAC once more, from its specification: py_ecc's curve, pycryptodome's AES-GCM, hmac. It imports nothing of pyml."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from Crypto.Cipher import AES
from py_ecc.secp256k1.secp256k1 import G, N, P, multiply

Point = tuple[int, int]


def compress(point: Point) -> bytes:
    return bytes((2 + point[1] % 2,)) + point[0].to_bytes(32, "big")


def decompress(text: bytes) -> Point:
    x = int.from_bytes(text[1:], "big")
    y = pow(x**3 + 7, (P + 1) // 4, P)
    assert y * y % P == (x**3 + 7) % P
    return x, y if y % 2 == text[0] % 2 else P - y


def times(point: Point, number: int) -> Point:
    return multiply(point, number)  # type: ignore[no-any-return]


def public(k: int) -> bytes:
    return compress(times(G, k))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869, one block."""
    extracted = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\1", hashlib.sha256).digest()


def scalar(x: bytes, direction: int, slot: int, counter: int) -> int:
    text = b"KDAC/v1/derive" + x + bytes([direction]) + slot.to_bytes(8, "big") + counter.to_bytes(4, "big")
    return int.from_bytes(hashlib.sha256(text).digest(), "big") % N


def tag(derived: bytes) -> bytes:
    return hashlib.sha256(b"KDAC/v1/tag" + derived).digest()[:16]


def seed(a: tuple[bytes, bytes], b: tuple[bytes, bytes]) -> bytes:
    low, high = (a, b) if a[0] < b[0] else (b, a)
    return hkdf(low[1] + high[1], hashlib.sha256(low[0] + high[0]).digest(), b"KDAC/v1/seed")


def next_seed(x: bytes, epoch: int, ephemeral: int, other: bytes) -> bytes:
    shared = hashlib.sha256(compress(times(decompress(other), ephemeral))).digest()
    low, high = sorted((public(ephemeral), other))
    return hkdf(shared, x, b"KDAC/v1/epoch" + epoch.to_bytes(8, "big") + low + high)


def session_key(shared: Point, x: bytes, sender: bytes, receiver: bytes, derived: bytes, slot: int) -> bytes:
    info = b"KDAC/v1/session" + sender + receiver + derived + slot.to_bytes(8, "big")
    return hkdf(hashlib.sha256(compress(shared)).digest(), x, info)


def open_message(fields: dict[str, Any], key: bytes) -> bytes:
    """The content of a decoded message, without its padding."""
    header = b"KDAC/v1/header\1" + fields["t"].to_bytes(8, "big") + fields["K"]
    sealed = fields["m"]
    cipher = AES.new(key, AES.MODE_GCM, nonce=sealed[:12])  # pyright: ignore[reportUnknownMemberType]
    cipher.update(header)
    padded = cipher.decrypt_and_verify(sealed[12:-16], sealed[-16:])
    assert len(padded) in (256, 1024, 4096, 16384)
    return padded.rstrip(b"\0").removesuffix(b"\x80")


def content(fields: dict[str, Any]) -> bytes:
    """CBOR by hand, RFC 8949: the fields that are there, in the order in which pyml writes them."""
    parts = [(b"\x63seq", cbor(fields["seq"])), (b"\x64body", cbor(bytes.fromhex(fields["body"])))]
    parts.append((b"\x64type", cbor(fields["type"])))
    if fields["offer"] is not None:
        parts.append((b"\x65offer", cbor(bytes.fromhex(fields["offer"]))))
    if fields["ready"]:
        parts.append((b"\x65ready", b"\xf5"))
    low, open_from = fields["got"]
    parts.append((b"\x63got", b"\x4c" + low.to_bytes(8, "big") + open_from.to_bytes(4, "big")))
    parts += [(cbor(name), cbor(fields[name])) for name in ("floor", "past") if fields[name]]
    return bytes([0xA0 + len(parts)]) + b"".join(name + value for name, value in parts)


def cbor(item: object) -> bytes:
    if isinstance(item, int):
        return _cbor_head(0, item)
    if isinstance(item, bytes):
        return _cbor_head(2, len(item)) + item
    if isinstance(item, str):
        return _cbor_head(3, len(item)) + item.encode()
    assert isinstance(item, list)
    parts: list[object] = item  # pyright: ignore[reportUnknownVariableType]
    return _cbor_head(4, len(parts)) + b"".join(map(cbor, parts))


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    power = next(power for power in range(4) if number < 256**2**power)
    return bytes([major << 5 | 24 + power]) + number.to_bytes(2**power, "big")


def paper_scalar(x: bytes, t: int) -> int:
    assert len(x) == 8
    return int.from_bytes(hashlib.sha256(x + t.to_bytes(8, "big")).digest(), "big") % N


def paper_session_key(k: int, other: bytes) -> bytes:
    x, y = times(decompress(other), k)
    return (x ^ y).to_bytes(32, "big")
