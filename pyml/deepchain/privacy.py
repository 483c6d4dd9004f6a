"""Optional local differential privacy: each party clips its update's norm and adds Gaussian noise before encoding.

Encryption hides a single update from everybody; what the average reveals about a party, encryption cannot hide. With
this mechanism the update itself is private, also from the decrypted sum and from all other parties together.

Statement. Two data sets of a party, however different, give updates of norm at most S, hence at a distance of at most
2S. One round is the Gaussian mechanism with standard deviation σ = multiplier · S a coordinate: ρ-zCDP with
ρ = (2S)² / (2σ²) = 2 / multiplier². T rounds are Tρ-zCDP, and so (ε, δ)-private with
ε = Tρ + 2 · sqrt(Tρ · ln(1/δ)) (Bun and Steinke 2016, lemma 2.3 and propositions 1.3 and 2.4). Cutting to the clip,
rounding and averaging come afterwards and take nothing away.

Limits: the noise is drawn in floating point, so the statement is about the ideal mechanism (Mironov 2012 shows what a
float's last bits may betray; here they are rounded away to 16 bits, which makes that attack hard to run but is no
proof). At a multiplier that gives a small ε, a model of this size learns next to nothing from few parties: N parties'
noise has a deviation of σ/sqrt(N) in the average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pyml.deepchain.fixed_point import Update
from pyml.errors import InputError


@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """The mechanism: ``norm`` is S, the greatest length of an update; ``multiplier`` is σ / S."""

    norm: float
    multiplier: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) and value > 0 for value in (self.norm, self.multiplier)):
            raise InputError("norm and noise multiplier are positive and finite", got=(self.norm, self.multiplier))

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each coordinate."""
        return self.norm * self.multiplier

    def epsilon(self, rounds: int, delta: float) -> float:
        """ε of (ε, δ) after so many rounds."""
        if rounds < 1 or not 0 < delta < 1:
            raise InputError("rounds are positive and delta lies between 0 and 1", got=(rounds, delta))
        rho = rounds * 2.0 / self.multiplier**2
        return rho + 2.0 * math.sqrt(rho * math.log(1.0 / delta))

    def applied(self, update: Update, generator: np.random.Generator) -> Update:
        """The update shortened to the norm where it is longer, with noise; NaN and infinity are refused."""
        length = float(np.linalg.norm(update))
        if not math.isfinite(length):
            raise InputError("the update holds NaN or infinity", hint="The local training diverged: lower its rate.")
        shortened = update * min(1.0, self.norm / length) if length > 0 else update
        return shortened + generator.normal(0.0, self.sigma, update.shape)
