"""Link proofs: two commitments, under circuits of different k, to one model.

Each side is a proof of a ``model_link`` circuit of its k; both put out the fingerprint Σ ρ^i u_i of all committed
entries, salts included, at a ρ that is a hash of both commitments. Two different tensors of n entries have the same
fingerprint for at most n - 1 of all ρ. Both commitments therefore carry the same salts, and everything that is revealed
of either is a relation on these, from one budget (``circuits/model_link/SPEC.md``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.contract import Contract
from pyml.chain.transactions import Receipt
from pyml.crypto.bn254 import POINT_BYTES
from pyml.errors import InputError, ProofError
from pyml.files import read_bounded, write_atomically
from pyml.zk.challenge import CircuitEntry, Context, commitment_of, link_challenge, model_id
from pyml.zk.claims import MAX_CLAIM_BYTES, context_field, number_field, word_field
from pyml.zk.engine import Progress, Proof, TensorEngine, Tensors, silent
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.witness import link_tensors
from pyml.zk.workspace import Keyed

REVEALED = 4
"""Relations on the salts that the first link of a model makes public: two proofs, the fingerprint, and the second
commitment, which costs nothing where the ledger knows it."""


@dataclass(frozen=True, slots=True)
class LinkSide:
    """One commitment: its model id, its link circuit's id, and the proof."""

    model: bytes
    circuit: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class ModelLink:
    """ "The owner's models ``first`` and ``second`` are one model"."""

    context: Context
    first: LinkSide
    second: LinkSide
    fingerprint: int


class ModelLinks(Contract):
    """Accepted links."""

    artifact_name = "ModelLinks"
    error_sources = ("ModelRegistry", "CircuitRegistry")

    def link(
        self, link: ModelLink, artefacts: tuple[tuple[bytes, ...], tuple[bytes, ...]], *, account: Signer
    ) -> Receipt:
        """``artefacts`` are the words of both circuits' verifying keys, none for a dedicated verifier."""
        return self.send("link", *_arguments(link, artefacts), account=account)

    def linked_block(self, link: ModelLink) -> int:
        """When the link was accepted, 0 if it was not."""
        first, second = link.first, link.second
        return int(self.call("linkedBlock", first.model, first.circuit, second.model, second.circuit))


def prove_link(
    first: Keyed,
    second: Keyed,
    engine: TensorEngine,
    model: SecretModel,
    context: Context,
    *,
    ledger: ProofLedger,
    progress: Progress = silent,
) -> ModelLink:
    """Prove that the commitments to ``model`` under both circuits' k are to one model.

    Raises ``InputError`` for circuits that have nothing to link, ``ProofError`` if the ledger has no room for what a
    link reveals.
    """
    if first.circuit.degree == second.circuit.degree:
        raise InputError("circuits of one k share a commitment: there is nothing to link", got=first.circuit.degree)
    if not _differ_in_degree_alone(first, second):
        raise InputError("a link needs two link circuits that differ in k alone")
    ledger.require_limit(model.proof_limit)
    drafts: list[LinkSide] = []
    points: list[bytes] = []
    for keyed in (first, second):
        progress("committing to the model")
        tensors = link_tensors(keyed.circuit.statement, model.network, 0, model_salts=model.salts)
        committed = engine.commit(keyed.circuit.files, keyed.files, keyed.srs, tensors.committed)
        points.append(b"".join(point.encode() for point in committed))
        owned = model_id(context.prover, commitment_of(points[-1]))
        drafts.append(LinkSide(owned, keyed.entry().identifier(), b""))
    commitments = [commitment_of(each) for each in points]
    _require_room(ledger, commitments)
    rho = link_challenge(context, first=_named(drafts[0]), second=_named(drafts[1]), points=(points[0], points[1]))
    sides: list[LinkSide] = []
    fingerprints: set[int] = set()
    for keyed, draft, own in zip((first, second), drafts, points, strict=True):
        tensors = link_tensors(keyed.circuit.statement, model.network, rho, model_salts=model.salts)
        proof = engine.prove(
            keyed.circuit.files,
            keyed.files,
            keyed.srs,
            Tensors(tensors.committed, tensors.witness),
            _only_for(own, rho),
            progress=progress,
        )
        if proof.outputs != (rho, tensors.result):
            raise ProofError("the circuit's fingerprint is not the model's")
        sides.append(LinkSide(draft.model, draft.circuit, proof.data))
        fingerprints.add(tensors.result)
    (fingerprint,) = fingerprints
    revealed = [sides[0].proof, sides[1].proof, fingerprint.to_bytes(32, "big")]
    ledger.record_all([keccak(each) for each in revealed], commitments=commitments)  # on disk before they leave here
    return ModelLink(context, sides[0], sides[1], fingerprint)


def verify_link(first: Keyed, second: Keyed, engine: TensorEngine, link: ModelLink) -> bool:
    """Whether both proofs hold for the link's own context, under these keys.

    False, too, where the circuits differ in more than k: equal entries are then not one model.
    """
    if not _differ_in_degree_alone(first, second):
        return False
    points: list[bytes] = []
    for keyed, side in ((first, link.first), (second, link.second)):
        entry = keyed.entry()
        if side.circuit != entry.identifier():
            return False
        if len(side.proof) != entry.proof_length:
            return False
        points.append(_points(side, entry))
        if side.model != model_id(link.context.prover, commitment_of(points[-1])):
            return False
    rho = link_challenge(
        link.context, first=_named(link.first), second=_named(link.second), points=(points[0], points[1])
    )
    return all(
        engine.verify(keyed.circuit.files, keyed.files, keyed.srs, Proof(side.proof, (rho, link.fingerprint)))
        for keyed, side in ((first, link.first), (second, link.second))
    )


def write_link(link: ModelLink, path: Path) -> None:
    """Write a link as JSON; everything in it is public."""
    write_atomically(path, json.dumps(link_as_dict(link), indent=1).encode() + b"\n")


def read_link(path: Path) -> ModelLink:
    """Read a link from anywhere; raises ``InputError`` on anything that is not one."""
    try:
        table = cast("dict[str, Any]", json.loads(read_bounded(path, MAX_CLAIM_BYTES).decode()))
        if table["kind"] != "model_link" or number_field(table["version"]) != 1:
            raise ValueError("unknown kind or version")
        first, second = _side(table["first"]), _side(table["second"])
        return ModelLink(context_field(table["context"]), first, second, number_field(table["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not a link file: {error}") from error


def link_as_dict(link: ModelLink) -> dict[str, Any]:
    """The JSON form."""
    sides = {
        name: {"model": side.model.hex(), "circuit": side.circuit.hex(), "proof": side.proof.hex()}
        for name, side in (("first", link.first), ("second", link.second))
    }
    return {
        "version": 1,
        "kind": "model_link",
        "context": link.context.as_dict(),
        **sides,
        "fingerprint": link.fingerprint,
    }


def _differ_in_degree_alone(first: Keyed, second: Keyed) -> bool:
    """Whether these are two link circuits for models of one form."""
    one, other = first.circuit.statement, second.circuit.statement
    if one.kind != "model_link" or other.kind != "model_link" or one.degree == other.degree:
        return False
    return one == replace(other, degree=one.degree)


def _require_room(ledger: ProofLedger, commitments: list[bytes]) -> None:
    """Refuse before any proof is made, so that none is wasted; the ledger refuses again when it records them."""
    needed = ledger.after(REVEALED - 1, commitments=commitments) - ledger.used
    left = ledger.limit - ledger.used
    if needed > left:
        raise ProofError("this commitment has too few proofs left for a link", expected=f"at least {needed}", got=left)


def _points(side: LinkSide, entry: CircuitEntry) -> bytes:
    return side.proof[: POINT_BYTES * entry.gate_points]


def _named(side: LinkSide) -> tuple[bytes, bytes]:
    return side.model, side.circuit


def _only_for(points: bytes, rho: int) -> Callable[[bytes], int]:
    """The challenge of a proof that opens these points; the engine committing to others would be its fault."""

    def challenge(found: bytes) -> int:
        if found != points:
            raise ProofError("the engine committed to something else in the proof than before it")
        return rho

    return challenge


def _side(table: dict[str, Any]) -> LinkSide:
    return LinkSide(word_field(table["model"]), word_field(table["circuit"]), bytes.fromhex(table["proof"]))


def _arguments(link: ModelLink, artefacts: tuple[tuple[bytes, ...], tuple[bytes, ...]]) -> tuple[object, ...]:
    sides = [
        (side.model, side.circuit, side.proof, list(artefact))
        for side, artefact in zip((link.first, link.second), artefacts, strict=True)
    ]
    return sides[0], sides[1], link.fingerprint
