"""Training on the test set: whoever knows what is asked can learn the answers.

The paper judges by the public test set of CIFAR-10, which every miner has (section 3). Here the attacker trains on the
images of the test that he can see besides the training set. Under v1 a round's test set is sealed until commitments are
in (``contracts/freezenet/Rounds.sol``): what was learned by heart is not what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pyml.errors import InputError
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.runs import Runs
from pyml.ml.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Memorised:
    """Accuracies on the part of the test that the attacker has seen, and on the part that he has not."""

    honest_seen: float
    honest_hidden: float
    attacker_seen: float
    attacker_hidden: float

    @property
    def gain_if_public(self) -> float:
        return self.attacker_seen - self.honest_seen

    @property
    def gain_if_sealed(self) -> float:
        return self.attacker_hidden - self.honest_hidden


def memorise(dataset: Dataset, experiment: Experiment) -> Memorised:
    """Train twice, with and without every second image of the test; the others stay hidden."""
    if len(dataset.test_labels) < 2:
        raise InputError("the test set cannot be halved", expected="2 samples or more", got=len(dataset.test_labels))
    seen, hidden = (
        replace(dataset, test_images=dataset.test_images[first::2], test_labels=dataset.test_labels[first::2])
        for first in (0, 1)
    )
    learned = replace(
        seen,
        train_images=np.concatenate([dataset.train_images, seen.test_images]),
        train_labels=np.concatenate([dataset.train_labels, seen.test_labels]),
    )
    honest, attacker = Runs(seen).scratch(experiment).network, Runs(learned).scratch(experiment).network
    judges = Runs(seen), Runs(hidden)
    return Memorised(*(judge.accuracy(network) for network in (honest, attacker) for judge in judges))
