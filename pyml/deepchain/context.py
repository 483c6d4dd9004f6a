"""What a proof is made for: a place on a chain, in a session, in a round. A proof for one context is none for another.

    contextDigest = keccak256(abi.encode(CONTEXT, chainId, contract, session, round, party, index, seed))

Deviation from DeepChain, section 4.2.4, whose proofs hash their statement only and so can be sent again by anyone, in
any round. ``seed`` is a value that nobody knew before the members of the last aggregate were fixed; section 3 of
docs/deepchain-proofs.md says what that is good for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pyml.crypto.challenges import domain, seed_of, word
from pyml.errors import InputError

DOMAIN: Final = domain("pyml.deepchain.context.v1")

_ADDRESS_BYTES: Final = 20
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Context:
    """Where a proof counts; ``digest`` is what it hashes."""

    chain_id: int
    contract: bytes
    """20 bytes: the contract that holds the session."""
    session: bytes
    """32 bytes: the group's number on that contract."""
    round: int
    party: bytes
    """20 bytes: the account of whoever proves."""
    seed: bytes
    """32 bytes: the round's."""
    index: int = 0
    """Place of the vector's first element in the update."""

    def __post_init__(self) -> None:
        if len(self.contract) != _ADDRESS_BYTES or len(self.party) != _ADDRESS_BYTES:
            raise InputError("an address in a proof's context has the wrong length", expected=f"{_ADDRESS_BYTES} bytes")
        if len(self.session) != _HASH_BYTES or len(self.seed) != _HASH_BYTES:
            raise InputError("a session or seed has the wrong length", expected=f"{_HASH_BYTES} bytes")
        if not all(0 <= number < 1 << 256 for number in (self.chain_id, self.round, self.index)):
            raise InputError("a number in a proof's context is out of range", expected="0 to 2^256 - 1")

    @property
    def digest(self) -> bytes:
        """The hash that stands for all of it."""
        padding = bytes(_HASH_BYTES - _ADDRESS_BYTES)
        return seed_of(
            DOMAIN,
            word(self.chain_id),
            padding + self.contract,
            self.session,
            word(self.round),
            padding + self.party,
            word(self.index),
            self.seed,
        )

    def of_party(self, party: bytes) -> Context:
        """The same place for another party."""
        return replace(self, party=party)
