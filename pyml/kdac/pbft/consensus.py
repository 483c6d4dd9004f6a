"""One height, from the first proposal to the decision: prepares, commits, round changes.

Source: Moniz, "The Istanbul BFT Consensus Algorithm", 2020; paper, III-C, steps 1 to 5. The paper says nothing of a
master that fails; its two rounds of votes are those of PBFT, and the round change is Moniz's. Two additions for links
that lose messages: what was sent in a round is sent again while nothing moves (``sync.tick``), and a replica leaves a
round above 0 only once it knows that a quorum reached it, so that no replica runs ahead of the others.
"""

from __future__ import annotations

from typing import Final

from pyml.kdac.ordering import MAX_BLOCK_BYTES
from pyml.kdac.pbft import checkpoints, justification
from pyml.kdac.pbft.block import Block
from pyml.kdac.pbft.keccak import ZERO
from pyml.kdac.pbft.messages import Claim, Message, Proposal, RoundChange, Witness, prepared_digest, vote_of
from pyml.kdac.pbft.records import Decided, Prepared, Voted
from pyml.kdac.pbft.state import Accuse, Deliver, Persist, RoundTimeout, Send, SetTimer, State, Transition
from pyml.kdac.pbft.votes import Certificate, Evidence, Kind, Vote

MAX_VOTES: Final = 24
"""Votes of one sender that are kept for a height: three kinds, and room for stragglers of some rounds."""
MAX_BLOCKS: Final = 8
MAX_DOUBLINGS: Final = 6


def cast(t: Transition, message: Message) -> None:
    """Say something in this round, once, on disk first; a replica that may have said something else says nothing."""
    vote = vote_of(message)
    if t.state.is_silent or (vote.kind, vote.round) in t.state.sent:
        return
    t.update(sent={**t.state.sent, (vote.kind, vote.round): message})
    t.do(Persist(Voted(message)))
    t.do(Send(None, message))
    t.own.append(message)


def hear(t: Transition, message: Message) -> None:
    """A message for the current height whose own signature is checked."""
    if isinstance(message, Proposal):
        note(t, message.vote)
        _on_proposal(t, message)
    elif isinstance(message, RoundChange):
        note(t, message.vote)
        _on_round_change(t, message)
    elif isinstance(message, Vote) and message.kind in (Kind.PREPARE, Kind.COMMIT) and note(t, message):
        if message.kind is Kind.COMMIT:
            _decide_if_committed(t, message.round, message.digest)
            return
        _witness(t, message)
        _commit_if_prepared(t)


def arm(t: Transition) -> None:
    """Start the round's timer unless it runs: how long depends on the leader (``turns``), once its turn has begun.

    Timers only ever matter for progress. After messages come in time again: a round above 0 is left only with a
    quorum in it, so nobody runs ahead; a leader that is passed over costs less than the full time; and from the second
    time round the leaders on every turn is full, and twice as long as the one before, whatever anybody thinks of
    anybody. So the first correct leader there, at the latest, has as long as it needs.
    """
    state = t.state
    if not state.is_armed:
        delay = state.settings.round_ms << min(state.round, MAX_DOUBLINGS)
        if state.round < state.settings.n and state.has_begun:
            delay = state.turns.time_for(state.settings.leader(state.working, state.round), delay)
        t.update(is_armed=True)
        t.do(SetTimer(delay, RoundTimeout(state.working, state.round)))


def propose(t: Transition) -> None:
    """Propose what waits, as the leader of round 0."""
    state = t.state
    if len(state.pool) and not state.is_armed:
        arm(t)
    if state.round == 0 and state.is_leader and len(state.pool) and (Kind.PROPOSE, 0) not in state.sent:
        _propose(t, _own_block(state), (), None)


def on_timeout(t: Transition, timer: RoundTimeout) -> None:
    """Go to the next round, or ask again for this one if too few have followed."""
    state = t.state
    if (timer.height, timer.round) != (state.working, state.round):
        return
    t.update(is_armed=False)
    if state.proposal is None and state.has_begun:
        by = state.settings.leader(state.working, state.round)
        t.update(turns=state.turns.let_pass(by, state.working))
    if state.proposal is not None or state.has_begun:
        _change_round(t, state.round + 1)
        return
    wanted = state.sent.get((Kind.ROUND_CHANGE, state.round))
    if wanted is not None:
        t.do(Send(None, wanted))
    arm(t)


def decide(t: Transition, block: Block, certificate: Certificate) -> None:
    """The block is final: on disk, handed out, and the next height begins."""
    decided, state = Decided(block, certificate), t.state
    t.do(Persist(decided))
    t.do(Deliver(decided))
    state = advanced(state, block)
    later = [message for messages in state.future.values() for message in messages]
    t.state = state
    t.update(future={})
    t.own += later
    checkpoints.after_decision(t)
    propose(t)


def advanced(state: State, block: Block) -> State:
    """The state in which a block has been decided and nothing of the next height is known."""
    fresh = State(state.settings, state.pool.remove(block.leaves), state.window)
    kept = (
        "future",
        "checkpoints",
        "stable",
        "accused",
        "turns",
        "peers",
        "asked",
        "served",
        "joining",
        "nonce",
        "answers",
    )
    t = Transition(fresh)
    t.update(
        **{name: getattr(state, name) for name in kept},
        height=block.height,
        tip=block.digest,
        window=state.window.add(block.height, block.leaves),
        past=state.votes,
        ticked_pool=state.ticked_pool,
    )
    return t.state


def note(t: Transition, vote: Vote) -> bool:
    """Keep a vote; False if it is known, contradicts one that is, or its sender has said too much already."""
    votes = t.state.votes if vote.height == t.state.working else t.state.past
    place = (vote.kind, vote.round, vote.sender)
    known = votes.get(place)
    if known is not None:
        if known.contradicts(vote) and (vote.sender, vote.kind) not in t.state.accused:
            t.update(accused=t.state.accused | {(vote.sender, vote.kind)})
            t.do(Accuse(Evidence(known, vote)))
        return False
    if vote.height != t.state.working:
        return False
    mine = [key for key in votes if key[2] == vote.sender]
    dropped = min(mine, key=lambda key: key[1]) if len(mine) >= MAX_VOTES else None
    if dropped is not None and dropped[1] >= vote.round:
        return False
    t.update(votes={**{key: value for key, value in votes.items() if key != dropped}, place: vote})
    return True


def hear_late(t: Transition, vote: Vote) -> None:
    """The vote of a proposal, its signature checked, for a turn that is over and may have been cut short."""
    settings = t.state.settings
    if vote.sender == settings.leader(vote.height, vote.round) and vote.round < settings.n:
        t.update(turns=t.state.turns.heard_late(vote.sender, vote.height))


def is_acceptable(state: State, block: Block, *, round_: int) -> bool:
    """Whether a block may follow the last one. An empty one only serves a leader who was not given anything."""
    return (
        (block.height, block.parent) == (state.working, state.tip)
        and (bool(block.payloads) or round_ > 0)
        and len(block.payloads) <= state.settings.batch
        and not state.window.has_any(block.leaves)
    )


def _on_proposal(t: Transition, proposal: Proposal) -> None:
    state, vote = t.state, proposal.vote
    if vote.round < state.round:
        hear_late(t, vote)
    if vote.round < state.round or vote.sender != state.settings.leader(vote.height, vote.round):
        return
    if state.proposal is not None and state.proposal.vote.round == vote.round:
        return
    if vote.digest != proposal.block.digest or not is_acceptable(state, proposal.block, round_=vote.round):
        return
    if not justification.is_justified(state.settings, proposal):
        return
    if vote.round > state.round:
        _enter_round(t, vote.round)
    if t.state.turns.is_short(vote.sender):
        t.update(is_armed=False)  # what is left of a turn cut short is not enough to vote in
    t.update(proposal=proposal, turns=t.state.turns.used(vote.sender))
    _keep_block(t, proposal.block)
    arm(t)
    cast(t, state.settings.vote(Kind.PREPARE, vote.height, vote.round, vote.digest))
    _commit_if_prepared(t)
    _decide_if_committed(t, vote.round, vote.digest)


def _commit_if_prepared(t: Transition) -> None:
    state, proposal = t.state, t.state.proposal
    if proposal is None:
        return
    votes = _votes_for(state, Kind.PREPARE, state.round, proposal.vote.digest)
    if len(votes) < state.settings.quorum:
        return
    if state.prepared is None or state.prepared.certificate.round != state.round:
        prepared = Prepared(Certificate.of(votes), proposal.block)
        t.update(prepared=prepared)
        t.do(Persist(prepared))
    cast(t, state.settings.vote(Kind.COMMIT, state.working, state.round, proposal.vote.digest))


def _decide_if_committed(t: Transition, round_: int, digest: bytes) -> None:
    votes = _votes_for(t.state, Kind.COMMIT, round_, digest)
    block = t.state.blocks.get(digest)
    if len(votes) >= t.state.settings.quorum and block is not None:
        decide(t, block, Certificate.of(votes))


def _change_round(t: Transition, round_: int) -> None:
    _enter_round(t, round_)
    state, lock = t.state, justification.lock_of(t.state)
    prepared = None if lock is None else (lock.certificate.round, lock.certificate.digest)
    digest = ZERO if prepared is None else prepared_digest(*prepared)
    claim = Claim(state.settings.vote(Kind.ROUND_CHANGE, state.working, round_, digest), prepared)
    cast(t, RoundChange(claim, lock and lock.certificate, lock and lock.block))


def _enter_round(t: Transition, round_: int) -> None:
    """Leave what belongs to earlier rounds behind, but for commits: a quorum of them may still be on its way."""
    state = t.state
    votes = {place: vote for place, vote in state.votes.items() if place[0] is Kind.COMMIT or place[1] >= round_}
    commits = [place for place in state.sent if place[0] is Kind.COMMIT]
    kept = max(commits, key=lambda place: place[1], default=None)
    sent = {place: message for place, message in state.sent.items() if place[1] >= round_ or place == kept}
    t.update(round=round_, is_armed=False, proposal=None, votes=votes, sent=sent, has_witnessed=False)
    arm(t)


def _on_round_change(t: Transition, change: RoundChange) -> None:
    state, vote = t.state, change.vote
    known = state.round_changes.get(vote.sender)
    if vote.round == 0 or (known is not None and known.vote.round >= vote.round):
        return
    if not justification.is_round_change_proved(state.settings, change):
        return
    if change.block is not None:
        if not is_acceptable(state, change.block, round_=vote.round):
            return
        _keep_block(t, change.block)
    had_begun = state.has_begun
    t.update(round_changes={**t.state.round_changes, vote.sender: change})
    if t.state.has_begun and not had_begun and state.proposal is None:
        t.update(is_armed=False)  # the leader's turn begins now
    ahead = sorted((item.vote.round for item in t.state.round_changes.values()), reverse=True)
    f = state.settings.max_faults
    if len(ahead) > f and ahead[f] > state.round:  # one of f + 1 is honest
        _change_round(t, ahead[f])
    elif t.state.round:
        arm(t)
    _propose_in_later_round(t)


def _propose_in_later_round(t: Transition) -> None:
    state = t.state
    changes = [change for change in state.round_changes.values() if change.vote.round == state.round]
    if state.round == 0 or not state.is_leader or state.proposal is not None or len(changes) < state.settings.quorum:
        return
    claims = tuple(change.claim for change in changes)
    lock = justification.highest(claims)
    source = next((change for change in changes if change.claim.prepared == lock), None) if lock else None
    block = source.block if source is not None else None
    if source is None or block is None:
        _propose(t, _own_block(state), claims, None)
    else:
        _propose(t, block, claims, source.certificate)


def _propose(t: Transition, block: Block, claims: tuple[Claim, ...], certificate: Certificate | None) -> None:
    vote = t.state.settings.vote(Kind.PROPOSE, block.height, t.state.round, block.digest)
    cast(t, Proposal(vote, block, claims, certificate))


def _own_block(state: State) -> Block:
    return Block(state.working, state.tip, state.pool.batch(state.settings.batch, MAX_BLOCK_BYTES))


def _keep_block(t: Transition, block: Block) -> None:
    """Remember a block of this height by digest; the oldest goes, which costs at most that it must be fetched."""
    blocks = {**t.state.blocks, block.digest: block}
    if len(blocks) > MAX_BLOCKS:
        locked = t.state.prepared.block.digest if t.state.prepared is not None else b""
        del blocks[next(digest for digest in blocks if digest != locked)]
    t.update(blocks=blocks)


def _votes_for(state: State, kind: Kind, round_: int, digest: bytes) -> list[Vote]:
    return [vote for place, vote in state.votes.items() if place[:2] == (kind, round_) and vote.digest == digest]


def _witness(t: Transition, prepare: Vote) -> None:
    """Show the leader's vote to all when somebody prepares another block of this round: one of the two lied."""
    state = t.state
    proposal = state.proposal
    if proposal is None or state.has_witnessed or prepare.round != state.round:
        return
    if prepare.digest != proposal.vote.digest:
        t.update(has_witnessed=True)
        t.send(None, Witness(proposal.vote))
