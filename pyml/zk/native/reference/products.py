"""SC-B: all matrix products at once (N1, and what Z is), after Thaler.

Source: ``circuits/native_accuracy/SPEC.md``, section 6; Thaler, "Time-Optimal Interactive Proofs for Circuit
Evaluation" (2013), section 5. Sample and neuron are fixed by the point of SC-A; the sum is over the inputs of a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.layout import Layout
from pyml.zk.native.reference.multilinear import bits, eq, eq_table, inner
from pyml.zk.native.reference.sumcheck import Term

Columns = Mapping[str, Sequence[int]]


def output_point(layout: Layout, layer: int, rho: Sequence[int]) -> Sequence[int]:
    """The coordinates of ρ that name an output of the layer: those before the sample's."""
    end = len(rho) - layout.ni
    return rho[end - layout.nh(layer) : end]


def sample_point(layout: Layout, rho: Sequence[int]) -> Sequence[int]:
    """ρ_i."""
    return rho[len(rho) - layout.ni :]


def inputs_at(table: Sequence[int], sample: Sequence[int], size: int) -> list[int]:
    """hi·A as a table over a layer's inputs, samples summed out: zero beyond the activations."""
    eq_sample = eq_table(sample)
    width = len(table) // len(eq_sample)
    return [inner(table[k::width], eq_sample) for k in range(width)] + [0] * (size - width)


def weights_at(table: Sequence[int], outputs: Sequence[int]) -> list[int]:
    """W_l as a table over the layer's inputs, outputs summed out."""
    eq_output = eq_table(outputs)
    width = len(eq_output)
    return [inner(table[start : start + width], eq_output) for start in range(0, len(table), width)]


def product_terms(
    layout: Layout,
    activations: Sequence[Sequence[int]],
    columns: Columns,
    masks: Mapping[str, int],
    mu: int,
    rho: Sequence[int],
) -> list[Term]:
    """The summand of SC-B without p_B; ``activations[l-1]`` is A_l over (input, sample)."""

    def value(entry: Sequence[int]) -> int:
        hidden, weight, bias = entry
        return (hidden + bias) % R * weight

    terms: list[Term] = []
    for layer in layout.layers:
        size = 1 << layout.nk(layer)
        inputs = inputs_at(activations[layer - 1], sample_point(layout, rho), size)
        weights = weights_at(columns[f"W_{layer}"], output_point(layout, layer, rho))
        bias = [0] * size
        bias[layout.shape.widths[layer - 1]] = layout.shape.bias_units[layer - 1]
        mask_inputs = 0 if layer == 1 else masks[f"A_{layer}"]
        terms.append(
            Term(value, [inputs, weights, bias], [mask_inputs, masks[f"W_{layer}"]], factor=pow(mu, layer - 1, R))
        )
    return terms


def limb_factors(layout: Layout, layer: int) -> tuple[int, int]:
    """What L0_l and L1_l are multiplied by in T_l: h_l = (L0 + 2^B·L1 - 2^(2B-1))·2^(s-B)."""
    bits_dropped = layout.shape.limb_bits - layout.shape.shifts[layer - 1]
    low = pow(1 << bits_dropped, -1, R)
    return low, (low << layout.shape.limb_bits) % R


def product_claims(layout: Layout, opened: Mapping[str, int]) -> list[int]:
    """T_1 … T_{L+1} from message 5."""
    claims: list[int] = []
    for layer in layout.hidden_layers:
        low, high = limb_factors(layout, layer)
        offset = low << 2 * layout.shape.limb_bits - 1
        claims.append((low * opened[f"L0_{layer}"] + high * opened[f"L1_{layer}"] - offset) % R)
    return [*claims, opened["Z"]]


def high_factor(layout: Layout, layer: int, point: Sequence[int]) -> int:
    """hi_l: 1 - r[t] where the layer has one input variable more than activations."""
    t = layout.nx if layer == 1 else layout.nh(layer - 1)
    return (1 - point[t]) % R if layout.nk(layer) == t + 1 else 1


def bias_value(layout: Layout, layer: int, point: Sequence[int]) -> int:
    """u_l·eq(d_{l-1}, r^(l))."""
    index = bits(layout.shape.widths[layer - 1], layout.nk(layer))
    return layout.shape.bias_units[layer - 1] * eq(index, point) % R
