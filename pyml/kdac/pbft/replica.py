"""A replica as a pure state machine: ``step(state, event) -> state, effects``. No clock, socket, file or randomness.

The simulator of the tests and the sockets of ``engine`` drive this and nothing else. Whoever drives it answers for two
things: before a ``Send`` leaves, every ``Persist`` that came before it is on disk; after a crash ``restore`` gets every
record that was, in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyml.errors import IntegrityError
from pyml.kdac.pbft import consensus, sync
from pyml.kdac.pbft.messages import Message, Proposal, Signed, vote_of
from pyml.kdac.pbft.pool import Pool
from pyml.kdac.pbft.records import Base, Decided, Joining, Prepared, Record, Voted
from pyml.kdac.pbft.state import (
    Effect,
    Event,
    Persist,
    Received,
    RoundTimeout,
    Send,
    Settings,
    Start,
    State,
    Submitted,
    Transition,
)
from pyml.kdac.pbft.votes import Kind
from pyml.kdac.pbft.window import Window
from pyml.kdac.pbft.wire import body_digest, body_kind


def initial(settings: Settings, *, joining: bool = False) -> State:
    """A replica that has never run or, ``joining``, one that has but lost its disk."""
    pool = Pool(settings.pool_payloads, settings.pool_bytes)
    state = State(settings, pool, Window(settings.duplicate_window))
    return _with(state, joining=Joining(0)) if joining else state


def restore(settings: Settings, records: Iterable[Record]) -> State:
    """The state that the records of a log lead to: it remembers every vote, lock and block."""
    state = initial(settings)
    for record in records:
        state = _restored(state, record)
    return state


def snapshot(state: State) -> tuple[Record, ...]:
    """Records from which ``restore`` makes this state again: how a new log begins when the old one may go."""
    records: list[Record] = [
        Base(state.height, state.tip, tuple(tuple(piece.items()) for piece in state.window.pieces))
    ]
    records += [state.joining] if state.joining is not None else []
    records += [Voted(message) for message in state.sent.values()]
    records += [state.prepared] if state.prepared is not None else []
    return tuple(records)


def step(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    """What an event leads to. The state given stays what it was."""
    t = Transition(state)
    if isinstance(event, Received):
        _receive(t, event.message, is_checked=False)
    elif isinstance(event, Submitted):
        sync.submit(t, event.payloads)
    elif isinstance(event, RoundTimeout):
        consensus.on_timeout(t, event)
    elif isinstance(event, Start):
        _start(t, event)
    else:
        sync.tick(t)
    while t.own:
        _receive(t, t.own.pop(0), is_checked=True)
    return t.state, tuple(t.effects)


def _start(t: Transition, event: Start) -> None:
    t.update(nonce=event.nonce, is_armed=False)
    if t.state.joining is not None and t.state.is_silent and not t.state.height:
        t.do(Persist(t.state.joining))
    for message in t.state.sent.values():
        t.do(Send(None, message))
        t.own.append(message)
    if t.state.round:
        consensus.arm(t)
    sync.tick(t)


def _receive(t: Transition, message: Message, *, is_checked: bool) -> None:
    state, vote = t.state, vote_of(message)
    if not is_checked:
        if vote.sender == state.settings.index or not state.settings.verify(vote):
            return
        if isinstance(message, Signed) and (vote.kind, vote.digest) != (
            body_kind(message.body),
            body_digest(message.body),
        ):
            return
    if isinstance(message, Signed):
        sync.hear(t, message)
    elif vote.height == state.working and vote.kind is not Kind.CHECKPOINT:
        consensus.hear(t, message)
    else:
        sync.on_other_height(t, message)


def _restored(state: State, record: Record) -> State:
    settings = state.settings
    if isinstance(record, Base):
        window = Window(settings.duplicate_window, tuple(dict(piece) for piece in record.pieces))
        return _with(state, height=record.height, tip=record.tip, window=window)
    if isinstance(record, Joining):
        return _with(state, joining=record)
    if isinstance(record, Decided):
        if (record.block.height, record.block.parent) != (state.working, state.tip):
            raise IntegrityError("the log's blocks do not follow each other", got=f"height {record.block.height}")
        return consensus.advanced(state, record.block)
    if isinstance(record, Prepared):
        blocks = {**state.blocks, record.block.digest: record.block}
        return _with(state, prepared=record, blocks=blocks) if record.block.height == state.working else state
    vote = vote_of(record.message)
    if vote.height != state.working:
        return state
    earlier = {
        place: message for place, message in state.sent.items() if place[1] >= vote.round or place[0] is Kind.COMMIT
    }
    sent = {**earlier, (vote.kind, vote.round): record.message}
    blocks = dict(state.blocks)
    if isinstance(record.message, Proposal):
        blocks[record.message.block.digest] = record.message.block
    return _with(state, sent=sent, blocks=blocks, round=max(state.round, vote.round))


def _with(state: State, **changes: object) -> State:
    t = Transition(state)
    t.update(**changes)
    return t.state
