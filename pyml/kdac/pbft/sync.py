"""What keeps replicas together: payloads passed on, blocks fetched, checkpoints, and the return of one without memory.

Catching up needs no trust: each block comes with its commit certificate. A replica that lost its disk may have voted in
the last heights and not know what. Before it votes again it must be past them. It asks how far the others are, with a
nonce so that old answers do not count, and waits for n - q + f + 1 of them. If it had decided height d, then q replicas
had sent commits for d, of which at least q - f - 1 others are honest, so that among the answers one honest has decided
d - 1 or more. It had voted for d + 1 at most: the highest answer plus 2. Up to there it stays silent.
"""

from __future__ import annotations

from typing import Final

from pyml.kdac.pbft import checkpoints, consensus, merkle
from pyml.kdac.pbft.messages import (
    Blocks,
    Fetch,
    Forward,
    Hello,
    Message,
    Proposal,
    RoundChange,
    Signed,
    Status,
    vote_of,
)
from pyml.kdac.pbft.records import Joining
from pyml.kdac.pbft.state import NO_NONCE, Persist, Send, Serve, SetTimer, Tick, Transition
from pyml.kdac.pbft.votes import Kind, Vote

MAX_FUTURE: Final = 6
"""Messages of one sender that are kept for the next height."""
FORWARD_BYTES: Final = 256 * 1024
"""Payloads passed on again at one tick."""


def submit(t: Transition, payloads: tuple[bytes, ...]) -> None:
    """Payloads of one's own clients: kept, and passed on to all."""
    _take(t, payloads, t.state.settings.index)
    t.send(None, Forward(payloads))


def hear(t: Transition, message: Signed) -> None:
    """A signed message that is no vote."""
    body, sender, state = message.body, message.vote.sender, t.state
    if isinstance(body, Forward):
        _take(t, body.payloads, sender)
    elif isinstance(body, Status):
        _on_status(t, body, sender)
    elif isinstance(body, Fetch):
        if max(body.first, 1) > state.served.get(sender, 0) and 1 <= body.first <= state.height:
            t.update(served={**state.served, sender: body.first})
            t.do(Serve(sender, body.first))
    elif isinstance(body, Blocks):
        _on_blocks(t, body, sender)
    elif isinstance(body, Hello):
        t.send(sender, Status(state.height, body.nonce))
    elif _is_worth_noting(t, body.vote):
        consensus.note(t, body.vote)


def tick(t: Transition) -> None:
    """Say how far one is; if nothing has moved since the last tick, say everything else again too."""
    state = t.state
    t.do(SetTimer(state.settings.tick_ms, Tick()))
    if state.joining is not None and not state.joining.silent_until:
        t.send(None, Hello(state.nonce))
    t.send(None, Status(state.height, NO_NONCE))
    if (state.working, state.round) == state.ticked:
        for message in state.sent.values():
            t.do(Send(None, message))
    mine = state.pool.of(state.settings.index)
    again, size = list[bytes](), 0
    for leaf in mine:
        if leaf in state.ticked_pool and size < FORWARD_BYTES:
            payload, _ = state.pool.waiting[leaf]
            again.append(payload)
            size += len(payload)
    if again:
        t.send(None, Forward(tuple(again)))
    t.update(asked=frozenset(), served={}, ticked=(state.working, state.round), ticked_pool=frozenset(mine))
    consensus.propose(t)


def on_other_height(t: Transition, message: Message) -> None:
    """A vote for a height that is not being worked on, its signature checked."""
    vote, state = vote_of(message), t.state
    if vote.kind is Kind.CHECKPOINT and isinstance(message, Vote):
        checkpoints.hear(t, message)
    elif vote.height == state.working + 1:
        waiting = state.future.get(vote.sender, ())
        is_heavy = not isinstance(message, Vote)
        if len(waiting) < MAX_FUTURE and not (is_heavy and any(type(item) is type(message) for item in waiting)):
            t.update(future={**state.future, vote.sender: (*waiting, message)})
    elif vote.height == state.height:
        consensus.note(t, vote)
    if vote.height <= state.height and isinstance(message, Proposal):
        consensus.hear_late(t, vote)
    if vote.height > state.working:
        _learn_height(t, vote.sender, vote.height - 1)
    elif isinstance(message, RoundChange):
        t.send(vote.sender, Status(state.height, NO_NONCE))


def _is_worth_noting(t: Transition, vote: Vote) -> bool:
    """Whether a leader's vote that somebody shows is real, and recent enough to be compared."""
    state = t.state
    is_recent = state.height <= vote.height <= state.working
    return vote.kind is Kind.PROPOSE and is_recent and state.settings.verify(vote)


def _take(t: Transition, payloads: tuple[bytes, ...], origin: int) -> None:
    state = t.state
    named = ((merkle.leaf(payload), payload) for payload in payloads)
    new = [(leaf, payload) for leaf, payload in named if state.window.height_of(leaf) is None]
    t.update(pool=state.pool.add(new, origin))
    consensus.propose(t)


def _on_status(t: Transition, status: Status, sender: int) -> None:
    _learn_height(t, sender, status.height)
    state = t.state
    joining = state.joining
    if joining is None or joining.silent_until or status.nonce != state.nonce or state.nonce == NO_NONCE:
        return
    answers = {**state.answers, sender: status.height}
    t.update(answers=answers)
    settings = state.settings
    if len(answers) > settings.n - settings.quorum + settings.max_faults:
        joined = Joining(max(answers.values()) + 2)
        t.update(joining=joined, answers={})
        t.do(Persist(joined))


def _learn_height(t: Transition, sender: int, height: int) -> None:
    """Ask whoever is further for blocks: f + 1 of them between two ticks, one of whom is honest."""
    state = t.state
    t.update(peers={**state.peers, sender: height})
    is_new = sender not in state.asked and len(state.asked) <= state.settings.max_faults
    if height > state.height and is_new:
        t.update(asked=state.asked | {sender})
        t.send(sender, Fetch(state.height + 1))


def _on_blocks(t: Transition, answer: Blocks, sender: int) -> None:
    before = t.state.height
    for block, certificate in answer.blocks:
        state = t.state
        statement = (certificate.kind, certificate.height, certificate.digest)
        if block.height < state.working:
            continue
        if (block.height, block.parent) != (state.working, state.tip):
            return
        if statement != (Kind.COMMIT, block.height, block.digest):
            return
        if not state.settings.verify_certificate(certificate):
            return
        consensus.decide(t, block, certificate)
    if before < t.state.height < t.state.peers.get(sender, 0):
        t.send(sender, Fetch(t.state.height + 1))
