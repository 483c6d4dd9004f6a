"""``pyml zk plan``: what a proof of accuracy will take, before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from pyml.cli.circuits import dataset_of
from pyml.cli.terminal import Json, phases, show
from pyml.config import Config, load_config

if TYPE_CHECKING:
    from pyml.ml.affine import AffineLayer
    from pyml.ml.datasets import Dataset
    from pyml.zk.circuits import LabelledSet
    from pyml.zk.estimate import InputCounts, SetEstimate
    from pyml.zk.preparation import Prepared
    from pyml.zk.statement import Numerics

GB = 1e9
COORDINATOR_BYTES = 0.5 * GB
"""Left to the process that gives out the work."""

Model = Annotated[Path, typer.Argument(help="ONNX file of a perceptron.")]
Data = Annotated[str, typer.Option("--data", help="Data set; `pyml data list` shows them.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Public test samples; without, all from --start on.")]
Start = Annotated[int, typer.Option(min=0, help="First of them.")]
Bits = Annotated[int, typer.Option(min=2, max=13, help="Width of weights and biases.")]
InputBits = Annotated[int | None, typer.Option(min=1, help="Keep so many bits of each input value.")]
LookupBits = Annotated[int | None, typer.Option(min=8, max=22, help="Width of the lookup table; without, the best.")]
Memory = Annotated[float | None, typer.Option(min=0.1, help="GB that may be taken; without, what is free now.")]


def plan(
    model: Model,
    data: Data = "digits",
    samples: Samples = None,
    start: Start = 0,
    bits: Bits = 8,
    input_bits: InputBits = None,
    lookup_bits: LookupBits = None,
    memory: Memory = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 1,
    exact: Annotated[bool, typer.Option("--exact", help="Have the engine lay out the recommended circuit.")] = False,
    as_json: Json = False,
) -> None:
    """Show rows, k, memory, time and gas of each way to cut a test set into parts, and recommend one.

    Nothing is built or kept. Rows are predicted to about 1 %. Memory and time are those of the machine in
    bench/results/zk_shapes.json; time is scaled by the number of processors and nothing else.
    """
    from pyml.ml.onnx_file import read_onnx
    from pyml.zk.estimate import InputCounts, best_estimate
    from pyml.zk.machine import processors

    config, cores, limit = load_config(), processors(), memory_for_proofs(memory)
    with phases(as_json=as_json) as begin:
        begin("quantising")
        layers = read_onnx(model)
        dataset, chosen = public_set(config, data, samples=samples, start=start, input_bits=input_bits)
        counts = InputCounts(chosen.inputs)
        forms = prepared_with(layers, dataset, bits=bits, input_bits=input_bits, lookup_bits=lookup_bits)
        found = ways_to_cut(forms, counts)
        best = best_estimate(found, memory_bytes=limit, cores=cores, jobs=jobs)
        if exact and best is not None:
            begin("laying out the recommended circuit")
            best = _laid_out(best, dataset, counts.fullest(best.part_samples), start=start, input_bits=input_bits)
    rows = [described(each, cores=cores, jobs=jobs) for each in found]
    recommended = None if best is None else described(best, cores=cores, jobs=jobs)
    if as_json:
        about = {"set": chosen.name, "memory_gb": round(limit / GB, 2), "processors": cores, "jobs": jobs}
        show({**about, "candidates": rows, "recommended": recommended}, as_json=True)
        return
    _print(rows, recommended, title=f"{chosen.name}: {jobs} process(es), {cores} processor(s), {limit / GB:.1f} GB")


def memory_for_proofs(memory_gb: float | None) -> float:
    """Bytes for workers: of what the user allows, or of what is free."""
    from pyml.zk.machine import free_memory

    return (free_memory() if memory_gb is None else memory_gb * GB) - COORDINATOR_BYTES


def public_set(
    config: Config, data: str, *, samples: int | None, start: int, input_bits: int | None
) -> tuple[Dataset, LabelledSet]:
    """A data set, and the part of its test split that is meant."""
    from pyml.zk.circuits import labelled_set

    dataset = dataset_of(config, data)
    count = len(dataset.test_labels) - start if samples is None else samples
    return dataset, labelled_set(dataset, samples=count, start=start, input_bits=input_bits)


def prepared_with(
    layers: Sequence[AffineLayer], dataset: Dataset, *, bits: int, input_bits: int | None, lookup_bits: int | None
) -> dict[Numerics, Prepared]:
    """The model quantised for one lookup table, or for each that may pay."""
    from pyml.zk.estimate import prepared_forms
    from pyml.zk.preparation import prepare
    from pyml.zk.statement import Numerics

    if lookup_bits is None:
        return dict(prepared_forms(layers, dataset, weight_bits=bits, input_bits=input_bits))
    numerics = Numerics(lookup_bits=lookup_bits)
    return {numerics: prepare(layers, dataset, weight_bits=bits, input_bits=input_bits, numerics=numerics)}


def ways_to_cut(forms: dict[Numerics, Prepared], counts: InputCounts) -> list[SetEstimate]:
    """For each k the cheapest."""
    from pyml.zk.estimate import cheapest_by_degree, set_estimates

    return cheapest_by_degree(
        each for numerics, form in forms.items() for each in set_estimates(form.architecture, numerics, counts)
    )


def described(found: SetEstimate, *, cores: int, jobs: int) -> dict[str, Any]:
    """The figures of one way; times on the clock, of a part that has its share of the processors, and of all parts."""
    from pyml.zk.estimate import clock_s

    part, share = found.part, cores / found.running(jobs)
    return {
        "k": part.degree,
        "lookup_bits": found.numerics.lookup_bits,
        "parts": found.parts,
        "part_samples": found.part_samples,
        "rows": part.rows,
        "inner_columns": part.inner_columns,
        "proving_key_mb": round(part.key_bytes / 1e6),
        "peak_gb": round(found.peak_bytes(jobs) / GB, 2),
        "setup_s": round(clock_s(part.setup_s, share), 1),
        "prove_s": round(clock_s(part.prove_s, share), 1),
        "total_s": round(found.total_s(cores=cores, jobs=jobs)),
        "claim_gas": part.claim_gas,
        "total_gas": found.gas,
    }


def _laid_out(
    best: SetEstimate, dataset: Dataset, fullest: tuple[int, int], *, start: int, input_bits: int | None
) -> SetEstimate:
    from pyml.zk.circuits import accuracy_statement, labelled_set
    from pyml.zk.estimate import exact_part
    from pyml.zk.ezkl import EzklEngine

    data = labelled_set(dataset, samples=fullest[1] - fullest[0], start=start + fullest[0], input_bits=input_bits)
    statement = accuracy_statement(best.architecture, data, best.numerics, degree=best.part.degree)
    return replace(best, part=exact_part(EzklEngine(), statement, data))


_HEADINGS = {
    "k": "k",
    "lookup_bits": "table",
    "parts": "parts",
    "part_samples": "samples",
    "rows": "rows",
    "inner_columns": "cols",
    "proving_key_mb": "key MB",
    "peak_gb": "GB",
    "setup_s": "set-up s",
    "prove_s": "prove s",
    "total_s": "total s",
    "claim_gas": "gas/claim",
    "total_gas": "M gas",
}


_WIDE = 110
"""Columns of a terminal that has room for all of them."""
_LEFT_OUT = ("proving_key_mb", "setup_s", "claim_gas")


def _print(rows: list[dict[str, Any]], recommended: dict[str, Any] | None, *, title: str) -> None:
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    console = Console()
    names = [name for name in _HEADINGS if console.width >= _WIDE or name not in _LEFT_OUT]
    for heading in ("", *(_HEADINGS[name] for name in names)):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        chosen = recommended is not None and row["k"] == recommended["k"]
        shown = recommended if chosen and recommended is not None else row
        table.add_row("→" if chosen else "", *(_text(name, shown[name]) for name in names))
    console.print(table)
    if recommended is None:
        typer.echo("None of them fits the memory: fewer --jobs, or fewer --input-bits.")
    else:
        words = (f"--{name.replace('_', '-')} {recommended[key]}" for name, key in _EXPORT_OPTIONS.items())
        typer.echo(f"Recommended: pyml zk export-set … {' '.join(words)}")


def _text(name: str, value: float) -> str:
    return f"{value / 1e6:.1f}" if name == "total_gas" else f"{value:,}"


_EXPORT_OPTIONS = {"part_samples": "part_samples", "lookup_bits": "lookup_bits", "degree": "k"}
