"""The demonstrations as they are called, against real proofs and a real chain; and their models, on every input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyml.chain.devnet import Devnet
from pyml.cli.demo.story import require
from pyml.errors import ChainError, ContractRevertedError, InputError, PymlError
from pyml.ml.integer import IntegerNetwork, bounds, predict
from pyml.zk.circuits import input_statement
from pyml.zk.preparation import Prepared
from pyml.zk.statement import Numerics
from pyml.zk.witness import input_tensors
from scripts import pay_to_image, prove_age, prove_breast_cancer, prove_credit_score
from scripts.demonstration import refusal

ROOT = Path(__file__).parents[2]
DEMONSTRATIONS = (pay_to_image, prove_age, prove_breast_cancer, prove_credit_score)
GAS_LIMIT = 1_200_000
BUG = "This is a bug in pyml; please report it."

each = pytest.mark.parametrize("script", DEMONSTRATIONS, ids=lambda script: script.__name__)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all: what one leaves there must not trouble the next."""
    return tmp_path_factory.mktemp("home")


def told(script: ModuleType, home: Path, *words: str) -> dict[str, Any]:
    """What a demonstration says as JSON, run as a program from anywhere, after it ended well."""
    done = subprocess.run(
        [sys.executable, str(script.__file__), "--json", *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    result: dict[str, Any] = json.loads(done.stdout)
    assert {"proved", "hidden", "not_proved", "refused", "gas", "seconds"} <= set(result)
    assert 300_000 < result["gas"] < GAS_LIMIT
    assert any("the reference string was made here" in line for line in result["not_proved"])
    return result


def shown(script: ModuleType, result: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """The same as text; every line of the result is in it."""
    script.show(result)
    text = capsys.readouterr().out
    for heading in ("proved", "hidden", "not_proved"):
        assert "\n  ".join([heading.replace("_", " "), *result[heading]]) + "\n" in text
    for attempt, answer in result["refused"].items():
        assert f"\n  {attempt}: {answer}\n" in text
    assert text.endswith(f"{result['gas']:,} gas, {result['seconds']} s\n")
    return text


# --- as they are called


def test_age(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(prove_age, home, "--at-least", "21")
    (proved,) = result["proved"]
    assert proved.startswith("the age behind the registry office's commitment 0x")
    assert proved.endswith("… is at least 21")
    assert result["refused"] == {
        "the minor's own proof, with the other answer": "InvalidProof",
        "the adult's proof, sent by the minor": "InvalidProof",
        "the adult's proof, for another order": "InvalidProof",
        "the adult's proof, a second time": "WitnessAlreadyUsed",
        "a true proof about an invented age": "accepted by the contract; its commitment is not the office's",
    }
    shown(prove_age, result, capsys)


def test_credit_score(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(prove_credit_score, home)
    (proved,) = result["proved"]
    assert proved.startswith("the numbers behind the bank's commitment 0x")
    assert proved.endswith("… are approved")
    assert result["hidden"][0] == "salary, thousand a year"
    assert result["hidden"][-1].endswith("the salary is at least 44")  # 2*44 + 12 - 2*9 + 3*6 = 100
    assert result["refused"] == {
        "the declined applicant's proof, with the other outcome": "InvalidProof",
        "the approved applicant's proof, sent by the other": "InvalidProof",
        "the approved applicant's proof, for another loan": "InvalidProof",
        "a true proof about an embellished salary": "accepted by the contract; its commitment is not the bank's",
    }
    shown(prove_credit_score, result, capsys)


def test_breast_cancer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training differs from machine to machine, so the count is bounded from below only."""
    result = told(prove_breast_cancer, home)
    proved, certified = result["proved"]
    assert proved.startswith("the model behind commitment 0x")
    count, _, samples = proved.partition(" answers ")[2].removesuffix(" correctly").partition(" of ")
    assert 108 <= int(count) <= int(samples) == 113
    assert certified == "it is certified for at least 108 (95%)"
    cost = result["quantisation"]
    assert cost["integer_accuracy"] == int(count) / 113 >= cost["float_accuracy"] - 0.01
    assert 0.98 < cost["agreement"] <= 1
    assert result["refused"] == {
        "one more correct answer": "InvalidProof" if int(count) < 113 else "CountOutOfRange",
        "the proof, sent by a stranger who registered the same commitment": "InvalidProof",
        "the proof, for a model that differs in one weight": "NotThisModel",
    }
    assert f"integer accuracy {int(count) / 113:.1%}, agreement " in shown(prove_breast_cancer, result, capsys)


# --- they can fail


def exit_of(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """What the script leaves with: a line for standard error means status 1."""
    monkeypatch.setattr(sys, "argv", [str(script.__file__), *words])
    with pytest.raises(SystemExit) as caught:
        script.main()
    return caught.value.code


@each
def test_what_is_not_as_it_should_be_ends_with_one_line(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def demonstrate(*_: object) -> object:
        return require(False, "two and two make five")

    monkeypatch.setattr(script, "demonstrate", demonstrate)
    name = script.__name__.removeprefix("scripts.")
    assert exit_of(script, monkeypatch, "--json") == (
        f"{name}: this should be so and is not: two and two make five. {BUG}"
    )
    assert capsys.readouterr().out == ""


@each
def test_without_a_node_it_says_so(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYML_ANVIL", str(tmp_path / "absent"))
    said = str(exit_of(script, monkeypatch))
    assert said.startswith(f"{script.__name__.removeprefix('scripts.')}: ")
    assert "absent" in said
    assert "\n" not in said


@pytest.mark.parametrize("years", ["0", "-1", "128", "9" * 30])
def test_age_thresholds_out_of_range_end_with_one_line(years: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_of(prove_age, monkeypatch, f"--at-least={years}") == (
        f"prove_age: an age threshold is out of range; expected 1 to 127 years; got {years}"
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (prove_age, ["--at-least", "eighteen"]),
        (prove_age, ["--age", "36"]),  # it would be in everybody's list of processes
        (prove_credit_score, ["--salary", "52"]),
        (prove_breast_cancer, ["model.onnx"]),
    ],
)
def test_other_words_are_usage_errors(
    script: ModuleType, words: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exit_of(script, monkeypatch, *words) == 2


def revert() -> object:
    raise ContractRevertedError("PrivateInput", "InvalidProof")


def unreachable() -> object:
    raise ChainError("node cannot be reached")


def test_a_forgery_must_be_refused_for_its_own_reason() -> None:
    assert refusal(revert) == "InvalidProof"
    with pytest.raises(PymlError) as passed:
        refusal(lambda: False)
    assert str(passed.value) == f"what should be refused was accepted. {BUG}"
    with pytest.raises(PymlError, match="the contract says NotThisModel, not InvalidProof"):
        refusal(revert, "NotThisModel")
    with pytest.raises(ChainError, match="cannot be reached"):  # failing to ask is no refusal
        refusal(unreachable)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prove_breast_cancer.train_classifier()


def test_a_model_that_rounding_spoils_is_not_proved(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two_fewer = prepared.report.float_accuracy - 2 / 113
    spoilt = replace(prepared, report=replace(prepared.report, integer_accuracy=two_fewer))
    monkeypatch.setattr(prove_breast_cancer, "train_classifier", lambda: spoilt)
    with Devnet() as devnet, pytest.raises(PymlError, match="integers answer as well as floats"):
        prove_breast_cancer.demonstrate(devnet, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_altered_model_differs_in_one_weight(prepared: Prepared) -> None:
    network = prepared.quantisation.network
    other = prove_breast_cancer.altered(network)
    before, after = ([layer.weight for layer in each.layers] for each in (network, other))
    changes = [np.abs(a - b) for a, b in zip(before, after, strict=True)]
    assert [int(change.sum()) for change in changes] == [1, 0]
    assert all(np.array_equal(a.bias, b.bias) for a, b in zip(network.layers, other.layers, strict=True))


# --- the models say what their docstrings say


def require_provable(network: IntegerNetwork, numerics: Numerics, values: Sequence[int]) -> int:
    """The label that a proof about these values would have; raises where there is none."""
    statement = input_statement(network, "any", numerics)
    salts = (0,) * numerics.committed_salts
    return input_tensors(statement, network, np.array(values), input_salts=salts, random_felt=lambda: 0).result


@given(st.integers(1, 127))
@example(1)
@example(18)
@example(127)
def test_age_model_answers_one_from_the_threshold_on(threshold: int) -> None:
    network = prove_age.age_model(threshold)
    ages = np.arange(128)
    assert predict(network, ages[:, None]).tolist() == (ages >= threshold).tolist()  # no tie, which would be -1
    for age in (0, threshold - 1, threshold, 127):
        assert require_provable(network, prove_age.NUMERICS, [age]) == int(age >= threshold)


@pytest.mark.parametrize("age", [-1, 128])
def test_ages_out_of_range_have_no_answer(age: int) -> None:
    with pytest.raises(InputError, match=r"an input is out of range; expected \[0, 127\]"):
        require_provable(prove_age.age_model(18), prove_age.NUMERICS, [age])


def outcome(values: Sequence[int]) -> int:
    """The scorecard in plain arithmetic."""
    score = sum(
        feature.points * min(value, feature.cap)
        for feature, value in zip(prove_credit_score.SCORECARD, values, strict=True)
    )
    return sum(score >= threshold for threshold in prove_credit_score.THRESHOLDS)


numbers = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 110), st.integers(0, 255)), min_size=5, max_size=5)


@given(numbers)
@example([0, 0, 0, 0, 0])
@example([255, 255, 255, 255, 255])
@example([255, 255, 0, 255, 0])
@example([0, 0, 255, 0, 255])
@example([20, 0, 0, 0, 0])  # a score of 40
@example([19, 1, 0, 0, 0])  # 39
@example([50, 0, 0, 0, 0])  # 100
@example([49, 1, 0, 0, 0])  # 99
def test_scorecard_network_is_the_scorecard(values: list[int]) -> None:
    network = prove_credit_score.scorecard_network()
    assert require_provable(network, prove_credit_score.NUMERICS, values) == outcome(values)


@given(numbers, st.integers(0, 4), st.integers(0, 255))
def test_scorecard_goes_one_way_in_every_feature(values: list[int], index: int, value: int) -> None:
    """A public model's fairness can be looked at: more salary never hurts, more debts never help."""
    network = prove_credit_score.scorecard_network()
    low, high = ([*values[:index], number, *values[index + 1 :]] for number in sorted((values[index], value)))
    before, after = predict(network, np.array([low, high]))
    assert after >= before if prove_credit_score.SCORECARD[index].points > 0 else after <= before


def test_scorecard_fits_its_circuit_for_any_input() -> None:
    """Bounds, not samples: hidden values stay in the table, and margins below their limit."""
    network, numerics = prove_credit_score.scorecard_network(), prove_credit_score.NUMERICS
    first, last = bounds(network)
    assert numerics.table_low <= first.low <= first.high <= numerics.table_high
    assert last.high - last.low < 1 << (numerics.lookup_bits * numerics.margin_limbs)


@pytest.mark.parametrize("values", [(-1, 0, 0, 0, 0), (256, 0, 0, 0, 0), (0, 0, 0, 0, 256)])
def test_values_out_of_range_have_no_outcome(values: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"an input is out of range; expected \[0, 255\]"):
        require_provable(prove_credit_score.scorecard_network(), prove_credit_score.NUMERICS, values)


def test_invented_people_are_where_the_story_puts_them() -> None:
    assert outcome(prove_credit_score.GOOD) == prove_credit_score.APPROVED
    assert outcome(prove_credit_score.BAD) == prove_credit_score.DECLINED
    assert outcome(prove_credit_score.EMBELLISHED) == prove_credit_score.APPROVED
    assert prove_credit_score.EMBELLISHED[1:] == prove_credit_score.BAD[1:]
    least = prove_credit_score.least_salary(prove_credit_score.scorecard_network(), prove_credit_score.GOOD)
    rest = prove_credit_score.GOOD[1:]
    assert (outcome((least, *rest)), outcome((least - 1, *rest))) == (2, 1)
