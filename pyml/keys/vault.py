"""Vault mode: a random secret that opens with enough similar pictures *and* the password (specification, section 1.2).

Departs from the paper's Algorithm 1, where the key is the code itself: there, whoever finds the picture has the key,
and one bit of change loses it. Here the key is random, so that a helper can be revoked and a picture enrolled again.

Enrolment of m pictures of which t are needed (Shamir 1979, over GF(2^128), by pycryptodome):

    stretched = scrypt(password, salt)                              root: 16 random bytes, entropy: 32 random bytes
    share_i   = Shamir share of root                                message_i, sketch_i = commit(masked bits of i)
    published = mask_i, sketch_i ⊕ HKDF(stretched, "sketch", i), share_i ⊕ HKDF(stretched ‖ message_i, "share", i)
    sealed    = AES-256-GCM(HKDF(stretched ‖ root, "seal"), entropy; associated data: everything that is published)

Sketches and shares carry no tag and no fixed bit (spare bits are random): under a wrong password they become other
random bits, so that pictures can be tried against a helper only together with a password, at one scrypt each, and
passwords only together with pictures. What the mask alone tells is in the open. The last tag is the only test, which
is why a wrong password and a picture that is not close enough are one and the same refusal.

A public picture is no secret. Security is the password, the number of pictures that an attacker must consider, and
scrypt's cost; ``docs/keys.md`` has the figures.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from Crypto.Protocol.SecretSharing import Shamir
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from pyml.crypto.password import ScryptCost, stretch
from pyml.errors import InputError, RecoveryError
from pyml.keys.fuzzy_commitment import BchCode, Bits, commit, open_sketch, pack, unpack
from pyml.keys.helper_file import (
    FORMAT,
    MAX_IMAGES,
    NONCE_BYTES,
    SALT_BYTES,
    SEALED_BYTES,
    SHARE_BYTES,
    EnrolledImage,
    Helper,
)
from pyml.keys.mask import feature_bits, masked, reliable_mask
from pyml.store.keystore import Secret

COST = ScryptCost(2**18)
"""256 MiB and about a second for each guess."""
PASSWORD_BYTES = 8
"""Shortest password taken. It has to hold on its own once somebody guesses the picture."""
MAX_TRIES = 4096
"""Sets of shares that recovery tries before it gives up; false ones are rare."""


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """Which embedder bits came from: a name for people, a digest that must agree."""

    name: str
    digest: bytes


def enrol(
    views: Sequence[NDArray[np.int64]],
    password: Secret,
    *,
    embedder: EmbedderId,
    threshold: int = 1,
    code: BchCode | None = None,
    cost: ScryptCost = COST,
) -> tuple[Helper, Secret]:
    """A helper, and 32 bytes of fresh entropy for a wallet.

    ``views``: for each picture the projected features [views, dimensions] of its edits, the original first.
    ``InputError`` when the password is short, or two of several pictures are so alike that one would do for both.
    """
    code = BchCode() if code is None else code
    _require_plan(views, password, threshold)
    dimensions = views[0].shape[1]
    masks = [reliable_mask(each, code.n) for each in views]
    originals = [feature_bits(each[0]) for each in views]
    salt, root, entropy = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SHARE_BYTES), secrets.token_bytes(32)
    stretched = _stretched(password, salt, cost)
    images: list[EnrolledImage] = []
    for index, (share, mask, bits) in enumerate(
        zip(_split(root, threshold, len(views)), masks, originals, strict=True)
    ):
        message, sketch = commit(code, masked(bits, mask))
        for other in range(len(views)):
            if other != index and open_sketch(code, masked(originals[other], mask), sketch) is not None:
                raise InputError(f"pictures {index + 1} and {other + 1} are too much alike", hint="Choose another.")
        images.append(
            EnrolledImage(
                pack(mask),
                _xor(_spare_filled(sketch), _sketch_pad(stretched, index, code)),
                _xor(share, _share_pad(stretched, index, message)),
            )
        )
    blank = Helper(
        embedder=embedder.name,
        embedder_digest=embedder.digest,
        dimensions=dimensions,
        code=code,
        cost=cost,
        salt=salt,
        threshold=threshold,
        images=tuple(images),
        nonce=secrets.token_bytes(NONCE_BYTES),
        sealed=bytes(SEALED_BYTES),
    )
    sealed = AESGCM(_seal_key(stretched, root)).encrypt(blank.nonce, entropy, blank.context())
    return replace(blank, sealed=sealed), Secret(entropy)


def recover(helper: Helper, pictures: Sequence[NDArray[np.int64]], password: Secret, *, embedder: EmbedderId) -> Secret:
    """The entropy that was enrolled, from projected features [dimensions] of each picture shown.

    ``InputError`` for another embedder or too few pictures; ``RecoveryError`` when they, or the password, do not fit.
    """
    if embedder.digest != helper.embedder_digest:
        raise InputError("the helper was made with another embedder", expected=helper.embedder, got=embedder.name)
    if not helper.threshold <= len(pictures) <= MAX_IMAGES:
        raise InputError("wrong number of pictures", expected=f"{helper.threshold} to {MAX_IMAGES}", got=len(pictures))
    if any(each.shape != (helper.dimensions,) for each in pictures):
        raise InputError("wrong number of features", expected=helper.dimensions, got=[each.shape for each in pictures])
    stretched = _stretched(password, helper.salt, helper.cost)
    bits = [feature_bits(each) for each in pictures]
    for root in itertools.islice(_roots(helper, bits, stretched), MAX_TRIES):
        try:
            entropy = AESGCM(_seal_key(stretched, root)).decrypt(helper.nonce, helper.sealed, helper.context())
        except InvalidTag:
            continue
        return Secret(entropy)
    raise RecoveryError(
        "no key: the pictures are not close enough to those enrolled, or the password is wrong",
        hint="Nobody can tell which, and that is meant. Try the original picture.",
    )


def _roots(helper: Helper, bits: Sequence[Bits], stretched: bytes) -> Iterator[bytes]:
    """Every secret that the pictures' shares may combine to; which picture was enrolled where is not known."""
    found: dict[int, list[bytes]] = {}
    for index, image in enumerate(helper.images):
        mask = unpack(image.mask, helper.dimensions)
        sketch = unpack(_xor(image.sketch, _sketch_pad(stretched, index, helper.code)), helper.code.n)
        messages = (open_sketch(helper.code, masked(each, mask), sketch) for each in bits)
        shares = {_xor(image.share, _share_pad(stretched, index, each)) for each in messages if each is not None}
        if shares:
            found[index] = sorted(shares)
    for chosen in itertools.combinations(sorted(found), helper.threshold):
        for shares in itertools.product(*(found[index] for index in chosen)):
            yield _combine(dict(zip(chosen, shares, strict=True)))


def _require_plan(views: Sequence[NDArray[np.int64]], password: Secret, threshold: int) -> None:
    if not 1 <= threshold <= len(views) <= MAX_IMAGES:
        raise InputError(
            "wrong number of pictures", expected=f"1 to {MAX_IMAGES}, and no more needed than enrolled", got=len(views)
        )
    if len({each.shape[1] for each in views}) != 1:
        raise InputError("pictures differ in their number of features")
    if len(password.reveal) < PASSWORD_BYTES:
        raise InputError("the password is too short", expected=f"{PASSWORD_BYTES} characters or more")
    for index, each in enumerate(views):
        if not each.any() or (each == each[0, 0]).all():
            raise InputError(f"picture {index + 1} has no features: it is blank", hint="Choose another.")


def _stretched(password: Secret, salt: bytes, cost: ScryptCost) -> bytes:
    return stretch(password.reveal, purpose=FORMAT.encode(), salt=salt, cost=cost)


def _sketch_pad(stretched: bytes, index: int, code: BchCode) -> bytes:
    return _expand(stretched, f"sketch {index}", -(-code.n // 8))


def _share_pad(stretched: bytes, index: int, message: Bits) -> bytes:
    return _expand(stretched + pack(message), f"share {index}", SHARE_BYTES)


def _seal_key(stretched: bytes, root: bytes) -> bytes:
    return _expand(stretched + root, "seal", 32)


def _expand(key: bytes, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"{FORMAT} {purpose}".encode()).derive(key)


def _spare_filled(sketch: Bits) -> bytes:
    """Packed, with random bits to the end of the last byte: known ones would tell a right password from a wrong one."""
    spare = -len(sketch) % 8
    return pack(np.concatenate([sketch, unpack(secrets.token_bytes(1), spare)]))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _split(root: bytes, threshold: int, count: int) -> list[bytes]:
    return [share for _, share in Shamir.split(threshold, count, root, ssss=False)]


def _combine(shares: dict[int, bytes]) -> bytes:
    numbered = [(index + 1, share) for index, share in shares.items()]
    return Shamir.combine(numbered, ssss=False)
