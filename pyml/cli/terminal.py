"""What every command needs of the terminal: tables or JSON, progress by phases, passwords, the account that signs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pyml.config import Config
from pyml.errors import InputError, KeystoreError

if TYPE_CHECKING:
    from pyml.chain.accounts import Signer
    from pyml.chain.client import Client
    from pyml.store.keystore import Secret

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="File that holds the password; asked for when absent.")
]
DevAccount = Annotated[
    int | None, typer.Option(min=0, help="Public test account, on a development chain.", hidden=True)
]
Play = Annotated[str | None, typer.Option(help="Cheat in this way, on a development chain.", hidden=True)]


def show(result: dict[str, Any], *, as_json: bool, title: str | None = None) -> None:
    """Print a result as JSON, or as a table of two columns."""
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # digests must be whole
    for key, value in result.items():
        table.add_row(key.replace("_", " "), escape(value if isinstance(value, str) else json.dumps(value)))
    Console().print(table)


@contextmanager
def phases(*, as_json: bool) -> Generator[Callable[[str], None]]:
    """A callback for phases whose length nobody knows: a spinner and the time; finished ones stay."""
    with Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=as_json,
    ) as progress:
        current = None

        def begin(phase: str) -> None:
            nonlocal current
            if current is not None:
                progress.update(current, total=1, completed=1)
            current = progress.add_task(escape(phase), total=None)

        yield begin
        if current is not None:
            progress.update(current, total=1, completed=1)


@contextmanager
def share_done(what: str, *, as_json: bool) -> Generator[Callable[[str, float], None]]:
    """A callback for work whose done share is known."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=as_json,
        transient=True,
    ) as progress:
        task = progress.add_task(escape(what), total=1.0)

        def report(text: str, share: float) -> None:
            progress.update(task, description=escape(text), completed=share)

        yield report


def stopwatch() -> Callable[[], float]:
    """Seconds since now."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start


def ask_secret(what: str, *, confirm: bool = False) -> str:
    """Asked for without echo; without a terminal, one line of the standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().removesuffix("\n")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True))


def password(file: Path | None, *, confirm: bool = False) -> Secret:
    """A keystore password from a file (all but its last line break) or the terminal; an empty one is refused."""
    from pyml.chain.accounts import password_from_file
    from pyml.store.keystore import Secret

    text = ask_secret("Password", confirm=confirm) if file is None else password_from_file(file)()
    if not text:
        raise KeystoreError("the password is empty", hint="Give one with --password-file or on the terminal.")
    return Secret(text.encode())


def connect(config: Config, rpc: str | None, *, chain_id: int | None = None) -> Client:
    """A client of the node named by ``--rpc`` or the settings."""
    from pyml.chain.client import Client

    url = rpc or config.rpc
    if url is None:
        raise InputError("no node to talk to", expected="--rpc URL", hint="`pyml chain devnet` runs one.")
    return Client.connect(url, expected_chain_id=chain_id)


def address_of(client: Client, config: Config, name: str | None) -> str:
    """The address of a stored account, without opening it; on a development chain, without a name, a test account's."""
    from pyml.chain.accounts import list_keystores

    if name is None:
        return signer(client, config, None, None).address
    for stored in list_keystores(config.home / "accounts"):
        if stored.name == name:
            return stored.address
    raise KeystoreError(f"there is no stored account {name}", hint="pyml chain accounts list shows them.")


def signer(
    client: Client, config: Config, name: str | None, password_file: Path | None, *, dev_account: int | None = None
) -> Signer:
    """The stored account ``name``; without a name, on a dev chain, ``PYML_DEV_KEY`` or a public test account."""
    if dev_account is not None and name is not None:
        raise InputError("two accounts are named", expected="--account or --dev-account")
    if dev_account is not None:
        return public_test_account(client, dev_account)
    return signer_on(client.chain_id, config, name, password_file)


def public_test_account(client: Client, number: int) -> Signer:
    """One of the accounts whose keys everybody has; refused on any but a development chain."""
    from pyml.chain.accounts import dev_signers

    account = dev_signers(number + 1)[number]
    account.require_usable_on(client.chain_id)
    return account


def signer_on(chain_id: int, config: Config, name: str | None, password_file: Path | None) -> Signer:
    """The same for a chain whose node need not answer yet."""
    from pyml.chain.accounts import dev_signers, open_keystore, signer_from_environment
    from pyml.chain.chain_ids import is_dev_chain

    if name is not None:
        return open_keystore(config.home / "accounts" / f"{name}.json", lambda: password(password_file).reveal.decode())
    if config.dev_key is not None:
        return signer_from_environment(config.dev_key, chain_id)
    if not is_dev_chain(chain_id):
        raise KeystoreError(
            f"chain {chain_id} needs an account that pays",
            expected="--account NAME",
            hint="pyml chain accounts new NAME makes one.",
        )
    return dev_signers(1)[0]
