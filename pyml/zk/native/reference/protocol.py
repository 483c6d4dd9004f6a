"""What the proofs of accuracy, inference and weights have in common: commitments first, mask sums and SC-C last.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5 (messages 1, 2 and 9 to 12), 6 (SC-C) and 7 (masks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import ProofError
from pyml.zk.native.layout import MASKS_PER_ROW, MaskRows
from pyml.zk.native.masks import Masks, mask_column
from pyml.zk.native.packing import Column, Packing
from pyml.zk.native.reference.claims import Claim, Part, run_combination
from pyml.zk.native.reference.committed import Committed, cover_weights, libra_claims, spare_part
from pyml.zk.native.reference.multilinear import evaluate, inner
from pyml.zk.native.reference.opening import send_opening
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.reference.sumcheck import Outcome
from pyml.zk.native.transcript import Messages, Transcript


class ProtocolRun:
    """One run: columns, masks, and what has been sent."""

    def __init__(
        self,
        columns: Mapping[str, Sequence[int]],
        masks: Masks,
        *,
        degree: int,
        rows: MaskRows,
        powers: Powers,
        transcript: Transcript,
    ) -> None:
        self.degree = degree
        self.rows = rows
        self.masks = masks
        self.columns: dict[str, Sequence[int]] = {**columns, "K": mask_column(masks, rows)}
        self.messages = Messages(transcript)
        self.committed = Committed(powers, degree)
        self.mask_of = dict(zip(self.masked_names, masks.masks_a, strict=True))
        self.mask_of |= dict(zip(self.product_names, masks.masks_b, strict=True))
        self.outcomes: dict[str, Outcome] = {}

    @property
    def masked_names(self) -> list[str]:
        """The masked evaluations of message 5, in its order."""
        raise NotImplementedError

    @property
    def product_names(self) -> list[str]:
        """The masked evaluations of message 8, in its order."""
        return []

    def commit_stage1(self, stage: Packing) -> None:
        """Message 1: the columns of a stage, and S."""
        blinds = self.masks.blinds[: stage.polynomials + 1]
        points = self.committed.add(stage, self.columns, blinds[:-1])
        cover = Packing((Column("S", self.degree, 0, 0),), 1)
        points += self.committed.add(cover, {"S": self.masks.cover}, blinds[-1:])
        self.messages.send_points(points)

    def commit_stage2(self, stage: Packing) -> None:
        """Message 2."""
        blinds = self.masks.blinds[len(self.committed.polynomials) :]
        self.messages.send_points(self.committed.add(stage, self.columns, blinds))

    def draw_tau(self, rounds: int) -> tuple[tuple[int, ...], int]:
        """τ and λ."""
        tau = [self.messages.challenge("tau_0")]
        tau += [self.messages.squeeze(f"tau_{place}") for place in range(1, rounds)]
        return tuple(tau), self.messages.squeeze("lambda")

    def open_columns(self, names: Sequence[str], outcome: Outcome) -> dict[str, int]:
        """Columns at the last coordinates of ρ, with their masks if they have any."""
        opened: dict[str, int] = {}
        for name in names:
            table = self.columns[name]
            plain = evaluate(table, suffix(outcome.point, len(table)))
            opened[name] = (plain + outcome.last_factor * self.mask_of.get(name, 0)) % R
        return opened

    def column_claims(self, opened: Mapping[str, int], outcome: Outcome) -> list[Claim]:
        """That committed columns have these values there."""
        claims: list[Claim] = []
        for name, value in opened.items():
            at_point = self.committed.at(name, suffix(outcome.point, len(self.columns[name])))
            claims.append(Claim(value, (at_point, *self.masks_at([name], outcome.last_factor))))
        return claims

    def mask_sum_claims(self, outcome: Outcome, mask_sum: int) -> list[Claim]:
        """K_A, p_A(ρ)."""
        value = self.masks.libra_a.at(outcome.point)
        return list(libra_claims(self.committed, self.masks.libra_a, 0, mask_sum, outcome.point, value))

    def send_cover_sums(self) -> list[Claim]:
        """Message 9: K_S and K_T, and the claims about them."""
        cover = cover_weights(self.messages.challenge("theta"), self.degree)
        sums = inner(self.masks.cover, cover), sum(self.masks.spares) % R
        self.messages.send(*sums)
        parts = self.committed.part("S", cover), spare_part(self.committed, self.rows)
        return [Claim(value, (part,)) for value, part in zip(sums, parts, strict=True)]

    def prove_claims(self, claims: Sequence[Claim]) -> None:
        """Messages 10 to 12: SC-C, b_F, the opening."""
        gamma = self.messages.challenge("gamma")
        committed = self.committed
        ended = run_combination(self.messages, claims, committed.polynomials, gamma, self.degree)
        self.outcomes["SC-C"] = ended.outcome
        self.messages.send(inner(ended.weights, committed.blinds))
        send_opening(self.messages, committed.powers, ended.coefficients, ended.outcome.point)

    def masks_at(self, names: Sequence[str], factor: int) -> list[Part]:
        """factor · mask, for those that have one."""
        return [self.mask_part(name, factor) for name in names if name in self.mask_of]

    def mask_part(self, name: str, factor: int) -> Part:
        """factor · mask of an evaluation."""
        if name in self.masked_names:
            place = self.rows.row_masks_a * MASKS_PER_ROW + self.masked_names.index(name)
        else:
            place = self.rows.row_masks_b * MASKS_PER_ROW + self.product_names.index(name)
        return self.committed.part("K", [factor], place)

    def require_true(self) -> None:
        """Raise ``ProofError`` if a sum-check ended in a false claim: the witness breaks a constraint."""
        for name, outcome in self.outcomes.items():
            if outcome.claim != outcome.value:
                raise ProofError(f"the witness does not satisfy the claim of {name}")


def suffix(point: Sequence[int], size: int) -> Sequence[int]:
    """The coordinates at which a column of ``size`` entries is taken."""
    return point[len(point) - (size.bit_length() - 1) :]
