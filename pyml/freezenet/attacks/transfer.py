"""Transfer: begin with a trained network instead of fresh weights, put the watermark in, and train on.

Source: FreezeNet, section 3.5 and figure 3. What counts is the speed-up, honest epochs for each of the attacker's to
the threshold; reported is the median over five seeds or more. Where it is far above 1 the fraction is outside the safe
window: such a task pays for models, not for work. Beyond the paper's, this attacker takes the statistics of
normalisations anew before he trains, which costs one pass over the images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pyml.errors import InputError
from pyml.freezenet.curve import epochs_to
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.reproduction import SpeedUp, speed_up, transferred
from pyml.freezenet.runs import Runs

MIN_SEEDS: Final = 5
Told = Callable[[str, float], None]


def speed_ups(
    runs: Runs, experiment: Experiment, fractions: Sequence[float], *, target: float, seeds: int, told: Told
) -> dict[float, SpeedUp]:
    """By fraction. Training ends at the target; ``InputError`` for fewer than ``MIN_SEEDS`` seeds."""
    if seeds < MIN_SEEDS:
        raise InputError("too few seeds for a median", expected=f"{MIN_SEEDS} or more", got=seeds)
    batches = -(-len(runs.dataset.train_labels) // experiment.setting.batch_size)
    found: dict[float, SpeedUp] = {}
    for index, fraction in enumerate(fractions):
        pairs: list[tuple[float | None, float | None]] = []
        for seed in range(seeds):
            told(f"{experiment.scheme}, {fraction:.0%} watermarked", (index + seed / seeds) / len(fractions))
            block = experiment.block + b"/%d" % seed
            pairs.append(_pair(runs, replace(experiment, fraction=fraction, seed=seed, block=block), target, batches))
        found[fraction] = speed_up(pairs)
    return found


def _pair(runs: Runs, experiment: Experiment, target: float, batches: int) -> tuple[float | None, float | None]:
    """Honest and attacker's epochs; whoever is there before the first epoch takes one batch."""
    honest = runs.scratch(experiment, until=target)
    attacker = transferred(runs, experiment, pretraining=experiment.setting.epochs, until=target, renormalise=True)
    reached = epochs_to(attacker.curve, target, start=attacker.start)
    return epochs_to(honest.curve, target), None if reached is None else max(reached, 1 / batches)
