"""Reads a group's view from the chain: the events since it was opened, and the contracts as of the newest block."""

from __future__ import annotations

from dataclasses import replace

from pyml.chain.contract import Contract
from pyml.chain.events import Cursor, NodeLogs, Page, follow
from pyml.deepchain.records import Clock, Demand, Dispute, Phase, Status, Turn
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.view import Draw, History, View
from pyml.errors import ContractRevertedError


class ChainReader:
    """One group through one node. Keeps what it has read; a reorganisation makes it read all again."""

    def __init__(self, contracts: DeepchainContracts, group: int) -> None:
        self.group = group
        self._contracts = contracts
        self._group = group
        self._terms = contracts.trading.terms_of(group)
        self._handles: dict[str, Contract] = {
            handle.address: handle
            for handle in (contracts.trading, contracts.processing, contracts.disputes, contracts.evidence)
        }
        self._logs = NodeLogs(contracts.client, addresses=tuple(self._handles))
        self._last: View | None = None
        self._begin()

    def view(self) -> View:
        """The group now; not read again while no block was added (one that is replaced shows with the next)."""
        if self._last is None or self._last.head != self._contracts.client.block_number():
            self._last = self._read_view()
        return self._last

    def _read_view(self) -> View:
        told = False
        for page in follow(self._logs, self._cursor):
            if page.rewound_to is not None:
                self._begin()
                return self._read_view()
            told = told or bool(page.logs)
            self._fold(page)
            self._cursor = page.cursor
        head = self._cursor.next_block - 1
        if self._last is not None and not told:
            return replace(self._last, head=head)  # every change of state comes with an event
        return self._state(head)

    def _state(self, head: int) -> View:
        contracts, group = self._contracts, self._group
        clock = contracts.trading.clock_of(group, block=head)
        counting = clock.phase in (Phase.COLLECTING, Phase.DECRYPTING)
        aggregating = clock.phase is Phase.AGGREGATING
        return View(
            head,
            contracts.client.chain_id,
            contracts.trading.address,
            group,
            self._terms,
            self._history,
            clock,
            contracts.trading.masks_of(group, block=head),
            contracts.processing.block_of(group, block=head),
            self._draw(head, clock) if aggregating else None,
            contracts.trading.deadlines_of(group, block=head) if counting else (),
            contracts.processing.deadlines_of(group, block=head) if aggregating else (),
            self._disputes(head),
            self._demands(head),
        )

    def _draw(self, head: int, clock: Clock) -> Draw | None:
        processing = self._contracts.processing
        block = processing.block_of(self._group, block=head)
        current = block.collected == clock.base
        if current and block.status is not Status.NONE:
            return Draw(block.attempt, block.leader, block.committee)
        try:
            leader, committee = processing.draw_of(self._group, block=head)
        except ContractRevertedError as error:
            if error.name != "NobodyEligible":
                raise
            return None
        return Draw(block.attempt if current else 0, leader, committee)

    def _begin(self) -> None:
        self._last = None
        self._cursor = Cursor(self._contracts.since_block)
        self._history = History()
        self._over: set[int] = set()
        self._met: set[int] = set()

    def _fold(self, page: Page) -> None:
        for log in page.logs:
            event = self._handles[log.address].decode_log(log)
            if event is None:
                continue
            number = event.arguments.get("disputeId")  # the turns of a dispute do not name the group
            ours = event.arguments.get("groupId") == self._group or number in self._history.disputes
            if ours:
                self._history = self._history.apply(event.name, event.arguments)

    def _disputes(self, head: int) -> tuple[Dispute, ...]:
        open_ones: list[Dispute] = []
        for number in self._history.disputes:
            if number in self._over:
                continue
            found = self._contracts.disputes.dispute_of(number, block=head)
            if found.turn is Turn.OVER:
                self._over.add(number)
            else:
                open_ones.append(found)
        return tuple(open_ones)

    def _demands(self, head: int) -> tuple[Demand, ...]:
        open_ones: list[Demand] = []
        for number in self._history.demands:
            if number in self._met:
                continue
            found = self._contracts.evidence.demand_of(number, block=head)
            if found.open:
                open_ones.append(found)
            else:
                self._met.add(number)
        return tuple(open_ones)
