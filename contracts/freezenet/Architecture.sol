// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IntegerInference} from "./IntegerInference.sol";

/// @title Networks as a task fixes them
/// @notice An architecture is a list of layers, shifts included: a miner chooses numbers, and nothing that they mean.
/// Contracts keep its hash; whoever acts on a layer brings all of them.
/// @dev Every layer but the last has a kernel that carries a part of the watermark, the same share of each, rounded
/// down. `pyml.freezenet.encoding` and `pyml.freezenet.strata` are the twins of this library.
library Architecture {
    /// @notice Most layers of a network.
    uint256 internal constant MAX_LAYERS = 64;
    /// @notice Fractions are counted in millionths.
    uint256 internal constant FRACTION_UNIT = 1_000_000;

    /// @notice A network has from two to `maximum` layers: one alone would carry no watermark.
    error LayerCountOutOfRange(uint256 count, uint256 maximum);
    /// @notice The layer does not read what the one before it gives.
    error LayerMismatch(uint256 layer);
    /// @notice The last layer gives logits: it has no shift, ReLU or pool.
    error LastLayerInvalid();

    /// @notice What a task keeps of its layers.
    function hashOf(IntegerInference.Layer[] memory layers) internal pure returns (bytes32) {
        return keccak256(abi.encode(layers));
    }

    /// @notice Reverts unless each layer reads what the one before it gives, as an image or flat, and the last gives
    /// logits.
    function requireNetwork(IntegerInference.Layer[] memory layers) internal pure {
        uint256 count = layers.length;
        if (count < 2 || count > MAX_LAYERS) revert LayerCountOutOfRange(count, MAX_LAYERS);
        IntegerInference.Layer memory layer = layers[0];
        for (uint256 i = 0; i < count; ++i) {
            IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(layer);
            if (i + 1 == count) break;
            IntegerInference.Layer memory next = layers[i + 1];
            uint256 side = layer.pool == 0 ? 1 : layer.pool;
            bool image = next.channels == layer.outputs && next.height * side == geometry.outHeight
                && next.width * side == geometry.outWidth;
            bool flat = next.height == 1 && next.width == 1
                && next.channels * side * side == layer.outputs * geometry.outHeight * geometry.outWidth;
            if (!image && !flat) revert LayerMismatch(i + 1);
            layer = next;
        }
        if (layer.shift != 0 || layer.relu || layer.pool != 0) revert LastLayerInvalid();
    }

    /// @notice Weights of a layer's kernel, flat by neuron and then input.
    function kernelSize(IntegerInference.Layer memory layer) internal pure returns (uint256) {
        return uint256(layer.channels) * layer.kernelHeight * layer.kernelWidth * layer.outputs;
    }

    /// @notice How many weights of a kernel are codes.
    function kernelShare(IntegerInference.Layer memory layer, uint256 fractionPpm) internal pure returns (uint256) {
        return kernelSize(layer) * fractionPpm / FRACTION_UNIT;
    }

    /// @notice Codes in all kernels together: the length that a seed is bound to.
    function watermarkLength(IntegerInference.Layer[] memory layers, uint256 fractionPpm)
        internal
        pure
        returns (uint256 length)
    {
        for (uint256 i = 0; i + 1 < layers.length; ++i) {
            length += kernelShare(layers[i], fractionPpm);
        }
    }
}
