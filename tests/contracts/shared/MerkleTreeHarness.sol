// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";

/// @notice The library's functions for callers from outside; tests/freezenet/test_merkle.py calls them too.
contract MerkleTreeHarness {
    function rootOf(bytes[] calldata leaves, uint256 first, uint256 count, bytes32[] calldata path)
        external
        pure
        returns (bytes32)
    {
        bytes32[] memory hashes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            hashes[i] = MerkleTree.leafOf(leaves[i]);
        }
        return MerkleTree.rootOf(hashes, first, count, path);
    }

    function leafOf(bytes calldata content) external pure returns (bytes32) {
        return MerkleTree.leafOf(content);
    }

    function leafOfWord(uint256 word) external pure returns (bytes32) {
        return MerkleTree.leafOf(word);
    }

    function nodeOf(bytes32 left, bytes32 right) external pure returns (bytes32) {
        return MerkleTree.nodeOf(left, right);
    }
}
