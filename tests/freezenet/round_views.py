"""Rounds as a chain could show them, for tests of pure steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pyml.freezenet.registries import Entry, Round, Status, Terms

MINER: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
OTHER: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
JUDGE: Final = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
BOND: Final = 10**17
OPENED: Final = 100
LAST: Final = (200, 220, 260, 460, 660)
"""Of the phases: commit, test, reveal, challenge, enrol."""
SOME: Final = bytes([1]) * 32

OPEN: Final = Round(
    opened_block=OPENED,
    threshold=12,
    commitments=3,
    enrolled=0,
    bonds=3,
    samples=20,
    status=Status.OPEN,
    verifier=JUDGE,
    miner_bond=BOND,
    last_blocks=LAST,
    reward=10**18,
    beacon=SOME,
    test_seal=SOME,
    test_root=bytes(32),
)
SHOWN: Final = replace(OPEN, test_root=SOME)
"""With its test set revealed."""
ABSENT: Final = Entry(bytes(32), 0, revealed=False, enrolled=False, closed=False)

TERMS: Final = Terms(
    training_root=SOME,
    verifier=JUDGE,
    fraction_ppm=300_000,
    samples=20,
    threshold=12,
    threshold_floor=6,
    threshold_step=0,
    target_solutions=0,
    miner_bond=BOND,
    sponsor_bond=BOND,
    commit_blocks=100,
    test_blocks=20,
    reveal_blocks=40,
    challenge_blocks=200,
)


def entry(digest: bytes, **fields: Any) -> Entry:
    """A miner's part in a round that has committed."""
    return replace(ABSENT, digest=digest, **fields)
