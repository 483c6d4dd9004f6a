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
