// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ActivationTree} from "./ActivationTree.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title What is multiplied in one step of a value's sums
/// @notice A value of a layer's output comes of one sum, or of one for each place of its pool's window, row by row. A
/// sum is taken in steps of 32 channels at one place of the kernel: places row by row, and at each of them group by
/// group. Such a step reads one leaf of an `ActivationTree`. No int32 sum of a valid layer overflows, so that
/// the order of steps, which is not that of `IntegerInference`, changes nothing.
/// @dev `pyml.freezenet.product_steps` is the twin.
library ProductStep {
    /// @notice A step, found by `stepAt`.
    /// @param neuron channel of the output.
    /// @param place of the kernel.
    /// @param group of 32 channels.
    /// @param row of the input that lies under the place.
    /// @param column of the input that lies under the place.
    /// @param inside whether that is a place of the input: if not, its activations are zero.
    struct Step {
        uint256 neuron;
        uint256 place;
        uint256 group;
        uint256 row;
        uint256 column;
        bool inside;
    }

    /// @notice Steps of one sum.
    function count(IntegerInference.Layer memory layer) internal pure returns (uint256) {
        // Sizes are 16 bits wide.
        unchecked {
            return uint256(layer.kernelHeight) * layer.kernelWidth * ActivationTree.groupsOf(layer);
        }
    }

    /// @notice Sums of one value: places of the pool's window.
    function sums(IntegerInference.Layer memory layer) internal pure returns (uint256) {
        // Sizes are 16 bits wide.
        unchecked {
            return layer.pool == 0 ? 1 : uint256(layer.pool) * layer.pool;
        }
    }

    /// @notice The channel of the output that a value belongs to.
    /// @param index of the value, flat by channel, row and column.
    function neuronOf(IntegerInference.Layer memory layer, uint256 index) internal pure returns (uint256) {
        IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(layer);
        return index * sums(layer) / (geometry.outHeight * geometry.outWidth);
    }

    /// @notice A step of a value's sums.
    /// @param index of the value.
    /// @param step counted through all sums, one after the other.
    // Rounding down to rows and places is meant.
    // slither-disable-next-line divide-before-multiply
    function stepAt(IntegerInference.Layer memory layer, uint256 index, uint256 step)
        internal
        pure
        returns (Step memory found)
    {
        // Sizes are 16 bits wide, indices and steps 32; none is zero, for a valid layer has places and channels.
        unchecked {
            IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(layer);
            uint256 side = layer.pool == 0 ? 1 : layer.pool;
            // Windows lie side by side and cover the rows: `geometryOf` refuses others.
            uint256 width = geometry.outWidth / side;
            uint256 places = geometry.outHeight / side * width;
            uint256 sum = step / count(layer);
            found.neuron = index / places;
            found.row = index % places / width * side + sum / side;
            found.column = index % places % width * side + sum % side;
            uint256 groups = ActivationTree.groupsOf(layer);
            uint256 rest = step % count(layer);
            (found.place, found.group) = (rest / groups, rest % groups);
            _moveUnderKernel(layer, found);
        }
    }

    /// @notice Where the weight of a channel of the step lies in the kernel, flat by neuron and then input.
    /// @param lane channel of the group; it may not lie beyond the last channel.
    function weightOf(IntegerInference.Layer memory layer, Step memory step, uint256 lane)
        internal
        pure
        returns (uint256)
    {
        // Sizes are 16 bits wide.
        unchecked {
            uint256 area = uint256(layer.kernelHeight) * layer.kernelWidth;
            uint256 channel = step.group * ActivationTree.LANES + lane;
            return (step.neuron * layer.channels + channel) * area + step.place;
        }
    }

    /// @dev From the place of the output to that of the input.
    function _moveUnderKernel(IntegerInference.Layer memory layer, Step memory step) private pure {
        // As above; what is inside lies behind the padding.
        unchecked {
            uint256 row = step.row * layer.strideDown + step.place / layer.kernelWidth;
            uint256 column = step.column * layer.strideRight + step.place % layer.kernelWidth;
            step.inside = row >= layer.paddingTop && row < uint256(layer.paddingTop) + layer.height
                && column >= layer.paddingSide && column < uint256(layer.paddingSide) + layer.width;
            (step.row, step.column) =
                step.inside ? (row - layer.paddingTop, column - layer.paddingSide) : (uint256(0), uint256(0));
        }
    }
}
