"""What the roles of a round share on the command line: their options, their desk, how they report."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pyml.cli.terminal import connect, signer
from pyml.config import Config, load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.accounts import Signer
    from pyml.freezenet.diary import Diary
    from pyml.freezenet.node import Desk, Role
    from pyml.freezenet.registries import FreezenetContracts
    from pyml.store.blobs import BlobStore

TaskNumber = Annotated[int, typer.Argument(metavar="TASK", min=0, help="Number of the task.")]
RoundNumber = Annotated[int | None, typer.Option("--round", min=0, help="Number of the round; the newest when absent.")]
Blobs = Annotated[str | None, typer.Option(help="Where blobs are served: a shared folder or an fsspec URL.")]
Folder = Annotated[
    Path | None, typer.Option(help="The role's own folder, with its journal; name the same one to resume.")
]
Poll = Annotated[float, typer.Option("--poll", min=0.01, help="Seconds between looks at the chain.")]


@dataclass(frozen=True, slots=True)
class Place:
    """Settings, contracts and the account of a command."""

    config: Config
    contracts: FreezenetContracts
    account: Signer

    @classmethod
    def of(
        cls,
        rpc: str | None,
        account: str | None,
        password_file: Path | None,
        deployments: Path,
        *,
        dev_account: int | None = None,
    ) -> Place:
        """As the options say."""
        from pyml.freezenet.registries import open_contracts

        config = load_config()
        client = connect(config, rpc)
        own = signer(client, config, account, password_file, dev_account=dev_account)
        return cls(config, open_contracts(client, deployments), own)

    def served(self, url: str | None) -> BlobStore:
        """Where blobs are served."""
        from pyml.store.blobs import BlobStore

        return BlobStore(url or self.config.blobs_url)

    def folder(self, chosen: Path | None, name: str) -> Path:
        """A role's own folder, which nobody else can read."""
        found = self.config.home / "freezenet" / f"{name}-{self.account.address}" if chosen is None else chosen
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        (found / "blobs").mkdir(exist_ok=True, mode=0o700)  # the folder itself may be an open one of the user's
        return found

    def newest_round(self, task: int) -> int:
        """The last round of a task; ``InputError`` if it had none."""
        count = self.contracts.rounds.count(task)
        if count == 0:
            raise InputError(f"task {task} has no round yet", hint="Its sponsor opens one: pyml freezenet sponsor.")
        return count - 1


@contextmanager
def role_desk(place: Place, folder: Path, label: str, poll_s: float, *, as_json: bool) -> Generator[Desk]:
    """The desk of a role whose journal is in ``folder``; what it does is told on standard error."""
    from pyml.freezenet.diary import Diary
    from pyml.freezenet.node import Desk

    console = Console(stderr=True, quiet=as_json)
    with Diary(folder / "journal", label) as diary, console.status("") as status:
        told = ""

        def report(text: str) -> None:
            nonlocal told
            if console.is_terminal:
                status.update(escape(text))
            elif text != told:
                console.print(escape(text), highlight=False)
            told = text

        yield Desk(place.contracts, place.account, diary, report, poll_s)


def finished(role: Role, desk: Desk) -> str:
    """Run a role to its end, and note how it ended."""
    from pyml.freezenet.node import run_role

    outcome = run_role(role, desk)
    if desk.diary.last("finished") is None:
        desk.diary.note("finished", outcome=outcome)
    return outcome


def gas_used(diary: Diary) -> int:
    """Of all transactions in a journal."""
    return sum(int(record["gas"]) for record in diary.all("mined"))
