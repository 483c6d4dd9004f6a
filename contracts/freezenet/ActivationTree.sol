// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IntegerInference} from "./IntegerInference.sol";

/// @title What a layer puts out for one sample, as leaves of a `MerkleTree`
/// @notice A leaf holds 32 channels at one place of the image that the next layer reads, so that what one step of a
/// sum multiplies lies in one leaf. Leaf (row * width + column) * groups + group has channels 32 * group and up, byte i
/// the channel i of them; bytes beyond the last channel are zero. A dense layer reads an image of one place, whose
/// channels are all values in their order.
///
/// Trees are opened a few levels at a time: node i of level l lies above leaves i * 2^l to (i + 1) * 2^l - 1.
/// @dev `next` is always the layer that reads the values. `pyml.freezenet.activations` is the twin.
library ActivationTree {
    /// @notice Values of a leaf.
    uint256 internal constant LANES = 32;
    /// @notice Levels that are opened at once: 64 hashes.
    uint256 internal constant SPAN = 6;

    /// @notice Leaves at one place of the image.
    function groupsOf(IntegerInference.Layer memory next) internal pure returns (uint256) {
        return (uint256(next.channels) + LANES - 1) / LANES;
    }

    /// @notice Leaves of the tree.
    function leavesOf(IntegerInference.Layer memory next) internal pure returns (uint256) {
        // Sizes are 16 bits wide, and a leaf's group lies below the last channel.
        unchecked {
            return uint256(next.height) * next.width * groupsOf(next);
        }
    }

    /// @notice The leaf that holds a group of channels at a place.
    function leafAt(IntegerInference.Layer memory next, uint256 row, uint256 column, uint256 group)
        internal
        pure
        returns (uint256)
    {
        // Sizes are 16 bits wide, and a leaf's group lies below the last channel.
        unchecked {
            return (row * next.width + column) * groupsOf(next) + group;
        }
    }

    /// @notice How many of a leaf's bytes are values.
    function lanesOf(IntegerInference.Layer memory next, uint256 leaf) internal pure returns (uint256) {
        // Sizes are 16 bits wide, and a leaf's group lies below the last channel.
        unchecked {
            uint256 rest = next.channels - leaf % groupsOf(next) * LANES;
            return rest < LANES ? rest : LANES;
        }
    }

    /// @notice The flat index, by channel, row and column, of the value in byte `lane` of a leaf.
    function indexOf(IntegerInference.Layer memory next, uint256 leaf, uint256 lane) internal pure returns (uint256) {
        // Sizes are 16 bits wide, and a leaf's group lies below the last channel.
        unchecked {
            uint256 groups = groupsOf(next);
            return (leaf % groups * LANES + lane) * next.height * next.width + leaf / groups;
        }
    }

    /// @notice Levels above the leaves: the root is node 0 of the highest.
    function heightOf(uint256 leaves) internal pure returns (uint256 height) {
        for (uint256 count = leaves; count > 1; count = (count + 1) / 2) {
            ++height;
        }
    }

    /// @notice Levels that a node is opened by.
    function spanOf(uint256 level) internal pure returns (uint256) {
        return level < SPAN ? level : SPAN;
    }

    /// @notice How many nodes a node is opened to.
    function childrenOf(uint256 leaves, uint256 level, uint256 node) internal pure returns (uint256) {
        // A node of a tree lies above one leaf at least, and trees have at most 2^16. Two to the span is meant.
        unchecked {
            uint256 span = spanOf(level);
            uint256 count = ((leaves - 1) >> (level - span)) + 1;
            uint256 first = node << span;
            // forge-lint: disable-next-line(incorrect-shift)
            uint256 most = 1 << span;
            return count - first < most ? count - first : most;
        }
    }
}
