"""The window of a task: watermarks large enough that no trained model passes, small enough that honest miners learn.

For each fraction: what honest training reaches, and what is left of a network that was trained without the watermark
and gets it inserted: as it is, or after its free weights were multiplied by the best of ``FACTORS`` (the scale attack;
specification, section 4), statistics of normalisations taken anew. Nothing is trained by the attacker. A threshold is
safe where it lies above the attacker's accuracy and below the honest miner's, with room for what
``pyml.freezenet.attacks.transfer`` measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyml.freezenet.attacks.weights import scaled, scaled_codes
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.runs import Run, Runs
from pyml.freezenet.trainable import encode_inputs

FRACTIONS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FACTORS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0)
_ATTACKERS_SEED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """Test accuracies at one fraction, and the factor that served the attacker best."""

    fraction: float
    honest: float
    naive: float
    renormalised: float
    """Naive, statistics taken anew."""
    scaled: float
    factor: float

    @property
    def attacker(self) -> float:
        """The best of all that was tried."""
        return max(self.naive, self.renormalised, self.scaled)

    @property
    def margin(self) -> float:
        """Room for a threshold; negative where there is none."""
        return self.honest - self.attacker


def point(runs: Runs, experiment: Experiment) -> Point:
    """One fraction and seed: honest training, and the attacks on a network that was trained without the watermark."""
    had = runs.pretrained(replace(experiment, seed=experiment.seed + _ATTACKERS_SEED))
    network = had.copied()
    experiment.held(network)
    naive = runs.accuracy(network)
    by_factor = {factor: scaled_accuracy(runs, experiment, had, factor) for factor in FACTORS}
    factor = max(by_factor, key=lambda each: by_factor[each])
    honest = runs.scratch(experiment).curve[-1]
    return Point(experiment.fraction, honest, naive, by_factor[1.0], by_factor[factor], factor)


def scaled_accuracy(runs: Runs, experiment: Experiment, had: Run, factor: float) -> float:
    """What is left after the scale attack with one factor."""
    network = had.copied()
    images = encode_inputs(runs.dataset.train_images, pixel_max=runs.dataset.pixel_max)
    if experiment.integer:
        scaled_codes(network, experiment.marks(network.plans), factor=factor, images=images)
    else:
        scaled(network, experiment.block, experiment.fraction, factor=factor, images=images)
    return runs.accuracy(network)


def window(
    runs: Runs, experiment: Experiment, fractions: Sequence[float], seeds: int, told: Callable[[str, float], None]
) -> list[list[Point]]:
    """All fractions, a list of points each, one a seed."""
    found: list[list[Point]] = []
    for index, fraction in enumerate(fractions):
        points: list[Point] = []
        for seed in range(seeds):
            told(f"{experiment.scheme}, {fraction:.1%} watermarked", (index * seeds + seed) / (len(fractions) * seeds))
            block = experiment.block + b"/%d" % seed
            points.append(point(runs, replace(experiment, fraction=fraction, seed=seed, block=block)))
        found.append(points)
    return found
