"""One measured step of ``bench/keys_throughput.py``: ``python -m bench.keys.throughput REQUEST.json ANSWER.json``."""

from __future__ import annotations

import ctypes
import gc
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
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
_SETTLING_S = 0.02
"""PyTorch's threads spin for some milliseconds after a pass, which is not the time of what comes next."""
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class _Span(NamedTuple):
    wall_s: float
    processor_s: float
    """Of all threads together."""


class _Ways(NamedTuple):
    """What is measured; each gives a number, of images or of distinct addresses."""

    forward: Callable[[], int]
    """The bare forward pass."""
    whole: Callable[[], int]
    """From images to addresses, as the command does it: threads derive while the pass runs."""


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the request says: ``time`` forward passes and derivations in turns, or ``memory`` of one of them."""
    torch.set_num_threads(asked["threads"])
    network, images, pixel_max = _subject(asked)
    ways = _ways(network, images, pixel_max)
    if asked["action"] == "time":
        return _timed(ways, list(activations(network, images, pixel_max=pixel_max, batch=BATCH)), asked["rounds"])
    one = _ways(network, images[:BATCH], pixel_max)
    one.whole()  # brings in the code of every library that takes part
    return _peak({"one batch": one.forward, "forward pass": ways.forward, "everything": ways.whole}[asked["of"]])


def _subject(asked: Mapping[str, Any]) -> tuple[Siamese, Images, int]:
    count = asked["count"]
    if asked["subject"] == "resnet50":
        pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 224, 224), dtype=np.uint8)
        return siamese(Architecture("resnet50", 3, 224, 224)), pixels, 255
    dataset = load(asked["subject"], load_config().data)
    if len(dataset.test_images) < count:
        raise InputError("the set is too small", expected=count, got=len(dataset.test_images))
    return read_siamese(Path(asked["network"])), dataset.test_images[:count], dataset.pixel_max


def _ways(network: Siamese, images: Images, pixel_max: int) -> _Ways:
    def seen() -> Iterator[NDArray[np.float32]]:
        return activations(network, images, pixel_max=pixel_max, batch=BATCH)

    return _Ways(lambda: sum(map(len, seen())), lambda: len(set(derive_addresses(seen(), Recipe()))))


def _timed(ways: _Ways, seen: list[NDArray[np.float32]], rounds: int) -> dict[str, Any]:
    """Each way, and all that comes after the pass by itself, from activations that are there; in turns."""
    derived: list[Addresses] = []
    steps = {
        "forward": ways.forward,
        "whole": ways.whole,
        "after": lambda: derived.extend(derive_addresses(seen, Recipe())),
    }
    spans: dict[str, list[_Span]] = {name: [] for name in steps}
    for turn in range(rounds):
        derived.clear()
        for name in reversed(steps) if turn % 2 else steps:
            spans[name].append(_span(steps[name]))
    images, wall_s = sum(map(len, seen)), {name: median(span.wall_s for span in spans[name]) for name in spans}
    forward, whole, after = spans.values()
    return {
        "images": images,
        "distinct_codes": len(set(derived)),
        **{f"{name}_s": seconds for name, seconds in wall_s.items()},
        "images_per_second": images / wall_s["whole"],
        **_costs("processor", [end.processor_s / begin.processor_s for begin, end in zip(forward, after, strict=True)]),
        **_costs("clock", [end.wall_s / begin.wall_s - 1 for begin, end in zip(forward, whole, strict=True)]),
        **_costs("alone", [end.wall_s / begin.wall_s for begin, end in zip(forward, after, strict=True)]),
    }


def _costs(of: str, by_round: list[float]) -> dict[str, Any]:
    return {f"{of}_cost": median(by_round), f"{of}_cost_by_round": by_round}


def _span(step: Callable[[], object]) -> _Span:
    time.sleep(_SETTLING_S)
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return _Span(time.perf_counter() - wall, time.process_time() - processor)


def _peak(step: Callable[[], int]) -> dict[str, Any]:
    """Resident bytes before the step, with network, images and code loaded, and the greatest during it."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what loading has freed is not the step's to use for nothing
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
