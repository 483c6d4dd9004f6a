"""How many replicas must agree, and whose turn it is.

Source: paper, III-C (master by polling; a step ends "when 2/3 of the nodes" agree); Castro and Liskov, OSDI 1999;
Moniz, "The Istanbul BFT Consensus Algorithm", 2020 (rounds within a height).

With n replicas of which f = floor((n - 1) / 3) may be Byzantine, q = ceil(2n / 3) is enough for every n: two quorums
share at least 2q - n replicas, and for n = 3k, 3k + 1, 3k + 2 that is k, k + 1, k + 2 against f = k - 1, k, k. So an
honest one is always among them, and since n - f >= q the honest ones are a quorum without the others. Three replicas or
fewer have f = 0: they bear crashes (three bear one), but no lie.
"""

from __future__ import annotations

from typing import Final

from pyml.errors import InputError

MAX_REPLICAS: Final = 64
"""Bounds certificates, on the wire and on chain."""


def quorum(n: int) -> int:
    """ceil(2n / 3)."""
    return -(-2 * require_count(n) // 3)


def max_faults(n: int) -> int:
    """f, the greatest number of Byzantine replicas that n bear."""
    return (require_count(n) - 1) // 3


def leader(height: int, round_: int, n: int) -> int:
    """The replica that proposes, by polling: (h + r) mod n."""
    return (height + round_) % n


def require_count(n: int) -> int:
    """Raises ``InputError`` for a number of replicas out of range."""
    if not 1 <= n <= MAX_REPLICAS:
        raise InputError("the number of replicas is out of range", expected=f"1 to {MAX_REPLICAS}", got=n)
    return n
