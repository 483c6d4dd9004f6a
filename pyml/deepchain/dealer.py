"""The dealer and sponsor: makes the key, invites the members, opens the group with its terms and a reward.

Source: DeepChain, section 4.2.4, *collaborative group establishment*. The dealer is trusted with the key
(docs/deepchain.md says with what exactly), and needs it no longer once the letters are sealed. What it opens is written
down first, so that a dealer that was killed opens the same group, and opens it once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from pyml.chain.accounts import Signer
from pyml.crypto.paillier import EXPONENT_BITS
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, deal
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.chain_view import ChainReader
from pyml.deepchain.contents import proof_bytes
from pyml.deepchain.invitation import Enrolment, invite
from pyml.deepchain.outcome import packing_for
from pyml.deepchain.records import NO_ADDRESS, Phase, Terms
from pyml.deepchain.registries import DeepchainContracts, Trading
from pyml.deepchain.trainer import encode_weights, initial_weights
from pyml.deepchain.upkeep import is_ready
from pyml.errors import InputError, IntegrityError
from pyml.files import write_atomically
from pyml.store.blobs import BlobStore

COIN: Final = 10**18
"""One DeepCoin in its smallest unit."""
WINDOWS: Final = (60, 30, 20, 20, 60, 30, 30, 20, 20)
"""Blocks of T1 … T9: about ten minutes a round with blocks of two seconds."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a sponsor decides, besides what is trained. Amounts in the smallest unit."""

    rounds: int = 10
    committee: int = 2
    deposit: int = 100 * COIN
    worker_deposit: int = 100 * COIN
    bond: int = 20 * COIN
    bounty_bps: int = 2_500
    party_bps: int = 7_000
    reward: int = 1_000 * COIN
    turn_blocks: int = 20
    windows: tuple[int, ...] = WINDOWS


def terms_for(
    contracts: DeepchainContracts,
    agreement: Agreement,
    key: ThresholdKey,
    blobs: BlobStore,
    *,
    model_digest: bytes,
    conditions: Conditions,
) -> Terms:
    """The terms of a group; stores the initial weights on the way."""
    weights = initial_weights(agreement, blobs)
    pk_bytes, cd_bytes = proof_bytes(key)
    return Terms(
        processing=contracts.processing.address,
        disputes=contracts.disputes.address,
        evidence=contracts.evidence.address,
        assets=NO_ADDRESS,
        key_root=key_tree(key).root,
        model_digest=model_digest,
        weights_digest=bytes.fromhex(blobs.put(encode_weights(weights))),
        rounds=conditions.rounds,
        count=packing_for(agreement, key).count(len(weights)),
        width=key.public.width,
        threshold=key.threshold,
        committee=conditions.committee,
        pk_proof_bytes=pk_bytes,
        cd_proof_bytes=cd_bytes,
        bounty_bps=conditions.bounty_bps,
        party_bps=conditions.party_bps,
        turn_blocks=conditions.turn_blocks,
        deposit=conditions.deposit,
        worker_deposit=conditions.worker_deposit,
        bond=conditions.bond,
        windows=conditions.windows,
    )


def plan_group(
    path: Path,
    contracts: DeepchainContracts,
    blobs: BlobStore,
    agreement: Agreement,
    dealt: tuple[ThresholdKey, Sequence[KeyShare]],
    enrolments: Sequence[Enrolment],
    conditions: Conditions,
) -> None:
    """Seal the shares and write down what is to be opened; afterwards the shares are not needed any more."""
    key, shares = dealt
    if path.exists():
        raise InputError(f"{path} exists already", hint="A group was planned there: open it, or name another folder.")
    digest = invite(blobs, agreement, key, shares, enrolments)
    terms = terms_for(contracts, agreement, key, blobs, model_digest=digest, conditions=conditions)
    content = {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(terms).items()}
    members = [each.account for each in enrolments]
    plan = {"members": members, "reward": conditions.reward, "terms": content}
    write_atomically(path, json.dumps(plan, indent=1).encode())


def open_planned(path: Path, contracts: DeepchainContracts, account: Signer) -> int:
    """Open the group that was planned, unless it was opened before; returns its number."""
    try:
        plan = cast("dict[str, Any]", json.loads(path.read_bytes()))
        fields = cast("dict[str, Any]", plan["terms"])
        digests = {name: bytes.fromhex(fields[name]) for name in ("key_root", "model_digest", "weights_digest")}
        values: dict[str, Any] = {**fields, **digests, "windows": tuple(fields["windows"])}
        terms = Terms(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is not a planned group: {error}") from error
    trading = contracts.trading
    for group in range(trading.group_count()):
        if trading.terms_of(group) == terms and trading.account_of(group)["sponsor"] == account.address:
            return group
    receipt = trading.open(terms, plan["members"], int(plan["reward"]), account=account)
    (event,) = trading.events_in(receipt, "GroupOpened")
    return int(event.arguments["groupId"])


def start_when_ready(reader: ChainReader, trading: Trading, account: Signer, workers: int, *, poll_s: float) -> None:
    """Wait until every member has joined and so many workers enlisted, and begin; returns at once if it has begun."""
    while True:
        view = reader.view()
        if view.clock.phase is not Phase.FORMING:
            return
        if is_ready(view, workers):
            trading.start(view.group, account=account)
            return
        time.sleep(poll_s)


def deal_insecurely(path: Path, *, parties: int, threshold: int) -> tuple[ThresholdKey, list[KeyShare]]:
    """A key of 1024 bits from two safe primes that a JSON file has: everybody knows them, so it protects nothing."""
    try:
        stored = cast("dict[str, Any]", json.loads(path.read_bytes()))["primes"]["512"]
        p, q = (int(text, 16) for text in stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} has no primes of 512 bits: {error}") from error
    return deal(p, q, parties=parties, threshold=threshold, exponent_bits=EXPONENT_BITS, insecure=True)


def fund(contracts: DeepchainContracts, account: Signer, amount: int, controllers: Sequence[str]) -> None:
    """Have so many free coins in the escrow, and let these contracts lock them; only what is missing is sent."""
    escrow, coin = contracts.escrow, contracts.coin
    free = escrow.free_of(account.address)
    if free < amount:
        balance = coin.balance_of(account.address)
        if balance < amount - free:
            raise InputError(
                "the account has too few coins", expected=f"{(amount - free) / COIN:g} DEEP", got=f"{balance / COIN:g}"
            )
        escrow.deposit(coin.address, amount - free, account=account)
    for controller in controllers:
        if not escrow.is_trusted(account.address, controller):
            escrow.trust(controller, account=account)
