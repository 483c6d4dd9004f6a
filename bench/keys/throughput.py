"""One measured step of ``bench/keys_throughput.py``: ``python -m bench.keys.throughput REQUEST.json ANSWER.json``."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pyml.config import load_config
from pyml.errors import InputError
from pyml.keys.derivation import Addresses, Recipe, derive_addresses
from pyml.ml.datasets import load
from pyml.ml.siamese import Architecture, Images, Siamese, activations, siamese
from pyml.ml.siamese_file import read_siamese

BATCH = 32
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class _Span(NamedTuple):
    wall_s: float
    processor_s: float
    """Of all threads together."""


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the request says: ``time`` forward passes and derivations in turns, or ``memory`` of one of them."""
    torch.set_num_threads(asked["threads"])
    network, images, pixel_max = _subject(asked)
    forward, derive = _ways(network, images, pixel_max)
    if asked["action"] == "time":
        return _timed(forward, list(activations(network, images, pixel_max=pixel_max, batch=BATCH)), asked["rounds"])
    if asked["of"] == "one batch":
        return _peak(_ways(network, images[:BATCH], pixel_max)[0])
    return _peak(derive)


def _subject(asked: Mapping[str, Any]) -> tuple[Siamese, Images, int]:
    count = asked["count"]
    if asked["subject"] == "resnet50":
        pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 224, 224), dtype=np.uint8)
        return siamese(Architecture("resnet50", 3, 224, 224)), pixels, 255
    dataset = load(asked["subject"], load_config().data)
    if len(dataset.test_images) < count:
        raise InputError("the set is too small", expected=count, got=len(dataset.test_images))
    return read_siamese(Path(asked["network"])), dataset.test_images[:count], dataset.pixel_max


def _ways(network: Siamese, images: Images, pixel_max: int) -> tuple[Callable[[], int], Callable[[], int]]:
    """The bare forward pass, and everything from images to addresses; each gives how many distinct codes there were."""

    def forward() -> int:
        return sum(len(batch) for batch in activations(network, images, pixel_max=pixel_max, batch=BATCH))

    def derive() -> int:
        seen = activations(network, images, pixel_max=pixel_max, batch=BATCH)
        return len(set(derive_addresses(seen, Recipe())))

    return forward, derive


def _timed(forward: Callable[[], int], seen: list[NDArray[np.float32]], rounds: int) -> dict[str, Any]:
    """Forward passes, and in turn with them everything after, from activations that are there already."""
    images = sum(map(len, seen))
    bare: list[_Span] = []
    after: list[_Span] = []
    distinct = 0
    for _ in range(rounds):
        bare.append(_span(forward))
        derived: list[Addresses] = []
        after.append(_span(lambda to=derived: to.extend(derive_addresses(seen, Recipe()))))
        distinct = len(set(derived))
    costs = [end.wall_s / begin.wall_s for begin, end in zip(bare, after, strict=True)]
    processor = [end.processor_s / begin.processor_s for begin, end in zip(bare, after, strict=True)]
    forward_s, after_s = (median(span.wall_s for span in spans) for spans in (bare, after))
    return {
        "images": images,
        "distinct_codes": distinct,
        "forward_s": forward_s,
        "after_s": after_s,
        "images_per_second": images / (forward_s + after_s),
        "processor_cost_after_forward": median(processor),
        "processor_cost_by_round": processor,
        "cost_after_forward": median(costs),
        "cost_by_round": costs,
    }


def _span(step: Callable[[], object]) -> _Span:
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return _Span(time.perf_counter() - wall, time.process_time() - processor)


def _peak(step: Callable[[], int]) -> dict[str, Any]:
    """Resident bytes before the step, with network and images loaded, and the greatest during it."""
    before = _status(_RESIDENT)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets the peak back to what is resident now
    step()
    return {"before_mb": before / 1e6, "peak_mb": _status(_PEAK) / 1e6, "above_mb": (_status(_PEAK) - before) / 1e6}


def _status(pattern: re.Pattern[str]) -> int:
    found = pattern.search(Path("/proc/self/status").read_text(encoding="ascii"))
    if found is None:
        raise InputError("this system does not tell a process's memory", expected="Linux")
    return int(found[1]) * 1024


if __name__ == "__main__":
    done = answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
