// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";

/// @notice What a miner or sponsor computes of a `MerkleTree`: its root, and paths of rows of leaves.
library TreeBuilder {
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        while (leaves.length > 1) {
            leaves = _parents(leaves);
        }
        return leaves[0];
    }

    function pathOf(bytes32[] memory leaves, uint256 first, uint256 length)
        internal
        pure
        returns (bytes32[] memory path)
    {
        bytes memory found = "";
        uint256 last = first + length - 1;
        while (leaves.length > 1) {
            if (first % 2 == 1) found = bytes.concat(found, leaves[first - 1]);
            if (last % 2 == 0 && last + 1 < leaves.length) found = bytes.concat(found, leaves[last + 1]);
            (first, last, leaves) = (first / 2, last / 2, _parents(leaves));
        }
        path = new bytes32[](found.length / 32);
        for (uint256 i = 0; i < path.length; ++i) {
            bytes32 hash;
            assembly ("memory-safe") {
                hash := mload(add(add(found, 0x20), mul(i, 0x20)))
            }
            path[i] = hash;
        }
    }

    function _parents(bytes32[] memory level) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < parents.length; ++i) {
            parents[i] = 2 * i + 1 < level.length ? MerkleTree.nodeOf(level[2 * i], level[2 * i + 1]) : level[2 * i];
        }
    }
}
