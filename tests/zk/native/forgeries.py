"""Cheating provers: the reference prover on columns, openings or claims that are not what they should be.

A cheat keeps to the protocol wherever lying would not help it: after a change everything that depends on it is computed
again, multiplicities included, so that only the constraint in question is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pyml.crypto.bn254 import Point
from pyml.zk.native.key import first_transcript, key_digest
from pyml.zk.native.layout import Layout
from pyml.zk.native.reference.accuracy import AccuracyProver
from pyml.zk.native.reference.committed import lay
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.prove import prover_input
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.verifier import explain
from pyml.zk.native.witness import Columns, build_witness
from tests.zk.native.toy_cases import CONTEXT, POWERS, SECRETS, Case

Tamper = Callable[["Board"], None]


def open_board(case: Case) -> Board:
    """An honest witness."""
    layout = Layout(case.shape)
    witness = build_witness(layout, case.network, case.inputs, case.labels)
    return Board(case, layout, witness.columns, witness.count)


@dataclass(slots=True)
class Board:
    """An honest witness, to be changed in place."""

    case: Case
    layout: Layout
    columns: Columns
    count: int

    @property
    def wrong_sample(self) -> int:
        """A sample that the network gets wrong."""
        return self.columns["c"].index(0)

    @property
    def right_sample(self) -> int:
        return self.columns["c"].index(1)

    def margins(self, sample: int) -> list[int]:
        """D_ij of section 4, which is negative somewhere for a wrong answer; a row without a label has Z_iy = 0."""
        classes, start = self.case.shape.widths[-1], sample << self.layout.nc
        logits, label = self.columns["Z"][start : start + classes], self.columns["Y"][start : start + classes]
        of_label = sum(a * b for a, b in zip(logits, label, strict=True))
        return [of_label - logit - 1 + is_label for logit, is_label in zip(logits, label, strict=True)]

    def set_margins(self, sample: int, margins: Sequence[int]) -> None:
        """ML: whole limbs but for the highest, which takes what is left, whatever it is."""
        limbs, bits = self.case.shape.margin_limbs, self.case.shape.limb_bits
        for place, margin in enumerate(margins):
            start = (place << self.layout.nq) + (sample << self.layout.nq + self.layout.nc)
            for q in range(limbs):
                last = q == limbs - 1
                part = margin >> bits * q if last else margin >> bits * q & (1 << bits) - 1
                self.columns["ML"][start + q] = part

    def run_network(self) -> None:
        """Everything anew from X and W_l, whatever they are."""
        shape = self.case.shape
        for layer in self.layout.hidden_layers:
            dropped = shape.limb_bits - shape.shifts[layer - 1]
            offset = [(h << dropped) + (1 << 2 * shape.limb_bits - 1) for h in self.products(layer)]
            high = [entry >> shape.limb_bits for entry in offset]
            self.columns[f"L0_{layer}"] = [entry % (1 << shape.limb_bits) for entry in offset]
            self.columns[f"L1_{layer}"] = high
            self.columns[f"R_{layer}"] = [max(entry - (1 << shape.limb_bits - 1), 0) for entry in high]
        self.run_last_layer()

    def run_last_layer(self) -> None:
        """Z, ML, c, M and the count from the last hidden layer as it stands."""
        self.columns["Z"] = self.products(self.layout.hidden + 1)
        self.claim_what_is_right()
        self.recount()

    def products(self, layer: int) -> list[int]:
        """h_l over (output, sample)."""
        name, variables = ("X", self.layout.nx) if layer == 1 else (f"R_{layer - 1}", self.layout.nh(layer - 1))
        width, outputs = 1 << variables, 1 << self.layout.nh(layer)
        rows = np.array(self.columns[name]).reshape(-1, width)
        weights = np.array(self.columns[f"W_{layer}"]).reshape(-1, outputs)
        bias = weights[self.case.shape.widths[layer - 1]] * self.case.shape.bias_units[layer - 1]
        return [int(h) for row in rows @ weights[:width] + bias for h in row]

    def claim_what_is_right(self) -> None:
        """c, ML and the count anew from Z."""
        for sample in range(self.case.shape.samples):
            margins = self.margins(sample)
            right = min(margins) >= 0
            self.columns["c"][sample] = int(right)
            self.set_margins(sample, margins if right else [0] * len(margins))
        self.count = sum(self.columns["c"])

    def recount(self) -> None:
        """M, for all entries that are rows of the table."""
        size = 1 << self.case.shape.limb_bits
        counts = [0] * (2 * size)
        limbs = [*self.columns["ML"], *(e for layer in self.layout.hidden_layers for e in self.columns[f"L0_{layer}"])]
        for entry in limbs:
            if 0 <= entry < size:
                counts[entry] += 1
        for layer in self.layout.hidden_layers:
            for high in self.columns[f"L1_{layer}"]:
                if 0 <= high < size:
                    counts[size + high] += 1
        self.columns["M"] = counts


@dataclass(frozen=True, slots=True)
class Forged:
    """What came of it."""

    false_sums: frozenset[str]
    """The sum-checks whose claims are not true of what the prover committed to."""
    refusal: Refusal | None
    count: int = field(default=0, compare=False)
    proof: bytes = field(default=b"", compare=False)


def forge(case: Case, tamper: Tamper, prover: type[AccuracyProver] = AccuracyProver) -> Forged:
    """Tamper with the witness, prove as well as can be, and ask the verifier under the honest key."""
    board = open_board(case)
    tamper(board)
    return prove_board(board, prover)


def prove_board(board: Board, prover: type[AccuracyProver] = AccuracyProver) -> Forged:
    """The proof that the columns give, and what the verifier says."""
    key = board.case.key
    commitment = commit_columns(board.layout, board.columns)
    given = prover_input(board.layout, board.columns, board.count, SECRETS)
    run = prover(given, POWERS, first_transcript(key_digest(key), commitment, [CONTEXT, board.count]))
    proof = NativeProof(commitment, tuple(run.run().words))
    false = frozenset(name for name, outcome in run.outcomes.items() if outcome.claim != outcome.value)
    refusal = explain(key, Point(*commitment), CONTEXT, board.count, proof.encode())
    return Forged(false, refusal, board.count, proof.encode())


def commit_columns(layout: Layout, columns: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    """C_W of the columns' weights, whatever they are."""
    (polynomial,) = lay(layout.model, columns, layout.n)
    return POWERS.commit(polynomial, SECRETS.model_blind)


def negative_padding(case: Case) -> Case:
    """The case with biases such that a padding row's logits are all negative."""
    first, last = case.network.layers
    layers = (replace(first, bias=-np.abs(first.bias)), replace(last, bias=np.full_like(last.bias, -1)))
    return replace(case, network=replace(case.network, layers=layers))
