"""What is handed in: content there and back, its roots, its commitment, and everything that is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.merkle import leaf_hash, root_of
from pyml.errors import InputError, IntegrityError, ModelError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.encoding import layer_tuple
from pyml.freezenet.inference import Int8Network, logits
from pyml.freezenet.solution import (
    MAGIC,
    Solution,
    content_length,
    content_of,
    decode_content,
    network_of,
    require_content,
)
from pyml.freezenet.strata import assemble, free_weights, kernels_of, watermark, with_kernels
from pyml.freezenet.trainable import TrainableNetwork, architecture, small_cnn, small_mlp
from pyml.store.blobs import digest_of
from tests.freezenet.random_networks import networks

SEED = bytes(range(32))
MINER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def marked(network: Int8Network, task: Architecture, seed: bytes = SEED) -> Int8Network:
    marks = watermark(seed, task.strata)
    return with_kernels(network, assemble(marks, free_weights(marks, kernels_of(network))))


@pytest.fixture(scope="module")
def task() -> Architecture:
    return Architecture(architecture(small_mlp(20, 9, 4)), 300_000)


@pytest.fixture(scope="module")
def network(task: Architecture) -> Int8Network:
    return marked(TrainableNetwork(small_mlp(20, 9, 4), seed=3).integer_network(), task)


@settings(max_examples=20)
@given(networks(), st.integers(1, 999_999), st.integers(0, 2**32))
def test_content_there_and_back(network: Int8Network, fraction: int, draw: int) -> None:
    layers = tuple(layer_tuple(layer) for layer in network.layers)
    try:
        task = Architecture(layers, fraction)
    except ModelError:  # one layer, or no weight watermarked
        return
    handed_in = marked(network, task)
    content = content_of(handed_in, task, SEED)
    raw = content.encode()
    assert len(raw) == content_length(task)
    found = require_content(raw, task, content.solution())
    inputs = np.random.default_rng(draw).integers(-128, 128, (3, network.inputs), dtype=np.int8)
    assert np.array_equal(logits(network_of(found, task, SEED), inputs), logits(handed_in, inputs))


def test_a_convolution_too() -> None:
    plans = small_cnn()
    task = Architecture(architecture(plans), 500_000)
    network = marked(TrainableNetwork(plans, seed=1).integer_network(), task)
    content = content_of(network, task, SEED)
    inputs = np.random.default_rng(5).integers(0, 128, (2, 64), dtype=np.int8)
    again = network_of(decode_content(content.encode(), task), task, SEED)
    assert np.array_equal(logits(again, inputs), logits(network, inputs))


def test_the_watermark_is_not_in_the_content_and_follows_from_the_seed(
    network: Int8Network, task: Architecture
) -> None:
    content = content_of(network, task, SEED)
    assert len(content.free) == task.free_count == 9 * 20 - task.length
    with pytest.raises(ModelError, match="does not hold the watermark"):
        content_of(network, task, bytes(32))
    stolen = network_of(content, task, bytes(32))
    assert not np.array_equal(kernels_of(stolen)[0], kernels_of(network)[0])


def test_roots_are_those_of_leaves(network: Int8Network, task: Architecture) -> None:
    content = content_of(network, task, SEED)
    solution, leaves = content.solution(), content.free_leaves()
    assert len(leaves) == -(-task.free_count // 32)
    assert leaves[0] == content.free[:32][::-1].tobytes(), "code i lies in bits 8i to 8i + 7"
    assert root_of(leaves, first=0, count=len(leaves), path=()) == solution.free_root
    numbers = content.numbers_leaves()
    assert [len(leaf) for leaf in numbers] == [6] * 13 + [32] * 4
    assert root_of(numbers, first=0, count=17, path=()) == solution.numbers_root
    assert solution.content_digest.hex() == digest_of(content.encode())


def test_the_commitment_is_the_contracts(network: Int8Network, task: Architecture) -> None:
    solution, salt = content_of(network, task, SEED).solution(), bytes([7]) * 32
    kinds = ["bytes32", "uint64", "bytes32", "bytes32", "bytes32", "address"]
    assert solution.commitment(salt, MINER) == keccak(encode(kinds, [*solution.as_tuple(), salt, MINER]))
    assert solution.hash == keccak(encode(kinds[:4], solution.as_tuple()))
    other = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    assert solution.commitment(salt, other) != solution.commitment(salt, MINER), "the miner is in it"
    with pytest.raises(InputError, match="salt has the wrong length"):
        solution.commitment(salt[1:], MINER)


@pytest.mark.parametrize("change", [b"", b"\x00"])
def test_other_lengths_are_refused(network: Int8Network, task: Architecture, change: bytes) -> None:
    raw = content_of(network, task, SEED).encode()
    wrong = raw + change if change else raw[:-1]
    with pytest.raises(InputError, match=f"expected {len(raw)} bytes"):
        decode_content(wrong, task)


def test_another_kind_of_file_is_refused(network: Int8Network, task: Architecture) -> None:
    raw = content_of(network, task, SEED).encode()
    with pytest.raises(InputError, match="not a solution of this task"):
        decode_content(b"X" + raw[1:], task)


@given(st.data())
def test_any_flipped_bit_is_noticed(network: Int8Network, task: Architecture, data: st.DataObject) -> None:
    content = content_of(network, task, SEED)
    raw = bytearray(content.encode())
    place = data.draw(st.integers(len(MAGIC), len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(IntegrityError, match="not what was committed to"):
        require_content(bytes(raw), task, content.solution())


@pytest.mark.parametrize("name", ["free_root", "numbers_root", "content_digest"])
def test_any_other_root_is_noticed(network: Int8Network, task: Architecture, name: str) -> None:
    content = content_of(network, task, SEED)
    solution = replace(content.solution(), **{name: leaf_hash(b"other")})
    with pytest.raises(IntegrityError, match="not what was committed to"):
        require_content(content.encode(), task, solution)


def test_networks_of_other_tasks_are_refused(network: Int8Network) -> None:
    other = Architecture(architecture(small_mlp(20, 10, 4)), 300_000)
    with pytest.raises(ModelError, match="not of the task's architecture"):
        content_of(network, other, SEED)


@pytest.mark.parametrize(
    ("free_root", "free_count", "problem"),
    [(bytes(31), 1, "32 bytes each"), (bytes(32), -1, "out of range"), (bytes(32), 2**64, "out of range")],
)
def test_solutions_that_the_chain_could_not_hold(free_root: bytes, free_count: int, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Solution(free_root, free_count, bytes(32), bytes(32))
