"""What holding a watermark costs in training: the paper's CNN at batch 100, with and without, batch by batch in turns.

    python bench/freezenet_training.py            three minutes; bench/results/freezenet_training.json
    python bench/freezenet_training.py --quick    the small CNN

One network sees each batch of noise four times, in a random order: plain, with gradients masked, with weights replaced
after the batch, and plain again. It is one network, so that weights and their addresses do not tell the passes apart.
The second plain pass is the control, and says how far this machine can tell anything. A cost is the median, over all
batches, of the ratio to the plain pass over the same batch, and stands with its 95 % interval (order statistics):

- of whole batches, by the processor's time and by the wall's. On a shared machine these scatter by more than 1 %;
- of batches that differ in the update alone, which is all from the gradients on: what the update took more than the
  plain one, over the plain batch. Forward and backward passes are the same code, and are left out with their noise.

Beside them stand the seconds of a masking alone: tensor by tensor as the trainer does it, in one call for all, and on
one flat buffer, which has to be zeroed before each batch besides. Half of the weights are watermarked; v1 in integers
and the paper's scheme in float.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console
from torch import nn

from bench.measuring.record import RESULTS, load_average, write_result
from pyml.freezenet.experiment import AUTHOR, SCHEMES, Experiment, Scheme
from pyml.freezenet.network_names import plans_named
from pyml.freezenet.trainable import TrainableNetwork
from pyml.freezenet.training import HeldWeights, Mode

FRACTION: Final = 0.5
ALLOWED: Final = 1.01
SHAPES: Final = {"paper": (3, 32, 32), "cnn": (8, 8)}
console = Console(stderr=True)
Step = Callable[[torch.Tensor, torch.Tensor, "HeldWeights | None"], "Seconds"]


@dataclass(frozen=True, slots=True)
class Seconds:
    """One batch: the processor's seconds, those of them from the gradients on, and the wall's."""

    processor: float
    update: float
    wall: float


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small CNN")
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS / "freezenet_training.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    started, load = time.time(), load_average()
    network = "cnn" if options.quick else "paper"
    found = [_measured(network, scheme, options.batches) for scheme in SCHEMES]
    content = {
        "load_average_before": load,
        "network": network,
        "batch": AUTHOR.batch_size,
        "threads": options.threads,
        "fraction": FRACTION,
        "allowed_mask": ALLOWED,
        "schemes": found,
    }
    given = ["--quick"] if options.quick else []
    write_result(options.output, benchmark="freezenet_training", arguments=given, started=started, content=content)
    return 0


def _measured(network: str, scheme: Scheme, batches: int) -> dict[str, Any]:
    model, step = _network(network, scheme)
    ways: dict[str, Mode | None] = {"plain": None, "mask": "mask", "replace": "replace", "plain_again": None}
    held = {name: mode and _experiment(network, scheme, mode).held(model) for name, mode in ways.items()}
    generator, order = torch.Generator().manual_seed(1), np.random.default_rng(1)
    features = int(np.prod(SHAPES[network]))
    taken: dict[str, list[Seconds]] = {name: [] for name in ways}
    for turn in range(batches + 2):
        inputs = torch.rand((AUTHOR.batch_size, features), generator=generator)
        labels = torch.randint(0, 10, (AUTHOR.batch_size,), generator=generator)
        for name in map(str, order.permutation(list(ways))):
            seconds = step(inputs, labels, held[name])
            if turn > 1:  # the first two warm up
                taken[name].append(seconds)
    ratios = {
        "ratio_to_plain": _ratios(taken, lambda one, plain: one.processor / plain.processor),
        "ratio_to_plain_wall": _ratios(taken, lambda one, plain: one.wall / plain.wall),
        "ratio_to_plain_update": _ratios(taken, lambda one, plain: 1 + (one.update - plain.update) / plain.processor),
    }
    result = {
        "scheme": scheme,
        "batches": batches,
        "batch_s": {name: median(each.processor for each in values) for name, values in taken.items()},
        "update_s": {name: median(each.update for each in values) for name, values in taken.items()},
        **ratios,
        "masking_alone_s": _masking_alone(model),
        "mask_holds": {name: of["mask"]["median"] <= ALLOWED for name, of in ratios.items()},
    }
    console.print(result)
    return result


def _experiment(network: str, scheme: Scheme, mode: Mode) -> Experiment:
    return Experiment(network, scheme, FRACTION, AUTHOR, hold=mode)


def _network(network: str, scheme: Scheme) -> tuple[TrainableNetwork, Step]:
    """A network, and one batch of it as ``training.train`` does it."""
    integer = _experiment(network, scheme, "mask").integer
    plans = plans_named(network, SHAPES[network], classes=10, integer=integer)
    model = TrainableNetwork(plans, seed=0, integer=integer).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=AUTHOR.learning_rate)

    def step(inputs: torch.Tensor, labels: torch.Tensor, held: HeldWeights | None) -> Seconds:
        wall, began = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        ready = time.process_time()
        if held is not None:
            held.before_step()
        optimiser.step()  # pyright: ignore[reportUnknownMemberType]
        if held is not None:
            held.after_step()
        ended = time.process_time()
        return Seconds(ended - began, ended - ready, time.perf_counter() - wall)

    return model, step


def _masking_alone(model: TrainableNetwork, times: int = 100) -> dict[str, float]:
    """Median seconds to mask every parameter of the network, with caches that something else has filled before."""
    gradients = [torch.rand_like(parameter) for parameter in model.parameters()]
    masks = [torch.ones_like(parameter) for parameter in model.parameters()]
    flat, flat_mask = (torch.cat([each.view(-1) for each in tensors]) for tensors in (gradients, masks))
    other = torch.rand(1 << 22)

    def each() -> None:
        for gradient, mask in zip(gradients, masks, strict=True):
            gradient.mul_(mask)

    ways: dict[str, Callable[[], object]] = {
        "each_tensor": each,
        "one_call": lambda: torch._foreach_mul_(gradients, masks),  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
        "flat": lambda: flat.mul_(flat_mask),
        "zeroing_flat": flat.zero_,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            other.mul_(1.0)
            began = time.process_time()
            way()
            taken[name].append(time.process_time() - began)
    return {name: median(values) for name, values in taken.items()}


def _ratios(taken: dict[str, list[Seconds]], ratio: Callable[[Seconds, Seconds], float]) -> dict[str, dict[str, float]]:
    """Of every other way to the plain one, batch by batch."""
    return {
        name: _spread([ratio(one, plain) for one, plain in zip(values, taken["plain"], strict=True)])
        for name, values in taken.items()
        if name != "plain"
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """The median, its 95 % interval by order statistics (normal approximation of the ranks), and the extremes."""
    ordered, count = sorted(values), len(values)
    reach = 1.96 * math.sqrt(count) / 2
    low, high = max(0, math.floor(count / 2 - reach)), min(count - 1, math.ceil(count / 2 + reach))
    return {
        "median": median(ordered),
        "median_from": ordered[low],
        "median_to": ordered[high],
        "least": ordered[0],
        "most": ordered[-1],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
