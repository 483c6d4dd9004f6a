"""What to pay for gas: EIP-1559 where the chain has a base fee, one gas price elsewhere.

The fee cap is twice the base fee plus the tip, enough for six full blocks in a row (each raises the base fee
by at most 12.5 %). A replacement for a stuck transaction offers at least 12.5 % more in both numbers: geth's
pool asks for 10 %, others for up to 12.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyml.chain.rpc import RpcError

if TYPE_CHECKING:
    from pyml.chain.client import Client


@dataclass(frozen=True, slots=True)
class Fees:
    """Most to pay for a unit of gas, and the block producer's part of it; ``tip_wei`` is ``None`` on a legacy chain."""

    cap_wei: int
    tip_wei: int | None

    def as_fields(self) -> dict[str, int]:
        """The transaction fields of eth-account."""
        if self.tip_wei is None:
            return {"gasPrice": self.cap_wei}
        return {"type": 2, "maxFeePerGas": self.cap_wei, "maxPriorityFeePerGas": self.tip_wei}

    def bumped(self, market: Fees) -> Fees:
        """At least 12.5 % more than this, and not less than the market asks now."""
        tip = None if self.tip_wei is None else max(_raised(self.tip_wei), market.tip_wei or 0)
        return Fees(max(_raised(self.cap_wei), market.cap_wei, tip or 0), tip)


def market_fees(client: Client) -> Fees:
    """What the chain asks for at this moment."""
    base = client.latest_block().base_fee_wei
    if base is None:
        return Fees(_quantity(client, "eth_gasPrice"), None)
    try:
        tip = _quantity(client, "eth_maxPriorityFeePerGas")
    except RpcError:
        tip = max(_quantity(client, "eth_gasPrice") - base, 0)
    return Fees(2 * base + tip, tip)


def _quantity(client: Client, method: str) -> int:
    return int(client.rpc.request(method), 16)


def _raised(value_wei: int) -> int:
    """9/8 of the value, rounded up, and more than it even when it is tiny."""
    return max(-(-value_wei * 9 // 8), value_wei + 1)
