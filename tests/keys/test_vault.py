"""Similar pictures and the password give the key back; anything less, and any change to the helper, gives nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.crypto.password import N_MIN, ScryptCost
from pyml.errors import InputError, IntegrityError, RecoveryError
from pyml.keys import vault
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.helper_file import Helper, parse_helper
from pyml.keys.mask import mask_count, reliable_mask
from pyml.keys.vault import EmbedderId, enrol, recover
from pyml.store.keystore import Secret

CHEAP = ScryptCost(N_MIN)
PASSWORD = Secret(b"correct horse")
EMBEDDER = EmbedderId("test", sha256(b"test").digest())
DIMENSIONS = 200
CODE = BchCode()


def picture(seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(-1000, 1000, DIMENSIONS)


def views(seed: int) -> NDArray[np.int64]:
    clean = picture(seed)
    noise = np.random.default_rng((seed, 1)).integers(-99, 99, (3, DIMENSIONS))
    return np.stack([clean, *(clean + noise)])


def changed(seed: int, helper: Helper, errors: int) -> NDArray[np.int64]:
    """The picture with so many of its masked bits turned."""
    where = np.flatnonzero(reliable_mask(views(seed), helper.code.n))
    values = picture(seed)
    turned = np.random.default_rng(errors).choice(where, errors, replace=False)
    values[turned] = np.where(values[turned] > 0, -5, 5)
    return values


@pytest.fixture(scope="module")
def one() -> tuple[Helper, Secret]:
    return enrol([views(1)], PASSWORD, embedder=EMBEDDER, cost=CHEAP)


@pytest.fixture(scope="module")
def three() -> tuple[Helper, Secret]:
    """Any two of three."""
    return enrol([views(seed) for seed in (1, 2, 3)], PASSWORD, embedder=EMBEDDER, threshold=2, cost=CHEAP)


def opened(helper: Helper, *pictures: NDArray[np.int64], password: Secret = PASSWORD) -> Secret:
    return recover(helper, pictures, password, embedder=EMBEDDER)


# One picture


@pytest.mark.parametrize("errors", [0, 1, CODE.t])
def test_a_similar_picture_opens(one: tuple[Helper, Secret], errors: int) -> None:
    helper, entropy = one
    assert opened(helper, changed(1, helper, errors)) == entropy


@pytest.mark.parametrize("errors", [CODE.t + 1, CODE.t + 5, 60])
def test_a_less_similar_one_does_not(one: tuple[Helper, Secret], errors: int) -> None:
    helper, _ = one
    with pytest.raises(RecoveryError, match="not close enough to those enrolled, or the password is wrong"):
        opened(helper, changed(1, helper, errors))


@pytest.mark.parametrize("password", [b"correct horsf", b"correct horse ", b"Correct horse", b"x"])
def test_another_password_does_not(one: tuple[Helper, Secret], password: bytes) -> None:
    with pytest.raises(RecoveryError, match="or the password is wrong"):
        opened(one[0], picture(1), password=Secret(password))


def test_another_picture_does_not(one: tuple[Helper, Secret]) -> None:
    for seed in range(2, 12):
        with pytest.raises(RecoveryError):
            opened(one[0], picture(seed))


def test_every_enrolment_is_fresh(one: tuple[Helper, Secret]) -> None:
    helper, entropy = enrol([views(1)], PASSWORD, embedder=EMBEDDER, cost=CHEAP)
    assert entropy != one[1]
    assert helper.images[0].mask != one[0].images[0].mask
    assert {helper.salt, helper.nonce, helper.sealed}.isdisjoint({one[0].salt, one[0].nonce, one[0].sealed})
    assert helper.images[0].sketch != one[0].images[0].sketch
    assert opened(helper, picture(1)) == entropy


# Several


@pytest.mark.parametrize("shown", [(1, 2), (3, 1), (2, 3), (3, 2, 1), (9, 1, 8, 3)])
def test_enough_of_several_open(three: tuple[Helper, Secret], shown: tuple[int, ...]) -> None:
    helper, entropy = three
    assert opened(helper, *(picture(seed) for seed in shown)) == entropy


@pytest.mark.parametrize("shown", [(1, 1), (1, 9), (8, 9), (2, 2, 2)])
def test_too_few_do_not(three: tuple[Helper, Secret], shown: tuple[int, ...]) -> None:
    with pytest.raises(RecoveryError):
        opened(three[0], *(picture(seed) for seed in shown))


def test_fewer_than_needed_are_refused_at_once(three: tuple[Helper, Secret]) -> None:
    with pytest.raises(InputError, match=r"wrong number of pictures; expected 2 to 16; got 1"):
        opened(three[0], picture(1))


def test_pictures_too_much_alike(one: tuple[Helper, Secret]) -> None:
    with pytest.raises(InputError, match="pictures 1 and 2 are too much alike"):
        enrol([views(1), views(1)], PASSWORD, embedder=EMBEDDER, threshold=2, cost=CHEAP)
    near = views(1)
    near[0] = changed(1, one[0], 3)
    with pytest.raises(InputError, match="are too much alike"):
        enrol([views(1), near], PASSWORD, embedder=EMBEDDER, threshold=1, cost=CHEAP)


# What does not fit


def test_bad_enrolments() -> None:
    def refused(*given: NDArray[np.int64], password: bytes = b"correct horse", threshold: int = 1) -> str:
        with pytest.raises(InputError) as caught:
            enrol(given, Secret(password), embedder=EMBEDDER, threshold=threshold, cost=CHEAP)
        return str(caught.value)

    assert "the password is too short; expected 8 characters" in refused(views(1), password=b"1234567")
    assert "wrong number of pictures" in refused()
    assert "wrong number of pictures" in refused(views(1), threshold=2)
    assert "wrong number of pictures" in refused(views(1), threshold=0)
    assert "wrong number of pictures" in refused(*[views(1)] * 17)
    assert "picture 1 has no features: it is blank" in refused(np.zeros((2, DIMENSIONS), np.int64))
    assert "picture 1 has no features: it is blank" in refused(np.full((2, DIMENSIONS), 7))
    assert "pictures differ in their number of features" in refused(views(1), views(2)[:, 1:])
    assert "expected [views, 127 or more]" in refused(views(1)[:, :126])


def test_another_embedder(one: tuple[Helper, Secret]) -> None:
    with pytest.raises(InputError, match="the helper was made with another embedder; expected test; got other"):
        recover(one[0], [picture(1)], PASSWORD, embedder=EmbedderId("other", bytes(32)))
    with pytest.raises(InputError, match="wrong number of features; expected 200"):
        opened(one[0], picture(1)[1:])


# Tampering


CHANGES: dict[str, Callable[[Helper], Helper]] = {
    "salt": lambda helper: replace(helper, salt=flipped(helper.salt)),
    "nonce": lambda helper: replace(helper, nonce=flipped(helper.nonce)),
    "sealed": lambda helper: replace(helper, sealed=flipped(helper.sealed)),
    "tag": lambda helper: replace(helper, sealed=helper.sealed[:-1] + bytes([helper.sealed[-1] ^ 1])),
    "name": lambda helper: replace(helper, embedder="other"),
    "cost": lambda helper: replace(helper, cost=ScryptCost(2 * N_MIN)),
    "threshold": lambda helper: replace(helper, threshold=1),
    "fewer": lambda helper: replace(helper, images=helper.images[:2]),
    "order": lambda helper: replace(helper, images=helper.images[::-1]),
    "share": lambda helper: image_changed(helper, share=flipped(helper.images[0].share)),
    "sketch": lambda helper: image_changed(helper, sketch=flipped(helper.images[0].sketch)),
    "spare bit": lambda helper: image_changed(
        helper, sketch=helper.images[0].sketch[:-1] + bytes([helper.images[0].sketch[-1] ^ 1])
    ),
    "mask": lambda helper: image_changed(helper, mask=moved(helper)),
}


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 0x80]) + content[1:]


def moved(helper: Helper) -> bytes:
    """Another mask: the next one."""
    masks = mask_count(helper.dimensions, helper.code.n)
    return ((int.from_bytes(helper.images[0].mask, "big") + 1) % masks).to_bytes(len(helper.images[0].mask), "big")


def image_changed(helper: Helper, **parts: bytes) -> Helper:
    return replace(helper, images=(replace(helper.images[0], **parts), *helper.images[1:]))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_helper_gives_nothing(three: tuple[Helper, Secret], change: Callable[[Helper], Helper]) -> None:
    """Whoever changes it recomputes the digest as well: the last tag is what holds."""
    helper = change(three[0])
    assert parse_helper(helper.to_json()) == helper
    with pytest.raises(RecoveryError):
        opened(helper, picture(1), picture(2), picture(3))


def test_every_bit_of_the_file_is_under_its_digest(one: tuple[Helper, Secret]) -> None:
    content = one[0].to_json()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(content), 300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(random.integers(0, 8))
        with pytest.raises((InputError, IntegrityError)):
            parse_helper(bytes(damaged))


def altered(helper: Helper, **fields: object) -> bytes:
    return json.dumps(json.loads(helper.to_json()) | fields).encode()


def test_bad_files(one: tuple[Helper, Secret]) -> None:
    helper = one[0]

    def refused(content: bytes) -> str:
        with pytest.raises((InputError, IntegrityError)) as caught:
            parse_helper(content, "h.json")
        return str(caught.value)

    for content in (b"", b"[]", b"null", b"{", b"\xff", b"[" * 10_000):
        assert refused(content) == "h.json is not a helper file; expected pyml.keys.helper.v1"
    assert "of another version; expected pyml.keys.helper.v1; got 'v2'" in refused(altered(helper, format="v2"))
    wrong: tuple[dict[str, object], ...] = (
        {"images": 3},
        {"dimensions": "200"},
        {"dimensions": True},
        {"salt": 1},
        {"scrypt": {}},
    )
    for fields in wrong:
        assert refused(altered(helper, **fields)) in (
            "h.json is not a complete helper file",
            "h.json has been damaged or altered. Fetch the file again, or enrol anew.",
        )
    assert "the helper's parts do not fit together" in refused(altered(helper, dimensions=126))
    assert "the helper's parts do not fit together" in refused(altered(helper, threshold=2))
    assert "the helper's parts do not fit together" in refused(altered(helper, images=[]))
    assert "no such BCH code" in refused(altered(helper, bch={"n": 127, "k": 63}))
    hostile = altered(helper, scrypt={"n": 2**30, "r": 8, "p": 1, "salt": "00" * 32})
    assert "scrypt costs are out of range" in refused(hostile)
    assert "damaged or altered" in refused(helper.to_json() + b" ")
    assert "damaged or altered" in refused(altered(helper, more=1))


# What is published


def test_no_part_of_the_file_is_fixed_or_known(one: tuple[Helper, Secret]) -> None:
    """Bits that were the same in every file would tell a right password from a wrong one, without any picture."""
    seen = [enrol([views(1)], PASSWORD, embedder=EMBEDDER, cost=CHEAP)[0] for _ in range(12)]
    spare = {opened_sketch(helper)[-1] & 1 for helper in seen}
    assert spare == {0, 1}
    assert all(len({helper.images[0].share[i] for helper in seen}) > 1 for i in range(16))


def test_masks_are_hidden_without_a_trace(one: tuple[Helper, Secret]) -> None:
    """Under any password the file gives a mask of the right form; under the right one, that of the picture."""
    wanted = reliable_mask(views(1), one[0].code.n)
    helpers = [one[0], *(enrol([views(1)], PASSWORD, embedder=EMBEDDER, cost=CHEAP)[0] for _ in range(8))]
    assert len({helper.images[0].mask for helper in helpers}) == len(helpers)
    for helper in helpers:
        assert np.array_equal(opened_mask(helper, PASSWORD), wanted)
        other = opened_mask(helper, Secret(b"another one"))
        assert other.sum() == helper.code.n
        assert 50 < (other & wanted).sum() < 110, "as two masks that have nothing to do with each other: 81 on average"


@pytest.mark.parametrize("mask", [b"\xff" * 24, b"", bytes(25)])
def test_masks_that_are_none(one: tuple[Helper, Secret], mask: bytes) -> None:
    with pytest.raises(InputError, match="parts do not fit together"):
        image_changed(one[0], mask=mask)


def opened_mask(helper: Helper, password: Secret) -> NDArray[np.uint8]:
    stretched = vault._stretched(password, helper.salt, helper.cost)
    return vault._shown_mask(helper.images[0].mask, stretched, 0, helper)


def opened_sketch(helper: Helper) -> bytes:
    """As somebody sees it who has the password."""
    stretched = vault._stretched(PASSWORD, helper.salt, helper.cost)
    return vault._xor(helper.images[0].sketch, vault._sketch_pad(stretched, 0, helper.code))


def test_the_secret_is_nowhere_to_be_seen(one: tuple[Helper, Secret]) -> None:
    helper, entropy = one
    text = helper.to_json() + repr(helper).encode()
    assert entropy.reveal not in text
    assert entropy.reveal.hex().encode() not in text
    assert entropy.reveal.hex() not in repr(entropy)
    assert b"correct" not in text


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(127, 64), (127, 85), (127, 50), (255, 131)]), st.data())
def test_any_picture_and_code(seed: int, form: tuple[int, int], data: st.DataObject) -> None:
    code = BchCode(*form)
    random = np.random.default_rng(seed)
    clean = random.integers(-1000, 1000, 300)
    helper, entropy = enrol([clean[None]], PASSWORD, embedder=EMBEDDER, code=code, cost=CHEAP)
    where = np.flatnonzero(reliable_mask(clean[None], code.n))
    errors = data.draw(st.integers(0, 2 * code.t))
    turned = random.choice(where, errors, replace=False)
    near = clean.copy()
    near[turned] = np.where(near[turned] > 0, -5, 5)
    if errors <= code.t:
        assert opened(helper, near) == entropy
    else:
        with pytest.raises(RecoveryError):
            opened(helper, near)
