"""A group of ten on a devnet, for measuring gas: real keys, ciphertexts, shares and proofs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from bench.measuring.record import ROOT
from pyml.chain.accounts import Signer, dev_signers
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Receipt, Transaction
from pyml.crypto.big_integers import products
from pyml.crypto.paillier import Encrypted, Encryptor
from pyml.crypto.proof_pk import prove_pk
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, deal
from pyml.deepchain.contents import gradients_content, number_tree, proof_bytes
from pyml.deepchain.deployment import deployment_plan
from pyml.deepchain.records import NO_ADDRESS, Element, Submission, Terms, members
from pyml.deepchain.registries import DeepchainContracts
from pyml.errors import PymlError

PARTIES: Final = 10
THRESHOLD: Final = 6
WORKERS: Final = 5
COMMITTEE: Final = 3
WINDOWS: Final = (30, 20, 5, 5, 20, 20, 10, 10, 10)
_GRANT: Final = 10**24
_LINKS: Final = 20


@dataclass(slots=True)
class Meter:
    """Gas by kind of transaction."""

    used: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, name: str, receipt: Receipt) -> Receipt:
        if not receipt.succeeded:
            raise PymlError("a measured transaction failed", got=name)
        self.used[name].append(receipt.gas_used)
        return receipt

    def total(self, *names: str) -> int:
        return sum(sum(self.used[name]) for name in names)


@dataclass(slots=True)
class GasGroup:
    """Contracts, accounts, and a group whose key is that of the test vectors at 2048 bits."""

    node: Devnet
    client: Client
    contracts: DeepchainContracts
    assets: str
    """Address of the asset registry."""
    key: ThresholdKey
    shares: list[KeyShare]
    meter: Meter
    number: int = 0
    count: int = 2
    shown: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def sponsor(self) -> Signer:
        return dev_signers(1)[0]

    @property
    def parties(self) -> tuple[Signer, ...]:
        return dev_signers(2 + PARTIES)[1 : 1 + PARTIES]

    @property
    def challenger(self) -> Signer:
        return dev_signers(2 + PARTIES)[1 + PARTIES]

    @property
    def workers(self) -> tuple[Signer, ...]:
        return dev_signers(2 + PARTIES + WORKERS)[2 + PARTIES :]

    def terms(self, count: int, rounds: int) -> Terms:
        pk_bytes, cd_bytes = proof_bytes(self.key)
        at = self.contracts
        return Terms(
            processing=at.processing.address,
            disputes=at.disputes.address,
            evidence=at.evidence.address,
            assets=NO_ADDRESS,
            key_root=key_tree(self.key).root,
            model_digest=keccak(b"model"),
            weights_digest=keccak(b"weights"),
            rounds=rounds,
            count=count,
            width=self.key.public.width,
            threshold=THRESHOLD,
            committee=COMMITTEE,
            pk_proof_bytes=pk_bytes,
            cd_proof_bytes=cd_bytes,
            bounty_bps=2500,
            party_bps=7000,
            turn_blocks=20,
            deposit=10**18,
            worker_deposit=10**18,
            bond=10**17,
            windows=WINDOWS,
        )

    def open(self, count: int, rounds: int) -> None:
        """A new group, with everybody in it and round 1 begun."""
        at, meter = self.contracts, self.meter
        self.number, self.count = at.trading.group_count(), count
        addresses = [party.address for party in self.parties]
        meter("open", at.trading.open(self.terms(count, rounds), addresses, 10**20, account=self.sponsor))
        for place, party in enumerate(self.parties):
            meter("join", at.trading.join(self.number, place, 0, account=party))
        for place, worker in enumerate(self.workers):
            tip = self.link(place, 0)
            meter("enlist", at.processing.enlist(self.number, 2 * 10**18, tip, account=worker))
        meter("start", at.trading.send("start", self.number, account=self.sponsor))
        self.shown.clear()

    def link(self, worker: int, place: int) -> bytes:
        link = keccak(b"bench" + bytes([worker]) + self.number.to_bytes(4, "big"))
        for _ in range(_LINKS - place):
            link = keccak(link)
        return link

    def mine(self, blocks: int) -> None:
        self.node.rpc.request("anvil_mine", hex(blocks))

    def submit(self, place: int, submission: Submission, name: str = "submit") -> Receipt:
        sent = self.contracts.trading.submit(self.number, place, submission, account=self.parties[place])
        return self.meter(name, sent)

    def collect(self) -> None:
        self.mine(sum(WINDOWS[:3]))
        self.meter("collect", self.contracts.trading.send("collect", self.number, account=self.sponsor))

    def update(self, root: bytes) -> int:
        """The leader posts; its place among the workers."""
        leader, _ = self.contracts.processing.draw_of(self.number)
        self.shown[leader] += 1
        link = self.link(leader, self.shown[leader])
        update = self.contracts.processing.update
        sent = update(self.number, root, keccak(b"content"), link, account=self.workers[leader])
        self.meter("update", sent)
        return leader

    def agree(self) -> None:
        """The committee signs, in one transaction, and the block is appended."""
        processing = self.contracts.processing
        signers = members(processing.block_of(self.number).committee)
        signatures = [self._signature(self.workers[place]) for place in signers]
        self.meter("lodge", processing.lodge(self.number, signers, signatures, account=self.workers[signers[0]]))
        self.mine(WINDOWS[7])
        self.meter("append", processing.send("append", self.number, account=self.sponsor))

    def share(self, place: int, submission: Submission, name: str = "submit_shares") -> Receipt:
        sent = self.contracts.trading.submit_shares(self.number, place, submission, account=self.parties[place])
        return self.meter(name, sent)

    def settle(self, name: str = "settle") -> None:
        self.mine(sum(WINDOWS[3:6]))
        self.meter(name, self.contracts.trading.send("settle", self.number, account=self.sponsor))

    def context(self, place: int) -> bytes:
        return self.contracts.trading.context_of(self.number, place)

    def element(self, numbers: Sequence[int], place: int) -> Element:
        return Element(self.key.public.residue(numbers[place]), number_tree(self.key, numbers).path(place))

    def encrypt(self, place: int, count: int) -> Encrypted:
        """A vector of a member; what is in it does not matter."""
        plain = [int.from_bytes(keccak(b"%d %d" % (place, k)), "big") for k in range(count)]
        return Encryptor(self.key.public).encrypt(plain)

    def gradients(self, place: int, vector: Encrypted, plain: Sequence[int]) -> tuple[Submission, Any]:
        """What a member posts of a vector, and its proof."""
        proof = prove_pk(self.key, vector, plain, context=self.context(place))
        content = gradients_content(self.key, vector.ciphertexts, proof)
        return content.submission(number_tree(self.key, vector.ciphertexts).root, keccak(content.data)), proof

    def aggregate(self, vectors: Sequence[Encrypted]) -> list[int]:
        return [int(x) for x in products([each.ciphertexts for each in vectors], self.key.public.n_squared)]

    def _signature(self, worker: Signer) -> bytes:
        at, block = self.contracts, self.contracts.processing.block_of(self.number)
        kinds = "groupId:uint256 round:uint256 seed:bytes32 attempt:uint256 aggregateRoot:bytes32 contentDigest:bytes32"
        domain = "name:string version:string chainId:uint256 verifyingContract:address"
        seed = bytes(at.trading.account_of(self.number)["seed"])
        values = (self.number, at.trading.clock_of(self.number).round, seed, block.attempt)
        message = dict(zip((each.split(":")[0] for each in kinds.split()),
                           (*values, block.aggregate_root, block.content_digest), strict=True))  # fmt: skip
        return worker.sign_typed_data(
            {
                "types": {"EIP712Domain": _fields(domain), "Block": _fields(kinds)},
                "primaryType": "Block",
                "domain": {
                    "name": "pyml.deepchain.Processing",
                    "version": "1",
                    "chainId": self.client.chain_id,
                    "verifyingContract": at.processing.address,
                },
                "message": message,
            }
        )


def make_group(node: Devnet, folder: Path, on_deployed: Callable[[str, Receipt, int], None]) -> GasGroup:
    """Deploy everything, and give every account coins in the escrow."""
    client, accounts = Client.connect(node.url), dev_signers(2 + PARTIES + WORKERS)
    for late in accounts[10:]:
        client.send(Transaction(late.address, b"", 10**20), accounts[0])
    plan = deployment_plan({account.address: _GRANT for account in accounts})
    records = deploy_system(client, plan, accounts[0], folder=folder)
    for step in plan.steps:
        receipt = client.receipt(records.require(plan.system, step.name).tx_hashes[-1])
        if receipt is None:
            raise PymlError(f"the deployment of {step.name} has no receipt")
        on_deployed(step.name, receipt, step.artifact.code_size)
    contracts, meter = DeepchainContracts.open(client, folder), Meter()
    for account in accounts:
        receipt = contracts.escrow.deposit(contracts.coin.address, _GRANT // 2, account=account)
        meter("escrow_deposit", receipt)
        for each in (contracts.trading, contracts.processing, contracts.disputes, contracts.evidence):
            meter("escrow_trust", contracts.escrow.trust(each.address, account=account))
    stored = json.loads((ROOT / "tests" / "vectors" / "deepchain_primes.json").read_text(encoding="utf-8"))
    p, q = (int(text, 16) for text in stored["primes"]["1024"])
    key, shares = deal(p, q, parties=PARTIES, threshold=THRESHOLD, exponent_bits=448, insecure=False)
    assets = records.require(plan.system, "AssetRegistry").address
    return GasGroup(node, client, contracts, assets, key, shares, meter)


def _fields(kinds: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in (each.split(":") for each in kinds.split())]
