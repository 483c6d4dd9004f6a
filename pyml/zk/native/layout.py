"""Sizes, columns and mask rows that follow from the parameters of a native proof.

Source: ``circuits/native_accuracy/SPEC.md``, sections 3 (layout, packing), 7 (column K), 9 (proof of weights) and 10
(inference). Layers are numbered from 1, so that ``layout.nh(l)`` is the document's nh_l.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError
from pyml.zk.native.packing import Packing, lg, pack
from pyml.zk.native.shape import Shape

INPUT_BITS = 16
"""Features are below 2^16."""
MASKS_PER_ROW = 16
SPARE_MASKS = 16
ROUND_DEGREE_A = 4
LAST_DEGREE_A = 7
ROUND_DEGREE_B = 2
LAST_DEGREE_B = 4
ROUND_DEGREE_WEIGHTS = 3
LAST_DEGREE_WEIGHTS = 5


@dataclass(frozen=True, slots=True)
class MaskRows:
    """Rows of column K: the two Libra masks, the masks of evaluations, the spare row."""

    degrees_a: tuple[int, ...]
    """Degree of each round of SC-A."""
    degrees_b: tuple[int, ...]
    """Degree of each round of SC-B; empty for the proof of weights, which has none."""
    masks_a: int
    """Masked evaluations of message 5."""
    masks_b: int
    """Masked evaluations of message 8."""

    @property
    def row_b(self) -> int:
        """First row of p_B."""
        return len(self.degrees_a)

    @property
    def row_masks_a(self) -> int:
        return self.row_b + len(self.degrees_b)

    @property
    def row_masks_b(self) -> int:
        return self.row_masks_a + _rows(self.masks_a)

    @property
    def row_spare(self) -> int:
        return self.row_masks_b + _rows(self.masks_b)

    @property
    def variables(self) -> int:
        """Of column K."""
        return lg(MASKS_PER_ROW) + lg(self.row_spare + 1)


@dataclass(frozen=True)
class Layout:
    """Layout of a proof of accuracy or of inference."""

    shape: Shape

    def __post_init__(self) -> None:
        if self.v > self.n:
            raise CircuitError("the degree is too small for this shape", expected=f"at least {self.v}", got=self.n)
        self._require_no_wrap()
        _ = (self.stage1, self.stage2, self.data, self.model)  # refuses what does not fit
        if self.model.polynomials > 1:
            raise CircuitError("the weights do not fit one polynomial", got=f"2^{self.n} coefficients")

    def _require_no_wrap(self) -> None:
        """No sum of products of allowed inputs and weights reaches a quarter of the field."""
        shape = self.shape
        largest = 1 << max(INPUT_BITS, shape.limb_bits)
        for layer, unit in zip(self.layers, shape.bias_units, strict=True):
            sums = largest * shape.widths[layer - 1] + unit
            if sums << shape.limb_bits + shape.weight_bits >= SCALAR_MODULUS // 4:
                raise CircuitError(f"layer {layer}: its sums could wrap around the field", got=f"bias unit {unit}")

    @property
    def n(self) -> int:
        return self.shape.degree

    @property
    def hidden(self) -> int:
        """L."""
        return self.shape.hidden_layers

    @property
    def ni(self) -> int:
        return lg(self.shape.samples)

    @property
    def nc(self) -> int:
        return lg(self.shape.widths[-1])

    @property
    def nq(self) -> int:
        return lg(self.shape.margin_limbs)

    @property
    def nx(self) -> int:
        return lg(self.shape.widths[0])

    @property
    def table(self) -> int:
        """T."""
        return self.shape.limb_bits + 1

    def nh(self, layer: int) -> int:
        """Output variables of layer 1 … L+1: nh_l, or nc for the last."""
        return lg(self.shape.widths[layer])

    def nk(self, layer: int) -> int:
        """Input variables of layer 1 … L+1, the bias included."""
        return lg(self.shape.widths[layer - 1] + 1)

    @property
    def rounds_b(self) -> int:
        """nk."""
        return max(self.nk(layer) for layer in self.layers)

    @property
    def layers(self) -> range:
        """1 … L+1."""
        return range(1, self.hidden + 2)

    @property
    def hidden_layers(self) -> range:
        """1 … L."""
        return range(1, self.hidden + 1)

    @property
    def logits(self) -> int:
        """Variables of Z, Y: class and sample."""
        return self.nc + self.ni

    @cached_property
    def v(self) -> int:
        """Rounds of SC-A: the variables of the largest column of stages 1 and 2, K apart."""
        return max(variables for _, variables in (*self._values, *self._helpers, *self._input))

    @property
    def nlow(self) -> int:
        return min(self.nx, self.n - self.ni)

    @property
    def chunks(self) -> int:
        """Columns of X."""
        return -(-self.shape.widths[0] >> self.nlow)

    @cached_property
    def mask_rows(self) -> MaskRows:
        return MaskRows(
            degrees_a=(ROUND_DEGREE_A,) * (self.v - 1) + (LAST_DEGREE_A,),
            degrees_b=(ROUND_DEGREE_B,) * (self.rounds_b - 1) + (LAST_DEGREE_B,),
            masks_a=4 * self.hidden + 6,
            masks_b=2 * self.hidden + 1,
        )

    @cached_property
    def stage1(self) -> Packing:
        """XI alone in the first polynomial (inference only), then the other columns."""
        named = [*self._values, ("K", self.mask_rows.variables)]
        if not self._input:
            return pack(named, self.n)
        alone, others = pack(self._input, self.n), pack(named, self.n, first=1)
        return Packing(alone.columns + others.columns, 1 + others.polynomials)

    @cached_property
    def stage2(self) -> Packing:
        return pack(self._helpers, self.n)

    @cached_property
    def data(self) -> Packing:
        """X in chunks, and Y; nothing for inference."""
        if self.shape.data_in_witness:
            return Packing((), 0)
        chunks = [(f"X_{chunk}", self.nlow + self.ni) for chunk in range(self.chunks)]
        return pack([*chunks, ("Y", self.logits)], self.n)

    @cached_property
    def model(self) -> Packing:
        return pack_model(self.shape, self.n)

    @property
    def _values(self) -> Sequence[tuple[str, int]]:
        neurons = [(f"{name}_{layer}", self.nh(layer) + self.ni) for layer in self.hidden_layers for name in _LIMBS]
        return [*neurons, ("ML", self.nq + self.logits), ("c", self.ni), ("M", self.table)]

    @property
    def _helpers(self) -> Sequence[tuple[str, int]]:
        neurons = [(f"G_{layer}", self.nh(layer) + self.ni) for layer in self.hidden_layers]
        return [*neurons, ("GM", self.nq + self.logits), ("GT", self.table)]

    @property
    def _input(self) -> Sequence[tuple[str, int]]:
        return [("XI", self.nx)] if self.shape.data_in_witness else []


@dataclass(frozen=True)
class WeightsLayout:
    """Layout of the proof that every weight is small, which an architecture needs once for each commitment."""

    shape: Shape

    def __post_init__(self) -> None:
        if self.v > self.n:
            raise CircuitError("the degree is too small for these weights", expected=f"at least {self.v}", got=self.n)
        _ = self.stage1  # refuses what does not fit

    @property
    def n(self) -> int:
        return self.shape.degree

    @property
    def nw(self) -> int:
        """Variables of W as one column."""
        return lg(sum(column.size for column in self.model.columns))

    @property
    def v(self) -> int:
        return max(self.nw, self.shape.weight_bits)

    @cached_property
    def model(self) -> Packing:
        return pack_model(self.shape, self.n)

    @cached_property
    def mask_rows(self) -> MaskRows:
        degrees = (ROUND_DEGREE_WEIGHTS,) * (self.v - 1) + (LAST_DEGREE_WEIGHTS,)
        return MaskRows(degrees_a=degrees, degrees_b=(), masks_a=4, masks_b=0)

    @cached_property
    def stage1(self) -> Packing:
        return pack([("M", self.shape.weight_bits), ("K", self.mask_rows.variables)], self.n)

    @cached_property
    def stage2(self) -> Packing:
        return pack([("GW", self.nw), ("GT", self.shape.weight_bits)], self.n)


def pack_model(shape: Shape, degree: int) -> Packing:
    """Places of W_1 … W_{L+1}: the same for every degree that fits them."""
    widths = shape.widths
    named = [
        (f"W_{layer}", lg(widths[layer]) + lg(widths[layer - 1] + 1)) for layer in range(1, shape.hidden_layers + 2)
    ]
    return pack(named, degree)


def _rows(masks: int) -> int:
    return -(-masks // MASKS_PER_ROW)


_LIMBS = ("L0", "L1", "R")
