"""Views of a group as tests need them: three members, three workers, round 2 under way at block 100."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyml.deepchain.records import NO_ADDRESS, Block, Clock, Masks, Phase, Status, Submission, Terms
from pyml.deepchain.view import Draw, History, RoundRecord, View

ACCOUNTS = tuple("0x" + f"{index + 1:040x}" for index in range(3))
WORKERS = tuple("0x" + f"{index + 17:040x}" for index in range(3))
TERMS = Terms(
    processing=NO_ADDRESS,
    disputes=NO_ADDRESS,
    evidence=NO_ADDRESS,
    assets=NO_ADDRESS,
    key_root=b"\1" * 32,
    model_digest=b"\2" * 32,
    weights_digest=b"\3" * 32,
    rounds=3,
    count=2,
    width=128,
    threshold=2,
    committee=1,
    pk_proof_bytes=500,
    cd_proof_bytes=400,
    bounty_bps=2500,
    party_bps=7000,
    turn_blocks=5,
    deposit=100,
    worker_deposit=100,
    bond=10,
    windows=(10,) * 9,
)
POSTED = Submission(b"\4" * 32, b"\5" * 32, b"\6" * 32)


def view_in(phase: Phase, head: int = 100, **changes: Any) -> View:
    """In this phase, which began at block 100; ``record`` and ``clock`` change parts of it."""
    record = replace(RoundRecord(2, 0, b"\7" * 32), **changes.pop("record", {}))
    history = History(
        members=ACCOUNTS,
        joined=0b111,
        workers=WORKERS,
        rounds={1: RoundRecord(1, 0, b"\x08" * 32, accepted=True), 2: record},
    )
    clock = replace(Clock(phase, 2, 100, 0, 0, 3, 2), **changes.pop("clock", {}))
    counting = phase in (Phase.COLLECTING, Phase.DECRYPTING)
    base = View(
        head=head,
        chain_id=31337,
        trading="0x" + "9" * 40,
        group=5,
        terms=TERMS,
        history=replace(history, **changes.pop("history", {})),
        clock=clock,
        masks=Masks(0b111, 0b111, 0b111, 0b111),
        block=Block(Status.APPENDED, 0, 0, 0, 50, 50, 0b110, 0, bytes(32), bytes(32)),
        draw=Draw(0, 1, 0b101) if phase is Phase.AGGREGATING else None,
        deadlines=(110, 120, 130) if counting else (),
        block_deadlines=(110, 120) if phase is Phase.AGGREGATING else (),
    )
    return replace(base, **changes)


def posted_block(**changes: Any) -> Block:
    """The block of the run under way, which its leader has posted."""
    return replace(Block(Status.POSTED, 0, 1, 0, 100, 100, 0b101, 0, b"\x0a" * 32, b"\x0b" * 32), **changes)
