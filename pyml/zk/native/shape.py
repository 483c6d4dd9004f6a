"""Public parameters of one native proof: the numbers from which every layout, domain and length follows.

Source: ``circuits/native_accuracy/SPEC.md``, section 3. What follows from the parameters is derived apart by the
reference prover and by the verifier, so that one misreading of the document is not shared by both.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.crypto.bn254 import Point
from pyml.errors import CircuitError

MAX_SAMPLES = 1 << 20
MAX_DEGREE = 24
"""Largest n: 2^24 coefficients."""
MAX_LIMB_BITS = 20
MAX_MARGIN_LIMBS = 4
MAX_LAYERS = 16


@dataclass(frozen=True, slots=True)
class Shape:
    """N, d_0 … d_{L+1}, s_1 … s_L, u_1 … u_{L+1}, B, m, n; raises ``CircuitError`` for what no layout has."""

    samples: int
    widths: tuple[int, ...]
    """d_0 … d_{L+1}: features, hidden layers, classes."""
    shifts: tuple[int, ...]
    bias_units: tuple[int, ...]
    limb_bits: int
    margin_limbs: int
    degree: int
    """n: committed polynomials have 2^n coefficients."""
    weight_bits: int
    data_in_witness: bool = False
    """False: samples and labels are committed to in the verifying key. True: inference, section 10."""

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise CircuitError("number of samples out of range", expected=f"1 to {MAX_SAMPLES}", got=self.samples)
        if not 2 <= len(self.widths) <= MAX_LAYERS + 1 or min(self.widths) < 1 or self.widths[-1] < 2:
            raise CircuitError("widths need at least one layer and two classes", got=self.widths)
        if len(self.shifts) != self.hidden_layers or len(self.bias_units) != self.hidden_layers + 1:
            raise CircuitError("shifts or bias units do not match the layers", got=(self.shifts, self.bias_units))
        if not 2 <= self.limb_bits <= MAX_LIMB_BITS or not 1 <= self.margin_limbs <= MAX_MARGIN_LIMBS:
            raise CircuitError("limbs out of range", got=(self.limb_bits, self.margin_limbs))
        if any(not 0 <= shift <= self.limb_bits for shift in self.shifts) or min(self.bias_units) < 1:
            raise CircuitError("a shift or bias unit is out of range", got=(self.shifts, self.bias_units))
        if not 2 <= self.degree <= MAX_DEGREE or not 2 <= self.weight_bits <= 16:
            raise CircuitError("degree or weight_bits out of range", got=(self.degree, self.weight_bits))
        if self.data_in_witness and self.samples != 1:
            raise CircuitError("a proof of inference has one sample", got=self.samples)

    @property
    def hidden_layers(self) -> int:
        """L."""
        return len(self.widths) - 2


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A shape, the commitments to its data (none for inference), and [τ]_2."""

    shape: Shape
    data: tuple[Point | None, ...]
    """Polynomials with X and Y, in order; ``None``, the infinite point, for one that is zero."""
    tau_g2: tuple[int, int, int, int]
    """x imaginary, x real, y imaginary, y real: the order of EIP-197."""
