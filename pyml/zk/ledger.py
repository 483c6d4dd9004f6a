"""How many proofs a commitment has appeared in.

KZG input commitments are not blinded: each proof reveals one evaluation of each committed polynomial, and the
commitment is one relation more. The salt entries hide the secret only while there are more of them than proofs, so
every proof is recorded, on disk, before it is handed out, and one too many is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyml.errors import ProofError
from pyml.store.journal import Journal, read_journal

_LABEL = "pyml proof ledger v1"


@dataclass(frozen=True, slots=True)
class ProofLedger:
    """The journal at ``path`` of one commitment's proofs, at most ``limit`` of them."""

    path: Path
    limit: int

    @property
    def used(self) -> int:
        """Proofs handed out so far."""
        return sum(1 for _ in read_journal(self.path, _LABEL)) if self.path.exists() else 0

    def require_room(self) -> None:
        """Raise ``ProofError`` if another proof could give the secret away."""
        self._require(self.used)

    def record(self, proof_digest: bytes) -> None:
        """Count one proof, durably; raises as ``require_room``."""
        with Journal(self.path, _LABEL) as journal:
            self._require(journal.head.count)
            journal.append(proof_digest)

    def _require(self, used: int) -> None:
        if used >= self.limit:
            raise ProofError(
                "this commitment has no proof left: another one could reveal the secret behind it",
                expected=f"fewer than {self.limit} proofs",
                got=used,
                hint="Commit again with `pyml zk commit` and register the new commitment.",
            )
