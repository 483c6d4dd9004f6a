// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProofPoints} from "../../../contracts/zk/ProofPoints.sol";
import {ForgeTest} from "../Forge.sol";

contract ProofPointsHarness {
    function hashPoints(bytes calldata proof, uint256 first, uint256 count) external pure returns (bytes32) {
        return ProofPoints.hashPoints(proof, first, count);
    }
}

contract ProofPointsTest is ForgeTest {
    ProofPointsHarness private immutable harness = new ProofPointsHarness();

    function testFuzz_HashesTheBytesOfTheRangeAndNoOthers(bytes memory proof, uint256 first, uint256 count)
        public
        view
    {
        uint256 points = proof.length / 64;
        first = bound(first, 0, points);
        count = bound(count, 0, points - first);
        bytes memory range = new bytes(64 * count);
        for (uint256 i = 0; i < range.length; ++i) {
            range[i] = proof[64 * first + i];
        }
        assertEq(harness.hashPoints(proof, first, count), keccak256(range));
    }

    function test_EmptyRangeAtTheEnd() public view {
        assertEq(harness.hashPoints(new bytes(128), 2, 0), keccak256(""));
    }

    function testFuzz_RevertWhen_ProofEndsBeforeTheRange(bytes memory proof, uint8 first, uint8 count) public {
        uint256 end = 64 * (uint256(first) + count);
        vm.assume(proof.length < end);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, proof.length, end));
        harness.hashPoints(proof, first, count);
    }

    function test_RevertWhen_LastByteIsMissing() public {
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 127, 128));
        harness.hashPoints(new bytes(127), 1, 1);
    }
}
