// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {ForgeTest} from "../Forge.sol";
import {MerkleTreeHarness} from "./MerkleTreeHarness.sol";
import {TreeBuilder} from "./TreeBuilder.sol";

contract MerkleTreeTest is ForgeTest {
    uint256 private constant MAX_COUNT = 40;

    MerkleTreeHarness private immutable harness = new MerkleTreeHarness();

    // What Python says (tests/freezenet/test_merkle.py)

    function test_RootsAreThoseOfPython() public view {
        string memory json = vm.readFile("tests/vectors/merkle.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertTrue(count >= 20);
        for (uint256 i = 0; i < count; ++i) {
            string memory vector = string.concat(".cases[", vm.toString(i), "]");
            uint256 first = vm.parseJsonUint(json, string.concat(vector, ".first"));
            uint256 length = vm.parseJsonUint(json, string.concat(vector, ".length"));
            bytes[] memory leaves = new bytes[](length);
            for (uint256 k = 0; k < length; ++k) {
                leaves[k] = _content(first + k);
            }
            bytes32 root = harness.rootOf(
                leaves,
                first,
                vm.parseJsonUint(json, string.concat(vector, ".leaves")),
                vm.parseJsonBytes32Array(json, string.concat(vector, ".path"))
            );
            assertEq(root, vm.parseJsonBytes32(json, string.concat(vector, ".result")));
        }
    }

    // Every row of every tree

    /// @dev By RFC 6962's own words: split at the greatest power of two below the number of leaves.
    function testFuzz_RowsLeadToTheRootOfTheDefinition(uint256 count, uint256 first, uint256 length) public view {
        count = bound(count, 1, MAX_COUNT);
        first = bound(first, 0, count - 1);
        length = bound(length, 1, count - first);
        bytes32[] memory all = _hashes(count);
        bytes32[] memory path = TreeBuilder.pathOf(all, first, length);
        assertEq(harness.rootOf(_row(first, length), first, count, path), _definition(all, 0, count));
    }

    function testFuzz_WordsAreLeavesOf32Bytes(uint256 word) public view {
        assertEq(harness.leafOfWord(word), harness.leafOf(abi.encode(word)));
        assertEq(harness.leafOfWord(word), keccak256(abi.encodePacked(uint8(0), word)));
    }

    function testFuzz_LeavesAreNoNodes(bytes32 left, bytes32 right) public view {
        assertEq(harness.nodeOf(left, right), keccak256(abi.encodePacked(uint8(1), left, right)));
        assertTrue(harness.nodeOf(left, right) != harness.leafOf(bytes.concat(left, right)));
    }

    // Forgeries lead elsewhere

    function testFuzz_ChangedLeafLeadsElsewhere(uint256 count, uint256 first, uint8 index, uint8 by) public view {
        vm.assume(by != 0);
        count = bound(count, 1, MAX_COUNT);
        first = bound(first, 0, count - 1);
        bytes32[] memory all = _hashes(count);
        bytes[] memory leaves = _row(first, 1);
        leaves[0][index % leaves[0].length] ^= bytes1(by);
        assertTrue(
            harness.rootOf(leaves, first, count, TreeBuilder.pathOf(all, first, 1)) != _definition(all, 0, count)
        );
    }

    function testFuzz_ChangedPathLeadsElsewhere(uint256 count, uint256 first, uint256 index, uint8 bit) public view {
        count = bound(count, 2, MAX_COUNT);
        first = bound(first, 0, count - 1);
        bytes32[] memory all = _hashes(count);
        bytes32[] memory path = TreeBuilder.pathOf(all, first, 1);
        path[index % path.length] ^= bytes32(uint256(1) << bit);
        assertTrue(harness.rootOf(_row(first, 1), first, count, path) != _definition(all, 0, count));
    }

    /// @dev In full trees all paths are as long, so only the order of hashing tells places apart.
    function testFuzz_OtherPlaceLeadsElsewhere(uint256 first, uint256 other) public view {
        (first, other) = (first % 32, other % 32);
        vm.assume(first != other);
        bytes32[] memory all = _hashes(32);
        bytes32[] memory path = TreeBuilder.pathOf(all, first, 1);
        assertTrue(harness.rootOf(_row(first, 1), other, 32, path) != _definition(all, 0, 32));
    }

    // What is refused

    function testFuzz_RevertWhen_RowIsNotInTheTree(uint256 first, uint8 length, uint256 count) public {
        if (length != 0 && first < count && length <= count - first) first = count;
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeavesOutOfRange.selector, first, length, count));
        harness.rootOf(new bytes[](length), first, count, new bytes32[](0));
    }

    function testFuzz_RevertWhen_PathIsTooShort(uint256 count, uint256 first, uint256 length) public {
        count = bound(count, 2, MAX_COUNT);
        first = bound(first, 0, count - 1);
        bytes32[] memory path = TreeBuilder.pathOf(_hashes(count), first, 1);
        length = length % path.length;
        bytes32[] memory cut = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            cut[i] = path[i];
        }
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.PathTooShort.selector, length));
        harness.rootOf(_row(first, 1), first, count, cut);
    }

    function testFuzz_RevertWhen_PathIsTooLong(uint256 count, uint256 first, uint8 more) public {
        count = bound(count, 1, MAX_COUNT);
        first = bound(first, 0, count - 1);
        bytes32[] memory path = TreeBuilder.pathOf(_hashes(count), first, 1);
        bytes32[] memory stretched = new bytes32[](path.length + 1 + more % 4);
        for (uint256 i = 0; i < path.length; ++i) {
            stretched[i] = path[i];
        }
        bytes4 selector = MerkleTree.PathTooLong.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, path.length, stretched.length));
        harness.rootOf(_row(first, 1), first, count, stretched);
    }

    function test_RevertWhen_NoLeavesAreShown() public {
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeavesOutOfRange.selector, 0, 0, 4));
        harness.rootOf(new bytes[](0), 0, 4, new bytes32[](1));
    }

    /// @dev An inner node with its own children as content does not pass for a leaf of a smaller tree.
    function test_NodeDoesNotPassForALeaf() public view {
        bytes32[] memory all = _hashes(4);
        bytes[] memory forged = new bytes[](1);
        forged[0] = bytes.concat(all[0], all[1]);
        bytes32[] memory path = new bytes32[](1);
        path[0] = harness.nodeOf(all[2], all[3]);
        assertTrue(harness.rootOf(forged, 0, 2, path) != _definition(all, 0, 4));
    }

    function _definition(bytes32[] memory all, uint256 start, uint256 end) private view returns (bytes32) {
        if (end - start == 1) return all[start];
        uint256 half = 1;
        while (2 * half < end - start) {
            half *= 2;
        }
        return harness.nodeOf(_definition(all, start, start + half), _definition(all, start + half, end));
    }

    function _row(uint256 first, uint256 length) private pure returns (bytes[] memory leaves) {
        leaves = new bytes[](length);
        for (uint256 i = 0; i < length; ++i) {
            leaves[i] = _content(first + i);
        }
    }

    function _hashes(uint256 count) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = harness.leafOf(_content(i));
        }
    }

    /// @dev Of several lengths, none of them zero.
    function _content(uint256 index) private pure returns (bytes memory content) {
        content = new bytes(1 + index % 40);
        for (uint256 i = 0; i < content.length; ++i) {
            content[i] = bytes1(uint8(index * 7 + i));
        }
    }
}
