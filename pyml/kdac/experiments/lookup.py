"""How fast a relay finds a message's receiver, and what its table weighs, by number of users.

Claim of the paper, section III-D: "efficient comparison and screening to determine the initial public key". Timed is
all that is done to an incoming message: check its form, take slot and key, hash the key, look up the tag. The paper's
literal way, which derives for every user, is timed on few users; its time is proportional to their number. Time is
this process's on one core.
"""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from pyml.crypto.secp256k1 import public_keys
from pyml.kdac.derivation import tag_of
from pyml.kdac.message import OVERHEAD_BYTES, encode_cbor, peek_cbor
from pyml.kdac.paper_resolver import PaperResolver
from pyml.kdac.session_cache import SessionCache

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLOT: Final = 2_975_000
USERS: Final = (1_000, 10_000, 100_000, 1_000_000)
_PAPER_USERS: Final = 500
_LOOKUPS: Final = 400_000
_MESSAGES: Final = 100_000


def run(*, users: tuple[int, ...] = USERS, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
    """Rates and memory of the table; the paper's resolver beside it."""
    seconds_a_user = _paper()
    rows: list[dict[str, Any]] = []
    for number, count in enumerate(users):
        rows.append({**_table(count), "paper_s_per_message": round(seconds_a_user * count, 4)})
        if progress is not None:
            progress((number + 1) / len(users))
    return {"rows": rows, "verdicts": _judge(rows)}


def _table(count: int) -> dict[str, Any]:
    """One live tag a user. Tags of most users are random: only those looked up need keys."""
    gc.collect()
    before = _resident()
    cache = SessionCache(2 * count)
    keys = public_keys(b"".join((number + 1).to_bytes(32, "big") for number in range(min(count, _MESSAGES))))
    messages = [encode_cbor(SLOT, key, bytes(256 + OVERHEAD_BYTES)) for key in keys]
    overhead = _resident() - before
    for user in range(count):
        tag = tag_of(keys[user]) if user < len(keys) else os.urandom(16)
        cache.announce(SLOT, tag, user + 2**20)
    weight = _resident() - before - overhead
    SystemRandom().shuffle(messages)
    found, looked, started = 0, 0, time.process_time()
    while looked < _LOOKUPS:
        for message in messages:
            slot, derived = peek_cbor(message)
            found += cache.resolve(slot, derived) is not None
        looked += len(messages)
    rate = looked / (time.process_time() - started)
    if found != looked:
        raise AssertionError("a tag that was announced was not found")
    return {"users": count, "lookups_per_second": round(rate), "table_mb": round(weight / 1e6, 1)}


def _paper() -> float:
    """Seconds a user, from a search that finds nobody."""
    resolver = PaperResolver(_PAPER_USERS)
    for number, key in enumerate(public_keys(b"".join(os.urandom(32) for _ in range(_PAPER_USERS)))):
        resolver.expose(key, os.urandom(31).rjust(32, b"\1"), SLOT, number)
    started = time.process_time()
    resolver.resolve(SLOT, bytes(33))
    return (time.process_time() - started) / _PAPER_USERS


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0  # not Linux: memory is not measured
    return pages * os.sysconf("SC_PAGE_SIZE")


def _judge(rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = rows[-1]
    return {
        "users": last["users"],
        "at least 200,000 lookups a second": last["lookups_per_second"] >= 200_000,
        "MB per million tags": round(last["table_mb"] / last["users"] * 1e6, 1),
        "paper's way, s per message": last["paper_s_per_message"],
    }


def draw(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Time of one message by number of users."""

    def paint(figure: Figure) -> None:
        rows, axes = result["rows"], figure.subplots()
        users = [row["users"] for row in rows]
        axes.loglog(users, [1 / row["lookups_per_second"] for row in rows], "o-", label="table of proved tags")
        axes.loglog(users, [row["paper_s_per_message"] for row in rows], "s--", label="paper: derive for every user")
        axes.set_xlabel("users")
        axes.set_ylabel("s a message")
        axes.legend()

    return paint
