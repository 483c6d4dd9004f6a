"""A worker at work: carries out what ``worker_steps`` decides.

Source: DeepChain, algorithm 2 and section 4.2.5. A worker multiplies for itself before it posts or signs; it signs the
hash that it computed, not one that a node gives it.

The hash chain that it commits to when it enlists is derived from one secret: link k of L is the secret hashed L - k
times, so link_L is the tip's preimage after L hashes, and each block that it leads shows the next one.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.proof_pk import vector_root
from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.agent import Sends
from pyml.deepchain.aggregate import aggregate_of
from pyml.deepchain.challenger import Challenger
from pyml.deepchain.contents import read_content
from pyml.deepchain.records import Demand, Element, Phase, Submission
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.upkeep import claims, due_calls
from pyml.deepchain.view import View
from pyml.deepchain.worker_steps import Enlist, ServeAggregate, Sign, Update, WorkerStep, next_worker_step
from pyml.errors import ChainError, InputError
from pyml.store.blobs import BlobStore
from pyml.store.keystore import Secret

log = logging.getLogger(__name__)

LINKS: Final = 4096
"""Length of a hash chain: so many blocks can a worker lead in one group."""
_NOTHING: Final = Submission(bytes(32), bytes(32), bytes(32))


class Worker:
    """One worker of one group."""

    def __init__(
        self,
        contracts: DeepchainContracts,
        account: Signer,
        key: ThresholdKey,
        blobs: BlobStore,
        *,
        chain_secret: Secret,
        stake: int,
    ) -> None:
        self.contracts, self.account, self.key, self.blobs = contracts, account, key, blobs
        self._chain_secret = chain_secret
        self._stake = stake
        self.sends = Sends(contracts, account)
        self._challenger = Challenger(self.sends, blobs, key, aggregates_only=True)
        self._stuck: tuple[WorkerStep, int] | None = None

    def act(self, view: View) -> bool:
        """Do one thing that is due; whether anything was done."""
        step = next_worker_step(view, self.account.address)
        if step is not None and self._stuck != (step, view.head):
            if self.carry_out(step, view):
                return True
            self._stuck = (step, view.head)
        if self.watch(view):
            return True
        return self.sends.upkeep(view, (*due_calls(view), *claims(view, self.account.address)))

    def watch(self, view: View) -> bool:
        """Hold a wrong aggregate against its leader."""
        return self._challenger.act(view)

    def is_done(self, view: View) -> bool:
        """Once the group is over and this worker was paid out."""
        return view.clock.phase is Phase.OVER and not claims(view, self.account.address)

    def carry_out(self, step: WorkerStep, view: View) -> bool:
        """One step; ``False`` if it was refused, or cannot be done yet."""
        match step:
            case Enlist():
                tip, processing = link_before(self._chain_secret, 0), self.contracts.processing
                return self.sends.attempt(
                    "enlist", lambda: processing.enlist(view.group, self._stake, tip, account=self.account)
                )
            case Update():
                return self._update(view)
            case Sign():
                return self._sign(view)
            case ServeAggregate():
                return self._serve(view, step.demand)

    def aggregate(self, view: View) -> tuple[int, ...] | None:
        """The product of what the accepted members posted."""
        return None if view.round is None else aggregate_of(self.blobs, self.key, view.round, view.terms.count)

    def store(self, content: bytes) -> bytes:
        """Make the aggregate's bytes available; returns their digest."""
        return bytes.fromhex(self.blobs.put(content))

    def _update(self, view: View) -> bool:
        aggregate = self.aggregate(view)
        if aggregate is None:
            log.warning("round %d: a member's vector cannot be had", view.clock.round)
            return False
        root, digest = vector_root(self.key.public, aggregate), self.store(self.key.public.encode(aggregate))
        link, update = self._next_link(view), self.contracts.processing.update
        return self.sends.attempt("update", lambda: update(view.group, root, digest, link, account=self.account))

    def _next_link(self, view: View) -> bytes:
        worker = view.worker_of(self.account.address)
        if worker is None:
            raise InputError("this account is not a worker of the group")
        shown = bytes(self.contracts.processing.worker_of(view.group, worker)["link"])
        for place in range(LINKS):
            if link_before(self._chain_secret, place) == shown:
                return link_before(self._chain_secret, place + 1)
        raise InputError("the hash chain is used up, or its secret is of another worker")

    def _sign(self, view: View) -> bool:
        aggregate = self.aggregate(view)
        if aggregate is None or vector_root(self.key.public, aggregate) != view.block.aggregate_root:
            return False  # the challenger in here proves it, or demands what is missing
        size = view.terms.count * self.key.public.residue_bytes
        if read_content(self.blobs, view.block.content_digest, size) is None:
            return False
        return self.sign_and_lodge(view)

    def sign_and_lodge(self, view: View) -> bool:
        """Sign the block as it stands on chain, and hand the signature in."""
        worker, processing = view.worker_of(self.account.address), self.contracts.processing
        if worker is None:
            return False
        signature = self.account.sign_typed_data(block_to_sign(view, processing.address))
        return self.sends.attempt(
            "lodge", lambda: processing.lodge(view.group, [worker], [signature], account=self.account)
        )

    def _serve(self, view: View, demand: Demand) -> bool:
        size = view.terms.count * self.key.public.residue_bytes
        content = read_content(self.blobs, view.block.content_digest, size)
        numbers = self.aggregate(view) if content is None else None
        width = self.key.public.residue_bytes
        if content is None:
            if numbers is None:
                return False
            content = self.key.public.encode(numbers)
        leaves = [content[start : start + width] for start in range(0, len(content), width)]
        shown = Element(leaves[demand.index], MerkleTree.of(leaves).path(demand.index))
        serve = self.contracts.evidence.serve
        return self.sends.attempt("serve", lambda: serve(demand.number, _NOTHING, shown, account=self.account))


def link_before(secret: Secret, place: int) -> bytes:
    """Place 0 is the tip, place 1 its preimage, and so on."""
    if not 0 <= place <= LINKS:
        raise InputError("the hash chain is used up", expected=f"at most {LINKS} links")
    link = keccak(b"pyml.deepchain.chain.v1" + secret.reveal)
    for _ in range(LINKS - place):
        link = keccak(link)
    return link


def block_to_sign(view: View, processing: str) -> dict[str, Any]:
    """The EIP-712 message of ``IProcessing.blockHash``, from the view."""
    if view.round is None:
        raise ChainError("there is no block to sign")
    kinds = ("uint256 groupId", "uint256 round", "bytes32 seed", "uint256 attempt", "bytes32 aggregateRoot",
             "bytes32 contentDigest")  # fmt: skip
    domain = ("string name", "string version", "uint256 chainId", "address verifyingContract")
    return {
        "types": {"EIP712Domain": _fields(domain), "Block": _fields(kinds)},
        "primaryType": "Block",
        "domain": {
            "name": "pyml.deepchain.Processing",
            "version": "1",
            "chainId": view.chain_id,
            "verifyingContract": processing,
        },
        "message": {
            "groupId": view.group,
            "round": view.round.index,
            "seed": view.round.seed,
            "attempt": view.block.attempt,
            "aggregateRoot": view.block.aggregate_root,
            "contentDigest": view.block.content_digest,
        },
    }


def _fields(kinds: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"type": kind, "name": name} for kind, name in (each.split(" ") for each in kinds)]
