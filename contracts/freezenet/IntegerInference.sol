// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Integer inference of small networks
/// @notice int8 weights and activations, int32 sums, one rounding a layer. With x the input of a layer,
///
///     sum = x * weights                             for each neuron, or each channel at each place of the kernel
///     h   = multiplier * sum + bias                 per channel; a batch normalisation, folded
///     y   = saturate((h + 2^(shift - 1)) >> shift)  half rounds up; to [-128, 127], with ReLU to [0, 127]
///     next x = pool(y)                              the maximum of each window
///
/// and the last h are the logits. The answer is the class of the greatest, the lowest of equals.
/// @dev Weights come in words of 32 codes, code i in bits 8i and up, as in `Watermark`; each neuron begins a word, and
/// what is left over counts nothing. Activations are bytes in their own order, images by channel, row and column.
/// `pyml.freezenet.inference` is the twin of this library, `pyml.freezenet.encoding` writes its formats.
library IntegerInference {
    /// @notice A layer without its numbers. A dense layer is a convolution over an image of one pixel.
    /// @param channels of the input.
    /// @param height rows of the input.
    /// @param width columns of the input.
    /// @param outputs channels of the output, or neurons.
    /// @param pool side of the windows; zero for none.
    struct Layer {
        uint16 channels;
        uint16 height;
        uint16 width;
        uint16 outputs;
        uint8 kernelHeight;
        uint8 kernelWidth;
        uint8 strideDown;
        uint8 strideRight;
        uint8 paddingTop;
        uint8 paddingSide;
        uint8 shift;
        bool relu;
        uint8 pool;
    }

    /// @dev What follows from a layer's shape.
    struct Geometry {
        uint256 inputs;
        uint256 fanIn;
        uint256 words;
        uint256 outHeight;
        uint256 outWidth;
        uint256 paddedHeight;
        uint256 paddedWidth;
    }

    /// @notice Most bytes in a layer's padded input, and most values in its output. A neuron sees no more than that, so
    /// no int32 sum can overflow: 128 * 128 * 65,536 = 2^30.
    uint256 internal constant MAX_ACTIVATIONS = 65_536;
    /// @notice Most bits that a layer drops.
    uint256 internal constant MAX_SHIFT = 31;
    /// @notice Bytes that hold a channel's multiplier, int16, and bias, int32.
    uint256 internal constant AFFINE_BYTES = 6;

    // A one in each 32 bits, and in each byte.
    uint256 private constant QUARTERS = type(uint256).max / type(uint32).max;
    uint256 private constant BYTES = type(uint256).max / type(uint8).max;
    // Every fourth byte; 128 in each of those; 2^31 in each 32 bits but the top ones; the sign bit of every byte.
    uint256 private constant FOURTHS = (QUARTERS << 8) - QUARTERS;
    uint256 private constant OFFSETS = QUARTERS << 7;
    uint256 private constant BORROWS = (QUARTERS >> 32) << 31;
    uint256 private constant SIGNS = BYTES << 7;

    /// @notice The layer's sizes are zero, do not fit together, or exceed a bound.
    error LayerInvalid();
    /// @notice The layer reads another number of inputs.
    error InputsMismatch(uint256 expected, uint256 actual);
    /// @notice The layer has another number of words of weights.
    error WeightsMismatch(uint256 expected, uint256 actual);
    /// @notice The layer has another number of bytes of multipliers and biases.
    error AffineMismatch(uint256 expected, uint256 actual);

    /// @notice One step of a sum, which a dispute comes down to: 32 products added to an accumulator.
    /// @dev Wraps as int32 does. Sums of a valid layer never wrap; a claim that nobody could have computed must have an
    /// answer too, or its dispute could not end.
    /// @param weights 32 codes, code i in bits 8i and up.
    /// @param activations 32 bytes in their own order.
    function accumulate(int32 accumulator, uint256 weights, uint256 activations) internal pure returns (int32) {
        unchecked {
            // Wrapping is meant.
            // forge-lint: disable-next-line(unsafe-typecast)
            return int32(int256(accumulator) + dot(weights, activations));
        }
    }

    /// @notice The sum of 32 products of signed bytes.
    /// @dev Eight bytes that stand 32 bits apart are the coefficients of a polynomial in 2^32, once 128 was added to
    /// all bytes (`^ SIGNS`) and taken from these (`- OFFSETS`, modulo 2^256). Activations run the other way, so the
    /// top coefficient of the product of two such is the sum of eight products; four products give all 32. A
    /// coefficient is at most 32 * 128^2 = 2^19 on either side of zero; with 2^31 added to all below the top
    /// (`BORROWS`) none of them is negative or reaches 2^32, so none takes from the next, and the top 32 bits are the
    /// top coefficient.
    function dot(uint256 weights, uint256 activations) internal pure returns (int256) {
        unchecked {
            (uint256 fourths, uint256 offsets) = (FOURTHS, OFFSETS);
            uint256 w = weights ^ SIGNS;
            uint256 x = activations ^ SIGNS;
            uint256 products = ((w & fourths) - offsets) * (((x >> 24) & fourths) - offsets)
                + (((w >> 8) & fourths) - offsets) * (((x >> 16) & fourths) - offsets)
                + (((w >> 16) & fourths) - offsets) * (((x >> 8) & fourths) - offsets)
                + (((w >> 24) & fourths) - offsets) * ((x & fourths) - offsets);
            // The top bits are a number in two's complement.
            // forge-lint: disable-next-line(unsafe-typecast)
            return int256(products + BORROWS) >> 224;
        }
    }

    /// @notice Drops `shift` bits, rounding half up, and saturates to int8; with `relu` negative values become zero.
    function requantise(int256 value, uint256 shift, bool relu) internal pure returns (int8) {
        unchecked {
            // forge-lint: disable-next-line(unsafe-typecast)
            value = (value + int256((uint256(1) << shift) >> 1)) >> shift;
        }
        if (value > 127) return 127;
        if (relu && value < 0) return 0;
        if (value < -128) return -128;
        // In range by now.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int8(value);
    }

    /// @notice h for each channel at each place, channel by channel: what `activate` takes, or the logits.
    /// @param inputs one byte an activation.
    /// @param weights words of each neuron.
    /// @param affine multiplier and bias of each channel, big-endian.
    function weigh(Layer memory layer, bytes memory inputs, uint256[] memory weights, bytes memory affine)
        internal
        pure
        returns (int256[] memory values)
    {
        Geometry memory geometry = geometryOf(layer);
        _requireLengths(layer, geometry, inputs.length, weights.length, affine.length);
        inputs = _pad(layer, geometry, inputs);
        uint256[] memory patch = new uint256[](geometry.words);
        values = new int256[](layer.outputs * geometry.outHeight * geometry.outWidth);
        uint256 place = 0;
        for (uint256 row = 0; row < geometry.outHeight; ++row) {
            uint256 corner = row * layer.strideDown * geometry.paddedWidth;
            for (uint256 end = place + geometry.outWidth; place < end; ++place) {
                _gather(layer, geometry, inputs, corner, patch);
                _weighPatch(patch, weights, affine, values, place);
                corner += layer.strideRight;
            }
        }
    }

    /// @notice Activations of what `weigh` gave: pooled, rounded, saturated.
    /// @dev Pools first: rounding and saturation keep the order of values, so the greatest stays the greatest.
    function activate(Layer memory layer, int256[] memory values) internal pure returns (bytes memory outputs) {
        Geometry memory geometry = geometryOf(layer);
        uint256 expected = layer.outputs * geometry.outHeight * geometry.outWidth;
        if (values.length != expected) revert InputsMismatch(expected, values.length);
        if (layer.pool > 1) values = _pool(values, geometry.outWidth, layer.pool);
        (uint256 shift, bool relu) = (layer.shift, layer.relu);
        outputs = new bytes(values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            outputs[i] = bytes1(uint8(requantise(values[i], shift, relu)));
        }
    }

    /// @notice The class of the greatest logit, the lowest of equals.
    function argmax(int256[] memory logits) internal pure returns (uint256 class) {
        if (logits.length == 0) revert LayerInvalid();
        for (uint256 i = 1; i < logits.length; ++i) {
            if (logits[i] > logits[class]) class = i;
        }
    }

    /// @notice What follows from a layer's shape; reverts where it is not one.
    function geometryOf(Layer memory layer) internal pure returns (Geometry memory geometry) {
        geometry.inputs = uint256(layer.channels) * layer.height * layer.width;
        geometry.fanIn = uint256(layer.channels) * layer.kernelHeight * layer.kernelWidth;
        geometry.words = (geometry.fanIn + 31) / 32;
        geometry.paddedHeight = uint256(layer.height) + 2 * uint256(layer.paddingTop);
        geometry.paddedWidth = uint256(layer.width) + 2 * uint256(layer.paddingSide);
        if (
            geometry.inputs == 0 || geometry.fanIn == 0 || layer.outputs == 0 || layer.strideDown == 0
                || layer.strideRight == 0 || layer.shift > MAX_SHIFT || layer.paddingTop >= layer.kernelHeight
                || layer.paddingSide >= layer.kernelWidth || layer.kernelHeight > geometry.paddedHeight
                || layer.kernelWidth > geometry.paddedWidth
                || layer.channels * geometry.paddedHeight * geometry.paddedWidth > MAX_ACTIVATIONS
        ) revert LayerInvalid();
        geometry.outHeight = (geometry.paddedHeight - layer.kernelHeight) / layer.strideDown + 1;
        geometry.outWidth = (geometry.paddedWidth - layer.kernelWidth) / layer.strideRight + 1;
        uint256 side = layer.pool == 0 ? 1 : layer.pool;
        if (
            geometry.outHeight % side != 0 || geometry.outWidth % side != 0
                || layer.outputs * geometry.outHeight * geometry.outWidth > MAX_ACTIVATIONS
        ) revert LayerInvalid();
    }

    function _requireLengths(
        Layer memory layer,
        Geometry memory geometry,
        uint256 inputs,
        uint256 weights,
        uint256 affine
    ) private pure {
        uint256 outputs = layer.outputs;
        if (inputs != geometry.inputs) revert InputsMismatch(geometry.inputs, inputs);
        if (weights != outputs * geometry.words) revert WeightsMismatch(outputs * geometry.words, weights);
        if (affine != outputs * AFFINE_BYTES) revert AffineMismatch(outputs * AFFINE_BYTES, affine);
    }

    /// @dev The image with zeros around it, so that the kernel lies on nothing else.
    function _pad(Layer memory layer, Geometry memory geometry, bytes memory inputs)
        private
        pure
        returns (bytes memory image)
    {
        if (layer.paddingTop == 0 && layer.paddingSide == 0) return inputs;
        image = new bytes(layer.channels * geometry.paddedHeight * geometry.paddedWidth);
        uint256 source = _data(inputs);
        for (uint256 channel = 0; channel < layer.channels; ++channel) {
            uint256 first = (channel * geometry.paddedHeight + layer.paddingTop) * geometry.paddedWidth;
            uint256 target = _data(image) + first + layer.paddingSide;
            for (uint256 row = 0; row < layer.height; ++row) {
                _copy(target, source, layer.width);
                source += layer.width;
                target += geometry.paddedWidth;
            }
        }
    }

    /// @dev Writes the numbers under the kernel, whose first lies at `corner`, channel by channel, over those of the
    /// place before. What is left over of the patch's last word stays zero.
    function _gather(
        Layer memory layer,
        Geometry memory geometry,
        bytes memory image,
        uint256 corner,
        uint256[] memory patch
    ) private pure {
        (uint256 width, uint256 rows, uint256 columns) = (geometry.paddedWidth, layer.kernelHeight, layer.kernelWidth);
        uint256 plane = width * geometry.paddedHeight;
        uint256 source = _data(image) + corner;
        uint256 target;
        assembly ("memory-safe") {
            target := add(patch, 0x20)
        }
        if (rows == geometry.paddedHeight && columns == width) return _copy(target, source, geometry.fanIn);
        // Places lie within the padded image and rows of the kernel within its height: `geometryOf` counted them so.
        unchecked {
            for (uint256 end = source + layer.channels * plane; source < end; source += plane) {
                for (uint256 line = source; line < source + rows * width; line += width) {
                    _copy(target, line, columns);
                    target += columns;
                }
            }
        }
    }

    /// @dev h of all channels at one place; `weights` and `affine` hold as many channels as `values` has for a place.
    function _weighPatch(
        uint256[] memory patch,
        uint256[] memory weights,
        bytes memory affine,
        int256[] memory values,
        uint256 place
    ) private pure {
        uint256 places = values.length * AFFINE_BYTES / affine.length;
        uint256 words = patch.length;
        uint256 word = 0;
        uint256 pointer = _data(affine);
        // Indices stay below lengths that `weigh` has compared; sums are of at most 2^16 products of bytes.
        unchecked {
            for (uint256 slot = place; slot < values.length; slot += places) {
                int256 sum = 0;
                for (uint256 i = 0; i < words; ++i) {
                    sum += dot(weights[word++], patch[i]);
                }
                uint256 channel;
                // Six bytes that are there, and 26 behind them that the shifts drop.
                assembly ("memory-safe") {
                    channel := mload(pointer)
                }
                pointer += AFFINE_BYTES;
                // The upper 16 bits are an int16, the next 32 an int32.
                // forge-lint: disable-next-line(unsafe-typecast)
                values[slot] = int256(int16(uint16(channel >> 240))) * sum + int256(int32(uint32(channel >> 208)));
            }
        }
    }

    /// @dev The greatest of each window of `side` by `side`, which lie side by side and cover the rows.
    function _pool(int256[] memory values, uint256 width, uint256 side)
        private
        pure
        returns (int256[] memory greatest)
    {
        greatest = new int256[](values.length / (side * side));
        uint256 next = 0;
        // Windows end where the rows and the values end.
        unchecked {
            for (uint256 top = 0; top < values.length; top += side * width) {
                for (uint256 corner = top; corner < top + width; corner += side) {
                    int256 found = values[corner];
                    for (uint256 line = corner; line < corner + side * width; line += width) {
                        for (uint256 i = line; i < line + side; ++i) {
                            if (values[i] > found) found = values[i];
                        }
                    }
                    greatest[next++] = found;
                }
            }
        }
    }

    function _data(bytes memory content) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(content, 0x20)
        }
    }

    function _copy(uint256 target, uint256 source, uint256 count) private pure {
        // Callers stay within arrays of their own: bounds follow from the layer's geometry.
        assembly ("memory-safe") {
            mcopy(target, source, count)
        }
    }
}
