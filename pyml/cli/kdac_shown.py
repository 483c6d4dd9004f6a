"""How messages and what happens to friendships are shown, and files written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pyml.config import load_config

if TYPE_CHECKING:
    from pyml.kdac.client import Event
    from pyml.kdac.mailbox import Entry


def shown(event: Event | Entry) -> dict[str, Any]:
    """An event as JSON has it; text from outside is made printable."""
    from pyml.kdac.content import Kind
    from pyml.kdac.files import decode_link
    from pyml.kdac.mailbox import Befriended, Rejected

    if isinstance(event, Befriended):
        return {"event": "friend", "name": event.name, "safety_number": event.safety}
    if isinstance(event, Rejected):
        return {"event": "rejected", "reason": event.reason}
    common = {"friend": event.friend, "outgoing": event.outgoing, "time": event.time, "signed": event.signed}
    if event.kind is Kind.FILE:
        link = decode_link(event.body)
        return {"event": "file", **common, "name": link.name, "bytes": link.size, "digest": link.digest}
    return {"event": "text", **common, "text": event.body.decode("utf-8", "replace")}


def line_of(event: dict[str, Any]) -> str:
    """One line for people; no escape sequence of a friend's reaches the terminal."""
    if event["event"] == "friend":
        return f"* {event['name']} is a friend now; safety number {event['safety_number']}"
    if event["event"] == "rejected":
        return f"* something was refused: {event['reason']}"
    who = "you" if event["outgoing"] else event["friend"]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(event["time"]))
    what = event["text"] if event["event"] == "text" else f"file {event['name']}, {event['bytes']} bytes"
    mark = " (signed)" if event["signed"] else ""
    line = f"{when} {who}{mark}: {what}"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def print_events(events: list[dict[str, Any]], *, as_json: bool = False) -> None:
    """Each as a line, or as a JSON document of its own."""
    for event in events:
        typer.echo(json.dumps(event) if as_json else line_of(event))


def fetched(entries: list[Entry], folder: Path) -> list[str]:
    """Files that friends sent, written under their own names; those that are there already stay."""
    from pyml.kdac.content import Kind
    from pyml.kdac.files import decode_link, fetch_file
    from pyml.store.blobs import BlobStore

    saved: list[str] = []
    for entry in entries:
        if entry.kind is Kind.FILE and not entry.outgoing:
            link = decode_link(entry.body)
            target = folder / link.name
            if not target.exists():
                fetch_file(link, target, BlobStore(load_config().blobs_url))
                saved.append(str(target))
    return saved
