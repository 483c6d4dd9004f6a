"""The zoo: golden integers made again, accuracy as it is said to be, and nothing but the pinned bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pyml.errors import InputError, IntegrityError
from pyml.ml import zoo
from pyml.ml.datasets import integers, load
from pyml.ml.integer import bounds, count_correct
from pyml.ml.network_codec import encode_network, network_digest
from pyml.ml.networks import parse_shapes
from scripts import make_zoo

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ["PYML_DATA"]) if os.environ.get("PYML_DATA") else None
RESULTS: dict[str, Any] = json.loads((zoo.FOLDER / "accuracy.json").read_text(encoding="utf-8"))
MODELS: dict[str, dict[str, Any]] = {model["name"]: model for model in RESULTS["models"]}
RECIPES = {recipe.name: recipe for recipe in make_zoo.RECIPES}


def test_files_index_results_and_recipes_speak_of_the_same_networks() -> None:
    files = {path.stem for path in zoo.FOLDER.glob("*.json")} - {"index", "accuracy"}
    assert files == set(zoo.entries()) == set(MODELS) == set(RECIPES)
    for name, entry in zoo.entries().items():
        recipe, model = RECIPES[name], MODELS[name]
        assert (entry.data, entry.layers) == (recipe.data, recipe.layers) == (model["data"], model["layers"])
        assert entry.sha256 == model["sha256"] == network_digest(zoo.load(name))
        assert all(model[key] == getattr(recipe, key) for key in ("epochs", "batch_norm", "batch_size", "seed"))
    assert (zoo.FOLDER / "README.md").read_text(encoding="utf-8") == make_zoo.table(list(MODELS.values()))
    assert sum(path.stat().st_size for path in zoo.FOLDER.glob("*.json")) < 600_000


@pytest.mark.parametrize("name", RECIPES)
def test_networks_are_of_their_shapes_and_width(name: str) -> None:
    network, model = zoo.load(name), MODELS[name]
    assert network.shapes == parse_shapes(zoo.entries()[name].layers)
    assert network.bits == make_zoo.BITS
    assert (zoo.FOLDER / f"{name}.json").read_bytes() == encode_network(network)
    assert model["bytes"] == len(encode_network(network))
    assert model["pre_activations"] == sum(shape.pre_activations for shape in network.shapes)
    assert max(bound.partial for bound in bounds(network)) < 2**53  # exact in float64, far below any field


@pytest.mark.parametrize("name", RECIPES)
def test_accuracy_is_what_is_written(name: str) -> None:
    data, model = zoo.entries()[name].data, MODELS[name]
    if data == "mnist" and (DATA is None or not (DATA / "mnist").is_dir()):
        pytest.skip("PYML_DATA has no mnist")
    dataset = load(data, DATA)
    inputs = integers(dataset.test_images, pixel_max=dataset.pixel_max)
    assert model["samples"] == len(inputs)
    assert model["integer_correct"] == count_correct(zoo.load(name), inputs, dataset.test_labels)


@pytest.mark.parametrize("name", RECIPES)
def test_eight_bits_cost_half_a_point_at_most(name: str) -> None:
    model = MODELS[name]
    assert model["weight_bits"] == 8
    assert model["float_correct"] - model["integer_correct"] <= 0.005 * model["samples"]
    assert model["integer_correct"] > 0.9 * model["samples"]


@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn"])
def test_training_again_gives_the_same_integers(name: str) -> None:
    """On any machine: 64-bit floats leave differences far below half a step of a weight."""
    recipe = RECIPES[name]
    network, report = make_zoo.make(recipe, load(recipe.data))
    assert network == zoo.load(name)
    assert make_zoo.figures(recipe, network, report) == MODELS[name]


def test_an_unknown_network_is_refused() -> None:
    for name in ("nothing", "index", "../zoo/digits-mlp", "", "digits-mlp.json"):
        with pytest.raises(InputError) as caught:
            zoo.load(name)
        assert caught.value.problem == "unknown network"
        assert (caught.value.expected, caught.value.got) == (f"one of {', '.join(zoo.entries())}", name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy to be damaged."""
    for name in ("index.json", "digits-mlp.json"):
        shutil.copy(zoo.FOLDER / name, tmp_path)
    assert zoo.load("digits-mlp", tmp_path) == zoo.load("digits-mlp")
    return tmp_path


def test_changed_bytes_are_refused(folder: Path) -> None:
    path = folder / "digits-mlp.json"
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"\n", whole.replace(b"1", b"2", 1), b""):
        path.write_bytes(content)
        with pytest.raises(IntegrityError) as caught:
            zoo.load("digits-mlp", folder)
        wanted, got = zoo.entries()["digits-mlp"].sha256, hashlib.sha256(content).hexdigest()
        assert str(caught.value) == f"the network digits-mlp is damaged; expected sha256 {wanted}; got {got}"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"digits-mlp": {}}', b'{"digits-mlp": 1}', b"\xff"])
def test_a_damaged_index_is_refused(folder: Path, content: bytes) -> None:
    (folder / "index.json").write_bytes(content)
    with pytest.raises(IntegrityError, match="the index of the zoo is damaged"):
        zoo.load("digits-mlp", folder)


def test_absent_and_oversized_files_are_refused(folder: Path) -> None:
    with pytest.raises(IntegrityError, match=r"digits-cnn\.json of the zoo cannot be read: No such file"):
        zoo.load("digits-cnn", folder)
    (folder / "digits-mlp.json").write_bytes(bytes(2**20 + 1))
    with pytest.raises(
        IntegrityError, match=r"digits-mlp\.json of the zoo is not what was put there: larger than 1048576"
    ):
        zoo.load("digits-mlp", folder)
    (folder / "index.json").unlink()
    with pytest.raises(IntegrityError, match=r"index\.json of the zoo cannot be read"):
        zoo.load("digits-mlp", folder)
