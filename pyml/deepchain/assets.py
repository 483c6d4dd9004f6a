"""Asset statements: "I have these data", in a form that can be audited on chain without showing them.

    secret      x = H1(blind ‖ digest of the data), h_j = H1(blind ‖ j ‖ block j)          modulo the order of BN254
    published   pk_data = x·g2,  σ_j = x·(H2(j) + h_j·g1),  the Merkle root of all σ_j, keywords
    challenge   Q = {(j, ν_j)} from a seed that the chain draws later
    response    μ = Σ ν_j h_j,  and σ_j for j in Q with their paths
    accept      e(Σ ν_j σ_j, g2) = e(Σ ν_j H2(j) + μ·g1, pk_data)

Source: DeepChain, section 4.2.3, after G. Ateniese et al. and H. Shacham and B. Waters (proofs of storage). Deviations:
* the paper's H1(data) has no secret, so that whoever guesses the data confirms the guess; here a random ``blind`` goes
  into each hash. It is kept like a key, and whoever later gets both data and blind can check them against the tags;
* H2(j) names pk_data and the owner's account, so that no tag serves two assets, or somebody who copies a statement and
  has learnt the numbers h_j from audits;
* a root binds the tags. Without it an owner, who knows x, could make up a tag for any μ.

What it does not say: anything about the data's quality; that the owner still has more than the numbers h_j, which
follow from the public responses to as many audits as there are blocks; that nobody else has the data.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from pyml.crypto.bn254 import SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import G1, PointG2, add_g1, hash_to_g1, multiply_g1, multiply_g2
from pyml.crypto.challenges import domain, seed_of, word
from pyml.crypto.merkle import MerkleTree, root_of
from pyml.errors import InputError

BLIND_BYTES: Final = 32
MAX_BLOCKS: Final = 1 << 16
MAX_CHALLENGED: Final = 64

_ADDRESS_BYTES: Final = 20

DATA_DOMAIN: Final = domain("pyml.deepchain.asset.data.v1")
BLOCK_DOMAIN: Final = domain("pyml.deepchain.asset.block.v1")
POINT_DOMAIN: Final = domain("pyml.deepchain.asset.point.v1")
AUDIT_DOMAIN: Final = domain("pyml.deepchain.asset.audit.v1")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is published of an asset."""

    owner: bytes
    """20 bytes: the account that states it."""
    key: PointG2
    """pk_data."""
    tags: tuple[Point, ...]

    @property
    def tree(self) -> MerkleTree:
        """The tree over the tags, 64 bytes a leaf."""
        return MerkleTree.of([tag.encode() for tag in self.tags])


@dataclass(frozen=True, slots=True)
class Answer:
    """The owner's response: μ, and for each challenged block its tag, what helps to find H2(j), and the tag's path."""

    mu: int
    tags: tuple[Point, ...]
    hints: tuple[tuple[int, int], ...]
    """The counter at which H2(j) is found, and its y: checking a root is cheaper than taking one."""
    paths: tuple[tuple[bytes, ...], ...]


def new_blind() -> bytes:
    """Fresh secret bytes for one asset."""
    return secrets.token_bytes(BLIND_BYTES)


def state_asset(blocks: Sequence[bytes], blind: bytes, *, owner: bytes) -> Statement:
    """Make the tags for all blocks of an asset, which ``owner``'s account will state."""
    _require_blocks(blocks, blind)
    if len(owner) != _ADDRESS_BYTES:
        raise InputError("an owner's address has the wrong length", expected=f"{_ADDRESS_BYTES} bytes", got=len(owner))
    x = _secret(blocks, blind)
    key = multiply_g2(x)
    tags: list[Point] = []
    for place, block in enumerate(blocks):
        sum_ = add_g1(_point_of(key, owner, place)[0], multiply_g1(G1, _block_number(blind, place, block)))
        tag = None if sum_ is None else multiply_g1(sum_, x)
        if tag is None:
            raise InputError("a tag is the point at infinity", hint="Take another blind.")
        tags.append(tag)
    return Statement(owner, key, tuple(tags))


def block_point(key: PointG2, owner: bytes, place: int) -> Point:
    """H2(j)."""
    return _point_of(key, owner, place)[0]


def draw_challenge(seed: bytes, *, blocks: int, count: int) -> list[tuple[int, int]]:
    """Q: from the i-th hash of the seed, j is its last 128 bits modulo the blocks, ν its first 128 (0 counts as 1).

    A block may come twice.
    """
    if not 1 <= blocks <= MAX_BLOCKS or not 1 <= count <= MAX_CHALLENGED:
        raise InputError("an audit is out of range", expected=f"1 to {MAX_BLOCKS} blocks, 1 to {MAX_CHALLENGED} drawn")
    drawn: list[tuple[int, int]] = []
    for place in range(count):
        digest = seed_of(AUDIT_DOMAIN, seed, word(place))
        drawn.append((int.from_bytes(digest[16:], "big") % blocks, int.from_bytes(digest[:16], "big") or 1))
    return drawn


def answer_challenge(
    statement: Statement, blocks: Sequence[bytes], blind: bytes, challenge: Sequence[tuple[int, int]]
) -> Answer:
    """The response of whoever has the data and the blind; ``InputError`` if they are not the statement's."""
    _require_blocks(blocks, blind)
    if len(blocks) != len(statement.tags) or multiply_g2(_secret(blocks, blind)) != statement.key:
        raise InputError("data or blind are not those of the statement", hint="One byte more or less is another asset.")
    mu = sum(factor * _block_number(blind, place, blocks[place]) for place, factor in challenge) % SCALAR_MODULUS
    tree = statement.tree
    tags = tuple(statement.tags[place] for place, _ in challenge)
    points = [_point_of(statement.key, statement.owner, place) for place, _ in challenge]
    hints = tuple((counter, point.y) for point, counter in points)
    return Answer(mu, tags, hints, tuple(tree.path(place) for place, _ in challenge))


def pairing_points(
    key: PointG2, owner: bytes, root: bytes, answer: Answer, challenge: Sequence[tuple[int, int]], *, blocks: int
) -> tuple[Point | None, Point | None] | None:
    """Both points of the equation, (Σ ν σ, Σ ν H2 + μ g1): the answer is right iff e(first, g2) = e(second, pk_data).

    ``None`` if the answer is malformed or a tag is not under the root.
    """
    if not len(answer.tags) == len(answer.paths) == len(challenge) or not 0 <= answer.mu < SCALAR_MODULUS:
        return None
    left: Point | None = None
    right = multiply_g1(G1, answer.mu)
    for (place, factor), tag, path in zip(challenge, answer.tags, answer.paths, strict=True):
        try:
            if root_of([tag.encode()], first=place, count=blocks, path=path) != root:
                return None
        except InputError:
            return None
        left = add_g1(left, multiply_g1(tag, factor))
        right = add_g1(right, multiply_g1(block_point(key, owner, place), factor))
    return left, right


def _point_of(key: PointG2, owner: bytes, place: int) -> tuple[Point, int]:
    return hash_to_g1(seed_of(POINT_DOMAIN, key.encode(), bytes(32 - _ADDRESS_BYTES) + owner, word(place)))


def _secret(blocks: Sequence[bytes], blind: bytes) -> int:
    digest = MerkleTree.of(blocks).root
    return int.from_bytes(seed_of(DATA_DOMAIN, blind, digest), "big") % SCALAR_MODULUS


def _block_number(blind: bytes, place: int, block: bytes) -> int:
    return int.from_bytes(keccak(BLOCK_DOMAIN + blind + word(place) + block), "big") % SCALAR_MODULUS


def _require_blocks(blocks: Sequence[bytes], blind: bytes) -> None:
    if not 1 <= len(blocks) <= MAX_BLOCKS:
        raise InputError("an asset has too many blocks or none", expected=f"1 to {MAX_BLOCKS}", got=len(blocks))
    if len(blind) != BLIND_BYTES:
        raise InputError("a blind has the wrong length", expected=f"{BLIND_BYTES} bytes", got=len(blind))
