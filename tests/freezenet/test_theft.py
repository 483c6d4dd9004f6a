"""Theft against the real contracts on a devnet, and against a contract that lost its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.chain.build import compile_sources
from pyml.chain.devnet import Devnet
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.errors import ToolMissingError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.attacks.theft import BOND_WEI, play
from pyml.freezenet.experiment import Experiment, Setting
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.runs import Runs
from pyml.freezenet.solution import Solution
from pyml.freezenet.trainable import architecture, encode_inputs, small_mlp
from pyml.ml import datasets

ROOT = Path(__file__).parents[2]
ROUNDS = "contracts/freezenet/Rounds.sol"
OWN = Experiment("mlp", "v1", 0.5, Setting(3, 1e-2, 64))
TASK = Architecture(architecture(small_mlp()), 500_000)


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs(datasets.load("digits"))


@pytest.fixture
def node() -> Iterator[Devnet]:
    try:
        with Devnet() as devnet:
            yield devnet
    except ToolMissingError as error:
        pytest.skip(str(error))


def sealed(runs: Runs) -> tuple[NDArray[np.int8], NDArray[Any]]:
    shown = runs.dataset
    return encode_inputs(shown.test_images, pixel_max=shown.pixel_max)[:100], shown.test_labels[:100]


def trainer(runs: Runs) -> Any:
    def train(seed: bytes) -> Int8Network:
        return runs.under(OWN, seed).network.integer_network()

    return train


def test_what_is_copied_cannot_be_opened(node: Devnet, runs: Runs) -> None:
    done = play(node, TASK, sealed(runs), trainer(runs))
    assert not done.succeeds
    assert done.copied_commitment is None, "a copied commitment is bonded like any other"
    assert done.copied_opening == "CommitmentMismatch"
    assert done.opening_without_commitment == "NothingToReveal"
    assert done.late_commitment == "OutsidePhase"
    assert done.honest_correct > 70
    assert done.stolen_correct < 40, "under another seed the weights lie elsewhere"
    assert done.thief_wei == -BOND_WEI
    assert done.miner_wei == 0


def test_a_contract_that_leaves_the_miner_out_of_commitments_is_robbed(node: Devnet, runs: Runs) -> None:
    """The remedy is one word of the contract; without it the test above fails."""
    with_miner, without = "abi.encode(solution, salt, msg.sender)", "abi.encode(solution, salt)"
    sources = read_with_imports(ROOT, [ROUNDS])
    assert sources[ROUNDS].count(with_miner) == 1
    robbed = {**sources, ROUNDS: sources[ROUNDS].replace(with_miner, without)}
    (rounds,) = (each for each in compile_sources(find_solc(), robbed, wanted=[ROUNDS]) if each.name == "Rounds")
    done = play(node, TASK, sealed(runs), trainer(runs), rounds=rounds, commit=_anybodys)
    assert done.succeeds
    assert done.copied_opening is None
    assert done.thief_wei == 0


def _anybodys(solution: Solution, salt: bytes, miner: str) -> bytes:
    del miner
    return keccak(encode(["(bytes32,uint64,bytes32,bytes32)", "bytes32"], [solution.as_tuple(), salt]))
