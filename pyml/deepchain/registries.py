"""The deepchain contracts on a chain: typed handles. What they promise is in ``contracts/deepchain/I*.sol``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import BlockId, Client
from pyml.chain.contract import Contract
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.erc20 import approve
from pyml.chain.transactions import Receipt
from pyml.deepchain.deployment import CONTRACTS, SYSTEM
from pyml.deepchain.records import (
    Block,
    Clock,
    Demand,
    Dispute,
    Element,
    Factor,
    Fault,
    Masks,
    Subject,
    Submission,
    Terms,
)


class DeepCoin(Contract):
    """The coin."""

    artifact_name = "DeepCoin"

    def balance_of(self, account: str) -> int:
        return int(self.call("balanceOf", account))

    def total(self) -> int:
        return int(self.call("totalSupply"))

    def transfer(self, recipient: str, amount: int, *, account: Signer) -> Receipt:
        return self.send("transfer", recipient, amount, account=account)


class Escrow(Contract):
    """The one contract that holds coins."""

    artifact_name = "Escrow"
    error_sources = ("DeepCoin",)

    def free_of(self, account: str) -> int:
        return int(self.call("freeOf", account))

    def pot_of(self, controller: str) -> int:
        return int(self.call("potOf", controller))

    def treasury(self) -> int:
        return int(self.call("treasury"))

    def is_trusted(self, account: str, controller: str) -> bool:
        return bool(self.call("isTrusted", account, controller))

    def trust(self, controller: str, *, account: Signer) -> Receipt:
        return self.send("trust", controller, True, account=account)

    def deposit(self, coin: str, amount: int, *, account: Signer) -> Receipt:
        """Put coins in; they are approved first."""
        approve(self.client, coin, self.address, amount, account)
        return self.send("deposit", amount, account=account)

    def withdraw(self, amount: int, *, account: Signer) -> Receipt:
        return self.send("withdraw", amount, account=account)


class Trading(Contract):
    """Groups and their rounds."""

    artifact_name = "Trading"
    error_sources = ("Escrow", "Processing", "AssetRegistry")

    def group_count(self) -> int:
        return int(self.call("groupCount"))

    def open(self, terms: Terms, members: Sequence[str], reward: int, *, account: Signer) -> Receipt:
        return self.send("open", terms.as_tuple(), list(members), reward, account=account)

    def join(self, group: int, party: int, asset: int, *, account: Signer) -> Receipt:
        return self.send("join", group, party, asset, account=account)

    def start(self, group: int, *, account: Signer) -> Receipt:
        return self.send("start", group, account=account)

    def submit(self, group: int, party: int, submission: Submission, *, account: Signer) -> Receipt:
        return self.send("submit", group, party, submission.as_tuple(), account=account)

    def submit_shares(self, group: int, party: int, submission: Submission, *, account: Signer) -> Receipt:
        return self.send("submitShares", group, party, submission.as_tuple(), account=account)

    def terms_of(self, group: int) -> Terms:
        return Terms.decode(self.call("termsOf", group))

    def clock_of(self, group: int, *, block: BlockId = "latest") -> Clock:
        return Clock.decode(self.call("clockOf", group, block=block))

    def masks_of(self, group: int, *, block: BlockId = "latest") -> Masks:
        return Masks.decode(self.call("masksOf", group, block=block))

    def account_of(self, group: int, *, block: BlockId = "latest") -> dict[str, Any]:
        return dict(self.call("accountOf", group, block=block))

    def party_of(self, group: int, party: int, *, block: BlockId = "latest") -> dict[str, Any]:
        return dict(self.call("partyOf", group, party, block=block))

    def deadlines_of(self, group: int, *, block: BlockId = "latest") -> tuple[int, ...]:
        return tuple(int(each) for each in self.call("deadlinesOf", group, block=block))

    def context_of(self, group: int, party: int, *, block: BlockId = "latest") -> bytes:
        return bytes(self.call("contextOf", group, party, block=block))


class Processing(Contract):
    """Workers, leaders, committees."""

    artifact_name = "Processing"
    error_sources = ("Escrow", "Trading")

    def enlist(self, group: int, stake: int, tip: bytes, *, account: Signer) -> Receipt:
        return self.send("enlist", group, stake, tip, account=account)

    def update(self, group: int, root: bytes, content_digest: bytes, link: bytes, *, account: Signer) -> Receipt:
        return self.send("update", group, root, content_digest, link, account=account)

    def lodge(self, group: int, workers: Sequence[int], signatures: Sequence[bytes], *, account: Signer) -> Receipt:
        return self.send("lodge", group, list(workers), list(signatures), account=account)

    def worker_count(self, group: int) -> int:
        return int(self.call("workerCount", group))

    def worker_of(self, group: int, worker: int, *, block: BlockId = "latest") -> dict[str, Any]:
        return dict(self.call("workerOf", group, worker, block=block))

    def block_of(self, group: int, *, block: BlockId = "latest") -> Block:
        return Block.decode(self.call("blockOf", group, block=block))

    def draw_of(self, group: int, *, block: BlockId = "latest") -> tuple[int, int]:
        """Leader and committee; ``ContractRevertedError`` named ``NobodyEligible`` where too few are left."""
        leader, committee = self.call("drawOf", group, block=block)
        return int(leader), int(committee)

    def block_hash(self, group: int) -> bytes:
        """What the committee signs, as the contract has it; for comparison."""
        return bytes(self.call("blockHash", group))

    def deadlines_of(self, group: int, *, block: BlockId = "latest") -> tuple[int, ...]:
        found = (int(each) for each in self.call("deadlinesOf", group, block=block))
        return tuple(each for each in found if each)


class Disputes(Contract):
    """Who is right about a submission."""

    artifact_name = "Disputes"
    error_sources = ("Escrow", "Trading", "Processing")

    def dispute_of(self, number: int, *, block: BlockId = "latest") -> Dispute:
        return Dispute.decode(number, self.call("disputeOf", number, block=block))

    def levels_at_once(self) -> int:
        """How many levels of a trace's tree a turn opens at most."""
        return int(self.call("MAX_LEVELS"))

    def dispute(self, group: int, party: int, subject: Subject, *, account: Signer) -> Receipt:
        return self.send("dispute", group, party, int(subject), account=account)

    def trace(self, number: int, root: bytes, *, account: Signer) -> Receipt:
        return self.send("trace", number, root, account=account)

    def descend(self, number: int, nodes: Sequence[bytes], child: int, *, account: Signer) -> Receipt:
        return self.send("descend", number, list(nodes), child, account=account)

    def open(self, number: int, descendants: Sequence[bytes], *, account: Signer) -> Receipt:
        return self.send("open", number, list(descendants), account=account)

    def pick(self, number: int, step: int, *, account: Signer) -> Receipt:
        return self.send("pick", number, step, account=account)

    def justify(self, number: int, shown: tuple[object, ...], *, account: Signer) -> Receipt:
        return self.send("justify", number, shown, account=account)


class Evidence(Contract):
    """Faults that are shown at once, and bytes that are demanded."""

    artifact_name = "Evidence"
    error_sources = ("Escrow", "Trading", "Processing")

    def demand_of(self, number: int, *, block: BlockId = "latest") -> Demand:
        return Demand.decode(number, self.call("demandOf", number, block=block))

    def demand(self, group: int, subject: Subject, party: int, index: int, *, account: Signer) -> Receipt:
        return self.send("demand", group, int(subject), party, index, account=account)

    def serve(self, demand: int, submission: Submission, element: Element, *, account: Signer) -> Receipt:
        return self.send("serve", demand, submission.as_tuple(), element.as_tuple(), account=account)

    def prove_malformed(
        self, group: int, party: int, subject: Subject, index: int, element: Element, fault: Fault, *, account: Signer
    ) -> Receipt:
        shown = (element.as_tuple(), fault.as_tuple())
        return self.send("proveMalformed", group, party, int(subject), index, *shown, account=account)

    def prove_malformed_proof(
        self, group: int, party: int, subject: Subject, number: int, proof: bytes, fault: Fault, *, account: Signer
    ) -> Receipt:
        shown = (proof, fault.as_tuple())
        return self.send("proveMalformedProof", group, party, int(subject), number, *shown, account=account)

    def prove_wrong_aggregate(
        self, group: int, index: int, modulus: Element, claimed: Element, factors: Sequence[Factor], *, account: Signer
    ) -> Receipt:
        shown = (modulus.as_tuple(), claimed.as_tuple(), [each.as_tuple() for each in factors])
        return self.send("proveWrongAggregate", group, index, *shown, account=account)


@dataclass(frozen=True, slots=True)
class DeepchainContracts:
    """Handles of one deployment."""

    client: Client
    coin: DeepCoin
    escrow: Escrow
    trading: Trading
    processing: Processing
    disputes: Disputes
    evidence: Evidence
    since_block: int
    """No group is older."""

    @classmethod
    def open(cls, client: Client, folder: Path) -> Self:
        """From ``<folder>/<chainid>.json``, after asking the chain; ``NotDeployedError`` if there are none."""
        records = load_deployments(folder, client.chain_id)
        found = {name: records.require(SYSTEM, name) for name in CONTRACTS}
        for record in found.values():
            require_deployed(client, record, load_artifact(record.contract))
        return cls(
            client,
            DeepCoin.at(client, found["DeepCoin"].address),
            Escrow.at(client, found["Escrow"].address),
            Trading.at(client, found["Trading"].address),
            Processing.at(client, found["Processing"].address),
            Disputes.at(client, found["Disputes"].address),
            Evidence.at(client, found["Evidence"].address),
            min(record.block_number or 0 for record in found.values()),
        )
