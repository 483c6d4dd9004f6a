"""The prover of accuracy: messages 1 to 12.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5 to 8. Each method is a step of section 5's table; a method that
computes what is sent is apart from the step that sends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import ProofError
from pyml.zk.native.layout import MASKS_PER_ROW, Layout
from pyml.zk.native.masks import Libra, Masks, mask_column
from pyml.zk.native.packing import Column, Packing
from pyml.zk.native.reference.claims import Claim, Part, run_combination
from pyml.zk.native.reference.committed import Committed, cover_weights, libra_claims, spare_part
from pyml.zk.native.reference.constraints import (
    ConstraintChallenges,
    LookupChallenges,
    constraint_terms,
    lookup_table,
)
from pyml.zk.native.reference.multilinear import eq_table, evaluate, inner, invert_all
from pyml.zk.native.reference.opening import send_opening
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.reference.products import (
    high_factor,
    limb_factors,
    output_point,
    product_claims,
    product_terms,
    sample_point,
)
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


class AccuracyProver:
    """One run of the protocol."""

    def __init__(self, given: ProverInput, powers: Powers, transcript: Transcript) -> None:
        self.layout = given.layout
        self.count = given.count
        self.model_blind = given.model_blind
        self.masks = given.masks
        self.columns: dict[str, Sequence[int]] = dict(given.columns)
        self.columns["K"] = mask_column(given.masks, given.layout.mask_rows)
        self.columns |= chunk_columns(given.layout, given.columns["X"])
        self.messages = Messages(transcript)
        self.committed = Committed(powers, given.layout.n)
        self.mask_of = self._name_masks()
        self.outcomes: dict[str, Outcome] = {}

    def run(self) -> Messages:
        """All messages."""
        constraints, opened = self.prove_constraints(self.send_helpers(self.send_witness()))
        products, multiplied = self.prove_products(constraints, opened)
        theta, sums = self.send_mask_sums()
        claims = [
            *self.column_claims(constraints, opened),
            *self.product_claims(constraints, products, multiplied),
            *self.mask_claims(constraints, products),
            *self.cover_claims(theta, sums),
        ]
        self.prove_claims(claims)
        return self.messages

    def send_witness(self) -> LookupChallenges:
        """Message 1."""
        stage = self.layout.stage1
        blinds = self.masks.blinds[: stage.polynomials + 1]
        points = self.committed.add(stage, self.columns, blinds[:-1])
        cover = Packing((Column("S", self.layout.n, 0, 0),), 1)
        points += self.committed.add(cover, {"S": self.masks.cover}, blinds[-1:])
        self.messages.send_points(points)
        return LookupChallenges(self.messages.challenge("alpha"), self.messages.squeeze("beta"))

    def send_helpers(self, lookup: LookupChallenges) -> ConstraintChallenges:
        """Message 2."""
        self.columns |= self.helper_columns(lookup)
        blinds = self.masks.blinds[self.layout.stage1.polynomials + 1 :]
        self.messages.send_points(self.committed.add(self.layout.stage2, self.columns, blinds))
        self.committed.add(self.layout.model, self.columns, [self.model_blind])
        self.committed.add(self.layout.data, self.columns, [0] * self.layout.data.polynomials)
        tau = [self.messages.challenge("tau_0")]
        tau += [self.messages.squeeze(f"tau_{place}") for place in range(1, self.layout.v)]
        return ConstraintChallenges(lookup, tuple(tau), self.messages.squeeze("lambda"))

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
        layout, rows = self.layout, self.layout.mask_rows
        self.mask_sum_a = self.masks.libra_a.cube_sum()
        self.messages.send(self.mask_sum_a)
        claim = (pow(challenges.lam, layout.hidden + 5, R) * self.count + self.mask_sum_a) % R
        terms = self.constraint_terms(challenges)
        outcome = run_sumcheck(self.messages, "rho", claim, terms, rows.degrees_a, self.masks.libra_a)
        self.outcomes["SC-A"] = outcome
        opened = self.open_columns(outcome)
        self.messages.send(*(opened[name] for name in self.opened_names))
        return outcome, opened

    def constraint_terms(self, challenges: ConstraintChallenges) -> list[Term]:
        """The summand of SC-A."""
        return constraint_terms(self.layout, self.columns, self.mask_of, challenges)

    @property
    def opened_names(self) -> list[str]:
        """Message 5, in its order."""
        return [*self.masked_names, "Y"]

    @property
    def masked_names(self) -> list[str]:
        """The masked evaluations of message 5."""
        layers = [f"{name}_{layer}" for layer in self.layout.hidden_layers for name in ("G", "L0", "L1", "R")]
        return [*layers, "GM", "ML", "GT", "M", "c", "Z"]

    def open_columns(self, outcome: Outcome) -> dict[str, int]:
        """Every column of message 5 at the last coordinates of ρ, masked but for Y."""
        opened: dict[str, int] = {}
        for name in [*self.masked_names, "Y"]:
            table = self.columns[name]
            plain = evaluate(table, self.suffix(outcome.point, len(table)))
            opened[name] = (plain + outcome.last_factor * self.mask_of.get(name, 0)) % R
        return opened

    @staticmethod
    def suffix(point: Sequence[int], size: int) -> Sequence[int]:
        """The coordinates at which a column of ``size`` entries is taken."""
        return point[len(point) - (size.bit_length() - 1) :]

    def prove_products(self, constraints: Outcome, opened: Mapping[str, int]) -> tuple[Outcome, dict[str, int]]:
        """Messages 6 to 8: SC-B, and its factors where it ends."""
        mu = self.messages.challenge("mu")
        libra = self.libra_b
        self.mask_sum_b = (libra.cube_sum() - self.masked_products(constraints, mu)) % R
        self.messages.send(self.mask_sum_b)
        claims = product_claims(self.layout, opened)
        claim = sum(pow(mu, place, R) * value for place, value in enumerate(claims)) + self.mask_sum_b
        terms = product_terms(self.layout, self.activations, self.columns, self.mask_of, mu, constraints.point)
        degrees = self.layout.mask_rows.degrees_b
        outcome = run_sumcheck(self.messages, "r", claim % R, terms, degrees, libra)
        self.outcomes["SC-B"] = outcome
        multiplied = self.open_factors(constraints, outcome)
        self.messages.send(*multiplied.values())
        return outcome, multiplied

    @property
    def activations(self) -> list[Sequence[int]]:
        """A_1 … A_{L+1}."""
        return [self.columns["X"], *(self.columns[f"R_{layer}"] for layer in self.layout.hidden_layers)]

    def masked_products(self, constraints: Outcome, mu: int) -> int:
        """What the masks of Z, L0, L1 add to the claim of SC-B."""
        return sum(weight * self.mask_of[name] for name, weight in self.product_masks(constraints, mu)) % R

    def product_masks(self, constraints: Outcome, mu: int) -> list[tuple[str, int]]:
        """The same as a form: (name of a mask, weight)."""
        factor, weights = constraints.last_factor, list[tuple[str, int]]()
        for layer in self.layout.hidden_layers:
            low, high = limb_factors(self.layout, layer)
            power = pow(mu, layer - 1, R)
            weights += [(f"L0_{layer}", factor * power * low % R), (f"L1_{layer}", factor * power * high % R)]
        return [*weights, ("Z", factor * pow(mu, self.layout.hidden, R) % R)]

    def open_factors(self, constraints: Outcome, outcome: Outcome) -> dict[str, int]:
        """Message 8 in its order: X, W_1, then A_l, W_l."""
        layout, opened = self.layout, dict[str, int]()
        for layer in layout.layers:
            inputs = self.suffix(outcome.point, 1 << layout.nk(layer))
            width = layout.nx if layer == 1 else layout.nh(layer - 1)
            name = "X" if layer == 1 else f"A_{layer}"
            at_sample = [*inputs[:width], *sample_point(layout, constraints.point)]
            opened[name] = high_factor(layout, layer, inputs) * evaluate(self.activations[layer - 1], at_sample) % R
            at_output = [*output_point(layout, layer, constraints.point), *inputs]
            opened[f"W_{layer}"] = evaluate(self.columns[f"W_{layer}"], at_output)
        for name in self.product_names:
            opened[name] = (opened[name] + outcome.last_factor * self.mask_of[name]) % R
        return opened

    @property
    def product_names(self) -> list[str]:
        """The masked evaluations of message 8, in its order."""
        later = [f"{name}_{layer}" for layer in self.layout.layers[1:] for name in ("A", "W")]
        return ["W_1", *later]

    def send_mask_sums(self) -> tuple[int, tuple[int, int]]:
        """Message 9: θ, and K_S, K_T."""
        theta = self.messages.challenge("theta")
        sums = inner(self.masks.cover, cover_weights(theta, self.layout.n)), sum(self.masks.spares) % R
        self.messages.send(*sums)
        return theta, sums

    def column_claims(self, constraints: Outcome, opened: Mapping[str, int]) -> list[Claim]:
        """About the columns of message 5, Z apart."""
        claims: list[Claim] = []
        for name in self.opened_names:
            if name == "Z":  # proved by SC-B, and committed nowhere
                continue
            parts = [self.committed.at(name, self.suffix(constraints.point, len(self.columns[name])))]
            if name in self.mask_of:
                parts.append(self.mask_part(name, constraints.last_factor))
            claims.append(Claim(opened[name], tuple(parts)))
        return claims

    def product_claims(self, constraints: Outcome, products: Outcome, multiplied: Mapping[str, int]) -> list[Claim]:
        """About the factors of message 8."""
        claims: list[Claim] = []
        for layer in self.layout.layers:
            inputs = self.suffix(products.point, 1 << self.layout.nk(layer))
            name = "X" if layer == 1 else f"A_{layer}"
            parts = self.input_parts(layer, inputs, sample_point(self.layout, constraints.point))
            weights = [*output_point(self.layout, layer, constraints.point), *inputs]
            claims += [
                Claim(multiplied[name], (*parts, *self.masks_at([name], products.last_factor))),
                Claim(
                    multiplied[f"W_{layer}"],
                    (self.committed.at(f"W_{layer}", weights), self.mask_part(f"W_{layer}", products.last_factor)),
                ),
            ]
        return claims

    def input_parts(self, layer: int, inputs: Sequence[int], sample: Sequence[int]) -> list[Part]:
        """hi_l·A_l: from the chunks of X, or from R_{l-1}."""
        layout, high = self.layout, high_factor(self.layout, layer, inputs)
        if layer > 1:
            return [self.committed.at(f"R_{layer - 1}", [*inputs[: layout.nh(layer - 1)], *sample], high)]
        of_chunk = eq_table(inputs[layout.nlow : layout.nx])
        point = [*inputs[: layout.nlow], *sample]
        return [self.committed.at(f"X_{chunk}", point, high * of_chunk[chunk] % R) for chunk in range(layout.chunks)]

    def mask_claims(self, constraints: Outcome, products: Outcome) -> list[Claim]:
        """K_A, p_A(ρ), K_B, p_B(r)."""
        rows, libra_a, libra_b = self.layout.mask_rows, self.masks.libra_a, self.libra_b
        value_a, value_b = libra_a.at(constraints.point), libra_b.at(products.point)
        of_a = libra_claims(self.committed, libra_a, 0, self.mask_sum_a, constraints.point, value_a)
        whole, at_point = libra_claims(self.committed, libra_b, rows.row_b, self.mask_sum_b, products.point, value_b)
        masked = self.product_masks(constraints, self.messages.challenges["mu"])
        whole = Claim(whole.value, (*whole.parts, *(self.mask_part(name, -weight % R) for name, weight in masked)))
        return [*of_a, whole, at_point]

    def cover_claims(self, theta: int, sums: tuple[int, int]) -> list[Claim]:
        """K_S, K_T."""
        cover = self.committed.part("S", cover_weights(theta, self.layout.n))
        return [Claim(sums[0], (cover,)), Claim(sums[1], (spare_part(self.committed, self.layout.mask_rows),))]

    def prove_claims(self, claims: Sequence[Claim]) -> None:
        """Messages 10 to 12: SC-C, b_F, the opening."""
        gamma = self.messages.challenge("gamma")
        committed = self.committed
        ended = run_combination(self.messages, claims, committed.polynomials, gamma, self.layout.n)
        self.messages.send(inner(ended.weights, committed.blinds))
        send_opening(self.messages, committed.powers, ended.coefficients, ended.outcome.point)
        self.outcomes["SC-C"] = ended.outcome

    def masks_at(self, names: Sequence[str], factor: int) -> list[Part]:
        """Forms on those masks that exist."""
        return [self.mask_part(name, factor) for name in names if name in self.mask_of]

    def mask_part(self, name: str, factor: int) -> Part:
        """factor · mask of an evaluation."""
        rows = self.layout.mask_rows
        if name in self.masked_names:
            place = rows.row_masks_a * MASKS_PER_ROW + self.masked_names.index(name)
        else:
            place = rows.row_masks_b * MASKS_PER_ROW + self.product_names.index(name)
        return self.committed.part("K", [factor], place)

    @property
    def libra_b(self) -> Libra:
        """p_B, which every proof but that of weights has."""
        if self.masks.libra_b is None:
            raise AssertionError("masks of another kind of proof")
        return self.masks.libra_b

    def _name_masks(self) -> dict[str, int]:
        names = [*self.masked_names, *self.product_names]
        return dict(zip(names, [*self.masks.masks_a, *self.masks.masks_b], strict=True))

    def require_true(self) -> None:
        """Raise ``ProofError`` if a sum-check ended in a false claim: the witness breaks a constraint."""
        for name, outcome in self.outcomes.items():
            if outcome.claim != outcome.value:
                raise ProofError(f"the witness does not satisfy the claim of {name}")


def chunk_columns(layout: Layout, samples: Sequence[int]) -> dict[str, list[int]]:
    """X_κ: features κ·2^nlow … of every sample."""
    width, chunk = 1 << layout.nx, 1 << layout.nlow
    rows = [samples[start : start + width] for start in range(0, len(samples), width)]
    return {
        f"X_{place}": [entry for row in rows for entry in row[place * chunk : (place + 1) * chunk]]
        for place in range(layout.chunks)
    }
