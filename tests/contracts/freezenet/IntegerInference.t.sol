// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {ForgeTest} from "../Forge.sol";
import {InferenceHarness} from "./InferenceHarness.sol";

contract IntegerInferenceTest is ForgeTest {
    uint256 private constant SAMPLES = 3;

    InferenceHarness private immutable harness = new InferenceHarness();
    string private json;

    function setUp() public {
        json = vm.readFile("tests/vectors/freezenet_inference.json");
    }

    // What the definition says (scripts/regenerate_freezenet_vectors.py)

    function test_NetworksAnswerAsTheVectorsSay() public view {
        uint256 count = vm.parseJsonUint(json, ".count");
        assertTrue(count >= 9);
        for (uint256 i = 0; i < count; ++i) {
            string memory vector = string.concat(".cases[", vm.toString(i), "]");
            IntegerInference.Layer[] memory layers = new IntegerInference.Layer[](_layerCount(vector));
            for (uint256 k = 0; k < layers.length; ++k) {
                layers[k] = _layer(vector, k);
            }
            assertEq(harness.architectureOf(layers), vm.parseJsonBytes32(json, string.concat(vector, ".architecture")));
            for (uint256 k = 0; k < SAMPLES; ++k) {
                _checkSample(vector, string.concat(vector, ".samples[", vm.toString(k), "]"), layers);
            }
        }
    }

    /// @dev Each activation counts: whoever changes one gets another sum.
    function testFuzz_ChangedInputChangesTheLogits(uint8 index, uint8 by) public view {
        vm.assume(by != 0);
        string memory vector = ".cases[0]";
        IntegerInference.Layer memory layer = _layer(vector, 0);
        bytes memory inputs = vm.parseJsonBytes(json, string.concat(vector, ".samples[0].inputs"));
        uint256[] memory expected = vm.parseJsonUintArray(json, string.concat(vector, ".samples[0].logits"));
        inputs[index % inputs.length] ^= bytes1(by);
        int256[] memory logits = harness.weigh(layer, inputs, _weights(vector, 0), _affine(vector, 0));
        assertTrue(keccak256(abi.encode(logits)) != keccak256(abi.encode(expected)));
    }

    // Sums

    function testDiff_DotIsTheSumOfProducts(uint256 weights, uint256 activations) public pure {
        assertEq(uint256(IntegerInference.dot(weights, activations)), uint256(_plainDot(weights, activations)));
    }

    /// @dev Where coefficients are greatest, and where they are zero.
    function testDiff_DotAtTheEndsOfItsBytes(uint256 pick, uint256 other) public pure {
        uint256[4] memory ends = [uint256(0x80), 0x7f, 0x00, 0xff];
        uint256 weights;
        uint256 activations;
        for (uint256 i = 0; i < 32; ++i) {
            weights |= ends[(pick >> 2 * i) % 4] << 8 * i;
            activations |= ends[(other >> 2 * i) % 4] << 8 * i;
        }
        assertEq(uint256(IntegerInference.dot(weights, activations)), uint256(_plainDot(weights, activations)));
    }

    function test_DotOfTheGreatestAndTheLeast() public pure {
        uint256 least = 0x8080808080808080808080808080808080808080808080808080808080808080;
        uint256 greatest = ~least;
        assertEq(uint256(IntegerInference.dot(least, least)), 32 * 128 * 128);
        assertEq(uint256(IntegerInference.dot(greatest, greatest)), 32 * 127 * 127);
        assertEq(uint256(-IntegerInference.dot(least, greatest)), 32 * 128 * 127);
        assertEq(uint256(IntegerInference.dot(0, least)), 0);
    }

    function testFuzz_StepAddsToTheAccumulator(int32 accumulator, uint256 weights, uint256 activations) public pure {
        int256 sum = int256(accumulator) + _plainDot(weights, activations);
        assertTrue(IntegerInference.accumulate(accumulator, weights, activations) == int32(sum));
    }

    function test_StepWrapsAsInt32Does() public pure {
        // 1 * 1 in the first place: code 0 is the lowest byte, activation 0 the highest.
        assertTrue(IntegerInference.accumulate(type(int32).max, 1, 1 << 248) == type(int32).min);
        assertTrue(IntegerInference.accumulate(type(int32).min, 0xff, 1 << 248) == type(int32).max);
    }

    // Rounding

    /// @dev floor(value / 2^shift + 1/2), saturated: by division of whole numbers, which rounds towards zero.
    function testDiff_RequantiseRoundsHalfUpAndSaturates(int64 value, uint8 shift, bool relu) public pure {
        shift = shift % 32;
        int256 unit = int256(1) << shift + 1;
        int256 twice = 2 * int256(value) + (int256(1) << shift);
        int256 floor = twice / unit;
        if (twice % unit < 0) --floor;
        if (floor > 127) floor = 127;
        if (floor < -128) floor = -128;
        if (relu && floor < 0) floor = 0;
        assertTrue(IntegerInference.requantise(value, shift, relu) == floor);
    }

    function test_HalvesRoundUp() public pure {
        assertTrue(IntegerInference.requantise(2, 2, false) == 1);
        assertTrue(IntegerInference.requantise(1, 2, false) == 0);
        assertTrue(IntegerInference.requantise(-2, 2, false) == 0);
        assertTrue(IntegerInference.requantise(-3, 2, false) == -1);
        assertTrue(IntegerInference.requantise(-6, 2, false) == -1);
        assertTrue(IntegerInference.requantise(511, 2, false) == 127);
        assertTrue(IntegerInference.requantise(-515, 2, false) == -128);
        assertTrue(IntegerInference.requantise(-515, 2, true) == 0);
        assertTrue(IntegerInference.requantise(-5, 0, false) == -5);
    }

    /// @dev Why pools may come first.
    function testFuzz_RequantiseKeepsTheOrder(int48 low, int48 high, uint8 shift, bool relu) public pure {
        shift = shift % 32;
        if (low > high) (low, high) = (high, low);
        assertTrue(IntegerInference.requantise(low, shift, relu) <= IntegerInference.requantise(high, shift, relu));
    }

    // Layers

    /// @dev Any small convolution against the definition.
    function testDiff_WeighIsTheDefinition(uint256 shapeSeed, bytes32 numbers) public view {
        IntegerInference.Layer memory layer = _drawLayer(shapeSeed);
        IntegerInference.Geometry memory geometry = harness.geometryOf(layer);
        bytes memory inputs = _drawBytes(numbers, geometry.inputs);
        uint256[] memory weights = new uint256[](layer.outputs * geometry.words);
        for (uint256 i = 0; i < weights.length; ++i) {
            // What is left over of a neuron's last word is not zero here: it must count nothing all the same.
            weights[i] = uint256(keccak256(abi.encode(numbers, "weights", i)));
        }
        bytes memory affine = _drawBytes(~numbers, layer.outputs * 6);
        int256[] memory values = harness.weigh(layer, inputs, weights, affine);
        for (uint256 i = 0; i < values.length; ++i) {
            assertEq(uint256(values[i]), uint256(_plainValue(layer, geometry, inputs, weights, affine, i)));
        }
    }

    function testDiff_ActivateRoundsThenPools(uint256 shapeSeed, bytes32 numbers) public view {
        IntegerInference.Layer memory layer = _drawLayer(shapeSeed);
        IntegerInference.Geometry memory geometry = harness.geometryOf(layer);
        int256[] memory values = new int256[](layer.outputs * geometry.outHeight * geometry.outWidth);
        for (uint256 i = 0; i < values.length; ++i) {
            values[i] = int256(int16(uint16(uint256(keccak256(abi.encode(numbers, i))))));
        }
        bytes memory outputs = harness.activate(layer, values);
        uint256 side = layer.pool == 0 ? 1 : layer.pool;
        (uint256 rows, uint256 columns) = (geometry.outHeight / side, geometry.outWidth / side);
        assertEq(outputs.length, layer.outputs * rows * columns);
        for (uint256 i = 0; i < outputs.length; ++i) {
            uint256 first = i / columns * side * geometry.outWidth + i % columns * side;
            int256 greatest = -129;
            for (uint256 k = 0; k < side * side; ++k) {
                int256 value = values[first + k / side * geometry.outWidth + k % side];
                int256 rounded = IntegerInference.requantise(value, layer.shift, layer.relu);
                if (rounded > greatest) greatest = rounded;
            }
            assertTrue(int8(uint8(outputs[i])) == greatest);
        }
    }

    function test_ArgmaxIsTheLowestOfEquals() public view {
        int256[] memory logits = new int256[](4);
        assertEq(harness.argmax(logits), 0);
        (logits[0], logits[1], logits[2], logits[3]) = (-3, 7, -9, 7);
        assertEq(harness.argmax(logits), 1);
        (logits[0], logits[1], logits[2], logits[3]) = (-3, -2, -9, -1);
        assertEq(harness.argmax(logits), 3);
    }

    function test_WidestNeuronIsSummed() public view {
        IntegerInference.Layer memory layer = _dense(65_535, 1);
        bytes memory inputs = new bytes(65_535);
        uint256[] memory weights = new uint256[](2048);
        for (uint256 i = 0; i < 2048; ++i) {
            weights[i] = 0x8080808080808080808080808080808080808080808080808080808080808080;
            for (uint256 k = 0; k < 32 && 32 * i + k < 65_535; ++k) {
                inputs[32 * i + k] = 0x80;
            }
        }
        int256[] memory values = harness.weigh(layer, inputs, weights, hex"000100000000");
        assertEq(uint256(values[0]), 65_535 * 128 * 128);
    }

    // What is refused

    function test_RevertWhen_NoLogits() public {
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.LayerInvalid.selector));
        harness.argmax(new int256[](0));
    }

    function testFuzz_RevertWhen_InputsAreTooManyOrTooFew(uint16 length) public {
        vm.assume(length != 5);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.InputsMismatch.selector, 5, length));
        harness.weigh(_dense(5, 3), new bytes(length), new uint256[](3), new bytes(18));
    }

    function testFuzz_RevertWhen_WeightsAreTooManyOrTooFew(uint8 length) public {
        vm.assume(length != 6);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.WeightsMismatch.selector, 6, length));
        harness.weigh(_dense(33, 3), new bytes(33), new uint256[](length), new bytes(18));
    }

    function testFuzz_RevertWhen_ChannelsHaveNoMultiplierOrBias(uint8 length) public {
        vm.assume(length != 18);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.AffineMismatch.selector, 18, length));
        harness.weigh(_dense(5, 3), new bytes(5), new uint256[](3), new bytes(length));
    }

    function testFuzz_RevertWhen_ActivatedValuesAreTooManyOrTooFew(uint8 length) public {
        vm.assume(length != 3);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.InputsMismatch.selector, 3, length));
        harness.activate(_dense(5, 3), new int256[](length));
    }

    /// @dev A convolution of three channels, 4 by 6, to two, kernel 3 by 3, padding 1, pool 2; broken in one place each.
    function test_RevertWhen_TheShapeIsNone() public {
        harness.geometryOf(_convolution());
        for (uint256 fault = 0; fault < 19; ++fault) {
            IntegerInference.Layer memory layer = _convolution();
            if (fault == 0) layer.channels = 0;
            if (fault == 1) layer.height = 0;
            if (fault == 2) layer.width = 0;
            if (fault == 3) layer.outputs = 0;
            if (fault == 4) layer.kernelHeight = 0;
            if (fault == 5) layer.kernelWidth = 0;
            if (fault == 6) layer.strideDown = 0;
            if (fault == 7) layer.strideRight = 0;
            if (fault == 8) layer.paddingTop = 3;
            if (fault == 9) layer.paddingSide = 3;
            if (fault == 10) layer.shift = 32;
            if (fault == 11) layer.pool = 3;
            if (fault == 12) layer.pool = 4;
            if (fault == 13) layer.kernelHeight = 7;
            if (fault == 14) layer.kernelWidth = 9;
            if (fault == 15) layer.channels = 65_535;
            if (fault == 16) layer.outputs = 2731;
            if (fault == 17) (layer.height, layer.width) = (255, 255);
            if (fault == 18) (layer.strideDown, layer.strideRight, layer.pool) = (2, 2, 4);
            vm.expectRevert(abi.encodeWithSelector(IntegerInference.LayerInvalid.selector));
            harness.geometryOf(layer);
        }
    }

    // Gas, as the specification has it

    function test_MultiplyAccumulateCostsWhatItMay() public view {
        uint256 before = gasleft();
        IntegerInference.accumulate(1, 2, 3);
        assertLe(before - gasleft(), 32 * 16);
        // 64-32-10: 2,368 products. The convolution: 8 * 8 * 9 * 4 and 64 * 10.
        assertLe(_gasOf(".cases[1]"), 2368 * 35);
        assertLe(_gasOf(".cases[3]"), 2944 * 140);
    }

    function _gasOf(string memory vector) private view returns (uint256 gasUsed) {
        IntegerInference.Layer[] memory layers = new IntegerInference.Layer[](_layerCount(vector));
        uint256[][] memory weights = new uint256[][](layers.length);
        bytes[] memory affine = new bytes[](layers.length);
        for (uint256 k = 0; k < layers.length; ++k) {
            (layers[k], weights[k], affine[k]) = (_layer(vector, k), _weights(vector, k), _affine(vector, k));
        }
        bytes memory inputs = vm.parseJsonBytes(json, string.concat(vector, ".samples[0].inputs"));
        (, gasUsed) = harness.classify(layers, inputs, weights, affine);
    }

    function _checkSample(string memory vector, string memory sample, IntegerInference.Layer[] memory layers)
        private
        view
    {
        bytes memory activations = vm.parseJsonBytes(json, string.concat(sample, ".inputs"));
        for (uint256 k = 0; k < layers.length; ++k) {
            int256[] memory values = harness.weigh(layers[k], activations, _weights(vector, k), _affine(vector, k));
            if (k + 1 == layers.length) {
                uint256[] memory logits = vm.parseJsonUintArray(json, string.concat(sample, ".logits"));
                assertEq(keccak256(abi.encode(values)), keccak256(abi.encode(logits)));
                assertEq(harness.argmax(values), vm.parseJsonUint(json, string.concat(sample, ".result")));
                return;
            }
            activations = harness.activate(layers[k], values);
            bytes memory expected = vm.parseJsonBytes(json, string.concat(sample, ".activations[", vm.toString(k), "]"));
            assertEq(keccak256(activations), keccak256(expected));
        }
    }

    function _layerCount(string memory vector) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(vector, ".layerCount"));
    }

    function _layer(string memory vector, uint256 k) private view returns (IntegerInference.Layer memory) {
        uint256[] memory words = vm.parseJsonUintArray(json, _of(vector, k, ".layer"));
        assertEq(words.length, 13);
        return abi.decode(abi.encodePacked(words), (IntegerInference.Layer));
    }

    function _weights(string memory vector, uint256 k) private view returns (uint256[] memory words) {
        bytes memory packed = vm.parseJsonBytes(json, _of(vector, k, ".weights"));
        uint256 count = packed.length / 32;
        return abi.decode(bytes.concat(abi.encode(32, count), packed), (uint256[]));
    }

    function _affine(string memory vector, uint256 k) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, _of(vector, k, ".affine"));
    }

    function _of(string memory vector, uint256 k, string memory field) private pure returns (string memory) {
        return string.concat(vector, ".layers[", vm.toString(k), "]", field);
    }

    function _dense(uint16 inputs, uint16 outputs) private pure returns (IntegerInference.Layer memory layer) {
        (layer.channels, layer.height, layer.width, layer.outputs) = (inputs, 1, 1, outputs);
        (layer.kernelHeight, layer.kernelWidth, layer.strideDown, layer.strideRight) = (1, 1, 1, 1);
    }

    function _convolution() private pure returns (IntegerInference.Layer memory layer) {
        (layer.channels, layer.height, layer.width, layer.outputs) = (3, 4, 6, 2);
        (layer.kernelHeight, layer.kernelWidth, layer.strideDown, layer.strideRight) = (3, 3, 1, 1);
        (layer.paddingTop, layer.paddingSide, layer.shift, layer.pool) = (1, 1, 8, 2);
    }

    /// @dev A valid layer: sides from what the kernel, stride and pool need.
    function _drawLayer(uint256 seed) private pure returns (IntegerInference.Layer memory layer) {
        layer.channels = uint16(1 + seed % 4);
        layer.outputs = uint16(1 + (seed >> 8) % 4);
        layer.kernelHeight = uint8(1 + (seed >> 16) % 3);
        layer.kernelWidth = uint8(1 + (seed >> 24) % 3);
        layer.strideDown = uint8(1 + (seed >> 32) % 2);
        layer.strideRight = uint8(1 + (seed >> 40) % 2);
        layer.paddingTop = uint8((seed >> 48) % layer.kernelHeight);
        layer.paddingSide = uint8((seed >> 56) % layer.kernelWidth);
        layer.shift = uint8((seed >> 64) % 12);
        layer.relu = (seed >> 72) % 2 == 1;
        layer.pool = uint8((seed >> 80) % 3);
        uint256 side = layer.pool == 0 ? 1 : layer.pool;
        uint256 outHeight = side * (1 + (seed >> 88) % 2);
        uint256 outWidth = side * (1 + (seed >> 96) % 3);
        uint256 rows = (outHeight - 1) * layer.strideDown + layer.kernelHeight + 2;
        uint256 columns = (outWidth - 1) * layer.strideRight + layer.kernelWidth + 2;
        // Both paddings are at most two, so the image keeps a row and a column.
        layer.height = uint16(rows - 2 * layer.paddingTop > 2 ? rows - 2 - 2 * layer.paddingTop : 1);
        layer.width = uint16(columns - 2 * layer.paddingSide > 2 ? columns - 2 - 2 * layer.paddingSide : 1);
        if ((uint256(layer.height) + 2 * layer.paddingTop - layer.kernelHeight) / layer.strideDown + 1 != outHeight) {
            layer.pool = 0;
        }
        if ((uint256(layer.width) + 2 * layer.paddingSide - layer.kernelWidth) / layer.strideRight + 1 != outWidth) {
            layer.pool = 0;
        }
    }

    function _drawBytes(bytes32 seed, uint256 length) private pure returns (bytes memory drawn) {
        drawn = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            drawn[i] = keccak256(abi.encode(seed, i))[0];
        }
    }

    function _plainDot(uint256 weights, uint256 activations) private pure returns (int256 sum) {
        for (uint256 i = 0; i < 32; ++i) {
            sum += int256(int8(uint8(weights >> 8 * i))) * int8(uint8(bytes32(activations)[i]));
        }
    }

    function _plainValue(
        IntegerInference.Layer memory layer,
        IntegerInference.Geometry memory geometry,
        bytes memory inputs,
        uint256[] memory weights,
        bytes memory affine,
        uint256 index
    ) private pure returns (int256) {
        uint256 channel = index / (geometry.outHeight * geometry.outWidth);
        uint256 place = index % (geometry.outHeight * geometry.outWidth);
        int256 sum = 0;
        for (uint256 k = 0; k < geometry.fanIn; ++k) {
            uint256 word = weights[channel * geometry.words + k / 32];
            sum += int256(int8(uint8(word >> 8 * (k % 32)))) * _under(layer, geometry, inputs, place, k);
        }
        uint256 first = 6 * channel;
        uint48 packed;
        for (uint256 i = 0; i < 6; ++i) {
            packed = packed << 8 | uint8(affine[first + i]);
        }
        return int256(int16(uint16(packed >> 32))) * sum + int256(int32(uint32(packed)));
    }

    /// @dev What lies under the kernel's k-th number; zero on padding.
    function _under(
        IntegerInference.Layer memory layer,
        IntegerInference.Geometry memory geometry,
        bytes memory inputs,
        uint256 place,
        uint256 k
    ) private pure returns (int256) {
        uint256 area = uint256(layer.kernelHeight) * layer.kernelWidth;
        uint256 row = place / geometry.outWidth * layer.strideDown + k % area / layer.kernelWidth;
        uint256 column = place % geometry.outWidth * layer.strideRight + k % area % layer.kernelWidth;
        if (row < layer.paddingTop || row >= uint256(layer.paddingTop) + layer.height) return 0;
        if (column < layer.paddingSide || column >= uint256(layer.paddingSide) + layer.width) return 0;
        uint256 line = k / area * layer.height + row - layer.paddingTop;
        return int8(uint8(inputs[line * layer.width + column - layer.paddingSide]));
    }
}
