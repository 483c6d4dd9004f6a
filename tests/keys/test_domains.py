"""Pictures, texts and sounds: read the same way, opened by what is like them, refused in one line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pyml.crypto.password import ScryptCost
from pyml.errors import InputError, RecoveryError
from pyml.keys.domains import DOMAINS, IMAGE, SOUND, TEXT, Domain, domain_named
from pyml.keys.text_edits import EDITS as TEXT_EDITS
from pyml.keys.text_edits import both, doubled, dropped, exchanged, left_out, mistyped, swapped
from pyml.keys.texts import MAX_BYTES, decode_text, open_text, texts_in
from pyml.keys.vault import enrol, recover
from pyml.keys.wallet import features, features_of_views, identity
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.ml.embedders.text import is_installed
from pyml.store.keystore import Secret
from tests.keys.wav_files import chirp, stored

PASSWORD = Secret(b"correct horse")
CHEAP = ScryptCost(2**14)
TEXT_A = "The lantern over the ferry landing swings in the wind all winter."
TEXT_B = "Grandfather traded two goats for a broken accordion."

needs_model = pytest.mark.skipif(not is_installed(), reason="needs pip install 'pyml[text]'")
every_domain = pytest.mark.parametrize(
    "domain", [IMAGE, pytest.param(TEXT, marks=needs_model), SOUND], ids=lambda each: each.name
)


def item(domain: Domain[Any], which: int) -> Any:
    """One of two unlike items."""
    if domain is IMAGE:
        return Image.fromarray(synthetic_pictures(1, 128, which)[0])
    return (TEXT_A, TEXT_B)[which] if domain is TEXT else chirp(which, 6000)


def test_names() -> None:
    assert list(DOMAINS) == ["image", "text", "sound"]
    assert all(domain_named(name) is domain and domain.name == name for name, domain in DOMAINS.items())
    assert [domain.plural for domain in DOMAINS.values()] == ["pictures", "texts", "sounds"]
    with pytest.raises(InputError, match="no such domain; expected one of image, text, sound; got smell"):
        domain_named("smell")


@every_domain
def test_what_is_like_the_enrolled_opens_and_nothing_else(domain: Domain[Any]) -> None:
    mine, other = item(domain, 0), item(domain, 1)
    embedder = domain.embedder()
    name = identity(domain, embedder)
    views = features_of_views(domain, embedder, mine)
    helper, entropy = enrol([views], PASSWORD, embedder=name, code=domain.code, cost=CHEAP)
    edited = [edit(mine) for edit in list(domain.edits.values())[:3]]
    for shown in features(embedder, [mine, *edited]):
        assert recover(helper, [shown], PASSWORD, embedder=name).reveal == entropy.reveal
    with pytest.raises(RecoveryError) as caught:
        recover(helper, features(embedder, [other]), PASSWORD, embedder=name)
    assert f"the {domain.plural} are not close enough" in str(caught.value)
    assert f"Try the original {domain.noun}" in str(caught.value)
    with pytest.raises(RecoveryError):
        recover(helper, features(embedder, [mine]), Secret(b"correct horses"), embedder=name)


@every_domain
def test_a_helper_of_another_domain(domain: Domain[Any]) -> None:
    embedder = domain.embedder()
    name = identity(domain, embedder)
    helper, _ = enrol(
        [features_of_views(domain, embedder, item(domain, 0))], PASSWORD, embedder=name, code=domain.code, cost=CHEAP
    )
    stranger: Domain[Any] = SOUND if domain is IMAGE else IMAGE
    eye = stranger.embedder()
    with pytest.raises(InputError) as caught:
        recover(helper, features(eye, [item(stranger, 0)]), PASSWORD, embedder=identity(stranger, eye))
    assert str(caught.value) == (f"the helper was made with another embedder; expected {embedder.name}; got {eye.name}")


@every_domain
def test_two_alike_are_refused_by_their_own_name(domain: Domain[Any]) -> None:
    embedder = domain.embedder()
    seen = features_of_views(domain, embedder, item(domain, 0))
    with pytest.raises(InputError, match=f"{domain.plural} 1 and 2 are too much alike"):
        enrol([seen, seen], PASSWORD, embedder=identity(domain, embedder), code=domain.code, cost=CHEAP)


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda each: each.name)
def test_views_begin_with_the_item_and_hold_none_of_the_measured_edits(domain: Domain[Any]) -> None:
    mine = item(domain, 0)
    seen = domain.views(mine)
    assert seen[0] is mine
    assert len(domain.edits) == 8
    known = [repr(each.tobytes() if hasattr(each, "tobytes") else each) for each in seen]
    assert len(set(known)) == len(known)
    for edit in domain.edits.values():
        edited = edit(mine)
        assert repr(edited.tobytes() if hasattr(edited, "tobytes") else edited) not in known


def test_files_of_each_kind(tmp_path: Path) -> None:
    Image.fromarray(synthetic_pictures(1, 32, 0)[0]).save(tmp_path / "a.png")
    (tmp_path / "b.txt").write_text(TEXT_A)
    (tmp_path / "c.wav").write_bytes(stored(chirp(0)))
    assert {name: [path.name for path in domain.files(tmp_path)] for name, domain in DOMAINS.items()} == {
        "image": ["a.png"],
        "text": ["b.txt"],
        "sound": ["c.wav"],
    }
    assert TEXT.open(tmp_path / "b.txt") == TEXT_A
    for domain, wrong in ((IMAGE, "b.txt"), (TEXT, "a.png"), (TEXT, "c.wav"), (SOUND, "a.png"), (SOUND, "b.txt")):
        with pytest.raises(InputError, match=f"is not a {'WAV file' if domain is SOUND else domain.noun}"):
            domain.open(tmp_path / wrong)


# Texts


def test_white_space_and_a_byte_order_mark_do_not_count() -> None:
    assert decode_text(b"\xef\xbb\xbf one\r\n two\tthree  four\n\nfive\n") == "one two three four five"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t is too short a text; expected 5 words or more; got 0"),
        (b" \n\t", "t is too short a text; expected 5 words or more; got 0"),
        (b"my secret four words", "t is too short a text; expected 5 words or more; got 4"),
        (b"my secret \xff\xfe is here now", "t is not a text; expected UTF-8"),
        (b"my secret \x00 is here now", "t is not a text; expected no control characters"),
        (b"\x1b[31m my secret is here now", "t is not a text; expected no control characters"),
        (b"x" * (MAX_BYTES + 1), "t is too long a text; expected at most 16384 bytes"),
    ],
)
def test_what_is_no_text_is_refused_without_a_word_of_it(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_text(content, "t")
    assert str(caught.value) == message
    assert "secret" not in repr(caught.value.__dict__) + repr(caught.value.__cause__) + json.dumps(
        caught.value.as_dict()
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_refused(content: bytes) -> None:
    with contextlib.suppress(InputError):  # whose text is one line: tests/test_errors.py
        assert len(decode_text(content).split()) >= 5


def test_text_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt cannot be read: No such file"):
        open_text(tmp_path / "none.txt")
    with pytest.raises(InputError, match=r"has no texts; expected \.txt"):
        texts_in(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        texts_in(tmp_path / "none")
    (tmp_path / "long.txt").write_bytes(b"word " * 4000)
    with pytest.raises(InputError, match="too long a text; expected at most 16384 bytes"):
        open_text(tmp_path / "long.txt")


def test_text_edits_do_what_they_say() -> None:
    text = "Seven grey herons stood still, waiting."
    assert {name: edit(text) for name, edit in TEXT_EDITS.items()} == {
        "upper case": "SEVEN GREY HERONS STOOD STILL, WAITING.",
        "white space": "Seven\n\tgrey\n\therons\n\tstood\n\tstill,\n\twaiting.",
        "no punctuation": "Seven grey herons stood still waiting",
        "two letters exchanged": "Seven grey herons stood stlil, waiting.",
        "a wrong letter": "Seven grey herpns stood still, waiting.",
        "two mistakes": "Seven grey herpns stood still, waiitng.",
        "a word dropped": "Seven grey herons still, waiting.",
        "two words exchanged": "Seven grey stood herons still, waiting.",
    }
    assert left_out(0)(text) == "Seven grey herns stood still, waiting."
    assert doubled(0.99)(text) == "Seven grey herons stood still, waitiing."
    assert dropped(0.2, 2)(text) == "Seven stood still, waiting."
    assert swapped(0, 2)(text) == "herons grey Seven stood still, waiting."


@given(st.text("ab .", max_size=30), st.floats(0, 0.99), st.integers(1, 3))
def test_text_edits_take_any_text(text: str, place: float, count: int) -> None:
    words = text.split() or ["a"]
    text = " ".join(words)
    for edit in (exchanged(place), mistyped(place), left_out(place), doubled(place), both(exchanged(0), mistyped(0))):
        assert abs(len(edit(text)) - len(text)) <= 1
    assert 1 <= len(dropped(place, count)(text).split()) <= len(words)
    assert sorted(swapped(place, count)(text).split()) == sorted(words)
