"""``pyml freezenet train``, ``verify``, ``attack`` and ``reproduce`` as their users run them.

Each mistake gives exit code 2 and one line, and leaves no file behind. Run inside this process, because a new one takes
seconds to load PyTorch.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.cli.test_keys_paper import Inside
from tests.cli.test_zk import ROOT

MLP = ("--network", "mlp", "--epochs", "2")
SEED = "0x" + "5e" * 32


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """Networks of both schemes, and files that are damaged."""
    folder = tmp_path_factory.mktemp("freezenet")
    environment = {"PYML_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYML_DATA": ""}
    made = Inside(folder, "", environment)
    made.must("freezenet", "train", *MLP, "--out", "v1.fzn", "--checkpoint", "v1.ckpt")
    made.must("freezenet", "train", *MLP, "--mode", "reference", "--hold", "replace", "--out", "paper.fzn")
    raw = (folder / "v1.fzn").read_bytes()
    (folder / "short.fzn").write_bytes(raw[:-1])
    (folder / "long.fzn").write_bytes(raw + b"\0")
    (folder / "other.fzn").write_bytes(b"PK" + raw)
    at = raw.index(b'"architecture": "') + len(b'"architecture": "')
    (folder / "architecture.fzn").write_bytes(raw[:at] + b"00" + raw[at + 2 :])
    floats = (folder / "paper.fzn").read_bytes()
    (folder / "nan.fzn").write_bytes(floats[:-4] + bytes.fromhex("0000c07f"))
    (folder / "paper-short.fzn").write_bytes(floats[:-4])
    _spoil(folder / "v1.ckpt", folder / "nan.ckpt")
    (folder / "text.ckpt").write_text("no checkpoint")
    (folder / "data" / "cifar10").mkdir(parents=True)
    (folder / "data" / "cifar10" / "cifar-10-binary.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    return made


def _spoil(source: Path, target: Path) -> None:
    content: Any = torch.load(source, weights_only=True)
    next(iter(content["model"].values()))[0] = float("nan")
    torch.save(content, target)


# What is trained


def test_a_network_is_trained_and_verified(shop: Inside) -> None:
    found = shop.must("freezenet", "train", *MLP, "--out", "a.fzn", "--fraction", "0.3")
    assert found["mode"] == "v1"
    assert found["fraction_ppm"] == 300_000
    assert found["accuracy"] > 0.7
    judged = shop.must("freezenet", "verify", "a.fzn", "--threshold", "300", "--architecture", found["architecture"])
    assert judged["valid"] is True
    assert judged["correct"] == found["correct"]
    assert (judged["watermark_holds"], judged["tested"]) == (True, 500)
    with (shop.folder / "a.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    with Image.open(shop.folder / "a.png") as plot:
        assert plot.format == "PNG"


@pytest.mark.parametrize("option", [("--block", "another"), ("--watermark-seed", SEED)])
def test_under_another_watermark_it_answers_at_random(shop: Inside, option: tuple[str, str]) -> None:
    answer = shop.run("freezenet", "verify", "v1.fzn", "--threshold", "300", *option, "--json")
    assert answer.code == 1
    assert answer.result["valid"] is False
    assert answer.result["correct"] < 250


def test_a_miner_names_the_seed_of_its_round(shop: Inside) -> None:
    shop.must("freezenet", "train", *MLP, "--watermark-seed", SEED, "--out", "bound.fzn")
    assert shop.must("freezenet", "verify", "bound.fzn", "--watermark-seed", SEED, "--threshold", "300")["valid"]
    assert shop.run("freezenet", "verify", "bound.fzn", "--block", "pyml", "--threshold", "300").code == 1


def test_the_papers_watermark_is_compared_on_both_sides(shop: Inside) -> None:
    found = shop.must("freezenet", "verify", "paper.fzn")
    assert found["mode"] == "reference"
    assert found["watermark_holds"] is True
    other = shop.run("freezenet", "verify", "paper.fzn", "--block", "another", "--json")
    assert (other.code, other.result["watermark_holds"]) == (1, False)
    assert other.result["correct"] == found["correct"], "accuracy does not depend on whose it is"


def test_both_ways_of_holding_end_alike(shop: Inside) -> None:
    found = [
        shop.must("freezenet", "train", *MLP, "--hold", hold, "--out", f"{hold}.fzn") for hold in ("mask", "replace")
    ]
    assert found[0]["correct"] == found[1]["correct"]
    assert (shop.folder / "mask.fzn").read_bytes() == (shop.folder / "replace.fzn").read_bytes()


def test_a_run_that_was_cut_ends_with_the_same_file(shop: Inside) -> None:
    words = ("freezenet", "train", "--network", "mlp", "--epochs")
    shop.must(*words, "1", "--checkpoint", "cut.ckpt", "--out", "half.fzn")
    found = shop.must(*words, "2", "--checkpoint", "cut.ckpt", "--out", "cut.fzn")
    assert found["epochs"] == 2, "the curve has both"
    assert (shop.folder / "cut.fzn").read_bytes() == (shop.folder / "v1.fzn").read_bytes()
    assert (shop.folder / "cut.csv").read_bytes() == (shop.folder / "v1.csv").read_bytes()


def test_training_may_end_at_a_target(shop: Inside) -> None:
    words = ("--network", "mlp", "--epochs", "30", "--until", "0.7", "--out", "until.fzn")
    assert shop.must("freezenet", "train", *words)["epochs"] < 10


def test_part_of_the_images_will_do(shop: Inside) -> None:
    found = shop.must("freezenet", "train", *MLP, "--samples", "320", "--out", "few.fzn")
    assert found["accuracy"] < 0.8


def test_people_see_a_table(shop: Inside) -> None:
    answer = shop.run("freezenet", "verify", "v1.fzn")
    assert answer.code == 0
    assert "watermark holds" in answer.out
    assert "0x" in answer.out


@pytest.mark.long
def test_two_processes_train_one_network(shop: Inside) -> None:
    """As documented: the first process writes and speaks, the others are silent."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "pyml"]
    done = subprocess.run(
        [*command, "freezenet", "train", *MLP, "--out", "two.fzn", "--json"],
        cwd=shop.folder,
        env={**os.environ, **shop.environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert json.loads(done.stdout)["correct"] == shop.must("freezenet", "verify", "two.fzn")["correct"]


# Attacks and figures


def test_the_scale_attack_is_shown_against_both_schemes(shop: Inside) -> None:
    words = ("--network", "mlp", "--threshold", "350", "--fractions", "0.9", "--samples", "192")
    answer = shop.run("freezenet", "attack", "scale", *words, "--json")
    assert answer.code == 0, answer.err
    found: Any = json.loads(answer.out)
    assert [each["against"] for each in found] == ["v1", "reference"]
    assert all(each["unit"] == "epochs" and each["honest_cost"] > 0 for each in found)
    assert found[0]["succeeds"] is False
    assert found[0]["attacker_cost"] is None
    assert found[0]["honest_accuracy"] > found[0]["scaled"]


def test_people_see_what_an_attack_costs(shop: Inside) -> None:
    answer = shop.run("freezenet", "attack", "test-set", "--network", "mlp", "--samples", "320")
    assert answer.code == 0, answer.err
    assert {"reference", "v1", "epochs", "gain"} <= set(answer.out.replace(":", " ").split())


def test_a_figure_is_a_plot_and_a_table(shop: Inside) -> None:
    words = ("--network", "mlp", "--epochs", "1", "--fractions", "0,0.5", "--out", "two", "--runs", "runs")
    found = shop.must("freezenet", "reproduce", "fig2", *words)
    assert set(found["accuracy_after_insertion"]) == {"0", "0.5"}
    assert (found["plot"], found["table"]) == ("two.png", "two.csv")
    with (shop.folder / "two.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 6
    before = (shop.folder / "two.csv").read_bytes()
    assert shop.must("freezenet", "reproduce", "fig2", *words)["seconds"] >= 0
    assert (shop.folder / "two.csv").read_bytes() == before


@pytest.mark.parametrize("figure", ["fig1", "fig3"])
def test_the_other_figures(shop: Inside, figure: str) -> None:
    words = ("--network", "mlp", "--epochs", "1", "--fractions", "0.1,0.5", "--seeds", "3", "--mode", "v1")
    found = shop.must("freezenet", "reproduce", figure, *words, "--out", figure)
    assert set(found["final_accuracy" if figure == "fig1" else "speed_up"]) == {"0.1", "0.5"}
    with Image.open(shop.folder / f"{figure}.png") as plot:
        assert plot.format == "PNG"


# Mistakes


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("verify", "short.fzn"), ("not a solution of this task", "expected", "bytes")),
        (("verify", "long.fzn"), ("not a solution of this task", "expected", "bytes")),
        (("verify", "paper-short.fzn"), ("too short",)),
        (("verify", "nan.fzn"), ("NaN or infinite",)),
        (("verify", "other.fzn"), ("not a network that",)),
        (("verify", "absent.fzn"), ("cannot be read",)),
        (("verify", "architecture.fzn"), ("another architecture", "expected hash")),
        (("verify", "v1.fzn", "--architecture", "0x" + "00" * 32), ("another architecture",)),
        (("verify", "v1.fzn", "--architecture", "0x00"), ("wrong length",)),
        (("verify", "v1.fzn", "--threshold", "501"), ("above the test size", "at most 500")),
        (("verify", "v1.fzn", "--data", "imagenet"), ("unknown data set",)),
        (("verify", "v1.fzn", "--watermark-seed", "0x5e"), ("wrong length", "32 bytes")),
        (("verify", "v1.fzn", "--watermark-seed", "zz" * 32), ("not hex",)),
        (("verify", "v1.fzn", "--watermark-seed", SEED, "--block", "b"), ("exclude each other",)),
        (("verify", "paper.fzn", "--watermark-seed", SEED), ("is v1's",)),
        (("train", "--network", "vgg"), ("unknown network", "mlp, cnn, paper")),
        (("train", "--network", "paper"), ("takes the images of CIFAR-10",)),
        (("train", "--mode", "v2"), ("unknown scheme",)),
        (("train", "--hold", "hope"), ("unknown way to hold", "replace or mask")),
        (("train", "--data", "imagenet"), ("unknown data set",)),
        (("train", "--data", "cifar10"), ("cifar-10-binary.tar.gz", "PYML_DATA")),
        (("train", "--fraction", "1.5"), ("fraction is out of range",)),
        (("train", "--fraction", "nan"), ("fraction is out of range",)),
        (("train", "--fraction", "0"), ("watermark is empty",)),
        (("train", "--samples", "1298"), ("fewer images",)),
        (("train", "--learning-rate", "0"), ("learning rate must be positive",)),
        (("train", "--watermark-seed", SEED, "--block", "b"), ("takes the place of --block",)),
        (("train", "--watermark-seed", SEED, "--mode", "reference"), ("is v1's",)),
        (("train", "--device", "abacus"), ("unknown device",)),
        (("train", *MLP, "--checkpoint", "nan.ckpt"), ("NaN or infinite",)),
        (("train", *MLP, "--checkpoint", "text.ckpt"), ("not a readable checkpoint",)),
        (("train", *MLP, "--seed", "1", "--checkpoint", "v1.ckpt"), ("belongs to another run",)),
        (("train", "--network", "mlp", "--epochs", "1", "--checkpoint", "v1.ckpt"), ("past the wanted end",)),
        (("train", *MLP, "--learning-rate", "1e30"), ("does not fit",)),
        (("attack", "grinding"), ("no such attack", "seed-bank")),
        (("attack", "scale", "--threshold", "501"), ("above the test size",)),
        (("attack", "scale", "--fractions", "0.1,much"), ("numbers with commas",)),
        (("attack", "sybil", "--out", "window"), ("--out is that of the attack scale",)),
        (("attack", "transfer", "--seeds", "4", "--network", "mlp"), ("too few seeds",)),
        (("attack", "scale", "--network", "paper"), ("takes the images of CIFAR-10",)),
        (("reproduce", "fig1", "--fractions", "0,2"), ("different numbers from 0 to 1",)),
        (("reproduce", "fig1", "--fractions", "0.1,0.1"), ("different numbers from 0 to 1",)),
        (("reproduce", "fig1", "--seeds", "2"), ("greater than or equal to 3",)),
        (("reproduce", "fig4"), ("fig4",)),
        (("reproduce", "fig1", "--full", "--data", "mnist"), ("--full is the paper's network on CIFAR-10",)),
        (("reproduce", "fig1", "--network", "vgg"), ("unknown network",)),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_mistakes_are_one_line(shop: Inside, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    before = shop.files()
    answer = shop.run("freezenet", *words)
    assert answer.is_mistake(*told), answer.err
    assert shop.files() == before


def test_data_with_a_wrong_checksum_are_refused(shop: Inside) -> None:
    answer = shop.run("freezenet", "train", "--data", "cifar10", PYML_DATA=str(shop.folder / "data"))
    assert answer.is_mistake("not the published one", "sha256")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_here_is_said_to_be_missing(shop: Inside) -> None:
    assert shop.run("freezenet", "train", "--device", "cuda").is_mistake("device cuda is not available")


def test_errors_are_json_where_json_is_asked_for(shop: Inside) -> None:
    answer = shop.run("freezenet", "verify", "v1.fzn", "--threshold", "501", "--json")
    assert answer.code == 2
    assert json.loads(answer.err)["problem"] == "the threshold is above the test size"
