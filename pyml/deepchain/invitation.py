"""How members come to a key: they enrol, the dealer invites them. Three kinds of blobs, all public.

    enrolment   a member's account, and a public key to seal letters to; its digest is what the member tells the dealer
    letter      a key share, sealed to one member (ECIES), bound to the threshold key and to the member's place
    invitation  the agreement, the blob of the threshold key, all letters; its digest is the terms' ``modelDigest``

Source: DeepChain, section 4.2.4, ``commit_SK``: shares encrypted to their owners, with the round. Deviation: the paper
signs what is sealed; here whoever opens a letter checks the share against the key's v_i, which no stranger can meet
(``decode_share``), and the key against the root that the terms have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from pyml.chain.transactions import checked_address
from pyml.crypto.ecies import decrypt, encrypt
from pyml.crypto.secp256k1 import SigningKey, compressed
from pyml.crypto.threshold_key_codec import decode_key, decode_share, encode_key, encode_share, key_tree
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.records import Terms
from pyml.errors import InputError, IntegrityError
from pyml.store.blobs import BlobStore

ENROLMENT: Final = "pyml.deepchain.enrolment.v1"
INVITATION: Final = "pyml.deepchain.invitation.v1"
LETTER: Final = b"pyml.deepchain.letter.v1"
SIZE_LIMIT: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who wants to be a member."""

    account: str
    key: bytes
    """Public key of secp256k1, compressed."""

    def encode(self) -> bytes:
        """Canonical bytes."""
        return _canonical({"account": self.account, "format": ENROLMENT, "key": self.key.hex()})

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """From bytes of hostile origin."""
        raw = _read(content, ENROLMENT, {"account", "key"})
        try:
            return cls(checked_address(str(raw["account"])), compressed(bytes.fromhex(str(raw["key"]))))
        except ValueError as error:
            raise InputError("an enrolment's key is not hexadecimal") from error


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the terms' ``modelDigest`` stands for."""

    agreement: Agreement
    key: str
    """Blob of the threshold key."""
    letters: tuple[str, ...]
    """Blobs of the sealed shares, in the order of members."""

    def encode(self) -> bytes:
        """Canonical bytes."""
        agreed = self.agreement.encode().decode("ascii")
        return _canonical({"agreement": agreed, "format": INVITATION, "key": self.key, "letters": list(self.letters)})

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """From bytes of hostile origin."""
        raw = _read(content, INVITATION, {"agreement", "key", "letters"})
        letters = raw["letters"]
        if not isinstance(letters, list) or not 2 <= len(cast("list[Any]", letters)) <= 64:
            raise InputError("an invitation has 2 to 64 letters")
        agreement = Agreement.decode(str(raw["agreement"]).encode())
        return cls(agreement, str(raw["key"]), tuple(str(each) for each in cast("list[Any]", letters)))


def invite(
    blobs: BlobStore,
    agreement: Agreement,
    key: ThresholdKey,
    shares: Sequence[KeyShare],
    enrolments: Sequence[Enrolment],
) -> bytes:
    """Store key, letters and invitation; returns the invitation's digest. Share i goes to enrolment i - 1."""
    if len(shares) != key.parties or len(enrolments) != key.parties:
        raise InputError("each member needs a share", expected=key.parties, got=(len(shares), len(enrolments)))
    letters = [
        blobs.put(encrypt(member.key, encode_share(key, share), context=_place(key, share.index)))
        for share, member in zip(shares, enrolments, strict=True)
    ]
    invitation = Invitation(agreement, blobs.put(encode_key(key)), tuple(letters))
    return bytes.fromhex(blobs.put(invitation.encode()))


def read_invitation(blobs: BlobStore, terms: Terms, *, allow_insecure: bool) -> tuple[Invitation, ThresholdKey]:
    """The invitation and the key that terms stand for; errors if either is not the one that was agreed on."""
    invitation = Invitation.decode(blobs.get(terms.model_digest, max_bytes=SIZE_LIMIT))
    key = decode_key(blobs.get(invitation.key, max_bytes=SIZE_LIMIT), allow_insecure=allow_insecure)
    if key_tree(key).root != terms.key_root:
        raise IntegrityError("the invitation's key is not the one that the terms name", expected=terms.key_root.hex())
    if key.threshold != terms.threshold or len(invitation.letters) != key.parties:
        raise IntegrityError("threshold or number of members differ between key and terms")
    return invitation, key


def open_letter(blobs: BlobStore, invitation: Invitation, key: ThresholdKey, own: SigningKey, party: int) -> KeyShare:
    """The member's share; raises ``IntegrityError`` or ``InputError`` if the letter is not for it."""
    box = blobs.get(invitation.letters[party], max_bytes=SIZE_LIMIT)
    share = decode_share(key, decrypt(own, box, context=_place(key, party + 1)))
    if share.index != party + 1:
        raise IntegrityError("the letter holds another member's share", expected=party + 1, got=share.index)
    return share


def _place(key: ThresholdKey, index: int) -> bytes:
    return LETTER + key_tree(key).root + index.to_bytes(2, "big")


def _canonical(values: dict[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")


def _read(content: bytes, kind: str, names: set[str]) -> dict[str, Any]:
    try:
        raw: object = json.loads(content.decode("ascii")) if len(content) <= SIZE_LIMIT else None
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise InputError(f"these bytes are not a {kind}")
    values = cast("dict[str, Any]", raw)
    if values.get("format") != kind or set(values) != names | {"format"} or _canonical(values) != content:
        raise InputError(f"these bytes are not a {kind} in its canonical form")
    return values
