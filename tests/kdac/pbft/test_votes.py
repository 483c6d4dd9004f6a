"""Votes, certificates and evidence under real keys: what verifies, and that nothing that was touched does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import InputError
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.quorum import MAX_REPLICAS, leader, max_faults, quorum
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of
from pyml.kdac.pbft.votes import Certificate, Evidence, Kind, Vote, signed_digest

KEYS = sorted((SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(1, 8)), key=lambda k: address_of(k.public))
DIGEST = keccak256(b"a block")


def replicas(n: int = 4, **place: int) -> ReplicaSet:
    return ReplicaSet.of((key.public for key in KEYS[:n]), **place)  # pyright: ignore[reportArgumentType]


def vote(sender: int, *, kind: Kind = Kind.COMMIT, round_: int = 2, digest: bytes = DIGEST, n: int = 4) -> Vote:
    signature = KEYS[sender].sign_recoverable(signed_digest(replicas(n).network, kind, 7, round_, digest))
    return Vote(kind, 7, round_, digest, sender, signature)


def certificate(*senders: int, n: int = 4) -> Certificate:
    return Certificate.of(vote(sender, n=n) for sender in senders)


# Quorums


@pytest.mark.parametrize("n", range(1, MAX_REPLICAS + 1))
def test_two_quorums_share_an_honest_replica_and_the_honest_are_one(n: int) -> None:
    q, f = quorum(n), max_faults(n)
    assert q == -(-2 * n // 3)
    assert 3 * f < n <= 3 * (f + 1)
    assert 2 * q - n > f, "safety: some honest replica is in both"
    assert n - f >= q, "progress: without the faulty there is a quorum"
    assert 2 * (q - 1) - n <= f, "and none smaller is safe"


@pytest.mark.parametrize("n", [0, -1, 65])
def test_sets_out_of_range_are_refused(n: int) -> None:
    with pytest.raises(InputError, match="the number of replicas is out of range"):
        quorum(n)


@given(st.integers(1, 2**40), st.integers(0, 2**20), st.integers(1, 64))
def test_everybody_leads_in_turn(height: int, round_: int, n: int) -> None:
    assert {leader(height, round_ + k, n) for k in range(n)} == set(range(n))
    assert leader(height, round_ + 1, n) == leader(height + 1, round_, n)


# Sets


def test_replicas_are_in_the_order_of_their_addresses() -> None:
    found = ReplicaSet.of([key.public for key in reversed(KEYS)])
    assert list(found.addresses) == sorted(found.addresses)
    assert found.index(KEYS[3].public) == 3
    with pytest.raises(InputError, match="this key is no replica's"):
        found.index(SigningKey.random().public)


def test_disorder_doubles_and_other_forms_are_refused() -> None:
    keys = tuple(key.public for key in KEYS[:4])
    for wrong in (keys[::-1], (keys[0], keys[0], *keys[1:])):
        with pytest.raises(InputError, match="not distinct, or not in the order"):
            ReplicaSet(wrong)
    with pytest.raises(InputError, match="a replica's key is not compressed"):
        ReplicaSet((KEYS[0].public_uncompressed,))
    with pytest.raises(InputError, match="the number of replicas is out of range"):
        ReplicaSet(())


def test_networks_differ_in_everything() -> None:
    base = replicas()
    others = [replicas(5), replicas(chain_id=1), replace(base, log_address=b"\1" * 20)]
    assert len({each.network for each in (base, *others)}) == 4


# Certificates


def test_certificate_verifies_with_public_keys_alone() -> None:
    for senders in ((0, 1, 2), (1, 2, 3), (0, 1, 2, 3)):
        assert certificate(*senders).verify(replicas(), replicas().network, 4)
    assert certificate(0, 2, 3, 5, 6, n=7).verify(replicas(7), replicas(7).network, 7)


@given(st.integers(0, 2), st.integers(0, 65 * 8 - 1))
def test_certificate_with_a_flipped_bit_is_false(which: int, bit: int) -> None:
    good = certificate(0, 1, 2)
    rows = list(good.signatures)
    sender, signature = rows[which]
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    rows[which] = (sender, bytes(flipped))
    assert not replace(good, signatures=tuple(rows)).verify(replicas(), replicas().network, 4)


def test_certificate_of_too_few_twice_or_strangers_is_false() -> None:
    good = certificate(0, 1, 2)
    a, b, c = good.signatures
    wrong = [(a, b), (a, a, b), (a, b, b), (b, a, c), (a, b, (7, c[1])), (a, b, (-1, c[1])), (a, c, (3, b[1])), ()]
    for rows in wrong:
        assert not replace(good, signatures=rows).verify(replicas(), replicas().network, 4)


@pytest.mark.parametrize(
    "changes", [{"height": 8}, {"round": 3}, {"digest": keccak256(b"another")}, {"kind": Kind.PREPARE}]
)
def test_certificate_for_another_statement_is_false(changes: dict[str, object]) -> None:
    assert not replace(certificate(0, 1, 2), **changes).verify(replicas(), replicas().network, 4)  # pyright: ignore[reportArgumentType]


def test_certificate_of_another_network_is_false() -> None:
    elsewhere = replicas(chain_id=1)
    assert not certificate(0, 1, 2).verify(elsewhere, elsewhere.network, 4)


def test_high_s_is_refused() -> None:
    good = vote(0)
    s = ORDER - int.from_bytes(good.signature[32:64], "big")
    twin = good.signature[:32] + s.to_bytes(32, "big") + bytes([good.signature[64] ^ 1])
    assert good.verify(replicas(), replicas().network)
    assert not replace(good, signature=twin).verify(replicas(), replicas().network)


def test_commits_of_two_rounds_do_not_add_up() -> None:
    with pytest.raises(InputError, match="votes for different statements make no certificate"):
        Certificate.of([vote(0), vote(1), vote(2, round_=3)])


# Evidence


def test_evidence_is_two_votes_of_one_place() -> None:
    first, other = vote(1), vote(1, digest=keccak256(b"another"))
    network = replicas().network
    assert Evidence(first, other).verify(replicas(), network)
    harmless = [
        first,
        vote(2, digest=keccak256(b"another")),
        vote(1, round_=3, digest=keccak256(b"another")),
        vote(1, kind=Kind.PREPARE, digest=keccak256(b"another")),
        replace(other, signature=first.signature),
    ]
    assert not any(Evidence(first, second).verify(replicas(), network) for second in harmless)
    bodies = vote(1, kind=Kind.STATUS), vote(1, kind=Kind.STATUS, digest=keccak256(b"later"))
    assert not Evidence(*bodies).verify(replicas(), network), "who says two things in turn is no liar"
