"""Invitations on their way to a friendship: which of the three sealed messages is expected, and what answers it.

Pure steps over records of the client's store; ``mailbox.py`` calls them. Secrets of an exchange are erased with its
record when it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac import rendezvous
from pyml.kdac.expected import RETENTION_SLOTS
from pyml.kdac.invitation import Established, Guest, Host, Invitation, read_invitation
from pyml.kdac.message import Message


@dataclass(slots=True, repr=False)
class Introduction:
    """One side of an exchange. ``name`` is what the friend will be called here."""

    invitation: Invitation
    name: str
    since: int
    """Slot in which it began."""
    guest: Guest | None = None
    host: Host | None = None

    @property
    def expects(self) -> int:
        """The step that the other side sends next."""
        if self.guest is not None:
            return rendezvous.REPLY
        return rendezvous.ACCEPTANCE if self.host is None else rendezvous.CONFIRMATION

    def addresses(self, key: SigningKey, now: int) -> Iterator[tuple[int, bytes]]:
        """Slot and private key of each address at which the next step may come."""
        for slot in range(max(self.since - 1, now - RETENTION_SLOTS), now + 2):
            yield slot, rendezvous.address(self.invitation, self.expects, key, slot)

    def advance(
        self, key: SigningKey, address: bytes, message: Message
    ) -> tuple[Established | None, tuple[int, bytes, bytes] | None]:
        """Take the step that was expected: the friendship if it is one now, and (step, receiver, body) to send."""
        body = rendezvous.unseal(address, message)
        if self.guest is not None:
            established, proof = self.guest.finish(key, body)
            return established, (rendezvous.CONFIRMATION, established.friend, proof)
        if self.host is None:
            self.host = Host.answer(key, self.invitation, body)
            return None, (rendezvous.REPLY, self.host.established.friend, self.host.reply)
        return self.host.confirm(body), None

    def record(self) -> list[object]:
        """For the store."""
        guest, host = self.guest, self.host
        return [
            self.invitation.text,
            self.name,
            self.since,
            None if guest is None else [guest.share, guest.ephemeral, guest.acceptance],
            None if host is None else [host.established.friend, host.established.seed, host.reply, host.transcript],
        ]

    @classmethod
    def from_record(cls, fields: object) -> Introduction:
        """From the store, which has authenticated it."""
        text, name, since, guest, host = cast("list[Any]", fields)
        invitation = read_invitation(text)
        return cls(
            invitation,
            name,
            since,
            None if guest is None else Guest(invitation, *guest),
            None if host is None else Host(Established(host[0], host[1]), host[2], host[3]),
        )
