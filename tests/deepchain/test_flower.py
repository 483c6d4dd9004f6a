"""Real Flower apps as parties: their training is what is averaged, and what they do wrong is told in one line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from pyml.deepchain.averaging import add_encoded, next_weights
from pyml.deepchain.fixed_point import FixedPoint
from pyml.deepchain.flower import FlowerApp, Layout, read_initial
from pyml.deepchain.local_training import Weights
from pyml.errors import InputError, ModelError, ToolMissingError
from pyml.ml.datasets import floats, load
from tests.tooling.conftest import find_tool

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).with_name("flower_apps")
LAYOUT = Layout(("weight", "bias"), ((64, 10), (10,)))
ENCODING = FixedPoint(16, 1.0)
START: Weights = np.zeros(LAYOUT.size, dtype=np.float32)


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of Flower's environment."""
    return Path(find_tool("flower-python", ROOT / ".dev" / "flower" / "bin" / "python"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Flower project: the apps, and the digits they train on."""
    folder = tmp_path_factory.mktemp("flower") / "project"
    shutil.copytree(APPS, folder)
    digits = load("digits")
    np.savez(
        folder / "rows.npz",
        images=floats(digits.train_images, pixel_max=digits.pixel_max),
        labels=digits.train_labels.astype(np.int64),
    )
    return folder


@pytest.fixture(scope="module")
def apps(python: Path, project: Path) -> Iterator[list[FlowerApp]]:
    """One app for each of two parties, one of each kind."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(FlowerApp(python, reference, project, LAYOUT, party=party, parties=2))
            for party, reference in enumerate(("softmax_regression:app", "older_client:app"))
        ]


def test_flower_apps_of_both_kinds_train_one_model(apps: list[FlowerApp]) -> None:
    digits, weights = load("digits"), START
    for index in range(1, 6):
        updates = [app.local_update(weights, round_index=index) for app in apps]
        assert not np.array_equal(updates[0], updates[1])  # they hold other rows
        codes = [ENCODING.encode(ENCODING.clipped(update)[0]) for update in updates]
        weights = next_weights(weights, add_encoded(codes), len(codes), ENCODING)
    split = LAYOUT.split(weights)
    logits = floats(digits.test_images, pixel_max=digits.pixel_max) @ split["weight"] + split["bias"]
    assert (logits.argmax(axis=1) == digits.test_labels).mean() > 0.85


def test_an_apps_refusal_is_told_and_the_app_lives_on(apps: list[FlowerApp]) -> None:
    with pytest.raises(ModelError) as refused:
        apps[0].local_update(np.full_like(START, np.nan), round_index=1)
    assert refused.value.got == "ValueError: weights are not finite"
    assert np.isfinite(apps[0].local_update(START, round_index=1)).all()


def test_an_app_that_returns_too_few_arrays_is_refused(apps: list[FlowerApp]) -> None:
    with pytest.raises(ModelError) as refused:
        apps[1].local_update(START, round_index=13)
    assert refused.value.got == "ValueError: the app returned 1 arrays for 2"


def test_an_app_that_is_not_there_is_named(python: Path, project: Path) -> None:
    with (
        FlowerApp(python, "no_such_module:app", project, LAYOUT, party=0, parties=1) as app,
        pytest.raises(ModelError, match="bridge of no_such_module:app ended"),
    ):
        app.local_update(START, round_index=1)


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="no Python interpreter"):
        FlowerApp(tmp_path / "python", "a:app", tmp_path, LAYOUT, party=0, parties=1)


def test_a_bridge_that_talks_nonsense_is_refused(tmp_path: Path) -> None:
    stranger = tmp_path / "python"
    stranger.write_text("#!/bin/sh\nprintf '\\000\\000\\000\\002{}'\ncat >/dev/null\n")
    stranger.chmod(0o755)
    with (
        FlowerApp(stranger, "a:app", tmp_path, LAYOUT, party=0, parties=1) as app,
        pytest.raises(ModelError, match="did not answer with a message"),
    ):
        app.local_update(START, round_index=1)
    stranger.write_text("#!/bin/sh\nprintf '\\377\\377\\377\\377'\ncat >/dev/null\n")
    with (
        FlowerApp(stranger, "a:app", tmp_path, LAYOUT, party=0, parties=1) as app,
        pytest.raises(ModelError, match="too long a frame"),
    ):
        app.local_update(START, round_index=1)


def test_a_row_of_weights_is_split_and_joined(tmp_path: Path) -> None:
    weights = np.arange(LAYOUT.size, dtype=np.float32)
    assert np.array_equal(LAYOUT.join(LAYOUT.split(weights)), weights)
    split = LAYOUT.split(weights)
    np.savez(tmp_path / "initial.npz", weight=split["weight"], bias=split["bias"])
    layout, read = read_initial(tmp_path / "initial.npz")
    assert layout == LAYOUT
    assert np.array_equal(read, weights)


def test_other_arrays_are_refused() -> None:
    split = dict(LAYOUT.split(START))
    for wrong in (
        {"weight": split["weight"]},
        {**split, "more": np.zeros(1)},
        {**split, "bias": np.zeros(11)},
        {"weight": split["bias"], "bias": split["weight"]},
    ):
        with pytest.raises(ModelError, match="other arrays"):
            LAYOUT.join(wrong)
    with pytest.raises(ModelError, match="not of floats"):
        LAYOUT.join({**split, "bias": np.zeros(10, dtype=np.int64)})
    with pytest.raises(InputError, match="do not fit"):
        LAYOUT.split(START[:-1])


def test_a_file_with_objects_or_none_at_all_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", first=np.array([{}], dtype=object))
    for name in ("objects.npz", "absent.npz"):
        with pytest.raises(InputError, match=r"not an \.npz file"):
            read_initial(tmp_path / name)
    with pytest.raises(InputError, match="distinct names"):
        Layout(("a", "a"), ((1,), (1,)))
    with pytest.raises(InputError, match="is empty"):
        Layout(("a",), ((0,),))
