"""A member of a group at work: carries out what ``party_steps`` decides.

Source: DeepChain, algorithm 1 and section 4.2.4. A vector is stored, then written down in the journal, then posted; a
process that was killed posts what it wrote down. Shares are made of the aggregate that the member multiplied itself, of
at least a threshold of vectors: a share of anything else could open a single update.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field

import numpy as np

from pyml.chain.accounts import Signer
from pyml.crypto.paillier import Encryptor
from pyml.crypto.proof_cd import prove_cd
from pyml.crypto.proof_pk import prove_pk, vector_root
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, partial_decryptions
from pyml.deepchain.accused import Accused
from pyml.deepchain.agent import Sends
from pyml.deepchain.aggregate import aggregate_of, all_proved
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.challenger import Challenger
from pyml.deepchain.contents import Content, gradients_content, post, shares_content
from pyml.deepchain.cores import Cores
from pyml.deepchain.local_training import Weights
from pyml.deepchain.memory import Memory
from pyml.deepchain.outcome import decrypt, packing_for, weights_after
from pyml.deepchain.party_steps import (
    AnswerDispute,
    Join,
    PartyStep,
    Serve,
    SubmitGradients,
    SubmitShares,
    next_party_step,
)
from pyml.deepchain.privacy import GaussianNoise
from pyml.deepchain.records import Phase, Subject, Submission, members
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.trainer import LocalTrainer, decode_weights, encode_weights, encoded_update
from pyml.deepchain.upkeep import claims, due_calls
from pyml.deepchain.view import RoundRecord, View
from pyml.store.blobs import BlobStore

log = logging.getLogger(__name__)

RERUN_SHIFT = 20
"""A run that is repeated draws other batches: its number for the trainer is round + (reruns << RERUN_SHIFT)."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who a member is, and what it works with."""

    contracts: DeepchainContracts
    account: Signer
    party: int
    agreement: Agreement
    key: ThresholdKey
    share: KeyShare
    blobs: BlobStore
    initial: Weights
    noise: GaussianNoise | None = None
    cores: Cores = field(default_factory=Cores.available)


class Party:
    """One member. ``act`` does the most urgent thing; see ``agent.run_role``."""

    def __init__(self, membership: Membership, trainer: LocalTrainer, memory: Memory, *, watchful: bool = True) -> None:
        """A ``watchful`` member examines what all others post, as the paper has it; else it leaves that to others."""
        self.own = membership
        self._trainer = trainer
        self._memory = memory
        self._encryptor: Encryptor | None = None
        self.sends = Sends(membership.contracts, membership.account)
        self.accused = Accused(self.sends, membership.blobs, membership.key)
        self._challenger = Challenger(self.sends, membership.blobs, membership.key, aggregates_only=not watchful)
        self._stuck: tuple[PartyStep, int] | None = None

    def act(self, view: View) -> bool:
        """Do one thing that is due; whether anything was done."""
        step = next_party_step(view, self.own.party)
        if step is not None and self._stuck != (step, view.head):
            if self.carry_out(step, view):
                return True
            self._stuck = (step, view.head)
        if self._learn(view):
            self._stuck = None  # what waited for the weights can be done now
            return True
        if self._challenger.act(view):
            return True
        calls = (*due_calls(view), *claims(view, self.own.account.address))
        return self.sends.upkeep(view, calls)

    def is_done(self, view: View) -> bool:
        """Once the group is over, all weights are known and this member was paid out."""
        over = view.clock.phase is Phase.OVER
        return over and not claims(view, self.own.account.address) and self._next_to_learn(view) is None

    def carry_out(self, step: PartyStep, view: View) -> bool:
        """One step; ``False`` if it was refused, or cannot be done yet."""
        match step:
            case Join():
                return self._join(view)
            case SubmitGradients():
                return self._submit(view, step.round, step.reruns)
            case SubmitShares():
                return self._submit_shares(view, step.round, step.reruns)
            case AnswerDispute():
                return self.accused.answer(view, step.dispute)
            case Serve():
                return self.accused.serve(view, step.demand)

    def weights_before(self, view: View, round_index: int) -> Weights | None:
        """The weights that a round begins with; ``None`` while an earlier round cannot be opened."""
        last = max((index for index, each in view.history.rounds.items() if each.accepted and index < round_index),
                   default=0)  # fmt: skip
        if last == 0:
            return self.own.initial
        blob = self._memory.weights(last)
        return None if blob is None else decode_weights(self.own.blobs.get(blob))

    # --- what is posted ---

    def _join(self, view: View) -> bool:
        own, group = self.own, view.group
        trading = own.contracts.trading
        return self.sends.attempt("join", lambda: trading.join(group, own.party, 0, account=own.account))

    def _submit(self, view: View, round_index: int, reruns: int) -> bool:
        made = self._memory.submission(Subject.GRADIENTS, round_index, reruns)
        if made is None:
            weights = self.weights_before(view, round_index)
            if weights is None:
                return False
            plaintexts = self.plaintexts(weights, round_index, reruns)
            made = self.make_gradients(plaintexts, view.context(self.own.party))
            self.remember(Subject.GRADIENTS, round_index, reruns, made)
        own, posted = self.own, made
        submit = own.contracts.trading.submit
        return self.sends.attempt("submit", lambda: submit(view.group, own.party, posted, account=own.account))

    def plaintexts(self, weights: Weights, round_index: int, reruns: int) -> list[int]:
        """The member's update of a run, packed."""
        generator = None if self.own.noise is None else np.random.Generator(np.random.PCG64(secrets.randbits(128)))
        codes = encoded_update(
            self._trainer,
            self.own.agreement,
            weights,
            round_index=round_index + (reruns << RERUN_SHIFT),
            noise=self.own.noise,
            generator=generator,
        )
        return packing_for(self.own.agreement, self.own.key).pack(codes, length=len(weights))

    def make_gradients(self, plaintexts: list[int], context: bytes) -> Submission:
        """Encrypt, prove, store."""
        key = self.own.key
        if self._encryptor is None:
            self._encryptor = Encryptor(key.public)
        encrypted = self._encryptor.encrypt(plaintexts)
        content = gradients_content(key, encrypted.ciphertexts, prove_pk(key, encrypted, plaintexts, context=context))
        return self.store(content, encrypted.ciphertexts)

    def _submit_shares(self, view: View, round_index: int, reruns: int) -> bool:
        made = self._memory.submission(Subject.SHARES, round_index, reruns)
        if made is None:
            aggregate = self._own_aggregate(view)
            if aggregate is None:
                return False
            made = self.make_shares(aggregate, view.context(self.own.party))
            self.remember(Subject.SHARES, round_index, reruns, made)
        own, posted = self.own, made
        submit = own.contracts.trading.submit_shares
        return self.sends.attempt("submitShares", lambda: submit(view.group, own.party, posted, account=own.account))

    def make_shares(self, aggregate: tuple[int, ...], context: bytes) -> Submission:
        """Decrypt in part, prove, store."""
        key, share = self.own.key, self.own.share
        partials = [int(each) for each in
                    partial_decryptions(key, share, aggregate, list_power=self.own.cores.powers)]  # fmt: skip
        content = shares_content(key, partials, prove_cd(key, share, aggregate, partials, context=context))
        return self.store(content, partials)

    def store(self, content: Content, numbers: tuple[int, ...] | list[int]) -> Submission:
        """Make a content available, and say what is to be posted of it."""
        return post(self.own.blobs, self.own.key, content, numbers)

    def remember(self, subject: Subject, round_index: int, reruns: int, made: Submission) -> None:
        """Have it on disk before it is posted."""
        self._memory.remember_submission(subject, round_index, reruns, made)

    def _own_aggregate(self, view: View) -> tuple[int, ...] | None:
        """The aggregate as the member computes it, if it is what was decided, and hides single updates."""
        record = view.round
        if record is None or record.aggregate is None or len(members(record.collected)) < self.own.key.threshold:
            return None
        contexts = {party: view.context(party, record) for party in members(record.collected)}
        if not all_proved(self.own.blobs, self.own.key, record, view.terms.count, contexts=contexts):
            log.warning("round %d: a vector that nobody disputed has no true proof: no share of it", record.index)
            return None
        aggregate = aggregate_of(self.own.blobs, self.own.key, record, view.terms.count)
        if aggregate is None or vector_root(self.own.key.public, aggregate) != record.aggregate.root:
            log.warning("round %d: the aggregate is not the product of what was posted", record.index)
            return None
        return aggregate

    # --- what is learned ---

    def _next_to_learn(self, view: View) -> RoundRecord | None:
        known = self._memory.last_weights()
        done = 0 if known is None else known[0]
        waiting = [each for index, each in sorted(view.history.rounds.items()) if each.accepted and index > done]
        return waiting[0] if waiting else None

    def _learn(self, view: View) -> bool:
        """Open the next accepted round whose weights are not known yet."""
        record = self._next_to_learn(view)
        if record is None:
            return False
        weights = self.weights_before(view, record.index)
        aggregate = aggregate_of(self.own.blobs, self.own.key, record, view.terms.count)
        if weights is None or aggregate is None:
            return False
        contexts = {party: view.context(party, record) for party in record.shares}
        plaintexts = decrypt(self.own.blobs, self.own.key, record, aggregate, contexts, cores=self.own.cores,
                             first=self.own.party)  # fmt: skip
        if plaintexts is None:
            return False
        counted = len(members(record.collected))
        learned = weights_after(weights, plaintexts, counted, self.own.agreement, self.own.key)
        self._memory.remember_weights(record.index, self.own.blobs.put(encode_weights(learned)))
        log.info("round %d: weights of %d parties", record.index, counted)
        return True
