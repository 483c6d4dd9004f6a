"""``pyml freezenet mine``, ``challenge`` and ``watch``: what others than the sponsor do in a round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.circuits import Account, Deployments, Rpc, dataset_of
from pyml.cli.freezenet_desk import Blobs, Folder, Place, Poll, RoundNumber, TaskNumber, finished, gas_used, role_desk
from pyml.cli.terminal import DevAccount, Json, PasswordFile, Play, show
from pyml.errors import ContractRevertedError, InputError

if TYPE_CHECKING:
    from pyml.chain.deploy import Plan
    from pyml.freezenet.architecture import Architecture
    from pyml.freezenet.inference import Int8Network
    from pyml.freezenet.miner_process import MinerProcess, Trainer
    from pyml.freezenet.node import Desk
    from pyml.freezenet.registries import Task
    from pyml.freezenet.samples import SampleSet
    from pyml.ml.training import TrainingConfig
    from pyml.store.blobs import BlobStore


def mine(
    task: TaskNumber,
    number: RoundNumber = None,
    data: Annotated[str, typer.Option(help="Data set that the task is about.")] = "digits",
    training: Annotated[
        str | None, typer.Option("--training-set", help="Digest of the training set, in place of --data.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training set.")] = 40,
    learning_rate: Annotated[float, typer.Option(min=0, help="Of Adam.")] = 1e-2,
    train_seed: Annotated[int, typer.Option(min=0, help="Fixes first weights and the order of samples.")] = 0,
    blobs: Blobs = None,
    folder: Folder = None,
    poll: Poll = 1.0,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    play: Play = None,
    victim: Annotated[str | None, typer.Option(help="Whom a copier copies.", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Take part in a round: train under the seed that is yours, bond a commitment, reveal, prove, collect.

    Interrupted or killed, the command goes on where it was if it is called again with the same folder: nothing is
    bonded twice. Keep the folder until the round is over: it has the only copy of the salt that opens the commitment.
    """
    from pyml.freezenet.miner_process import miner_label
    from pyml.freezenet.mining import training_set
    from pyml.freezenet.samples import decode_samples, require_root
    from pyml.ml.training import TrainingConfig

    place = Place.of(rpc, account, password_file, deployments, dev_account=dev_account)
    known, served = place.contracts.task(task), place.served(blobs)
    chosen = place.newest_round(task) if number is None else number
    found = training_set(dataset_of(place.config, data)) if training is None else decode_samples(served.get(training))
    samples = require_root(found, known.terms.training_root, what="training set")
    config = TrainingConfig(
        epochs=epochs, learning_rate=learning_rate, weight_decay=0.0, seed=train_seed, checkpoint_batches=100
    )
    own, label = (
        place.folder(folder, f"miner-{task}-{chosen}"),
        miner_label(place.contracts, place.account.address, task, chosen),
    )
    with role_desk(place, own, label, poll, as_json=as_json) as desk:
        trainer = _training(desk, known.architecture, samples, config)
        role = _miner(play, victim, desk, known, chosen, served, own, trainer)
        _require_in_time(role)
        outcome, entry = _ending(role, desk, cheats=play is not None), role.seen().entry
        result = {
            "outcome": outcome,
            "task": task,
            "round": chosen,
            "miner": desk.account.address,
            "correct": entry.correct,
            "enrolled": entry.enrolled,
            "gas": gas_used(desk.diary),
        }
    show(result, as_json=as_json, title="round over")


def _training(desk: Desk, architecture: Architecture, samples: SampleSet, config: TrainingConfig) -> Trainer:
    """Trains under the seed that the round gives, and tells how far it is."""
    from pyml.freezenet.mining import train_solution

    def trainer(seed: bytes, checkpoint: Path) -> Int8Network:
        trained, accuracy = train_solution(
            architecture,
            seed,
            samples,
            config,
            checkpoint=checkpoint,
            progress=lambda text, share: desk.report(f"training: {text} ({share:.0%})"),
        )
        desk.report(f"trained: right on {accuracy:.1%} of what was held back")
        return trained

    return trainer


def _miner(
    play: str | None,
    victim: str | None,
    desk: Desk,
    task: Task,
    number: int,
    served: BlobStore,
    folder: Path,
    trainer: Trainer,
) -> MinerProcess:
    """An honest miner, or on a development chain one of those who cheat; these do not train."""
    from pyml.freezenet.miner_process import MinerProcess

    if play is None:
        return MinerProcess(desk, task, number, served, folder, trainer)
    from pyml.freezenet.faults import MINER_FAULTS, faulty_miner

    if not desk.client.is_dev or play not in MINER_FAULTS:
        raise InputError("no such fault, or not a development chain", expected=", ".join(MINER_FAULTS), got=play)
    return faulty_miner(play, desk, task, number, served, folder, victim=victim)


def _ending(role: MinerProcess, desk: Desk, *, cheats: bool) -> str:
    """How it ended; a cheat ends where no lie can be shown that goes further."""
    try:
        return finished(role, desk)
    except ContractRevertedError as error:
        if not cheats:
            raise
        return error.name


def challenge(
    task: TaskNumber,
    number: RoundNumber = None,
    blobs: Blobs = None,
    folder: Folder = None,
    poll: Poll = 1.0,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Examine every revealed solution of a round that the optimistic verifier judges, and dispute what is false.

    A bond is put up only where a false claim was found; it comes back, with half of the miner's, if the command goes
    on until the dispute is over. Interrupted or killed, call it again with the same folder, before the turn is missed.
    """
    from pyml.freezenet.challenger_process import ChallengerProcess, challenger_label

    place = Place.of(rpc, account, password_file, deployments, dev_account=dev_account)
    known = place.contracts.task(task)
    if known.terms.verifier != place.contracts.optimistic.address:
        raise InputError(
            f"solutions of task {task} cannot be challenged",
            expected="a task that the optimistic verifier judges",
            got=known.terms.verifier,
        )
    chosen = place.newest_round(task) if number is None else number
    own = place.folder(folder, f"challenger-{task}-{chosen}")
    label = challenger_label(place.contracts, place.account.address, task, chosen)
    with role_desk(place, own, label, poll, as_json=as_json) as desk:
        role = ChallengerProcess(desk, known, chosen, place.served(blobs), own)
        outcome, found = finished(role, desk), role.findings()
        result = {
            "outcome": outcome,
            "task": task,
            "round": chosen,
            "challenger": desk.account.address,
            "findings": {miner: finding.verdict for miner, finding in found.items()},
            "gas": gas_used(desk.diary),
        }
    show(result, as_json=as_json, title="round over")


def watch(
    task: TaskNumber,
    number: RoundNumber = None,
    act: Annotated[bool, typer.Option("--act", help="Also do what anybody may: settle, enrol, collect …")] = False,
    folder: Folder = None,
    poll: Poll = 1.0,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Tell every event of a round, one a line, until it is over; then what it came to.

    With --json each line is a JSON document. Called again, it goes on with what it has not told yet.
    """
    from pyml.freezenet.watcher_process import WatcherProcess, round_ledger, watcher_label

    place = Place.of(rpc, account, password_file, deployments, dev_account=dev_account)
    chosen = place.newest_round(place.contracts.task(task).number) if number is None else number
    own, label = place.folder(folder, f"watcher-{task}-{chosen}"), watcher_label(place.contracts, task, chosen)
    with role_desk(place, own, label, poll, as_json=as_json) as desk:

        def tell(event: dict[str, Any]) -> None:
            typer.echo(json.dumps(event) if as_json else _line(event))

        finished(WatcherProcess(desk, task, chosen, tell, act), desk)
        ledger = round_ledger(desk, task, chosen)
    show(ledger, as_json=as_json, title="round over")


def plan() -> Plan:
    """The deployment plan of this system, for `pyml deploy --system freezenet`."""
    from pyml.freezenet.deployment import deployment_plan

    return deployment_plan()


def _require_in_time(role: MinerProcess) -> None:
    """Raise ``InputError`` for who comes too late to commit, and has nothing in the round."""
    from pyml.freezenet.registries import Phase

    seen = role.seen()
    if not seen.entry.committed and (last := seen.round.last_block(Phase.COMMIT)) <= seen.block:
        raise InputError(
            f"the deadline of round {role.number} of task {role.task.number} has passed",
            expected=f"a commitment by block {last}",
            got=f"block {seen.block}",
            hint="Wait for the task's next round.",
        )


def _line(event: dict[str, Any]) -> str:
    rest = ", ".join(f"{name} {value}" for name, value in event.items() if name not in ("event", "block", "answers"))
    return f"{event['block']:>8}  {event['event']}: {rest}"
