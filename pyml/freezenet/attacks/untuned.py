"""A better setting than everybody else's: honest work as published is slow work.

Source: specification, section 4. The paper trains with Adam at 1e-3; ten times that reaches the threshold in a fraction
of the epochs. Nothing is forged, so nothing can be refused: the remedy is that the official trainer ships the tuned
setting (``pyml.freezenet.experiment.TUNED``), and that thresholds retarget on the solutions that rounds really get
(``contracts/freezenet/Rounds.sol``), never on the fraction alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from pyml.freezenet.curve import epochs_to
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.runs import Runs

RATES: Final = (1e-3, 3e-3, 1e-2, 2e-2, 3e-2)
Told = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Search:
    """Median epochs to the target by learning rate, none where most seeds did not reach it."""

    by_rate: dict[float, float | None]

    @property
    def best(self) -> tuple[float, float] | None:
        """The attacker's rate, and his epochs."""
        reached = {rate: epochs for rate, epochs in self.by_rate.items() if epochs is not None}
        return min(reached.items(), key=lambda pair: pair[1]) if reached else None

    def advantage_over(self, rate: float) -> float | None:
        """Epochs at a rate for each epoch at the best; ``None`` if that rate never got there."""
        epochs, best = self.by_rate.get(rate), self.best
        return None if epochs is None or best is None else epochs / best[1]


def search(
    runs: Runs, experiment: Experiment, *, target: float, seeds: int, told: Told, rates: Sequence[float] = RATES
) -> Search:
    """What an attacker finds who tries rates; everything else is the experiment's."""
    found: dict[float, float | None] = {}
    for index, rate in enumerate(rates):
        reached: list[float] = []
        for seed in range(seeds):
            told(f"learning rate {rate:g}", (index + seed / seeds) / len(rates))
            setting = replace(experiment.setting, learning_rate=rate)
            own = replace(experiment, setting=setting, seed=seed, block=experiment.block + b"/%d" % seed)
            epochs = epochs_to(runs.scratch(own, until=target).curve, target)
            if epochs is not None:
                reached.append(epochs)
        found[rate] = median(reached) if 2 * len(reached) > seeds else None
    return Search(found)
