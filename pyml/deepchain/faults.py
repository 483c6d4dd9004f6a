"""Members and workers who cheat, to show what it costs them. For development chains, and for nothing else.

Each plays one fault of docs/deepchain.md by a real process against real contracts, and is otherwise as its honest twin.
The false proof is the hardest to catch: its owner forges the trace as well, so that the last comparison holds, and is
found by descending to the state where it departs.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Final

from pyml.crypto.big_integers import big
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.paillier import Encryptor
from pyml.crypto.proof_cd import prove_cd
from pyml.crypto.proof_pk import ProofPK, prove_pk
from pyml.crypto.threshold_paillier import partial_decryptions
from pyml.deepchain.accused import Accused
from pyml.deepchain.challenger import Challenger
from pyml.deepchain.challenger_steps import ExamineVector
from pyml.deepchain.contents import gradients_content, shares_content
from pyml.deepchain.party import Party
from pyml.deepchain.party_steps import PartyStep, Serve, SubmitGradients, SubmitShares
from pyml.deepchain.records import Dispute, Phase, Subject, Submission
from pyml.deepchain.statement import Statement, statement_of
from pyml.deepchain.trace import Origin, Trace, run
from pyml.deepchain.view import View
from pyml.deepchain.worker import Worker
from pyml.deepchain.worker_steps import ServeAggregate, Update, WorkerStep


class LateParty(Party):
    """Posts its gradients when T1 is over, and is refused."""

    _tried: tuple[int, int] | None = None

    def act(self, view: View) -> bool:
        """As its twin, but for the time."""
        record = view.round
        late = view.clock.phase is Phase.COLLECTING and view.next_block > view.deadlines[0]
        if late and record is not None and self._tried != (run_of := (record.index, record.reruns)):
            self._tried = run_of
            super().carry_out(SubmitGradients(*run_of), view)
        return super().act(view)

    def carry_out(self, step: PartyStep, view: View) -> bool:
        """Lets T1 pass."""
        return False if isinstance(step, SubmitGradients) else super().carry_out(step, view)


class MalformedParty(Party):
    """Puts n itself among its ciphertexts: a number without an inverse."""

    def make_gradients(self, plaintexts: list[int], context: bytes) -> Submission:
        """A proof for what it does not post."""
        key = self.own.key
        encrypted = Encryptor(key.public).encrypt(plaintexts)
        proof = prove_pk(key, encrypted, plaintexts, context=context)
        numbers = [int(key.public.n), *encrypted.ciphertexts[1:]]
        return self.store(gradients_content(key, numbers, proof), numbers)


class FalseProofParty(Party):
    """Posts another ciphertext than it proved, and a forged trace when it is disputed."""

    def make_gradients(self, plaintexts: list[int], context: bytes) -> Submission:
        """One plaintext is more by one than what the proof is about."""
        key = self.own.key
        self.accused = ForgingAccused(self.sends, self.own.blobs, key)
        encrypted = Encryptor(key.public).encrypt(plaintexts)
        proof = prove_pk(key, encrypted, plaintexts, context=context)
        numbers = [altered(encrypted.ciphertexts[0], int(key.public.n)), *encrypted.ciphertexts[1:]]
        return self.store(gradients_content(key, numbers, proof), numbers)


class ForgingAccused(Accused):
    """Changes the end of a trace, so that the last comparison seems to hold."""

    def trace(self, statement: Statement) -> Trace:
        """The true states up to the last product, then what the proof wants to see."""
        true, proof = run(statement.program()), statement.finding.proof
        if not isinstance(proof, ProofPK):
            return true
        states = [*true.states[:-2], big(proof.a), big(proof.a)]
        size = true.program.residue_bytes
        hashed = [int(state).to_bytes(size, "big") for state in states]
        hashed += [hashed[-1]] * ((1 << true.program.depth) - len(hashed))
        return replace(true, states=tuple(states), tree=MerkleTree.of(hashed))


class WithholdingParty(Party):
    """Takes the average of others, and gives no share."""

    def carry_out(self, step: PartyStep, view: View) -> bool:
        """Lets T5 pass."""
        return False if isinstance(step, SubmitShares) else super().carry_out(step, view)


class FalseShareParty(Party):
    """Posts another share than it proved."""

    def make_shares(self, aggregate: tuple[int, ...], context: bytes) -> Submission:
        """Four times the first share, with the proof of the true ones."""
        key, share = self.own.key, self.own.share
        partials = [int(each) for each in partial_decryptions(key, share, aggregate)]
        proof = prove_cd(key, share, aggregate, partials, context=context)
        numbers = [4 * partials[0] % int(key.public.n), *partials[1:]]
        return self.store(shares_content(key, numbers, proof), numbers)


class UnservingParty(Party):
    """Posts the root of gradients that nobody can have."""

    def make_gradients(self, plaintexts: list[int], context: bytes) -> Submission:
        """Made, posted, and kept to itself."""
        made = super().make_gradients(plaintexts, context)
        self.own.blobs.remove(made.content_digest)
        return made

    def carry_out(self, step: PartyStep, view: View) -> bool:
        """Serves nothing either."""
        return False if isinstance(step, Serve) else super().carry_out(step, view)


class CrashingParty(Party):
    """Is killed between writing down what it posts and posting it."""

    def remember(self, subject: Subject, round_index: int, reruns: int, made: Submission) -> None:
        """Ends as by kill -9, once what is to be posted is on disk."""
        super().remember(subject, round_index, reruns, made)
        os.kill(os.getpid(), signal.SIGKILL)


class WrongWorker(Worker):
    """Adds one to the first plaintext of the aggregate, and signs it."""

    def aggregate(self, view: View) -> tuple[int, ...] | None:
        """The product, but for its first element."""
        true = super().aggregate(view)
        return None if true is None else (altered(true[0], int(self.key.public.n)), *true[1:])

    def watch(self, view: View) -> bool:
        """Does not accuse itself, which would bring the bounty back."""
        del view
        return False


class AbsentWorker(Worker):
    """Is drawn as leader, and says nothing."""

    def carry_out(self, step: WorkerStep, view: View) -> bool:
        """Lets T7 pass."""
        return False if isinstance(step, Update) else super().carry_out(step, view)


class UnservingWorker(Worker):
    """Posts the root of an aggregate that nobody can have."""

    def store(self, content: bytes) -> bytes:
        """Nowhere."""
        digest = super().store(content)
        self.blobs.remove(digest)
        return digest

    def carry_out(self, step: WorkerStep, view: View) -> bool:
        """Serves nothing either."""
        return False if isinstance(step, ServeAggregate) else super().carry_out(step, view)


class FalseChallenger(Challenger):
    """Disputes a proof that is true, and names a step of it."""

    _accused: tuple[int, int, int] | None = None

    def examine_vector(self, view: View, looked_at: ExamineVector) -> None:
        """Accuses the first member of each run, whatever it posted."""
        run_of = (looked_at.round, looked_at.reruns, int(looked_at.subject))
        if self._accused == run_of:
            return
        self._accused = run_of
        self.dispute(view, looked_at)

    def name(self, view: View, dispute: Dispute) -> bool:
        """A step that multiplies by a ciphertext: the accused shows it, with its path."""
        statement = statement_of(view, self.blobs, self.key, dispute.subject, dispute.party)
        if statement is None:
            return False
        program = statement.program()
        origins = (Origin.VECTOR, Origin.SHARE)
        step = next(place for place, step in enumerate(program.steps()) if step.source.origin in origins)
        return self.pick(dispute, step)


def altered(ciphertext: int, n: int) -> int:
    """The ciphertext of a plaintext that is more by one."""
    return int(big(ciphertext) * (1 + n) % (big(n) * n))


PARTY_FAULTS: Final[dict[str, type[Party]]] = {
    "late-gradient": LateParty,
    "malformed-ciphertext": MalformedParty,
    "false-proof": FalseProofParty,
    "withheld-share": WithholdingParty,
    "false-share": FalseShareParty,
    "unserved-gradients": UnservingParty,
    "crash": CrashingParty,
}
CHALLENGER_FAULTS: Final[dict[str, type[Challenger]]] = {"false-accusation": FalseChallenger}
WORKER_FAULTS: Final[dict[str, type[Worker]]] = {
    "wrong-aggregate": WrongWorker,
    "absent-leader": AbsentWorker,
    "unserved-aggregate": UnservingWorker,
}
