"""Vault mode: a random secret that opens with enough similar pictures *and* the password (specification, section 1.2).

Departs from the paper's Algorithm 1, where the key is the code itself: there, whoever finds the picture has the key,
and one bit of change loses it. Here the key is random, so that a helper can be revoked and a picture enrolled again.

Enrolment of m pictures of which t are needed (Shamir 1979, over GF(2^128), by pycryptodome):

    stretched = scrypt(password, salt)                              root: 16 random bytes, entropy: 32 random bytes
    share_i   = Shamir share of root                                message_i, sketch_i = commit(masked bits of i)
    published = place of mask_i + HKDF(stretched, "mask", i) mod C(dimensions, n),
                sketch_i ⊕ HKDF(stretched, "sketch", i), share_i ⊕ HKDF(stretched ‖ message_i, "share", i)
    sealed    = AES-256-GCM(HKDF(stretched ‖ root, "seal"), entropy; associated data: everything that is published)

Masks, sketches and shares carry no tag and no fixed bit (spare bits are random): under a wrong password they become
others of their kind, so that pictures can be tried against a helper only together with a password, at one scrypt for
each password, and passwords only together with pictures. The last tag is the only test, which is why a wrong password
and a picture that is not close enough are one and the same refusal.

That holds as far as masks of real things look like any others. Those of photographs nearly do: the masks that 34 of 100
wrong passwords gave looked likelier, by how often each place is kept, than the middle one of 60 photographs' own. For
pictures of one kind, and for texts, whose 1,024 places depend on 384 numbers, this was not measured: count on the
password alone being testable there.

Departs from the specification, where masks are public: they were measured to tell which picture was enrolled
(``mask``). Two helpers of one picture now have nothing in common.

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
    number_bytes,
)
from pyml.keys.mask import feature_bits, mask_at, mask_count, mask_place, masked, reliable_mask
from pyml.store.keystore import Secret

COST = ScryptCost(2**18)
"""256 MiB and about a second for each guess."""
PASSWORD_BYTES = 8
"""Shortest password taken. It has to hold on its own once somebody guesses the picture."""
MAX_TRIES = 4096
"""Sets of shares that recovery tries before it gives up; false ones are rare."""


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """Which embedder bits came from: a name for people, a digest that must agree, and what it was shown."""

    name: str
    digest: bytes
    noun: str = "picture"


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
    _require_plan(views, password, threshold, embedder.noun)
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
                problem = f"{embedder.noun}s {index + 1} and {other + 1} are too much alike"
                raise InputError(problem, hint="Choose another.")
        images.append(
            EnrolledImage(
                _hidden_mask(mask, stretched, index),
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
        expected = f"{helper.threshold} to {MAX_IMAGES}"
        raise InputError(f"wrong number of {embedder.noun}s", expected=expected, got=len(pictures))
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
        f"no key: the {embedder.noun}s are not close enough to those enrolled, or the password is wrong",
        hint=f"Nobody can tell which, and that is meant. Try the original {embedder.noun}.",
    )


def _roots(helper: Helper, bits: Sequence[Bits], stretched: bytes) -> Iterator[bytes]:
    """Every secret that the pictures' shares may combine to; which picture was enrolled where is not known."""
    found: dict[int, list[bytes]] = {}
    for index, image in enumerate(helper.images):
        mask = _shown_mask(image.mask, stretched, index, helper)
        sketch = unpack(_xor(image.sketch, _sketch_pad(stretched, index, helper.code)), helper.code.n)
        messages = (open_sketch(helper.code, masked(each, mask), sketch) for each in bits)
        shares = {_xor(image.share, _share_pad(stretched, index, each)) for each in messages if each is not None}
        if shares:
            found[index] = sorted(shares)
    for chosen in itertools.combinations(sorted(found), helper.threshold):
        for shares in itertools.product(*(found[index] for index in chosen)):
            yield _combine(dict(zip(chosen, shares, strict=True)))


def _require_plan(views: Sequence[NDArray[np.int64]], password: Secret, threshold: int, noun: str) -> None:
    if not 1 <= threshold <= len(views) <= MAX_IMAGES:
        raise InputError(
            f"wrong number of {noun}s", expected=f"1 to {MAX_IMAGES}, and no more needed than enrolled", got=len(views)
        )
    if len({each.shape[1] for each in views}) != 1:
        raise InputError(f"{noun}s differ in their number of features")
    if len(password.reveal) < PASSWORD_BYTES:
        raise InputError("the password is too short", expected=f"{PASSWORD_BYTES} characters or more")
    for index, each in enumerate(views):
        if not each.any() or (each == each[0, 0]).all():
            raise InputError(f"{noun} {index + 1} has no features: it is blank", hint="Choose another.")


def _stretched(password: Secret, salt: bytes, cost: ScryptCost) -> bytes:
    return stretch(password.reveal, purpose=FORMAT.encode(), salt=salt, cost=cost)


def _hidden_mask(mask: Bits, stretched: bytes, index: int) -> bytes:
    masks = mask_count(len(mask), int(mask.sum()))
    hidden = (mask_place(mask) + _mask_pad(stretched, index, masks)) % masks
    return hidden.to_bytes(number_bytes(masks), "big")


def _shown_mask(hidden: bytes, stretched: bytes, index: int, helper: Helper) -> Bits:
    masks = mask_count(helper.dimensions, helper.code.n)
    place = (int.from_bytes(hidden, "big") - _mask_pad(stretched, index, masks)) % masks
    return mask_at(place, helper.dimensions, helper.code.n)


def _mask_pad(stretched: bytes, index: int, masks: int) -> int:
    """Uniform below the number of masks, but for 2^-128: 16 bytes more than it has are reduced."""
    return int.from_bytes(_expand(stretched, f"mask {index}", number_bytes(masks) + 16), "big") % masks


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
