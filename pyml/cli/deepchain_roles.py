"""``pyml deepchain party | worker | challenger | watch``: the roles that run until their group is over."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.terminal import Json, PasswordFile, connect, password, show, signer
from pyml.config import Config, load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.accounts import Signer
    from pyml.chain.client import Client
    from pyml.crypto.secp256k1 import SigningKey
    from pyml.crypto.threshold_paillier import ThresholdKey
    from pyml.deepchain.agent import Role
    from pyml.deepchain.chain_view import ChainReader
    from pyml.deepchain.invitation import Invitation
    from pyml.deepchain.local_training import Weights
    from pyml.deepchain.privacy import GaussianNoise
    from pyml.deepchain.records import Terms
    from pyml.deepchain.registries import DeepchainContracts
    from pyml.deepchain.view import View
    from pyml.store.blobs import BlobStore
    from pyml.store.keystore import Secret

Group = Annotated[int, typer.Option(help="Number of the group.")]
Rpc = Annotated[str | None, typer.Option(help="Node of the chain.")]
Account = Annotated[str | None, typer.Option(help="Stored account that signs.")]
DevAccount = Annotated[
    int | None, typer.Option(min=0, help="Public test account, on a development chain.", hidden=True)
]
Deployments = Annotated[Path, typer.Option(help="Where deployments are recorded.")]
Seen = Annotated[Path | None, typer.Option(help="File for the block up to which nothing is left to do.", hidden=True)]
Poll = Annotated[float, typer.Option(min=0.001, help="Seconds between two looks at the chain.")]
InsecureKey = Annotated[bool, typer.Option("--allow-insecure-key", help="Accept a key of 1024 bits, for tests.")]
Play = Annotated[str | None, typer.Option(help="Cheat in this way, on a development chain.", hidden=True)]

DEFAULT_DEPLOYMENTS = Path("deployments")
_ENROLMENT_LABEL = "pyml deepchain enrolment"
_CHAIN_LABEL = "pyml deepchain hash chain"
_DEV_SCRYPT_N = 2**14


@dataclass(frozen=True, slots=True)
class Applicant:
    """An account with its secrets, the blobs, and a home for its files."""

    config: Config
    client: Client
    account: Signer
    blobs: BlobStore
    password: Secret
    is_dev: bool

    @property
    def home(self) -> Path:
        """Where this account keeps its files."""
        return self.config.home / "deepchain" / f"{self.client.chain_id}-{self.account.address}"

    def secret(self, name: str, label: str) -> Secret:
        """32 random bytes that are made once, and encrypted at rest."""
        from pyml.store.keystore import SCRYPT_N, Secret, load_secret, save_secret

        path = self.home / f"{name}.keystore"
        if not path.exists():
            made = Secret(secrets.token_bytes(32))
            save_secret(path, made, self.password, label=label, scrypt_n=_DEV_SCRYPT_N if self.is_dev else SCRYPT_N)
            return made
        return load_secret(path, self.password, label=label)

    def enrolment_key(self) -> SigningKey:
        """What letters to this member are sealed to."""
        from pyml.crypto.secp256k1 import SigningKey

        return SigningKey.from_secret(self.secret("enrolment", _ENROLMENT_LABEL))


@dataclass(frozen=True, slots=True)
class Seat(Applicant):
    """What every role needs: an account, and the contracts."""

    contracts: DeepchainContracts


def enrolling(rpc: str | None, account: str | None, dev_account: int | None, password_file: Path | None) -> Applicant:
    """Connect and open the account."""
    from pyml.chain.accounts import dev_signers, open_keystore
    from pyml.store.blobs import BlobStore

    config = load_config()
    client = connect(config, rpc)
    if dev_account is not None:
        owner, secret = dev_signers(dev_account + 1)[dev_account], _dev_password(config)
        owner.require_usable_on(client.chain_id)
    elif account is None:
        owner, secret = signer(client, config, None, None), _dev_password(config)  # refused but on development chains
    else:
        secret = password(password_file)
        owner = open_keystore(config.home / "accounts" / f"{account}.json", lambda: secret.reveal.decode())
    return Applicant(config, client, owner, BlobStore(config.blobs_url), secret, account is None)


def seat(
    rpc: str | None, account: str | None, dev_account: int | None, password_file: Path | None, deployments: Path
) -> Seat:
    """Connect, open the account, find the contracts."""
    from pyml.deepchain.registries import DeepchainContracts

    own = enrolling(rpc, account, dev_account, password_file)
    contracts = DeepchainContracts.open(own.client, deployments)
    return Seat(own.config, own.client, own.account, own.blobs, own.password, own.is_dev, contracts)


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
    from pyml.deepchain.memory import Memory
    from pyml.deepchain.party import Membership, Party
    from pyml.deepchain.trainer import initial_weights

    place = seat(rpc, account, dev_account, password_file, deployments)
    if group is None:
        group = _invited(place, poll, as_json=as_json)
    reader, invitation, key = _opened(place, group, allow_insecure_key)
    before = reader.view()
    index = before.party_of(place.account.address)
    if index is None:
        raise InputError("this account is not a member of the group", got=place.account.address)
    from pyml.deepchain.invitation import open_letter

    share = open_letter(place.blobs, invitation, key, place.enrolment_key(), index)
    terms = place.contracts.trading.terms_of(group)
    weights = initial_weights(invitation.agreement, place.blobs)
    _require_fitting(place, terms, invitation, key, weights, len(before.history.members))
    joined = before.history.joined >> index & 1
    _fund(place, (1 if joined else 2) * terms.deposit + terms.bond)
    own = Membership(
        place.contracts,
        place.account,
        index,
        invitation.agreement,
        key,
        share,
        place.blobs,
        weights,
        _noise(noise_multiplier, norm, terms.rounds, as_json=as_json),
    )
    flower = _Flower(flower_app, flower_project, flower_initial, flower_python)
    kind = _faulty(place, play, "PARTY_FAULTS") or Party
    with Memory(place.home / f"group-{group}.journal") as memory, flower.trainer(place, own) as trainer:
        view = _run(reader, kind(own, trainer, memory, watchful=watchful), seen, poll)
        blob = memory.last_weights()
    show(
        {"group": group, "party": index, "accepted_rounds": _accepted(view), "weights": blob[1] if blob else None},
        as_json=as_json,
    )


def worker(
    group: Group,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    stake: Annotated[
        int | None, typer.Option(help="Coins to stake, in whole DEEP; the least that is asked for.")
    ] = None,
    allow_insecure_key: InsecureKey = False,
    poll: Poll = 1.0,
    seen: Seen = None,
    play: Play = None,
    as_json: Json = False,
) -> None:
    """Multiply ciphertexts, lead and sign blocks, until the group is over."""
    from pyml.deepchain.dealer import COIN
    from pyml.deepchain.worker import Worker

    place = seat(rpc, account, dev_account, password_file, deployments)
    reader, _, key = _opened(place, group, allow_insecure_key)
    terms = place.contracts.trading.terms_of(group)
    staked = terms.worker_deposit if stake is None else stake * COIN
    enlisted = reader.view().worker_of(place.account.address) is not None
    _fund(place, terms.bond + (0 if enlisted else staked))
    kind = _faulty(place, play, "WORKER_FAULTS") or Worker
    chain = place.secret(f"chain-{group}", _CHAIN_LABEL)
    role = kind(place.contracts, place.account, key, place.blobs, chain_secret=chain, stake=staked)
    view = _run(reader, role, seen, poll)
    show({"group": group, "accepted_rounds": _accepted(view)}, as_json=as_json)


def challenger(
    group: Group,
    rpc: Rpc = None,
    account: Account = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    deployments: Deployments = DEFAULT_DEPLOYMENTS,
    allow_insecure_key: InsecureKey = False,
    poll: Poll = 1.0,
    seen: Seen = None,
    play: Play = None,
    as_json: Json = False,
) -> None:
    """Recompute what everybody posts, and take the bounty of whoever posted something false."""
    from pyml.deepchain.agent import Sends
    from pyml.deepchain.challenger import Challenger

    place = seat(rpc, account, dev_account, password_file, deployments)
    reader, _, key = _opened(place, group, allow_insecure_key)
    _fund(place, 4 * place.contracts.trading.terms_of(group).bond)
    kind = _faulty(place, play, "CHALLENGER_FAULTS") or Challenger
    role = kind(Sends(place.contracts, place.account), place.blobs, key)
    view = _run(reader, role, seen, poll)
    free = place.contracts.escrow.free_of(place.account.address)
    show({"group": group, "accepted_rounds": _accepted(view), "free_coins": free}, as_json=as_json)


def _opened(place: Seat, group: int, allow_insecure: bool) -> tuple[ChainReader, Invitation, ThresholdKey]:
    from pyml.deepchain.chain_view import ChainReader
    from pyml.deepchain.invitation import read_invitation

    terms = place.contracts.trading.terms_of(group)
    invitation, key = read_invitation(place.blobs, terms, allow_insecure=allow_insecure)
    return ChainReader(place.contracts, group), invitation, key


def _require_fitting(
    place: Seat, terms: Terms, invitation: Invitation, key: ThresholdKey, weights: Weights, parties: int
) -> None:
    from pyml.deepchain.fitting_terms import require_fitting_terms

    contracts = place.contracts
    addresses = {name: getattr(contracts, name).address for name in ("processing", "disputes", "evidence")}
    require_fitting_terms(terms, invitation.agreement, key, weights, parties=parties, addresses=addresses)


def _invited(place: Seat, poll_s: float, *, as_json: bool) -> int:
    """Enrol, say so, and wait for a group that names this account and has not begun."""
    import time

    from pyml.deepchain.records import Phase

    show(enrolled(place), as_json=as_json)
    trading, looked_at = place.contracts.trading, 0
    while True:
        for group in range(looked_at, trading.group_count()):
            clock = trading.clock_of(group)
            accounts = [trading.party_of(group, index)["account"] for index in range(clock.parties)]
            if place.account.address in accounts and clock.phase is Phase.FORMING:
                return group
            looked_at = group + 1
        time.sleep(poll_s)


def enrolled(place: Applicant) -> dict[str, Any]:
    """Publish an enrolment; its digest is for the dealer."""
    from pyml.deepchain.invitation import Enrolment

    enrolment = Enrolment(place.account.address, place.enrolment_key().public)
    return {"enrolment": place.blobs.put(enrolment.encode()), "account": enrolment.account}


def _fund(place: Seat, amount: int) -> None:
    from pyml.deepchain.dealer import fund

    contracts = place.contracts
    controllers = (contracts.trading, contracts.processing, contracts.disputes, contracts.evidence)
    fund(contracts, place.account, amount, [each.address for each in controllers])


def _run(reader: ChainReader, role: Role, seen: Path | None, poll_s: float) -> View:
    from pyml.deepchain.agent import run_role

    return run_role(reader, role, seen=seen, poll_s=poll_s)


def _accepted(view: View) -> int:
    return sum(each.accepted for each in view.history.rounds.values())


def _faulty(place: Seat, play: str | None, table: str) -> Any:
    """The class that cheats in the way named; ``None`` where none is."""
    if play is None:
        return None
    from pyml.deepchain import faults

    known: Mapping[str, Any] = getattr(faults, table)
    if not place.contracts.client.is_dev or play not in known:
        raise InputError("no such fault, or not a development chain", expected=", ".join(known), got=play)
    return known[play]


def _noise(multiplier: float | None, norm: float, rounds: int, *, as_json: bool) -> GaussianNoise | None:
    if multiplier is None:
        return None
    from pyml.deepchain.privacy import GaussianNoise

    noise = GaussianNoise(norm, multiplier)
    if not as_json:
        epsilon = noise.epsilon(rounds, 1e-5)
        typer.echo(f"noise of deviation {noise.sigma:g} a value: ({epsilon:.3g}, 1e-5)-private over {rounds} rounds")
    return noise


@dataclass(frozen=True, slots=True)
class _Flower:
    app: str | None
    project: Path
    initial: Path | None
    python: Path

    def trainer(self, place: Seat, own: Any) -> Any:
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


def _dev_password(config: Config) -> Secret:
    """For development accounts, whose keys are public: a password beside what it opens."""
    from pyml.files import write_atomically
    from pyml.store.keystore import Secret

    path = config.home / "deepchain" / "development-password"
    if not path.exists():
        write_atomically(path, secrets.token_hex(16).encode(), mode=0o600)
    return Secret(path.read_bytes())
