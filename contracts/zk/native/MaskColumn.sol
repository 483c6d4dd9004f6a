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
        Scalar half = ofSum * powerOfTwo(mask.rounds - 1);
        Scalar total = form.rows.get(mask.row) * form.entries.get(0) * (half + half + ofValue);
        for (uint256 t = 0; t < mask.rounds; ++t) {
            uint256 degree = t + 1 == mask.rounds ? mask.lastDegree : mask.degree;
            (Scalar sum, Scalar value) = _univariate(form.entries, degree, point.get(t));
            total = total + form.rows.get(mask.row + t) * (half * sum + ofValue * value);
        }
        form.weight = form.weight + total;
    }

    /// @notice Adds factor·Σ_j weights_j·(entry j from the start of `row`).
    function addEntries(Form memory form, uint256 row, Words weights, uint256 count, Scalar factor) internal pure {
        Scalar total;
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
        for (uint256 t = variables; t > 0; --t) {
            value = (value + sigma.get(t - 1)) * theta;
        }
        return value + Scalar.wrap(1);
    }

    /// @dev Σ_{1 ≤ e ≤ degree} entries_e, and Σ entries_e·x^e by Horner's rule.
    function _univariate(Words entries, uint256 degree, Scalar x) private pure returns (Scalar sum, Scalar value) {
        // The innermost loop, run once for every random coefficient of a mask. `value` stays below 2r until it is reduced.
        assembly ("memory-safe") {
            for { let entry := add(entries, shl(5, degree)) } gt(entry, entries) { entry := sub(entry, 0x20) } {
                let e := mload(entry)
                sum := addmod(sum, e, ORDER)
                value := mulmod(add(value, e), x, ORDER)
            }
        }
    }
}
