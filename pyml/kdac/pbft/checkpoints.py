"""Checkpoints: a quorum's signed word that it has every block up to a height on disk.

Source: Castro and Liskov, OSDI 1999, section 4.3. A block is proved by its own commits, but those who committed need
not have it yet; behind a stable checkpoint a quorum can serve it, so that everybody may forget how it came about.
"""

from __future__ import annotations

from typing import Final

from pyml.kdac.pbft.state import Accuse, Send, Stabilise, Transition
from pyml.kdac.pbft.votes import Certificate, Evidence, Kind, Vote

MAX_CHECKPOINTS: Final = 4
"""Votes of one sender that are kept."""


def after_decision(t: Transition) -> None:
    """Vote for a checkpoint where one is due, and see whether one that was waited for is stable now."""
    state = t.state
    if state.height % state.settings.checkpoint_interval == 0:
        vote = state.settings.vote(Kind.CHECKPOINT, state.height, 0, state.tip)
        t.do(Send(None, vote))
        hear(t, vote)
    _stabilise(t)


def hear(t: Transition, vote: Vote) -> None:
    """A checkpoint vote whose signature is checked."""
    state = t.state
    low = state.stable.height if state.stable is not None else 0
    if vote.height <= low or vote.height % state.settings.checkpoint_interval or vote.round:
        return
    known = state.checkpoints.get((vote.height, vote.sender))
    if known is not None:
        if known.contradicts(vote) and (vote.sender, vote.kind) not in state.accused:
            t.update(accused=state.accused | {(vote.sender, vote.kind)})
            t.do(Accuse(Evidence(known, vote)))
        return
    mine = sorted(height for height, sender in state.checkpoints if sender == vote.sender)
    kept = dict(state.checkpoints)
    if len(mine) >= MAX_CHECKPOINTS:
        del kept[mine[0], vote.sender]
    t.update(checkpoints={**kept, (vote.height, vote.sender): vote})
    _stabilise(t)


def _stabilise(t: Transition) -> None:
    """A checkpoint is stable once a quorum vouches for it and one has it oneself."""
    state = t.state
    for height in sorted({height for height, _ in state.checkpoints if height <= state.height}, reverse=True):
        votes = [vote for (other, _), vote in state.checkpoints.items() if other == height]
        for digest in {vote.digest for vote in votes}:
            agreeing = [vote for vote in votes if vote.digest == digest]
            if len(agreeing) >= state.settings.quorum:
                stable = Certificate.of(agreeing)
                kept = {place: vote for place, vote in state.checkpoints.items() if place[0] > height}
                t.update(stable=stable, checkpoints=kept)
                t.do(Stabilise(stable))
                return
