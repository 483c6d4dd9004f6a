// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev r, the order of BN254's groups: the value of `BN254.SCALAR_FIELD`, as a literal because inline assembly takes no
/// constant of a library.
uint256 constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

/// @notice An element of the scalar field of BN254. Whoever makes one out of a word sees to it that it is below r.
type Scalar is uint256;

using {add as +, subtract as -, multiply as *, areEqual as ==} for Scalar global;

/// @dev Operators of a type are free functions. They take only `addmod` and `mulmod`, for which Solidity has no operator.
function add(Scalar a, Scalar b) pure returns (Scalar sum) {
    assembly ("memory-safe") {
        sum := addmod(a, b, ORDER)
    }
}

/// @dev r - b does not wrap since b is below r.
function subtract(Scalar a, Scalar b) pure returns (Scalar difference) {
    assembly ("memory-safe") {
        difference := addmod(a, sub(ORDER, b), ORDER)
    }
}

function multiply(Scalar a, Scalar b) pure returns (Scalar product) {
    assembly ("memory-safe") {
        product := mulmod(a, b, ORDER)
    }
}

function areEqual(Scalar a, Scalar b) pure returns (bool) {
    return Scalar.unwrap(a) == Scalar.unwrap(b);
}

/// @dev 2^exponent; `exponent` is at most 253.
function powerOfTwo(uint256 exponent) pure returns (Scalar) {
    return Scalar.wrap(uint256(1) << exponent);
}

/// @dev 2^-exponent: (r - 1)/2^28 is an integer, and 2^e·(r - (r - 1)/2^e) = 2^e·r - r + 1. `exponent` is at most 28.
function inversePowerOfTwo(uint256 exponent) pure returns (Scalar) {
    return Scalar.wrap(ORDER - ((ORDER - 1) >> exponent));
}
