// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Architecture} from "./Architecture.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title Where the numbers of a solution lie under its two roots
/// @notice Under `freeRoot`: words of 32 free weights, kernel by kernel in the order of its permutation, one kernel
/// going on in the word in which the last ended. Under `numbersRoot`: layer by layer a leaf for each channel's
/// multiplier and bias, and behind all of them the words of the last layer's weights.
/// @dev `pyml.freezenet.solution` is the twin.
library SolutionLeaves {
    uint256 private constant CODES = 32;

    /// @notice Free weights of the kernels before `tensor`; of all of them for the last layer's number.
    function freeBefore(IntegerInference.Layer[] memory layers, uint256 fractionPpm, uint256 tensor)
        internal
        pure
        returns (uint256 free)
    {
        for (uint256 i = 0; i < tensor; ++i) {
            free += Architecture.kernelSize(layers[i]) - Architecture.kernelShare(layers[i], fractionPpm);
        }
    }

    /// @notice Leaves under `freeRoot`.
    function freeLeaves(IntegerInference.Layer[] memory layers, uint256 fractionPpm) internal pure returns (uint256) {
        return (freeBefore(layers, fractionPpm, layers.length - 1) + CODES - 1) / CODES;
    }

    /// @notice The leaf of a channel's multiplier and bias; behind all channels, for the number of layers.
    function affineLeaf(IntegerInference.Layer[] memory layers, uint256 layer, uint256 channel)
        internal
        pure
        returns (uint256 leaf)
    {
        for (uint256 i = 0; i < layer; ++i) {
            leaf += layers[i].outputs;
        }
        leaf += channel;
    }

    /// @notice The leaf with the word of the last layer that holds weight `input` of a neuron.
    function lastLeaf(IntegerInference.Layer[] memory layers, uint256 neuron, uint256 input)
        internal
        pure
        returns (uint256)
    {
        uint256 words = IntegerInference.geometryOf(layers[layers.length - 1]).words;
        return affineLeaf(layers, layers.length, 0) + neuron * words + input / CODES;
    }

    /// @notice Leaves under `numbersRoot`.
    function numberLeaves(IntegerInference.Layer[] memory layers) internal pure returns (uint256) {
        return lastLeaf(layers, layers[layers.length - 1].outputs, 0);
    }
}
