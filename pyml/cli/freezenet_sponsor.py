"""``pyml freezenet sponsor``: describes a task, opens a round of it and sees it through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Rpc, dataset_of
from pyml.cli.freezenet_desk import Blobs, Folder, Place, Poll, finished, gas_used, role_desk
from pyml.cli.terminal import DevAccount, Json, PasswordFile, show
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.freezenet.diary import Diary
    from pyml.freezenet.encoding import LayerTuple
    from pyml.freezenet.registries import FreezenetContracts, Task, Terms

_PPM = 1_000_000
_LEAST_CHALLENGE = 16 * 5
"""``ChallengePhase``: a turn is a sixteenth of the phase, and five blocks at least."""


def sponsor(
    data: Annotated[str, typer.Option(help="digits, mnist, fashion-mnist or cifar10.")] = "digits",
    network: Annotated[str, typer.Option(help="What is to be trained: mlp, cnn or paper.")] = "mlp",
    fraction: Annotated[float, typer.Option(help="Share of each kernel that is watermarked.")] = 0.7,
    samples: Annotated[int, typer.Option(help="Size of the hidden test set.")] = 40,
    threshold: Annotated[int, typer.Option(help="Correct answers asked for.")] = 30,
    threshold_floor: Annotated[int | None, typer.Option(help="Lowest after empty rounds; half when absent.")] = None,
    threshold_step: Annotated[int, typer.Option(help="By how much a round moves the threshold.")] = 0,
    target_solutions: Annotated[int, typer.Option(help="Solutions above which the threshold rises.")] = 0,
    reward: Annotated[int, typer.Option(help="In wei, for all solutions together.")] = 10**18,
    miner_bond: Annotated[int, typer.Option(help="In wei, for each commitment.")] = 10**17,
    sponsor_bond: Annotated[int, typer.Option(help="In wei; lost if the test set is not revealed.")] = 10**17,
    commit_blocks: Annotated[int, typer.Option(help="How long miners train and commit.")] = 100,
    test_blocks: Annotated[int, typer.Option(help="How long the test set may then take.")] = 20,
    reveal_blocks: Annotated[int, typer.Option(help="How long miners may then take to reveal.")] = 50,
    challenge_blocks: Annotated[
        int, typer.Option(help="How long solutions are judged; enrolling takes as long.")
    ] = 200,
    verifier: Annotated[str, typer.Option(help="Who judges: exact or optimistic.")] = "exact",
    task: Annotated[
        int | None, typer.Option(min=0, help="Open a round of this task of yours, not of a new one.")
    ] = None,
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
    """Describe a task, open a round of it, and see it through: seal, reveal and serve the test set, settle.

    The test set is drawn in secret from the data set's test images, and is as secret as they are. Interrupted or
    killed, the command goes on where it was if it is called again in the same way.
    """
    from pyml.freezenet.mining import draw_test_set, training_set
    from pyml.freezenet.network_names import plans_named
    from pyml.freezenet.registries import Terms
    from pyml.freezenet.sponsor_process import SponsorProcess, sponsor_label
    from pyml.freezenet.trainable import architecture

    if reward < 1:
        raise InputError("the reward is zero", expected="--reward of 1 wei or more", got=reward)
    place = Place.of(rpc, account, password_file, deployments, dev_account=dev_account)
    dataset = dataset_of(place.config, data)
    training = training_set(dataset)
    if task is None:
        layers = architecture(plans_named(network, dataset.shape, classes=dataset.classes, integer=True))
        floor = max(1, threshold // 2) if threshold_floor is None else threshold_floor
        terms = Terms(
            *(training.tree.root, judge_named(place.contracts, verifier), round(fraction * _PPM)),
            *(samples, threshold, floor, threshold_step, target_solutions, miner_bond, sponsor_bond),
            *(commit_blocks, test_blocks, reveal_blocks, challenge_blocks),
        )
    else:
        known = _own(place.contracts.task(task), place.account.address, training.tree.root)
        layers, terms = known.architecture.layers, known.terms
    _require_disputable(place.contracts, terms, layers)
    draw_test_set(dataset, terms.samples)  # refused now rather than after the task is described
    own, served = place.folder(folder, "sponsor"), place.served(blobs)
    label = sponsor_label(place.contracts, place.account.address)
    with role_desk(place, own, label, poll, as_json=as_json) as desk:
        _require_same(desk.diary, own, f"{terms} {reward} {task}")
        served.put(training.content)
        role = SponsorProcess(
            desk, terms, layers, reward, task, lambda: draw_test_set(dataset, terms.samples), served, own
        )
        outcome, opened = finished(role, desk), role.opened()
        result = {
            "outcome": outcome,
            "task": role.known().task,
            "round": None if opened is None else opened[0],
            "solutions": 0 if opened is None else opened[1].enrolled,
            "training_set": training.digest,
            "gas": gas_used(desk.diary),
        }
    show(result, as_json=as_json, title="round over")


def judge_named(contracts: FreezenetContracts, name: str) -> str:
    """The address of a verifier; ``InputError`` if there is none of this name."""
    judges = {"exact": contracts.exact.address, "optimistic": contracts.optimistic.address}
    if name not in judges:
        raise InputError("there is no such verifier", expected=" or ".join(judges), got=name)
    return judges[name]


def _require_disputable(contracts: FreezenetContracts, terms: Terms, layers: tuple[LayerTuple, ...]) -> None:
    """The optimistic verifier accepts nothing where a dispute has no time, or its turns no room."""
    from pyml.freezenet.architecture import Architecture
    from pyml.freezenet.product_steps import require_judgeable

    architecture = Architecture(layers, terms.fraction_ppm)
    if terms.verifier == contracts.optimistic.address:
        require_judgeable(architecture)
        if terms.challenge_blocks < _LEAST_CHALLENGE:
            raise InputError(
                "the challenge phase is too short for a dispute",
                expected=f"--challenge-blocks of {_LEAST_CHALLENGE} or more",
                got=terms.challenge_blocks,
            )


def _own(task: Task, sponsor: str, training_root: bytes) -> Task:
    if task.sponsor != sponsor:
        raise InputError(f"task {task.number} is another sponsor's", expected=sponsor, got=task.sponsor)
    if task.terms.training_root != training_root:
        raise InputError(
            "the data set has a wrong checksum",
            expected="0x" + task.terms.training_root.hex(),
            got="0x" + training_root.hex(),
            hint=f"Name the one of task {task.number} with --data.",
        )
    return task


def _require_same(diary: Diary, folder: Path, wanted: str) -> None:
    """A journal goes on with what it was begun with."""
    begun = diary.last("begun")
    if begun is None:
        diary.note("begun", wanted=wanted)
    elif diary.last("finished") is not None:
        raise InputError(f"the round in {folder} is over", hint="Name another --folder to open the next one.")
    elif begun["wanted"] != wanted:
        raise InputError(
            f"the round in {folder} was begun with other terms",
            expected=begun["wanted"],
            got=wanted,
            hint="Call the command as before to go on, or name another --folder.",
        )
