// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {MerklePath} from "./MerklePath.sol";

/// @title Numbers under Merkle roots
/// @notice A vector is a `MerkleTree` of residues, each big-endian in 2·width bytes, width being the bytes of n. Which
/// trees there are says docs/deepchain-disputes.md.
library Vectors {
    /// @notice An element and its place.
    /// @param content 2·width bytes.
    /// @param path to the root.
    struct Element {
        bytes content;
        bytes32[] path;
    }

    /// @notice Leaf of n² in the key's tree.
    uint256 internal constant N_SQUARED = 0;
    /// @notice Leaf of n in the key's tree.
    uint256 internal constant N = 1;
    /// @notice Leaf of 1 + n in the key's tree.
    uint256 internal constant ONE_PLUS_N = 2;
    /// @notice Leaf of h in the key's tree.
    uint256 internal constant H = 3;
    /// @notice Leaf of v in the key's tree; v_i is i leaves further.
    uint256 internal constant V = 4;

    /// @notice An element has the wrong length.
    error LengthMismatch(uint256 expected, uint256 actual);
    /// @notice An element does not lead to the root that was posted.
    error RootMismatch(bytes32 expected, bytes32 actual);

    /// @notice Reverts unless the element is the one at `index` of `count`.
    function requireElement(Element memory element, uint256 index, uint256 count, bytes32 root, uint256 width)
        internal
        pure
    {
        requireLength(element.content, 2 * width);
        requireRoot(MerklePath.rootOf(MerkleTree.leafOf(element.content), index, count, element.path), root);
    }

    /// @notice Reverts unless the element is the key's at `index`, for `parties` members.
    function requireKey(Element memory element, uint256 index, uint256 parties, bytes32 keyRoot, uint256 width)
        internal
        pure
    {
        requireElement(element, index, V + 1 + parties, keyRoot, width);
    }

    /// @notice Reverts unless the bytes are that many.
    function requireLength(bytes memory content, uint256 expected) internal pure {
        if (content.length != expected) revert LengthMismatch(expected, content.length);
    }

    /// @notice Reverts unless the roots are the same.
    function requireRoot(bytes32 actual, bytes32 expected) internal pure {
        if (actual != expected) revert RootMismatch(expected, actual);
    }
}
