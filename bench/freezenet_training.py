"""What holding a watermark costs in training: the paper's CNN at batch 100, with and without, batch by batch in turns.

    python bench/freezenet_training.py            some minutes; bench/results/freezenet_training.json
    python bench/freezenet_training.py --quick    the small CNN

Four networks of the same weights see the same batches of noise, one batch each in a random order: plain, gradients
masked, weights replaced after the batch, and plain again. The cost is the median over batches of the ratio to the plain
network's time for the same batch; the second plain network says how far this machine can tell anything. Times are the
process's own, so that others on the machine are not counted. Beside it stands what is more exact on a busy machine: the
time that holding takes within its own batch, over the rest of that batch. Half of the weights are watermarked; v1 in
integers and the paper's scheme in float.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
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
Step = Callable[[torch.Tensor, torch.Tensor], tuple[float, float]]
"""One batch: its seconds, and those that holding took of them."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small CNN")
    parser.add_argument("--batches", type=int, default=25)
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
    ways: dict[str, Mode | None] = {"plain": None, "mask": "mask", "replace": "replace", "plain_again": None}
    steps = {name: _step(network, scheme, mode) for name, mode in ways.items()}
    generator, order = torch.Generator().manual_seed(1), np.random.default_rng(1)
    features = int(np.prod(SHAPES[network]))
    taken: dict[str, list[float]] = {name: [] for name in steps}
    own: dict[str, list[float]] = {"mask": [], "replace": []}
    for turn in range(batches + 2):
        inputs = torch.rand((AUTHOR.batch_size, features), generator=generator)
        labels = torch.randint(0, 10, (AUTHOR.batch_size,), generator=generator)
        for name in order.permutation(list(steps)):
            seconds, holding = steps[str(name)](inputs, labels)
            if turn > 1:  # the first two warm up
                taken[str(name)].append(seconds)
                if name in own:
                    own[str(name)].append(seconds / (seconds - holding))
    ratios = {
        name: _spread([one / plain for one, plain in zip(taken[name], taken["plain"], strict=True)])
        for name in ("mask", "replace", "plain_again")
    }
    result = {
        "scheme": scheme,
        "batches": batches,
        "batch_s": {name: median(values) for name, values in taken.items()},
        "ratio_to_plain": ratios,
        "ratio_to_rest_of_its_batch": {name: _spread(values) for name, values in own.items()},
        "mask_holds": median(own["mask"]) <= ALLOWED,
    }
    console.print(result)
    return result


def _step(network: str, scheme: Scheme, mode: Mode | None) -> Step:
    """One batch as ``training.train`` does it."""
    experiment = Experiment(network, scheme, FRACTION, AUTHOR)
    plans = plans_named(network, SHAPES[network], classes=10, integer=experiment.integer)
    model = TrainableNetwork(plans, seed=0, integer=experiment.integer).train()
    held: HeldWeights | None = None
    if mode is not None:
        held = Experiment(network, scheme, FRACTION, AUTHOR, hold=mode).held(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=AUTHOR.learning_rate)

    def step(inputs: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
        began = time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        before = time.process_time()
        if held is not None:
            held.before_step()
        ready = time.process_time()
        optimiser.step()  # pyright: ignore[reportUnknownMemberType]
        updated = time.process_time()
        if held is not None:
            held.after_step()
        ended = time.process_time()
        return ended - began, ended - updated + ready - before

    return step


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
