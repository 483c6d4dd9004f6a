"""Trainings by the dozen: each is done once, kept in a folder, and resumed where it was cut.

A run's name there is a digest of all that it depends on, so that a folder serves any number of commands: what one has
trained, the next one finds. Without a folder runs are kept in memory as long as this object.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyml.freezenet.attacks.weights import take_statistics
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.trainable import TrainableNetwork, encode_inputs
from pyml.freezenet.training import correct_of, train
from pyml.ml.datasets import Dataset
from pyml.ml.devices import require_device
from pyml.ml.training import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A training that was done: the network (not to be changed: ``copied``), and its accuracy from epoch 0 on."""

    network: TrainableNetwork
    start: float
    curve: tuple[float, ...]

    def copied(self) -> TrainableNetwork:
        """A network of one's own."""
        return copy.deepcopy(self.network)


@dataclass(slots=True)
class Runs:
    """Where runs are kept, on which data, and on which device they are done."""

    dataset: Dataset
    folder: Path | None = None
    device: str = "cpu"
    progress: Progress | None = None
    _done: dict[str, Run] = field(default_factory=dict[str, Run], init=False)

    def scratch(self, experiment: Experiment, *, until: float | None = None) -> Run:
        """Honest work: from fresh weights, under the experiment's watermark."""
        return self._run(experiment, experiment.fresh(self.dataset), "", until)

    def under(self, experiment: Experiment, seed: bytes) -> Run:
        """Honest work under a v1 seed that is not the block's."""
        return self._run(experiment, experiment.fresh(self.dataset), seed.hex(), None, seed)

    def transfer(
        self,
        experiment: Experiment,
        pretrained: Run,
        *,
        origin: str,
        until: float | None = None,
        renormalise: bool = False,
    ) -> Run:
        """An attacker's: the same from a trained network; ``origin`` says which one that is.

        With ``renormalise`` the statistics of normalisations are taken anew before the first epoch.
        """
        network = pretrained.copied()
        if renormalise:
            experiment.held(network)
            take_statistics(network, encode_inputs(self.dataset.train_images, pixel_max=self.dataset.pixel_max))
            origin = f"{origin}, renormalised"
        return self._run(experiment, network, origin, until)

    def pretrained(self, experiment: Experiment) -> Run:
        """What an attacker has: as good a network of the same kind as can be had, without a watermark."""
        return self.scratch(replace(experiment, fraction=0.0))

    def accuracy(self, network: TrainableNetwork) -> float:
        """On the test set."""
        device = require_device(self.device)
        try:
            return correct_of(network.to(device), self.dataset, device) / len(self.dataset.test_labels)
        finally:
            network.cpu()

    def _run(
        self,
        experiment: Experiment,
        network: TrainableNetwork,
        origin: str,
        until: float | None,
        seed: bytes | None = None,
    ) -> Run:
        words = repr((experiment, origin, until, self.device)).encode() + self.dataset.digest
        name = hashlib.sha256(words).hexdigest()[:16]
        if name not in self._done:
            held = experiment.held(network, seed)
            start = self.accuracy(network)
            trained = train(
                network,
                self.dataset,
                replace(experiment.config, checkpoint_batches=0 if self.folder is None else 100),
                held=held,
                device=self.device,
                checkpoint=None if self.folder is None else self.folder / f"{name}.ckpt",
                progress=self.progress,
                progress_batches=10,
                until=until,
            )
            self._done[name] = Run(network, start, trained.curve)
        return self._done[name]
