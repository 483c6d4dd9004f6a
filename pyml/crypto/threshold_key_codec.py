"""A threshold key and its shares as bytes: what a group agrees on, and what a keystore file holds.

    key     "pyml.threshold-key.v1\\n" ‖ flags ‖ bits of n ‖ t ‖ N ‖ bits of r ‖ n ‖ h ‖ v ‖ v_1 … v_N
    share   "pyml.key-share.v1\\n" ‖ root of the key ‖ i ‖ s_i

Flags is one byte (1: insecure), the four counts are two bytes each, h has the width of n², the rest that of n. The root
of a key is that of the Merkle tree over n², n, 1+n, h, v, v_1 … v_N, each in the width of n²: a contract that knows it
can be shown any of them (docs/deepchain-disputes.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pyml.crypto.big_integers import power
from pyml.crypto.merkle import MerkleTree
from pyml.crypto.paillier import BITS, INSECURE_BITS, PublicKey
from pyml.crypto.threshold_paillier import MAX_PARTIES, KeyShare, ThresholdKey
from pyml.errors import InputError

_KEY_MARK: Final = b"pyml.threshold-key.v1\n"
_SHARE_MARK: Final = b"pyml.key-share.v1\n"
_ROOT_BYTES: Final = 32
N_SQUARED_PLACE, N_PLACE, ONE_PLUS_N_PLACE, H_PLACE, V_PLACE = range(5)
"""Places of the tree's leaves; v_i follows at V_PLACE + i."""


@lru_cache(maxsize=16)
def key_tree(key: ThresholdKey) -> MerkleTree:
    """The tree over all numbers of a key."""
    n = int(key.public.n)
    numbers = (n * n, n, n + 1, key.public.h, key.v, *key.verification)
    return MerkleTree.of([key.public.residue(number) for number in numbers])


def encode_key(key: ThresholdKey) -> bytes:
    """The key as bytes; equal keys give equal bytes."""
    public = key.public
    counts = (public.n.bit_length(), key.threshold, key.parties, public.exponent_bits)
    head = _KEY_MARK + bytes([public.insecure]) + b"".join(count.to_bytes(2, "big") for count in counts)
    numbers = (public.n, key.v, *key.verification)
    narrow = [int(number).to_bytes(public.width, "big") for number in numbers]
    return head + narrow[0] + public.residue(public.h) + b"".join(narrow[1:])


def decode_key(data: bytes, *, allow_insecure: bool = False) -> ThresholdKey:
    """Read hostile bytes; ``InputError`` unless they are a key, and a secure one if not ``allow_insecure``."""
    head = len(_KEY_MARK) + 9
    if not data.startswith(_KEY_MARK) or len(data) < head or data[len(_KEY_MARK)] > 1:
        raise InputError("not a threshold key", expected="bytes that begin with pyml.threshold-key.v1")
    insecure = bool(data[len(_KEY_MARK)])
    if insecure and not allow_insecure:
        raise InputError("the key is marked insecure", hint="It is for tests; allow it on purpose, or get another.")
    bits, threshold, parties, exponent_bits = (
        int.from_bytes(data[place : place + 2], "big") for place in range(head - 8, head, 2)
    )
    if bits not in (INSECURE_BITS if insecure else BITS) or parties > MAX_PARTIES:
        raise InputError("a threshold key is out of range", got=f"{bits} bits, {parties} parties")
    width = bits // 8
    if len(data) != head + width * (4 + parties):
        raise InputError("a threshold key has the wrong size", expected=head + width * (4 + parties), got=len(data))
    numbers = [int.from_bytes(data[place : place + width], "big") for place in range(head, len(data), width)]
    h = numbers[1] << (8 * width) | numbers[2]
    return ThresholdKey(PublicKey(numbers[0], h, exponent_bits, insecure), threshold, numbers[3], tuple(numbers[4:]))


def encode_share(key: ThresholdKey, share: KeyShare) -> bytes:
    """The secret share as bytes, for a keystore and nothing else."""
    root = key_tree(key).root
    return _SHARE_MARK + root + share.index.to_bytes(2, "big") + share.value.to_bytes(key.public.width, "big")


def decode_share(key: ThresholdKey, data: bytes) -> KeyShare:
    """Read a share of this key; ``InputError`` if it is of another key, or does not fit its verification key."""
    head = len(_SHARE_MARK) + _ROOT_BYTES + 2
    if not data.startswith(_SHARE_MARK) or len(data) != head + key.public.width:
        raise InputError("not a key share of this size of key")
    if data[len(_SHARE_MARK) : head - 2] != key_tree(key).root:
        raise InputError("a key share belongs to another key")
    share = KeyShare(int.from_bytes(data[head - 2 : head], "big"), int.from_bytes(data[head:], "big"))
    if not owns(key, share):
        raise InputError("a key share does not fit its verification key", hint="The file is not what the dealer dealt.")
    return share


def owns(key: ThresholdKey, share: KeyShare) -> bool:
    """Whether a share is the one that the key's v_i stands for."""
    if not 1 <= share.index <= key.parties:
        return False
    return power(key.v, key.delta * share.value, key.public.n) == key.verification[share.index - 1]
