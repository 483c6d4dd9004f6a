// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Multilinear} from "./Multilinear.sol";
import {Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @notice Where a column lies among the committed polynomials, from the low end: | variables 8 | polynomial 16 | prefix 232 |.
/// Its 2^variables entries begin at prefix·2^variables of its polynomial.
type Column is uint256;

using {variablesOf, addWeight} for Column global;

function newColumn(uint256 variables, uint256 polynomial, uint256 prefix) pure returns (Column) {
    return Column.wrap(variables | (polynomial << 8) | (prefix << 24));
}

function variablesOf(Column column) pure returns (uint256) {
    return Column.unwrap(column) & 0xff;
}

/// @dev Adds value·pre(σ) to the weight of the column's polynomial: a form on the column is one on the polynomial, with the
/// factor eq(prefix, σ[variables:]).
function addWeight(Column column, Words weights, Scalar value, Words sigma, uint256 degree) pure {
    uint256 variables = variablesOf(column);
    uint256 polynomial = (Column.unwrap(column) >> 8) & 0xffff;
    uint256 prefix = Column.unwrap(column) >> 24;
    // A column may be as large as its polynomial.
    if (variables != degree) value = value * Multilinear.eqOfIndex(prefix, sigma.from(variables), degree - variables);
    weights.set(polynomial, weights.get(polynomial) + value);
}
