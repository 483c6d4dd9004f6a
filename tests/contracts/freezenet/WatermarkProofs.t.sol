// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Watermark} from "../../../contracts/freezenet/Watermark.sol";

/// @notice What holds of the permutation for every seed, on domains of few positions; halmos proves it
/// (tests/freezenet/test_halmos.py). To it a hash is any function, so each theorem is about all round functions at
/// once. The domains fill their grids, whose sides are powers of two: a remainder is then a few bits, which its solver
/// knows. Of other domains, and of walks through points outside, the fuzz tests speak.
contract WatermarkProofs {
    function check_InverseUndoesThePermutationOfFour(bytes32 seed, uint256 index) public pure {
        _inverseUndoesPermutation(seed, 4, index);
    }

    function check_PermutationUndoesTheInverseOfFour(bytes32 seed, uint256 place) public pure {
        _permutationUndoesInverse(seed, 4, place);
    }

    function check_InverseUndoesThePermutationOfSixteen(bytes32 seed, uint256 index) public pure {
        _inverseUndoesPermutation(seed, 16, index);
    }

    /// @dev Two rows of one column: only the even rounds do anything.
    function check_InverseUndoesThePermutationOfTwo(bytes32 seed, uint256 index) public pure {
        _inverseUndoesPermutation(seed, 2, index);
    }

    function check_OnePositionStays(bytes32 seed) public pure {
        assert(Watermark.position(seed, Watermark.domainOf(1), 0) == 0);
    }

    /// @dev Injective, hence a permutation.
    function check_DifferentIndicesLieApart(bytes32 seed, uint256 first, uint256 second) public pure {
        Watermark.Domain memory domain = Watermark.domainOf(4);
        if (first >= 4 || second >= 4 || first == second) return;
        assert(Watermark.position(seed, domain, first) != Watermark.position(seed, domain, second));
    }

    function _inverseUndoesPermutation(bytes32 seed, uint256 n, uint256 index) private pure {
        if (index >= n) return;
        Watermark.Domain memory domain = Watermark.domainOf(n);
        uint256 place = Watermark.position(seed, domain, index);
        assert(place < n);
        assert(Watermark.indexAt(seed, domain, place) == index);
    }

    function _permutationUndoesInverse(bytes32 seed, uint256 n, uint256 place) private pure {
        if (place >= n) return;
        Watermark.Domain memory domain = Watermark.domainOf(n);
        uint256 index = Watermark.indexAt(seed, domain, place);
        assert(index < n);
        assert(Watermark.position(seed, domain, index) == place);
    }
}

/// @notice False theorems: their counterexamples show that the true ones are about something.
contract WatermarkFalsehoods {
    function check_PermutationIsTheIdentity(bytes32 seed, uint256 index) public pure {
        if (index >= 4) return;
        assert(Watermark.position(seed, Watermark.domainOf(4), index) == index);
    }

    function check_PermutationIsItsOwnInverse(bytes32 seed, uint256 index) public pure {
        if (index >= 4) return;
        Watermark.Domain memory domain = Watermark.domainOf(4);
        assert(Watermark.position(seed, domain, index) == Watermark.indexAt(seed, domain, index));
    }
}
