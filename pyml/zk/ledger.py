"""How much has been revealed of the salts behind a model: commitments, proofs, fingerprints of links.

KZG input commitments are not blinded. A commitment, the one evaluation that a proof opens and a link's fingerprint are
each one linear relation on the salt entries, which hide the secret only while there are at least as many of them as
relations (``circuits/model_link/SPEC.md``, "One budget of salts"). So every relation is recorded, on disk, before it is
handed out, and one too many is refused. ``limit`` leaves out the first commitment, which every model has. Another
one, of the same tensor under another k or reference string, is counted when it first comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from pyml.errors import InputError, ProofError
from pyml.store.journal import Journal, read_journal

_LABEL = "pyml proof ledger v1"
_COMMITMENT = b"pyml.zk.commitment:"
"""Begins the record of a commitment; every other record is a relation."""


@dataclass(frozen=True, slots=True)
class ProofLedger:
    """The journal at ``path`` of what was revealed of one set of salts, at most ``limit`` relations."""

    path: Path
    limit: int

    @property
    def used(self) -> int:
        """Relations handed out so far, the first commitment not counted."""
        return _relations(self._records())

    def require_limit(self, proof_limit: int) -> None:
        """Raise ``InputError`` if more than ``proof_limit`` relations could be recorded."""
        if self.limit > proof_limit:
            raise InputError("the ledger allows more proofs than the salts hide", expected=proof_limit, got=self.limit)

    def require_room(self) -> None:
        """Raise ``ProofError`` if another proof could give the secret away."""
        self._require(self.used + 1)

    def record(self, proof_digest: bytes) -> None:
        """Count one proof, durably; raises as ``require_room``."""
        self.record_all([proof_digest])

    def record_all(self, digests: Collection[bytes], *, commitments: Collection[bytes] = ()) -> None:
        """Count a relation for each digest, and each commitment that is new; nothing, if there is not room for all."""
        with Journal(self.path, _LABEL) as journal:
            known = list(journal.records())
            named = [_COMMITMENT + commitment for commitment in dict.fromkeys(commitments)]
            new = [*(record for record in named if record not in known), *digests]
            self._require(_relations([*known, *new]))
            for record in new:
                journal.append(record)

    def after(self, relations: int, *, commitments: Collection[bytes] = ()) -> int:
        """``used``, once so many more relations and these commitments are recorded."""
        return relations + _relations([*self._records(), *(_COMMITMENT + each for each in commitments)])

    def _records(self) -> Iterable[bytes]:
        return read_journal(self.path, _LABEL) if self.path.exists() else ()

    def _require(self, relations: int) -> None:
        if relations > self.limit:
            raise ProofError(
                "this commitment has no proof left: another one could reveal the secret behind it",
                expected=f"fewer than {self.limit} proofs",
                got=self.used,
                hint="Commit again with `pyml zk commit` and register the new commitment.",
            )


def _relations(records: Iterable[bytes]) -> int:
    """Each commitment once and the first not at all; every other record."""
    commitments: set[bytes] = set()
    others = 0
    for record in records:
        if record.startswith(_COMMITMENT):
            commitments.add(record)
        else:
            others += 1
    return others + max(0, len(commitments) - 1)
