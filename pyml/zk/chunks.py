"""A test set proved in parts, each by an ordinary claim, and the counts added up under the one commitment.

Data and labels are constants of a circuit, so each part has keys of its own; the proving key goes when its claim is
written. A part is finished when its claim is there and true: there is no other record, and nothing to repair after a
kill. What a kill can waste is one proof of the model's budget: counted (``ledger.py``) and not yet written.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.errors import InputError, IntegrityError, ProofError
from pyml.ml import datasets
from pyml.ml.datasets import Dataset
from pyml.ml.devices import product_on
from pyml.zk.challenge import Context, model_id
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.claims import AccuracyClaim, commit_model, prove_accuracy, verify_claim, write_claim
from pyml.zk.engine import Progress, silent
from pyml.zk.ezkl import EzklEngine
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel, decode_secret_model, encode_secret_model
from pyml.zk.registries import Total, ZkContracts, register_circuit, register_proved_model, submit_claim
from pyml.zk.set_folder import SetFolder, claim_path, read_part_claim
from pyml.zk.srs import Srs, open_srs
from pyml.zk.workers import Act, Results
from pyml.zk.workspace import Keyed, Workspace

Share = Callable[[str, float], None]
"""Called with what is being done and the share of the set that is done."""


def unseen(text: str, share: float) -> None:
    """The default ``Share``."""
    del text, share


@dataclass(frozen=True, slots=True)
class Prover:
    """Whose claims, and where everything is; all that a worker needs but the secret model."""

    home: Path
    """Of the workspace, and of data sets that were downloaded."""
    data: Path | None
    srs: Path
    context: Context
    device: str = "cpu"
    """Where products of the witness are taken; circuits are proved on the CPU."""

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.home, EzklEngine())

    def load(self, name: str) -> Dataset:
        return datasets.load(name, self.data, cache_dir=self.home / "data")

    def open(self, part: CircuitFolder, srs: Srs, *, proving: bool, progress: Progress = silent) -> Keyed:
        """A part's circuit and keys, made now if they were not; without ``proving``, to verify only."""
        circuit = part.build(self.workspace, self.load, progress=progress)
        keyed = self.workspace.set_up(circuit, srs, proving=proving, progress=progress)
        part.pin_keys(keyed)
        return keyed


@dataclass(frozen=True, slots=True)
class PartTask:
    """One part to be proved, by whoever is given the secret model."""

    path: Path
    prover: Prover


Run = Callable[[Act[PartTask, AccuracyClaim], Sequence[PartTask], bytes], Results[PartTask, AccuracyClaim]]
"""``workers.in_processes`` or ``workers.on_ray`` with their options."""


@dataclass(frozen=True, slots=True)
class SetTotal:
    """A set accepted on chain: ``circuits`` are the list that a consumer fixes, ascending."""

    model: bytes
    circuits: tuple[bytes, ...]
    total: Total
    gas_used: int
    """By the claims that were sent now."""

    @property
    def set_digest(self) -> bytes:
        """``keccak256(abi.encodePacked(circuitIds))``."""
        return keccak(b"".join(self.circuits))


def prove_set(
    folder: SetFolder,
    prover: Prover,
    model: SecretModel,
    *,
    ledger: ProofLedger,
    run: Run,
    keep_keys: bool = False,
    progress: Share = unseen,
) -> tuple[AccuracyClaim, ...]:
    """Prove every part that has no claim yet, and return the claims of all in order.

    Claims that are there are verified first: ``IntegrityError`` names one that is false, or about another model or
    account. ``ProofError`` if the ledger has no proof left for some missing part; nothing is proved then.
    """
    srs, workspace = open_srs(prover.srs), prover.workspace
    parts = {part.path: part for part in folder.parts}
    with _only_one(folder.path):
        claims: dict[Path, AccuracyClaim] = {}

        def finish(part: CircuitFolder, claim: AccuracyClaim) -> None:
            claims[part.path] = claim
            if not keep_keys:
                workspace.drop_proving_key(part.statement, srs)
            progress(f"{len(claims)} of {len(parts)} parts proved", len(claims) / len(parts))

        for part, claim in _claims_found(folder, prover, srs, model):
            finish(part, claim)
        tasks = [PartTask(path, prover) for path in parts if path not in claims]
        _require_room(ledger, len(tasks))
        with closing(run(prove_part, tasks, encode_secret_model(model))) as results:
            for task, claim in results:
                _require_one_model(claim, claims.values())
                # On disk before anybody can see the proof.
                ledger.record_all([keccak(claim.proof)], commitments=[claim.commitment])
                write_claim(claim, claim_path(task.path))
                finish(parts[task.path], claim)
    return tuple(claims[path] for path in parts)


def prove_part(task: PartTask, secret: bytes, progress: Progress) -> AccuracyClaim:
    """Build, set up, prove and verify one part; whoever writes the claim counts the proof before."""
    prover, part, model = task.prover, CircuitFolder.open(task.path), decode_secret_model(secret)
    engine = prover.workspace.engine
    keyed = prover.open(part, open_srs(prover.srs), proving=True, progress=progress)
    claim = prove_accuracy(
        keyed,
        engine,
        keyed.entry(),
        model,
        part.labelled_set(prover.load),
        prover.context,
        ledger=_CountedByReceiver(Path(), model.proof_limit),
        product=product_on(prover.device),
        progress=progress,
    )
    progress("verifying")
    if not verify_claim(keyed, engine, keyed.entry(), claim):
        raise ProofError(f"the proof of {part.path} does not verify")
    return claim


def claim_set(
    contracts: ZkContracts,
    folder: SetFolder,
    prover: Prover,
    account: Signer,
    *,
    progress: Share = unseen,
) -> SetTotal:
    """Register circuits and model, claim every part, and compare the registry's total with the claims'.

    What the chain knows already is left out, so an interrupted run is simply repeated. ``InputError`` before anything
    is sent unless every part has a claim of this account, for this contract, about one model.
    """
    srs = open_srs(prover.srs)
    claims = _all_claims(folder, prover.context)
    if account.address != prover.context.prover:
        raise InputError("the claims belong to another account", expected=prover.context.prover, got=account.address)
    gas_used = 0
    for number, (part, claim) in enumerate(zip(folder.parts, claims, strict=True)):
        progress(f"claiming {part.path.name}", number / len(claims))
        keyed = prover.open(part, srs, proving=False)
        entry = register_circuit(contracts, keyed, account)
        if entry.identifier() != claim.circuit:
            raise InputError(f"{claim_path(part.path)} is about another circuit")
        register_proved_model(contracts, claim, part.statement.numerics.proof_limit, account)
        if contracts.accuracy.claim_of(claim.model, claim.circuit)["count"] < claim.count:
            gas_used += submit_claim(contracts, keyed, entry, claim, account).gas_used
    circuits = tuple(sorted(claim.circuit for claim in claims))
    total = contracts.accuracy.total_of(claims[0].model, circuits)
    if total.count < sum(claim.count for claim in claims) or total.samples != folder.samples:
        raise IntegrityError("the registry's total is not that of the claims", got=total)
    return SetTotal(claims[0].model, circuits, total, gas_used)


class _CountedByReceiver(ProofLedger):
    """For a worker, whose proof goes nowhere but to the process that counts it."""

    __slots__ = ()

    def require_room(self) -> None:
        pass

    def record_all(self, digests: Collection[bytes], *, commitments: Collection[bytes] = ()) -> None:
        del digests, commitments


def _claims_found(
    folder: SetFolder, prover: Prover, srs: Srs, model: SecretModel
) -> Iterator[tuple[CircuitFolder, AccuracyClaim]]:
    """The claims that are there, verified, all about the model."""
    expected = None
    for part in folder.parts:
        claim = read_part_claim(part.path)
        if claim is None:
            continue
        keyed, engine = prover.open(part, srs, proving=False), prover.workspace.engine
        expected = expected or model_id(prover.context.prover, commit_model(keyed, engine, model))
        problem = None
        if claim.context != prover.context or claim.model != expected:
            problem = "is about another model, account, contract or chain"
        elif not verify_claim(keyed, engine, keyed.entry(), claim):
            problem = "is false"
        if problem:
            raise IntegrityError(
                f"{claim_path(part.path)} {problem}",
                hint="Remove it, and the part is proved again at the price of one of the model's proofs.",
            )
        yield part, claim


def _all_claims(folder: SetFolder, context: Context) -> list[AccuracyClaim]:
    claims: list[AccuracyClaim] = []
    for part in folder.parts:
        claim = read_part_claim(part.path)
        if claim is None:
            raise InputError(f"{part.path} has no claim yet", hint="Prove it with `pyml zk prove-set`.")
        if claim.context != context:
            raise InputError(
                f"{claim_path(part.path)} is for another account, contract or chain",
                expected=context,
                got=claim.context,
            )
        _require_one_model(claim, claims)
        claims.append(claim)
    return claims


def _require_one_model(claim: AccuracyClaim, others: Iterable[AccuracyClaim]) -> None:
    """Counts of unequal commitments could not be added up; equal k makes them equal."""
    if any(claim.model != other.model for other in others):
        raise InputError("the parts are about more than one model", got="0x" + claim.model.hex())


def _require_room(ledger: ProofLedger, proofs: int) -> None:
    left = ledger.limit - ledger.used
    if left < proofs:
        raise ProofError(
            "this commitment has too few proofs left for the set",
            expected=f"at least {proofs}",
            got=left,
            hint="Use larger parts, or commit again with `pyml zk commit`.",
        )


@contextmanager
def _only_one(path: Path) -> Generator[None]:
    """Let no other process prove the same set meanwhile; the kernel lets go of the lock of a killed one."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{path} is being proved by another process") from error
        yield
    finally:
        os.close(handle)
