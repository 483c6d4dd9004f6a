// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ORDER, Scalar, powerOfTwo} from "./Scalar.sol";
import {Words, zeros} from "./Words.sol";

/// @title Multilinear polynomials at a point
/// @notice eq(a, b) = Π (1 - a_i - b_i + 2·a_i·b_i). Variable 0 is the lowest bit of an index, and `point` is read from its
/// first coordinate.
/// @dev The loops are assembly because they are where a verification spends its gas; `tests/contracts/zk/native` holds each
/// against its definition in plain Solidity. Sums of a few scalars below r stay unreduced below 2^256 where the next step
/// reduces them.
library Multilinear {
    /// @notice eq(a, b) over `count` coordinates.
    function eq(Words a, Words b, uint256 count) internal pure returns (Scalar product) {
        assembly ("memory-safe") {
            product := 1
            for { let end := add(a, shl(5, count)) } lt(a, end) {
                a := add(a, 0x20)
                b := add(b, 0x20)
            } {
                let x := mload(a)
                let y := mload(b)
                let xy := mulmod(x, y, ORDER)
                product := mulmod(product, add(add(1, add(xy, xy)), sub(shl(1, ORDER), add(x, y))), ORDER)
            }
        }
    }

    /// @notice eq(a[k:], b[k:]) for every k from 0 to `count`, the last of them 1.
    function eqOfSuffixes(Words a, Words b, uint256 count) internal pure returns (Words products) {
        products = zeros(count + 1);
        assembly ("memory-safe") {
            let product := 1
            let to := add(products, shl(5, count))
            mstore(to, product)
            let shiftA := sub(a, products)
            let shiftB := sub(b, products)
            for {} gt(to, products) {} {
                to := sub(to, 0x20)
                let x := mload(add(to, shiftA))
                let y := mload(add(to, shiftB))
                let xy := mulmod(x, y, ORDER)
                product := mulmod(product, add(add(1, add(xy, xy)), sub(shl(1, ORDER), add(x, y))), ORDER)
                mstore(to, product)
            }
        }
    }

    /// @notice eq(k, point) for the bits of the integer k, lowest first.
    function eqOfIndex(uint256 k, Words point, uint256 count) internal pure returns (Scalar product) {
        assembly ("memory-safe") {
            product := 1
            for { let end := add(point, shl(5, count)) } lt(point, end) { point := add(point, 0x20) } {
                let x := mload(point)
                if iszero(and(k, 1)) { x := sub(add(ORDER, 1), x) }
                product := mulmod(product, x, ORDER)
                k := shr(1, k)
            }
        }
    }

    /// @notice eq(k, point) for every k below 2^count.
    function eqTable(Words point, uint256 count) internal pure returns (Words table) {
        table = zeros(uint256(1) << count);
        assembly ("memory-safe") {
            mstore(table, 1)
            let size := 0x20
            for { let end := add(point, shl(5, count)) } lt(point, end) { point := add(point, 0x20) } {
                let x := mload(point)
                for { let low := table } lt(low, add(table, size)) { low := add(low, 0x20) } {
                    let whole := mload(low)
                    let high := mulmod(whole, x, ORDER)
                    mstore(add(low, size), high)
                    mstore(low, addmod(whole, sub(ORDER, high), ORDER))
                }
                size := shl(1, size)
            }
        }
    }

    /// @notice The multilinear extension of [k < bound] for `bound` up to 2^count.
    /// @dev From the lowest bit to the highest: below a set bit of the bound a clear bit decides; else the bits must agree.
    function isBelow(uint256 bound, Words point, uint256 count) internal pure returns (Scalar value) {
        if (bound >> count != 0) return Scalar.wrap(1);
        for (uint256 i = 0; i < count; ++i) {
            Scalar x = point.get(i);
            Scalar clear = Scalar.wrap(1) - x;
            value = (bound >> i) & 1 == 1 ? clear + x * value : clear * value;
        }
    }

    /// @notice Σ_{k < count} 2^k·point_k: the extension of the index itself.
    function index(Words point, uint256 count) internal pure returns (Scalar value) {
        for (uint256 i = 0; i < count; ++i) {
            value = value + powerOfTwo(i) * point.get(i);
        }
    }

    /// @notice Σ_{k < count} a_k·b_k.
    function inner(Words a, Words b, uint256 count) internal pure returns (Scalar value) {
        assembly ("memory-safe") {
            for { let end := add(a, shl(5, count)) } lt(a, end) {
                a := add(a, 0x20)
                b := add(b, 0x20)
            } {
                value := addmod(value, mulmod(mload(a), mload(b), ORDER), ORDER)
            }
        }
    }

    /// @notice 1, x, x², … : `count` powers.
    function powers(Scalar x, uint256 count) internal pure returns (Words table) {
        table = zeros(count);
        Scalar power = Scalar.wrap(1);
        for (uint256 i = 0; i < count; ++i) {
            table.set(i, power);
            power = power * x;
        }
    }
}
