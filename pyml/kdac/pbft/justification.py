"""The two rules that keep a height from being decided twice.

Lock: whoever has prepared a block says so, with proof, in every later round change, until it is decided.
Justification: a proposal above round 0 is accepted only with a quorum's round changes, and must be the block that the
highest of their locks names; a leader is free only if nobody of the quorum has a lock.

Why that is enough (Moniz, 2020, section 4): if a quorum committed a block in round r then a quorum has the lock of
round r. Every quorum of round changes for a later round has an honest member of it, so that block is the only one that
can be justified, round after round; its members can only lock the same block again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pyml.kdac.pbft.messages import Claim, Proposal, RoundChange
from pyml.kdac.pbft.records import Prepared
from pyml.kdac.pbft.state import Settings, State
from pyml.kdac.pbft.votes import Certificate, Kind


def lock_of(state: State) -> Prepared | None:
    """What a round change must carry."""
    return state.prepared


def highest(claims: Iterable[Claim]) -> tuple[int, bytes] | None:
    """The lock of the highest round among the claims."""
    return max((claim.prepared for claim in claims if claim.prepared is not None), default=None)


def is_proof(settings: Settings, certificate: Certificate, *, height: int, prepared: tuple[int, bytes]) -> bool:
    """Whether a quorum prepared that block in that round."""
    statement = (certificate.kind, certificate.height, certificate.round, certificate.digest)
    return statement == (Kind.PREPARE, height, *prepared) and settings.verify_certificate(certificate)


def is_round_change_proved(settings: Settings, change: RoundChange) -> bool:
    """Whether a round change's lock is real; its signature is checked elsewhere."""
    claim = change.claim
    if not claim.is_consistent:
        return False
    if claim.prepared is None or change.certificate is None or change.block is None:
        return claim.prepared is None and change.certificate is None and change.block is None
    if change.block.digest != claim.prepared[1]:
        return False
    return is_proof(settings, change.certificate, height=claim.vote.height, prepared=claim.prepared)


def is_justified(settings: Settings, proposal: Proposal) -> bool:
    """Whether a leader was free to propose this block in this round."""
    vote, claims = proposal.vote, proposal.claims
    if vote.round == 0:
        return not claims and proposal.certificate is None
    if not _is_quorum_for_round(settings, claims, height=vote.height, round_=vote.round):
        return False
    lock = highest(claims)
    if lock is None or proposal.certificate is None:
        return lock is None and proposal.certificate is None
    return lock[1] == vote.digest and is_proof(settings, proposal.certificate, height=vote.height, prepared=lock)


def _is_quorum_for_round(settings: Settings, claims: Collection[Claim], *, height: int, round_: int) -> bool:
    senders = {claim.vote.sender for claim in claims}
    return settings.quorum <= len(senders) == len(claims) and all(
        (claim.vote.height, claim.vote.round) == (height, round_)
        and claim.is_consistent
        and settings.verify(claim.vote)
        for claim in claims
    )
