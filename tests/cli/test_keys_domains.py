"""``pyml keys`` with texts and sounds in place of pictures, and with a network from a URL."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from pyml.keys.sound_edits import EDITS
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.ml.embedders.text import is_installed
from tests.cli.test_zk import ROOT, Answer, Shop
from tests.keys.wav_files import chirp, stored
from tests.ml.test_embedders import onnx_network

LOCKED = ("--password-file", "password")
PHRASE = "Three crooked lanterns hang over the tannery where my uncle hid the ledger."
needs_model = pytest.mark.skipif(not is_installed(), reason="needs pip install 'pyml[text]'")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A folder with a password and a home; no node is needed."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "password").write_text("correct horse\n")
    environment = {"PYML_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return Shop(folder, "", environment)


def with_input(shop: Shop, given: str, *arguments: str) -> Answer:
    """As ``shop.run``, with a standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "pyml", *arguments],
        cwd=shop.folder,
        env={**os.environ, **shop.environment},
        capture_output=True,
        text=True,
        input=given,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_sounds(shop: Shop) -> None:
    sound = chirp(0, 8000)
    (shop.folder / "memo.wav").write_bytes(stored(sound))
    (shop.folder / "phone.wav").write_bytes(stored(EDITS["µ-law"](sound)))
    (shop.folder / "noise.wav").write_bytes(stored(chirp(9, 8000)))
    heard = ("--domain", "sound")
    enrolled = shop.must("keys", "enrol", "memo.wav", "--out", "sound.json", *heard, *LOCKED)
    assert (enrolled["embedder"], enrolled["sounds"]) == ("pyml sound 1", "1 of 1")
    opened = shop.must("keys", "recover", "phone.wav", "--helper", "sound.json", *heard, *LOCKED)
    assert opened["ethereum"] == enrolled["ethereum"]
    shop.must("keys", "encrypt", "password", "--to", opened["encryption_key"], "--out", "sound.box")
    shop.must(
        "keys",
        "decrypt",
        "sound.box",
        "--item",
        "phone.wav",
        "--out",
        "sound.out",
        "--helper",
        "sound.json",
        *heard,
        *LOCKED,
    )
    assert (shop.folder / "sound.out").read_bytes() == (shop.folder / "password").read_bytes()
    wrong = shop.run("keys", "recover", "noise.wav", "--helper", "sound.json", *heard, *LOCKED)
    assert wrong.is_mistake("no key: the sounds are not close enough")


@needs_model
def test_texts_from_files_and_the_standard_input(shop: Shop) -> None:
    (shop.folder / "phrase.txt").write_text(PHRASE)
    (shop.folder / "typo.txt").write_text(PHRASE.upper().replace("LANTERNS", "LANTRENS"))
    said = ("--domain", "text", "--helper", "text.json")
    enrolled = shop.must("keys", "enrol", "phrase.txt", "--domain", "text", "--out", "text.json", *LOCKED)
    assert (enrolled["embedder"], enrolled["texts"]) == ("pyml text 1", "1 of 1")
    assert shop.must("keys", "recover", "typo.txt", *said, *LOCKED)["ethereum"] == enrolled["ethereum"]
    piped = with_input(shop, f"  {PHRASE}\n\n", "keys", "recover", "-", *said, *LOCKED, "--json")
    assert json.loads(piped.out)["ethereum"] == enrolled["ethereum"]
    signed = shop.must("keys", "sign", "hello", "--item", "phrase.txt", *said, *LOCKED)
    assert signed["address"] == enrolled["ethereum"]
    other = with_input(shop, "Nobody ever painted the ceiling of that chapel.", "keys", "recover", "-", *said, *LOCKED)
    assert other.is_mistake("no key: the texts are not close enough")
    for answer in (piped, other):
        assert "lanterns" not in (answer.out + answer.err).lower()
    kept = [path for path in shop.folder.rglob("*") if path.is_file() and path.name not in ("phrase.txt", "typo.txt")]
    assert not any(b"lanterns" in path.read_bytes().lower() for path in kept)


def test_the_standard_input_is_not_asked_for_two_things(shop: Shop) -> None:
    before = shop.files()
    refused = with_input(shop, PHRASE, "keys", "enrol", "-", "--domain", "text", "--out", "new.json")
    assert refused.is_mistake("the standard input holds the text, so it cannot hold the password")
    refused = with_input(shop, PHRASE, "keys", "enrol", "-", "-", "--domain", "text", "--out", "new.json", *LOCKED)
    assert refused.is_mistake("the standard input holds one text only; got 2 times -")
    refused = with_input(
        shop, "four words are few", "keys", "enrol", "-", "--domain", "text", "--out", "n.json", *LOCKED
    )
    assert refused.is_mistake("the standard input is too short a text; expected 5 words or more; got 4")
    refused = with_input(shop, PHRASE, "keys", "enrol", "-", "--domain", "sound", "--out", "new.json", *LOCKED)
    assert refused.is_mistake("- cannot be read: No such file")
    assert shop.files() == before


# Networks from a URL


@pytest.fixture
def server(shop: Shop) -> Iterator[str]:
    """The address of a folder with a network."""
    folder = shop.folder / "published"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(onnx_network(outputs=80))
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_an_embedder_from_a_url(shop: Shop, server: str) -> None:
    """The mistakes that need no terminal are in tests/ml/test_embedders.py."""
    (shop.folder / "album").mkdir()
    for index, each in enumerate(synthetic_pictures(6, 64, 70)):
        Image.fromarray(each).save(shop.folder / "album" / f"{index}.png")
    pinned = hashlib.sha256((shop.folder / "published" / "net.onnx").read_bytes()).hexdigest()
    described = ("--pictures", "album", "--side", "16", "--name", "far", "--out", "far.json")
    unpinned = shop.run("keys", "calibrate", f"{server}/net.onnx", *described)
    assert unpinned.is_mistake("a network from a URL needs its checksum; expected --sha256 HEX")
    shop.must("keys", "calibrate", f"{server}/net.onnx", "--sha256", pinned, *described)
    kept = shop.folder / "home" / "networks" / f"{pinned}.onnx"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == pinned
    kept.unlink()
    eye = ("--embedder", "far.json", "--network")
    enrolled = shop.must(
        "keys", "enrol", "album/0.png", "--out", "far-helper.json", *eye, f"{server}/net.onnx", *LOCKED
    )
    offline = ("recover", "album/0.png", "--helper", "far-helper.json", *eye, "http://127.0.0.1:1/net.onnx", *LOCKED)
    assert shop.must("keys", *offline)["ethereum"] == enrolled["ethereum"]  # the cache has it
    kept.unlink()
    before = shop.files()
    assert shop.run("keys", *offline).is_mistake("could not be downloaded")
    assert shop.files() == before
