// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Multilinear} from "./Multilinear.sol";
import {ORDER, Scalar, powerOfTwo} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title The linear forms on column K, at a point
/// @notice Entry e of row t is at index e + 16·t, so eq factors into one table for entries and one for rows. Section 7.
library MaskColumn {
    /// @notice Entries of a row.
    uint256 internal constant ROW = 16;
    uint256 private constant ENTRY_VARIABLES = 4;

    /// @param entries eq(e, σ[:4]).
    /// @param rows eq(t, σ[4:]).
    /// @param weight of K, the sum of what has been added.
    struct Form {
        Words entries;
        Words rows;
        Scalar weight;
    }

    /// @param row of the mask's first variable.
    /// @param rounds how many variables it has.
    /// @param degree of each but the last.
    /// @param lastDegree at least `degree`.
    struct Libra {
        uint256 row;
        uint256 rounds;
        uint256 degree;
        uint256 lastDegree;
    }

    /// @notice A form that is zero, at σ; `variables` of the column.
    function zero(Words sigma, uint256 variables) internal pure returns (Form memory form) {
        form.entries = Multilinear.eqTable(sigma, ENTRY_VARIABLES);
        form.rows = Multilinear.eqTable(sigma.from(ENTRY_VARIABLES), variables - ENTRY_VARIABLES);
    }

    /// @notice How many rows `masks` entries take.
    function rowsOf(uint256 masks) internal pure returns (uint256) {
        return (masks + ROW - 1) / ROW;
    }

    /// @notice Adds ofSum·Σ_cube p + ofValue·p(point) for a mask p(x) = a + Σ_t Σ_e p_{t,e}·x_t^e.
    function addLibra(Form memory form, Libra memory mask, Words point, Scalar ofSum, Scalar ofValue) internal pure {
        uint256 last = mask.rounds - 1;
        Scalar half = ofSum * powerOfTwo(last);
        Words rows = form.rows.from(mask.row);
        Scalar total = rows.get(0) * form.entries.get(0) * (half + half + ofValue);
        total = total + _univariates(form.entries, mask.degree, point, rows, last, half, ofValue);
        point = point.from(last);
        rows = rows.from(last);
        total = total + _univariates(form.entries, mask.lastDegree, point, rows, 1, half, ofValue);
        form.weight = form.weight + total;
    }

    /// @notice Adds factor·Σ_j weights_j·(entry j from the start of `row`).
    function addEntries(Form memory form, uint256 row, Words weights, uint256 count, Scalar factor) internal pure {
        Scalar total = Scalar.wrap(0);
        for (uint256 first = 0; first < count; first += ROW) {
            uint256 length = count - first < ROW ? count - first : ROW;
            Scalar part = Multilinear.inner(weights.from(first), form.entries, length);
            total = total + form.rows.get(row + first / ROW) * part;
        }
        form.weight = form.weight + factor * total;
    }

    /// @notice Adds factor·(the sum of a whole row): its eq table sums to one.
    function addRow(Form memory form, uint256 row, Scalar factor) internal pure {
        form.weight = form.weight + factor * form.rows.get(row);
    }

    /// @notice 1 + Σ_t θ^(t+1)·σ_t: the form on the other random column, S, that is a polynomial of its own.
    function cover(Scalar theta, Words sigma, uint256 variables) internal pure returns (Scalar value) {
        // Horner's rule from the last coordinate; the sum stays below 2r.
        assembly ("memory-safe") {
            let r := ORDER
            for { let last := add(sigma, shl(5, variables)) } gt(last, sigma) {} {
                last := sub(last, 0x20)
                value := mulmod(add(value, mload(last)), theta, r)
            }
        }
        return value + Scalar.wrap(1);
    }

    /// @dev Σ_{t < count} rows_t·(half·Σ_{1 ≤ e ≤ degree} entries_e + ofValue·Σ entries_e·x_t^e), by Horner's rule.
    function _univariates(
        Words entries,
        uint256 degree,
        Words point,
        Words rows,
        uint256 count,
        Scalar half,
        Scalar ofValue
    ) private pure returns (Scalar total) {
        half = half * _sum(entries.from(1), degree);
        // The inner loop runs once for every random coefficient of a mask, and is written out for the degrees of most rows; its
        // sums stay below 2r, and `total` is reduced in every row.
        assembly ("memory-safe") {
            let r := ORDER
            for { rows := sub(rows, point) } count { count := sub(count, 1) } {
                let x := mload(point)
                let value := 0
                switch degree
                case 4 {
                    value := mulmod(mload(add(entries, 0x80)), x, r)
                    value := mulmod(add(value, mload(add(entries, 0x60))), x, r)
                    value := mulmod(add(value, mload(add(entries, 0x40))), x, r)
                    value := mulmod(add(value, mload(add(entries, 0x20))), x, r)
                }
                case 2 {
                    value := mulmod(mload(add(entries, 0x40)), x, r)
                    value := mulmod(add(value, mload(add(entries, 0x20))), x, r)
                }
                default {
                    for { let entry := add(entries, shl(5, degree)) } gt(entry, entries) { entry := sub(entry, 0x20) } {
                        value := mulmod(add(value, mload(entry)), x, r)
                    }
                }
                value := add(half, mulmod(ofValue, value, r))
                total := addmod(total, mulmod(mload(add(point, rows)), value, r), r)
                point := add(point, 0x20)
            }
        }
    }

    function _sum(Words entries, uint256 count) private pure returns (Scalar total) {
        // A loop over plain words of memory.
        assembly ("memory-safe") {
            for { let end := add(entries, shl(5, count)) } lt(entries, end) { entries := add(entries, 0x20) } {
                total := addmod(total, mload(entries), ORDER)
            }
        }
    }
}
