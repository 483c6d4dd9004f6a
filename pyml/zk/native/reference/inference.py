"""The prover of one inference: the input is committed to by the prover, and public as its value at ρ.

Source: ``circuits/native_accuracy/SPEC.md``, section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.layout import Layout
from pyml.zk.native.reference.accuracy import AccuracyProver, ProverInput
from pyml.zk.native.reference.claims import Claim, Part
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.transcript import Transcript


@dataclass(frozen=True, slots=True)
class PublicInput:
    """ρ, and what the monic polynomial of the features is there."""

    rho: int
    evaluation: int


class InferenceProver(AccuracyProver):
    """One run for N = 1."""

    def __init__(self, given: ProverInput, powers: Powers, transcript: Transcript, public: PublicInput) -> None:
        super().__init__(given, powers, transcript)
        self.public = public
        self.columns["XI"] = given.columns["X"]

    @property
    def opened_names(self) -> list[str]:
        """Message 5: the verifier computes Y from the label."""
        return self.masked_names

    def sample_parts(self, inputs: Sequence[int], sample: Sequence[int], factor: int) -> list[Part]:
        """factor·XI; there is one sample, and no coordinate for it."""
        return [self.committed.at("XI", [*inputs[: self.layout.nx], *sample], factor)]

    def further_claims(self) -> list[Claim]:
        """That the features have this evaluation, and that nothing lies beyond them."""
        width, features = 1 << self.layout.nx, self.layout.shape.widths[0]
        powers = [pow(self.public.rho, place, R) for place in range(width)]
        value = (self.public.evaluation - pow(self.public.rho, features, R)) % R
        beyond = [0] * features + powers[features:]
        return [Claim(value, (self.committed.part("XI", powers),)), Claim(0, (self.committed.part("XI", beyond),))]


def lay_input(layout: Layout, features: Sequence[int]) -> list[int]:
    """The polynomial that holds XI alone."""
    return [*features, *[0] * ((1 << layout.n) - len(features))]


def monic_evaluation(features: Sequence[int], rho: int) -> int:
    """ρ^n + x_{n-1}·ρ^(n-1) + … + x_0, as ``contracts/zk/Features.sol`` has it."""
    value = 1
    for feature in reversed(features):
        value = (value * rho + feature) % R
    return value
