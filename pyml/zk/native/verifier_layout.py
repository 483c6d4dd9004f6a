"""Where every column lies and how long every message is, as a verifier reads it off the public parameters.

Source: ``circuits/native_accuracy/SPEC.md``, sections 3, 7, 9 and 10. Derived apart from the prover's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import CircuitError
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_field import lg
from pyml.zk.native.verifier_packing import MaskRows, Place, Stage, pack

OPENING_SCALARS: Final = 7
FEATURE_LIMIT: Final = 1 << 16
"""Entries of X are below it, section 3."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Every number that section 3 derives from the parameters."""

    shape: Shape
    ni: int
    nc: int
    nq: int
    nx: int
    nh: tuple[int, ...]
    """nh_1 … nh_L."""
    nk: tuple[int, ...]
    """nk_1 … nk_{L+1}."""
    table: int
    """T."""
    v: int
    nlow: int
    chunks: int
    masks: MaskRows
    stage1: Stage
    stage2: Stage
    data: Stage
    weights: Stage

    @property
    def tm(self) -> int:
        """Variables of ML."""
        return self.nq + self.nc + self.ni

    @property
    def tz(self) -> int:
        """Variables of Z and Y."""
        return self.nc + self.ni

    @property
    def rounds_b(self) -> int:
        """nk, the largest nk_l."""
        return max(self.nk)

    @property
    def input_variables(self) -> tuple[int, ...]:
        """t of A_l for l = 1 … L+1: nx, nh_1, …, nh_L."""
        return (self.nx, *self.nh)

    @property
    def words(self) -> int:
        """Length of a proof, sections 5 and 8."""
        layers = self.shape.hidden_layers
        points = 1 + self.stage1.polynomials + 1 + self.stage2.polynomials  # C_W, stage 1, S, stage 2
        main = 1 + 4 * (self.v - 1) + 7 + 4 * layers + 6 + (not self.shape.data_in_witness)
        products = 1 + 2 * (self.rounds_b - 1) + 4 + 2 + 2 * layers
        return 2 * points + main + products + 2 + 2 * self.shape.degree + 1 + opening_words()


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """The same for the proof of section 9."""

    shape: Shape
    nw: int
    """Variables of W."""
    v: int
    masks: MaskRows
    stage1: Stage
    stage2: Stage
    weights: Stage

    @property
    def words(self) -> int:
        """Length of a proof, sections 5, 8 and 9."""
        points = 1 + self.stage1.polynomials + 1 + self.stage2.polynomials
        return 2 * points + 1 + 3 * (self.v - 1) + 5 + 4 + 2 + 2 * self.shape.degree + 1 + opening_words()


def opening_words() -> int:
    """[h]; [g], [q]; [S_M], [D]; 7 scalars; [π], [Ω]; [Ω']; 2 hints."""
    return 2 * 8 + OPENING_SCALARS + 2


def layout_of(shape: Shape) -> Layout:
    """Derive section 3; raises ``CircuitError`` for parameters that no layout has."""
    _require_no_wrap(shape)
    ni, nc, nq, nx = lg(shape.samples), lg(shape.widths[-1]), lg(shape.margin_limbs), lg(shape.widths[0])
    nh = tuple(lg(width) for width in shape.widths[1:-1])
    nk = _input_variables(shape)
    table = shape.limb_bits + 1
    v = max([each + ni for each in nh] + [nq + nc + ni, table] + ([nx] if shape.data_in_witness else []))
    layers = shape.hidden_layers
    masks = MaskRows(v, max(nk), 4 * layers + 6, 2 * layers + 1)
    if max(v, ni) > shape.degree:
        raise CircuitError("the layout does not fit the degree n", expected=f"n of at least {v}", got=shape.degree)
    limbs = [(f"{name}_{layer}", nh[layer - 1] + ni) for layer in range(1, layers + 1) for name in ("L0", "L1", "R")]
    rest = [("ML", nq + nc + ni), ("c", ni), ("M", table), ("K", masks.variables)]
    stage1 = pack([*limbs, *rest], shape.degree, first=1 if shape.data_in_witness else 0)
    if shape.data_in_witness:
        stage1 = Stage({**stage1.places, "XI": Place(0, 0, nx)}, stage1.polynomials)
    helpers = [(f"G_{layer}", nh[layer - 1] + ni) for layer in range(1, layers + 1)]
    stage2 = pack([*helpers, ("GM", nq + nc + ni), ("GT", table)], shape.degree)
    nlow = min(nx, shape.degree - ni)
    chunks = -(-shape.widths[0] >> nlow)
    columns = [] if shape.data_in_witness else [(f"X_{k}", nlow + ni) for k in range(chunks)] + [("Y", nc + ni)]
    data, weights = pack(columns, shape.degree), _pack_weights(shape)
    return Layout(shape, ni, nc, nq, nx, nh, nk, table, v, nlow, chunks, masks, stage1, stage2, data, weights)


def weight_layout_of(shape: Shape) -> WeightLayout:
    """Derive section 9; raises ``CircuitError`` where n is too small."""
    weights = _pack_weights(shape)
    nw = lg(sum(1 << place.variables for place in weights.places.values()))
    v = max(nw, shape.weight_bits)
    masks = MaskRows(v, 0, 4, 0)
    stage1 = pack([("M", shape.weight_bits), ("K", masks.variables)], shape.degree)
    stage2 = pack([("GW", nw), ("GT", shape.weight_bits)], shape.degree)
    return WeightLayout(shape, nw, v, masks, stage1, stage2, weights)


def _pack_weights(shape: Shape) -> Stage:
    nk = _input_variables(shape)
    columns = [(f"W_{layer}", lg(width) + nk[layer - 1]) for layer, width in enumerate(shape.widths[1:], start=1)]
    stage = pack(columns, shape.degree)
    if stage.polynomials != 1:
        raise CircuitError("the weights do not fit one polynomial", hint="Choose a larger degree n.")
    return stage


def _input_variables(shape: Shape) -> tuple[int, ...]:
    return tuple(lg(width + 1) for width in shape.widths[:-1])


def _require_no_wrap(shape: Shape) -> None:
    """Both sides of N1 and N4 are integers below r/2 in magnitude, so that congruent means equal (section 3)."""
    scale, entering = 1 << (shape.limb_bits + shape.weight_bits), FEATURE_LIMIT
    for width, unit in zip(shape.widths[:-1], shape.bias_units, strict=True):
        if scale * (entering * width + unit) >= R // 4:
            raise CircuitError("sums of a layer can exceed the field", got=(width, unit))
        entering = 1 << shape.limb_bits
