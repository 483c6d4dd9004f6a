"""``pyml keys`` as its users run it, with real pictures, the embedder that ships, and every mistake in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from pyml.chain.devnet import Devnet
from pyml.keys.edits import EDITS
from pyml.ml.embedders.synthetic import synthetic_pictures
from tests.cli.test_zk import ROOT, Shop
from tests.keys.wav_files import chirp, stored
from tests.ml.test_embedders import onnx_network

LOCKED = ("--password-file", "password")


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, devnet: Devnet) -> Shop:
    """Pictures, a wrong and a right password, one enrolled key."""
    folder = tmp_path_factory.mktemp("keys")
    for name, seed in (("mine", 0), ("other", 1), ("third", 2)):
        Image.fromarray(synthetic_pictures(1, 256, seed)[0]).save(folder / f"{name}.png")
    Image.open(folder / "mine.png").save(folder / "again.jpg", quality=60)
    EDITS["crop 95 %"](Image.open(folder / "mine.png")).save(folder / "cropped.png")
    (folder / "heard.wav").write_bytes(stored(chirp(1)))
    (folder / "password").write_text("correct horse\n")
    (folder / "wrong").write_text("correct horses\n")
    environment = {"PYML_HOME": str(folder / "home"), "PYML_RPC": devnet.url, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    made = Shop(folder, devnet.url, environment)
    made.must("keys", "enrol", "mine.png", "--out", "helper.json", *LOCKED)
    return made


@pytest.mark.parametrize("picture", ["mine.png", "again.jpg", "cropped.png"])
def test_similar_pictures_open_the_same_key(shop: Shop, picture: str) -> None:
    first = shop.must("keys", "recover", "mine.png", *LOCKED)
    assert shop.must("keys", "recover", picture, *LOCKED) == first
    assert first["pictures"] == "1 of 1"
    assert first["ethereum"].startswith("0x")
    assert first["bitcoin"].startswith("1")
    assert first["bitcoin_segwit"].startswith("bc1q")


def test_any_two_of_three(shop: Shop) -> None:
    enrolled = shop.must(
        "keys", "enrol", "mine.png", "other.png", "third.png", "--threshold", "2", "--out", "3.json", *LOCKED
    )
    recovered = shop.must("keys", "recover", "third.png", "again.jpg", "--helper", "3.json", *LOCKED)
    assert recovered["ethereum"] == enrolled["ethereum"]
    refused = shop.run("keys", "recover", "third.png", "third.png", "--helper", "3.json", *LOCKED)
    assert refused.is_mistake("no key: the pictures are not close enough")


def test_signatures_are_those_of_the_address(shop: Shop) -> None:
    for option in ((), ("--bitcoin",)):
        signed = shop.must("keys", "sign", "hello", "--picture", "again.jpg", *option, *LOCKED)
        check = ("--address", signed["address"], "--signature", signed["signature"])
        assert shop.must("keys", "verify", "hello", *check) == {"valid": True, "address": signed["address"]}
        assert shop.run("keys", "verify", "hallo", *check).code == 1


def test_files_travel_to_an_image(shop: Shop) -> None:
    (shop.folder / "letter").write_bytes(b"dear reader")
    to = shop.must("keys", "recover", "mine.png", *LOCKED)["encryption_key"]
    shop.must("keys", "encrypt", "letter", "--to", to, "--out", "letter.box")
    shop.must("keys", "decrypt", "letter.box", "--picture", "again.jpg", "--out", "letter.out", *LOCKED)
    assert (shop.folder / "letter.out").read_bytes() == b"dear reader"
    assert (shop.folder / "letter.out").stat().st_mode & 0o777 == 0o600
    box = bytearray((shop.folder / "letter.box").read_bytes())
    box[40] ^= 1
    (shop.folder / "bent.box").write_bytes(box)
    bent = shop.run("keys", "decrypt", "bent.box", "--picture", "mine.png", "--out", "never", *LOCKED)
    assert bent.is_mistake("an encrypted box does not open")
    assert not (shop.folder / "never").exists()


def test_keys_leave_only_where_they_are_sent(shop: Shop) -> None:
    recovered = shop.must("keys", "recover", "mine.png", "--words", "words", "--keystore", "mine", *LOCKED)
    words = (shop.folder / "words").read_text().split()
    assert len(words) == 24
    assert (shop.folder / "words").stat().st_mode & 0o777 == 0o600
    listed: Any = shop.must("chain", "accounts", "list")
    assert recovered["ethereum"] in json.dumps(listed)
    for path in shop.folder.rglob("*"):
        if path.is_file() and path.name != "words":
            assert words[0].encode() + b" " + words[1].encode() not in path.read_bytes()
    assert words[3] not in json.dumps(recovered)


def test_another_embedder(shop: Shop) -> None:
    (shop.folder / "net.onnx").write_bytes(onnx_network(outputs=64))
    (shop.folder / "photos").mkdir()
    for index, each in enumerate(synthetic_pictures(6, 64, 50)):
        Image.fromarray(each).save(shop.folder / "photos" / f"{index}.png")
    shop.must("keys", "calibrate", "net.onnx", "--pictures", "photos", "--side", "16", "--out", "net.json")
    eye = ("--embedder", "net.json", "--network", "net.onnx")
    enrolled = shop.must("keys", "enrol", "mine.png", "--out", "net-helper.json", *eye, *LOCKED)
    assert enrolled["embedder"] == "net"
    opened = shop.must("keys", "recover", "mine.png", "--helper", "net-helper.json", *eye, *LOCKED)
    assert opened["ethereum"] == enrolled["ethereum"]
    refused = shop.run("keys", "recover", "mine.png", "--helper", "net-helper.json", *LOCKED)
    assert refused.is_mistake("the helper was made with another embedder; expected net; got pyml photo 1")
    assert shop.run("keys", "recover", "mine.png", *eye[:2], *LOCKED).is_mistake("belong together")


def test_on_chain(shop: Shop) -> None:
    shop.must("deploy", "--system", "keys")
    registered = shop.must("keys", "publish")
    assert registered["valid"] is True
    assert shop.must("keys", "publish") == registered
    assert shop.must("keys", "publish", "--revoke")["valid"] is False
    assert shop.run("keys", "publish").code == 2


@dataclass(frozen=True)
class Mistake:
    words: tuple[str, ...]
    text: str


MISTAKES = [
    Mistake(
        ("recover", "other.png", *LOCKED),
        "no key: the pictures are not close enough to those enrolled, or the password",
    ),
    Mistake(("recover", "mine.png", "--password-file", "wrong"), "or the password is wrong"),
    Mistake(("recover", "none.png", *LOCKED), "none.png cannot be read"),
    Mistake(("recover", "password", *LOCKED), "password is not a picture"),
    Mistake(("recover", "mine.png", "--helper", "mine.png", *LOCKED), "mine.png is not a helper file"),
    Mistake(("recover", "mine.png", "--helper", "none.json", *LOCKED), "none.json cannot be read"),
    Mistake(("recover", "mine.png", "other.png", *[*["third.png"] * 15], *LOCKED), "wrong number of pictures"),
    Mistake(("enrol", "mine.png", "--out", "helper.json", *LOCKED), "helper.json exists already"),
    Mistake(("enrol", "mine.png", "--out", "new.json", "--threshold", "2", *LOCKED), "wrong number of pictures"),
    Mistake(("enrol", "mine.png", "again.jpg", "--out", "new.json", *LOCKED), "pictures 1 and 2 are too much alike"),
    Mistake(("encrypt", "password", "--to", "xyz", "--out", "box"), "the public key is not hex"),
    Mistake(("encrypt", "password", "--to", "02" + "00" * 32, "--out", "box"), "not a point of secp256k1"),
    Mistake(("verify", "m", "--address", "0x" + "1" * 39, "--signature", "0x"), "address"),
    Mistake(("calibrate", "password", "--pictures", "."), "not an ONNX network"),
    Mistake(("publish", "--helper", "none.json"), "none.json cannot be read"),
    Mistake(
        ("enrol", "mine.png", "--out", "new.json", "--domain", "smell", *LOCKED), "no such domain; expected one of"
    ),
    Mistake(("enrol", "mine.png", "--out", "new.json", "--domain", "sound", *LOCKED), "mine.png is not a WAV file"),
    Mistake(("enrol", "mine.png", "--out", "new.json", "--domain", "text", *LOCKED), "mine.png is too long a text"),
    Mistake(("recover", "heard.wav", "--domain", "sound", *LOCKED), "expected pyml photo 1; got pyml sound 1"),
    Mistake(("recover", "heard.wav", *LOCKED), "heard.wav is not a picture"),
    Mistake(
        ("recover", "heard.wav", "--domain", "sound", "--embedder", "a", "--network", "b", *LOCKED),
        "another embedder can be had for pictures only; got --domain sound",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: " ".join(each.words)[:60])
def test_mistakes(shop: Shop, mistake: Mistake) -> None:
    before = shop.files()
    assert shop.run("keys", *mistake.words).is_mistake(mistake.text)
    assert shop.files() == before


def test_the_password_is_not_taken_from_the_words_of_the_command(shop: Shop) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "pyml", "keys", "recover", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--password-file" in shown.stdout
    assert "--password " not in shown.stdout
