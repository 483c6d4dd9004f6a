"""What a role does next: the outgoing half of the protocol, as plain values.

``sponsor``, ``miner``, ``challenger`` and ``watcher`` are functions from what a role knows and what the chain shows to
one of these; ``node`` carries them out. Asked again in the same situation they answer the same, so a process that died
anywhere simply asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ContractName = Literal["tasks", "rounds", "exact", "optimistic", "demands"]


@dataclass(frozen=True, slots=True)
class Send:
    """A transaction. ``value_wei`` leaves the account with it."""

    contract: ContractName
    function: str
    arguments: tuple[object, ...]
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``block`` is the newest, as far as is known."""

    block: int
    why: str


@dataclass(frozen=True, slots=True)
class Work:
    """Something that takes this machine's time and no transaction: what, by name, is the role's own affair."""

    name: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The role is done; ``outcome`` says how it ended."""

    outcome: str


Step: TypeAlias = Send | Wait | Work | Finish
