"""Files of networks: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pyml.errors import InputError, ModelError
from pyml.freezenet.experiment import TUNED, Experiment
from pyml.freezenet.inference import Int8Network, logits
from pyml.freezenet.network_file import (
    Header,
    NetworkFile,
    float_file,
    integer_file,
    read_network,
    write_network,
)
from pyml.freezenet.strata import kernels_of
from pyml.freezenet.trainable import LayerPlan, TrainableNetwork, float_inputs, small_cnn, small_mlp
from pyml.ml import datasets

SEED = bytes(range(32))
INPUTS = np.random.default_rng(1).integers(0, 128, (20, 64)).astype(np.int8)


def handed_in(plans: tuple[LayerPlan, ...] = small_mlp()) -> tuple[Int8Network, NetworkFile]:
    network = TrainableNetwork(plans, seed=1)
    with torch.no_grad():
        for layer in network.trainable:
            layer.bias.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(1))
    Experiment("mlp", "v1", 0.5, TUNED["mlp"]).held(network, SEED)
    integers = network.integer_network()
    return integers, integer_file(integers, plans, name="mlp", data="digits", seed=SEED, fraction_ppm=500_000)


def published() -> tuple[TrainableNetwork, NetworkFile]:
    experiment = Experiment("cnn", "reference", 0.5, TUNED["cnn"], block=b"block")
    network = experiment.fresh(datasets.load("digits"))
    experiment.held(network)
    network(torch.rand((16, 64), generator=torch.Generator().manual_seed(1)))
    return network.eval(), float_file(network, name="cnn", data="digits", block=b"block", fraction_ppm=500_000)


def same(one: Int8Network, other: Int8Network) -> bool:
    return bool((logits(one, INPUTS) == logits(other, INPUTS)).all()) and all(
        np.array_equal(a, b) for a, b in zip(kernels_of(one), kernels_of(other), strict=True)
    )


@pytest.mark.parametrize("plans", [small_mlp(), small_cnn()], ids=["mlp", "cnn"])
def test_integers_survive_a_file(plans: tuple[LayerPlan, ...], tmp_path: Path) -> None:
    network, file = handed_in(plans)
    write_network(tmp_path / "a.fzn", file)
    assert (tmp_path / "a.fzn").stat().st_mode & 0o777 == 0o600
    read = read_network(tmp_path / "a.fzn")
    assert read == file
    assert same(read.integer_network(plans), network)


def test_under_another_seed_it_is_another_network() -> None:
    network, file = handed_in()
    assert not same(file.integer_network(small_mlp(), bytes(32)), network)


def test_half_of_the_kernels_is_not_in_the_file() -> None:
    network, file = handed_in()
    free = sum(kernel.size for kernel in kernels_of(network)) // 2
    assert len(file.numbers) == 8 + free + 6 * (32 + 10) + 10 * 32


def test_floats_survive_a_file(tmp_path: Path) -> None:
    network, file = published()
    write_network(tmp_path / "a.fzn", file)
    read = read_network(tmp_path / "a.fzn").float_network(small_cnn())
    assert torch.equal(read(float_inputs(INPUTS)), network(float_inputs(INPUTS)))
    assert file.watermark_holds(read)
    assert not file.watermark_holds(read, b"another")


def test_one_weight_below_the_watermark_is_seen() -> None:
    """Both sides: the author's check would let it pass."""
    network, file = published()
    values = np.frombuffer(file.numbers, dtype="<f4").copy()
    values[:20] -= 1e-6
    assert not replace(file, numbers=values.tobytes()).watermark_holds(network)


@pytest.mark.parametrize("change", [-1, 1, -2000], ids=["short", "long", "empty"])
def test_other_lengths_are_refused(change: int) -> None:
    _, file = handed_in()
    other = file.numbers + b"\0" if change > 0 else file.numbers[:change]
    with pytest.raises(InputError, match="not a solution of this task"):
        replace(file, numbers=other).integer_network(small_mlp())
    _, floats = published()
    what = "too long" if change > 0 else "too short"
    numbers = floats.numbers + b"\0" if change > 0 else floats.numbers[:change]
    with pytest.raises(ModelError, match=what):
        replace(floats, numbers=numbers).float_network(small_cnn())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    _, file = published()
    values = np.frombuffer(file.numbers, dtype="<f4").copy()
    values[77] = value
    with pytest.raises(ModelError, match="NaN or infinite"):
        replace(file, numbers=values.tobytes()).float_network(small_cnn())


def test_another_architecture_is_refused() -> None:
    _, file = handed_in()
    with pytest.raises(ModelError, match="another architecture"):
        file.integer_network(small_mlp(hidden=16))
    header = replace(file.header, architecture="00" * 32)
    with pytest.raises(ModelError, match="another architecture"):
        replace(file, header=header).integer_network(small_mlp())


def test_the_other_scheme_is_refused() -> None:
    _, file = handed_in()
    with pytest.raises(ModelError, match="other scheme"):
        file.float_network(small_mlp())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scheme", "v2"),
        ("scheme", 1),
        ("fraction_ppm", -1),
        ("fraction_ppm", 1_000_001),
        ("fraction_ppm", 0.5),
        ("seed", "00"),
        ("seed", "zz" * 32),
        ("block", "abc"),
        ("architecture", ""),
        ("network", None),
    ],
)
def test_headers_are_checked(field: str, value: Any) -> None:
    _, file = handed_in()
    fields = {name: getattr(file.header, name) for name in Header.__slots__}
    with pytest.raises(InputError, match="header"):
        Header(**{**fields, field: value})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"freezenet",
        b"freezenet\0\0\0\x05{}",
        b"freezenet\xff\xff\xff\xff{}",
        b"freezenet\0\0\0\x02[]",
        b"freezenet\0\0\0\x02{}",
        b"freezenet\0\0\0\x02{{",
        b"freezenet\0\0\x0f\xa0" + b"[" * 4000,
        b"something else",
    ],
)
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.fzn").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.fzn"):
        read_network(tmp_path / "a.fzn")


def test_a_header_with_another_name_is_refused(tmp_path: Path) -> None:
    _, file = handed_in()
    write_network(tmp_path / "a.fzn", file)
    raw = (tmp_path / "a.fzn").read_bytes()
    length = int.from_bytes(raw[9:13], "big")
    table = json.loads(raw[13 : 13 + length])
    header = json.dumps({**table, "nonce": 1}).encode()
    (tmp_path / "a.fzn").write_bytes(raw[:9] + len(header).to_bytes(4, "big") + header + raw[13 + length :])
    with pytest.raises(InputError, match="another header"):
        read_network(tmp_path / "a.fzn")


def test_absent_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_network(tmp_path / "absent.fzn")
