"""Two commitments to one model, under circuits of two sizes: linked on the devnet, and every false link refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pyml.chain.devnet import DevNode
from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import ContractRevertedError, InputError, ProofError
from pyml.zk.challenge import Context, commitment_of
from pyml.zk.circuits import inference_graph, inference_statement, link_graph, link_statement
from pyml.zk.claims import prove_inference
from pyml.zk.engine import Proof, Tensors
from pyml.zk.ezkl import generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.links import REVEALED, LinkSide, ModelLink, prove_link, read_link, verify_link, write_link
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import ZkContracts, register_circuit, register_model, submit_answer, submit_link
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Statement
from pyml.zk.witness import link_tensors, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from tests.e2e.conftest import Prover


@dataclass(frozen=True, slots=True)
class Linked:
    """Both link circuits, registered, and an honest link that tests may send once."""

    first: Keyed
    second: Keyed
    context: Context
    link: ModelLink

    def holds(self, link: ModelLink, prover: Prover) -> bool:
        return verify_link(self.first, self.second, prover.engine, link)


def keyed_for(workspace: Workspace, statement: Statement) -> Keyed:
    graph = link_graph if statement.kind == "model_link" else inference_graph
    circuit = workspace.build_circuit(statement, graph(statement))
    return workspace.set_up(circuit, make_insecure(workspace.home, circuit.degree, generate_insecure_srs))


@pytest.fixture(scope="module")
def linked(
    prover: Prover,
    workspace: Workspace,
    contracts: ZkContracts,
    node: DevNode,
    tmp_path_factory: pytest.TempPathFactory,
) -> Linked:
    large = prover.accuracy.circuit
    first = keyed_for(workspace, link_statement(large.statement, large.degree))
    second = keyed_for(workspace, link_statement(large.statement, large.degree + 1))
    account = node.accounts[0]
    for keyed in (first, second):
        register_circuit(contracts, keyed, account)
    context = Context(contracts.client.chain_id, contracts.links.address, account.address)
    ledger = ProofLedger(tmp_path_factory.mktemp("links") / "proofs", prover.model.proof_limit)
    link = prove_link(first, second, prover.engine, prover.model, context, ledger=ledger)
    assert ledger.used == REVEALED
    for side in (link.first, link.second):
        register_model(contracts, commitment_of(side.proof[:POINT_BYTES]), 60, account)
    return Linked(first, second, context, link)


def refused(name: str, attempt: Callable[[], object]) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        attempt()
    assert caught.value.name == name, caught.value


def test_the_model_of_the_accuracy_circuit_is_the_first_side(linked: Linked, prover: Prover, model_id: bytes) -> None:
    assert linked.link.first.model == model_id
    assert linked.link.second.model != model_id
    assert linked.holds(linked.link, prover)


def test_a_link_survives_its_file(linked: Linked, tmp_path: Path) -> None:
    write_link(linked.link, tmp_path / "link.json")
    assert read_link(tmp_path / "link.json") == linked.link
    for spoiled in ("", "[]", "{}", (tmp_path / "link.json").read_text().replace("model_link", "link")):
        (tmp_path / "odd.json").write_text(spoiled)
        with pytest.raises(InputError, match="is not a link file"):
            read_link(tmp_path / "odd.json")


def forgeries(link: ModelLink) -> dict[str, ModelLink]:
    flipped = bytearray(link.second.proof)
    flipped[-1] ^= 1
    return {
        "another fingerprint": replace(link, fingerprint=(link.fingerprint + 1) % SCALAR_MODULUS),
        "a flipped bit": replace(link, second=replace(link.second, proof=bytes(flipped))),
        "sides exchanged": replace(link, first=link.second, second=link.first),
        "one side twice": replace(link, second=link.first),
        "proofs exchanged": replace(
            link,
            first=replace(link.first, proof=link.second.proof),
            second=replace(link.second, proof=link.first.proof),
        ),
    }


@pytest.mark.parametrize(
    "name", ["another fingerprint", "a flipped bit", "sides exchanged", "one side twice", "proofs exchanged"]
)
def test_a_forged_link_is_refused(
    linked: Linked, prover: Prover, contracts: ZkContracts, node: DevNode, name: str
) -> None:
    forged = forgeries(linked.link)[name]
    assert not linked.holds(forged, prover)
    keyed = (linked.second, linked.first) if name == "sides exchanged" else (linked.first, linked.second)
    with pytest.raises(ContractRevertedError) as caught:
        submit_link(contracts, *keyed, forged, node.accounts[0])
    assert caught.value.name in {"InvalidProof", "SameModel", "NotThisModel"}


def test_another_models_fingerprint_is_refused(
    linked: Linked, prover: Prover, contracts: ZkContracts, node: DevNode
) -> None:
    """Both proofs are honest about their own tensors; no ρ makes two models' fingerprints agree."""
    weights = prover.network
    other = SecretModel(weights, (*prover.model.salts[:-1], secure_felt()))
    sides: list[LinkSide] = []
    outputs: list[int] = []
    for keyed, model in ((linked.first, prover.model), (linked.second, other)):
        tensors = link_tensors(keyed.circuit.statement, model.network, 7, model_salts=model.salts)
        made = prover.engine.prove(
            keyed.circuit.files,
            keyed.files,
            keyed.srs,
            Tensors(tensors.committed, tensors.witness),
            lambda _: 7,
        )
        assert prover.engine.verify(keyed.circuit.files, keyed.files, keyed.srs, Proof(made.data, (7, tensors.result)))
        outputs.append(tensors.result)
        commitment = commitment_of(made.data[:POINT_BYTES])
        owned = register_model(contracts, commitment, 60, node.accounts[0])
        sides.append(LinkSide(owned, keyed.entry().identifier(), made.data))
    assert outputs[0] != outputs[1]
    for fingerprint in outputs:
        lie = ModelLink(linked.context, sides[0], sides[1], fingerprint)
        assert not linked.holds(lie, prover)
        refused(
            "InvalidProof", lambda lie=lie: submit_link(contracts, linked.first, linked.second, lie, node.accounts[0])
        )


def test_a_strangers_copy_is_refused(linked: Linked, prover: Prover, contracts: ZkContracts, node: DevNode) -> None:
    stranger = node.accounts[1]
    refused("NotModelOwner", lambda: submit_link(contracts, linked.first, linked.second, linked.link, stranger))
    copied = replace(linked.link, context=replace(linked.context, prover=stranger.address))
    assert not linked.holds(copied, prover)


def test_another_context_is_refused(linked: Linked, prover: Prover) -> None:
    for change in ({"chain_id": 1}, {"contract": linked.context.prover}):
        assert not linked.holds(replace(linked.link, context=replace(linked.context, **change)), prover)


def test_an_accuracy_circuit_is_no_link(
    linked: Linked, prover: Prover, contracts: ZkContracts, node: DevNode, entry: object
) -> None:
    del entry
    side = replace(linked.link.first, circuit=prover.accuracy.entry().identifier())
    lie = replace(linked.link, first=side)
    refused("NotALinkCircuit", lambda: submit_link(contracts, prover.accuracy, linked.second, lie, node.accounts[0]))
    assert not verify_link(prover.accuracy, linked.second, prover.engine, lie)


def test_circuits_of_one_size_have_nothing_to_link(linked: Linked, prover: Prover, tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 10)
    with pytest.raises(InputError, match="circuits of one k share a commitment"):
        prove_link(linked.first, linked.first, prover.engine, prover.model, linked.context, ledger=ledger)
    assert ledger.used == 0


def test_a_spent_budget_makes_no_link(linked: Linked, prover: Prover, tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", prover.model.proof_limit)
    for index in range(prover.model.proof_limit - REVEALED + 1):
        ledger.record(bytes([index]) * 32)
    with pytest.raises(ProofError, match="too few proofs left for a link"):
        prove_link(linked.first, linked.second, prover.engine, prover.model, linked.context, ledger=ledger)


def test_the_honest_link_is_accepted_once_and_the_small_circuit_answers(
    linked: Linked, prover: Prover, workspace: Workspace, contracts: ZkContracts, node: DevNode, tmp_path: Path
) -> None:
    account, link = node.accounts[0], linked.link
    assert contracts.links.linked_block(link) == 0
    receipt = submit_link(contracts, linked.first, linked.second, link, account)
    assert contracts.links.linked_block(link) == receipt.block_number
    refused("AlreadyLinked", lambda: submit_link(contracts, linked.first, linked.second, link, account))
    asking = keyed_for(workspace, inference_statement(prover.accuracy.circuit.statement, linked.second.circuit.degree))
    entry = register_circuit(contracts, asking, account)
    context = replace(linked.context, contract=contracts.inference.address)
    ledger = ProofLedger(tmp_path / "proofs", prover.model.proof_limit)
    answer = prove_inference(asking, prover.engine, entry, prover.model, prover.data.inputs[0], context, ledger=ledger)
    assert answer.model == link.second.model
    submit_answer(contracts, asking, entry, answer, account)
    assert contracts.inference.answer_of(answer.model, answer.circuit, answer.features)["label"] == answer.label
