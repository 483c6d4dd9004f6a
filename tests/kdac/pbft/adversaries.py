"""What Byzantine replicas do in the simulator: they run the honest code, and lie about what it says.

Each is a filter between a replica and one receiver, or an action of its own. All have the replica's key and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pyml.kdac.pbft.block import Block
from pyml.kdac.pbft.messages import Claim, Message, Proposal, RoundChange, Status, prepared_digest
from pyml.kdac.pbft.votes import Certificate, Kind, Vote
from pyml.kdac.pbft.wire import encode
from tests.kdac.pbft.simulator import World

NONCE = bytes(16)


def rival(block: Block) -> Block:
    """Another block in the same place."""
    return Block(block.height, block.parent, (b"rival of " + block.digest[:8],))


def equivocate(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """One half sees one block and its votes, the other half another one."""
    settings = world.nodes[source].settings
    if target % 2 == 0 or not isinstance(message, (Proposal, Vote)):
        return (message,)
    if isinstance(message, Proposal):
        block = rival(message.block)
        world.rivals[message.vote.digest] = block.digest
        vote = settings.vote(Kind.PROPOSE, message.vote.height, message.vote.round, block.digest)
        return (replace(message, vote=vote, block=block),)
    digest = world.rivals.get(message.digest, message.digest)
    return (settings.vote(message.kind, message.height, message.round, digest),)


def agree_to_everything(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """Votes for every block that is about, in both phases."""
    if not isinstance(message, Vote) or message.kind not in (Kind.PREPARE, Kind.COMMIT):
        return (message,)
    settings, node = world.nodes[source].settings, world.nodes[source]
    digests = [*world.rivals.values(), *(vote.digest for vote in node.state.votes.values())]
    others = [digest for digest in dict.fromkeys(digests) if digest != message.digest][-2:]
    return (message, *(settings.vote(message.kind, message.height, message.round, digest) for digest in others))


def forge(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """Hides its lock, invents one, or proposes what its claims do not justify."""
    settings, rng = world.nodes[source].settings, world.rng
    if isinstance(message, RoundChange):
        vote = message.vote
        if rng.random() < 0.5:
            free = settings.vote(Kind.ROUND_CHANGE, vote.height, vote.round, bytes(32))
            return (RoundChange(Claim(free, None), None, None),)
        block = Block(vote.height, world.nodes[source].state.tip, (b"invented",))
        lock = (max(vote.round - 1, 0), block.digest)
        own = settings.vote(Kind.PREPARE, vote.height, lock[0], block.digest)
        signatures = tuple((i, own.signature) for i in range(settings.quorum))
        lie = settings.vote(Kind.ROUND_CHANGE, vote.height, vote.round, prepared_digest(*lock))
        forged = Certificate(Kind.PREPARE, vote.height, *lock, signatures)
        return (RoundChange(Claim(lie, lock), forged, block),)
    if isinstance(message, Proposal) and message.vote.round > 0:
        block = rival(message.block)
        vote = settings.vote(Kind.PROPOSE, message.vote.height, message.vote.round, block.digest)
        return (Proposal(vote, block, message.claims, None),)
    return (message,)


def usurp(world: World, source: int) -> None:
    """Propose, to all, a block of one's own in the next round that is one's own to lead, without any justification."""
    node = world.nodes[source]
    settings = node.settings
    for other in world.honest:
        state = other.state
        round_ = next(r for r in range(1, world.n + 1) if settings.leader(state.working, r) == node.index)
        block = Block(state.working, state.tip, (b"usurped %d" % state.working,))
        vote = settings.vote(Kind.PROPOSE, state.working, round_, block.digest)
        free = settings.vote(Kind.ROUND_CHANGE, state.working, round_, bytes(32))
        claims = (Claim(free, None),) * settings.quorum
        for target in range(len(world.nodes)):
            world.post(target, Proposal(vote, block, claims, None))
            world.post(target, settings.vote(Kind.PREPARE, state.working, round_, block.digest))
            world.post(target, settings.vote(Kind.COMMIT, state.working, round_, block.digest))


def fuzz(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """Every message as it is, and its bytes with some flipped, cut short or extended."""
    rng, content = world.rng, bytearray(encode(message))
    for _ in range(rng.randint(1, 3)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    if rng.random() < 0.3:
        content = content[: rng.randrange(len(content))] + rng.randbytes(rng.randrange(3))
    world.post(target, bytes(content))
    return (message,)


def boast(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """Says that it is far ahead, and has nothing to show for it."""
    return (message, world.nodes[source].settings.signed(Status(10**9, NONCE)))


def mute(world: World, source: int, target: int, message: Message) -> Sequence[Message]:
    """Speaks to some only."""
    return () if (target + world.seed) % 3 == 0 else (message,)


FILTERS = (equivocate, agree_to_everything, forge, fuzz, boast, mute)
