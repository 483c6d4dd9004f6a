"""No key material in a repr, an error, a traceback with every frame's locals, or a log.

Each refusal is provoked with recognisable secrets in play; then everything that a debugger's traceback would show of
frames inside pyml, and of frames below them, is searched for the secrets in each form in which they could appear.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pyml.crypto import ecies
from pyml.crypto.secp256k1 import ORDER, SigningKey, public_keys
from pyml.errors import PymlError
from pyml.keys import bitcoin, export, hd, messages, paper
from pyml.store.keystore import Secret

SECRET = bytes.fromhex("c0ffee5ec2e7" * 5 + "abcd")
KEY = SigningKey.from_secret(SECRET)
TOO_LARGE = b"\xff" * 16 + SECRET[:16]
PASSWORD = Secret(b"hunter2-hunter2")
PHRASE = hd.words(Secret(SECRET))
BAD_PHRASE = Secret(PHRASE.reveal + b" zoo")
BAD_TEXT = Secret(PHRASE.reveal + b"\xff")


def forms(secret: bytes) -> Iterator[str]:
    """How bytes show up in print: hexadecimal, repr, number, text, list of numbers; a run of them is enough."""
    part = secret[2:14]
    yield part.hex()
    yield part.hex().upper()
    yield repr(part)[2:-1]
    yield str(int.from_bytes(secret, "big"))[5:25]
    yield ", ".join(map(str, part))
    yield " ".join(map(str, part))
    yield part.decode("latin-1")


def shown(error: BaseException) -> str:
    """The traceback as tools print it that show locals; the test's own frame, which names the secrets, left out."""
    printed = traceback.TracebackException.from_exception(error, capture_locals=True)
    pending: list[traceback.TracebackException | None] = [printed]
    while pending:
        each = pending.pop()
        if each is not None:
            kept = [frame for frame in each.stack if frame.filename != __file__]
            each.stack = traceback.StackSummary.from_list(kept)
            pending += [each.__cause__, None if each.__suppress_context__ else each.__context__]
    return "".join(printed.format())


REFUSALS: dict[str, Callable[[Path], object]] = {
    "secret too large": lambda _: SigningKey.from_secret(TOO_LARGE),
    "concealed secret too large": lambda _: SigningKey.from_secret(Secret(TOO_LARGE)),
    "secret too long": lambda _: SigningKey.from_secret(SECRET + b"\0"),
    "secret as hexadecimal": lambda _: SigningKey.from_secret(SECRET.hex().encode()),
    "one of many": lambda _: public_keys(SECRET + TOO_LARGE),
    "many of another length": lambda _: public_keys(SECRET + SECRET[:31]),
    "sign a bad digest": lambda _: KEY.sign_der(b""),
    "sign a bad digest, recoverable": lambda _: KEY.sign_recoverable(b""),
    "exchange with a bad key": lambda _: KEY.exchange(bytes(33)),
    "open a bad box": lambda _: ecies.decrypt(KEY, bytes(100), context=b""),
    "open another's box": lambda _: ecies.decrypt(
        KEY, ecies.encrypt(SigningKey.random().public, b"", context=b""), context=b""
    ),
    "code of ones": lambda _: paper.derive(np.unpackbits(np.frombuffer(b"\xff" * 16 + SECRET[:16], np.uint8))),
    "codes of which one is none": lambda _: paper.derive_many(
        np.unpackbits(np.frombuffer(SECRET + TOO_LARGE, np.uint8)).reshape(2, 256)
    ),
    "stretch with a bad password": lambda _: paper.stretch(Secret(SECRET), Secret(b"hunter2-hunter2\0")),
    "stretch with no iteration": lambda _: paper.stretch(Secret(SECRET), PASSWORD, iterations=0),
    "entropy of a bad length": lambda _: hd.words(Secret(SECRET + b"\0")),
    "bad words": lambda _: hd.entropy_of(BAD_PHRASE),
    "words that are no text": lambda _: hd.entropy_of(BAD_TEXT),
    "seed of bad words": lambda _: hd.seed(BAD_PHRASE, passphrase=PASSWORD),
    "seed with a bad passphrase": lambda _: hd.seed(PHRASE, passphrase=Secret(b"hunter2-hunter2\xff")),
    "bad path": lambda _: hd.key_at(Secret(SECRET), "m/x", passphrase=PASSWORD),
    "seed of a bad length": lambda _: hd.key_from_seed(Secret(SECRET * 3), "m"),
    "typed data that are none": lambda _: messages.sign_typed_data(KEY, {}),
    "spend nothing": lambda _: bitcoin.spend_p2pkh(KEY, [], [], fee_limit_sat=0),
    "keystore of a taken name": lambda folder: [
        export.write_keystore(folder, "a", KEY, PASSWORD, scrypt_work=2**10) for _ in range(2)
    ],
    "keystore with a bad name": lambda folder: export.write_keystore(folder, "/", KEY, PASSWORD),
    "keystore with a bad password": lambda folder: export.write_keystore(
        folder, "a", KEY, Secret(b"hunter2-hunter2\xff"), scrypt_work=2**10
    ),
    "keystore with bad cost": lambda folder: export.write_keystore(folder, "a", KEY, PASSWORD, scrypt_work=3),
    "keystore in a file": lambda folder: export.write_keystore(file_in(folder), "a", KEY, PASSWORD, scrypt_work=2**10),
    "words to a taken file": lambda folder: export.write_words(file_in(folder), PHRASE),
    "words below a file": lambda folder: export.write_words(file_in(folder) / "words", PHRASE),
    "bad words to a file": lambda folder: export.write_words(folder / "words", BAD_PHRASE),
    "bad words from a file": lambda folder: export.read_words(file_in(folder, BAD_PHRASE.reveal)),
    "open words from a file": lambda folder: export.read_words(file_in(folder, PHRASE.reveal, mode=0o644)),
}


def file_in(folder: Path, content: bytes = b"", *, mode: int = 0o600) -> Path:
    path = folder / "taken"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def secrets_in(text: str) -> list[str]:
    materials = (SECRET, TOO_LARGE, TOO_LARGE[16:], PASSWORD.reveal, PHRASE.reveal, hd.seed(PHRASE).reveal)
    return [form for material in materials for form in forms(material) if form in text]


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_show_no_secret(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(PymlError) as refusal:
        REFUSALS[name](tmp_path)
    assert secrets_in(shown(refusal.value)) == []
    assert secrets_in(f"{refusal.value} {refusal.value!r} {refusal.value.as_dict()}") == []
    assert secrets_in(caplog.text) == []


def test_the_search_finds_what_is_shown() -> None:
    def careless(secret: bytes) -> None:
        raise ValueError(len(secret))

    with pytest.raises(ValueError, match=r"32") as caught:
        careless(SECRET)
    printed = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert secrets_in(printed) != []
    for printed in (SECRET.hex(), repr(SECRET), str(int.from_bytes(SECRET, "big")), str([*SECRET]), str(PHRASE.reveal)):
        assert secrets_in(printed) != []


def test_no_object_shows_a_secret() -> None:
    objects = [
        KEY,
        Secret(SECRET),
        PHRASE,
        PASSWORD,
        hd.seed(PHRASE),
        hd.entropy_of(PHRASE),
        hd.key_at(Secret(SECRET), hd.ETHEREUM_PATH),
        paper.secret_of(np.unpackbits(np.frombuffer(SECRET, np.uint8))),
        paper.derive_many(np.unpackbits(np.frombuffer(SECRET, np.uint8)).reshape(1, 256)),
        bitcoin.spend_p2pkh(
            KEY,
            [bitcoin.Coin("11" * 32, 0, 1)],
            [bitcoin.Payment("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", 1)],
            fee_limit_sat=0,
        ),
    ]
    KEY.sign_der(bytes(32))  # makes what a key keeps for signing
    for each in objects:
        assert secrets_in(f"{each} {each!r} {[each]} { ({'key': each}) }") == []


def test_what_a_box_and_a_signature_say_of_the_secret() -> None:
    box = ecies.encrypt(KEY.public, SECRET, context=SECRET)
    signature = KEY.sign_der(SECRET)
    for public in (box, signature, KEY.public, KEY.public_uncompressed):
        assert secrets_in(public.hex()) == []
    assert int.from_bytes(SECRET, "big") < ORDER
