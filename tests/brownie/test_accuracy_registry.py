"""A Brownie user's way to the contracts: real proofs accepted by AccuracyRegistry, forged ones refused.

    ./dev brownie test tests/brownie

Proofs are bound to addresses and to the chain, so deployer and prover are the accounts that the vectors name.
"""

import json
from pathlib import Path

import pytest
from brownie import (
    ZERO_ADDRESS,
    AccuracyRegistry,
    CircuitRegistry,
    Halo2VerifierReusable,
    ModelRegistry,
    accounts,
    chain,
    web3,
)
from brownie.exceptions import VirtualMachineError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "gated_claims.json").read_text())
CIRCUIT = VECTORS["circuits"]["accuracy"]
CLAIMS = [case for case in VECTORS["cases"] if case["circuit"] == "accuracy"]


def become(address):
    web3.provider.make_request("anvil_setBalance", [address, hex(10**20)])
    return accounts.at(address, force=True)


@pytest.fixture(scope="module")
def prover():
    return become(VECTORS["prover"])


@pytest.fixture(scope="module")
def accuracy(prover):
    assert chain.id == VECTORS["chainId"]
    deployer = become(VECTORS["deployer"])
    reusable = Halo2VerifierReusable.deploy({"from": deployer})
    deployer.transfer(data=VECTORS["circuits"]["dedicated"]["initCode"])
    circuits = CircuitRegistry.deploy(reusable, {"from": deployer})
    models = ModelRegistry.deploy({"from": deployer})
    accuracy = AccuracyRegistry.deploy(models, circuits, {"from": deployer})
    addresses = VECTORS["addresses"]
    assert [reusable, circuits, models, accuracy] == [
        addresses[name] for name in ("reusable", "circuits", "models", "accuracy")
    ]
    reusable.registerVka(CIRCUIT["vka"], {"from": prover})
    made = circuits.register(
        (
            web3.keccak(b"".join(bytes.fromhex(word[2:]) for word in CIRCUIT["vka"])),
            b"\0" * 32,
            CIRCUIT["statementDigest"],
            CIRCUIT["datasetDigest"],
            ZERO_ADDRESS,
            CIRCUIT["samples"],
            CIRCUIT["proofLength"],
            CIRCUIT["committedPoints"],
            CIRCUIT["witnessPoints"],
            CIRCUIT["checks"],
        ),
        {"from": prover},
    )
    assert made.events["CircuitRegistered"]["circuitId"] == CIRCUIT["id"]
    models.register(VECTORS["commitment"], VECTORS["proofLimit"], [accuracy], {"from": prover})
    return accuracy


def claim(case):
    return VECTORS["modelId"], CIRCUIT["id"], case["threshold"], case["count"], case["proof"], CIRCUIT["vka"]


@pytest.mark.parametrize("case", [case for case in CLAIMS if case["result"] == "invalid"], ids=lambda case: case["id"])
def test_forged_claim_is_refused(accuracy, prover, case):
    with pytest.raises(VirtualMachineError) as refused:
        accuracy.claim.call(*claim(case), {"from": prover})
    assert refused.value.revert_msg == f"InvalidProof: {bytes.fromhex(CIRCUIT['id'][2:])}, {int(case['rho'], 16)}"


def test_honest_claim_is_accepted(accuracy, prover):
    (honest,) = [case for case in CLAIMS if case["result"] == "valid"]
    accuracy.claim(*claim(honest), {"from": prover})
    made = accuracy.claimOf(VECTORS["modelId"], CIRCUIT["id"])
    assert (made["count"], made["threshold"]) == (honest["count"], honest["threshold"])
    assert accuracy.isCertified(VECTORS["modelId"], CIRCUIT["id"], honest["count"])
    assert not accuracy.isCertified(VECTORS["modelId"], CIRCUIT["id"], honest["count"] + 1)
