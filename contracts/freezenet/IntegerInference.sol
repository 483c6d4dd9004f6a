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

    // Digits are meant to be counted by eights. Every fourth byte; 128 in each of those; 2^31 in each 32 bits but the top ones; the sign bit of every byte. As
    // numbers, because derivations are computed at run time, for more gas than a product.
    // slither-disable-next-line too-many-digits
    uint256 private constant FOURTHS = 0x000000ff000000ff000000ff000000ff000000ff000000ff000000ff000000ff;
    // slither-disable-next-line too-many-digits
    uint256 private constant OFFSETS = 0x0000008000000080000000800000008000000080000000800000008000000080;
    // slither-disable-next-line too-many-digits
    uint256 private constant BORROWS = 0x0000000080000000800000008000000080000000800000008000000080000000;
    // slither-disable-next-line too-many-digits
    uint256 private constant SIGNS = 0x8080808080808080808080808080808080808080808080808080808080808080;

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
        values = new int256[](layer.outputs * geometry.outHeight * geometry.outWidth);
        inputs = _pad(layer, geometry, inputs);
        if (values.length == layer.outputs) _weighOnce(layer, geometry, inputs, weights, affine, values);
        else _convolve(layer, geometry, inputs, weights, affine, values);
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

    /// @dev The one place of a kernel: a dense layer. 32 products of a neuron at a time, as `dot` takes them: of each
    /// word of inputs its four polynomials are made once. Products are added up before their top coefficient is taken:
    /// of at most 2^16 of them, no coefficient reaches 2^31.
    function _weighOnce(
        Layer memory layer,
        Geometry memory geometry,
        bytes memory image,
        uint256[] memory weights,
        bytes memory affine,
        int256[] memory values
    ) private pure {
        uint256[] memory parts = _spread(_patch(layer, geometry, image));
        (uint256 first, uint256 weight, uint256 channel) = (_words(parts), _words(weights), _data(affine));
        (uint256 last, uint256 slot) = (first + parts.length * 0x20, _words(values));
        uint256 end = slot + values.length * 0x20;
        (uint256 fourths, uint256 offsets) = (FOURTHS, OFFSETS);
        // As `dot` and Solidity's own loops, which the tests hold this against, at a third of their price: without
        // bounds, for `weigh` has compared lengths. `^ offsets` is `^ SIGNS` of the bytes that are left. Six bytes of
        // multiplier and bias are there, and 26 behind them that the shifts drop.
        assembly ("memory-safe") {
            for {} lt(slot, end) { slot := add(slot, 0x20) } {
                let products := 0
                for { let part := first } lt(part, last) { part := add(part, 0x80) } {
                    let w := mload(weight)
                    products := add(products, mul(sub(xor(and(w, fourths), offsets), offsets), mload(part)))
                    w := shr(8, w)
                    products := add(products, mul(sub(xor(and(w, fourths), offsets), offsets), mload(add(part, 0x20))))
                    w := shr(8, w)
                    products := add(products, mul(sub(xor(and(w, fourths), offsets), offsets), mload(add(part, 0x40))))
                    w := shr(8, w)
                    products := add(products, mul(sub(xor(and(w, fourths), offsets), offsets), mload(add(part, 0x60))))
                    weight := add(weight, 0x20)
                }
                // 2^31 in each 32 bits but the top ones, as `BORROWS`.
                products := sar(224, add(products, shr(32, shl(24, offsets))))
                let numbers := mload(channel)
                channel := add(channel, 6)
                mstore(slot, add(mul(sar(240, numbers), products), signextend(3, shr(208, numbers))))
            }
        }
    }

    /// @dev The numbers under a kernel that has one place, channel by channel, in words; zeros behind the last.
    function _patch(Layer memory layer, Geometry memory geometry, bytes memory image)
        private
        pure
        returns (uint256[] memory patch)
    {
        (uint256 width, uint256 rows, uint256 columns) = (geometry.paddedWidth, layer.kernelHeight, layer.kernelWidth);
        patch = new uint256[](geometry.words);
        (uint256 source, uint256 target) = (_data(image), _words(patch));
        if (rows == geometry.paddedHeight && columns == width) {
            _copy(target, source, geometry.fanIn);
            return patch;
        }
        uint256 plane = width * geometry.paddedHeight;
        // Rows of the kernel lie within the padded image: `geometryOf` counted them so.
        unchecked {
            for (uint256 end = source + layer.channels * plane; source < end; source += plane) {
                for (uint256 line = source; line < source + rows * width; line += width) {
                    _copy(target, line, columns);
                    target += columns;
                }
            }
        }
    }

    /// @dev Each word of a patch as the four polynomials that `dot` makes of it.
    function _spread(uint256[] memory patch) private pure returns (uint256[] memory parts) {
        (uint256 fourths, uint256 offsets) = (FOURTHS, OFFSETS);
        uint256 count = patch.length;
        parts = new uint256[](4 * count);
        // Modulo 2^256, as in `dot`; there are four parts for each word.
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                uint256 x = patch[i] ^ SIGNS;
                parts[4 * i] = ((x >> 24) & fourths) - offsets;
                parts[4 * i + 1] = ((x >> 16) & fourths) - offsets;
                parts[4 * i + 2] = ((x >> 8) & fourths) - offsets;
                parts[4 * i + 3] = (x & fourths) - offsets;
            }
        }
    }

    /// @dev Every place of a kernel that has several. One number of the image times the weights of eight channels at
    /// once, which stand 32 bits apart: sums are below 2^30 on either side of zero, so that with 2^31 added to each none
    /// takes from the next. Weights are put so once, which pays after a few places.
    function _convolve(
        Layer memory layer,
        Geometry memory geometry,
        bytes memory image,
        uint256[] memory weights,
        bytes memory affine,
        int256[] memory values
    ) private pure {
        uint256[] memory lanes = _lanes(geometry, layer.outputs, weights);
        uint256[] memory offsets = _offsets(layer, geometry);
        uint256 slot = _words(values);
        uint256 step = geometry.outHeight * geometry.outWidth * 0x20;
        (uint256 channels, uint256 lastChannel) = (_data(affine), _data(affine) + affine.length);
        // Places lie within the padded image: `geometryOf` counted them so.
        unchecked {
            for (uint256 row = 0; row < geometry.outHeight; ++row) {
                uint256 corner = _data(image) + row * layer.strideDown * geometry.paddedWidth;
                for (uint256 end = slot + geometry.outWidth * 0x20; slot < end; slot += 0x20) {
                    _weighPlace(offsets, lanes, corner, channels, lastChannel, slot, step);
                    corner += layer.strideRight;
                }
            }
        }
    }

    /// @dev One place, whose first number lies at `corner`: its channels go to `slot` and every `step` behind it.
    // The digits are 2^31, eight times and once.
    // slither-disable-next-line too-many-digits
    function _weighPlace(
        uint256[] memory offsets,
        uint256[] memory lanes,
        uint256 corner,
        uint256 channel,
        uint256 lastChannel,
        uint256 slot,
        uint256 step
    ) private pure {
        // As in `_weighOnce`. A word read at a place of the image begins with its number, and what follows is dropped;
        // there may be less than a word of it, and other memory behind.
        assembly ("memory-safe") {
            let lane := add(lanes, 0x20)
            let lastOffset := add(add(offsets, 0x20), mul(mload(offsets), 0x20))
            for {} lt(channel, lastChannel) {} {
                let total := 0x8000000080000000800000008000000080000000800000008000000080000000
                for { let offset := add(offsets, 0x20) } lt(offset, lastOffset) { offset := add(offset, 0x20) } {
                    total := add(total, mul(sar(248, mload(add(corner, mload(offset)))), mload(lane)))
                    lane := add(lane, 0x20)
                }
                let upTo := add(channel, 48)
                if gt(upTo, lastChannel) { upTo := lastChannel }
                for {} lt(channel, upTo) { channel := add(channel, 6) } {
                    let numbers := mload(channel)
                    let sum := sub(and(total, 0xffffffff), 0x80000000)
                    mstore(slot, add(mul(sar(240, numbers), sum), signextend(3, shr(208, numbers))))
                    total := shr(32, total)
                    slot := add(slot, step)
                }
            }
        }
    }

    /// @dev Weights by group of eight channels and then input, a word each: channel c in bits 32 (c mod 8) and up.
    function _lanes(Geometry memory geometry, uint256 outputs, uint256[] memory weights)
        private
        pure
        returns (uint256[] memory lanes)
    {
        uint256 size = geometry.fanIn * 0x20;
        // Rounding up to whole groups is meant.
        // slither-disable-next-line divide-before-multiply
        lanes = new uint256[]((outputs + 7) / 8 * geometry.fanIn);
        uint256 source = _words(weights);
        for (uint256 neuron = 0; neuron < outputs; ++neuron) {
            // Rounding down to the group is meant.
            // slither-disable-next-line divide-before-multiply
            uint256 target = _words(lanes) + neuron / 8 * size;
            uint256 shift = neuron % 8 * 32;
            // As in `_weighOnce`; each neuron has as many words as hold its weights.
            assembly ("memory-safe") {
                for { let end := add(target, size) } lt(target, end) { source := add(source, 0x20) } {
                    let w := mload(source)
                    let upTo := add(target, 0x400)
                    if gt(upTo, end) { upTo := end }
                    for {} lt(target, upTo) { target := add(target, 0x20) } {
                        mstore(target, add(mload(target), shl(shift, signextend(0, w))))
                        w := shr(8, w)
                    }
                }
            }
        }
    }

    /// @dev How far behind a place's first number each of the numbers under the kernel lies.
    function _offsets(Layer memory layer, Geometry memory geometry) private pure returns (uint256[] memory offsets) {
        offsets = new uint256[](geometry.fanIn);
        uint256 next = 0;
        // Offsets are below the padded image's size, and as many as the inputs of a neuron.
        unchecked {
            for (uint256 channel = 0; channel < layer.channels; ++channel) {
                uint256 line = channel * geometry.paddedHeight * geometry.paddedWidth;
                for (uint256 row = 0; row < layer.kernelHeight; ++row) {
                    for (uint256 column = 0; column < layer.kernelWidth; ++column) {
                        offsets[next++] = line + column;
                    }
                    line += geometry.paddedWidth;
                }
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
        (uint256 top, uint256 target) = (_words(values), _words(greatest));
        (uint256 end, uint256 row, uint256 window) = (top + values.length * 0x20, width * 0x20, side * 0x20);
        // Windows end where the rows and the values end; bounds of arrays would cost more than the comparisons.
        assembly ("memory-safe") {
            for {} lt(top, end) { top := add(top, mul(row, side)) } {
                let lastCorner := add(top, row)
                for { let corner := top } lt(corner, lastCorner) { corner := add(corner, window) } {
                    let found := mload(corner)
                    let lastLine := add(corner, mul(row, side))
                    for { let line := corner } lt(line, lastLine) { line := add(line, row) } {
                        let upTo := add(line, window)
                        for { let i := line } lt(i, upTo) { i := add(i, 0x20) } {
                            let value := mload(i)
                            if sgt(value, found) { found := value }
                        }
                    }
                    mstore(target, found)
                    target := add(target, 0x20)
                }
            }
        }
    }

    function _data(bytes memory content) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(content, 0x20)
        }
    }

    function _words(uint256[] memory content) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(content, 0x20)
        }
    }

    function _words(int256[] memory content) private pure returns (uint256 pointer) {
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
