"""``pyml kdac``: friends, messages and files that nobody can trace, and the relays that carry them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyml.cli import kdac_chain, kdac_experiment, kdac_relay, kdac_replica
from pyml.cli.kdac_shown import fetched, line_of, print_events, shown
from pyml.cli.terminal import Json, PasswordFile, password, show
from pyml.config import load_config
from pyml.errors import InputError, ResourceError

if TYPE_CHECKING:
    from pyml.kdac.client import Client
    from pyml.kdac.client_store import ClientStore
    from pyml.kdac.mailbox import Mailbox

app = typer.Typer(
    no_args_is_help=True,
    help="Messages between friends through relays that see neither who writes nor to whom.\n\n"
    "Start with `pyml kdac init`; `pyml kdac relay` runs a relay; `pyml kdac invite NAME --relay URL` makes a word "
    "that a friend gives to `pyml kdac accept`. docs/kdac.md says what is protected and what is not.",
)
app.command(name="relay")(kdac_relay.relay)
app.command(name="replica-key")(kdac_replica.replica_key)
app.command(name="deploy")(kdac_chain.deploy)
app.command(name="register")(kdac_chain.register)
app.command(name="verify-anchor")(kdac_chain.verify_anchor)
app.add_typer(kdac_experiment.app, name="experiment")

Home = Annotated[Path | None, typer.Option("--home", help="Folder of the identity [default: PYML_HOME/kdac].")]
Relays = Annotated[list[str], typer.Option("--relay", help="URL of a relay, ws:// or wss://; several for reliability.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to stay connected for it, at most.")]
DAY_S = 24 * 3600
_TICK_S = 0.05
_QUIET_S = 1.0


@app.command()
def init(home: Home = None, password_file: PasswordFile = None, as_json: Json = False) -> None:
    """Make an identity: a private key and an empty, encrypted store."""
    from pyml.kdac.client_store import create_store

    folder = _folder(home)
    public = create_store(folder, password(password_file, confirm=True))
    show({"home": str(folder), "key": public.hex()}, as_json=as_json, title="identity")


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="What you will call the friend.")],
    relays: Relays,
    days: Annotated[float, typer.Option(help="How long the invitation holds.", min=0.01, max=365)] = 2.0,
    wait: Wait = 0.0,
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Make an invitation: a word for one friend. Give it by a way that others cannot read."""
    with _mailbox(home, password_file, lock=True) as (store, mailbox):
        invitation = mailbox.invite(name, tuple(relays), int(time.time() + days * DAY_S))
        _add_relays(store, tuple(relays))
        if not as_json:
            typer.echo(invitation.text)
        events = _run_for(store, mailbox, wait, until_friend=True) if wait else []
        if as_json:
            show({"invitation": invitation.text, "events": events}, as_json=True)
        elif wait:
            print_events(events)


@app.command()
def accept(
    invitation: Annotated[str, typer.Argument(help="The word; - reads it from the standard input.")],
    name: Annotated[str, typer.Argument(help="What you will call the friend.")],
    wait: Wait = 20.0,
    rpc: Annotated[str | None, typer.Option(help="Node to ask whether the inviter's key is registered.")] = None,
    deployments: kdac_chain.Deployments = Path("deployments"),
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Answer an invitation. Compare the safety number with your friend by voice."""
    from pyml.kdac.invitation import read_invitation

    word = sys.stdin.readline() if invitation == "-" else invitation
    with _mailbox(home, password_file, lock=True) as (store, mailbox):
        read = read_invitation(word)
        owner = None if rpc is None else kdac_chain.registered_owner(rpc, deployments, read.inviter)
        mailbox.accept(read, name)
        _add_relays(store, read.relays)
        events = _run_for(store, mailbox, wait, until_friend=True)
        done = any(item["event"] == "friend" for item in events)
        result: dict[str, Any] = {"accepted": done, "events": events}
        if owner is not None:
            result["registered_by"] = owner
        if not done:
            result["next"] = "pyml kdac watch, while your friend does the same"
    show(result, as_json=as_json, title="invitation")


@app.command()
def friends(home: Home = None, password_file: PasswordFile = None, as_json: Json = False) -> None:
    """Show friends, with the safety numbers to compare."""
    with _mailbox(home, password_file, lock=False) as (_, mailbox):
        found = mailbox.friends()
    if as_json:
        show({"friends": found}, as_json=True)
    for friend in [] if as_json else found:
        show(friend, as_json=False)


@app.command()
def send(
    name: Annotated[str, typer.Argument(help="Friend.")],
    text: Annotated[str, typer.Argument(help="The message; - reads it from the standard input.")],
    sign: Annotated[bool, typer.Option("--sign", help="Let the friend prove to others that you wrote it.")] = False,
    wait: Wait = 20.0,
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Send a message; without a relay in reach it waits in the queue."""
    body = (sys.stdin.read() if text == "-" else text).encode()
    with _mailbox(home, password_file, lock=False) as (store, mailbox):
        mailbox.enqueue(name, body, sign=sign)
        show(_flushed(store, wait), as_json=as_json, title="message")


@app.command(name="send-file")
def send_file(
    name: Annotated[str, typer.Argument(help="Friend.")],
    file: Annotated[Path, typer.Argument(help="The file.")],
    wait: Wait = 20.0,
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Encrypt a file into the blob store and send its link and key as a message."""
    from pyml.kdac.content import Kind
    from pyml.kdac.files import store_file
    from pyml.store.blobs import BlobStore

    with _mailbox(home, password_file, lock=False) as (store, mailbox):
        link = store_file(file, BlobStore(load_config().blobs_url))
        mailbox.enqueue(name, link.encode(), kind=Kind.FILE)
        result = {"digest": link.digest, "bytes": link.size, **_flushed(store, wait)}
    show(result, as_json=as_json, title="file")


@app.command()
def inbox(
    name: Annotated[str | None, typer.Argument(help="Only this friend.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
    fetch: Annotated[Path | None, typer.Option(help="Write the files among them to this folder.")] = None,
    wait: Wait = 5.0,
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Fetch what has come, answer invitations that were accepted, and show the history."""
    with _mailbox(home, password_file, lock=False) as (store, mailbox):
        if wait and store.lock():
            from pyml.kdac.mailbox import Mailbox

            mailbox = Mailbox(store, time.time)
            _run_for(store, mailbox, wait)
        entries = mailbox.history(name, last=last)
    saved = [] if fetch is None else fetched(entries, fetch)
    if as_json:
        show({"messages": [shown(entry) for entry in entries], "files": saved}, as_json=True)
        return
    for entry in entries:
        typer.echo(line_of(shown(entry)))
    for path in saved:
        typer.echo(f"wrote {path}")


@app.command()
def watch(
    name: Annotated[str | None, typer.Argument(help="Chat with this friend: each line you type is sent.")] = None,
    history: Annotated[int, typer.Option(min=0, help="Lines of history to show first.")] = 10,
    home: Home = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Stay connected: show what comes, send what waits, answer invitations; with a friend, chat."""
    with _mailbox(home, password_file, lock=True) as (store, mailbox):
        if name is not None and all(friend["name"] != name for friend in mailbox.friends()):
            raise InputError(f"there is no friend {name!r}", hint="pyml kdac friends shows them.")
        for entry in mailbox.history(name, last=history) if history else []:
            print_events([shown(entry)], as_json=as_json)
        asyncio.run(_watch(store, mailbox, name, as_json=as_json))


def _folder(home: Path | None) -> Path:
    return home or load_config().home / "kdac"


@contextmanager
def _mailbox(home: Path | None, password_file: Path | None, *, lock: bool) -> Generator[tuple[ClientStore, Mailbox]]:
    from pyml.kdac.client_store import opened_store
    from pyml.kdac.mailbox import Mailbox

    with opened_store(_folder(home), password(password_file)) as store:
        if lock and not store.lock():
            raise ResourceError(
                "another pyml process is connected with this identity",
                hint="Stop it, or use send, which it carries out.",
            )
        yield store, Mailbox(store, time.time)


def _relays(store: ClientStore) -> tuple[str, ...]:
    """Those of the invitations, the latest first."""
    found = [str(url) for _, url in store.records("relay")]
    return tuple(dict.fromkeys(reversed(found)))


def _add_relays(store: ClientStore, urls: tuple[str, ...]) -> None:
    known = _relays(store)
    for url in urls:
        if not url.startswith(("ws://", "wss://")):
            raise InputError(f"this is not a relay's URL: {url}", expected="ws:// or wss://")
        if url not in known:
            store.add("relay", url)


def _client(store: ClientStore, mailbox: Mailbox, events: list[dict[str, Any]]) -> Client:
    from pyml.kdac.client import Client

    return Client(mailbox, _relays(store), tell=lambda event: events.append(shown(event)), clock=time.time)


def _run_for(
    store: ClientStore, mailbox: Mailbox, seconds: float, *, until_friend: bool = False
) -> list[dict[str, Any]]:
    """Connect until nothing more comes or waits, or until there is a friendship, but not for longer than said."""
    events: list[dict[str, Any]] = []

    async def work() -> None:
        client = _client(store, mailbox, events)
        task = asyncio.create_task(client.run())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await client.caught_up.wait()
                    quiet, seen = 0, 0
                    while not task.done():
                        await asyncio.sleep(_TICK_S)
                        busy = len(events) != seen or mailbox.queued() > 0
                        quiet, seen = 0 if busy else quiet + 1, len(events)
                        friend = any(item["event"] == "friend" for item in events)
                        if (friend and not busy) if until_friend else quiet * _TICK_S >= _QUIET_S:
                            return
            if client.problem and not client.caught_up.is_set():
                typer.echo(f"not connected: {client.problem}", err=True)
        finally:
            await _stopped(task)

    asyncio.run(work())
    return events


def _flushed(store: ClientStore, wait: float) -> dict[str, Any]:
    """Hand the queue to a relay, if no other process does; what became of it."""
    from pyml.kdac.mailbox import Mailbox

    locked = store.lock()
    mailbox = Mailbox(store, time.time)

    async def work() -> str | None:
        client = _client(store, mailbox, [])
        task = asyncio.create_task(client.run())
        try:
            await client.flush(wait)
            return client.problem
        finally:
            await _stopped(task)

    problem = asyncio.run(work()) if locked and wait else None
    waiting = mailbox.queued()
    result: dict[str, Any] = {"sent": not waiting, "waiting": waiting}
    if waiting:
        result["reason"] = problem or ("another process sends it" if not locked else "no relay has answered yet")
    return result


async def _stopped(task: asyncio.Task[None]) -> None:
    """Cancel, and raise the error that ended it if it had ended."""
    if task.done():
        task.result()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _watch(store: ClientStore, mailbox: Mailbox, name: str | None, *, as_json: bool) -> None:
    events: list[dict[str, Any]] = []
    client = _client(store, mailbox, events)
    task = asyncio.create_task(client.run())
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()
    if name is not None:
        loop.add_reader(sys.stdin.fileno(), lambda: lines.put_nowait(sys.stdin.readline()))
    problem: str | None = None
    try:
        while not task.done():
            print_events(events, as_json=as_json)
            events.clear()
            if client.problem != problem:
                problem = client.problem
                typer.echo(f"not connected: {problem}" if problem else "connected", err=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    line = await lines.get()
                    if not line:
                        await client.flush(20)
                        return
                    if line.strip() and name is not None:
                        mailbox.enqueue(name, line.rstrip("\n").encode())
    finally:
        if name is not None:
            loop.remove_reader(sys.stdin.fileno())
        await _stopped(task)
