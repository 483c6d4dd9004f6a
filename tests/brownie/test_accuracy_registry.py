"""A Brownie user's way to the contracts: a real proof accepted by AccuracyRegistry, forged ones refused.

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
CASES = {case["id"]: case for case in VECTORS["cases"]}


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
    deployer.transfer(data=VECTORS["dedicatedInitCode"])
    circuits = CircuitRegistry.deploy(reusable, {"from": deployer})
    models = ModelRegistry.deploy({"from": deployer})
    accuracy = AccuracyRegistry.deploy(models, circuits, {"from": deployer})
    addresses = VECTORS["addresses"]
    assert [reusable, circuits, models, accuracy] == [
        addresses[name] for name in ("reusable", "circuits", "models", "accuracy")
    ]
    reusable.registerVka(VECTORS["vka"], {"from": prover})
    circuit = VECTORS["circuit"]
    vka_digest = web3.keccak(b"".join(bytes.fromhex(word[2:]) for word in VECTORS["vka"]))
    made = circuits.register(
        (
            vka_digest,
            b"\0" * 32,
            circuit["statementDigest"],
            circuit["datasetDigest"],
            ZERO_ADDRESS,
            circuit["samples"],
            circuit["proofLength"],
            circuit["committedPoints"],
            circuit["witnessPoints"],
            circuit["checks"],
        ),
        {"from": prover},
    )
    assert made.events["CircuitRegistered"]["circuitId"] == VECTORS["circuitIds"]["reusable"]
    models.register(VECTORS["commitment"], 10, [accuracy], {"from": prover})
    return accuracy


def claim(case):
    return (
        VECTORS["modelId"],
        VECTORS["circuitIds"]["reusable"],
        case["threshold"],
        case["count"],
        case["proof"],
        VECTORS["vka"],
    )


@pytest.mark.parametrize("case", ["claim-forged-count", "claim-forged-activation", "claim-chosen-rho"])
def test_forged_claim_is_refused(accuracy, prover, case):
    with pytest.raises(VirtualMachineError) as refused:
        accuracy.claim.call(*claim(CASES[case]), {"from": prover})
    circuit_id = bytes.fromhex(VECTORS["circuitIds"]["reusable"][2:])
    assert refused.value.revert_msg.startswith(f"InvalidProof: {circuit_id}, ")


def test_honest_claim_is_accepted(accuracy, prover):
    honest = CASES["claim-reusable"]
    accuracy.claim(*claim(honest), {"from": prover})
    made = accuracy.claimOf(VECTORS["modelId"], VECTORS["circuitIds"]["reusable"])
    assert (made["count"], made["threshold"]) == (honest["count"], honest["threshold"])
    assert accuracy.isCertified(VECTORS["modelId"], VECTORS["circuitIds"]["reusable"], honest["count"])
    assert not accuracy.isCertified(VECTORS["modelId"], VECTORS["circuitIds"]["reusable"], honest["count"] + 1)
