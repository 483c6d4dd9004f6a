"""Many accounts: one solution for all of them, or the luckiest of many draws.

Two ways to be paid more than one works (specification, section 4, "header grinding, Sybil draws"):

* ``shared``: train once, commit with every account. A seed has its miner's address in it, so that a solution fits one
  account only; under another's seed the same free weights lie elsewhere, between other codes.
* ``lucky_draw``: look at the seeds of many addresses, which costs nothing, and keep the one under which a model that
  was trained before loses least. The bond is per commitment, so it does not stop looking; what does is a fraction at
  which the best of many draws is still far below the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyml.freezenet.attacks.weights import scaled_codes
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.inference import count_correct
from pyml.freezenet.runs import Run, Runs
from pyml.freezenet.strata import assemble, free_weights, kernels_of, with_kernels
from pyml.freezenet.trainable import encode_inputs


@dataclass(frozen=True, slots=True)
class Draws:
    """Accuracies under the seeds that were looked at, none trained for."""

    accuracies: tuple[float, ...]

    @property
    def best(self) -> float:
        return max(self.accuracies)

    @property
    def mean(self) -> float:
        return sum(self.accuracies) / len(self.accuracies)


def shared(runs: Runs, experiment: Experiment, trained: Run, own: bytes, others: Iterable[bytes]) -> Draws:
    """What a solution under seed ``own`` answers when it is handed in under other seeds, the first being its own."""
    network = trained.network.integer_network()
    inputs = encode_inputs(runs.dataset.test_images, pixel_max=runs.dataset.pixel_max)
    labels, plans = runs.dataset.test_labels, trained.network.plans
    free = free_weights(experiment.marks(plans, own), kernels_of(network))
    found: list[float] = []
    for seed in (own, *others):
        whole = with_kernels(network, assemble(experiment.marks(plans, seed), free))
        found.append(count_correct(whole, inputs, labels) / len(labels))
    return Draws(tuple(found))


def lucky_draw(
    runs: Runs, experiment: Experiment, had: Run, seeds: Iterable[bytes], *, factor: float, told: Callable[[int], None]
) -> Draws:
    """What a model that was trained without a watermark answers under each seed, inserted as by the scale attack."""
    images = encode_inputs(runs.dataset.train_images, pixel_max=runs.dataset.pixel_max)
    found: list[float] = []
    for number, seed in enumerate(seeds):
        told(number)
        network = had.copied()
        scaled_codes(network, experiment.marks(network.plans, seed), factor=factor, images=images)
        found.append(runs.accuracy(network))
    return Draws(tuple(found))
