// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WeightsLayout} from "../../../../contracts/zk/native/WeightsLayout.sol";
import {WeightsProof} from "../../../../contracts/zk/native/WeightsProof.sol";
import {NativeVectors} from "./NativeVectors.sol";

contract WeightsHarness {
    using WeightsLayout for WeightsLayout.Places;

    function proofWords(uint32[] calldata widths, uint256 weightBits, uint256 degree) external pure returns (uint256) {
        return _places(widths, weightBits, degree).proofWords();
    }

    function verify(
        uint32[] calldata widths,
        uint256 weightBits,
        uint256 degree,
        bytes32 digest,
        uint256 context,
        bytes calldata proof,
        uint256[4] calldata tau
    ) external view returns (bool) {
        return WeightsProof.verify(_places(widths, weightBits, degree), digest, context, proof, tau);
    }

    function _places(uint32[] calldata widths, uint256 weightBits, uint256 degree)
        private
        pure
        returns (WeightsLayout.Places memory places)
    {
        places = WeightsLayout.plan(widths, weightBits);
        places.place(degree);
    }
}

contract WeightsProofTest is NativeVectors {
    struct Statement {
        uint32[] widths;
        uint256 weightBits;
        uint256 degree;
        bytes32 digest;
        uint256 context;
        bytes proof;
        uint256[4] tau;
    }

    WeightsHarness private immutable harness = new WeightsHarness();

    function test_AcceptsEveryVector() public view {
        for (uint256 i = 0; i < WEIGHTS_VECTORS; ++i) {
            assertTrue(_isAccepted(_statement(i)));
        }
    }

    function test_ProofsHaveTheLengthOfTheLayout() public view {
        for (uint256 i = 0; i < WEIGHTS_VECTORS; ++i) {
            Statement memory made = _statement(i);
            assertEq(32 * harness.proofWords(made.widths, made.weightBits, made.degree), made.proof.length);
        }
    }

    function test_RefusesEveryWordThatIsOneHigherOrNotCanonical() public view {
        for (uint256 i = 0; i < WEIGHTS_VECTORS; ++i) {
            Statement memory made = _statement(i);
            for (uint256 word = 0; word < made.proof.length / 32; ++word) {
                uint256 kept = wordOf(made.proof, word);
                setWord(made.proof, word, kept + 1);
                assertFalse(_isAccepted(made));
                setWord(made.proof, word, kept + ORDER);
                assertFalse(_isAccepted(made));
                setWord(made.proof, word, 0);
                assertFalse(_isAccepted(made));
                setWord(made.proof, word, kept);
            }
            assertTrue(_isAccepted(made));
        }
    }

    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_RefusesAnotherContextKeyOrTau(uint256 vector, uint256 which, uint256 value) public view {
        Statement memory made = _statement(bound(vector, 0, WEIGHTS_VECTORS - 1));
        which = bound(which, 0, 5);
        if (which == 0) {
            vm.assume(made.context != value);
            made.context = value;
        } else if (which == 1) {
            vm.assume(uint256(made.digest) != value);
            made.digest = bytes32(value);
        } else {
            vm.assume(made.tau[which - 2] != value);
            made.tau[which - 2] = value;
        }
        assertFalse(_isAccepted(made));
    }

    /// @dev With the key's digest kept, so that only the sums can tell.
    function test_RefusesOtherWidthsAndFewerBits() public view {
        Statement memory made = _statement(0);
        for (uint256 i = 0; i < made.widths.length; ++i) {
            made.widths[i] -= 1;
            assertFalse(_isAccepted(made));
            made.widths[i] += 1;
        }
        made.weightBits -= 1;
        assertFalse(_isAccepted(made));
    }

    function test_RefusesEveryForgery() public view {
        string memory forgeries = vm.readFile("tests/vectors/native_forgeries.json");
        for (uint256 i = 0; i < WEIGHTS_FORGERIES; ++i) {
            string memory path = string.concat(".weights[", vm.toString(i), "]");
            Statement memory made = _statement(vm.parseJsonUint(forgeries, string.concat(path, ".circuit")));
            made.proof = vm.parseJsonBytes(forgeries, string.concat(path, ".proof"));
            assertFalse(_isAccepted(made));
        }
    }

    function _isAccepted(Statement memory made) private view returns (bool) {
        return
            harness.verify(made.widths, made.weightBits, made.degree, made.digest, made.context, made.proof, made.tau);
    }

    function _statement(uint256 index) private view returns (Statement memory made) {
        string memory path = string.concat(".weights[", vm.toString(index), "]");
        uint256[] memory widths = vm.parseJsonUintArray(json, string.concat(path, ".shape.widths"));
        made.widths = new uint32[](widths.length);
        for (uint256 i = 0; i < widths.length; ++i) {
            made.widths[i] = uint32(widths[i]);
        }
        made.weightBits = vm.parseJsonUint(json, string.concat(path, ".shape.weight_bits"));
        made.degree = vm.parseJsonUint(json, string.concat(path, ".shape.degree"));
        made.digest = vm.parseJsonBytes32(json, string.concat(path, ".vk"));
        made.context = vm.parseJsonUint(json, ".context");
        made.proof = vm.parseJsonBytes(json, string.concat(path, ".proof"));
        for (uint256 i = 0; i < 4; ++i) {
            made.tau[i] = vm.parseJsonUint(json, string.concat(".tauG2[", vm.toString(i), "]"));
        }
    }
}
