// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BN254} from "../shared/BN254.sol";

/// @title Public inputs of a model
/// @notice Features x_0 … x_{n-1}, two bytes each, big-endian. To a circuit they are one number: the monic polynomial
/// rho^n + x_{n-1} rho^{n-1} + … + x_0 at the challenge. Two different inputs, be it in length alone, of at most n
/// features agree there for at most n of all challenges, and the challenge is a hash of the input and of the commitments
/// to what the circuit read, so one number binds all features and how many there are.
library Features {
    /// @notice Longest input: 8,192 features.
    uint256 internal constant MAX_BYTES = 1 << 14;

    /// @notice Whether `input` is a whole number of features, at least one, at most 8,192.
    function isWellFormed(bytes calldata input) internal pure returns (bool) {
        return input.length != 0 && input.length <= MAX_BYTES && input.length % 2 == 0;
    }

    /// @notice `rho^n` and the sum of `rho^i * x_i` in the scalar field, by Horner's rule.
    /// @param input well formed.
    function evaluate(bytes calldata input, uint256 rho) internal pure returns (uint256 value) {
        value = 1;
        uint256 end = input.length;
        // From the last word of sixteen features to the first, which may have fewer.
        while (end != 0) {
            uint256 size = end < 32 ? end : 32;
            uint256 word = uint256(bytes32(input[end - size:end])) >> (256 - 8 * size);
            for (uint256 i = 0; i < size / 2; ++i) {
                value = addmod(mulmod(value, rho, BN254.SCALAR_FIELD), word & 0xffff, BN254.SCALAR_FIELD);
                word >>= 16;
            }
            end -= size;
        }
    }
}
