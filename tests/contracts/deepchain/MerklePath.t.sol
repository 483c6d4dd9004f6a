// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerklePath} from "../../../contracts/deepchain/MerklePath.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {ForgeTest} from "../Forge.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";

/// @notice Both libraries, callable from outside.
contract MerklePathHarness {
    function rootOf(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path) external pure returns (bytes32) {
        return MerklePath.rootOf(leaf, index, count, path);
    }

    function twin(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path) external pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = leaf;
        return MerkleTree.rootOf(leaves, index, count, path);
    }
}

contract MerklePathTest is ForgeTest {
    MerklePathHarness private immutable harness = new MerklePathHarness();

    function testDiff_LeavesLeadWhereMerkleTreeLeads(uint256 count, uint256 index, bytes32 seed) public view {
        count = bound(count, 1, 70);
        index = bound(index, 0, count - 1);
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32[] memory path = TreeBuilder.pathOf(leaves, index, 1);
        assertEq(harness.rootOf(leaves[index], index, count, path), TreeBuilder.rootOf(leaves));
        assertEq(harness.twin(leaves[index], index, count, path), TreeBuilder.rootOf(leaves));
    }

    /// @dev Also what is refused, and by which error.
    function testDiff_AnythingElseIsTheSameToBoth(uint16 count, uint16 index, bytes32[] memory path, bytes32 leaf)
        public
        view
    {
        (bool done, bytes memory answer) =
            address(harness).staticcall(abi.encodeCall(harness.rootOf, (leaf, index, count, path)));
        (bool twinDone, bytes memory twinAnswer) =
            address(harness).staticcall(abi.encodeCall(harness.twin, (leaf, index, count, path)));
        assertTrue(done == twinDone);
        assertEq(keccak256(answer), keccak256(twinAnswer));
    }

    function testFuzz_ChangedPathLeadsElsewhere(uint256 count, uint256 index, uint256 which, uint8 bit) public view {
        count = bound(count, 2, 70);
        index = bound(index, 0, count - 1);
        bytes32[] memory leaves = _leaves(count, "seed");
        bytes32[] memory path = TreeBuilder.pathOf(leaves, index, 1);
        path[which % path.length] ^= bytes32(uint256(1) << bit);
        assertTrue(harness.rootOf(leaves[index], index, count, path) != TreeBuilder.rootOf(leaves));
    }

    function test_RevertWhen_LeafIsOutsideOrPathOfAnotherLength() public {
        bytes32[] memory leaves = _leaves(4, "seed");
        bytes32[] memory path = TreeBuilder.pathOf(leaves, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeavesOutOfRange.selector, 4, 1, 4));
        harness.rootOf(leaves[1], 4, 4, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.PathTooShort.selector, 2));
        harness.rootOf(leaves[1], 1, 8, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.PathTooLong.selector, 1, 2));
        harness.rootOf(leaves[1], 1, 2, path);
    }

    function _leaves(uint256 count, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
