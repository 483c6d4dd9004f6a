"""Epochs: seeds that replace each other, so that an old one can be erased and opens nothing any more.

Source: specification, section 1.6 (an addition; the paper uses one seed for ever). The state of one side:

    sending      epoch s in which it sends; the friend is known to have its seed
    seeds        x_s, x_(s+1) if known, and x_(s-1) until the friend has sent in s

A message of epoch s may carry an ephemeral key offered for s+1, and says whether its sender is ready to receive in s+1.
Whoever has the friend's offer and its own knows x_(s+1); whoever knows that the friend does, sends in it. No message
waits for an answer, none is lost because another was, and at most three seeds exist at a time. Nobody has to move: a
side that has too much on its way (``places.py``) stays in its epoch, and its friend keeps that seed. A new epoch is
offered once the present one is a slot old or has carried ``EPOCH_MESSAGES``, and every offer is answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyml.crypto.scalars import public_of
from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac.seed import next_seed

EPOCH_MESSAGES: Final = 32


@dataclass(slots=True, repr=False)
class Ratchet:
    """One side's seeds; changed by what is sent and received."""

    seeds: dict[int, bytes]
    sending: int = 1
    first_slots: dict[int, int] = field(default_factory=dict[int, int])
    """Slot in which each epoch became known: no message of it is older."""
    carried: int = 0
    offer: bytes | None = None
    """Own ephemeral public key for the epoch after ``sending``."""
    offer_secret: bytes | None = None
    """Its private key, until the seed is made."""

    @property
    def newest(self) -> int:
        """The last epoch whose seed is known."""
        return max(self.seeds)

    @property
    def ready(self) -> bool:
        """Whether the epoch after ``sending`` can be received."""
        return self.newest > self.sending

    def on_send(self, slot: int) -> bytes | None:
        """The offer that the next message carries, if any."""
        self.carried += 1
        old = slot > self.first_slots.get(self.sending, slot)
        if self.offer is None and (old or self.carried > EPOCH_MESSAGES):
            self._make_offer()
        return self.offer

    def on_receive(self, epoch: int, offer: bytes | None, slot: int, *, ready: bool, may_end: bool) -> list[int]:
        """Learn from an authentic message of ``epoch``; the epochs that the friend will not send in any more."""
        if epoch < self.sending or (epoch > self.sending and not may_end):
            return []  # what a message of a later epoch says, all that follow say until they are answered
        if epoch > self.sending:
            self._advance()
        self.carried += 1
        if offer is not None and self.newest == epoch:
            self._answer(epoch + 1, offer, slot)
        if may_end and ready and self.ready and epoch == self.sending:
            self._advance()
        return [old for old in self.seeds if old < epoch]

    def retire(self, epoch: int) -> None:
        """Erase a seed."""
        del self.seeds[epoch]
        self.first_slots.pop(epoch, None)

    def _answer(self, epoch: int, offer: bytes, slot: int) -> None:
        if self.offer is None:
            self._make_offer()
        secret = self.offer_secret
        if secret is not None:
            self.seeds[epoch] = next_seed(self.seeds[epoch - 1], epoch, secret, offer)
            self.first_slots[epoch] = slot
            self.offer_secret = None

    def _make_offer(self) -> None:
        self.offer_secret = SigningKey.random().reveal
        self.offer = public_of(self.offer_secret)

    def _advance(self) -> None:
        self.sending += 1
        self.carried = 0
        self.offer = self.offer_secret = None
