"""One private-model inference proved in every form, prepared once and then in rounds: one proof by each, and again.

In a round every form answers the same input; rounds are compared one by one, because the machine's speed changes more
between them than within. A batched proof counts as the time of one of its samples.
"""

from __future__ import annotations

import itertools
import json
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.measuring.processes import run_measured
from bench.zk import workload, zokrates
from pyml.errors import PymlError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict

WORKER, ZOKRATES_WORKER = "bench.zk.inference_worker", "bench.zk.zokrates_worker"
SOUND_PEER = "ezkl-sound"
ZOKRATES_FORMS = ("zokrates", "zokrates-committed")
FORMS = ("pyml", "pyml-certified", "ezkl-documented", "ezkl-batched", SOUND_PEER, *ZOKRATES_FORMS)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a form's proof says, next to pyml's."""

    names_model: bool
    """Whether the proof says whose weights answered; if not, they may be chosen to give any answer."""
    note: str


STATEMENTS = {
    "pyml": Statement(
        names_model=True,
        note="the committed model gives this class to this public input; least k; the peers' integer model",
    ),
    "pyml-certified": Statement(
        names_model=True,
        note="the same for the model as pyml quantises it by default, at the k of its accuracy circuit: one commitment",
    ),
    "ezkl-documented": Statement(
        names_model=False,
        note="less: some weights give these public logits to this input, up to a rescaling that accepts two quotients",
    ),
    "ezkl-batched": Statement(
        names_model=False,
        note="less: as ezkl-documented, for many inputs in one proof; the time is that of one of them",
    ),
    SOUND_PEER: Statement(
        names_model=True,
        note="the same, but the commitment has no salt, so that each proof gives away one evaluation of the weights",
    ),
    "zokrates": Statement(
        names_model=False,
        note="less: some weights within range give this class to this public input; a trusted set-up for each circuit",
    ),
    "zokrates-committed": Statement(
        names_model=True,
        note="the same under a Poseidon commitment; a trusted set-up for each circuit",
    ),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and how far to go."""

    forms: tuple[str, ...] = FORMS
    repeats: int = 3
    batch: int = 16
    columns: tuple[int, ...] = (1, 2, 3, 4)
    """Inner columns tried for the sound peer."""
    widths: tuple[int, ...] = ()
    """Hidden widths tried with ZoKrates beside the workload's own."""
    timeout_s: float = 300.0


@dataclass(slots=True)
class Form:
    """A way to prove, its preparation, and its proofs so far."""

    name: str
    folder: Path
    samples: int = 1
    """In one proof."""
    columns: int = 2
    salt: int | None = None
    prepared: dict[str, Any] = field(default_factory=dict[str, Any])
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def median(self, key: str) -> float:
        return statistics.median(float(run[key]) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        statement = STATEMENTS[self.name]
        keys = ("total_s", "witness_s", "prove_s", "verify_s", "peak_mb", "proof_bytes")
        return {
            "form": self.name,
            "sound": not self.prepared.get("einsum_columns"),  # the engine's own product accepts forged results
            "names_model": statement.names_model,
            "statement": statement.note,
            "samples_in_a_proof": self.samples,
            "prepared": self.prepared,
            "runs": self.runs,
            "median": {key: self.median(key) for key in keys} | {"sample_s": self.median("total_s") / self.samples},
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """One run's folders, options and peers' package (nothing where ZoKrates is left out)."""

    options: Options
    folder: Path
    srs_home: Path
    package: Path | None
    say: Callable[[str], None]

    @property
    def work(self) -> workload.Prepared:
        return workload.read(self.folder / "work")

    def form(self, name: str, *, columns: int = 2) -> Form:
        """Prepare a form in a folder of its own."""
        folder = self.folder / f"{name}-{columns}"
        form = Form(name, folder, self.options.batch if name == "ezkl-batched" else 1, columns)
        self.say(f"preparing {name} …")
        if name in ZOKRATES_FORMS:
            form.salt = zokrates.random_salt() if name == "zokrates-committed" else None
            form.prepared = self.prepare_program(workload.unshifted(self.work.network), form)
        else:
            form.prepared = self._step(form, "prepare", columns=columns)
        return form

    def prove(self, form: Form, sample: int) -> None:
        """One proof; raises ``PymlError`` if it does not verify or gives another answer than the integer network."""
        if form.name in ZOKRATES_FORMS:
            network, inputs = workload.unshifted(self.work.network), self.work.data.inputs
            run = self.prove_program(network, inputs[sample], form)
        else:
            run = self._step(form, "prove", sample=sample)
        if not run["valid"]:
            raise PymlError(f"{form.name}: the proof does not verify or has the wrong answer", got=run)
        form.runs.append({**run, "sample": sample})
        self.say(f"  {form.name}: proved in {run['total_s']:.2f} s, {run['peak_mb']:.0f} MB")

    def scan(self) -> list[dict[str, Any]]:
        """Rows and k of the sound peer for each number of inner columns."""
        form = Form(SOUND_PEER, self.folder / "scan")
        return self._step(form, "scan", columns=self.options.columns)["candidates"]

    def prepare_program(self, network: IntegerNetwork, form: Form) -> dict[str, Any]:
        """Compile and set up the ZoKrates program for a network."""
        form.folder.mkdir(parents=True)
        source = zokrates.program(network, committed=form.salt is not None)
        (form.folder / "program.zok").write_text(source, encoding="utf-8")
        return self._zokrates_step(form, "prepare")

    def prove_program(self, network: IntegerNetwork, sample: Any, form: Form) -> dict[str, Any]:
        """Witness and proof by ZoKrates; valid if its public inputs and answer are the network's."""
        given = zokrates.arguments(network, sample, salt=form.salt)
        (form.folder / "arguments.json").write_text(json.dumps(given), encoding="utf-8")
        run = self._zokrates_step(form, "prove")
        public = [int(text, 16) for text in run.pop("inputs")]
        label = int(predict(network, sample[None])[0])
        features = len(sample)
        run["valid"] = bool(run["valid"]) and public[: features + 1] == [*map(int, sample), label]
        run["answers"] = public[features : features + 1]
        return run

    def _step(self, form: Form, action: str, **request: Any) -> dict[str, Any]:
        asked = {
            "action": action,
            "form": form.name,
            "folder": str(form.folder),
            "work": str(self.folder / "work"),
            "srs_home": str(self.srs_home),
            "batch": self.options.batch,
            **request,
        }
        return run_measured(WORKER, asked, timeout_s=self.options.timeout_s).as_dict()

    def _zokrates_step(self, form: Form, action: str) -> dict[str, Any]:
        asked = {"action": action, "folder": str(form.folder), "package": str(self.package)}
        got = run_measured(ZOKRATES_WORKER, asked, timeout_s=self.options.timeout_s).as_dict()
        if "failed" in got:
            raise PymlError(f"ZoKrates failed in {got['failed']}: {got['reason']}")
        return got


def compare(bench: Bench) -> dict[str, Any]:
    """Every chosen form on one workload, and how large a circuit ZoKrates can do."""
    wanted = [name for name in bench.options.forms if bench.package or name not in ZOKRATES_FORMS]
    forms: list[Form] = []
    candidates: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    for name in wanted:
        if name == SOUND_PEER:
            form, candidates = _fastest_shape(bench)
            forms.append(form)
        elif name in ZOKRATES_FORMS:
            try:
                forms.append(bench.form(name))
            except PymlError as error:  # the tool may have too little memory or time, which is a result
                failures[name] = error.problem
        else:
            forms.append(bench.form(name))
    samples = answerable(bench.work)
    for turn in range(bench.options.repeats):
        bench.say(f"round {turn + 1} of {bench.options.repeats}")
        for form in list(forms):
            try:
                bench.prove(form, samples[turn % len(samples)])
            except PymlError as error:
                if form.name not in ZOKRATES_FORMS:
                    raise
                failures[form.name] = error.problem
                forms.remove(form)
    return {
        "forms": [form.as_dict() for form in forms],
        "failed_forms": failures,
        "sound_peer_candidates": candidates,
        "ratios_to_pyml": ratios(forms),
        "zokrates_sizes": zokrates_sizes(bench) if bench.package and bench.options.widths else [],
    }


def answerable(work: workload.Prepared) -> list[int]:
    """Samples to which both integer models give an answer, no tie."""
    answers = [predict(network, work.data.inputs) for network in (work.network, work.default_network)]
    return [int(index) for index in np.flatnonzero((answers[0] >= 0) & (answers[1] >= 0))]


def _fastest_shape(bench: Bench) -> tuple[Form, list[dict[str, Any]]]:
    """The sound peer in its fastest shape: for each k the fewest inner columns, each proved once if there are many."""
    candidates = bench.scan()
    if len(candidates) == 1:
        return bench.form(SOUND_PEER, columns=candidates[0]["inner_columns"]), candidates
    sample = answerable(bench.work)[0]
    best: Form | None = None
    tried: set[int] = set()
    for candidate in candidates:
        if candidate["k"] in tried:
            candidate["result"] = "not run: fewer columns reach the same k"
            continue
        tried.add(candidate["k"])
        form: Form | None = bench.form(SOUND_PEER, columns=candidate["inner_columns"])
        bench.prove(form, sample)
        candidate |= {"trial_s": form.median("total_s"), "result": "proved"}
        if best is None or form.median("total_s") < best.median("total_s"):
            best, form = form, best
        if form is not None:
            shutil.rmtree(form.folder)
    if best is None:
        raise PymlError("no shape of the sound peer was tried")
    best.runs.clear()  # the trial was not part of a round
    return best, candidates


def ratios(forms: Sequence[Form]) -> dict[str, Any]:
    """Each form's time for a sample, memory and key over pyml's, round by round where both have rounds."""
    ours = next((form for form in forms if form.name == "pyml"), None)
    if ours is None:
        return {}
    result: dict[str, Any] = {}
    for form in forms:
        if form is ours:
            continue
        rounds = [
            _sample_s(form, theirs) / _sample_s(ours, mine) for theirs, mine in zip(form.runs, ours.runs, strict=True)
        ]
        result[form.name] = {
            "sample_time": statistics.median(rounds),
            "sample_time_least": min(rounds),
            "sample_time_greatest": max(rounds),
            "setup_time": form.prepared["setup_s"] / ours.prepared["setup_s"],
            "peak_memory": form.median("peak_mb") / ours.median("peak_mb"),
            "proving_key": form.prepared["proving_key_mb"] / ours.prepared["proving_key_mb"],
            "proof_bytes": form.median("proof_bytes") / ours.median("proof_bytes"),
        }
    return result


def _sample_s(form: Form, run: dict[str, Any]) -> float:
    return float(run["total_s"]) / form.samples


def zokrates_sizes(bench: Bench) -> list[dict[str, Any]]:
    """ZoKrates with wider and wider hidden layers of random weights, without a commitment, until it fails."""
    model, sample = workload.unshifted(bench.work.network), bench.work.data.inputs[0]
    found: list[dict[str, Any]] = []
    for width in bench.options.widths:
        network = widened(model, width)
        form = Form("zokrates", bench.folder / f"zokrates-{width}")
        tried: dict[str, Any] = {"sizes": list(network.sizes)}
        bench.say(f"ZoKrates at {'-'.join(map(str, network.sizes))} …")
        found.append(tried)
        try:
            tried |= bench.prepare_program(network, form)
            run = bench.prove_program(network, sample, form)
        except PymlError as error:
            tried["outcome"] = error.problem
            return found
        finally:
            shutil.rmtree(form.folder, ignore_errors=True)
        keys = ("total_s", "verify_s", "peak_mb")
        tried |= {"proof": {key: run[key] for key in keys}, "outcome": "proved" if run["valid"] else "false proof"}
    return found


def widened(model: IntegerNetwork, width: int) -> IntegerNetwork:
    """A network of the model's kind with one hidden layer of this width and random weights."""
    random = np.random.default_rng(width)
    half = model.half_range
    shapes = itertools.pairwise((model.sizes[0], width, model.sizes[-1]))
    units = (model.layers[0].bias_unit, model.layers[-1].bias_unit)
    layers = tuple(
        IntegerLayer(random.integers(-half, half, shape), random.integers(-half, half, shape[1]), unit)
        for shape, unit in zip(shapes, units, strict=True)
    )
    return IntegerNetwork(layers, model.bits, model.input_max)
