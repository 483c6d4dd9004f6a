"""The loop of every role: look at the chain, do what is due, sleep. One of the two modules here that wait for anything.

A role keeps nothing in this loop that it could not lose: after each look it decides anew. A call that the contract
refuses because somebody else was quicker, or because a deadline has just passed, is no failure; the next look shows
what has become of it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from pyml.chain.accounts import Signer
from pyml.chain.rpc import RpcUnavailableError
from pyml.deepchain.chain_view import ChainReader
from pyml.deepchain.records import Phase
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.upkeep import Call
from pyml.deepchain.view import View
from pyml.errors import ContractRevertedError, TransactionFailedError
from pyml.files import write_atomically

log = logging.getLogger(__name__)

_AWAY_S: Final = 2.0
"""Pause after the node did not answer."""


class Role(Protocol):
    """Something that acts on views."""

    def act(self, view: View) -> bool:
        """Do one thing that is due; whether anything was done."""
        ...

    def is_done(self, view: View) -> bool:
        """Whether nothing will be due any more."""
        ...


def run_role(
    reader: ChainReader,
    role: Role,
    *,
    seen: Path | None = None,
    poll_s: float = 0.5,
    stop: Callable[[], bool] = lambda: False,
) -> View:
    """Act until the role is done or ``stop`` says so; returns the last view.

    ``seen`` is a file that says up to which block nothing is left to do; a devnet's clock waits for it.
    """
    written = -1
    while True:
        try:
            view = reader.view()
            if role.act(view):
                continue
        except RpcUnavailableError as error:  # a node that is away for a while is no reason to end
            log.warning("%s", error.problem)
            time.sleep(max(poll_s, _AWAY_S))
            continue
        if seen is not None and view.head != written:
            write_atomically(seen, json.dumps({"block": view.head, "over": view.clock.phase is Phase.OVER}).encode())
            written = view.head
        if role.is_done(view) or stop():
            return view
        time.sleep(poll_s)


class Sends:
    """Calls of one account, whose refusals are news and no errors."""

    def __init__(self, contracts: DeepchainContracts, account: Signer) -> None:
        self.contracts = contracts
        self.account = account
        self._refused: dict[Call, int] = {}

    def attempt(self, what: str, send: Callable[[], object]) -> bool:
        """Run a call; ``False`` if the contract refused it."""
        try:
            send()
        except ContractRevertedError as error:
            log.info("%s refused: %s", what, error.name)
            return False
        except TransactionFailedError as error:
            log.warning("%s failed: %s", what, error.problem)
            return False
        log.info("%s done", what)
        return True

    def upkeep(self, view: View, calls: tuple[Call, ...]) -> bool:
        """Make the first of these calls that is not refused; one that was is tried again in the next block only."""
        for call in calls:
            if self._refused.get(call, -1) >= view.head:
                continue
            handle = getattr(self.contracts, call.contract)
            if self.attempt(
                call.function, lambda h=handle, c=call: h.send(c.function, *c.arguments, account=self.account)
            ):
                return True
            self._refused[call] = view.head
        return False
