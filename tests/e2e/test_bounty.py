"""Bounties with real proofs: the set is sealed, models come before it, the first proof takes the reward; nobody else.

The circuits are small ones (``tests/zk/small_circuits.py``): a template on one random set, and one of the same shape on
another, which is sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import DevNode
from pyml.errors import ContractRevertedError, InputError, SrsError
from pyml.ml.integer import IntegerNetwork, predict
from pyml.zk import ezkl
from pyml.zk.bounties import (
    ETHER,
    Bounty,
    Status,
    Terms,
    enter_bounty,
    open_bounty,
    prove_for_bounty,
    reveal_bounty,
    take_bounty,
)
from pyml.zk.challenge import Context, model_id
from pyml.zk.circuits import LabelledSet
from pyml.zk.claims import AccuracyClaim, commit_model, prove_accuracy
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import Engine
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import ZkContracts, open_contracts, register_circuit, register_model, submit_claim
from pyml.zk.seals import SealSecret, require_same_shape, seal_set
from pyml.zk.srs import make_insecure
from pyml.zk.witness import secure_felt
from pyml.zk.workspace import Keyed
from tests.e2e.conftest import QUICK
from tests.zk.engine_child import engine_child
from tests.zk.small_circuits import Small, random_network, random_set, small_accuracy, small_numerics

REWARD = 3 * 10**18
SIZES, SHIFTS, SAMPLES = (4, 3, 3), (2,), 9
NUMERICS = small_numerics(committed_salts=16)


@dataclass(frozen=True, slots=True)
class Shop:
    """Both circuits, the model that wins, and how many of the sealed samples it answers correctly."""

    engine: Engine
    template: Small
    sealed: Small
    network: IntegerNetwork
    count: int
    home: Path

    @property
    def keyed(self) -> Keyed:
        return self.sealed.keyed

    def model(self) -> SecretModel:
        """The winning weights under fresh salts: each bounty here has a model of its own."""
        return SecretModel(self.network, tuple(secure_felt() for _ in range(NUMERICS.committed_salts)))

    def commitment(self, model: SecretModel) -> bytes:
        """Under the template's keys, as an entrant makes it who has not seen the set."""
        return commit_model(self.template.keyed, self.engine, model)

    def ledger(self, model: SecretModel) -> ProofLedger:
        return ProofLedger(self.home / f"{model.salts[0]}.proofs", model.proof_limit)


def correct(network: IntegerNetwork, data: LabelledSet) -> int:
    return int(np.sum(predict(network, data.inputs) == data.labels))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("bounty")
    random = np.random.default_rng(11)
    network = random_network(random, SIZES, SHIFTS)
    public, secret = random_set(random, network, SAMPLES), random_set(random, network, SAMPLES)
    with engine_child() as child, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ezkl, "_step", child.step)
        engine = ezkl.EzklEngine()

        def generate(path: Path, degree: int) -> None:
            child.step("gen_srs", srs_path=path, logrows=degree)

        template, sealed = (
            small_accuracy(
                home, engine, lambda degree: make_insecure(home, degree, generate), network, data, numerics=NUMERICS
            )
            for data in (public, secret)
        )
        yield Shop(engine, template, sealed, network, correct(network, secret), home)


@pytest.fixture
def folder(client: Client, node: DevNode, tmp_path: Path) -> Path:
    """Contracts of each test's own: a publisher's circuit has one closing block for good."""
    deploy_system(client, deployment_plan(), node.accounts[0], folder=tmp_path, policy=QUICK)
    return tmp_path


@pytest.fixture
def contracts(client: Client, folder: Path) -> ZkContracts:
    return open_contracts(client, folder)


@dataclass(frozen=True, slots=True)
class Fair:
    """One open bounty: account 0 publishes, 1 pays, 2 enters in time; 3 and 4 are up to no good."""

    shop: Shop
    node: DevNode
    contracts: ZkContracts
    bounty: Bounty
    secret: SealSecret
    number: int

    def mine(self, block: int) -> None:
        """Up to and including the block."""
        while self.contracts.client.block_number() < block:
            self.contracts.client.rpc.request("evm_mine")

    def enter(self, model: SecretModel, who: int = 2) -> bytes:
        return enter_bounty(
            self.contracts,
            self.bounty.offer(self.number),
            self.shop.template.keyed,
            self.shop.commitment(model),
            model.proof_limit,
            self.node.accounts[who],
        )

    def close(self) -> None:
        self.mine(self.bounty.offer(self.number).closing_block)

    def reveal(self) -> None:
        reveal_bounty(self.contracts, self.bounty, self.number, self.shop.keyed, self.secret, self.node.accounts[0])

    def prove(self, model: SecretModel, who: int = 2) -> AccuracyClaim:
        shop, data = self.shop, self.shop.sealed.data
        assert data is not None
        return prove_for_bounty(
            self.contracts,
            self.bounty.offer(self.number),
            shop.keyed,
            shop.engine,
            model,
            data,
            self.node.accounts[who].address,
            ledger=shop.ledger(model),
        )

    def take(self, claim: AccuracyClaim, who: int = 2) -> None:
        take_bounty(self.contracts, self.bounty, self.number, self.shop.keyed, claim, self.node.accounts[who])


@pytest.fixture
def fair(shop: Shop, contracts: ZkContracts, folder: Path, node: DevNode) -> Fair:
    client, publisher, sponsor = contracts.client, node.accounts[0], node.accounts[1]
    require_same_shape(shop.template.keyed, shop.keyed)
    register_circuit(contracts, shop.template.keyed, sponsor)
    secret = SealSecret.draw(publisher.address, shop.keyed)
    closing = seal_set(contracts, secret, client.block_number() + 12, publisher)
    template = shop.template.keyed.entry().identifier()
    terms = Terms(ETHER, publisher.address, secret.seal, template, shop.count, closing + 12, closing + 40)
    bounty = Bounty.find(client, folder)
    number, _ = open_bounty(bounty, terms, REWARD, sponsor)
    return Fair(shop, node, contracts, bounty, secret, number)


def refused(name: str, attempt: Callable[[], object]) -> ContractRevertedError:
    with pytest.raises(ContractRevertedError) as caught:
        attempt()
    assert caught.value.name == name, caught.value
    return caught.value


def test_commitment_under_the_template_is_the_one_that_the_sealed_circuit_opens(shop: Shop) -> None:
    model = shop.model()
    assert shop.commitment(model) == commit_model(shop.keyed, shop.engine, model)
    assert shop.template.keyed.vka_digest != shop.keyed.vka_digest


def test_the_whole_way(fair: Fair) -> None:
    entrant, sponsor, thief = fair.node.accounts[2], fair.node.accounts[1], fair.node.accounts[3]
    contracts, bounty, number, client = fair.contracts, fair.bounty, fair.number, fair.contracts.client
    model = fair.shop.model()
    entered = fair.enter(model)
    assert fair.enter(model) == entered, "done before"
    copied = register_model(contracts, fair.shop.commitment(model), 4, thief)
    fair.close()
    fair.reveal()
    fair.reveal()
    claim = fair.prove(model)
    assert (claim.model, claim.count) == (entered, fair.shop.count)

    # Whoever sees the transactions coming gains nothing by them.
    artefact = fair.shop.keyed.artefact
    refused("NotModelOwner", lambda: contracts.accuracy.try_claim(claim, artefact, sender=thief.address))
    stolen = replace(claim, model=copied, context=replace(claim.context, prover=thief.address))
    refused("InvalidProof", lambda: contracts.accuracy.try_claim(stolen, artefact, sender=thief.address))
    submit_claim(contracts, fair.shop.keyed, fair.shop.keyed.entry(), claim, entrant)
    refused("NotModelOwner", lambda: bounty.take(number, claim.model, account=thief))
    refused("BelowThreshold", lambda: bounty.take(number, copied, account=thief))

    fair.take(claim)
    made = contracts.accuracy.claim_of(claim.model, claim.circuit)
    assert (made["count"], made["setKnownInAdvance"]) == (fair.shop.count, False)
    assert bounty.offer(number).status is Status.TAKEN
    assert bounty.offer(number).model == entered
    refused("NotInStatus", lambda: bounty.take(number, claim.model, account=entrant))
    with pytest.raises(InputError, match="the bounty was taken before"):
        fair.take(claim)
    fair.mine(bounty.offer(number).terms.proof_deadline + 1)
    refused("NotInStatus", lambda: bounty.refund(number, account=sponsor))
    refused("NothingToWithdraw", lambda: bounty.withdraw(ETHER, account=thief))

    before = client.balance_wei(entrant.address)
    receipt = bounty.withdraw(ETHER, account=entrant)
    assert client.balance_wei(entrant.address) == before + REWARD - receipt.gas_used * receipt.effective_gas_price_wei
    assert client.balance_wei(bounty.address) == 0
    refused("NothingToWithdraw", lambda: bounty.withdraw(ETHER, account=entrant))


def test_salt_revealed_early_is_refused(fair: Fair) -> None:
    """By our client before anything is sent, and by the contracts, where somebody sends it all the same."""
    publisher, offer = fair.node.accounts[0], fair.bounty.offer(fair.number)
    sent = fair.contracts.client.transaction_count(publisher.address)
    with pytest.raises(InputError, match="still sealed: showing its salt now would spoil it"):
        fair.reveal()
    assert fair.contracts.client.transaction_count(publisher.address) == sent
    entry, salt = fair.shop.keyed.entry(), fair.secret.salt
    circuit = entry.identifier(publisher.address)
    refused(
        "StillSealed",
        lambda: fair.contracts.circuits.send("registerSealed", entry.as_tuple(), salt, account=publisher),
    )
    refused("StillSealed", lambda: fair.bounty.reveal(fair.number, circuit, salt, account=publisher))
    fair.close()
    with pytest.raises(InputError, match=f"expected block {offer.closing_block + 2}"):
        reveal_bounty(
            fair.contracts, fair.bounty, fair.number, fair.shop.keyed, fair.secret, publisher, confirmations=2
        )
    fair.reveal()
    assert fair.bounty.offer(fair.number).status is Status.REVEALED


def test_model_that_came_after_the_closing_wins_nothing(fair: Fair) -> None:
    """Its proof and its claim are valid: only the bounty minds that it may have been made for the set."""
    late, shop = fair.node.accounts[4], fair.shop
    fair.close()
    model = shop.model()
    with pytest.raises(InputError, match="too late for this bounty"):
        fair.enter(model, who=4)
    assert fair.contracts.models.find(model_id(late.address, shop.commitment(model))) is None, "nothing was sent"
    register_model(fair.contracts, shop.commitment(model), 4, late)
    with pytest.raises(InputError, match="too late for this bounty"):
        fair.enter(model, who=4)
    fair.reveal()
    claim = fair.prove(model, who=4)
    refused("SetKnownInAdvance", lambda: fair.take(claim, who=4))
    assert fair.contracts.accuracy.claim_of(claim.model, claim.circuit)["setKnownInAdvance"] is True
    assert fair.bounty.offer(fair.number).status is Status.REVEALED


def test_model_below_the_threshold_wins_nothing(fair: Fair) -> None:
    """Proving is refused before the budget is touched; a lower claim, made all the same, is no reason to pay."""
    shop, data = fair.shop, fair.shop.sealed.data
    assert data is not None
    others = (random_network(np.random.default_rng(seed), SIZES, SHIFTS) for seed in range(100))
    worse = next(other for other in others if 0 < correct(other, data) < shop.count)
    model = SecretModel(worse, shop.model().salts)
    fair.enter(model)
    fair.close()
    fair.reveal()
    ledger = shop.ledger(model)
    with pytest.raises(InputError, match="does not reach the threshold"):
        fair.prove(model)
    assert ledger.used == 0
    offer, entrant = fair.bounty.offer(fair.number), fair.node.accounts[2]
    context = Context(fair.contracts.client.chain_id, fair.contracts.accuracy.address, entrant.address)
    claim = prove_accuracy(
        shop.keyed,
        shop.engine,
        shop.keyed.entry(),
        model,
        data,
        context,
        publisher_circuit=offer.circuit,
        ledger=ledger,
    )
    assert claim.count < offer.terms.threshold
    short = refused("BelowThreshold", lambda: fair.take(claim))
    assert short.arguments == {"count": claim.count, "threshold": offer.terms.threshold}


def test_unrevealed_bounty_is_refunded_and_nothing_is_proved_for_it(fair: Fair) -> None:
    model, sponsor = fair.shop.model(), fair.node.accounts[1]
    fair.enter(model)
    fair.close()
    with pytest.raises(InputError, match="has not been revealed yet"):
        fair.prove(model)
    fair.mine(fair.bounty.offer(fair.number).terms.reveal_deadline)
    with pytest.raises(InputError, match="too late to reveal"):
        fair.reveal()
    fair.bounty.refund(fair.number, account=fair.node.accounts[2])
    assert fair.bounty.credit_of(sponsor.address, ETHER) == REWARD
    with pytest.raises(InputError, match="the bounty was refunded before"):
        fair.prove(model)


def test_nothing_is_proved_after_the_end(fair: Fair) -> None:
    model = fair.shop.model()
    fair.enter(model)
    fair.close()
    fair.reveal()
    claim = fair.prove(model)
    fair.mine(fair.bounty.offer(fair.number).terms.proof_deadline)
    with pytest.raises(InputError, match="the bounty has ended"):
        fair.prove(model)
    with pytest.raises(InputError, match="the bounty has ended"):
        fair.take(claim)
    refused("ProofDeadlinePassed", lambda: fair.bounty.take(fair.number, claim.model, account=fair.node.accounts[2]))


def test_other_circuits_salts_and_accounts_are_refused(fair: Fair) -> None:
    publisher, stranger = fair.node.accounts[0], fair.node.accounts[3]
    shop, model = fair.shop, fair.shop.model()
    offer = fair.bounty.offer(fair.number)
    with pytest.raises(InputError, match="this is not the template that the bounty names"):
        enter_bounty(fair.contracts, offer, shop.keyed, shop.commitment(model), 4, stranger)
    fair.close()

    def reveal(keyed: Keyed, secret: SealSecret, who: int = 0) -> None:
        reveal_bounty(fair.contracts, fair.bounty, fair.number, keyed, secret, fair.node.accounts[who])

    with pytest.raises(InputError, match="this step belongs to another account"):
        reveal(shop.keyed, fair.secret, who=3)
    with pytest.raises(InputError, match="this is not the seal of bounty"):
        reveal(shop.keyed, SealSecret.draw(publisher.address, shop.keyed))
    with pytest.raises(InputError, match="the circuit is not about the set that was sealed"):
        reveal(shop.template.keyed, fair.secret)
    public = replace(shop.keyed, srs=replace(shop.keyed.srs, insecure=True))
    fair.contracts.client.chain_id, chain_id = 5, fair.contracts.client.chain_id
    try:
        with pytest.raises(SrsError, match="insecure"):
            reveal(public, fair.secret)
    finally:
        fair.contracts.client.chain_id = chain_id
    fair.reveal()
    with pytest.raises(InputError, match="this is not the circuit that the bounty names"):
        prove_for_bounty(
            fair.contracts,
            fair.bounty.offer(fair.number),
            shop.template.keyed,
            shop.engine,
            model,
            random_set(np.random.default_rng(1), shop.network, SAMPLES),
            stranger.address,
            ledger=shop.ledger(model),
        )
    assert shop.ledger(model).used == 0
