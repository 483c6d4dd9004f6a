// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleTree} from "../shared/MerkleTree.sol";

/// @title One leaf of a `MerkleTree`
/// @notice What `MerkleTree.rootOf` computes for a row of one leaf, at a tenth of the gas: evidence shows a leaf of each
/// member, with ten hashes each.
/// @dev Nodes are hashed behind the free memory pointer, where nothing is kept. `MerkleTree` is the twin in plain Solidity.
library MerklePath {
    /// @notice The root above the leaf at `index` of `count`.
    function rootOf(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path)
        internal
        pure
        returns (bytes32 node)
    {
        if (index >= count) revert MerkleTree.LeavesOutOfRange(index, 1, count);
        node = leaf;
        uint256 used = 0;
        for (; count > 1; count = (count + 1) / 2) {
            bool isRight = index % 2 == 1;
            // A last one without a neighbour rises as it is.
            if (isRight || index + 1 < count) {
                if (used == path.length) revert MerkleTree.PathTooShort(path.length);
                bytes32 other = path[used++];
                node = isRight ? _nodeOf(other, node) : _nodeOf(node, other);
            }
            index /= 2;
        }
        if (used != path.length) revert MerkleTree.PathTooLong(used, path.length);
    }

    function _nodeOf(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        // Writes 65 bytes behind the free memory pointer, and reads them at once.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore8(at, 1)
            mstore(add(at, 1), left)
            mstore(add(at, 33), right)
            node := keccak256(at, 65)
        }
    }
}
