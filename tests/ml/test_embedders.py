"""Features that are the same integers everywhere, and networks from outside that are refused."""

from __future__ import annotations

import hashlib
import json
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from threadpoolctl import threadpool_limits

from pyml.errors import InputError, IntegrityError, ModelError, PymlError
from pyml.ml.embedders.fixed_point import FixedPointNetwork, Layer, quantised
from pyml.ml.embedders.onnx_pictures import DIMENSIONS, OnnxPictures, PixelForm, read_network
from pyml.ml.embedders.projection import fixed_point, project, sign_matrix
from pyml.ml.embedders.synthetic import synthetic_pictures

SIDE = 16


def random_layer(random: np.random.Generator, fan_in: int, outputs: int, *, last: bool = False) -> Layer:
    weight = random.integers(-40, 41, (fan_in, outputs), dtype=np.int8)
    bias = random.integers(-9000, 9000, outputs, dtype=np.int32)
    multiplier = np.zeros(outputs, np.int32) if last else random.integers(1 << 9, 1 << 13, outputs, dtype=np.int32)
    return Layer(weight, bias, multiplier)


def random_network(seed: int) -> FixedPointNetwork:
    random = np.random.default_rng(seed)
    convolutions = random_layer(random, 27, 5), random_layer(random, 45, 7)
    return FixedPointNetwork(SIDE, convolutions, random_layer(random, 4 * 4 * 7, 20, last=True))


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def by_hand(network: FixedPointNetwork, picture: NDArray[np.uint8]) -> list[int]:
    """The same in Python's integers, entry by entry."""
    values: Any = picture.tolist()
    for layer in network.convolutions:
        side = len(values)
        rows: list[Any] = []
        for top in range(0, side, 2):
            row: list[Any] = []
            for left in range(0, side, 2):
                cell: list[int] = []
                for output in range(layer.weight.shape[1]):
                    total, place = int(layer.bias[output]), 0
                    for y in range(top - 1, top + 2):
                        for x in range(left - 1, left + 2):
                            for channel in range(len(values[0][0])):
                                if 0 <= y < side and 0 <= x < side:
                                    total += values[y][x][channel] * int(layer.weight[place, output])
                                place += 1
                    cell.append(min(255, max(0, (total * int(layer.multiplier[output]) + (1 << 23)) >> 24)))
                row.append(cell)
            rows.append(row)
        values = rows
    flat = [value for row in values for cell in row for value in cell]
    dense = network.dense
    return [
        int(dense.bias[output]) + sum(value * int(dense.weight[place, output]) for place, value in enumerate(flat))
        for output in range(dense.weight.shape[1])
    ]


# Integers


def test_features_are_those_of_exact_arithmetic() -> None:
    for seed in range(3):
        network, shown = random_network(seed), pictures(2, seed)
        assert network.features(shown).tolist() == [by_hand(network, each) for each in shown]


def test_batch_size_and_threads_do_not_matter() -> None:
    network, shown = random_network(1), pictures(9)
    whole = network.features(shown)
    assert np.array_equal(whole, np.concatenate([network.features(each[None]) for each in shown]))
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert np.array_equal(network.features(shown), whole)


def test_pictures_of_one_channel() -> None:
    random = np.random.default_rng(7)
    network = FixedPointNetwork(SIDE, (random_layer(random, 9, 5),), random_layer(random, 320, 12, last=True))
    seen = pictures(2)[..., :1]
    assert network.channels == 1
    assert network.features(seen).tolist() == [by_hand(network, each) for each in seen]
    again = FixedPointNetwork.from_bytes(network.to_bytes())
    assert np.array_equal(again.features(seen), network.features(seen))
    with pytest.raises(ModelError, match=r"wrong input; expected uint8 \[n, 16, 16, 1\]; got uint8 \(2, 16, 16, 3\)"):
        network.features(pictures(2))
    with pytest.raises(ModelError, match="without a side; got 0"):
        FixedPointNetwork(0, network.convolutions, network.dense)


def test_stored_networks() -> None:
    network = random_network(2)
    content = network.to_bytes()
    assert content == random_network(2).to_bytes()
    assert np.array_equal(FixedPointNetwork.from_bytes(content).features(pictures(2)), network.features(pictures(2)))
    for wrong in (b"", b"PK", content[: len(content) // 2], np.arange(3).tobytes()):
        with pytest.raises(ModelError, match="not a fixed-point network"):
            FixedPointNetwork.from_bytes(wrong)


def test_quantising_keeps_the_signs_of_most_features() -> None:
    random = np.random.default_rng(0)
    weights: list[NDArray[np.float32]] = [
        np.asarray(random.normal(0, 0.3, shape), np.float32) for shape in ((27, 8), (72, 12), (4 * 4 * 12, 64))
    ]
    biases: list[NDArray[np.float32]] = [
        np.asarray(random.normal(0, 0.2, outputs), np.float32) for outputs in (8, 12, 64)
    ]
    shown = synthetic_pictures(24, SIDE, 3)
    network = quantised(SIDE, list(zip(weights[:2], biases[:2], strict=True)), (weights[2], biases[2]), shown)
    values: Any = shown / 255.0
    for weight, bias in zip(weights[:2], biases[:2], strict=True):
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]
        windows = windows.transpose(0, 1, 2, 4, 5, 3)
        values = np.maximum(windows.reshape(*windows.shape[:3], -1) @ weight + bias, 0)
    real = values.reshape(len(values), -1) @ weights[2] + biases[2]
    assert (np.sign(real) == np.sign(network.features(shown))).mean() > 0.97


def test_layers_that_do_not_fit() -> None:
    random = np.random.default_rng(0)
    wide = Layer(np.full((600, 1), 100, np.int8), np.zeros(1, np.int32), np.zeros(1, np.int32))
    assert wide.weight.shape == (600, 1)
    with pytest.raises(ModelError, match=r"sums are not exact in 32-bit floats; expected below 2\^24; got 17850000"):
        Layer(np.full((700, 1), 100, np.int8), np.zeros(1, np.int32), np.zeros(1, np.int32))
    with pytest.raises(ModelError, match="no matrix of signed bytes"):
        Layer(np.zeros((3, 3), np.int64), np.zeros(3, np.int32), np.zeros(3, np.int32))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="do not fit its outputs"):
        Layer(np.zeros((3, 3), np.int8), np.zeros(2, np.int32), np.zeros(3, np.int32))
    with pytest.raises(ModelError, match="a convolution does not fit"):
        FixedPointNetwork(SIDE, (random_layer(random, 26, 5),), random_layer(random, 320, 4, last=True))
    with pytest.raises(ModelError, match="the dense layer does not fit"):
        FixedPointNetwork(SIDE, (random_layer(random, 27, 5),), random_layer(random, 321, 4, last=True))
    with pytest.raises(ModelError, match="wrong input; expected uint8"):
        random_network(0).features(np.zeros((1, 8, 8, 3), np.uint8))


# Projection


def test_signs_are_pinned_and_balanced() -> None:
    signs = sign_matrix(1280, 256, b"")
    assert set(np.unique(signs)) == {-1, 1}
    assert abs(int(signs.sum(dtype=np.int64))) < 4 * (1280 * 256) ** 0.5
    assert signs[0, :16].tolist() == sign_matrix(1280, 256, b"")[0, :16].tolist()
    assert not np.array_equal(signs, sign_matrix(1280, 256, b"x"))
    assert sign_matrix(4, 2, b"golden").tolist() == GOLDEN_SIGNS


GOLDEN_SIGNS = [[-1, 1], [-1, -1], [-1, -1], [-1, -1]]


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 20))
def test_projection_is_exact(seed: int, inputs: int, outputs: int) -> None:
    random = np.random.default_rng(seed)
    features = random.integers(-(2**31), 2**31, (3, inputs))
    centre = random.integers(-(2**31), 2**31, inputs)
    signs = sign_matrix(inputs, outputs, b"s")
    centred = (features.astype(object) - centre.astype(object)).tolist()  # Python's integers
    columns = signs.T.tolist()
    expected = [[sum(map(mul, row, column)) for column in columns] for row in centred]
    assert project(features, centre, signs).tolist() == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e9])
def test_features_that_are_no_numbers(value: float) -> None:
    with pytest.raises(ModelError, match="features are not finite, or too large"):
        fixed_point(np.array([1, value], np.float32))


# Pictures by rule


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_synthetic_pictures_follow_from_the_seed(seed: int) -> None:
    made = synthetic_pictures(3, 32, seed)
    assert made.shape == (3, 32, 32, 3)
    assert np.array_equal(made[:2], synthetic_pictures(2, 32, seed))
    assert all(each.std() > 1 for each in made)
    assert not np.array_equal(made[0], made[1])


def test_no_synthetic_pictures() -> None:
    with pytest.raises(InputError, match="no such pictures"):
        synthetic_pictures(0, 32, 0)


# ONNX


def onnx_network(*, outputs: int = 12, inputs: int = 1, side: int = SIDE, factor: float = 1.0) -> bytes:
    """Average-pools to 4×4, then a dense layer."""
    weight = np.random.default_rng(3).normal(0, factor, (48, outputs)).astype(np.float32)
    shown = [helper.make_tensor_value_info(f"in{i}", TensorProto.FLOAT, ["n", 3, side, side]) for i in range(inputs)]
    nodes = [
        helper.make_node("AveragePool", ["in0"], ["pooled"], kernel_shape=[side // 4] * 2, strides=[side // 4] * 2),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["out"]),
    ]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", outputs])
    graph = helper.make_graph(nodes, "g", shown, [out], [numpy_helper.from_array(weight, "w")])
    return onnx.ModelProto.SerializeToString(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    )


def shown(count: int, seed: int = 7) -> list[Image.Image]:
    return [Image.fromarray(each) for each in synthetic_pictures(count, 48, seed)]


FORM = PixelForm(SIDE)


def test_a_network_is_described_and_opened_again(tmp_path: Path) -> None:
    model = onnx_network()
    made = OnnxPictures.calibrated("toy", model, shown(8), FORM)
    made.write(tmp_path / "toy.json")
    (tmp_path / "toy.onnx").write_bytes(model)
    again = OnnxPictures.open(tmp_path / "toy.json", tmp_path / "toy.onnx")
    seen = shown(5, 9)
    features = made.embed(seen)
    assert features.shape == (5, DIMENSIONS)
    assert (again.digest, again.name) == (made.digest, "toy")
    assert np.array_equal(again.embed(seen), features)
    assert np.array_equal(np.concatenate([again.embed([each]) for each in seen]), features)
    assert 0.3 < (features > 0).mean() < 0.7


def test_whatever_changes_the_features_changes_the_digest() -> None:
    base = OnnxPictures.calibrated("toy", onnx_network(), shown(8), FORM)
    others = [
        OnnxPictures.calibrated("toy", onnx_network(factor=2.0), shown(8), FORM),
        OnnxPictures.calibrated("toy", onnx_network(), shown(9), FORM),
        OnnxPictures.calibrated("toy", onnx_network(), shown(8), PixelForm(SIDE, (0.1, 0.0, 0.0))),
    ]
    assert len({each.digest for each in (base, *others)}) == 4


def test_networks_that_are_none(tmp_path: Path) -> None:
    def refused(model: bytes, form: PixelForm = FORM) -> str:
        with pytest.raises(ModelError) as caught:
            OnnxPictures.calibrated("toy", model, shown(3), form)
        return str(caught.value)

    assert "not an ONNX network that can be run" in refused(b"hello")
    assert "not an ONNX network that can be run" in refused(onnx_network()[:-50])
    assert "one input, one output; got (2, 1)" in refused(onnx_network(inputs=2))
    assert "the network takes another input; expected [n, 3, 32, 32]" in refused(onnx_network(), PixelForm(32))
    assert "not a feature vector; expected 8 to 16384 numbers" in refused(onnx_network(outputs=5))
    assert "features are not finite, or too large" in refused(onnx_network(factor=1e38))
    with pytest.raises(ModelError, match="too few pictures to find the centre"):
        OnnxPictures.calibrated("toy", onnx_network(), shown(1), FORM)
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        OnnxPictures.open(tmp_path / "no.json", tmp_path / "no.onnx")


def test_descriptions_that_are_none(tmp_path: Path) -> None:
    model, description = tmp_path / "toy.onnx", tmp_path / "toy.json"
    model.write_bytes(onnx_network())
    made = OnnxPictures.calibrated("toy", model.read_bytes(), shown(3), FORM)
    fields = json.loads(made.description())
    wrong: list[dict[str, object]] = [
        {"format": "v0"},
        {"side": 0},
        {"mean": [0, 0]},
        {"centre": [0.5] * 12},
        {"centre": "x"},
        {"deviation": [0, 1, 1]},
    ]
    for change in wrong:
        description.write_text(json.dumps(fields | change))
        with pytest.raises(ModelError):
            OnnxPictures.open(description, model)
    for text in ("", "[]", "{}", "null", "{"):
        description.write_text(text)
        with pytest.raises(ModelError, match="does not describe an embedder"):
            OnnxPictures.open(description, model)
    description.write_text(json.dumps(fields))
    model.write_bytes(onnx_network(factor=2.0))
    with pytest.raises(IntegrityError, match=r"toy.onnx is not the network of .*toy.json; expected sha256"):
        OnnxPictures.open(description, model)


# Networks from a URL


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_network_from_a_url_is_kept_under_its_digest(tmp_path: Path) -> None:
    content, cache = onnx_network(), tmp_path / "cache"
    published = tmp_path / "toy.onnx"
    published.write_bytes(content)
    description = tmp_path / "toy.json"
    OnnxPictures.calibrated("toy", content, shown(3), FORM).write(description)
    opened = OnnxPictures.open(description, published.as_uri(), cache=cache)
    assert np.array_equal(opened.embed(shown(2)), OnnxPictures.open(description, published).embed(shown(2)))
    assert [path.name for path in cache.iterdir()] == [f"{digest_of(content)}.onnx"]
    published.unlink()
    assert OnnxPictures.open(description, published.as_uri(), cache=cache).digest == opened.digest
    (cache / f"{digest_of(content)}.onnx").write_bytes(onnx_network(factor=2.0))
    with pytest.raises(ModelError, match="is not the published file; expected sha256"):
        OnnxPictures.open(description, published.as_uri(), cache=cache)


def test_networks_from_urls_that_are_refused(tmp_path: Path) -> None:
    published, cache = tmp_path / "toy.onnx", tmp_path / "cache"
    published.write_bytes(onnx_network())
    pinned = digest_of(onnx_network())

    def refused(url: str, sha256: str | None, error: type[PymlError] = ModelError) -> str:
        with pytest.raises(error) as caught:
            read_network(url, sha256=sha256, cache=cache)
        assert not list(tmp_path.glob("cache/*"))
        return str(caught.value)

    assert "a network from a URL needs its checksum" in refused(published.as_uri(), None)
    for wrong in ("", "../../x", pinned.upper(), pinned + "0"):
        assert "not a SHA-256 digest; expected 64 hexadecimal digits" in refused(published.as_uri(), wrong)
    assert "is not the published file; expected sha256 0000" in refused(published.as_uri(), "0" * 64)
    for nowhere in ("http://127.0.0.1:1/toy.onnx", "https://nowhere.invalid/toy.onnx", (tmp_path / "no").as_uri()):
        assert "could not be downloaded" in refused(nowhere, pinned)
    assert "is another file; expected sha256 0000" in refused(str(published), "0" * 64, IntegrityError)
    assert read_network(str(published), sha256=pinned) == onnx_network()
