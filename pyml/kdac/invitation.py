"""How two people become friends: an invitation that travels by other means, then three sealed messages.

Source: paper, section III-D, steps 1 and 2; specification, section 1.2. A invites, B is the guest.

    A: invitation    K_A, a random token, relays, expiry; signed by k_A. Text; whoever has it can answer it, once.
    B → A            K_B, ECIES(K_A, x_B), ephemeral key; signed by k_B over the invitation
    A → B            ECIES(K_B, x_A), ephemeral key, HMAC_x; signed by k_A over both
    B → A            HMAC_x over everything

Both signatures are also proofs of possession. After the exchange x_0 = combine(x_A, x_B) is replaced at once by x_1,
which takes the ephemeral keys in, so that stealing k_A and k_B later opens nothing. The three messages travel through
the relay as session messages do, under keys that token and moment give (``rendezvous.py``).

The invitation says that K_A sent it. Who answers is known by the token only: compare ``safety_number`` by voice when
the way that the invitation took was not private.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any, Final, cast

import cbor2

from pyml.crypto import ecies
from pyml.crypto.scalars import is_compressed, public_of
from pyml.crypto.secp256k1 import SigningKey, recover
from pyml.errors import InputError, IntegrityError
from pyml.kdac.derivation import SEED_BYTES
from pyml.kdac.seed import combine, confirmation, next_seed

TOKEN_BYTES: Final = 32
MAX_INVITATION_BYTES: Final = 2048
MAX_RELAYS: Final = 8
_PREFIX: Final = "kdac1-"
_INVITE: Final = b"KDAC/v1/invitation"
_ACCEPT: Final = b"KDAC/v1/accept"
_REPLY: Final = b"KDAC/v1/reply"
_CONFIRM: Final = b"KDAC/v1/established"


@dataclass(frozen=True, slots=True, repr=False)
class Invitation:
    """What A gives to B. ``expires`` is in Unix seconds."""

    inviter: bytes
    token: bytes
    relays: tuple[str, ...]
    expires: int
    signature: bytes

    @classmethod
    def make(cls, key: SigningKey, relays: tuple[str, ...], expires: int) -> Invitation:
        """A new one, for one guest."""
        token = token_bytes(TOKEN_BYTES)
        return cls(key.public, token, relays, expires, key.sign_recoverable(_invited(token, relays, expires)))

    @property
    def text(self) -> str:
        """One word that can be mailed, printed or shown as a code."""
        fields = [self.inviter, self.token, list(self.relays), self.expires, self.signature]
        return _PREFIX + base64.urlsafe_b64encode(cbor2.dumps(fields)).decode("ascii").rstrip("=")

    @property
    def digest(self) -> bytes:
        """Names the invitation in what answers it."""
        return _invited(self.token, self.relays, self.expires)

    def require_fresh(self, now_s: float) -> None:
        """Raises ``InputError`` once it has expired."""
        if now_s >= self.expires:
            raise InputError("the invitation has expired", hint="Ask for a new one.")


def read_invitation(text: str) -> Invitation:
    """Untrusted text; ``InputError`` unless it is an invitation signed by the key that it names."""
    problem = InputError("this is not an invitation", expected=f"a word that begins with {_PREFIX}")
    word = text.strip()
    if not word.startswith(_PREFIX) or len(word) > MAX_INVITATION_BYTES or not word.isascii():
        raise problem
    try:
        content = word.removeprefix(_PREFIX)
        fields: object = cbor2.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        inviter, token, relays, expires, signature = cast("list[Any]", fields)
        shaped = (
            [type(value) for value in (inviter, token, relays, expires, signature)] == [bytes, bytes, list, int, bytes]
            and len(token) == TOKEN_BYTES
            and len(relays) <= MAX_RELAYS
            and all(isinstance(url, str) for url in relays)
        )
        if not shaped:
            raise problem
        made = Invitation(inviter, token, tuple(relays), expires, signature)
        sound = made.text == word and recover(made.digest, made.signature) == made.inviter
    except (binascii.Error, cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError, InputError):
        raise problem from None
    if not sound:
        raise InputError("the invitation has been altered", hint="Ask for it again.")
    return made


@dataclass(frozen=True, slots=True, repr=False)
class Established:
    """What both have in the end: the friend's key and the first epoch's seed."""

    friend: bytes
    seed: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Guest:
    """B's side between its acceptance and A's reply; secret."""

    invitation: Invitation
    share: bytes
    ephemeral: bytes
    acceptance: bytes

    @classmethod
    def accept(cls, key: SigningKey, invitation: Invitation) -> Guest:
        """Answer an invitation; ``acceptance`` goes to A."""
        if key.public == invitation.inviter:
            raise InputError("the invitation is your own", hint="Give it to a friend.")
        share, ephemeral = token_bytes(SEED_BYTES), SigningKey.random().reveal
        box = ecies.encrypt(invitation.inviter, share, context=_ACCEPT + invitation.digest + key.public)
        body = [key.public, box, public_of(ephemeral)]
        signature = key.sign_recoverable(_digest(_ACCEPT, invitation.digest, cbor2.dumps(body)))
        return cls(invitation, share, ephemeral, cbor2.dumps([*body, signature]))

    def finish(self, key: SigningKey, reply: bytes) -> tuple[Established, bytes]:
        """Check A's reply; the friendship, and the confirmation that goes to A."""
        box, ephemeral, proof, signature = _fields(reply, 4)
        inviter, transcript = self.invitation.inviter, _digest(_REPLY, self.invitation.digest, self.acceptance)
        body = cbor2.dumps([box, ephemeral, proof])
        if not _is_signed(_digest(_REPLY, transcript, body), signature, inviter):
            raise IntegrityError("the reply to an acceptance is not the inviter's")
        share = ecies.decrypt(key, box, context=_REPLY + transcript)
        zeroth = combine((inviter, share), (key.public, self.share))
        seed = next_seed(zeroth, 1, self.ephemeral, ephemeral)
        if not hmac.compare_digest(proof, confirmation(seed, inviter, transcript)):
            raise IntegrityError("the inviter has another seed")
        return Established(inviter, seed), confirmation(seed, key.public, _digest(_CONFIRM, transcript, reply))


@dataclass(frozen=True, slots=True, repr=False)
class Host:
    """A's side between its reply and B's confirmation; secret."""

    established: Established
    reply: bytes
    transcript: bytes

    @classmethod
    def answer(cls, key: SigningKey, invitation: Invitation, acceptance: bytes) -> Host:
        """Check B's acceptance; ``reply`` goes to B."""
        guest, box, ephemeral, signature = _fields(acceptance, 4)
        body = cbor2.dumps([guest, box, ephemeral])
        if guest == key.public or not _is_signed(_digest(_ACCEPT, invitation.digest, body), signature, guest):
            raise IntegrityError("an acceptance is not signed by the key that it names")
        theirs = ecies.decrypt(key, box, context=_ACCEPT + invitation.digest + guest)
        share, own = token_bytes(SEED_BYTES), SigningKey.random().reveal
        transcript = _digest(_REPLY, invitation.digest, acceptance)
        seed = next_seed(combine((key.public, share), (guest, theirs)), 1, own, ephemeral)
        sealed = ecies.encrypt(guest, share, context=_REPLY + transcript)
        fields = [sealed, public_of(own), confirmation(seed, key.public, transcript)]
        signature = key.sign_recoverable(_digest(_REPLY, transcript, cbor2.dumps(fields)))
        reply = cbor2.dumps([*fields, signature])
        return cls(Established(guest, seed), reply, _digest(_CONFIRM, transcript, reply))

    def confirm(self, proof: bytes) -> Established:
        """Check B's confirmation: now both are known to have the seed."""
        expected = confirmation(self.established.seed, self.established.friend, self.transcript)
        if not hmac.compare_digest(proof, expected):
            raise IntegrityError("the guest has another seed")
        return self.established


def safety_number(one: bytes, other: bytes) -> str:
    """Thirty digits that two friends compare by voice: the same on both sides, another for any other pair of keys."""
    number = int.from_bytes(hashlib.sha256(b"KDAC/v1/safety" + b"".join(sorted((one, other)))).digest(), "big")
    digits = f"{number % 10**30:030d}"
    return " ".join(digits[start : start + 5] for start in range(0, 30, 5))


def _invited(token: bytes, relays: tuple[str, ...], expires: int) -> bytes:
    return _digest(_INVITE, token, cbor2.dumps([list(relays), expires]))


def _digest(label: bytes, first: bytes, second: bytes) -> bytes:
    return hashlib.sha256(label + hashlib.sha256(first).digest() + hashlib.sha256(second).digest()).digest()


def _is_signed(digest: bytes, signature: bytes, public: bytes) -> bool:
    try:
        return recover(digest, signature) == public
    except InputError:
        return False


def _fields(content: bytes, count: int) -> list[bytes]:
    """Byte strings of a message from somebody who is no friend yet."""
    try:
        fields: object = cbor2.loads(content)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError):
        fields = None
    rows = cast("list[object]", fields) if isinstance(fields, list) else []
    found = [row for row in rows if isinstance(row, bytes)]
    if len(rows) != count or len(found) != count:
        raise IntegrityError("a message of an invitation is malformed")
    if not any(is_compressed(row) for row in found):
        raise IntegrityError("a message of an invitation names no key")
    return found
