// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ORDER, Scalar} from "./Scalar.sol";
import {Words, reserve} from "./Words.sol";

/// @title Multilinear polynomials at a point
/// @notice eq(a, b) = Π (1 - a_i - b_i + 2·a_i·b_i). Variable 0 is the lowest bit of an index, and `point` is read from its
/// first coordinate.
/// @dev The loops are assembly because they are where a verification spends its gas; `tests/contracts/zk/native` holds each
/// against its definition in plain Solidity. Sums of a few scalars below r stay unreduced, below 2^256, where the next step
/// reduces them; r is on the stack because the optimiser would fetch so frequent a constant from the code.
library Multilinear {
    /// @notice eq(a, b) over `count` coordinates.
    function eq(Words a, Words b, uint256 count) internal pure returns (Scalar product) {
        assembly ("memory-safe") {
            let r := ORDER
            let beyond := add(add(r, r), 1)
            product := 1
            let shift := sub(b, a)
            let end := add(a, shl(5, count))
            // Two coordinates a turn, after an odd first one.
            if and(count, 1) {
                let x := mload(a)
                let y := mload(b)
                let xy := mulmod(x, y, r)
                product := addmod(add(xy, xy), sub(beyond, add(x, y)), r)
                a := add(a, 0x20)
            }
            for {} lt(a, end) { a := add(a, 0x20) } {
                let x := mload(a)
                let y := mload(add(a, shift))
                let xy := mulmod(x, y, r)
                product := mulmod(product, sub(add(add(xy, xy), beyond), add(x, y)), r)
                a := add(a, 0x20)
                x := mload(a)
                y := mload(add(a, shift))
                xy := mulmod(x, y, r)
                product := mulmod(product, sub(add(add(xy, xy), beyond), add(x, y)), r)
            }
        }
    }

    /// @notice eq(a[k:], b[k:]) for every k from 0 to `count`, the last of them 1.
    function eqOfSuffixes(Words a, Words b, uint256 count) internal pure returns (Words products) {
        products = reserve(count + 1);
        assembly ("memory-safe") {
            let r := ORDER
            let beyond := add(add(r, r), 1)
            let product := 1
            let to := add(products, shl(5, count))
            mstore(to, product)
            let shiftA := sub(a, products)
            let shiftB := sub(b, products)
            for {} gt(to, products) {} {
                to := sub(to, 0x20)
                let x := mload(add(to, shiftA))
                let y := mload(add(to, shiftB))
                let xy := mulmod(x, y, r)
                product := mulmod(product, sub(add(add(xy, xy), beyond), add(x, y)), r)
                mstore(to, product)
            }
        }
    }

    /// @notice eq(k, point) for the bits of the integer k below 2^count, lowest first.
    function eqOfIndex(uint256 k, Words point, uint256 count) internal pure returns (Scalar product) {
        assembly ("memory-safe") {
            let r := ORDER
            product := 1
            let end := add(point, shl(5, count))
            for {} k { k := shr(1, k) } {
                let x := mload(point)
                switch and(k, 1)
                case 0 { product := mulmod(product, sub(add(r, 1), x), r) }
                default { product := mulmod(product, x, r) }
                point := add(point, 0x20)
            }
            // Above k's highest bit all are clear.
            let one := add(r, 1)
            for {} lt(point, end) { point := add(point, 0x20) } {
                product := mulmod(product, sub(one, mload(point)), r)
            }
        }
    }

    /// @notice eq(k, point) for every k below 2^count.
    function eqTable(Words point, uint256 count) internal pure returns (Words table) {
        table = reserve(uint256(1) << count);
        assembly ("memory-safe") {
            let r := ORDER
            mstore(table, 1)
            let size := 0x20
            for { let last := add(point, shl(5, count)) } lt(point, last) { point := add(point, 0x20) } {
                let x := mload(point)
                // From the highest entry down, two a turn but for a single one.
                let low := add(table, size)
                if eq(size, 0x20) {
                    mstore(low, x)
                    low := table
                    mstore(low, addmod(1, sub(r, x), r))
                }
                for {} gt(low, table) {} {
                    low := sub(low, 0x20)
                    let whole := mload(low)
                    let high := mulmod(whole, x, r)
                    mstore(add(low, size), high)
                    mstore(low, addmod(whole, sub(r, high), r))
                    low := sub(low, 0x20)
                    whole := mload(low)
                    high := mulmod(whole, x, r)
                    mstore(add(low, size), high)
                    mstore(low, addmod(whole, sub(r, high), r))
                }
                size := add(size, size)
            }
        }
    }

    /// @notice The multilinear extension of [k < bound]: Σ_{k < bound} eq(k, point), for `bound` up to 2^count.
    /// @dev From the lowest bit to the highest: k is below the bound if its highest bit is clear and the bound's is set, or if
    /// both agree and the rest is below.
    function isBelow(uint256 bound, Words point, uint256 count) internal pure returns (Scalar value) {
        if (bound >> count != 0) return Scalar.wrap(1);
        assembly ("memory-safe") {
            let r := ORDER
            for { let end := add(point, shl(5, count)) } lt(point, end) { point := add(point, 0x20) } {
                let x := mload(point)
                let clear := sub(add(r, 1), x)
                switch and(bound, 1)
                case 0 { value := mulmod(clear, value, r) }
                default { value := addmod(clear, mulmod(x, value, r), r) }
                bound := shr(1, bound)
            }
        }
    }

    /// @notice Σ_{k < bound} eq(k, a)·eq(k, b), for `bound` up to 2^count.
    /// @dev As above; `all` is the sum over all k so far, which is eq(a, b).
    function eqBelow(uint256 bound, Words a, Words b, uint256 count) internal pure returns (Scalar value) {
        if (bound >> count != 0) return eq(a, b, count);
        assembly ("memory-safe") {
            let r := ORDER
            let all := 1
            let shift := sub(b, a)
            for { let end := add(a, shl(5, count)) } lt(a, end) { a := add(a, 0x20) } {
                let x := mload(a)
                let y := mload(add(a, shift))
                let set := mulmod(x, y, r)
                let clear := addmod(add(set, 1), sub(add(r, r), add(x, y)), r)
                switch and(bound, 1)
                case 0 { value := mulmod(clear, value, r) }
                default { value := addmod(mulmod(clear, all, r), mulmod(set, value, r), r) }
                all := mulmod(all, add(clear, set), r)
                bound := shr(1, bound)
            }
        }
    }

    /// @notice Σ_{k < count} 2^k·point_k: the extension of the index itself.
    function index(Words point, uint256 count) internal pure returns (Scalar value) {
        assembly ("memory-safe") {
            let r := ORDER
            for { let place := add(point, shl(5, count)) } gt(place, point) {} {
                place := sub(place, 0x20)
                value := addmod(add(value, value), mload(place), r)
            }
        }
    }

    /// @notice Σ_{k < count} a_k·b_k.
    function inner(Words a, Words b, uint256 count) internal pure returns (Scalar value) {
        assembly ("memory-safe") {
            let r := ORDER
            let shift := sub(b, a)
            for { let end := add(a, shl(5, count)) } lt(a, end) { a := add(a, 0x20) } {
                value := addmod(value, mulmod(mload(a), mload(add(a, shift)), r), r)
            }
        }
    }

    /// @notice 1, x, x², … : `count` powers, at least one.
    function powers(Scalar x, uint256 count) internal pure returns (Words table) {
        table = reserve(count);
        assembly ("memory-safe") {
            let r := ORDER
            let power := 1
            let to := table
            for { let end := add(table, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
                mstore(to, power)
                power := mulmod(power, x, r)
            }
        }
    }
}
