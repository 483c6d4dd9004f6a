"""``pyml keys train``, ``derive`` and ``figure`` as users run them; every output says UNSAFE, none has a key in it.

Run inside this process, because a new one takes seconds to load PyTorch; one test runs the program itself.
"""

from __future__ import annotations

import csv
import inspect
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pyml.cli.keys_paper import train
from pyml.cli.main import main
from pyml.crypto.secp256k1 import SigningKey
from pyml.keys import paper
from pyml.keys.addresses import ethereum, p2pkh
from pyml.ml.datasets import load
from pyml.ml.resnet import ResNet50
from pyml.ml.siamese import Architecture, Siamese, SiameseConfig, activations, siamese
from pyml.ml.siamese_file import read_siamese, write_siamese
from pyml.store.keystore import Secret
from tests.cli.test_zk import ROOT, Answer, Shop
from tests.keys.test_pictures import picture, png_header, stored
from tests.keys.test_secrecy import secrets_in

PAPER = ("--mode", "paper", "--network", "net.pt")
DIGITS = (*PAPER, "--data", "digits", "--count")


class Inside(Shop):
    """A working folder whose commands run in this process."""

    def run(self, *arguments: str, limit_bytes: int | None = None, **environment: str) -> Answer:
        assert limit_bytes is None
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["pyml", *arguments])
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            try:
                main()
                code = 0
            except SystemExit as left:
                code = int(left.code or 0)
        return Answer(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A network trained for a moment, others by hand, and pictures of every kind."""
    folder = tmp_path_factory.mktemp("paper")
    environment = {"PYML_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYML_DATA": ""}
    made = Inside(folder, "", environment)
    made.must("keys", "train", "--data", "digits", "--epochs", "1", "--out", "net.pt", "--checkpoint", "run.ckpt")
    write_siamese(folder / "wide.pt", siamese(Architecture("cnn", 3, 24, 32)))
    write_siamese(folder / "zero.pt", _constant(-60.0))
    (folder / "password").write_text("hunter2-hunter2\n")
    (folder / "empty-password").write_text("\n")
    (folder / "photos").mkdir()
    (folder / "empty").mkdir()
    write_pictures(folder / "photos")
    (folder / "one.png").write_bytes(stored(picture(2, 2).crop((0, 0, 1, 1))))
    (folder / "bomb.png").write_bytes(png_header(10_000, 10_000))
    (folder / "half.png").write_bytes(stored(Image.effect_noise((64, 64), 90).convert("RGB"))[:2000])
    return made


def _constant(bias: float) -> Siamese:
    """A network that gives the same activation for everything."""
    network = siamese(Architecture("cnn", 1, 8, 8))
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.fill_(bias if name == "trunk.7.bias" else 0.0)
    return network


def write_pictures(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    other = Image.new("RGB", (48, 32), (10, 200, 10))
    for name, content in {
        "a-plain.png": stored(picture()),
        "b-cmyk.jpg": stored(picture().convert("CMYK"), "JPEG"),
        "c-deep.png": stored(Image.fromarray(np.full((32, 48), 40_000, np.uint16))),
        "d-animated.gif": stored(picture(), "GIF", save_all=True, append_images=[other], duration=100),
        "e-turned.jpg": stored(picture(), "JPEG", exif=exif),
    }.items():
        (folder / name).write_bytes(content)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def expected_codes(network: Siamese, count: int) -> list[Any]:
    digits = load("digits")
    return [row for batch in activations(network, digits.test_images[:count], pixel_max=16) for row in batch]


# Train


def test_training_is_resumed_and_repeated_to_the_same_bytes(shop: Shop) -> None:
    words = ("keys", "train", "--data", "digits", "--epochs", "2")
    resumed = shop.must(*words, "--checkpoint", "run.ckpt", "--out", "resumed.pt")
    whole = shop.must(*words, "--out", "whole.pt")
    assert resumed["warning"] == whole["warning"] == paper.WARNING
    assert resumed["loss"] == whole["loss"]
    assert (resumed["images"], resumed["epochs"]) == (1297, 2)
    contents = [
        [value.numpy().tobytes() for value in read_siamese(shop.folder / name).state_dict().values()]
        for name in ("resumed.pt", "whole.pt")
    ]
    assert contents[0] == contents[1]


def test_training_goes_on_from_a_network(shop: Shop) -> None:
    shop.must("keys", "train", "--epochs", "1", "--start", "net.pt", "--learning-rate", "1e-9", "--out", "again.pt")
    before, after = (read_siamese(shop.folder / name).state_dict() for name in ("net.pt", "again.pt"))
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)


def test_a_folder_of_pictures_trains_a_network_that_derives_from_it(shop: Shop) -> None:
    shop.must(
        "keys", "train", "--data", "folder", "--folder", "photos", "--side", "16", "--epochs", "1", "--out", "f.pt"
    )
    derived = shop.must("keys", "derive", "photos", "--mode", "paper", "--network", "f.pt", "--out", "f.csv")
    assert derived["images"] == 5
    assert [Path(row["image"]).name[0] for row in rows(shop.folder / "f.csv")] == ["a", "b", "c", "d", "e"]


def test_a_resnet_begins_from_a_file_of_weights(shop: Shop) -> None:
    network = ResNet50()
    torch.save(network.state_dict(), shop.folder / "resnet50.pth")
    words = ("--data", "folder", "--folder", "photos", "--side", "32", "--network", "resnet50", "--epochs", "1")
    shop.must("keys", "train", *words, "--weights", "resnet50.pth", "--learning-rate", "1e-9", "--out", "resnet.pt")
    trained = read_siamese(shop.folder / "resnet.pt").state_dict()
    for name, value in network.named_parameters():
        if not name.startswith("fc."):
            assert torch.allclose(trained[f"trunk.{name}"], value, atol=1e-6)
    (shop.folder / "resnet.pt").unlink()
    (shop.folder / "resnet50.pth").unlink()


def test_the_commands_defaults_are_those_of_the_configuration() -> None:
    given = {name: parameter.default for name, parameter in inspect.signature(train).parameters.items()}
    config = SiameseConfig()
    assert (given["near"], given["far"], given["prior"]) == (
        config.near_margin,
        config.far_margin,
        config.prior_weight,
    )
    assert (given["batch"], given["learning_rate"]) == (config.batch_size, config.learning_rate)


# Derive


def test_ten_digits(shop: Shop) -> None:
    derived = shop.must("keys", "derive", *DIGITS, "10", "--kind", "p2pkh", "--kind", "ethereum", "--out", "ten.csv")
    found = rows(shop.folder / "ten.csv")
    keys = [paper.derive(code) for code in expected_codes(read_siamese(shop.folder / "net.pt"), 10)]
    assert found == [
        {
            "image": f"digits/test/{index}",
            "p2pkh": p2pkh(key.public),
            "ethereum": ethereum(key.public),
            "warning": "UNSAFE (paper mode)",
        }
        for index, key in enumerate(keys)
    ]
    assert derived["warning"] == paper.WARNING
    assert derived["digits/test/3"] == f"{found[3]['p2pkh']} {found[3]['ethereum']}"


def test_forms_and_networks(shop: Shop) -> None:
    kinds = [word for kind in ("p2pkh-uncompressed", "p2sh", "p2wpkh") for word in ("--kind", kind)]
    shop.must("keys", "derive", *DIGITS, "2", *kinds, "--out", "main.json")
    shop.must("keys", "derive", *DIGITS, "2", *kinds, "--testnet", "--out", "test.json")
    main, test = (json.loads((shop.folder / f"{name}.json").read_text()) for name in ("main", "test"))
    assert main["warning"] == test["warning"] == paper.WARNING
    starts = [[row[kind][:3] for kind in ("p2pkh-uncompressed", "p2sh", "p2wpkh")] for row in main["images"]]
    assert all((one[0], three[0], segwit) == ("1", "3", "bc1") for one, three, segwit in starts)
    starts = [[row[kind][:3] for kind in ("p2pkh-uncompressed", "p2sh", "p2wpkh")] for row in test["images"]]
    assert all((one[0] in "mn", three[0], segwit) == (True, "2", "tb1") for one, three, segwit in starts)


def test_a_password_is_joined_by_pbkdf2(shop: Shop) -> None:
    locked = ("--password-file", "password", "--iterations", "3", "--salt", "mine")
    shop.must("keys", "derive", *DIGITS, "5", *locked, "--out", "locked.csv")
    codes = expected_codes(read_siamese(shop.folder / "net.pt"), 5)
    password = Secret(b"hunter2-hunter2")
    keys = [paper.derive(code, password=password, salt=b"mine", iterations=3) for code in codes]
    assert [row["p2pkh"] for row in rows(shop.folder / "locked.csv")] == [p2pkh(key.public) for key in keys]


def test_with_a_password_a_saturated_code_has_an_address(shop: Shop) -> None:
    words = ("--mode", "paper", "--network", "zero.pt", "--data", "digits", "--count", "1")
    shop.must("keys", "derive", *words, "--password-file", "password", "--iterations", "2", "--out", "zero.csv")
    stretched = paper.stretch(Secret(bytes(32)), Secret(b"hunter2-hunter2"), iterations=2)
    assert rows(shop.folder / "zero.csv")[0]["p2pkh"] == p2pkh(SigningKey.from_secret(stretched).public)


def test_whoever_reads_the_table_reads_unsafe(shop: Shop) -> None:
    for words in (
        ("derive", *DIGITS, "1", "--out", "seen.csv"),
        ("train", "--data", "digits", "--epochs", "1", "--out", "seen.pt"),
        ("figure", "centres", "--network", "net.pt", "--out", "seen"),
    ):
        assert "UNSAFE" in shop.run("keys", *words).out
    for words in (("derive",), ("train",), ("figure",), ("figure", "tsne")):
        assert ("UNSAFE" in shop.run("keys", *words, "--help").out) or words == ("figure", "tsne")


def test_no_key_is_shown_written_or_left_behind(shop: Shop) -> None:
    words = ("keys", "derive", *DIGITS, "3", "--password-file", "password", "--iterations", "2", "--out", "quiet.csv")
    outputs = [shop.run(*words), shop.run("-v", *words), shop.run("keys", "derive", *DIGITS, "3", "--out", "open.csv")]
    assert all(each.code == 0 for each in outputs)
    codes = expected_codes(read_siamese(shop.folder / "net.pt"), 3)
    secrets = [paper.derive(code).reveal for code in codes]
    secrets += [paper.derive(code, password=Secret(b"hunter2-hunter2"), iterations=2).reveal for code in codes]
    written = [path.read_bytes() for path in shop.folder.rglob("*") if path.suffix in (".csv", ".json")]
    texts = [each.out + each.err for each in outputs] + [content.decode() for content in written]
    for secret in secrets:
        for form in (secret.hex(), secret.hex().upper(), str(int.from_bytes(secret, "big")), repr(secret)[4:20]):
            assert not any(form in text for text in texts)
    assert not any("hunter2" in text or secrets_in(text) for text in texts)


# Figures


@pytest.mark.parametrize("figure", ["histogram", "centres", "tsne"])
def test_each_figure_is_one_command(shop: Shop, figure: str) -> None:
    pytest.importorskip("matplotlib")
    drawn = shop.must("keys", "figure", figure, "--epochs", "1", "--count", "40", "--out", f"fig-{figure}")
    assert drawn["warning"] == paper.WARNING
    with Image.open(shop.folder / drawn["plot"]) as plot:
        assert plot.format == "PNG"
    assert len(rows(shop.folder / drawn["table"])) == {"histogram": 50, "centres": 10, "tsne": 40}[figure]


def test_a_figure_of_a_given_network_is_repeatable(shop: Shop) -> None:
    pytest.importorskip("matplotlib")
    digests: set[str] = set()
    for _ in range(2):
        drawn = shop.must(
            "keys", "figure", "histogram", "--network", "net.pt", "--baseline", "zero.pt", "--count", "9", "--out", "h"
        )
        digests.add(sha256((shop.folder / "h.png").read_bytes() + (shop.folder / "h.csv").read_bytes()).hexdigest())
    assert len(digests) == 1
    assert drawn["saturated zero"] == 1.0  # pyright: ignore[reportPossiblyUnboundVariable]
    assert drawn["saturated net"] < 0.5  # pyright: ignore[reportPossiblyUnboundVariable]


# Mistakes


@dataclass(frozen=True)
class Mistake:
    words: tuple[str, ...]
    text: str


MISTAKES = [
    Mistake(
        ("derive", "photos"), "a vault's key is not derived from an image. `pyml keys enrol` makes one, `pyml keys"
    ),
    Mistake(("derive", "--mode", "vault", "--data", "digits"), "a vault's key is not derived from an image"),
    Mistake(("derive", "--mode", "other"), "unknown mode; expected paper; got other"),
    Mistake(("derive", "--mode", "paper", "--data", "digits"), "paper mode needs a network; expected --network FILE"),
    Mistake(("derive", *PAPER), "what to look at is unclear; expected either picture files or --data"),
    Mistake(("derive", "photos", *DIGITS, "1"), "what to look at is unclear"),
    Mistake(("derive", *PAPER, "--data", "mnist"), "mnist: train-images-idx3-ubyte.gz is not here"),
    Mistake(("derive", *PAPER, "--data", "letters"), "unknown data set"),
    Mistake(("derive", *DIGITS, "501"), "digits has fewer images; expected --count of at most 500; got 501"),
    Mistake(("derive", *DIGITS, "1", "--split", "other"), "unknown split; expected test or train; got other"),
    Mistake(("derive", *DIGITS, "1", "--kind", "p2tr"), "unknown kind of address; expected p2pkh"),
    Mistake(("derive", *DIGITS, "1", "--kind", "p2sh", "--kind", "p2sh"), "name each kind of address once"),
    Mistake(("derive", *DIGITS, "1", "--out", "a.txt"), "a.txt has no known suffix; expected .csv or .json; got .txt"),
    Mistake(("derive", *DIGITS, "1", "--iterations", "9"), "--iterations and --salt are PBKDF2's"),
    Mistake(("derive", *DIGITS, "1", "--password-file", "empty-password"), "the password is empty"),
    Mistake(("derive", *DIGITS, "1", "--password-file", "none"), "none"),
    Mistake(
        ("derive", *DIGITS, "1", "--password-file", "password", "--iterations", "0"),
        "the number of iterations is out of range; expected 1 to 2147483647; got 0",
    ),
    Mistake(("derive", *DIGITS, "1", "--device", "tpu"), "unknown device; expected cpu, cuda or cuda:N; got tpu"),
    Mistake(
        ("derive", "--mode", "paper", "--network", "zero.pt", "--data", "digits"),
        "digits/test/0 gives no private key; expected a code that is a number from 1 to n-1",
    ),
    Mistake(
        ("derive", "--mode", "paper", "--network", "wide.pt", "--data", "digits"),
        "the network takes other images; expected [3, 24, 32]; got [8, 8]",
    ),
    Mistake(("derive", "--mode", "paper", "--network", "password", "photos"), "password is not a file of weights"),
    Mistake(("derive", "--mode", "paper", "--network", "none.pt", "photos"), "none.pt does not exist"),
    Mistake(("derive", "--mode", "paper", "--network", "run.ckpt", "photos"), "run.ckpt is not a siamese network"),
    Mistake(("derive", *PAPER, "password"), "password is not a picture"),
    Mistake(("derive", *PAPER, "none.png"), "none.png cannot be read: No such file"),
    Mistake(("derive", *PAPER, "empty"), "empty has no pictures"),
    Mistake(("derive", *PAPER, "photos", "one.png"), "one.png is too small; expected 16×16 or more; got 1×1"),
    Mistake(("derive", *PAPER, "bomb.png"), "bomb.png has too many pixels; expected at most 64 million"),
    Mistake(("derive", *PAPER, "photos", "half.png"), "half.png is a damaged picture"),
    Mistake(("train", "--network", "vgg"), "unknown network; expected cnn or resnet50; got vgg"),
    Mistake(("train", "--data", "folder"), "--data folder and --folder belong together"),
    Mistake(("train", "--folder", "photos"), "--data folder and --folder belong together"),
    Mistake(("train", "--data", "folder", "--folder", "none"), "none cannot be read: No such file"),
    Mistake(("train", "--data", "folder", "--folder", "photos", "--side", "4"), "images do not fit a cnn"),
    Mistake(("train", "--data", "breast-cancer"), "not the shape of an image"),
    Mistake(
        ("train", "--network", "resnet50"), "images do not fit a resnet50; expected 1 or 3 channels, sides from 32"
    ),
    Mistake(("train", "--weights", "net.pt"), "published weights are those of a ResNet-50"),
    Mistake(
        (
            *("train", "--data", "folder", "--folder", "photos", "--side", "32", "--network", "resnet50"),
            "--weights",
            "net.pt",
        ),
        "net.pt: format is not a tensor",
    ),
    Mistake(("train", "--near", "9"), "the margins are out of order; expected 0 ≤ m₁ < m₂ ≤ 16; got [9.0, 5.0]"),
    Mistake(
        ("train", "--start", "wide.pt"), "wide.pt is another network; expected Architecture(kind='cnn', channels=1"
    ),
    Mistake(("train", "--start", "net.pt", "--pretrained"), "--weights, --pretrained and --start exclude each other"),
    Mistake(("train", "--device", "tpu"), "unknown device"),
    Mistake(("train", "--epochs", "3", "--seed", "1", "--checkpoint", "run.ckpt"), "belongs to another run"),
    Mistake(("train", "--checkpoint", "net.pt"), "net.pt is of another format or version"),
    Mistake(("figure", "centres", "--network", "net.pt", "--sample", "600"), "no such sample; expected 0 to 499"),
    Mistake(("figure", "tsne", "--network", "net.pt", "--count", "9"), "too few images for t-SNE"),
    Mistake(("figure", "histogram", "--network", "wide.pt"), "the network takes other images"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: " ".join(each.words)[:70])
def test_mistakes(shop: Shop, mistake: Mistake) -> None:
    before = shop.files()
    assert shop.run("keys", *mistake.words).is_mistake(mistake.text)
    assert shop.files() == before


def test_published_weights_without_a_network(shop: Shop) -> None:
    before = shop.files()
    words = ("--data", "folder", "--folder", "photos", "--side", "32", "--network", "resnet50", "--pretrained")
    answer = shop.run("keys", "train", *words, https_proxy="http://127.0.0.1:9")
    assert answer.is_mistake("resnet50-0676ba61.pth could not be downloaded", "Check the network")
    assert {name for name in shop.files() - before if "weights" not in name} <= {"home"}
    assert not list(shop.folder.rglob("*.pth"))


def test_an_older_file_survives_a_failure(shop: Shop) -> None:
    (shop.folder / "older.csv").write_text("older")
    zero = ("--mode", "paper", "--network", "zero.pt", "--data", "digits", "--out", "older.csv")
    assert shop.run("keys", "derive", *zero).code == 2
    assert (shop.folder / "older.csv").read_text() == "older"


def test_the_program_itself(shop: Shop) -> None:
    outside = Shop(shop.folder, "", shop.environment)
    derived = outside.must("keys", "derive", *DIGITS, "2", "--out", "outside.csv")
    assert derived["warning"] == paper.WARNING
    assert len(rows(shop.folder / "outside.csv")) == 2


def test_the_password_is_not_taken_from_the_words_of_the_command(shop: Shop) -> None:
    shown = shop.run("keys", "derive", "--help").out
    assert "--password-file" in shown
    assert "--password " not in shown
