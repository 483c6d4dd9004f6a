"""The deployment plan of the zk contracts: complete, in order, wired to one another, and light to load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.deploy import Plan, Ref, deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.errors import NotDeployedError
from pyml.zk.challenge import (
    ATTEST_DOMAIN,
    CIRCUIT_DOMAIN,
    CLAIM_DOMAIN,
    INFER_DOMAIN,
    CircuitEntry,
    Context,
    attest_challenge,
    claim_challenge,
    infer_challenge,
    model_id,
)
from pyml.zk.deployment import REUSABLE_CONTRACT, SYSTEM, deployment_plan
from pyml.zk.registries import ZkContracts, open_contracts

ROOT = Path(__file__).parents[2]
QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)
uint32s = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return deployment_plan()


@pytest.fixture(scope="module")
def node() -> Iterator[Devnet]:
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        yield devnet


@pytest.fixture(scope="module")
def client(node: Devnet) -> Client:
    return Client.connect(node.url, policy=QUICK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def contracts(client: Client, node: Devnet, plan: Plan, folder: Path) -> ZkContracts:
    deploy_system(client, plan, node.accounts[0], folder=folder, policy=QUICK)
    return open_contracts(client, folder)


def test_steps_and_their_order(plan: Plan) -> None:
    assert plan.system == SYSTEM == "zk"
    assert [(step.name, step.args) for step in plan.steps] == [
        ("Halo2VerifierReusable", ()),
        ("CircuitRegistry", (Ref("Halo2VerifierReusable"),)),
        ("ModelRegistry", ()),
        ("AccuracyRegistry", (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
        ("PrivateInput", (Ref("CircuitRegistry"),)),
        ("PrivateInference", (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
        ("Bounty", (Ref("AccuracyRegistry"),)),
        ("WeightRanges", ()),
        ("ModelLinks", (Ref("ModelRegistry"), Ref("CircuitRegistry"))),
    ]


def test_steps_deploy_what_ships(plan: Plan) -> None:
    for step in plan.steps:
        assert step.artifact == load_artifact(step.name)
        assert step.artifact.deployable
        assert step.artifact.is_linked
        assert step.artifact.insecure is None, "the verifier serves any reference string; none is built into it"
        step.artifact.require_size()
        parameters = [entry["inputs"] for entry in step.artifact.abi if entry["type"] == "constructor"]
        assert len(step.args) == sum(map(len, parameters))


def test_contracts_know_one_another(contracts: ZkContracts) -> None:
    assert contracts.circuits.call("REUSABLE_VERIFIER") == contracts.verifier.address
    assert contracts.accuracy.call("MODELS") == contracts.models.address
    assert contracts.accuracy.call("CIRCUITS") == contracts.circuits.address
    assert contracts.inputs.call("CIRCUITS") == contracts.circuits.address
    assert contracts.inference.call("MODELS") == contracts.models.address
    assert contracts.inference.call("CIRCUITS") == contracts.circuits.address
    assert (
        len(
            {
                item.address
                for item in (
                    contracts.verifier,
                    contracts.circuits,
                    contracts.models,
                    contracts.accuracy,
                    contracts.inference,
                    contracts.inputs,
                )
            }
        )
        == 6
    )


def test_contracts_and_python_have_the_same_domains(contracts: ZkContracts) -> None:
    assert contracts.circuits.call("CIRCUIT_DOMAIN") == CIRCUIT_DOMAIN
    assert contracts.accuracy.call("CLAIM_DOMAIN") == CLAIM_DOMAIN
    assert contracts.inputs.call("ATTEST_DOMAIN") == ATTEST_DOMAIN
    assert contracts.inference.call("INFER_DOMAIN") == INFER_DOMAIN


@given(
    st.tuples(words, words, words, words, addresses, uint32s, uint32s, *[st.integers(0, 255)] * 3),
    addresses,
    words,
    st.binary(max_size=200),
    st.integers(0, 2**256 - 1),
)
@settings(max_examples=15)
def test_contracts_compute_the_same_identifiers_and_challenges(
    contracts: ZkContracts, values: tuple[Any, ...], person: str, word: bytes, points: bytes, label: int
) -> None:
    entry = CircuitEntry(*values)
    circuit = entry.identifier(person)
    assert contracts.circuits.call("idOf", values, person) == circuit
    assert contracts.models.id_of(person, word) == model_id(person, word)
    count = {"threshold": entry.samples, "count": entry.proof_length}
    context = Context(31337, contracts.accuracy.address, person)
    assert contracts.accuracy.call(
        "challenge", person, word, circuit, *count.values(), keccak(points)
    ) == claim_challenge(context, model=word, circuit=circuit, points=points, **count)
    context = Context(31337, contracts.inputs.address, person)
    assert contracts.inputs.call("challenge", person, circuit, word, label, keccak(points)) == attest_challenge(
        context, circuit=circuit, purpose=word, label=label, points=points
    )
    context = Context(31337, contracts.inference.address, person)
    assert contracts.inference.call(
        "challenge", person, word, circuit, keccak(points[::-1]), label, keccak(points)
    ) == infer_challenge(context, model=word, circuit=circuit, features=points[::-1], label=label, points=points)


def test_deploying_again_sends_nothing(
    contracts: ZkContracts, client: Client, node: Devnet, plan: Plan, folder: Path
) -> None:
    before, block = (folder / "31337.json").read_bytes(), client.rpc.request("eth_blockNumber")
    deploy_system(client, plan, node.accounts[1], folder=folder, policy=QUICK)
    assert client.rpc.request("eth_blockNumber") == block
    assert (folder / "31337.json").read_bytes() == before
    assert open_contracts(client, folder).accuracy.address == contracts.accuracy.address


def test_nothing_is_found_where_nothing_was_deployed(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotDeployedError, match="pyml deploy --system zk"):
        open_contracts(client, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_plan_needs_neither_torch_nor_the_engine() -> None:
    """Brownie's environment has neither."""
    program = (
        "import sys; from pyml.zk.deployment import deployment_plan; deployment_plan(); "
        "print(sorted({'torch', 'ezkl', 'onnx', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert REUSABLE_CONTRACT == "Halo2VerifierReusable"
