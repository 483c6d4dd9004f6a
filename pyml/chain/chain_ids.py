"""Which chains count as development chains, where shortcuts (raw keys, locally made SRS) are allowed.

31337 is the default of anvil and Hardhat, 1337 of Ganache and ``geth --dev``. The id that a node claims is
safe to rely on for this: every transaction is signed for that id, so a node that lies about it only obtains
signatures which no other chain accepts.
"""

from __future__ import annotations

from typing import Final

DEV_CHAIN_IDS: Final = frozenset({31337, 1337})


def is_dev_chain(chain_id: int) -> bool:
    """True on the two ids where development shortcuts are allowed."""
    return chain_id in DEV_CHAIN_IDS
