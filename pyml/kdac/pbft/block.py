"""Blocks: what replicas agree on. The digest is over the header, which a contract can hash again.

digest = keccak256("KDAC/v1/block" ‖ height u64 ‖ parent ‖ root ‖ count u32)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyml.errors import InputError
from pyml.kdac.ordering import MAX_BLOCK_BYTES, MAX_PAYLOAD_BYTES
from pyml.kdac.pbft import merkle
from pyml.kdac.pbft.keccak import ZERO, keccak256

DOMAIN: Final = b"KDAC/v1/block"
GENESIS: Final = ZERO
"""Parent of the block of height 1."""
MAX_PAYLOADS: Final = 4096
_FIELDS: Final = struct.Struct(">Q32s32sI")


@dataclass(frozen=True, slots=True)
class Header:
    """What a certificate signs, by digest."""

    height: int
    parent: bytes
    root: bytes
    count: int

    @property
    def digest(self) -> bytes:
        return keccak256(DOMAIN + _FIELDS.pack(self.height, self.parent, self.root, self.count))


@dataclass(frozen=True)
class Block:
    """A header and the payloads under its root; built, it is consistent and within its limits."""

    height: int
    parent: bytes
    payloads: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.height < 2**63 or len(self.parent) != len(ZERO) or len(self.payloads) > MAX_PAYLOADS:
            raise InputError("a block is out of range", got=f"height {self.height}, {len(self.payloads)} payloads")
        if not all(1 <= len(payload) <= MAX_PAYLOAD_BYTES for payload in self.payloads) or self.size > MAX_BLOCK_BYTES:
            raise InputError("a block's payloads are too long or empty", got=f"{self.size} bytes")
        if len(set(self.leaves)) != len(self.leaves):
            raise InputError("a block has the same payload twice")

    @property
    def size(self) -> int:
        return sum(map(len, self.payloads))

    @cached_property
    def leaves(self) -> tuple[bytes, ...]:
        return tuple(map(merkle.leaf, self.payloads))

    @cached_property
    def header(self) -> Header:
        return Header(self.height, self.parent, merkle.root(self.leaves), len(self.payloads))

    @cached_property
    def digest(self) -> bytes:
        return self.header.digest
