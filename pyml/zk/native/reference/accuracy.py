"""The prover of accuracy: messages 1 to 12.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5 to 8. Each method is a step of section 5's table, or what one
sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.layout import Layout
from pyml.zk.native.masks import Libra, Masks
from pyml.zk.native.reference.claims import Claim, Part
from pyml.zk.native.reference.committed import libra_claims
from pyml.zk.native.reference.constraints import (
    ConstraintChallenges,
    LookupChallenges,
    constraint_terms,
    lookup_table,
)
from pyml.zk.native.reference.multilinear import eq_table, evaluate, invert_all
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.reference.products import (
    high_factor,
    limb_factors,
    output_point,
    product_claims,
    product_terms,
    sample_point,
)
from pyml.zk.native.reference.protocol import ProtocolRun, suffix
from pyml.zk.native.reference.sumcheck import Outcome, Term, run_sumcheck
from pyml.zk.native.transcript import Messages, Transcript


@dataclass(frozen=True, slots=True, repr=False)
class ProverInput:
    """All that a proof is made from."""

    layout: Layout
    columns: Mapping[str, Sequence[int]]
    """Stage 1 but K, Z, Y, W_l, and X over (feature, sample), entries modulo r."""
    count: int
    model_blind: int
    masks: Masks

    def __repr__(self) -> str:
        return f"ProverInput({self.layout.shape}, secret)"


class AccuracyProver(ProtocolRun):
    """One run of the protocol."""

    def __init__(self, given: ProverInput, powers: Powers, transcript: Transcript) -> None:
        self.layout = given.layout
        self.count = given.count
        self.model_blind = given.model_blind
        super().__init__(
            {**given.columns, **data_chunks(given.layout, given.columns["X"])},
            given.masks,
            degree=given.layout.n,
            rows=given.layout.mask_rows,
            powers=powers,
            transcript=transcript,
        )

    def run(self) -> Messages:
        """All messages."""
        lookup = self.send_witness()
        constraints, opened = self.prove_constraints(self.send_helpers(lookup))
        products, multiplied = self.prove_products(constraints, opened)
        sums = self.send_cover_sums()
        claims = [
            *self.column_claims({name: opened[name] for name in self.claimed_names}, constraints),
            *self.factor_claims(constraints, products, multiplied),
            *self.mask_sum_claims(constraints, self.mask_sum_a),
            *self.product_mask_claims(constraints, products),
            *sums,
            *self.further_claims(),
        ]
        self.prove_claims(claims)
        return self.messages

    @property
    def masked_names(self) -> list[str]:
        """Message 5 but Y."""
        layers = [f"{name}_{layer}" for layer in self.layout.hidden_layers for name in ("G", "L0", "L1", "R")]
        return [*layers, "GM", "ML", "GT", "M", "c", "Z"]

    @property
    def opened_names(self) -> list[str]:
        """Message 5."""
        return [*self.masked_names, "Y"]

    @property
    def claimed_names(self) -> list[str]:
        """What SC-C proves of message 5; Z is committed nowhere, and is SC-B's business."""
        return [name for name in self.opened_names if name != "Z"]

    @property
    def product_names(self) -> list[str]:
        """Message 8 but X; A_l is R'_{l-1}."""
        return ["W_1", *(f"{name}_{layer}" for layer in self.layout.layers[1:] for name in ("A", "W"))]

    def send_witness(self) -> LookupChallenges:
        """Message 1."""
        self.commit_stage1(self.layout.stage1)
        return LookupChallenges(self.messages.challenge("alpha"), self.messages.squeeze("beta"))

    def send_helpers(self, lookup: LookupChallenges) -> ConstraintChallenges:
        """Message 2; W and the data are committed to already."""
        self.columns |= self.helper_columns(lookup)
        self.commit_stage2(self.layout.stage2)
        self.committed.add(self.layout.model, self.columns, [self.model_blind])
        self.committed.add(self.layout.data, self.columns, [0] * self.layout.data.polynomials)
        return ConstraintChallenges(lookup, *self.draw_tau(self.layout.v))

    def helper_columns(self, lookup: LookupChallenges) -> dict[str, list[int]]:
        """G_l, GM, GT."""
        helpers: dict[str, list[int]] = {}
        for layer in self.layout.hidden_layers:
            low, high, output = (self.columns[f"{name}_{layer}"] for name in ("L0", "L1", "R"))
            by_low = invert_all([lookup.limb(entry) for entry in low])
            by_high = invert_all([lookup.activation(*pair) for pair in zip(high, output, strict=True)])
            helpers[f"G_{layer}"] = [(a + b) % R for a, b in zip(by_low, by_high, strict=True)]
        helpers["GM"] = invert_all([lookup.limb(entry) for entry in self.columns["ML"]])
        by_row = invert_all(lookup_table(self.layout, lookup))
        helpers["GT"] = [count * inverse % R for count, inverse in zip(self.columns["M"], by_row, strict=True)]
        return helpers

    def prove_constraints(self, challenges: ConstraintChallenges) -> tuple[Outcome, dict[str, int]]:
        """Messages 3 to 5: SC-A, and the columns where it ends."""
        self.mask_sum_a = self.masks.libra_a.cube_sum()
        self.messages.send(self.mask_sum_a)
        claim = (pow(challenges.lam, self.layout.hidden + 5, R) * self.count + self.mask_sum_a) % R
        terms = self.constraint_terms(challenges)
        outcome = run_sumcheck(self.messages, "rho", claim, terms, self.rows.degrees_a, self.masks.libra_a)
        self.outcomes["SC-A"] = outcome
        opened = self.open_columns(self.opened_names, outcome)
        self.messages.send(*opened.values())
        return outcome, opened

    def constraint_terms(self, challenges: ConstraintChallenges) -> list[Term]:
        """The summand of SC-A without its mask."""
        return constraint_terms(self.layout, self.columns, self.mask_of, challenges)

    def prove_products(self, constraints: Outcome, opened: Mapping[str, int]) -> tuple[Outcome, dict[str, int]]:
        """Messages 6 to 8: SC-B, and its factors where it ends."""
        mu = self.messages.challenge("mu")
        masked = sum(weight * self.mask_of[name] for name, weight in self.product_masks(constraints, mu))
        self.mask_sum_b = (self.libra_b.cube_sum() - masked) % R
        self.messages.send(self.mask_sum_b)
        claims = product_claims(self.layout, opened)
        claim = sum(pow(mu, place, R) * value for place, value in enumerate(claims)) + self.mask_sum_b
        terms = product_terms(self.layout, self.activations, self.columns, self.mask_of, mu, constraints.point)
        outcome = run_sumcheck(self.messages, "r", claim % R, terms, self.rows.degrees_b, self.libra_b)
        self.outcomes["SC-B"] = outcome
        multiplied = self.open_factors(constraints, outcome)
        self.messages.send(*multiplied.values())
        return outcome, multiplied

    @property
    def activations(self) -> list[Sequence[int]]:
        """A_1 … A_{L+1}."""
        return [self.columns["X"], *(self.columns[f"R_{layer}"] for layer in self.layout.hidden_layers)]

    @property
    def libra_b(self) -> Libra:
        """p_B."""
        if self.masks.libra_b is None:
            raise AssertionError("masks of the proof of weights")
        return self.masks.libra_b

    def product_masks(self, constraints: Outcome, mu: int) -> list[tuple[str, int]]:
        """What the masks of L0, L1, Z add to the claim of SC-B, as a form: (name of a mask, weight)."""
        factor, weights = constraints.last_factor, list[tuple[str, int]]()
        for layer in self.layout.hidden_layers:
            low, high = limb_factors(self.layout, layer)
            power = factor * pow(mu, layer - 1, R)
            weights += [(f"L0_{layer}", power * low % R), (f"L1_{layer}", power * high % R)]
        return [*weights, ("Z", factor * pow(mu, self.layout.hidden, R) % R)]

    def open_factors(self, constraints: Outcome, outcome: Outcome) -> dict[str, int]:
        """Message 8 in its order: X, W_1, then A_l, W_l."""
        layout, opened = self.layout, dict[str, int]()
        for layer in layout.layers:
            inputs = suffix(outcome.point, 1 << layout.nk(layer))
            width = layout.nx if layer == 1 else layout.nh(layer - 1)
            at_sample = [*inputs[:width], *sample_point(layout, constraints.point)]
            plain = high_factor(layout, layer, inputs) * evaluate(self.activations[layer - 1], at_sample)
            opened["X" if layer == 1 else f"A_{layer}"] = plain % R
            at_output = [*output_point(layout, layer, constraints.point), *inputs]
            opened[f"W_{layer}"] = evaluate(self.columns[f"W_{layer}"], at_output)
        for name in self.product_names:
            opened[name] = (opened[name] + outcome.last_factor * self.mask_of[name]) % R
        return opened

    def factor_claims(self, constraints: Outcome, products: Outcome, multiplied: Mapping[str, int]) -> list[Claim]:
        """About message 8."""
        layout, claims = self.layout, list[Claim]()
        for layer in layout.layers:
            inputs = suffix(products.point, 1 << layout.nk(layer))
            name, weight = "X" if layer == 1 else f"A_{layer}", f"W_{layer}"
            parts = self.input_parts(layer, inputs, sample_point(layout, constraints.point))
            at_output = self.committed.at(weight, [*output_point(layout, layer, constraints.point), *inputs])
            claims += [
                Claim(multiplied[name], (*parts, *self.masks_at([name], products.last_factor))),
                Claim(multiplied[weight], (at_output, self.mask_part(weight, products.last_factor))),
            ]
        return claims

    def input_parts(self, layer: int, inputs: Sequence[int], sample: Sequence[int]) -> list[Part]:
        """hi_l·A_l: from R_{l-1}, or from the samples."""
        high = high_factor(self.layout, layer, inputs)
        if layer == 1:
            return self.sample_parts(inputs, sample, high)
        return [self.committed.at(f"R_{layer - 1}", [*inputs[: self.layout.nh(layer - 1)], *sample], high)]

    def sample_parts(self, inputs: Sequence[int], sample: Sequence[int], factor: int) -> list[Part]:
        """factor·X from its chunks."""
        layout = self.layout
        of_chunk = eq_table(inputs[layout.nlow : layout.nx])
        point = [*inputs[: layout.nlow], *sample]
        return [self.committed.at(f"X_{chunk}", point, factor * of_chunk[chunk]) for chunk in range(layout.chunks)]

    def product_mask_claims(self, constraints: Outcome, products: Outcome) -> list[Claim]:
        """K_B, p_B(r)."""
        value = self.libra_b.at(products.point)
        whole, at_point = libra_claims(
            self.committed, self.libra_b, self.rows.row_b, self.mask_sum_b, products.point, value
        )
        masked = self.product_masks(constraints, self.messages.challenges["mu"])
        parts = [self.mask_part(name, -weight % R) for name, weight in masked]
        return [Claim(whole.value, (*whole.parts, *parts)), at_point]

    def further_claims(self) -> list[Claim]:
        """None about committed data; inference has some about its input."""
        return []


def data_chunks(layout: Layout, samples: Sequence[int]) -> dict[str, list[int]]:
    """X_κ: features κ·2^nlow … of every sample."""
    width, chunk = 1 << layout.nx, 1 << layout.nlow
    rows = [samples[start : start + width] for start in range(0, len(samples), width)]
    return {
        f"X_{place}": [entry for row in rows for entry in row[place * chunk : (place + 1) * chunk]]
        for place in range(layout.chunks)
    }
