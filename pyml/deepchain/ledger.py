"""Where all coins are: the escrow holds what accounts, contracts and treasury have in it, to the last unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyml.deepchain.registries import DeepchainContracts


@dataclass(frozen=True, slots=True)
class Ledger:
    """Coins in the smallest unit."""

    held: int
    """Balance of the escrow."""
    free: Mapping[str, int]
    """By account: in the escrow, and free."""
    outside: Mapping[str, int]
    """By account: not in the escrow."""
    pots: Mapping[str, int]
    """By contract: locked."""
    treasury: int
    supply: int

    @property
    def is_balanced(self) -> bool:
        """Whether coins in = coins out + held, as far as the accounts named are all."""
        inside = sum(self.free.values()) + sum(self.pots.values()) + self.treasury
        return self.held == inside and self.supply == self.held + sum(self.outside.values())

    def of(self, account: str) -> int:
        """All that an account has."""
        return self.free.get(account, 0) + self.outside.get(account, 0)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"held": self.held, "pots": dict(self.pots), "treasury": self.treasury, "supply": self.supply}


def coins_of(contracts: DeepchainContracts, accounts: tuple[str, ...] = ()) -> Ledger:
    """The ledger for these accounts, as of now."""
    controllers = {
        "trading": contracts.trading,
        "processing": contracts.processing,
        "disputes": contracts.disputes,
        "evidence": contracts.evidence,
    }
    return Ledger(
        held=contracts.coin.balance_of(contracts.escrow.address),
        free={each: contracts.escrow.free_of(each) for each in accounts},
        outside={each: contracts.coin.balance_of(each) for each in accounts},
        pots={name: contracts.escrow.pot_of(handle.address) for name, handle in controllers.items()},
        treasury=contracts.escrow.treasury(),
        supply=contracts.coin.total(),
    )
