"""The same statement by the native engine, by pyml's ezkl form and by sound ezkl without pyml, in one run.

The network, the samples and the count are the same integers for all; the circuits of ezkl need 4-bit pixels to fit this
machine, so all forms take these. Native proofs are made before and after the others, because machines change. Times of
ezkl's plain form favour it: see ``bench/zk_accuracy.py``. Per sample, because it fits on a few samples only.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from typing import Any, Final

from bench.measuring.processes import run_measured
from bench.measuring.record import RESULTS
from bench.zk.native_rounds import KEPT, THREADS, TIMEOUT_S, Workshop, prove_once
from bench.zk.native_targets import at_least
from bench.zk.rounds import WORKER, Bench, Options, compare

LIMITS: Final = {"pyml": 25.0, "naive": 200.0}
"""Least ratio of seconds a sample, by form."""
EARLIER: Final = "zk_accuracy_mnist.json"
_MNIST: Final = {"dataset": "mnist", "sizes": (784, 64, 10), "samples": 1000, "input_bits": 4, "lookup_bits": 16}
_DIGITS: Final = {"dataset": "digits", "sizes": (64, 8, 10), "samples": 8}


def measure_peers(workshop: Workshop, *, reuse: bool) -> dict[str, Any]:
    """All three, or the native one beside what ``bench/zk_accuracy.py --mnist`` found earlier."""
    quick = workshop.quick
    workload = _DIGITS if quick else _MNIST
    described = _train(workshop, workload)
    asked = {"trained": str(workshop.folder / "work"), "network": "network", "samples": workload["samples"]}
    folder, prepared = workshop.prepare("native", **asked)
    rounds = 1 if quick else 2
    runs = [prove_once(workshop, folder, THREADS) for _ in range(rounds)]
    others = _earlier(described) if reuse else _measured(workshop)
    runs += [prove_once(workshop, folder, THREADS) for _ in range(rounds)]
    median = {key: statistics.median(float(run[key]) for run in runs) for key in KEPT}
    native = {"form": "native", "samples": workload["samples"], "prepared": prepared, "runs": runs, "median": median}
    _note_counts(native, others["forms"])
    ratios = {form["form"]: _ratios(native, form) for form in others["forms"]}
    targets = (
        []
        if quick
        else [
            at_least(f"seconds a sample: {name} over native", LIMITS[name], found["seconds_a_sample"])
            for name, found in ratios.items()
        ]
    )
    return {"workload": described, "native": native, **others, "ratios_to_native": ratios, "targets": targets}


def _train(workshop: Workshop, workload: Mapping[str, Any]) -> dict[str, Any]:
    """In the folder that the other forms read."""
    data_dir = str(workshop.data_dir) if workshop.data_dir else None
    asked = {"action": "workload", "workload": workload, "data_dir": data_dir}
    places = {"work": str(workshop.folder / "work"), "srs_home": str(workshop.home)}
    return run_measured(WORKER, {**asked, **places}, timeout_s=TIMEOUT_S).as_dict()


def _measured(workshop: Workshop) -> dict[str, Any]:
    if workshop.quick:
        options = Options(samples=8, forms=("pyml", "naive"), repeats=1, naive_columns=(2,))
    else:
        options = Options(
            samples=1000,
            forms=("pyml", "naive"),
            repeats=1,
            naive_columns=(4,),
            naive_samples=28,
            max_degree=19,
            timeout_s=TIMEOUT_S,
        )
    return {"reused": None, **compare(Bench(options, workshop.folder, workshop.home, workshop.say))}


def _earlier(described: Mapping[str, Any]) -> dict[str, Any]:
    """Forms as they were measured by an earlier run, perhaps on another machine: what that was is said with them."""
    found = json.loads((RESULTS / EARLIER).read_text(encoding="utf-8"))
    networks = [one["models"]["plain"]["sha256"] for one in (found["workload"], described)]
    reused = {
        "from": EARLIER,
        "started_utc": found["started_utc"],
        "environment": found["environment"],
        "same_network": networks[0] == networks[1],
        "same_samples": found["workload"]["set_sha256"] == described["set_sha256"],
    }
    return {"reused": reused, "forms": found["forms"]}


def _note_counts(native: Mapping[str, Any], forms: list[dict[str, Any]]) -> None:
    """Forms that proved all samples must count alike; those of an earlier run may be of another training."""
    counts = {run["count"] for run in native["runs"]}
    for form in forms:
        if form["samples"] == native["samples"]:
            form["counts_as_native"] = {run["count"] for run in form["runs"]} == counts


def _ratios(native: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, float]:
    ours, theirs = native["median"], form["median"]
    per_sample = form["samples"] / native["samples"]
    return {
        "seconds_a_sample": theirs["total_s"] / per_sample / ours["total_s"],
        "peak_memory": theirs["peak_mb"] / ours["peak_mb"],
        "proof_bytes": theirs["proof_bytes"] / ours["proof_bytes"],
        "samples": form["samples"],
    }
