"""``pyml deepchain simulate``: a whole group on one machine, every role a process of its own."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.terminal import Json, share_done, show, stopwatch
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.deepchain.agreement import Agreement
    from pyml.deepchain.simulation import Cast, Simulation
    from pyml.deepchain.view import View
    from pyml.ml.training import Progress

COIN = 10**18


def simulate(
    parties: Annotated[int, typer.Option(min=2, max=32, help="Members.")] = 4,
    threshold: Annotated[int | None, typer.Option(min=2, help="Of whom so many decrypt; a majority without.")] = None,
    workers: Annotated[int, typer.Option(min=2, max=32, help="Workers; a leader and a committee are drawn.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds.")] = 2,
    bits: Annotated[int, typer.Option(help="Length of the key; 1024 is insecure, and quickly made.")] = 1024,
    data: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    network: Annotated[str, typer.Option(help="digits-mlp, digits-cnn, mlp or cnn.")] = "digits-mlp",
    fault: Annotated[
        list[str] | None,
        typer.Option(help="PROCESS=FAULT, e.g. party-0=false-proof; repeat it. docs/deepchain.md lists."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Keep everything here, instead of in a folder that goes.")] = None,
    as_json: Json = False,
) -> None:
    """Run dealer, members, workers and a challenger as processes for some rounds; show who has what in the end."""
    from pyml.chain.devnet import Devnet, DevnetOptions
    from pyml.deepchain.agreement import Agreement
    from pyml.deepchain.simulation import Cast

    config, since = load_config(), stopwatch()
    cast = Cast(parties, workers, 1, dict(_faults(fault or [])))
    agreed = Agreement(data=data, network=network, batch_size=64 if data == "mnist" else 32)
    with ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        devnet = stack.enter_context(Devnet(DevnetOptions(enforce_tx_gas_cap=True), anvil=config.anvil))
        report = stack.enter_context(share_done("starting", as_json=as_json))
        made = _simulation(devnet.url, home, cast, agreed, bits, threshold or parties // 2 + 1, rounds, config.data)
        result = _simulated(stack.enter_context(made), report, rounds)
    show({**result, "seconds": round(since(), 1)}, as_json=as_json)


def _simulation(
    url: str, home: Path, cast: Cast, agreed: Agreement, bits: int, threshold: int, rounds: int, data: Path | None
) -> Simulation:
    from pyml.deepchain.dealer import Conditions
    from pyml.deepchain.simulation import SIMULATED_WINDOWS, Simulation

    conditions = Conditions(rounds=rounds, committee=min(2, cast.workers - 1), windows=SIMULATED_WINDOWS)
    return Simulation(
        url, home, cast, bits=bits, threshold=threshold, agreement=agreed, conditions=conditions, data=data
    )


def _simulated(simulation: Simulation, report: Progress, rounds: int) -> dict[str, Any]:
    def progress(view: View) -> None:
        report(simulation.describe(view), max(0, view.clock.round - 1) / rounds)

    contracts = simulation.prepare()
    group = simulation.open_group()
    simulation.start(group)
    view = simulation.run(group, timeout_s=600 + 120 * rounds, progress=progress)
    ledger = simulation.ledger(contracts)
    return {
        "rounds_accepted": sum(each.accepted for each in view.history.rounds.values()),
        "blocks": view.head,
        "coins_gained": {name: gained / COIN for name, gained in simulation.gained(ledger).items()},
        "treasury": ledger.treasury / COIN,
        "balanced": ledger.is_balanced,
    }


def _faults(words: list[str]) -> list[tuple[str, str]]:
    from pyml.deepchain.faults import CHALLENGER_FAULTS, PARTY_FAULTS, WORKER_FAULTS

    tables = {"party": PARTY_FAULTS, "worker": WORKER_FAULTS, "challenger": CHALLENGER_FAULTS}
    pairs = [(name, kind) for name, _, kind in (word.partition("=") for word in words)]
    for name, kind in pairs:
        known = tables.get(name.split("-")[0], {})
        if kind not in known:
            raise InputError(
                "a fault cannot be read", expected=f"PROCESS=FAULT, of {', '.join(known)}", got=f"{name}={kind}"
            )
    return pairs
