"""Native proofs, each step in a process of its own: at the sizes of the targets, and along each axis of the shape.

``total_s`` runs from a model and samples in memory to a proof, and holds the load of the powers of tau, which are on
disk and were checked before; ``load_powers_s`` says what part of it that was. ``cpu_s`` is the same over all threads,
and means something on a busy machine as well. Verification is apart.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.measuring.processes import run_measured
from bench.zk.native_targets import at_most
from pyml.errors import ProofError

WORKER: Final = "bench.zk.native_worker"
TRAINER: Final = "bench.zk.native_training"
TIMEOUT_S: Final = 1800.0
SIZES: Final = (784, 64, 10)
THREADS: Final = 2
LIMITS: Final = {10_000: {"total_s": 30.0, "peak_mb": 3000.0, "proof_bytes": 8000.0}, 1000: {"total_s": 4.0}}
"""What the project asks for at 784-64-10 on two threads, by number of samples."""
DEGREES: Final = (20, 21, 22, 23)
"""n of the layouts of 10,000 samples that are compared; development powers of tau end here."""
KEPT: Final = ("total_s", "load_powers_s", "prove_s", "cpu_s", "peak_mb", "proof_bytes")


@dataclass(frozen=True, slots=True)
class Workshop:
    """One run's folders."""

    folder: Path
    home: Path
    data_dir: Path | None
    say: Callable[[str], None]
    quick: bool = False
    ready: set[int] = field(default_factory=set[int])
    """Degrees whose powers of tau are on disk, checked."""

    def step(self, action: str, **asked: Any) -> dict[str, Any]:
        return run_measured(WORKER, {"action": action, "home": str(self.home), **asked}, timeout_s=TIMEOUT_S).as_dict()

    def train(self, name: str, **workload: Any) -> dict[str, Any]:
        """Train and quantise at full pixels, as pyml does by default; network and data are in ``folder / name``."""
        self.say(f"training {_dashed(workload['sizes'])} on {workload['dataset']}")
        places = {"folder": str(self.folder / name), "data_dir": str(self.data_dir) if self.data_dir else None}
        return run_measured(TRAINER, {"action": "train", **places, **workload}, timeout_s=TIMEOUT_S).as_dict()

    def powers(self, degree: int) -> dict[str, Any]:
        """Make sure of them; nobody's cost."""
        if degree in self.ready:
            return {}
        self.say(f"powers of tau, 2^{degree}")
        self.ready.add(degree)
        return self.step("powers", degree=degree)

    def prepare(self, name: str, **work: Any) -> tuple[Path, dict[str, Any]]:
        """Work and verifying key in a folder."""
        folder = self.folder / name
        described = self.step("work", folder=str(folder), **work)
        self.powers(described["degree"])
        done = self.step("set-up", folder=str(folder))
        kept = {name: described[name] for name in ("degree", "limb_bits", "shifts")}
        return folder, {**kept, "commit_data_s": done["commit_data_s"]}


def measure_native(workshop: Workshop) -> dict[str, Any]:
    """A trained network on a whole test set and on a part, the range proof of its weights, and an answer."""
    quick = workshop.quick
    dataset, sizes = ("digits", (64, 8, 10)) if quick else ("mnist", SIZES)
    whole, part, repeats = (12, 5, 1) if quick else (10_000, 1000, 3)
    described = workshop.train("whole", dataset=dataset, sizes=sizes, samples=whole)
    proofs: list[dict[str, Any]] = []
    for samples in (whole, part):
        asked = {"trained": str(workshop.folder / "whole"), "network": "default", "samples": samples}
        proofs.append(prove_repeatedly(workshop, f"{samples}", repeats, threads=THREADS, **asked))
    ranges, answer = _others(workshop, workshop.folder / f"{whole}")
    targets = [
        at_most(f"{limit} at N = {one['samples']}", bound, one["median"][limit])
        for one in proofs
        for limit, bound in ({} if quick else LIMITS[one["samples"]]).items()
    ]
    return {"workload": described, "proofs": proofs, "range_proof": ranges, "answer": answer, "targets": targets}


def prove_repeatedly(workshop: Workshop, name: str, repeats: int, *, threads: int, **work: Any) -> dict[str, Any]:
    """One statement proved ``repeats`` times and verified by the independent verifier."""
    folder, prepared = workshop.prepare(name, **work)
    runs = [prove_once(workshop, folder, threads) for _ in range(repeats)]
    verified = workshop.step("verify", folder=str(folder))
    if not verified["valid"] or not verified["refused_with_another_count"]:
        raise ProofError("the independent verifier disagrees with the prover", got=verified)
    median = {key: statistics.median(float(run[key]) for run in runs) for key in KEPT}
    return {"samples": work["samples"], "prepared": prepared, "runs": runs, "median": median, "verified": verified}


def prove_once(workshop: Workshop, folder: Path, threads: int) -> dict[str, Any]:
    run = workshop.step("prove", folder=str(folder), threads=threads)
    took = f"{run['total_s']:.2f} s, {run['cpu_s']:.2f} s of CPU"
    workshop.say(f"  {folder.name}: {took}, {run['peak_mb']:.0f} MB, {run['proof_bytes']} bytes")
    return run


def _others(workshop: Workshop, work: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Range proof and answer of the same network; both are small, whatever N is."""
    folder, prepared = workshop.prepare("answer", inference_of=str(work))
    ranges = workshop.step("weights", folder=str(folder), threads=THREADS)
    answer = workshop.step("answer", folder=str(folder), threads=THREADS)
    return {"prepared": prepared, **ranges}, {"prepared": prepared, **answer}


@dataclass(frozen=True, slots=True)
class Point:
    """One place on one axis."""

    axis: str
    samples: int = 1000
    sizes: tuple[int, ...] = SIZES
    threads: int = THREADS
    degree: int = 0
    """n; 0 for the one that pyml chooses."""


def axes(quick: bool) -> Iterator[Point]:
    """N, d, h, depth, threads, and n at two sizes, each from the same middle."""
    if quick:
        yield Point("samples", 3, (16, 4, 3))
        yield Point("threads", 3, (16, 4, 3), threads=1)
        yield Point("degree", 3, (16, 4, 3), degree=15)
        return
    yield from (Point("samples", samples) for samples in (1, 10, 100, 1000, 10_000))
    yield from (Point("inputs", sizes=(width, 64, 10)) for width in (16, 64, 256, 784, 3072))
    yield from (Point("hidden", sizes=(784, width, 10)) for width in (16, 32, 64, 128, 256))
    yield from (Point("depth", sizes=(784, *[64] * hidden, 10)) for hidden in (1, 2, 3, 4))
    yield from (Point("threads", threads=threads) for threads in sorted({1, 2, len(os.sched_getaffinity(0))}))
    yield from (Point("degree", degree=degree) for degree in (17, 18, 19, 20))
    yield from (Point("degree", 10_000, degree=degree) for degree in DEGREES)


def measure_scaling(workshop: Workshop) -> dict[str, Any]:
    """One proof at each place by a random network; a place on two axes is measured once."""
    found = dict[tuple[object, ...], dict[str, Any]]()
    points = list[dict[str, Any]]()
    for point in axes(workshop.quick):
        place = (point.samples, point.sizes, point.threads, point.degree)
        if place not in found:
            found[place] = _measure_point(workshop, point)
        points.append({**asdict(point), **found[place]})
    return {"base": asdict(Point("samples")), "points": points}


def _measure_point(workshop: Workshop, point: Point) -> dict[str, Any]:
    workshop.say(f"{point.axis}: N = {point.samples}, {_dashed(point.sizes)}, {point.threads} threads")
    asked = {"samples": point.samples, "sizes": point.sizes, "degree": point.degree}
    folder, prepared = workshop.prepare("scaling", **asked)
    run = prove_once(workshop, folder, point.threads)
    shutil.rmtree(folder)
    return {"degree": prepared["degree"], **{key: run[key] for key in (*KEPT, "phases_s", "load_before")}}


def _dashed(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))
