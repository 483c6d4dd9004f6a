// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Scalar} from "./Scalar.sol";

/// @notice Where consecutive scalars lie in memory: the points, slices and tables of the protocol. A slice costs an addition.
/// @dev It carries no length: every length in the verifier is a constant of its key, never a value of a proof.
type Words is uint256;

using {get, set, from, wordAt} for Words global;

/// @dev Entry `index`.
function get(Words words, uint256 index) pure returns (Scalar value) {
    assembly ("memory-safe") {
        value := mload(add(words, shl(5, index)))
    }
}

/// @dev Entry `index`, which need not be a scalar: a coordinate.
function wordAt(Words words, uint256 index) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := mload(add(words, shl(5, index)))
    }
}

/// @dev Sets entry `index`.
function set(Words words, uint256 index, Scalar value) pure {
    assembly ("memory-safe") {
        mstore(add(words, shl(5, index)), value)
    }
}

/// @dev The entries from `index` on: words[index:].
function from(Words words, uint256 index) pure returns (Words slice) {
    assembly ("memory-safe") {
        slice := add(words, shl(5, index))
    }
}

/// @dev Room for `count` scalars, all zero.
function zeros(uint256 count) pure returns (Words words) {
    uint256[] memory room = new uint256[](count);
    // The entries follow the array's length.
    assembly ("memory-safe") {
        words := add(room, 0x20)
    }
}

/// @dev Room for `count` scalars, which are whatever was there: for a table that is then written whole.
function reserve(uint256 count) pure returns (Words words) {
    // Memory from the free pointer on is what Solidity itself hands out.
    assembly ("memory-safe") {
        words := mload(0x40)
        mstore(0x40, add(words, shl(5, count)))
    }
}
