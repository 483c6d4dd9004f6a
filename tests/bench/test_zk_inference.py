"""The inference benchmark: its sound peer is the integer network, its ratios are those of the rounds, and it runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.measuring.record import ROOT
from bench.zk.inference_ezkl import SoundGraph
from bench.zk.inference_forms import FORMS, STATEMENTS, Form, ratios, widened
from bench.zk.published import PUBLISHED
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict
from tests.bench.test_scripts import quick_result, run_script
from tests.bench.test_zk_peers import network


def sound_answer(model: IntegerNetwork, sample: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> int:
    weights = [torch.tensor(np.vstack([layer.weight, layer.bias])).float() for layer in model.layers]
    public = torch.tensor(sample[None]).float()
    shown, label = SoundGraph(model)(public, *weights)
    assert torch.equal(shown, public)
    return int(label) - 1


@given(st.integers(0, 2**32 - 1))
def test_sound_graph_answers_as_the_integer_network(seed: int) -> None:
    model = network(seed)
    sample = np.random.default_rng(seed).integers(0, 4, 3)
    assert sound_answer(model, sample) == predict(model, sample[None])[0]


def test_sound_graph_answers_a_tie_with_no_class() -> None:
    zero = IntegerLayer(np.zeros((3, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), 1)
    model = IntegerNetwork((zero,), 4, 3)
    assert sound_answer(model, np.array([1, 2, 3])) == predict(model, np.array([[1, 2, 3]]))[0] == -1


def form(name: str, times: list[float], *, samples: int = 1, einsum_columns: int = 0) -> Form:
    prepared = {"setup_s": 2.0 * samples, "proving_key_mb": 10.0 * samples, "einsum_columns": einsum_columns}
    run = {"witness_s": 0.1, "prove_s": 1.0, "verify_s": 0.1, "peak_mb": 100.0, "proof_bytes": 1000}
    return Form(name, Path(), samples, prepared=prepared, runs=[{**run, "total_s": value} for value in times])


def test_ratios_are_of_one_sample_and_round_by_round() -> None:
    found = ratios([form("pyml", [1.0, 2.0, 4.0]), form("ezkl-batched", [16.0, 16.0, 16.0], samples=4)])
    assert set(found) == {"ezkl-batched"}
    got = found["ezkl-batched"]
    assert (got["sample_time"], got["sample_time_least"], got["sample_time_greatest"]) == (2.0, 1.0, 4.0)
    assert (got["setup_time"], got["proving_key"], got["peak_memory"]) == (4.0, 4.0, 1.0)


def test_ratios_need_something_to_compare_with() -> None:
    assert ratios([form("zokrates", [1.0])]) == {}


def test_a_form_with_the_engines_own_product_is_called_unsound() -> None:
    batched = form("ezkl-batched", [8.0, 16.0, 32.0], samples=4, einsum_columns=3).as_dict()
    assert batched["sound"] is False
    assert batched["median"]["sample_s"] == 4.0
    assert form("pyml", [1.0]).as_dict()["sound"] is True


def test_every_form_says_what_it_states() -> None:
    assert set(STATEMENTS) == set(FORMS)


def test_widened_networks_have_the_models_kind() -> None:
    model = network(4)
    wide = widened(model, 9)
    assert wide.sizes == (3, 9, 3)
    assert (wide.bits, wide.input_max) == (model.bits, model.input_max)
    assert [layer.bias_unit for layer in wide.layers] == [layer.bias_unit for layer in model.layers]


def test_published_figures_are_told_apart_from_measured_ones() -> None:
    assert all(set(each) == {"system", "source", "figure", "statement", "hardware"} for each in PUBLISHED)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forms", "pyml,other"], "unknown forms ['other']"),
        (["--batch", "101"], "--batch is at least 1 and at most --samples"),
        (["--sizes", "64", "--forms", "pyml"], "network sizes cannot be read"),
    ],
)
def test_wrong_arguments_end_with_a_line_and_no_result(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run_script("zk_inference", *arguments, "--output", str(tmp_path / "result.json"), home=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "result.json").exists()


@pytest.mark.long
def test_zk_inference(tmp_path: Path) -> None:
    result = quick_result("zk_inference", tmp_path / "home", tmp_path / "result.json")
    forms = {each["form"]: each for each in result["forms"]}
    assert set(forms) == {"pyml", "ezkl-sound"}
    assert all(each["sound"] and each["runs"][0]["valid"] for each in forms.values())
    assert forms["pyml"]["runs"][0]["answers"] == forms["ezkl-sound"]["runs"][0]["answers"]
    assert result["ratios_to_pyml"]["ezkl-sound"]["sample_time"] > 0
    assert result["zokrates"] == {"left_out": "not asked for"}
    assert result["published"]["note"].startswith("published, not measured here")
    assert str(ROOT) not in json.dumps(result)
