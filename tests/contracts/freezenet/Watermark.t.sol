// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Watermark} from "../../../contracts/freezenet/Watermark.sol";
import {ForgeTest} from "../Forge.sol";
import {WatermarkHarness} from "./WatermarkHarness.sol";

contract WatermarkTest is ForgeTest {
    uint256 private constant MAX_SIZE = (1 << 63) - 1;
    /// @dev Parameters of the paper's network.
    uint256 private constant PAPER_SIZE = 1_306_922;

    WatermarkHarness private immutable harness = new WatermarkHarness();

    // What Python says (scripts/regenerate_freezenet_vectors.py; freezenet_v1.json is older than both)

    function test_PermutationsAreThoseOfThePinnedVectors() public view {
        string memory json = vm.readFile("tests/vectors/freezenet_v1.json");
        bytes32 seed = vm.parseJsonBytes32(json, ".seed");
        uint256[] memory codes = vm.parseJsonUintArray(json, ".weights_first16");
        for (uint256 i = 0; i < codes.length; ++i) {
            assertEq(uint8(harness.code(seed, i)), codes[i]);
        }
        for (uint256 i = 0; i < 3; ++i) {
            string memory vector = string.concat(".vectors[", vm.toString(i), "]");
            uint256 n = vm.parseJsonUint(json, string.concat(vector, ".n"));
            uint256[] memory first = vm.parseJsonUintArray(json, string.concat(vector, ".first8"));
            for (uint256 k = 0; k < first.length; ++k) {
                assertEq(harness.position(seed, n, k), first[k]);
            }
            assertEq(harness.indexAt(seed, n, 0), vm.parseJsonUint(json, string.concat(vector, ".inverse_of_0")));
        }
    }

    /// @dev The digest of all images, in the vectors as numbers of four bytes, lowest first.
    function test_AllImagesAreThoseOfThePinnedVectors() public view {
        string memory json = vm.readFile("tests/vectors/freezenet_v1.json");
        bytes32 seed = vm.parseJsonBytes32(json, ".seed");
        bytes memory images = "";
        for (uint256 i = 0; i < 1000; ++i) {
            uint256 image = Watermark.position(seed, Watermark.domainOf(1000), i);
            images = bytes.concat(images, bytes1(uint8(image)), bytes1(uint8(image >> 8)), hex"0000");
        }
        assertEq(sha256(images), vm.parseJsonBytes32(json, ".vectors[1].sha256_of_all_images_le_u32"));
    }

    function test_PermutationsAreThoseOfPython() public view {
        string memory json = vm.readFile("tests/vectors/freezenet_watermark.json");
        for (uint256 i = 0; i < 28; ++i) {
            string memory vector = string.concat(".permutations[", vm.toString(i), "]");
            bytes32 seed = vm.parseJsonBytes32(json, string.concat(vector, ".seed"));
            uint256 n = vm.parseJsonUint(json, string.concat(vector, ".n"));
            uint256[] memory indices = vm.parseJsonUintArray(json, string.concat(vector, ".indices"));
            uint256[] memory positions = vm.parseJsonUintArray(json, string.concat(vector, ".result"));
            uint256[] memory inverses = vm.parseJsonUintArray(json, string.concat(vector, ".inverses"));
            for (uint256 k = 0; k < indices.length; ++k) {
                assertEq(harness.position(seed, n, indices[k]), positions[k]);
                assertEq(harness.indexAt(seed, n, indices[k]), inverses[k]);
            }
        }
    }

    function test_SeedsAreThoseOfPython() public {
        string memory json = vm.readFile("tests/vectors/freezenet_watermark.json");
        for (uint256 i = 0; i < 3; ++i) {
            string memory vector = string.concat(".seeds[", vm.toString(i), "]");
            address deployed = vm.parseJsonAddress(json, string.concat(vector, ".contract"));
            vm.etch(deployed, address(harness).code);
            vm.chainId(vm.parseJsonUint(json, string.concat(vector, ".chainId")));
            bytes32 seed = WatermarkHarness(deployed)
                .boundSeed(
                    vm.parseJsonUint(json, string.concat(vector, ".taskId")),
                    vm.parseJsonUint(json, string.concat(vector, ".round")),
                    vm.parseJsonBytes32(json, string.concat(vector, ".beacon")),
                    vm.parseJsonAddress(json, string.concat(vector, ".miner")),
                    vm.parseJsonUint(json, string.concat(vector, ".length")),
                    vm.parseJsonBytes32(json, string.concat(vector, ".architectureHash"))
                );
            assertEq(seed, vm.parseJsonBytes32(json, string.concat(vector, ".result")));
        }
    }

    function test_CodesAreThoseOfPython() public view {
        string memory json = vm.readFile("tests/vectors/freezenet_watermark.json");
        for (uint256 i = 0; i < 2; ++i) {
            string memory vector = string.concat(".codes[", vm.toString(i), "]");
            bytes32 seed = vm.parseJsonBytes32(json, string.concat(vector, ".seed"));
            uint256[] memory codes = vm.parseJsonUintArray(json, string.concat(vector, ".result"));
            assertEq(codes.length, 64);
            for (uint256 k = 0; k < codes.length; ++k) {
                assertEq(uint8(harness.code(seed, k)), codes[k]);
            }
        }
    }

    function test_TensorSeedsAreThoseOfPython() public view {
        string memory json = vm.readFile("tests/vectors/freezenet_watermark.json");
        for (uint256 i = 0; i < 3; ++i) {
            string memory vector = string.concat(".tensors[", vm.toString(i), "]");
            bytes32 seed = vm.parseJsonBytes32(json, string.concat(vector, ".seed"));
            uint256 tensor = vm.parseJsonUint(json, string.concat(vector, ".tensor"));
            assertEq(harness.tensorSeed(seed, tensor), vm.parseJsonBytes32(json, string.concat(vector, ".result")));
        }
    }

    // The permutation

    function testFuzz_InverseUndoesThePermutation(bytes32 seed, uint256 n, uint256 index) public pure {
        n = bound(n, 1, MAX_SIZE);
        index = bound(index, 0, n - 1);
        uint256 place = Watermark.position(seed, Watermark.domainOf(n), index);
        assertTrue(place < n);
        assertEq(Watermark.indexAt(seed, Watermark.domainOf(n), place), index);
    }

    function testFuzz_PermutationUndoesTheInverse(bytes32 seed, uint64 n, uint256 place) public pure {
        n = uint64(bound(n, 1, 1 << 20));
        place = bound(place, 0, n - 1);
        uint256 index = Watermark.indexAt(seed, Watermark.domainOf(n), place);
        assertTrue(index < n);
        assertEq(Watermark.position(seed, Watermark.domainOf(n), index), place);
    }

    function testFuzz_EveryPositionIsTakenOnce(bytes32 seed, uint8 size) public pure {
        uint256 n = uint256(size) % 100 + 1;
        uint256 taken = 0;
        for (uint256 i = 0; i < n; ++i) {
            taken |= 1 << Watermark.position(seed, Watermark.domainOf(n), i);
        }
        assertEq(taken, (1 << n) - 1);
    }

    /// @dev The definition with checked arithmetic, hashes by `abi.encode` and the root by bisection.
    function testDiff_PositionIsThatOfThePlainNetwork(bytes32 seed, uint256 n, uint256 index) public pure {
        n = bound(n, 1, MAX_SIZE);
        index = bound(index, 0, n - 1);
        assertEq(Watermark.position(seed, Watermark.domainOf(n), index), _plainPosition(seed, n, index));
    }

    function testFuzz_OtherSeedsGiveOtherPermutations(bytes32 seed, uint8 bit) public pure {
        uint256 same = 0;
        for (uint256 i = 0; i < 16; ++i) {
            uint256 place = Watermark.position(seed, Watermark.domainOf(PAPER_SIZE), i);
            if (place == Watermark.position(seed ^ bytes32(1 << bit), Watermark.domainOf(PAPER_SIZE), i)) ++same;
        }
        // One coincidence in 2^16 draws or so happens, three in sixteen do not.
        assertLe(same, 2);
    }

    function testFuzz_RevertWhen_ThereAreNoPositions(bytes32 seed, uint256 element) public {
        vm.expectRevert(abi.encodeWithSelector(Watermark.SizeOutOfRange.selector, 0, MAX_SIZE));
        harness.position(seed, 0, element);
        vm.expectRevert(abi.encodeWithSelector(Watermark.SizeOutOfRange.selector, 0, MAX_SIZE));
        harness.indexAt(seed, 0, element);
    }

    function testFuzz_RevertWhen_ThereAreTooManyPositions(bytes32 seed, uint256 n) public {
        n = bound(n, MAX_SIZE + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Watermark.SizeOutOfRange.selector, n, MAX_SIZE));
        harness.position(seed, n, 0);
        vm.expectRevert(abi.encodeWithSelector(Watermark.SizeOutOfRange.selector, n, MAX_SIZE));
        harness.indexAt(seed, n, 0);
    }

    function testFuzz_RevertWhen_ThePositionIsOutside(bytes32 seed, uint256 n, uint256 element) public {
        n = bound(n, 1, MAX_SIZE);
        element = bound(element, n, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Watermark.PositionOutOfRange.selector, element, n));
        harness.position(seed, n, element);
        vm.expectRevert(abi.encodeWithSelector(Watermark.PositionOutOfRange.selector, element, n));
        harness.indexAt(seed, n, element);
    }

    // Seeds and codes

    /// @dev Each part changes the seed: chain, contract, task, round, beacon, miner, length, architecture.
    function testFuzz_EveryPartBindsTheSeed(
        uint256 task,
        bytes32 beacon,
        address miner,
        bytes32 architecture,
        uint8 part
    ) public {
        part = part % 8;
        bytes32 before = harness.boundSeed(task, 1, beacon, miner, 2, architecture);
        WatermarkHarness other = part == 1 ? new WatermarkHarness() : harness;
        if (part == 0) vm.chainId(block.chainid + 1);
        if (part == 2) task = ~task;
        if (part == 4) beacon = ~beacon;
        if (part == 5) miner = address(~uint160(miner));
        if (part == 7) architecture = ~architecture;
        (uint256 round, uint256 length) = (part == 3 ? 2 : 1, part == 6 ? 1 : 2);
        assertTrue(before != other.boundSeed(task, round, beacon, miner, length, architecture));
    }

    function testFuzz_TensorsHaveSeedsOfTheirOwn(bytes32 seed, uint64 first, uint64 second) public view {
        vm.assume(first != second);
        assertTrue(harness.tensorSeed(seed, first) != harness.tensorSeed(seed, second));
        assertTrue(harness.tensorSeed(seed, first) != seed);
    }

    function testFuzz_RevertWhen_TheTensorIsBeyondTheLast(bytes32 seed, uint256 tensor) public {
        tensor = bound(tensor, 1 << 64, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Watermark.TensorOutOfRange.selector, tensor, 1 << 64));
        harness.tensorSeed(seed, tensor);
    }

    function testFuzz_CodeIsAByteOfItsWord(bytes32 seed, uint128 index) public view {
        uint256 word = uint256(keccak256(abi.encode(seed, (1 << 128) | uint256(index) / 32)));
        assertEq(harness.codeWord(seed, uint256(index) / 32), word);
        assertEq(uint8(harness.code(seed, index)), uint8(bytes32(word)[31 - uint256(index) % 32]));
    }

    // Gas, as the specification has it

    function test_PositionsAndCodesCostWhatTheyMay() public view {
        bytes32 seed = keccak256("gas");
        uint256 before = gasleft();
        Watermark.Domain memory domain = Watermark.domainOf(PAPER_SIZE);
        uint256 prepared = before - gasleft();
        before = gasleft();
        uint256 place = Watermark.position(seed, domain, 12_345);
        uint256 forward = before - gasleft();
        before = gasleft();
        Watermark.indexAt(seed, domain, place);
        uint256 backward = before - gasleft();
        before = gasleft();
        Watermark.code(seed, 12_345);
        uint256 drawn = before - gasleft();
        assertLe(prepared, 1400);
        assertLe(forward, 1300);
        assertLe(backward, 1400);
        assertLe(drawn, 165);
    }

    function _plainPosition(bytes32 seed, uint256 n, uint256 x) private pure returns (uint256) {
        uint256 a = 1;
        uint256 top = 1 << 32;
        while (a < top) {
            uint256 middle = (a + top) / 2;
            if (middle * middle >= n) top = middle;
            else a = middle + 1;
        }
        uint256 b = (n + a - 1) / a;
        do {
            uint256[2] memory halves = [x / b, x % b];
            for (uint256 k = 0; k < 8; ++k) {
                uint256 modulus = k % 2 == 0 ? a : b;
                uint256 image = uint256(keccak256(abi.encode(seed, ((k + 1) << 64) | halves[1 - k % 2])));
                halves[k % 2] = (halves[k % 2] + image % modulus) % modulus;
            }
            x = halves[0] * b + halves[1];
        } while (x >= n);
        return x;
    }
}
