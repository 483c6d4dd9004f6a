"""Which contracts the deepchain system has, in which order they are created, and who gets the coins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyml.chain.artifacts import load_artifact
from pyml.chain.deploy import Plan, Ref, Step

SYSTEM: Final = "deepchain"
CONTRACTS: Final = ("DeepCoin", "Escrow", "AssetRegistry", "Trading", "Processing", "Disputes", "Evidence")
VALIDITY_ROUNDS: Final = 100
"""For so many rounds a staked coin counts in the sortition without taking part."""


def deployment_plan(holders: Mapping[str, int], *, validity_rounds: int = VALIDITY_ROUNDS) -> Plan:
    """Coin, escrow and assets; then what trades, aggregates and judges. ``holders`` get all coins there will be."""
    coins = (list(holders), list(holders.values()), validity_rounds)
    return Plan(
        SYSTEM,
        (
            Step("DeepCoin", load_artifact("DeepCoin"), coins),
            Step("Escrow", load_artifact("Escrow"), (Ref("DeepCoin"),)),
            Step("AssetRegistry", load_artifact("AssetRegistry")),
            Step("Trading", load_artifact("Trading"), (Ref("Escrow"),)),
            Step("Processing", load_artifact("Processing"), (Ref("Trading"), Ref("Escrow"))),
            Step("Disputes", load_artifact("Disputes"), (Ref("Trading"), Ref("Escrow"))),
            Step("Evidence", load_artifact("Evidence"), (Ref("Trading"), Ref("Escrow"))),
        ),
    )
