"""Devnets, a client and compiled test contracts for the tests of ``pyml.chain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.chain.artifacts import Artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode, HardhatNode
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import Solc, find_solc
from pyml.chain.sources import read_with_imports, source_names
from pyml.errors import ToolMissingError

QUICK = SendPolicy(deadline_s=10, poll_s=0.01)


@pytest.fixture(scope="session")
def solc() -> Solc:
    try:
        return find_solc()
    except ToolMissingError as error:
        pytest.skip(f"no Solidity compiler: {error}")


@pytest.fixture(scope="session")
def compiled(solc: Solc) -> dict[str, Artifact]:
    """The contracts of ``tests/chain/contracts`` by name."""
    root = Path(__file__).parent
    sources = read_with_imports(root, source_names(root))
    return {artifact.name: artifact for artifact in compile_sources(solc, sources)}


@pytest.fixture(scope="session")
def node(devnet_kind: str) -> Iterator[DevNode]:
    """The node that ``--devnet`` names, shared by tests that work on either."""
    node = HardhatNode() if devnet_kind == "hardhat" else Devnet(DevnetOptions(enforce_tx_gas_cap=True))
    with node:
        yield node


@pytest.fixture
def client(node: DevNode) -> Client:
    return Client.connect(node.url, expected_chain_id=31337, policy=QUICK)


@pytest.fixture
def anvil() -> Iterator[Devnet]:
    """A fresh anvil of its own, for tests that change how it mines or rewrite its history."""
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        yield devnet


@pytest.fixture
def anvil_client(anvil: Devnet) -> Client:
    return Client.connect(anvil.url, policy=QUICK)


@pytest.fixture
def vault(client: Client, node: DevNode, compiled: dict[str, Artifact]) -> Contract:
    """A fresh ``Vault`` with limit 100, which knows the errors of ``Inner``."""
    owner = node.accounts[0]
    inner = Contract.deploy(client, account=owner, artifact=compiled["Inner"])
    address = Contract.deploy(client, 100, inner.address, account=owner, artifact=compiled["Vault"]).address
    return Contract(client, compiled["Vault"], address, errors_from=[compiled["Inner"]])
