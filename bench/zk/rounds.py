"""Forms of proof prepared once and then measured in rounds: one proof by each, and again.

Rounds are compared one by one, because the machine's speed changes more between them than within.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measuring.processes import run_measured
from pyml.errors import PymlError

WORKER = "bench.zk.worker"
FORMS = ("pyml", "pyml-default", "naive", "naive-8", "documented", "single")
COLUMN_COUNTS = (1, 2, 3, 4)
_NOTES = {
    "pyml": "the statement, sound",
    "pyml-default": "the statement, sound, for the model as pyml quantises it by default: wider weights and a shift",
    "naive": "the statement, sound: products laid out, engine's ReLU and comparison, ties wrong; fastest shape found",
    "naive-8": "the same with the 8 inner columns that the specification measured",
    "documented": "UNSOUND, for reference: the engine's defaults, whose Freivalds products accept forged results",
    "single": "not the statement: one inference a proof, weights private but not committed; N proofs cost N times this",
}
_ONCE = frozenset({"documented"})


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and how far to go."""

    samples: int
    forms: tuple[str, ...] = FORMS
    repeats: int = 3
    naive_columns: tuple[int, ...] = tuple(range(1, 9))
    max_degree: int = 18
    """Largest k tried for the naive circuit: each step doubles its memory, about 6 GB at 18."""
    naive_samples: int | None = None
    """Samples of the naive circuits, where all would not fit the machine."""
    timeout_s: float = 3600.0


@dataclass(slots=True)
class Form:
    """A way to prove, its preparation, and its proofs so far."""

    name: str
    folder: Path
    request: dict[str, Any]
    prepared: dict[str, Any] = field(default_factory=dict[str, Any])
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    samples: int = 0

    def median(self, key: str) -> float:
        return statistics.median(float(run[key]) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        result: dict[str, Any] = {"form": self.name, "note": _NOTES.get(self.name, "the statement, sound")}
        result |= {"samples": self.samples, "prepared": self.prepared, "runs": self.runs}
        keys = ("total_s", "witness_s", "prove_s", "verify_s", "peak_mb", "proof_bytes")
        return result | {"median": {key: self.median(key) for key in keys}}


@dataclass(frozen=True, slots=True)
class Bench:
    """One run's folders and options."""

    options: Options
    folder: Path
    srs_home: Path
    say: Callable[[str], None]

    def step(self, **request: Any) -> dict[str, Any]:
        places = {"work": str(self.folder / "work"), "srs_home": str(self.srs_home)}
        return run_measured(WORKER, {**places, **request}, timeout_s=self.options.timeout_s).as_dict()

    def form(self, name: str, label: str | None = None, **request: Any) -> Form:
        """Prepare a form in a folder of its own."""
        folder = self.folder / (label or name)
        asked: dict[str, Any] = {"form": name, "folder": str(folder), **request}
        form = Form(label or name, folder, asked)
        form.samples = 1 if name == "single" else self.options.samples
        if name == "naive" and self.options.naive_samples:
            form.samples = asked["samples"] = self.options.naive_samples
        self.say(f"preparing {form.name} …")
        form.prepared = self.step(action="prepare", **asked)
        return form

    def prove(self, form: Form, **request: Any) -> None:
        run = self.step(action="prove", **form.request, **request)
        if not run["valid"]:
            raise PymlError(f"{form.name}: the proof does not verify or has the wrong count", got=run)
        form.runs.append(run)
        self.say(f"  {form.name}: proved in {run['total_s']:.2f} s, {run['peak_mb']:.0f} MB")


def compare(bench: Bench) -> dict[str, Any]:
    """Every chosen form on one workload."""
    wanted = bench.options.forms
    forms: list[Form] = []
    if "pyml" in wanted:
        forms.append(bench.form("pyml"))
    if "pyml-default" in wanted:
        forms.append(bench.form("pyml", "pyml-default", default_model=True))
    candidates: list[dict[str, Any]] = []
    if "naive" in wanted:
        chosen, candidates = _best_naive(bench)
        forms.extend([chosen] if chosen else [])
    if "naive-8" in wanted:
        forms.append(bench.form("naive", "naive-8", columns=8))
    forms.extend(bench.form(name) for name in ("documented", "single") if name in wanted)
    for turn in range(bench.options.repeats):
        bench.say(f"round {turn + 1} of {bench.options.repeats}")
        for form in forms:
            if turn == 0 or form.name not in _ONCE:
                bench.prove(form, **({"sample": turn % bench.options.samples} if form.name == "single" else {}))
    return {
        "forms": [form.as_dict() for form in forms],
        "naive_candidates": candidates,
        "ratios_to_pyml": _ratios(forms, bench.options.samples),
    }


def _best_naive(bench: Bench) -> tuple[Form | None, list[dict[str, Any]]]:
    """The naive circuit in its fastest shape: for each k the fewest inner columns, each proved once."""
    folder = bench.folder / "scan"
    columns, samples = bench.options.naive_columns, bench.options.naive_samples
    scanned = bench.step(action="scan", folder=str(folder), columns=columns, samples=samples)["candidates"]
    fewest: dict[int, dict[str, Any]] = {}
    for candidate in sorted(scanned, key=lambda item: int(item["inner_columns"])):
        fewest.setdefault(candidate["k"], candidate)
    best: Form | None = None
    for candidate in scanned:
        k = candidate["k"]
        if k > bench.options.max_degree:
            candidate["result"] = f"not run: k above --max-degree {bench.options.max_degree}"
        elif fewest[k] is not candidate:
            candidate["result"] = f"not run: {fewest[k]['inner_columns']} columns reach the same k"
        else:
            best = _faster(bench, best, candidate)
    if best is not None:
        best.name = "naive"
        best.runs.clear()  # the trial was not part of a round
    return best, scanned


def _faster(bench: Bench, best: Form | None, candidate: dict[str, Any]) -> Form | None:
    """Try one shape, keep the faster one, and throw the other's keys away."""
    columns = candidate["inner_columns"]
    try:
        form = bench.form("naive", f"trial-{columns}", columns=columns)
        bench.prove(form)
    except PymlError as error:
        candidate["result"] = f"failed: {error}"
        return best
    candidate |= {"trial_s": form.median("total_s"), "setup_s": form.prepared["setup_s"], "result": "proved"}
    if best is None or form.median("total_s") < best.median("total_s"):
        best, form = form, best
    if form is not None:
        shutil.rmtree(form.folder, ignore_errors=True)
    return best


def _ratios(forms: Sequence[Form], samples: int) -> dict[str, Any]:
    """Each form's time, memory and key over pyml's, round by round where both have rounds."""
    ours = next((form for form in forms if form.name == "pyml"), None)
    if ours is None:
        return {}
    result: dict[str, Any] = {}
    for form in forms:
        if form is ours:
            continue
        times = samples / form.samples
        rounds = [times * _total(theirs) / _total(mine) for theirs, mine in zip(form.runs, ours.runs, strict=False)]
        result[form.name] = {
            "prove_time": statistics.median(rounds),
            "prove_time_of_fastest": times * min(map(_total, form.runs)) / min(map(_total, ours.runs)),
            "prove_time_least": min(rounds),
            "prove_time_greatest": max(rounds),
            "extrapolated_from_samples": form.samples if form.samples != samples else None,
            "setup_time": form.prepared["setup_s"] / ours.prepared["setup_s"],
            "peak_memory": form.median("peak_mb") / ours.median("peak_mb"),
            "proving_key": form.prepared["proving_key_mb"] / ours.prepared["proving_key_mb"],
        }
    return result


def _total(run: dict[str, Any]) -> float:
    return float(run["total_s"])


def compare_columns(bench: Bench) -> dict[str, Any]:
    """Proving time of pyml's circuit for each number of inner columns, all at the k that the fewest need."""
    natural = {count: bench.form("pyml", f"rows-{count}", columns=count).prepared for count in COLUMN_COUNTS}
    degree = max(int(prepared["k"]) for prepared in natural.values())
    forms = {count: bench.form("pyml", f"columns-{count}", columns=count, degree=degree) for count in COLUMN_COUNTS}
    for turn in range(bench.options.repeats):
        bench.say(f"round {turn + 1} of {bench.options.repeats}")
        for form in forms.values():
            bench.prove(form)
    table = {
        str(count): {
            "rows": natural[count]["rows"],
            "k_needed": natural[count]["k"],
            "k_measured": degree,
            "prove_s": [run["prove_s"] for run in form.runs],
            "relative_cost": statistics.median(
                run["prove_s"] / two["prove_s"] for run, two in zip(form.runs, forms[2].runs, strict=True)
            ),
            "proving_key_mb": form.prepared["proving_key_mb"],
            "proof_bytes": form.runs[0]["proof_bytes"],
        }
        for count, form in forms.items()
    }
    return {"columns": table, "forms": [form.as_dict() for form in forms.values()]}
