"""The last claims of the sumchecks: what the summand is at ρ, at r, and in the proof of weights, without its mask.

Source: ``circuits/native_accuracy/SPEC.md``, sections 6 and 9, term by term in the order written there. What a last
claim leaves over is p_A(ρ) or p_B(r), which SC-C holds against column K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.verifier_field import below, eq, eq_at, eq_table, inner, invert, last
from pyml.zk.native.verifier_layout import Layout, WeightLayout

Values = Mapping[str, int]
"""Evaluations that were sent, by the column's name."""


@dataclass(frozen=True, slots=True)
class MainPoint:
    """Challenges of messages 1 to 4."""

    alpha: int
    beta: int
    tau: Sequence[int]
    lam: int
    rho: Sequence[int]

    def eq_last(self, count: int) -> int:
        """eq_t of section 6."""
        return eq(last(self.tau, count), last(self.rho, count))

    def shrink(self, count: int) -> int:
        """s_t = 2^−(v−t), section 2."""
        return invert(pow(2, len(self.rho) - count, R))


def main_summand(layout: Layout, at: MainPoint, sent: Values) -> int:
    """SC-A: the summand of section 6 at ρ without p_A."""
    lookups = sum(_layer_lookups(layout, at, sent, layer) for layer in range(1, layout.shape.hidden_layers + 1))
    tag_row = _table_row(at.alpha, at.beta, last(at.rho, layout.table))
    table = pow(at.lam, layout.shape.hidden_layers + 2, R) * at.eq_last(layout.table)
    table = at.shrink(layout.table) * (-sent["GT"] + table * (sent["GT"] * tag_row - sent["M"]))
    return (lookups + _margin_lookup(layout, at, sent) + table + _margins(layout, at, sent)) % R


def product_targets(layout: Layout, sent: Values) -> list[int]:
    """T_1 … T_{L+1} of SC-B."""
    bits, targets = layout.shape.limb_bits, list[int]()
    for layer, shift in enumerate(layout.shape.shifts, start=1):
        limbs = sent[f"L0_{layer}"] + (sent[f"L1_{layer}"] << bits) - (1 << 2 * bits - 1)
        targets.append(limbs * invert(1 << bits - shift) % R)
    return [*targets, sent["Z"]]


def layer_point(layout: Layout, layer: int, r: Sequence[int]) -> Sequence[int]:
    """r^(l) = r[nk − nk_l:]."""
    return last(r, layout.nk[layer - 1])


def zero_extension(layout: Layout, layer: int, r: Sequence[int]) -> int:
    """hi_l = 1 − r^(l)[t] if nk_l = t + 1, else 1."""
    t = layout.input_variables[layer - 1]
    return 1 if layout.nk[layer - 1] == t else (1 - layer_point(layout, layer, r)[t]) % R


def product_summand(layout: Layout, mu: int, r: Sequence[int], sent: Values) -> int:
    """SC-B: the summand at r without p_B. ``sent`` has X for layer 1 and R'_{l−1} for the others, times hi_l."""
    total = 0
    for layer, nk in enumerate(layout.nk, start=1):
        entering = sent["X" if layer == 1 else f"R'_{layer - 1}"]
        bias = layout.shape.bias_units[layer - 1] * eq_at(layout.shape.widths[layer - 1], layer_point(layout, layer, r))
        scale = invert(1 << layout.rounds_b - nk) * pow(mu, layer - 1, R)
        total += scale * (entering + bias) % R * sent[f"W_{layer}"]
    return total % R


def weights_summand(layout: WeightLayout, at: MainPoint, sent: Values) -> int:
    """Section 9: the summand at ρ without p_A."""
    w, lam, nw = layout.shape.weight_bits, at.lam, layout.nw
    point, eq_w = last(at.rho, nw), at.eq_last(nw)
    ranges = sent["GW"] * (at.alpha + sent["W"] + (1 << w - 1)) - 1
    first = sent["GW"] + lam * eq_w * ranges + lam**3 * eq_w * (1 - valid(layout, point)) * sent["W"]
    row = at.alpha + inner((1 << k for k in range(w)), last(at.rho, w))
    second = -sent["GT"] + lam**2 * at.eq_last(w) * (sent["GT"] * row - sent["M"])
    return (at.shrink(nw) * first + at.shrink(w) * second) % R


def valid(layout: WeightLayout, point: Sequence[int]) -> int:
    """Σ_l pre_l·[output < d_l]·[input ≤ d_{l−1}]: where a weight or a bias lies in W."""
    widths, total = layout.shape.widths, 0
    for layer in range(1, len(widths)):
        place = layout.weights[f"W_{layer}"]
        outputs = place.variables - (widths[layer - 1]).bit_length()  # lg(d + 1) is the bit length of d
        inside = below(widths[layer], point[:outputs]) * below(widths[layer - 1] + 1, point[outputs : place.variables])
        total += place.prefix(point) * inside
    return total % R


def _layer_lookups(layout: Layout, at: MainPoint, sent: Values, layer: int) -> int:
    count = layout.nh[layer - 1] + layout.ni
    helper = sent[f"G_{layer}"]
    d0 = at.alpha + sent[f"L0_{layer}"]
    d1 = at.alpha + sent[f"L1_{layer}"] + at.beta * sent[f"R_{layer}"] + at.beta**2
    relation = pow(at.lam, layer, R) * at.eq_last(count) * (helper * d0 % R * d1 - d0 - d1)
    return at.shrink(count) * (helper + relation)


def _margin_lookup(layout: Layout, at: MainPoint, sent: Values) -> int:
    layers, bits = layout.shape.hidden_layers, layout.shape.limb_bits
    limb = last(at.rho, layout.tm)[: layout.nq]
    w = sum((1 << bits * q) * eq_at(q, limb) for q in range(layout.shape.margin_limbs))
    lookup = pow(at.lam, layers + 1, R) * at.eq_last(layout.tm) * (sent["GM"] * (at.alpha + sent["ML"]) - 1)
    limbs = pow(at.lam, layers + 3, R) * at.eq_last(layout.tz) * w % R * sent["ML"]
    return at.shrink(layout.tm) * (sent["GM"] + lookup - limbs)


def _margins(layout: Layout, at: MainPoint, sent: Values) -> int:
    """N4 without its limbs, N5 and N6."""
    layers, classes, c, y, z = layout.shape.hidden_layers, layout.shape.widths[-1], sent["c"], sent["Y"], sent["Z"]
    asked = eq_table(last(at.tau, layout.tz)[: layout.nc])[:classes]
    a = sum(asked)
    e = inner(asked, eq_table(last(at.rho, layout.tz)[: layout.nc])[:classes])
    eq_ni, margin = at.eq_last(layout.ni), pow(at.lam, layers + 3, R)
    difference = (a * y - e) * z + e * y - a * invert(1 << layout.nc)
    summed = at.shrink(layout.tz) * c * (margin * eq_ni % R * difference + pow(at.lam, layers + 5, R) * y)
    return summed + at.shrink(layout.ni) * pow(at.lam, layers + 4, R) * eq_ni * (c * c - c)


def _table_row(alpha: int, beta: int, x: Sequence[int]) -> int:
    """DT: row x of the table of T variables, compressed, plus α."""
    bits = len(x) - 1
    number = inner((1 << k for k in range(bits)), x[:bits])
    positive = x[bits - 1] * inner((1 << k for k in range(bits - 1)), x[: bits - 1])
    return (alpha + number + x[bits] * (beta * positive + beta * beta)) % R
