// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";

/// @notice A key of 32 bytes, and vectors of one small number each, for tests of who pays: nothing is secret, and products
/// of all members' numbers are below n². The contracts know no difference.
library ToyKey {
    uint256 internal constant WIDTH = 32;
    uint256 internal constant P = (1 << 127) - 1;
    uint256 internal constant Q = (1 << 128) - 159;
    uint256 internal constant N = P * Q;
    uint256 internal constant PARTIES = 4;
    uint256 internal constant PK_BYTES = 130;
    uint256 internal constant CD_BYTES = 100;

    function keyRoot() internal pure returns (bytes32) {
        return TreeBuilder.rootOf(_leaves());
    }

    function element(uint256 place) internal pure returns (Vectors.Element memory) {
        return Vectors.Element(_content(place), TreeBuilder.pathOf(_leaves(), place, 1));
    }

    /// @dev A vector of one number is its only leaf.
    function rootOf(uint256 number) internal pure returns (bytes32) {
        return MerkleTree.leafOf(residue(number));
    }

    function vectorOf(uint256 number) internal pure returns (Vectors.Element memory) {
        return Vectors.Element(residue(number), new bytes32[](0));
    }

    function residue(uint256 number) internal pure returns (bytes memory) {
        return abi.encode(uint256(0), number);
    }

    /// @dev The root of a trace of 2^depth states that are all 1, and the path of the first two.
    function traceOfOnes(uint256 depth) internal pure returns (bytes32 node, bytes32[] memory path) {
        path = new bytes32[](depth - 1);
        node = rootOf(1);
        for (uint256 level = 0; level < depth; ++level) {
            if (level > 0) path[level - 1] = node;
            node = MerkleTree.nodeOf(node, node);
        }
    }

    function _leaves() private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](Vectors.V + 1 + PARTIES);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = MerkleTree.leafOf(_content(i));
        }
    }

    function _content(uint256 place) private pure returns (bytes memory) {
        if (place == Vectors.N_SQUARED) return _squareOfN();
        if (place == Vectors.N) return residue(N);
        return residue(N - place);
    }

    /// @dev n² in two words.
    function _squareOfN() private pure returns (bytes memory) {
        uint256 low;
        unchecked {
            low = N * N;
        }
        uint256 rest = mulmod(N, N, type(uint256).max);
        // mulmod modulo 2^256 - 1 is high + low, less 2^256 - 1 if that is as great.
        uint256 high = rest >= low ? rest - low : rest + type(uint256).max - low;
        return abi.encode(high, low);
    }
}
