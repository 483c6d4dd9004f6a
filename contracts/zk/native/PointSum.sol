// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title A sum of multiples of points of BN254's G1, and one pairing equation, by the precompiles of EIP-196 and EIP-197
/// @notice The precompiles refuse a coordinate at or above the field's modulus and a point off the curve: then the sum is
/// invalid for good. G1 has order r, so a point on the curve is in the group.
library PointSum {
    /// @dev Each call stands in a statement of its own: in an expression Yul evaluates arguments from the last to the first,
    /// so that a load beside a call may see memory from before it. A precompile that refuses its input burns all the gas it
    /// gets; these limits are four times the prices of EIP-1108, and after a refusal no other is called.
    uint256 private constant G1_GAS = 24_600;
    uint256 private constant PAIRING_GAS = 452_000;
    /// @dev Modulus of coordinates.
    uint256 private constant FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    /// @param x, y the sum so far; the point at infinity is (0, 0).
    /// @param termX, termY, factor what is added next; beside the sum, so that the precompiles read both where they are.
    /// @param isValid whether no precompile has refused.
    struct Sum {
        uint256 x;
        uint256 y;
        uint256 termX;
        uint256 termY;
        uint256 factor;
        bool isValid;
    }

    /// @notice An empty sum.
    function empty() internal pure returns (Sum memory sum) {
        sum.isValid = true;
    }

    /// @notice The sum of one point, not checked before something is added.
    function single(Words point) internal pure returns (Sum memory sum) {
        sum.x = point.wordAt(0);
        sum.y = point.wordAt(1);
        sum.isValid = true;
    }

    /// @notice sum ← sum + factor·(x, y).
    function add(Sum memory sum, uint256 x, uint256 y, Scalar factor) internal view {
        // Precompiles take raw memory.
        assembly ("memory-safe") {
            let isValid := mload(add(sum, 0xa0))
            if isValid {
                let term := add(sum, 0x40)
                mstore(term, x)
                mstore(add(term, 0x20), y)
                mstore(add(term, 0x40), factor)
                isValid := staticcall(G1_GAS, 7, term, 0x60, term, 0x40)
                if isValid { isValid := staticcall(G1_GAS, 6, sum, 0x80, sum, 0x40) }
                mstore(add(sum, 0xa0), isValid)
            }
        }
    }

    /// @notice sum ← sum + factor·point, the point being two words of memory.
    function add(Sum memory sum, Words point, Scalar factor) internal view {
        // The same with two loads.
        uint256 x;
        uint256 y;
        assembly ("memory-safe") {
            x := mload(point)
            y := mload(add(point, 0x20))
        }
        add(sum, x, y, factor);
    }

    /// @notice Adds Σ_i factors_i·points_i, points being two words each.
    function addAll(Sum memory sum, Words points, uint256 count, Words factors) internal view {
        for (uint256 i = 0; i < count; ++i) {
            add(sum, points, factors.get(i));
            points = points.from(2);
        }
    }

    /// @notice Whether e(left, g2) = e(right, tau). False if a sum is invalid.
    /// @param tau [τ]_2: x imaginary, x real, y imaginary, y real.
    function arePaired(Sum memory left, Sum memory right, Words tau) internal view returns (bool isPaired) {
        if (!left.isValid || !right.isValid) return false;
        uint256[12] memory pairs = [
            left.x,
            left.y,
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa,
            right.x,
            (FIELD - right.y) % FIELD,
            tau.wordAt(0),
            tau.wordAt(1),
            tau.wordAt(2),
            tau.wordAt(3)
        ];
        // The product of both pairings is one: the precompile answers with the word 1.
        assembly ("memory-safe") {
            isPaired := staticcall(PAIRING_GAS, 8, pairs, 0x180, pairs, 0x20)
            isPaired := and(isPaired, eq(mload(pairs), 1))
        }
    }
}
