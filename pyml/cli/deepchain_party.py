"""``pyml deepchain party``: a member, from its enrolment to its reward."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.deepchain_seat import (
    DEFAULT_DEPLOYMENTS,
    Account,
    Deployments,
    InsecureKey,
    Poll,
    Rpc,
    Seat,
    Seen,
    accepted_rounds,
    enrolled,
    faulty_kind,
    fund_seat,
    opened_group,
    run_seat,
    seat,
)
from pyml.cli.terminal import DevAccount, Json, PasswordFile, Play, show
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.crypto.threshold_paillier import ThresholdKey
    from pyml.deepchain.invitation import Invitation
    from pyml.deepchain.local_training import Weights
    from pyml.deepchain.party import Membership
    from pyml.deepchain.privacy import GaussianNoise
    from pyml.deepchain.records import Terms
    from pyml.deepchain.view import View


def party(
    group: Annotated[
        int | None, typer.Option(help="Number of the group; without, enrol and wait to be invited.")
    ] = None,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    watchful: Annotated[
        bool, typer.Option("--watchful/--not-watchful", help="Examine what all others post, or only aggregates.")
    ] = True,
    noise_multiplier: Annotated[
        float | None, typer.Option(help="Local differential privacy: noise, as a multiple of --norm.")
    ] = None,
    norm: Annotated[float, typer.Option(help="Greatest length of an update, where noise is added.")] = 1.0,
    flower_app: Annotated[
        str | None,
        typer.Option(help="Train with a Flower ClientApp, MODULE:ATTRIBUTE, in place of the agreed network."),
    ] = None,
    flower_project: Annotated[Path, typer.Option(help="Folder of the Flower app.")] = Path(),
    flower_initial: Annotated[Path | None, typer.Option(help="The app's initial arrays, an .npz file.")] = None,
    flower_python: Annotated[Path, typer.Option(help="Interpreter that has flwr.")] = Path(".dev/flower/bin/python"),
    allow_insecure_key: InsecureKey = False,
    poll: Poll = 1.0,
    seen: Seen = None,
    play: Play = None,
    as_json: Json = False,
) -> None:
    """Train, encrypt, decrypt together, until the group is over; run it again after an interruption."""
    place = seat(rpc, account, dev_account, password_file, deployments)
    number = _invited(place, poll, as_json=as_json) if group is None else group
    noise = _Noise(noise_multiplier, norm)
    flower = _Flower(flower_app, flower_project, flower_initial, flower_python)
    loop = _Loop(seen, poll, play, watchful)
    show(_trained(place, number, noise, flower, loop, allow_insecure_key, as_json=as_json), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Loop:
    seen: Path | None
    poll_s: float
    play: str | None
    watchful: bool


def _trained(
    place: Seat, group: int, noise: _Noise, flower: _Flower, loop: _Loop, allow_insecure: bool, *, as_json: bool
) -> dict[str, Any]:
    from pyml.deepchain.invitation import open_letter
    from pyml.deepchain.memory import Memory
    from pyml.deepchain.party import Membership, Party
    from pyml.deepchain.trainer import initial_weights

    reader, invitation, key = opened_group(place, group, allow_insecure)
    before, terms = reader.view(), place.contracts.trading.terms_of(group)
    index = before.party_of(place.account.address)
    if index is None:
        raise InputError("this account is not a member of the group", got=place.account.address)
    share = open_letter(place.blobs, invitation, key, place.enrolment_key(), index)
    weights = initial_weights(invitation.agreement, place.blobs)
    _require_fitting(place, terms, invitation, key, weights, len(before.history.members))
    _fund_member(place, before, terms, index)
    mechanism = noise.mechanism(terms.rounds, as_json=as_json)
    agreed = invitation.agreement
    own = Membership(place.contracts, place.account, index, agreed, key, share, place.blobs, weights, mechanism)
    kind = faulty_kind(place, loop.play, "PARTY_FAULTS") or Party
    with Memory(place.home / f"group-{group}.journal") as memory, flower.trainer(place, own) as trainer:
        role = kind(own, trainer, memory, watchful=loop.watchful)
        view = run_seat(reader, role, loop.seen, loop.poll_s)
        last = memory.last_weights()
    learned = None if last is None else last[1]
    return {"group": group, "party": index, "accepted_rounds": accepted_rounds(view), "weights": learned}


def _fund_member(place: Seat, view: View, terms: Terms, index: int) -> None:
    """One deposit to join with, another for when that is lost, and a bond; less what is locked already."""
    joined = view.history.joined >> index & 1
    fund_seat(place, (1 if joined else 2) * terms.deposit + terms.bond)


def _require_fitting(
    place: Seat, terms: Terms, invitation: Invitation, key: ThresholdKey, weights: Weights, parties: int
) -> None:
    from pyml.deepchain.fitting_terms import require_fitting_terms

    contracts = place.contracts
    addresses = {name: getattr(contracts, name).address for name in ("processing", "disputes", "evidence")}
    require_fitting_terms(terms, invitation.agreement, key, weights, parties=parties, addresses=addresses)


def _invited(place: Seat, poll_s: float, *, as_json: bool) -> int:
    """Enrol, say so, and wait for a group that names this account and is not over."""
    from pyml.deepchain.records import Phase

    show(enrolled(place), as_json=as_json)
    trading, looked_at = place.contracts.trading, 0
    while True:
        for group in range(looked_at, trading.group_count()):
            clock = trading.clock_of(group)
            accounts = [trading.party_of(group, index)["account"] for index in range(clock.parties)]
            if place.account.address in accounts and clock.phase is not Phase.OVER:
                return group
            looked_at = group + 1
        time.sleep(poll_s)


@dataclass(frozen=True, slots=True)
class _Noise:
    multiplier: float | None
    norm: float

    def mechanism(self, rounds: int, *, as_json: bool) -> GaussianNoise | None:
        """The mechanism, after saying what it gives; ``None`` where none is asked for."""
        if self.multiplier is None:
            return None
        from pyml.deepchain.privacy import GaussianNoise

        noise = GaussianNoise(self.norm, self.multiplier)
        if not as_json:
            epsilon = noise.epsilon(rounds, 1e-5)
            typer.echo(
                f"noise of deviation {noise.sigma:g} a value: ({epsilon:.3g}, 1e-5)-private over {rounds} rounds"
            )
        return noise


@dataclass(frozen=True, slots=True)
class _Flower:
    app: str | None
    project: Path
    initial: Path | None
    python: Path

    def trainer(self, place: Seat, own: Membership) -> Any:
        """A context manager that gives the trainer: PyTorch here, or the app behind its bridge."""
        from contextlib import nullcontext

        from pyml.deepchain.flower import FlowerApp, read_initial
        from pyml.deepchain.trainer import TorchTrainer

        if self.app is None:
            return nullcontext(TorchTrainer(own.agreement, own.party, place.config.data))
        if self.initial is None:
            raise InputError("a Flower app needs its initial arrays", expected="--flower-initial FILE.npz")
        layout, _ = read_initial(self.initial)
        return FlowerApp(self.python, self.app, self.project, layout, party=own.party, parties=own.key.parties)
