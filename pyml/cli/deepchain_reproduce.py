"""``pyml deepchain reproduce``: figures 4, 5, 6, 7 and 9 of the paper, each by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.terminal import Json, share_done, show
from pyml.config import load_config

if TYPE_CHECKING:
    from pyml.deepchain.cost_curves import Dealt, VectorCost
    from pyml.ml.training import Progress

app = typer.Typer(
    no_args_is_help=True,
    help="Draw figures 4, 5, 6, 7 and 9 of the paper from what is measured here, as PNG and CSV.\n\n"
    "Sizes are those of a laptop; --full takes the paper's, and for 4 and 5 a key of 2048 bits besides.",
)

Full = Annotated[bool, typer.Option("--full", help="The paper's size: minutes to hours.")]
Primes = Annotated[Path | None, typer.Option(help="Published primes for an insecure key, for tests.", hidden=True)]

LAPTOP_SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
FULL_SIZES = (10, 100, 441, 1_000, 10_000, 100_000, 252_398)


@app.command()
def fig4(
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("fig4"),
    full: Full = False,
    primes: Primes = None,
    as_json: Json = False,
) -> None:
    """Figure 4: bytes of an encrypted update against its number of gradients."""
    from pyml.deepchain.figures import PAPER_CAPACITY, cipher_size

    costs = _vector_costs(full, primes, as_json=as_json)
    cipher_size(out, costs)
    largest = {f"bytes_a_gradient_{cost.key_bits}_bits": round(cost.size / cost.gradients, 2) for cost in costs}
    papers = f"one ciphertext for all, which its own rule stops at {PAPER_CAPACITY} gradients"
    _show(out, {**largest, "paper": papers}, as_json=as_json)


@app.command()
def fig5(
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("fig5"),
    full: Full = False,
    primes: Primes = None,
    as_json: Json = False,
) -> None:
    """Figure 5: gradients a second, on one core, against their number."""
    from pyml.deepchain.figures import throughput

    costs = _vector_costs(full, primes, as_json=as_json)
    throughput(out, costs)
    last = {cost.key_bits: cost for cost in costs}
    speeds = {
        f"{step}_{bits}_bits": round(cost.gradients / cost.seconds[step])
        for bits, cost in last.items()
        for step in ("encrypt", "share")
    }
    _show(out, {**speeds, "paper": "a curve, of which its text gives no number"}, as_json=as_json)


@app.command()
def fig6(
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("fig6"),
    full: Full = False,
    as_json: Json = False,
) -> None:
    """Figure 6: accuracy with four parties, beside centralised averaging and a party alone."""
    _accuracy(4, out, full, as_json=as_json)


@app.command()
def fig7(
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("fig7"),
    full: Full = False,
    as_json: Json = False,
) -> None:
    """Figure 7: the same with ten parties."""
    _accuracy(10, out, full, as_json=as_json)


@app.command()
def fig9(
    out: Annotated[Path, typer.Option(help="Plot and table to write, without suffix.")] = Path("fig9"),
    full: Full = False,
    primes: Primes = None,
    as_json: Json = False,
) -> None:
    """Figure 9: seconds of all cryptography in one round against the number of parties."""
    from pyml.deepchain.cost_curves import round_cost
    from pyml.deepchain.figures import PAPER_PARAMETERS, PAPER_ROUND_S, total_time

    gradients = PAPER_PARAMETERS if full else 2_000
    groups = range(4, 11) if full else range(2, 7)
    with share_done("dealing keys", as_json=as_json) as report:
        costs = [round_cost(_dealt(1024, parties, primes, report), gradients) for parties in _counted(groups, report)]
    total_time(out, costs)
    found = {f"seconds_{cost.parties}_parties": round(cost.total, 2) for cost in costs}
    papers = f"{PAPER_ROUND_S:,.0f} s for {PAPER_PARAMETERS:,} gradients at 1024 bits"
    _show(out, {**found, "gradients": gradients, "paper": papers}, as_json=as_json)


def _accuracy(parties: int, out: Path, full: bool, *, as_json: bool) -> None:
    from pyml.deepchain.accuracy_curves import Comparison, compare
    from pyml.deepchain.figures import PAPER_ACCURACY, accuracy
    from pyml.deepchain.local_training import LocalTraining
    from pyml.ml.datasets import load

    config = load_config()
    dataset = load("mnist" if full else "digits", config.data, cache_dir=config.home / "data")
    small = LocalTraining(batch_size=32, learning_rate=0.3)
    asked = (
        Comparison(parties) if full else Comparison(parties, rounds=30, network="digits-cnn", training=small, shards=40)
    )
    with share_done("training", as_json=as_json) as report:
        curves = compare(dataset, asked, progress=report)
    accuracy(out, curves, parties=parties, papers_size=full)
    worst, best, alone = PAPER_ACCURACY[parties]
    papers = f"parties {worst} to {best} %, alone {alone} %, on MNIST"
    _show(out, {**{each.name: round(each.last, 4) for each in curves}, "data": dataset.name, "paper": papers},
          as_json=as_json)  # fmt: skip


def _vector_costs(full: bool, primes: Path | None, *, as_json: bool) -> list[VectorCost]:
    from pyml.deepchain.cost_curves import vector_costs

    sizes, lengths = (FULL_SIZES, (1024, 2048)) if full else (LAPTOP_SIZES, (1024,))
    costs: list[VectorCost] = []
    with share_done("dealing keys", as_json=as_json) as report:
        for bits in lengths:
            for cost in vector_costs(_dealt(bits, 10, primes, report), sizes):
                costs.append(cost)
                report(f"{cost.gradients:,} gradients, {bits} bits", len(costs) / len(sizes) / len(lengths))
    return costs


def _dealt(bits: int, parties: int, primes: Path | None, report: Progress) -> Dealt:
    """A fresh key; at 2048 bits its safe primes take minutes to find."""
    from pyml.deepchain.dealer import deal_insecurely
    from pyml.deepchain.key_files import run_trusted_dealer

    threshold = parties // 2 + 1
    if primes is not None and bits == 1024:
        return deal_insecurely(primes, parties=parties, threshold=threshold)

    def looked(candidates: int) -> None:
        report(f"{bits} bits: {candidates:,} candidates for safe primes", 0.0)

    return run_trusted_dealer(bits=bits, parties=parties, threshold=threshold, allow_insecure=True, progress=looked)


def _counted(groups: range, report: Progress) -> Iterator[int]:
    for place, parties in enumerate(groups):
        report(f"{parties} parties", place / len(groups))
        yield parties


def _show(out: Path, numbers: dict[str, Any], *, as_json: bool) -> None:
    files = {"plot": str(out.with_suffix(".png")), "table": str(out.with_suffix(".csv"))}
    show({**numbers, **files}, as_json=as_json)
