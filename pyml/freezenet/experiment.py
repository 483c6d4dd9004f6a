"""One training as experiments, attacks and the command line ask for it: what is trained, under which watermark, how.

``reference`` is the paper's scheme in float, its positions among all parameters (section 3); ``v1`` the secure one in
integers. Off chain nobody opened a round, so a v1 seed is bound to a block of one's own instead: ``practice_seed`` is
``pyml.freezenet.binding`` with chain, contract, task, round and miner all zero, and the block's hash as the beacon.

``TUNED`` is what the official trainer uses. The paper's own setting is kept beside it: whoever finds a better one than
honest miners have beats them without cheating (specification, section 4, "untuned baseline").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from eth_utils.crypto import keccak

from pyml.errors import InputError
from pyml.freezenet.binding import SeedContext
from pyml.freezenet.encoding import architecture_hash
from pyml.freezenet.network_names import plans_named
from pyml.freezenet.strata import FRACTION_UNIT, TensorWatermark, stratify, watermark
from pyml.freezenet.trainable import LayerPlan, TrainableNetwork, architecture
from pyml.freezenet.training import HeldWeights, Mode, hold_codes, hold_reference
from pyml.ml.datasets import Dataset
from pyml.ml.training import TrainingConfig

Scheme = Literal["reference", "v1"]
SCHEMES: Final[tuple[Scheme, ...]] = ("v1", "reference")

_NOBODY: Final = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Setting:
    """How a network is trained."""

    epochs: int
    learning_rate: float
    batch_size: int


AUTHOR: Final = Setting(epochs=100, learning_rate=1e-3, batch_size=100)
"""Section 3.5 and the author's program."""

TUNED: Final = {
    "mlp": Setting(epochs=40, learning_rate=1e-2, batch_size=32),
    "cnn": Setting(epochs=20, learning_rate=1e-2, batch_size=32),
    "paper": AUTHOR,
}
"""By network. Those of the small ones were found on the bundled digits; the paper's own was not searched for."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A training. ``seed`` fixes first weights and order of samples; ``fraction`` is counted in whole millionths."""

    network: str
    scheme: Scheme
    fraction: float
    setting: Setting
    block: bytes = b"pyml"
    hold: Mode = "mask"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise InputError("unknown scheme", expected=" or ".join(SCHEMES), got=self.scheme)
        if not (isfinite(self.fraction) and 0 <= self.fraction <= 1):
            raise InputError("a watermark's fraction is out of range", expected="0 to 1", got=self.fraction)

    @property
    def integer(self) -> bool:
        return self.scheme == "v1"

    @property
    def fraction_ppm(self) -> int:
        return round(self.fraction * FRACTION_UNIT)

    @property
    def config(self) -> TrainingConfig:
        """For ``training.train``; no weight decay, which masked gradients do not hold against."""
        return TrainingConfig(
            epochs=self.setting.epochs,
            batch_size=self.setting.batch_size,
            learning_rate=self.setting.learning_rate,
            weight_decay=0,
            seed=self.seed,
        )

    def fresh(self, dataset: Dataset) -> TrainableNetwork:
        """An untrained network for a data set, without the watermark."""
        plans = plans_named(self.network, dataset.shape, classes=dataset.classes, integer=self.integer)
        return TrainableNetwork(plans, seed=self.seed, integer=self.integer)

    def held(self, network: TrainableNetwork, seed: bytes | None = None) -> HeldWeights:
        """The watermark of the block, or in v1 of another ``seed``, put into a network."""
        if not self.integer:
            return hold_reference(network, self.block, self.fraction_ppm / FRACTION_UNIT, self.hold)
        return hold_codes(network, self.marks(network.plans, seed), self.hold)

    def marks(self, plans: Sequence[LayerPlan], seed: bytes | None = None) -> tuple[TensorWatermark, ...]:
        """The v1 watermark of the block, or of another ``seed``, for these layers."""
        given = practice_seed(self.block, plans, self.fraction_ppm) if seed is None else seed
        return marks_of(plans, given, self.fraction_ppm)


def marks_of(plans: Sequence[LayerPlan], seed: bytes, fraction_ppm: int) -> tuple[TensorWatermark, ...]:
    """A v1 watermark for layers of these plans."""
    return watermark(seed, stratify(_kernel_sizes(plans), fraction_ppm))


def practice_seed(block: bytes, plans: Sequence[LayerPlan], fraction_ppm: int) -> bytes:
    """The seed of a round that nobody opened, of which a block is the beacon."""
    return practice_context(block, plans, fraction_ppm).seed


def practice_context(
    block: bytes, plans: Sequence[LayerPlan], fraction_ppm: int, *, number: int = 0, miner: str = _NOBODY
) -> SeedContext:
    """As ``practice_seed``, for a ``miner`` in a round of some ``number``."""
    length = sum(stratum.length for stratum in stratify(_kernel_sizes(plans), fraction_ppm))
    return SeedContext(0, _NOBODY, 0, number, keccak(block), miner, length, architecture_hash(architecture(plans)))


def _kernel_sizes(plans: Sequence[LayerPlan]) -> list[int]:
    return [plan.shape.fan_in * plan.shape.fan_out for plan in plans[:-1]]
