"""Bounties on a chain: a typed handle, and the steps of sponsor, publisher and entrant. What the contract promises, and
what it cannot: ``contracts/zk/IBounty.sol``.

    publisher  seals.seal_set                   a secret labelled set, until a closing block
    sponsor    open_bounty                      a reward, a threshold, a template circuit on a public set
    entrant    enter_bounty                     a model, committed to under the template, before the closing block
    publisher  reveal_bounty                    the circuit on the set
    entrant    prove_for_bounty, take_bounty    the accuracy, then the reward

Each step looks first whether it was done before, so an interrupted sequence is simply run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Self

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.erc20 import approve
from pyml.chain.transactions import Receipt, checked_address
from pyml.errors import InputError
from pyml.zk.challenge import NO_ADDRESS, CircuitEntry, Context, model_id
from pyml.zk.circuits import LabelledSet
from pyml.zk.claims import AccuracyClaim, prove_accuracy
from pyml.zk.deployment import SYSTEM
from pyml.zk.engine import Engine, Progress, silent
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import ZkContracts, register_model, submit_claim
from pyml.zk.seals import SealSecret
from pyml.zk.srs import require_allowed
from pyml.zk.workspace import Keyed

ETHER = NO_ADDRESS
"""Stands for ether where a token is named."""


class Status(IntEnum):
    """How far a bounty has come: ``IBounty.Status``."""

    NONE = 0
    OPEN = 1
    REVEALED = 2
    TAKEN = 3
    REFUNDED = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sponsor promises: ``IBounty.Terms``. Deadlines are the last blocks in which something may happen."""

    token: str
    publisher: str
    seal: bytes
    template: bytes
    threshold: int
    reveal_deadline: int
    proof_deadline: int

    def __post_init__(self) -> None:
        checked_address(self.token)
        checked_address(self.publisher)
        if len(self.seal) != 32 or len(self.template) != 32:
            raise InputError("a seal and a template's id are 32 bytes each", got=(len(self.seal), len(self.template)))

    def as_tuple(self) -> tuple[str | bytes | int, ...]:
        return (
            self.token,
            self.publisher,
            self.seal,
            self.template,
            self.threshold,
            self.reveal_deadline,
            self.proof_deadline,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A bounty as the contract knows it: ``IBounty.Offer``. ``circuit`` and ``model`` are zero until there is one."""

    sponsor: str
    closing_block: int
    status: Status
    reward: int
    terms: Terms
    circuit: bytes
    model: bytes

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        terms = Terms(
            str(raw["token"]),
            str(raw["publisher"]),
            bytes(raw["seal"]),
            bytes(raw["templateId"]),
            int(raw["threshold"]),
            int(raw["revealDeadline"]),
            int(raw["proofDeadline"]),
        )
        return cls(
            str(raw["sponsor"]),
            int(raw["closingBlock"]),
            Status(raw["status"]),
            int(raw["reward"]),
            terms,
            bytes(raw["circuitId"]),
            bytes(raw["modelId"]),
        )

    def phase(self, block: int) -> str:
        """What may happen in the block after ``block``, in one word or two."""
        if self.status in (Status.TAKEN, Status.REFUNDED):
            return self.status.name.lower()
        if self.status is Status.REVEALED:
            return "proving" if block < self.terms.proof_deadline else "refundable"
        if block < self.closing_block:
            return "entering"
        return "revealing" if block < self.terms.reveal_deadline else "refundable"


class Bounty(Contract):
    """Rewards for models that reach an accuracy on a set that nobody has seen."""

    artifact_name = "Bounty"
    error_sources = ("AccuracyRegistry", "ModelRegistry", "CircuitRegistry")

    @classmethod
    def find(cls, client: Client, folder: Path) -> Bounty:
        """The handle from ``<folder>/<chainid>.json``; ``NotDeployedError`` if there is none."""
        record = load_deployments(folder, client.chain_id).require(SYSTEM, cls.artifact_name)
        require_deployed(client, record, load_artifact(cls.artifact_name))
        return cls.at(client, record.address)

    def open(self, terms: Terms, reward: int, *, account: Signer) -> Receipt:
        value_wei = reward if terms.token == ETHER else 0
        return self.send("open", terms.as_tuple(), reward, account=account, value_wei=value_wei)

    def reveal(self, bounty: int, circuit: bytes, salt: bytes, *, account: Signer) -> Receipt:
        return self.send("reveal", bounty, circuit, salt, account=account)

    def take(self, bounty: int, model: bytes, *, account: Signer) -> Receipt:
        return self.send("take", bounty, model, account=account)

    def refund(self, bounty: int, *, account: Signer) -> Receipt:
        return self.send("refund", bounty, account=account)

    def withdraw(self, token: str, *, account: Signer) -> Receipt:
        return self.send("withdraw", token, account=account)

    def offer(self, bounty: int) -> Offer:
        return Offer.decode(self.call("bountyOf", bounty))

    def credit_of(self, account: str, token: str) -> int:
        """What the account may withdraw, in wei or the token's smallest unit."""
        return int(self.call("creditOf", account, token))


def open_bounty(bounty: Bounty, terms: Terms, reward: int, account: Signer) -> tuple[int, Receipt]:
    """Put up a reward, in wei or the token's smallest unit, and return the bounty's id; tokens are approved first.

    Not repeatable: run twice, it puts up two rewards.
    """
    if terms.token != ETHER:
        approve(bounty.client, terms.token, bounty.address, reward, account)
    receipt = bounty.open(terms, reward, account=account)
    (event,) = bounty.events_in(receipt, "BountyOpened")
    return int(event.arguments["bountyId"]), receipt


def enter_bounty(
    contracts: ZkContracts, offer: Offer, template: Keyed, commitment: bytes, proof_limit: int, account: Signer
) -> bytes:
    """Register a model for a bounty, in time; returns its id. The commitment must be one under ``template``'s keys."""
    _require_circuit("template", template.entry().identifier(), offer.terms.template)
    model = model_id(account.address, commitment)
    if contracts.models.find(model) is None:
        block = contracts.client.block_number()
        if block >= offer.closing_block:
            raise _too_late(offer, block + 1)  # the first that a transaction can be in
        register_model(contracts, commitment, proof_limit, account)
    registered = int(contracts.models.call("modelOf", model)["registeredBlock"])
    if registered > offer.closing_block:
        raise _too_late(offer, registered)
    return model


def reveal_bounty(
    contracts: ZkContracts,
    bounty: Bounty,
    number: int,
    keyed: Keyed,
    secret: SealSecret,
    account: Signer,
    *,
    confirmations: int = 0,
) -> CircuitEntry:
    """Open the seal and name the circuit on the set; returns its entry.

    Nothing that shows the salt leaves this function before the closing block has ``confirmations`` blocks above it: a
    reorganisation could otherwise put a model, made with the salt in sight, below the closing block.
    """
    offer = bounty.offer(number)
    _require_account(account, offer.terms.publisher)
    if secret.seal != offer.terms.seal:
        raise InputError(f"this is not the seal of bounty {number}", expected=_hex(offer.terms.seal))
    entry = keyed.entry()
    if entry.dataset_digest != secret.dataset_digest:
        raise InputError(
            "the circuit is not about the set that was sealed",
            expected=_hex(secret.dataset_digest),
            got=_hex(entry.dataset_digest),
        )
    block, first = contracts.client.block_number(), offer.closing_block + confirmations
    if block < first:
        raise InputError(
            "the set is still sealed: showing its salt now would spoil it", expected=f"block {first}", got=block
        )
    if block >= offer.terms.reveal_deadline and offer.status is Status.OPEN:
        raise InputError("too late to reveal", expected=f"a block up to {offer.terms.reveal_deadline}", got=block + 1)
    require_allowed(keyed.srs, contracts.client.chain_id)
    if not contracts.verifier.knows(keyed.artefact):
        contracts.verifier.register_vka(keyed.artefact, account=account)
    circuit = entry.identifier(offer.terms.publisher)
    if not contracts.circuits.is_registered(circuit):
        contracts.circuits.send("registerSealed", entry.as_tuple(), secret.salt, account=account)
    if (offer.status, offer.circuit) != (Status.REVEALED, circuit):
        bounty.reveal(number, circuit, secret.salt, account=account)
    return entry


def prove_for_bounty(
    contracts: ZkContracts,
    offer: Offer,
    keyed: Keyed,
    engine: Engine,
    model: SecretModel,
    data: LabelledSet,
    prover: str,
    *,
    ledger: ProofLedger,
    progress: Progress = silent,
) -> AccuracyClaim:
    """Prove the accuracy that a revealed bounty asks for; errors as ``prove_accuracy``, and those below.

    ``InputError`` while or when nothing can be won: a proof spends some of the model's budget.
    """
    require_takeable(contracts, offer, keyed)
    context = Context(contracts.client.chain_id, contracts.accuracy.address, prover)
    return prove_accuracy(
        keyed,
        engine,
        keyed.entry(),
        model,
        data,
        context,
        threshold=offer.terms.threshold,
        publisher_circuit=offer.circuit,
        ledger=ledger,
        progress=progress,
    )


def take_bounty(
    contracts: ZkContracts, bounty: Bounty, number: int, keyed: Keyed, claim: AccuracyClaim, account: Signer
) -> Receipt:
    """Have the claim accepted, unless it was, and take the reward for it; refusals are ``ContractRevertedError``."""
    offer = bounty.offer(number)
    require_takeable(contracts, offer, keyed)
    _require_account(account, claim.context.prover)
    if not contracts.accuracy.is_certified(claim.model, offer.circuit, claim.count):
        submit_claim(contracts, keyed, keyed.entry(), claim, account)
    return bounty.take(number, claim.model, account=account)


def require_takeable(contracts: ZkContracts, offer: Offer, keyed: Keyed) -> None:
    """Raise ``InputError`` unless the bounty waits for a proof under this very circuit and the reusable verifier."""
    if offer.status is Status.OPEN:
        raise InputError(
            "the bounty's set has not been revealed yet", expected=f"its publisher {offer.terms.publisher}"
        )
    if offer.status is not Status.REVEALED:
        raise InputError(f"the bounty was {offer.status.name.lower()} before")
    block = contracts.client.block_number()
    if block >= offer.terms.proof_deadline:
        raise InputError("the bounty has ended", expected=f"a block up to {offer.terms.proof_deadline}", got=block + 1)
    _require_circuit("circuit", keyed.entry().identifier(offer.terms.publisher), offer.circuit)


def _require_circuit(name: str, got: bytes, expected: bytes) -> None:
    if got != expected:
        raise InputError(
            f"this is not the {name} that the bounty names",
            expected=_hex(expected),
            got=_hex(got),
            hint="Make it from the publisher's folder, under the same reference string.",
        )


def _require_account(account: Signer, expected: str) -> None:
    if account.address != expected:
        raise InputError("this step belongs to another account", expected=expected, got=account.address)


def _too_late(offer: Offer, block: int) -> InputError:
    return InputError(
        "too late for this bounty: its set counts as known in advance",
        expected=f"a model registered up to block {offer.closing_block}",
        got=f"block {block}",
    )


def _hex(word: bytes) -> str:
    return "0x" + word.hex()
