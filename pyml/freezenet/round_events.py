"""A contract's events, in order, as the chain is now."""

from __future__ import annotations

from collections.abc import Iterator

from pyml.chain.contract import Contract, Event
from pyml.chain.events import Cursor, NodeLogs, follow


def events_of(
    contract: Contract, names: tuple[str, ...], *, since_block: int, until_block: int | None = None
) -> Iterator[Event]:
    """Events of these names since a block; those of blocks that were replaced meanwhile are left out.

    What is read of the state beside them must be of the same block: name it as ``until_block``.
    """
    logs = NodeLogs(contract.client, addresses=(contract.address,), topics=tuple(map(contract.topic, names)))
    found: list[Event] = []
    for page in follow(logs, Cursor(since_block)):
        if page.rewound_to is not None:
            found = [event for event in found if event.log.block_number <= page.rewound_to]
        found += filter(None, map(contract.decode_log, page.logs))
    yield from (event for event in found if until_block is None or event.log.block_number <= until_block)
