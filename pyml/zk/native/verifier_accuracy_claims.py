"""The claims of SC-C for accuracy and inference: which table, which weights, which value, in which order.

Source: ``circuits/native_accuracy/SPEC.md``, section 6 (SC-C), section 7 (masks in K) and section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.verifier_claims import Claims, Term, blinding, column, entries, libra_sum, libra_value, merged
from pyml.zk.native.verifier_field import eq_at, geometric, geometric_below, last
from pyml.zk.native.verifier_layout import Layout
from pyml.zk.native.verifier_packing import ENTRIES_A_ROW
from pyml.zk.native.verifier_sums import MainPoint, Values, layer_point, zero_extension


@dataclass(frozen=True, slots=True)
class Inference:
    """What section 10 makes public besides the context ρ."""

    context: int
    evaluation: int
    label: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages 3 to 9 and what follows from them."""

    main: MainPoint
    values: Values
    """Messages 5 and 8, and Y of inference."""
    mu: int
    r: list[int]
    k_a: int
    p_a: int
    k_b: int
    p_b: int
    k_s: int
    k_t: int
    theta: int
    main_degrees: list[int]
    product_degrees: list[int]


def main_names(layers: int) -> list[str]:
    """Message 5 without Y: the evaluations that have masks, in their order."""
    each = [f"{name}_{layer}" for layer in range(1, layers + 1) for name in ("G", "L0", "L1", "R")]
    return [*each, "GM", "ML", "GT", "M", "c", "Z"]


def product_names(layers: int) -> list[str]:
    """Message 8 without X."""
    return ["W_1", *(name for layer in range(2, layers + 2) for name in (f"R'_{layer - 1}", f"W_{layer}"))]


def gather_claims(layout: Layout, sent: Sent, gamma: int, inference: Inference | None) -> Claims:
    """The claims of SC-C in the order of section 6, and the two of section 10 behind them."""
    claims, rows, k = Claims(gamma), layout.masks, layout.stage1["K"]
    _add_main_claims(claims, layout, sent, inference)
    _add_product_claims(claims, layout, sent, inference)
    first = rows.first_product
    claims.add(sent.k_a, entries(k, libra_sum(0, sent.main_degrees)))
    claims.add(sent.p_a, entries(k, libra_value(0, sent.main_degrees, sent.main.rho)))
    k_b = merged([libra_sum(first, sent.product_degrees), _masks_in_targets(layout, sent)])
    claims.add(sent.k_b, entries(k, k_b))
    claims.add(sent.p_b, entries(k, libra_value(first, sent.product_degrees, sent.r)))
    claims.add(sent.k_s, blinding(sent.theta))
    claims.add(sent.k_t, entries(k, {ENTRIES_A_ROW * rows.spare + e: 1 for e in range(ENTRIES_A_ROW)}))
    if inference:
        for value, term in input_claims(layout, inference):
            claims.add(value, term)
    return claims


def _last_mask_factor(point: list[int]) -> int:
    """vA or vB: x − x² at the last challenge."""
    return (point[-1] - point[-1] ** 2) % R


def _add_main_claims(claims: Claims, layout: Layout, sent: Sent, inference: Inference | None) -> None:
    rho, v_a, k = list(sent.main.rho), _last_mask_factor(list(sent.main.rho)), layout.stage1["K"]
    for order, name in enumerate(main_names(layout.shape.hidden_layers)):
        if name == "Z":  # never committed: SC-B shows it
            continue
        stage = "stage 2" if name in layout.stage2.places else "stage 1"
        place = (layout.stage2 if stage == "stage 2" else layout.stage1)[name]
        mask = ENTRIES_A_ROW * layout.masks.first_main_mask + order
        term = column(stage, place, last(rho, place.variables))
        claims.add(sent.values[name], term, entries(k, {mask: v_a}))
    if not inference:
        place = layout.data["Y"]
        claims.add(sent.values["Y"], column("data", place, last(rho, place.variables)))


def _add_product_claims(claims: Claims, layout: Layout, sent: Sent, inference: Inference | None) -> None:
    rho, v_b, k = list(sent.main.rho), _last_mask_factor(sent.r), layout.stage1["K"]
    rho_i = list(last(rho, layout.ni))
    claims.add(sent.values["X"], *_sample_terms(layout, sent, rho_i, inference))
    for order, name in enumerate(product_names(layout.shape.hidden_layers)):
        mask = entries(k, {ENTRIES_A_ROW * layout.masks.first_product_mask + order: v_b})
        # order 0 is W_1; then R'_{l−1} and W_l alternate from l = 2 on
        layer = (order + 1) // 2 + 1
        point = list(layer_point(layout, layer, sent.r))
        if name.startswith("W"):
            outputs = (*layout.nh, layout.nc)[layer - 1]
            output = list(last(rho, outputs + layout.ni)[:outputs])
            term = column("W", layout.weights[name], output + point)
        else:
            t = layout.input_variables[layer - 1]
            factor = zero_extension(layout, layer, sent.r)
            place = layout.stage1[f"R_{layer - 1}"]
            term = column("stage 1", place, point[:t] + rho_i, factor)
        claims.add(sent.values[name], term, mask)


def _sample_terms(layout: Layout, sent: Sent, rho_i: list[int], inference: Inference | None) -> list[Term]:
    """X: one term for each chunk of features, or the witness of inference."""
    point, high = list(layer_point(layout, 1, sent.r)), zero_extension(layout, 1, sent.r)
    if inference:
        return [column("stage 1", layout.stage1["XI"], point[: layout.nx], high)]
    low, chunk = point[: layout.nlow] + rho_i, point[layout.nlow : layout.nx]
    return [
        column("data", layout.data[f"X_{kappa}"], low, eq_at(kappa, chunk) * high % R) for kappa in range(layout.chunks)
    ]


def _masks_in_targets(layout: Layout, sent: Sent) -> dict[int, int]:
    """−vA·(Σ μ^(l−1)·2^(s_l−B)·(mask L0_l + 2^B·mask L1_l) + μ^L·mask Z): the second part of K_B, section 7."""
    shape, v_a = layout.shape, _last_mask_factor(list(sent.main.rho))
    names, first = main_names(shape.hidden_layers), ENTRIES_A_ROW * layout.masks.first_main_mask
    found = {first + names.index("Z"): -v_a * pow(sent.mu, shape.hidden_layers, R)}
    for layer, shift in enumerate(shape.shifts, start=1):
        factor = -v_a * pow(sent.mu, layer - 1, R) * pow(2, shift - shape.limb_bits, R)
        found[first + names.index(f"L0_{layer}")] = factor
        found[first + names.index(f"L1_{layer}")] = factor << shape.limb_bits
    return found


def input_claims(layout: Layout, inference: Inference) -> list[tuple[int, Term]]:
    """Section 10: the features are those whose monic polynomial was evaluated, and there are d_0 of them."""
    place, ratio, features = layout.stage1["XI"], inference.context, layout.shape.widths[0]

    def of_all(sigma: Sequence[int]) -> int:
        return geometric(ratio, sigma[: layout.nx]) * place.prefix(sigma)

    def beyond(sigma: Sequence[int]) -> int:
        point = sigma[: layout.nx]
        return (geometric(ratio, point) - geometric_below(features, ratio, point)) * place.prefix(sigma)

    source = ("stage 1", place.polynomial)
    return [(inference.evaluation - pow(ratio, features, R), Term(source, of_all)), (0, Term(source, beyond))]
