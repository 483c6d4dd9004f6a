// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";

/// @notice The library's functions for callers from outside; tests/freezenet/test_contracts.py calls them too.
contract InferenceHarness {
    function accumulate(int32 accumulator, uint256 weights, uint256 activations) external pure returns (int32) {
        return IntegerInference.accumulate(accumulator, weights, activations);
    }

    function dot(uint256 weights, uint256 activations) external pure returns (int256) {
        return IntegerInference.dot(weights, activations);
    }

    function requantise(int256 value, uint256 shift, bool relu) external pure returns (int8) {
        return IntegerInference.requantise(value, shift, relu);
    }

    function geometryOf(IntegerInference.Layer calldata layer)
        external
        pure
        returns (IntegerInference.Geometry memory)
    {
        return IntegerInference.geometryOf(layer);
    }

    function weigh(
        IntegerInference.Layer calldata layer,
        bytes calldata inputs,
        uint256[] calldata weights,
        bytes calldata affine
    ) external pure returns (int256[] memory) {
        return IntegerInference.weigh(layer, inputs, weights, affine);
    }

    function activate(IntegerInference.Layer calldata layer, int256[] calldata values)
        external
        pure
        returns (bytes memory)
    {
        return IntegerInference.activate(layer, values);
    }

    function argmax(int256[] calldata logits) external pure returns (uint256) {
        return IntegerInference.argmax(logits);
    }

    function architectureOf(IntegerInference.Layer[] calldata layers) external pure returns (bytes32) {
        return keccak256(abi.encode(layers));
    }

    /// @dev All layers of a network, and how much gas their arithmetic took.
    function classify(
        IntegerInference.Layer[] memory layers,
        bytes memory inputs,
        uint256[][] memory weights,
        bytes[] memory affine
    ) external view returns (uint256 class, uint256 gasUsed) {
        uint256 before = gasleft();
        for (uint256 i = 0; i + 1 < layers.length; ++i) {
            int256[] memory values = IntegerInference.weigh(layers[i], inputs, weights[i], affine[i]);
            inputs = IntegerInference.activate(layers[i], values);
        }
        uint256 last = layers.length - 1;
        class = IntegerInference.argmax(IntegerInference.weigh(layers[last], inputs, weights[last], affine[last]));
        gasUsed = before - gasleft();
    }

    /// @dev Gas of one layer's arithmetic: sums, and pool, rounding and saturation.
    function measure(
        IntegerInference.Layer memory layer,
        bytes memory inputs,
        uint256[] memory weights,
        bytes memory affine
    ) external view returns (uint256 gasUsed) {
        gasUsed = gasleft();
        IntegerInference.activate(layer, IntegerInference.weigh(layer, inputs, weights, affine));
        gasUsed -= gasleft();
    }
}
