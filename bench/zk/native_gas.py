"""What the native contracts cost: verifier, range proof, claim and answer, each a transaction of a devnet with the cap.

A claim is the sender's first, which is the dearest: it fills new storage. Each layout of the same statement (n and what
follows) has a verifier of its own; senders differ, the commitment is one, since it does not depend on n. So the powers
of tau are those of the largest layout for all.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from bench.zk.native_rounds import DEGREES, SIZES, Workshop
from bench.zk.native_targets import at_most
from bench.zk.native_work import NativeWork, read
from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract, deploy
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.solc import Solc
from pyml.chain.transactions import MAX_CODE_BYTES, Receipt
from pyml.crypto.bn254 import FELT_BYTES, SCALAR_MODULUS, Point
from pyml.errors import PymlError
from pyml.zk.challenge import CircuitEntry, encode_features, model_id
from pyml.zk.deployment import deployment_plan
from pyml.zk.native import prover, verifier
from pyml.zk.native.circuit import read_key
from pyml.zk.native.key import key_digest
from pyml.zk.native.powers import Powers, load_powers
from pyml.zk.native.prover import ProverSecrets
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.solidity import architecture_id, compile_verifier
from pyml.zk.srs import insecure_path, open_srs

CLAIM_GAS: Final = 640_000
PROOF_BYTES: Final = 8000
_NO_WORDS: Final[Sequence[bytes]] = ()
"""What reusable verifiers are given besides: nothing here."""
_NAMES: Final = ("CircuitRegistry", "ModelRegistry", "AccuracyRegistry", "PrivateInference", "WeightRanges")


@dataclass(frozen=True, slots=True)
class Chain:
    """A devnet with the system's contracts."""

    client: Client
    solc: Solc
    contracts: dict[str, Contract]
    home: Path
    srs_degree: int
    blind: int
    """Of C_W."""

    def __getitem__(self, name: str) -> Contract:
        return self.contracts[name]

    def powers(self, degree: int) -> Powers:
        return load_powers(open_srs(insecure_path(self.home, self.srs_degree)), self.home, count=1 << degree)

    def secrets(self) -> ProverSecrets:
        return ProverSecrets(self.blind, secrets.token_bytes(prover.SEED_BYTES))


@dataclass(frozen=True, slots=True)
class Circuit:
    """One registered circuit, and what its registration cost."""

    work: NativeWork
    key: VerifyingKey
    identifier: bytes
    costs: dict[str, int]


def measure_gas(workshop: Workshop, solc: Solc, anvil: Path | None) -> dict[str, Any]:
    """Layouts of one statement, the range proof of its weights and one answer under its commitment."""
    samples, sizes = (5, (16, 4, 3)) if workshop.quick else (10_000, SIZES)
    default = workshop.folder / "gas"
    asked = {"samples": samples, "sizes": sizes}
    chosen = int(workshop.step("work", folder=str(default), **asked)["degree"])
    folders = {chosen: default}
    for degree in {*(() if workshop.quick else DEGREES)} - {chosen}:
        folders[degree] = workshop.folder / f"gas-{degree}"
        workshop.step("work", folder=str(folders[degree]), **asked, degree=degree)
    most = max(folders)
    answer = workshop.folder / "gas-answer"
    workshop.step("work", folder=str(answer), inference_of=str(default))
    workshop.powers(most)
    for folder in (*folders.values(), answer):
        workshop.step("set-up", folder=str(folder), srs_degree=most)
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True), anvil=anvil) as node:
        client, accounts = Client.connect(node.url), node.accounts
        workshop.say("deploying the system")
        contracts, deployed = _deploy(client, accounts[0], workshop.folder / "deployment")
        chain = Chain(client, solc, contracts, workshop.home, most, secrets.randbelow(SCALAR_MODULUS))
        workshop.say("range proof and answer")
        ranges = _prove_ranges(chain, read(answer), accounts[0])
        answered = _answer(chain, answer, accounts[0])
        claims = list[dict[str, Any]]()
        for degree, account in zip(sorted(folders), accounts[1:], strict=False):
            workshop.say(f"claim, n = {degree}")
            claims.append({"by_default": degree == chosen, **_claim(chain, folders[degree], account)})
        fork = str(node.rpc.request("anvil_nodeInfo")["hardFork"])
    found = {"fork": fork, "tx_gas_cap": 2**24, "solc": solc.version, "samples": samples, "sizes": list(sizes)}
    found |= {"deployment": deployed, "range_proof": ranges, "answer": answered, "claims": claims}
    return {**found, "targets": _targets(claims)}


def _targets(claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For the layout that pyml chooses."""
    chosen = next(claim for claim in claims if claim["by_default"])
    return [
        at_most("gas of the whole claim transaction", CLAIM_GAS, chosen["claim_gas"]),
        at_most("bytes of a proof", PROOF_BYTES, chosen["proof_bytes"]),
        at_most("bytes of the verifier's code", MAX_CODE_BYTES - 1, chosen["verifier_code_bytes"]),
    ]


def _deploy(client: Client, account: Signer, folder: Path) -> tuple[dict[str, Contract], dict[str, Any]]:
    """The system's contracts: gas and size of those that a native claim needs."""
    plan = deployment_plan()
    records = deploy_system(client, plan, account, folder=folder)
    contracts, costs = dict[str, Contract](), dict[str, Any]()
    for name in _NAMES:
        record = records.require(plan.system, name)
        receipt = client.receipt(record.tx_hashes[-1])
        if receipt is None:
            raise PymlError(f"the deployment of {name} has no receipt")
        contracts[name] = Contract(client, load_artifact(name), record.address)
        costs[name] = {"gas": _succeeded(receipt), "code_bytes": len(client.code(record.address))}
    return contracts, costs


def _prove_ranges(chain: Chain, work: NativeWork, account: Signer) -> dict[str, Any]:
    """Once for a commitment, under the least n that pyml has for this network."""
    shape, powers = work.shape, chain.powers(work.shape.degree)
    tau_g2 = _tau(powers)
    architecture, identifier = (shape.widths, shape.weight_bits, tau_g2), architecture_id(shape, tau_g2)

    def context(_count: int, points: tuple[Point, ...]) -> int:
        asked = (account.address, identifier, shape.degree, keccak(points[0].encode()))
        return int(chain["WeightRanges"].call("challenge", *asked))

    made = prover.prove_weights(shape, powers.core, network=work.network, secrets=chain.secrets(), context=context)
    sent = (architecture, shape.degree, made.proof)
    gas = _succeeded(chain["WeightRanges"].send("prove", *sent, account=account))
    return {"degree": shape.degree, "gas": gas, "proof_bytes": len(made.proof)}


def _answer(chain: Chain, folder: Path, account: Signer) -> dict[str, Any]:
    """One answer to a public input, by the model that the claims are about."""
    circuit = _register(chain, folder, account)
    work, registry = circuit.work, chain["PrivateInference"]
    features, label = encode_features([int(value) for value in work.inputs[0]]), int(work.labels[0])
    model, model_gas = _register_model(chain, circuit, account)

    def context(_count: int, points: tuple[Point, ...]) -> int:
        committed = keccak(b"".join(point.encode() for point in points))
        asked = (account.address, model, circuit.identifier, keccak(features), label, committed)
        return int(registry.call("challenge", *asked))

    made = prover.prove_inference(
        circuit.key,
        chain.powers(work.shape.degree).core,
        network=work.network,
        features=work.inputs[0],
        label=label,
        secrets=chain.secrets(),
        context=context,
    )
    sent = (model, circuit.identifier, features, label, made.proof, _NO_WORDS)
    gas = _succeeded(registry.send("answer", *sent, account=account))
    proved = {
        "answer_gas": gas,
        "calldata_bytes": len(registry.encode("answer", *sent)),
        "proof_bytes": len(made.proof),
    }
    return {"degree": work.shape.degree, **circuit.costs, "register_model_gas": model_gas, **proved}


def _claim(chain: Chain, folder: Path, account: Signer) -> dict[str, Any]:
    """From an unregistered model to a claim that is on chain."""
    circuit = _register(chain, folder, account)
    work, registry = circuit.work, chain["AccuracyRegistry"]
    model, model_gas = _register_model(chain, circuit, account)

    def context(count: int, points: tuple[Point, ...]) -> int:
        asked = (account.address, model, circuit.identifier, count, count, keccak(points[0].encode()))
        return int(registry.call("challenge", *asked))

    made = prover.prove_accuracy(
        circuit.key,
        chain.powers(work.shape.degree).core,
        network=work.network,
        inputs=work.inputs,
        labels=work.labels,
        secrets=chain.secrets(),
        context=context,
    )
    sent = (model, circuit.identifier, made.count, made.count, made.proof, _NO_WORDS)
    gas = _succeeded(registry.send("claim", *sent, account=account))
    if dict(registry.call("claimOf", model, circuit.identifier))["count"] != made.count:
        raise PymlError("the registry recorded another count than was proved")
    proved = {"claim_gas": gas, "calldata_bytes": len(registry.encode("claim", *sent)), "proof_bytes": len(made.proof)}
    return {"degree": work.shape.degree, **circuit.costs, "register_model_gas": model_gas, **proved}


def _register(chain: Chain, folder: Path, account: Signer) -> Circuit:
    """Compile, deploy and register the verifier of the work in ``folder``."""
    work, key = read(folder), read_key(folder / "key.json")
    artifact = compile_verifier(key, chain["WeightRanges"].address, chain.solc)
    receipt = deploy(chain.client, artifact, account=account)
    address = str(receipt.contract_address)
    code = chain.client.code(address)
    entry = CircuitEntry(
        vka_digest=key_digest(key),
        verifier_code_hash=keccak(code),
        statement_digest=keccak(b"benchmark"),
        dataset_digest=bytes(32) if work.shape.data_in_witness else keccak(b"benchmark data"),
        dedicated_verifier=address,
        samples=work.shape.samples,
        proof_length=verifier.proof_length(work.shape),
        committed_points=1,
        witness_points=int(work.shape.data_in_witness),
        checks=0,
    )
    registered = chain["CircuitRegistry"].send("register", entry.as_tuple(), account=account)
    costs = {
        "verifier_gas": _succeeded(receipt),
        "verifier_code_bytes": len(code),
        "register_circuit_gas": _succeeded(registered),
    }
    return Circuit(work, key, entry.identifier(), costs)


def _register_model(chain: Chain, circuit: Circuit, account: Signer) -> tuple[bytes, int]:
    """The same commitment for every layout; no account does this twice."""
    shape = circuit.work.shape
    commitment = prover.commit_weights(shape, chain.powers(shape.degree).core, circuit.work.network, chain.blind)
    hashed = keccak(commitment.encode())
    consumers = [chain[name].address for name in ("AccuracyRegistry", "PrivateInference")]
    receipt = chain["ModelRegistry"].send("register", hashed, 100, consumers, account=account)
    return model_id(account.address, hashed), _succeeded(receipt)


def _tau(powers: Powers) -> tuple[int, ...]:
    """As EIP-197 and the contracts order it: imaginary parts first."""
    data = powers.core.tau_g2
    return tuple(int.from_bytes(data[i : i + FELT_BYTES], "big") for i in range(0, len(data), FELT_BYTES))


def _succeeded(receipt: Receipt) -> int:
    if not receipt.succeeded:
        raise PymlError("a measured transaction failed", got=receipt.tx_hash)
    return receipt.gas_used
