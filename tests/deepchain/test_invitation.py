"""Shares reach their owners sealed, and nothing else than what was agreed on is accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.crypto.secp256k1 import SigningKey
from pyml.crypto.threshold_key_codec import encode_key, key_tree
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.dealer import deal_insecurely
from pyml.deepchain.invitation import Enrolment, Invitation, invite, open_letter, read_invitation
from pyml.deepchain.records import Terms
from pyml.errors import InputError, IntegrityError
from pyml.store.blobs import BlobStore
from tests.deepchain.small_group import PRIMES, dealt
from tests.deepchain.views import ACCOUNTS, TERMS

KEYS = [SigningKey.random() for _ in ACCOUNTS]
ENROLLED = [Enrolment(account, key.public) for account, key in zip(ACCOUNTS, KEYS, strict=True)]
AGREED = Agreement()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path))


def invited(blobs: BlobStore) -> Terms:
    key, shares = dealt()
    digest = invite(blobs, AGREED, key, shares, ENROLLED)
    return replace(TERMS, model_digest=digest, key_root=key_tree(key).root)


def test_every_member_opens_its_own_letter(blobs: BlobStore) -> None:
    key, shares = dealt()
    invitation, read = read_invitation(blobs, invited(blobs), allow_insecure=True)
    assert (invitation.agreement, read) == (AGREED, key)
    for party, own in enumerate(KEYS):
        assert open_letter(blobs, invitation, key, own, party) == shares[party]


def test_nobody_opens_the_letter_of_another(blobs: BlobStore) -> None:
    key, _ = dealt()
    invitation, _ = read_invitation(blobs, invited(blobs), allow_insecure=True)
    with pytest.raises(IntegrityError, match="does not open"):
        open_letter(blobs, invitation, key, KEYS[0], 1)
    swapped = replace(invitation, letters=(invitation.letters[1], invitation.letters[0], invitation.letters[2]))
    with pytest.raises(IntegrityError, match="does not open"):
        open_letter(blobs, swapped, key, KEYS[1], 0)


def test_an_altered_letter_does_not_open(blobs: BlobStore) -> None:
    key, _ = dealt()
    invitation, _ = read_invitation(blobs, invited(blobs), allow_insecure=True)
    box = bytearray(blobs.get(invitation.letters[0]))
    box[len(box) // 2] ^= 1
    altered = replace(invitation, letters=(blobs.put(bytes(box)), *invitation.letters[1:]))
    with pytest.raises(IntegrityError, match="does not open"):
        open_letter(blobs, altered, key, KEYS[0], 0)


def test_an_insecure_key_is_refused_unless_it_is_asked_for(blobs: BlobStore) -> None:
    with pytest.raises(InputError, match="marked insecure"):
        read_invitation(blobs, invited(blobs), allow_insecure=False)


def test_a_key_that_the_terms_do_not_name_is_refused(blobs: BlobStore) -> None:
    terms = invited(blobs)
    with pytest.raises(IntegrityError, match="not the one that the terms name"):
        read_invitation(blobs, replace(terms, key_root=bytes(32)), allow_insecure=True)
    with pytest.raises(IntegrityError, match="threshold or number"):
        read_invitation(blobs, replace(terms, threshold=3), allow_insecure=True)
    other, _ = deal_insecurely(PRIMES, parties=3, threshold=2)
    invitation, _ = read_invitation(blobs, terms, allow_insecure=True)
    changed = replace(invitation, key=blobs.put(encode_key(other)))
    digest = bytes.fromhex(blobs.put(changed.encode()))
    with pytest.raises(IntegrityError, match="not the one that the terms name"):
        read_invitation(blobs, replace(terms, model_digest=digest), allow_insecure=True)


def test_each_member_needs_a_share(blobs: BlobStore) -> None:
    key, shares = dealt()
    for members, given in ((ENROLLED[:2], shares), (ENROLLED, shares[:2])):
        with pytest.raises(InputError, match="each member needs a share"):
            invite(blobs, AGREED, key, given, members)


@pytest.mark.parametrize("kind", [Enrolment, Invitation])
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"{}", b"[" * 300_000])
def test_other_bytes_are_refused(kind: type[Enrolment] | type[Invitation], content: bytes) -> None:
    with pytest.raises(InputError, match="these bytes are not"):
        kind.decode(content)


def test_only_the_canonical_form_is_read() -> None:
    content = ENROLLED[0].encode()
    assert Enrolment.decode(content) == ENROLLED[0]
    with pytest.raises(InputError, match="canonical form"):
        Enrolment.decode(json.dumps(json.loads(content)).encode())
    off_curve = json.loads(content) | {"key": "05" + "11" * 32}
    with pytest.raises(InputError):
        Enrolment.decode(json.dumps(off_curve, sort_keys=True, separators=(",", ":")).encode())
