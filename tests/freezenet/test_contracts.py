"""Python against the Solidity libraries on the same random inputs, called on a devnet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.errors import ContractRevertedError, ToolMissingError
from pyml.freezenet.binding import SeedContext, tensor_seed
from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.encoding import encode_affine, encode_weights, layer_tuple, network_architecture, pack_words
from pyml.freezenet.feistel import MAX_SIZE, inverse_position, position
from pyml.freezenet.inference import Int8Layer, Int8Network, accumulate, activations, logits, predict, requantise
from tests.freezenet.random_networks import networks

ROOT = Path(__file__).parents[2]
HARNESSES = [f"tests/contracts/freezenet/{name}.sol" for name in ("WatermarkHarness", "InferenceHarness")]

seeds = st.binary(min_size=32, max_size=32)
some = settings(max_examples=20, deadline=None)


@pytest.fixture(scope="module")
def harnesses() -> Iterator[dict[str, Contract]]:
    """Both harnesses by name, on a devnet of their own."""
    try:
        solc = find_solc()
        devnet = Devnet(DevnetOptions())
        with devnet:
            client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=10, poll_s=0.01))
            compiled = compile_sources(solc, read_with_imports(ROOT, HARNESSES), wanted=HARNESSES)
            yield {
                artifact.name: Contract.deploy(client, account=devnet.accounts[0], artifact=artifact)
                for artifact in compiled
            }
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def marks(harnesses: dict[str, Contract]) -> Contract:
    return harnesses["WatermarkHarness"]


@pytest.fixture(scope="module")
def inference(harnesses: dict[str, Contract]) -> Contract:
    return harnesses["InferenceHarness"]


@some
@given(seeds, st.one_of(st.integers(1, 5000), st.integers(1, MAX_SIZE)), st.data())
def test_permutation_and_inverse(marks: Contract, seed: bytes, n: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, n - 1))
    assert marks.call("position", seed, n, index) == position(seed, n, index)
    assert marks.call("indexAt", seed, n, index) == inverse_position(seed, n, index)


@some
@given(seeds, st.integers(0, 4000), st.integers(0, 2**64 - 1))
def test_codes_and_tensor_seeds(marks: Contract, seed: bytes, index: int, tensor: int) -> None:
    codes = watermark_codes(seed, index + 32)
    assert marks.call("code", seed, index) == codes[index]
    first = index - index % 32
    word = marks.call("codeWord", seed, index // 32)
    assert word.to_bytes(32, "big") == pack_words(codes[None, first : first + 32]).tobytes()
    assert marks.call("tensorSeed", seed, tensor) == tensor_seed(seed, tensor)


@some
@given(st.integers(0, 2**256 - 1), st.integers(0, 2**64), seeds, seeds, st.integers(0, MAX_SIZE))
def test_seeds(marks: Contract, task: int, turn: int, beacon: bytes, architecture: bytes, length: int) -> None:
    miner = marks.address
    seed = SeedContext(31337, marks.address, task, turn, beacon, miner, length, architecture).seed
    assert marks.call("boundSeed", task, turn, beacon, miner, length, architecture) == seed


@some
@given(st.integers(-(2**31), 2**31 - 1), seeds, seeds)
def test_step(inference: Contract, accumulator: int, left: bytes, right: bytes) -> None:
    weights, inputs = (np.frombuffer(each, dtype=np.int8) for each in (left, right))
    word = int.from_bytes(pack_words(weights[None]).tobytes(), "big")
    found = inference.call("accumulate", accumulator, word, int.from_bytes(right, "big"))
    assert found == accumulate(accumulator, weights, inputs)


@some
@given(st.integers(-(2**47), 2**47), st.integers(0, 31), st.booleans())
def test_rounding(inference: Contract, value: int, shift: int, relu: bool) -> None:
    wanted = int(requantise(np.array([value]), shift=shift, relu=relu)[0])
    assert inference.call("requantise", value, shift, relu) == wanted


@some
@given(networks(), st.integers(0, 2**32))
def test_networks(inference: Contract, network: Int8Network, seed: int) -> None:
    inputs = np.random.default_rng(seed).integers(-128, 128, (1, network.inputs), dtype=np.int8)
    levels = [inputs, *activations(network, inputs)]
    for depth, layer in enumerate(network.layers):
        values = inference.call("weigh", *arguments(layer, levels[depth]))
        if depth + 1 < len(network.layers):
            assert inference.call("activate", layer_tuple(layer), values) == levels[depth + 1].tobytes()
        else:
            assert list(values) == logits(network, inputs)[0].tolist()
            assert inference.call("argmax", values) == predict(network, inputs)[0]
    architecture = inference.call("architectureOf", [layer_tuple(layer) for layer in network.layers])
    assert architecture == network_architecture(network)


@pytest.mark.parametrize(
    ("function", "arguments", "name", "fields"),
    [
        ("position", (bytes(32), 0, 0), "SizeOutOfRange", {"n": 0, "maximum": MAX_SIZE}),
        ("indexAt", (bytes(32), 2**63, 0), "SizeOutOfRange", {"n": 2**63, "maximum": MAX_SIZE}),
        ("indexAt", (bytes(32), 5, 5), "PositionOutOfRange", {"position": 5, "n": 5}),
        ("tensorSeed", (bytes(32), 2**64), "TensorOutOfRange", {"tensor": 2**64, "maximum": 2**64}),
    ],
)
def test_errors_are_named(
    marks: Contract, function: str, arguments: tuple[Any, ...], name: str, fields: dict[str, int]
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        marks.call(function, *arguments)
    assert (caught.value.name, caught.value.arguments) == (name, fields)


def arguments(layer: Int8Layer, inputs: np.ndarray[Any, np.dtype[np.int8]]) -> tuple[Any, ...]:
    packed = encode_weights(layer)
    words = [int.from_bytes(packed[start : start + 32], "big") for start in range(0, len(packed), 32)]
    return layer_tuple(layer), inputs.tobytes(), words, encode_affine(layer)
