// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Merkle trees of a known number of leaves
/// @notice The tree of RFC 6962 (Certificate Transparency), section 2.1, with keccak256 for SHA-256:
///
///     leaf  keccak256(0x00 ‖ content)
///     node  keccak256(0x01 ‖ left ‖ right)
///
/// so that no node passes for a leaf. On each level neighbours are hashed in pairs; a last one without a neighbour
/// rises as it is. Nothing is padded, and the number of leaves says at which levels one is missing.
/// @dev Several leaves in a row share a path: on each level what stands left of them, if their first is a right child,
/// and what stands right of them, if their last is a left child and not the level's last. OpenZeppelin's `MerkleProof`
/// sorts pairs, so that a path proves no index, and hashes leaves as nodes. `pyml.crypto.merkle` is the twin.
library MerkleTree {
    /// @notice A row of `length` leaves from `first` does not lie in a tree of `count`.
    error LeavesOutOfRange(uint256 first, uint256 length, uint256 count);
    /// @notice The path has fewer hashes than the leaves need.
    error PathTooShort(uint256 length);
    /// @notice The path has more hashes than the leaves need.
    error PathTooLong(uint256 expected, uint256 length);

    /// @notice The hash of a leaf.
    function leafOf(bytes memory content) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", content));
    }

    /// @notice The hash of a leaf of 32 bytes.
    function leafOf(uint256 word) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", bytes32(word)));
    }

    /// @notice The hash of a node.
    function nodeOf(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", left, right));
    }

    /// @notice The root above leaves `first`, `first` + 1, … of a tree of `count` leaves.
    /// @param hashes of these leaves; overwritten.
    /// @param path what else is needed, from below, on each level left before right.
    function rootOf(bytes32[] memory hashes, uint256 first, uint256 count, bytes32[] memory path)
        internal
        pure
        returns (bytes32)
    {
        uint256 length = hashes.length;
        if (length == 0 || first >= count || length > count - first) revert LeavesOutOfRange(first, length, count);
        uint256 used = 0;
        for (; count > 1; count = (count + 1) / 2) {
            (length, used) = _rise(hashes, length, first, count, path, used);
            first /= 2;
        }
        if (used != path.length) revert PathTooLong(used, path.length);
        return hashes[0];
    }

    /// @notice The root above one leaf.
    function rootOf(bytes32 hash, uint256 leaf, uint256 count, bytes32[] memory path) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = hash;
        return rootOf(hashes, leaf, count, path);
    }

    /// @dev One level up: the parents of `hashes` take their places. Each is written behind what was read.
    function _rise(
        bytes32[] memory hashes,
        uint256 length,
        uint256 first,
        uint256 count,
        bytes32[] memory path,
        uint256 used
    ) private pure returns (uint256 parents, uint256) {
        uint256 i = 0;
        if (first % 2 == 1) hashes[parents++] = nodeOf(_next(path, used++), hashes[i++]);
        for (; i + 1 < length; i += 2) {
            hashes[parents++] = nodeOf(hashes[i], hashes[i + 1]);
        }
        if (i < length) {
            bool alone = first + i + 1 == count;
            hashes[parents++] = alone ? hashes[i] : nodeOf(hashes[i], _next(path, used++));
        }
        return (parents, used);
    }

    function _next(bytes32[] memory path, uint256 used) private pure returns (bytes32) {
        if (used == path.length) revert PathTooShort(path.length);
        return path[used];
    }
}
