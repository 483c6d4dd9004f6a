"""The Merkle tree of ``pyml.crypto.merkle``, under the name by which freezenet knows it."""

from __future__ import annotations

from pyml.crypto.merkle import HASH_BYTES, MerkleTree, leaf_hash, node_hash, root_of

__all__ = ["HASH_BYTES", "MerkleTree", "leaf_hash", "node_hash", "root_of"]
