"""``pyml keys evaluate`` and ``pyml keys attack`` as their users run them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import pytest
from PIL import Image

from pyml.cli.main import app
from pyml.errors import PymlError
from pyml.keys.paper import WARNING
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.ml.siamese import Architecture, siamese
from pyml.ml.siamese_file import write_siamese
from tests.cli.test_zk import ROOT, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A folder of pictures, one of texts, a network, a list of passwords."""
    folder = tmp_path_factory.mktemp("attacks")
    (folder / "pictures").mkdir()
    for index, each in enumerate(synthetic_pictures(24, 80, 3)):
        Image.fromarray(each).save(folder / "pictures" / f"{index:02}.png")
    (folder / "none").mkdir()
    write_siamese(folder / "net.pt", siamese(Architecture("cnn", 1, 8, 8), seed=1))
    (folder / "passwords").write_text("hunter2\nletmein\n")
    (folder / "empty").write_text("\n\n")
    environment = {"PYML_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    return Shop(folder, "", environment)


def test_a_report_on_a_folder(shop: Shop) -> None:
    found = shop.must("keys", "evaluate", "--data", "pictures", "--limit", "6", "--out", "report")
    paper, vault = found["findings"]
    assert (paper["mode"], vault["mode"]) == ("paper", "vault")
    assert vault["tar"]["trials"] == 48
    assert vault["tar"]["share"] > 0.9 > paper["tar"]["share"]
    assert vault["far"] == {**vault["far"], "accepted": 0, "trials": 30}
    with (shop.folder / "report.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert {line["mode"] for line in lines} == {"paper", "vault"}
    with Image.open(shop.folder / "report.png") as plot:
        assert plot.format == "PNG"


def test_paper_mode_says_that_it_is_unsafe(shop: Shop) -> None:
    told = shop.run("keys", "evaluate", "--limit", "4", "--siamese", "net.pt", "--mode", "paper")
    assert told.code == 0
    assert WARNING.split(".")[0] in told.out
    quiet = shop.run("keys", "evaluate", "--limit", "4", "--mode", "vault")
    assert "UNSAFE" not in quiet.out


def test_the_dictionary(shop: Shop) -> None:
    words = ("--data", "digits", "--limit", "60", "--siamese", "net.pt", "--picture", "pictures/00.png")
    found = shop.must("keys", "attack", "dictionary", *words, "--passwords", "passwords")
    assert found["paper"]["keys"] == 60
    assert 0 <= found["paper"]["within_12_guesses"]["share"] <= 1
    assert found["vault"]["opened"] is False
    assert found["vault"]["passwords"] == 2
    assert found["vault"]["at_the_real_cost"]["scrypt_n"] == 2**18
    assert found["ceiling"].startswith("A public picture is no secret")


def test_the_collision(shop: Shop) -> None:
    words = ("pictures/00.png", "pictures/01.png", "--out", "moved.png")
    found = shop.must("keys", "attack", "collision", *words, "--levels", "40")
    assert found["collides"] is True
    assert found["greatest_move_levels"] <= 40
    assert found["vault_opens"] == {"with_its_password": True, "with_another": False}
    with Image.open(shop.folder / "moved.png") as moved:
        assert moved.size == (80, 80)


def test_tampering(shop: Shop) -> None:
    found = shop.must("keys", "attack", "tamper", "pictures/00.png", "--step", "97")
    assert found["file"]["accepted"] == found["content"]["accepted"] == 0
    assert found["file"]["tried"] > 5000


def test_linking(shop: Shop) -> None:
    found = shop.must("keys", "attack", "link", "--data", "pictures", "--limit", "6", "--edit", "webp 80")
    assert found["if_masks_were_open"]["same_file"]["auc"] == 1
    assert found["same_file"]["linked"]["trials"] == 3
    assert found["helpers"] == 18


def test_the_mask(shop: Shop) -> None:
    found = shop.must("keys", "attack", "mask", "--data", "pictures")
    assert found["edit"] == "jpeg 75"
    assert found["same_file"]["first"]["share"] == 1
    assert found["labels"] is None


@dataclass(frozen=True)
class Mistake:
    words: tuple[str, ...]
    text: str


MISTAKES = [
    Mistake(("evaluate", "--data", "nowhere"), "no such data; expected digits, mnist, sentences, spoken-digits or a f"),
    Mistake(("evaluate", "--siamese", "passwords"), "passwords"),
    Mistake(("attack", "dictionary", "--siamese", "net.pt", "--data", "pictures"), "unknown data set"),
    Mistake(("attack", "collision", "pictures/00.png", "none.png"), "none.png cannot be read"),
    Mistake(("attack", "link", "--data", "pictures", "--edit", "sepia"), "no such edit; expected jpeg 75, jpeg 30"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: " ".join(each.words)[:60])
def test_mistakes(shop: Shop, mistake: Mistake) -> None:
    before = shop.files()
    assert shop.run("keys", *mistake.words).is_mistake(mistake.text)
    assert shop.files() == before


def refused(text: str, *words: str) -> None:
    """As ``main`` would show it, without starting another Python."""
    with pytest.raises(PymlError, match=re.escape(text)):
        app(["keys", *words], standalone_mode=False)


def test_more_mistakes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    monkeypatch.delenv("PYML_DATA", raising=False)
    first = "pictures/00.png"
    refused("none has no pictures", "evaluate", "--data", "none")
    refused("pictures has no sounds", "evaluate", "--data", "pictures", "--kind", "sound")
    refused("PYML_DATA", "evaluate", "--data", "spoken-digits")
    refused("--embedder and --network belong together", "evaluate", "--embedder", "x.json")
    refused("only pictures can be shown to another", "evaluate", "--data", "sentences", "--siamese", "net.pt")
    refused("nothing to attack; expected --siamese, --picture or both", "attack", "dictionary")
    refused("empty has no passwords", "attack", "dictionary", "--picture", first, "--passwords", "empty")
    refused("passwords is not a picture", "attack", "dictionary", "--picture", "passwords")
    refused("net.pt exists already, or is no .png", "attack", "collision", first, first, "--out", "net.pt")
    refused("passwords is not a picture", "attack", "tamper", "passwords")
    refused("too few masks", "attack", "mask", "--data", "pictures", "--limit", "10")


def test_an_attack_leaves_no_password_behind(shop: Shop) -> None:
    """Vaults are attacked under passwords drawn for it; nothing of them is written or shown."""
    before = shop.files()
    told = shop.run("keys", "attack", "tamper", "pictures/00.png", "--step", "400")
    assert told.code == 0
    assert shop.files() == before
