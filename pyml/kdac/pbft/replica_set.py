"""Who the replicas are, what their signatures are bound to, and how they sign.

Replicas are numbered in the order of their Ethereum addresses, so that a certificate in order of replicas is one in
order of signers, which a contract checks for duplicates by one comparison each.

    set     = keccak256(address_0 ‖ … ‖ address_{n-1}), 32 bytes each, left-padded
    network = keccak256("KDAC/v1/network" ‖ chain id u256 ‖ log contract, 32 bytes ‖ set)

The network is in every signed digest: nothing signed for one chain, contract or set counts for another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from pyml.crypto.secp256k1 import COMPRESSED_BYTES, RECOVERABLE_BYTES, SigningKey, recover, uncompressed
from pyml.errors import InputError
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.quorum import require_count

NETWORK_DOMAIN: Final = b"KDAC/v1/network"
ADDRESS_BYTES: Final = 20
NO_CONTRACT: Final = bytes(ADDRESS_BYTES)


class Authenticator(Protocol):
    """Signs as one replica and checks the signatures of all."""

    def sign(self, digest: bytes) -> bytes: ...

    def verify(self, sender: int, digest: bytes, signature: bytes) -> bool: ...


def address_of(public: bytes) -> bytes:
    """The Ethereum address of a public key: the last 20 bytes of keccak256(x ‖ y)."""
    return keccak256(uncompressed(public)[1:])[-ADDRESS_BYTES:]


@dataclass(frozen=True)
class ReplicaSet:
    """Public keys in the order of their addresses, and the chain and contract that blocks are anchored on, if any."""

    keys: tuple[bytes, ...]
    chain_id: int = 0
    log_address: bytes = NO_CONTRACT

    def __post_init__(self) -> None:
        require_count(len(self.keys))
        if any(len(key) != COMPRESSED_BYTES for key in self.keys):
            raise InputError("a replica's key is not compressed", expected=f"{COMPRESSED_BYTES} bytes")
        if list(self.addresses) != sorted(set(self.addresses)):
            raise InputError("replicas are not distinct, or not in the order of their addresses")
        if self.chain_id < 0 or len(self.log_address) != ADDRESS_BYTES:
            raise InputError("a network's chain or contract is out of range", got=self.chain_id)

    @classmethod
    def of(cls, keys: Iterable[bytes], *, chain_id: int = 0, log_address: bytes = NO_CONTRACT) -> ReplicaSet:
        """From keys in any order."""
        return cls(tuple(sorted(keys, key=address_of)), chain_id, log_address)

    @cached_property
    def addresses(self) -> tuple[bytes, ...]:
        return tuple(map(address_of, self.keys))

    @cached_property
    def network(self) -> bytes:
        members = keccak256(b"".join(address.rjust(32, b"\0") for address in self.addresses))
        place = self.chain_id.to_bytes(32, "big") + self.log_address.rjust(32, b"\0")
        return keccak256(NETWORK_DOMAIN + place + members)

    def index(self, public: bytes) -> int:
        """The number of the replica with this key; ``InputError`` if there is none."""
        try:
            return self.keys.index(public)
        except ValueError:
            raise InputError("this key is no replica's", got=public.hex()) from None

    def verify(self, sender: int, digest: bytes, signature: bytes) -> bool:
        """Whether replica ``sender`` signed the digest: r ‖ s ‖ v with low s, as a contract recovers it."""
        if not 0 <= sender < len(self.keys) or len(signature) != RECOVERABLE_BYTES or signature[-1] > 1:
            return False
        try:
            return recover(digest, signature) == self.keys[sender]
        except InputError:
            return False


@dataclass(frozen=True, slots=True)
class KeyAuthenticator:
    """One replica with its secp256k1 key."""

    replicas: ReplicaSet
    key: SigningKey

    def sign(self, digest: bytes) -> bytes:
        return self.key.sign_recoverable(digest)

    def verify(self, sender: int, digest: bytes, signature: bytes) -> bool:
        return self.replicas.verify(sender, digest, signature)
