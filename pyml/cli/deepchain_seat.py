"""What the roles of ``pyml deepchain`` share: options, the account with its secrets, the contracts, the loop."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli.terminal import connect, password, public_test_account, signer
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
    from pyml.deepchain.registries import DeepchainContracts
    from pyml.deepchain.view import View
    from pyml.store.blobs import BlobStore
    from pyml.store.keystore import Secret

Group = Annotated[int, typer.Option(help="Number of the group.")]
Rpc = Annotated[str | None, typer.Option(help="Node of the chain.")]
Account = Annotated[str | None, typer.Option(help="Stored account that signs.")]
Deployments = Annotated[Path, typer.Option(help="Where deployments are recorded.")]
Seen = Annotated[Path | None, typer.Option(help="File for the block up to which nothing is left to do.", hidden=True)]
Poll = Annotated[float, typer.Option(min=0.001, help="Seconds between two looks at the chain.")]
InsecureKey = Annotated[bool, typer.Option("--allow-insecure-key", help="Accept a key of 1024 bits, for tests.")]

DEFAULT_DEPLOYMENTS = Path("deployments")
_ENROLMENT_LABEL = "pyml deepchain enrolment"
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
    from pyml.chain.accounts import open_keystore
    from pyml.store.blobs import BlobStore

    config = load_config()
    client = connect(config, rpc)
    if dev_account is not None:
        owner, secret = public_test_account(client, dev_account), _dev_password(config)
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


def opened_group(place: Seat, group: int, allow_insecure: bool) -> tuple[ChainReader, Invitation, ThresholdKey]:
    """A group's reader, invitation and key."""
    from pyml.deepchain.chain_view import ChainReader
    from pyml.deepchain.invitation import read_invitation

    terms = place.contracts.trading.terms_of(group)
    invitation, key = read_invitation(place.blobs, terms, allow_insecure=allow_insecure)
    return ChainReader(place.contracts, group), invitation, key


def enrolled(place: Applicant) -> dict[str, Any]:
    """Publish an enrolment; its digest is for the dealer."""
    from pyml.deepchain.invitation import Enrolment

    enrolment = Enrolment(place.account.address, place.enrolment_key().public)
    return {"enrolment": place.blobs.put(enrolment.encode()), "account": enrolment.account}


def fund_seat(place: Seat, amount: int) -> None:
    """Have so many free coins, which all of the contracts may lock."""
    from pyml.deepchain.dealer import fund

    contracts = place.contracts
    controllers = (contracts.trading, contracts.processing, contracts.disputes, contracts.evidence)
    fund(contracts, place.account, amount, [each.address for each in controllers])


def run_seat(reader: ChainReader, role: Role, seen: Path | None, poll_s: float) -> View:
    """Act until the group is over."""
    from pyml.deepchain.agent import run_role

    return run_role(reader, role, seen=seen, poll_s=poll_s)


def accepted_rounds(view: View) -> int:
    """How many rounds led to new weights."""
    return sum(each.accepted for each in view.history.rounds.values())


def faulty_kind(place: Seat, play: str | None, table: str) -> Any:
    """The class that cheats in the way named; ``None`` where none is."""
    if play is None:
        return None
    from pyml.deepchain import faults

    known: Mapping[str, Any] = getattr(faults, table)
    if not place.contracts.client.is_dev or play not in known:
        raise InputError("no such fault, or not a development chain", expected=", ".join(known), got=play)
    return known[play]


def _dev_password(config: Config) -> Secret:
    """For development accounts, whose keys are public: a password beside what it opens."""
    from pyml.files import write_atomically
    from pyml.store.keystore import Secret

    path = config.home / "deepchain" / "development-password"
    if not path.exists():
        write_atomically(path, secrets.token_hex(16).encode(), mode=0o600)
    return Secret(path.read_bytes())
