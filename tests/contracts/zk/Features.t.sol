// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {Features} from "../../../contracts/zk/Features.sol";
import {ForgeTest} from "../Forge.sol";

contract FeaturesHarness {
    function isWellFormed(bytes calldata input) external pure returns (bool) {
        return Features.isWellFormed(input);
    }

    function evaluate(bytes calldata input, uint256 rho) external pure returns (uint256) {
        return Features.evaluate(input, rho);
    }
}

contract FeaturesTest is ForgeTest {
    FeaturesHarness private immutable harness = new FeaturesHarness();

    // Length

    function test_WellFormedIsAnEvenNumberOfBytesFromTwoToTheMaximum() public view {
        assertTrue(harness.isWellFormed(new bytes(2)));
        assertTrue(harness.isWellFormed(new bytes(16_384)));
        assertFalse(harness.isWellFormed(""));
        assertFalse(harness.isWellFormed(new bytes(1)));
        assertFalse(harness.isWellFormed(new bytes(16_383)));
        assertFalse(harness.isWellFormed(new bytes(16_385)));
        assertFalse(harness.isWellFormed(new bytes(16_386)));
    }

    function testFuzz_LengthAloneDecides(bytes memory input) public view {
        bool even = input.length % 2 == 0;
        assertTrue(harness.isWellFormed(input) == (even && input.length > 0 && input.length <= 16_384));
    }

    // Evaluation

    /// @dev The sum by its definition, each power by repeated multiplication.
    function testDiff_EvaluatesThePolynomialAtRho(uint16[] memory features, uint256 rho) public view {
        rho = bound(rho, 0, BN254.SCALAR_FIELD - 1);
        uint256 sum = 0;
        bytes memory input = "";
        for (uint256 i = 0; i <= features.length; ++i) {
            uint256 power = 1;
            for (uint256 j = 0; j < i; ++j) {
                power = mulmod(power, rho, BN254.SCALAR_FIELD);
            }
            uint256 coefficient = i < features.length ? features[i] : 1;
            sum = addmod(sum, mulmod(power, coefficient, BN254.SCALAR_FIELD), BN254.SCALAR_FIELD);
            if (i < features.length) input = abi.encodePacked(input, features[i]);
        }
        assertEq(harness.evaluate(input, rho), sum);
    }

    function test_FirstFeatureIsTheConstantAndBytesAreBigEndian() public view {
        assertEq(harness.evaluate(hex"0102", 1000), 1000 + 0x0102);
        assertEq(harness.evaluate(hex"00050003", 1000), 1_003_005);
        assertEq(harness.evaluate(hex"00050003ffff", 0), 5);
        assertEq(harness.evaluate(hex"00050003ffff", 1), 5 + 3 + 0xffff + 1);
        // rho = -1
        assertEq(harness.evaluate(hex"00050003", BN254.SCALAR_FIELD - 1), 3);
        assertEq(harness.evaluate(hex"00030005", BN254.SCALAR_FIELD - 1), BN254.SCALAR_FIELD - 1);
    }

    /// @dev The polynomial is monic, so its degree says how many features there are.
    function testFuzz_ZerosAtTheEndChangeTheEvaluation(bytes32 data, uint8 zeros, uint256 rho) public view {
        // Their difference is rho^16 * (rho^zeros - 1). Of its roots no draw meets the others.
        rho = bound(rho, 2, BN254.SCALAR_FIELD - 2);
        vm.assume(zeros != 0);
        bytes memory longer = bytes.concat(data, new bytes(2 * uint256(zeros)));
        assertTrue(harness.evaluate(longer, rho) != harness.evaluate(abi.encodePacked(data), rho));
    }

    /// @dev At the largest scalar and the largest features nothing wraps but the field.
    function test_LongestInputIsEvaluated() public view {
        bytes memory input = new bytes(16_384);
        for (uint256 i = 0; i < input.length; ++i) {
            input[i] = 0xff;
        }
        assertEq(harness.evaluate(input, 1), 8192 * 0xffff + 1);
        // An even number of features of alternating signs.
        assertEq(harness.evaluate(input, BN254.SCALAR_FIELD - 1), 1);
    }

    function testFuzz_OneChangedFeatureChangesTheEvaluation(bytes32 data, uint8 index, uint16 to, uint256 rho)
        public
        view
    {
        // Their difference has one term, which is zero for rho = 0 only.
        rho = bound(rho, 1, BN254.SCALAR_FIELD - 1);
        uint256 place = 2 * (index % 16);
        bytes memory input = abi.encodePacked(data);
        uint16 from = uint16(uint8(input[place])) << 8 | uint8(input[place + 1]);
        vm.assume(from != to);
        uint256 before = harness.evaluate(input, rho);
        (input[place], input[place + 1]) = (bytes1(uint8(to >> 8)), bytes1(uint8(to)));
        assertTrue(harness.evaluate(input, rho) != before);
    }
}
