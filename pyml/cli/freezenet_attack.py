"""``pyml freezenet attack NAME``: each attack run on one's own machine, honest cost beside the attacker's."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pyml.cli.circuits import dataset_of
from pyml.cli.freezenet_reproduce import Fractions, parse_fractions
from pyml.cli.freezenet_train import Samples, first_samples
from pyml.cli.terminal import Json, share_done
from pyml.config import Config, load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.devnet import DevNode
    from pyml.freezenet.attacks.catalogue import Subject, Told
    from pyml.freezenet.attacks.finding import Finding

NAMES: Final = ("seed-bank", "one-sided", "scale", "transfer", "untuned", "test-set", "theft", "sybil")


def attack(
    name: Annotated[str, typer.Argument(help=f"{', '.join(NAMES)}; or all.")],
    data: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    network: Annotated[str, typer.Option(help="cnn or mlp.")] = "cnn",
    threshold: Annotated[int | None, typer.Option(min=1, help="Correct answers asked for; 90 % without.")] = None,
    fraction: Annotated[float, typer.Option(help="Share of the weights that is watermarked.")] = 0.5,
    fractions: Fractions = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each kind; transfer takes 5 or more.")] = 5,
    models: Annotated[int, typer.Option(min=1, help="In the attacker's bank.")] = 1024,
    draws: Annotated[int, typer.Option(min=2, help="Addresses whose seeds the attacker looks at.")] = 100,
    samples: Samples = None,
    out: Annotated[
        Path | None, typer.Option(help="Of scale: also draw the window of safe fractions, as .png and .csv.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run an attack against the paper's scheme and against v1: what it costs beside honest work, and what comes of it.

    Sizes are a laptop's. An attack that succeeds against v1 is one that a task's terms must keep out: see the guide.
    """
    from pyml.freezenet.attacks.catalogue import Subject

    if name not in (*NAMES, "all"):
        raise InputError("no such attack", expected=", ".join(NAMES), got=name)
    if out is not None and name != "scale":
        raise InputError("--out is that of the attack scale", got=name)
    config = load_config()
    dataset = first_samples(dataset_of(config, data), samples)
    tested = len(dataset.test_labels)
    if threshold is not None and threshold > tested:
        raise InputError("the threshold is above the test size", expected=f"at most {tested}", got=threshold)
    accuracy = 0.9 if threshold is None else threshold / tested
    subject = Subject(dataset, network, accuracy, fraction, seeds, models, draws)
    subject.experiment("v1").fresh(dataset)  # what does not fit together is refused now
    shares = None if fractions is None else parse_fractions(fractions, ())
    found: list[Finding] = []
    with share_done("attacking", as_json=as_json) as report:
        for each in NAMES if name == "all" else (name,):
            found += _run(each, subject, shares, config, report)
        if out is not None:
            _draw_window(subject, shares, out, report)
    _show(found, as_json=as_json)


def _run(name: str, subject: Subject, shares: tuple[float, ...] | None, config: Config, told: Told) -> list[Finding]:
    from pyml.freezenet.attacks import catalogue

    given: dict[str, tuple[float, ...]] = {} if shares is None else {"fractions": shares}
    match name:
        case "seed-bank":
            return catalogue.seed_reuse(subject, told)
        case "one-sided":
            return catalogue.one_sided(subject, told)
        case "scale":
            return catalogue.scale(subject, told, **given)
        case "transfer":
            return catalogue.transfers(subject, told, **given)
        case "untuned":
            return catalogue.untuned_baseline(subject, told)
        case "test-set":
            return catalogue.test_set(subject, told)
        case "theft":
            return catalogue.stolen(subject, told, lambda: _devnet(config))
        case _:
            return catalogue.many_accounts(subject, told, **given)


def _devnet(config: Config) -> AbstractContextManager[DevNode]:
    from pyml.chain.devnet import Devnet

    return Devnet(anvil=config.anvil)


def _draw_window(subject: Subject, shares: tuple[float, ...] | None, out: Path, told: Told) -> None:
    from pyml.freezenet import figures
    from pyml.freezenet.attacks.window import FRACTIONS, window
    from pyml.freezenet.experiment import SCHEMES
    from pyml.freezenet.runs import Runs

    runs = Runs(subject.dataset)
    found = {
        scheme: window(runs, subject.experiment(scheme), shares or FRACTIONS, max(3, subject.seeds), told)
        for scheme in SCHEMES
    }
    figures.draw_window(out, found, threshold=subject.accuracy, title=f"{subject.network} on {subject.dataset.name}")


def _show(found: list[Finding], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.as_dict() for each in found]))
        return
    table = Table(
        title=found[0].attack if len({each.attack for each in found}) == 1 else "attacks", title_justify="left"
    )
    for column in ("attack", "against", "honest", "attacker", "succeeds", "measured"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(*map(escape, _row(each.as_dict())))
    Console().print(table)


def _row(finding: dict[str, Any]) -> tuple[str, ...]:
    fixed = ("attack", "against", "unit", "honest_cost", "attacker_cost", "succeeds")
    honest, attacker = (
        "not reached" if cost is None else f"{cost:g} {finding['unit']}"
        for cost in (finding["honest_cost"], finding["attacker_cost"])
    )
    rest = "\n".join(f"{key.replace('_', ' ')}: {_text(value)}" for key, value in finding.items() if key not in fixed)
    return finding["attack"], finding["against"], honest, attacker, "yes" if finding["succeeds"] else "no", rest


def _text(value: object) -> str:
    return "not reached" if value is None else str(value)
