"""The prover that all weights are small integers, once for each commitment.

Source: ``circuits/native_accuracy/SPEC.md``, section 9. W is one column here: every entry plus 2^(w-1) is a row of the
table 0 … 2^w - 1, and entries that belong to no layer are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.ml.integer import IntegerNetwork
from pyml.zk.native.layout import WeightsLayout
from pyml.zk.native.masks import Masks
from pyml.zk.native.packing import Column, Packing
from pyml.zk.native.reference.multilinear import eq_table, invert_all
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.reference.protocol import ProtocolRun
from pyml.zk.native.reference.sumcheck import Outcome, Term, run_sumcheck
from pyml.zk.native.transcript import Messages, Transcript
from pyml.zk.native.witness import weight_columns

NAMES: Final = ("GW", "W", "GT", "M")


class WeightsProver(ProtocolRun):
    """One run of the protocol."""

    def __init__(
        self,
        layout: WeightsLayout,
        weights: Sequence[int],
        model_blind: int,
        masks: Masks,
        powers: Powers,
        transcript: Transcript,
    ) -> None:
        self.layout = layout
        self.model_blind = model_blind
        columns = {"W": weights, "M": self.count_weights(weights)}
        super().__init__(columns, masks, degree=layout.n, rows=layout.mask_rows, powers=powers, transcript=transcript)

    @property
    def masked_names(self) -> list[str]:
        """Message 5."""
        return list(NAMES)

    @property
    def half(self) -> int:
        """2^(w-1)."""
        return 1 << self.layout.shape.weight_bits - 1

    def count_weights(self, weights: Sequence[int]) -> list[int]:
        """M."""
        counts = [0] * (2 * self.half)
        for weight in weights:
            place = (weight + self.half) % R
            if place < len(counts):
                counts[place] += 1
        return counts

    def run(self) -> Messages:
        """All messages."""
        self.commit_stage1(self.layout.stage1)
        alpha = self.messages.challenge("alpha")
        self.messages.squeeze("beta")  # as in the other proofs; nothing here needs it
        outcome, opened, mask_sum = self.prove_constraints(alpha)
        sums = self.send_cover_sums()
        claims = [*self.column_claims(opened, outcome), *self.mask_sum_claims(outcome, mask_sum), *sums]
        self.prove_claims(claims)
        return self.messages

    def prove_constraints(self, alpha: int) -> tuple[Outcome, dict[str, int], int]:
        """Messages 2 to 5."""
        table = [(alpha + row) % R for row in range(2 * self.half)]
        shifted = [(alpha + weight + self.half) % R for weight in self.columns["W"]]
        self.columns["GW"] = invert_all(shifted)
        pairs = zip(self.columns["M"], invert_all(table), strict=True)
        self.columns["GT"] = [count * inverse % R for count, inverse in pairs]
        self.commit_stage2(self.layout.stage2)
        whole = Packing((Column("W", self.layout.nw, 0, 0),), 1)
        self.committed.add(whole, self.columns, [self.model_blind])
        tau, lam = self.draw_tau(self.layout.v)
        mask_sum = self.masks.libra_a.cube_sum()
        self.messages.send(mask_sum)
        terms = [self.weight_term(alpha, tau, lam), self.table_term(table, tau, lam)]
        outcome = run_sumcheck(self.messages, "rho", mask_sum, terms, self.rows.degrees_a, self.masks.libra_a)
        self.outcomes["SC-A"] = outcome
        opened = self.open_columns(NAMES, outcome)
        self.messages.send(*opened.values())
        return outcome, opened, mask_sum

    def weight_term(self, alpha: int, tau: Sequence[int], lam: int) -> Term:
        """GW = 1/(α + W + 2^(w-1)); W = 0 outside the layers."""
        cube = pow(lam, 3, R)

        def value(entry: Sequence[int]) -> int:
            g, weight, eq, invalid = entry
            return g + lam * eq % R * (g * (alpha + weight + self.half) - 1) + cube * eq % R * invalid * weight

        eq = eq_table(tau[len(tau) - self.layout.nw :])
        invalid = [1 - entry for entry in valid_places(self.layout)]
        masks = [self.mask_of["GW"], self.mask_of["W"]]
        return Term(value, [self.columns["GW"], self.columns["W"], eq, invalid], masks)

    def table_term(self, table: Sequence[int], tau: Sequence[int], lam: int) -> Term:
        """GT = M / DT."""
        square = pow(lam, 2, R)

        def value(entry: Sequence[int]) -> int:
            g, count, denominator, eq = entry
            return -g + square * eq % R * (g * denominator - count)

        eq = eq_table(tau[len(tau) - self.layout.shape.weight_bits :])
        masks = [self.mask_of["GT"], self.mask_of["M"]]
        return Term(value, [self.columns["GT"], self.columns["M"], table, eq], masks)


def weight_table(layout: WeightsLayout, network: IntegerNetwork) -> list[int]:
    """W as one column of 2^nw entries."""
    table = [0] * (1 << layout.nw)
    for name, entries in weight_columns(network).items():
        start = layout.model[name].offset
        table[start : start + len(entries)] = [entry % R for entry in entries]
    return table


def valid_places(layout: WeightsLayout) -> list[int]:
    """1 where a layer has a weight or a bias."""
    widths, table = layout.shape.widths, [0] * (1 << layout.nw)
    for layer in range(1, len(widths)):
        column = layout.model[f"W_{layer}"]
        outputs = (widths[layer] - 1).bit_length()
        for source in range(widths[layer - 1] + 1):
            start = column.offset + (source << outputs)
            table[start : start + widths[layer]] = [1] * widths[layer]
    return table
