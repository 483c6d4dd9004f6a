"""Trains what a task asks for, under a miner's seed, from the samples that the task names.

The chain has layers and no scales; those of the official trainer follow from the layers (``trainable.plan``), so a task
of another origin is refused unless they agree with its shifts. Every eighth sample is held back, to see how it goes.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

import numpy as np

from pyml.errors import DatasetError, ModelError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.strata import watermark
from pyml.freezenet.trainable import LayerPlan, TrainableNetwork, architecture, encode_inputs, plan
from pyml.freezenet.training import hold_codes, train
from pyml.ml.datasets import Dataset
from pyml.ml.training import Progress, TrainingConfig

HELD_BACK: Final = 8
"""One sample in so many is not trained on."""
_PIXEL_MAX: Final = 127


def plans_of(wanted: Architecture) -> tuple[LayerPlan, ...]:
    """Scales for a task's layers; raises ``ModelError`` where the trainer has none that fit."""
    for normalised in (True, False):
        plans = plan(wanted.shapes, normalised=normalised)
        if architecture(plans) == wanted.layers:
            return plans
    raise ModelError(
        "the official trainer does not know the scales of this task",
        expected="layers made by pyml.freezenet.trainable.plan",
        got="the hash 0x" + wanted.hash.hex(),
    )


def training_set(dataset: Dataset) -> SampleSet:
    """A data set's training images as a task has them."""
    inputs = encode_inputs(dataset.train_images, pixel_max=dataset.pixel_max)
    return SampleSet.plain(inputs, dataset.train_labels)


def draw_test_set(dataset: Dataset, count: int) -> SampleSet:
    """``count`` of a data set's test images, chosen in secret, with fresh salts."""
    if count > len(dataset.test_labels):
        raise DatasetError(
            f"{dataset.name} has too few test images", expected=f"at most {len(dataset.test_labels)}", got=count
        )
    chosen = secrets.SystemRandom().sample(range(len(dataset.test_labels)), count)
    inputs = encode_inputs(dataset.test_images[chosen], pixel_max=dataset.pixel_max)
    return SampleSet.salted(inputs, dataset.test_labels[chosen])


def training_data(samples: SampleSet, wanted: Architecture) -> Dataset:
    """The samples as the training loop takes them; raises ``DatasetError`` where they do not fit the network."""
    if samples.inputs.shape[1] != wanted.inputs:
        raise DatasetError(
            "the training set does not fit the network", expected=wanted.inputs, got=samples.inputs.shape[1]
        )
    if int(samples.inputs.min()) < 0 or int(samples.labels.max()) >= min(wanted.classes, 256):
        raise DatasetError("the official trainer takes inputs of 0 to 127, and labels below the network's classes")
    back = np.zeros(len(samples), dtype=np.bool_)
    back[:: min(HELD_BACK, len(samples))] = True
    images, labels = samples.inputs.view(np.uint8), samples.labels.astype(np.uint8)
    name = "training set 0x" + samples.tree.root.hex()[:8]
    return Dataset(name, images[~back], labels[~back], images[back], labels[back], wanted.classes, _PIXEL_MAX)


def train_solution(
    wanted: Architecture,
    seed: bytes,
    samples: SampleSet,
    config: TrainingConfig,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Int8Network, float]:
    """A network that holds the seed's watermark, and its accuracy on what was held back. Resumes from a checkpoint."""
    dataset = training_data(samples, wanted)
    network = TrainableNetwork(plans_of(wanted), seed=config.seed)
    held = hold_codes(network, watermark(seed, wanted.strata), "mask")
    trained = train(network, dataset, config, held=held, checkpoint=checkpoint, progress=progress)
    return network.integer_network(), trained.accuracy
