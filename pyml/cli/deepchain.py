"""``pyml deepchain``: collaborative training where cheating costs money."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli import deepchain_reproduce, deepchain_roles
from pyml.cli.deepchain_party import party
from pyml.cli.deepchain_seat import (
    DEFAULT_DEPLOYMENTS,
    Account,
    Deployments,
    Group,
    InsecureKey,
    Poll,
    Rpc,
    enrolled,
    enrolling,
    seat,
)
from pyml.cli.deepchain_simulate import simulate
from pyml.cli.terminal import DevAccount, Json, PasswordFile, connect, phases, show
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.cli.deepchain_seat import Seat
    from pyml.deepchain.dealer import Conditions
    from pyml.deepchain.invitation import Enrolment
    from pyml.store.blobs import BlobStore

app = typer.Typer(
    no_args_is_help=True,
    help="Train one model together on data that nobody shows, with deposits that cheats lose.\n\n"
    "Start with `pyml deepchain simulate`: every role as a process on a chain of its own. Then `enrol`, `dealer`, "
    "`party`, `worker` and `challenger` do the same on any chain.",
)
app.command(name="party")(party)
app.command(name="worker")(deepchain_roles.worker)
app.command(name="challenger")(deepchain_roles.challenger)
app.command(name="simulate")(simulate)
app.add_typer(deepchain_reproduce.app, name="reproduce")


@app.command()
def deploy(
    holder: Annotated[list[str], typer.Option(help="ADDRESS=COINS that exist from the beginning; repeat it.")],
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    as_json: Json = False,
) -> None:
    """Deploy the contracts; all coins that there will ever be go to the holders named."""
    from pyml.chain.accounts import dev_signers
    from pyml.chain.deploy import deploy_system
    from pyml.cli.terminal import signer
    from pyml.deepchain.dealer import COIN
    from pyml.deepchain.deployment import SYSTEM, deployment_plan

    config = load_config()
    client = connect(config, rpc)
    payer = dev_signers(dev_account + 1)[dev_account] if dev_account is not None else None
    payer = payer or signer(client, config, account, password_file)
    coins: dict[str, int] = {}
    for each in holder:
        address, _, amount = each.partition("=")
        if not amount.isdigit():
            raise InputError("a holder cannot be read", expected="ADDRESS=COINS", got=each)
        coins[address] = int(amount) * COIN
    records = deploy_system(client, deployment_plan(coins), payer, folder=deployments)
    show({name: record.address for name, record in records.systems[SYSTEM].items()}, as_json=as_json)


@app.command()
def enrol(
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Make a key that a dealer can seal a share to, and publish it; tell the dealer the digest."""
    show(enrolled(enrolling(rpc, account, dev_account, password_file)), as_json=as_json)


@app.command()
def dealer(
    member: Annotated[list[str], typer.Option(help="Enrolment of a member; repeat it, in the order of shares.")],
    threshold: Annotated[int, typer.Option(min=2, help="How many members decrypt together.")],
    agreement: Annotated[Path | None, typer.Option(help="File of what is trained; the digits without.")] = None,
    conditions: Annotated[Path | None, typer.Option(help="JSON file of rounds, deposits, bonds, windows.")] = None,
    bits: Annotated[int, typer.Option(help="Length of the modulus: 2048 or 3072.")] = 2048,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    workers: Annotated[int | None, typer.Option(min=2, help="Begin with so many workers; the fewest that do.")] = None,
    allow_insecure_key: InsecureKey = False,
    insecure_primes: Annotated[Path | None, typer.Option(help="Published primes, for tests.", hidden=True)] = None,
    poll: Poll = 1.0,
    as_json: Json = False,
) -> None:
    """Make the threshold key, seal a share to each member, open the group, begin when all are there.

    Trusted with the key: docs/deepchain.md says with what exactly. Run it again after an interruption.
    """
    from pyml.deepchain.dealer import fund, open_planned

    place = seat(rpc, account, dev_account, password_file, deployments)
    decided, planned = read_conditions(conditions), place.home / "group.json"
    with phases(as_json=as_json) as begin:
        if not planned.exists():
            begin("looking for safe primes: minutes at 2048 bits")
            dealing = _Dealing(bits, threshold, allow_insecure_key, insecure_primes)
            dealing.plan(planned, place, member, agreement, decided)
        begin("opening the group")
        fund(place.contracts, place.account, decided.reward, [place.contracts.trading.address])
        group = open_planned(planned, place.contracts, place.account)
        show({"group": group, "members": len(member), "threshold": threshold}, as_json=as_json)
        begin("waiting for members and workers")
        _start(place, group, workers or decided.committee + 1, poll)
        planned.rename(planned.with_name(f"group-{group}.json"))


@dataclass(frozen=True, slots=True)
class _Dealing:
    bits: int
    threshold: int
    allow_insecure: bool
    insecure_primes: Path | None

    def plan(self, planned: Path, place: Seat, members: list[str], agreement: Path | None, decided: Conditions) -> None:
        """Make the key, seal its shares, write down the group that is to be opened."""
        from pyml.deepchain.agreement import Agreement
        from pyml.deepchain.dealer import deal_insecurely, plan_group
        from pyml.deepchain.key_files import run_trusted_dealer

        enrolments = [_enrolment(place.blobs, each) for each in members]
        agreed = Agreement() if agreement is None else Agreement.decode(_read(agreement))
        parties, threshold = len(enrolments), self.threshold
        if self.insecure_primes is not None:
            dealt = deal_insecurely(self.insecure_primes, parties=parties, threshold=threshold)
        else:
            dealt = run_trusted_dealer(
                bits=self.bits, parties=parties, threshold=threshold, allow_insecure=self.allow_insecure
            )
        plan_group(planned, place.contracts, place.blobs, agreed, dealt, enrolments, decided)


def _start(place: Seat, group: int, workers: int, poll_s: float) -> None:
    from pyml.deepchain.chain_view import ChainReader
    from pyml.deepchain.dealer import start_when_ready

    reader = ChainReader(place.contracts, group)
    start_when_ready(reader, place.contracts.trading, place.account, workers, poll_s=poll_s)


@app.command()
def watch(
    group: Group,
    rpc: Rpc = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    as_json: Json = False,
) -> None:
    """Show how far a group has come, who did what, and where the coins are. Needs no account."""
    from pyml.deepchain.chain_view import ChainReader
    from pyml.deepchain.ledger import coins_of
    from pyml.deepchain.registries import DeepchainContracts

    client = connect(load_config(), rpc)
    contracts = DeepchainContracts.open(client, deployments)
    view = ChainReader(contracts, group).view()
    show({**_shown(view), "coins": coins_of(contracts).as_dict()}, as_json=as_json)


def _shown(view: Any) -> dict[str, Any]:
    from pyml.deepchain.records import members

    return {
        "group": view.group,
        "block": view.head,
        "phase": view.clock.phase.name.lower(),
        "round": view.clock.round,
        "of": view.terms.rounds,
        "members": list(view.history.members),
        "workers": list(view.history.workers),
        "active": list(members(view.masks.active)),
        "submitted": list(members(view.masks.submitted)),
        "shared": list(members(view.masks.shared)),
        "accepted_rounds": sum(each.accepted for each in view.history.rounds.values()),
        "open_disputes": len(view.disputes),
        "open_demands": len(view.demands),
    }


def read_conditions(path: Path | None) -> Conditions:
    """Conditions from a JSON file; the usual ones without."""
    from pyml.deepchain.dealer import Conditions

    if path is None:
        return Conditions()
    try:
        values: dict[str, Any] = json.loads(_read(path))
        if "windows" in values:
            values["windows"] = tuple(values["windows"])
        return Conditions(**values)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not a file of conditions: {error}", expected="JSON as `dealer.Conditions`"
        ) from error


def _enrolment(blobs: BlobStore, digest: str) -> Enrolment:
    from pyml.deepchain.invitation import SIZE_LIMIT, Enrolment

    return Enrolment.decode(blobs.get(digest, max_bytes=SIZE_LIMIT))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
