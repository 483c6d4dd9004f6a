// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ProofReader} from "./ProofReader.sol";
import {ORDER, Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title The verifier's side of a sum-check
/// @notice A round polynomial Σ c_k·X^k comes as c_0, c_2, …, c_d: c_1 = claim - 2·c_0 - c_2 - … - c_d, which is the round's
/// whole test. The next claim is its value at the challenge. Lund, Fortnow, Karloff and Nisan 1992.
library Sumcheck {
    /// @notice Reads `rounds` rounds of degree `degree` and writes their challenges to `point`.
    /// @param degree at least 2.
    /// @return value the claim about the summand at the point.
    function run(ProofReader.Reader memory reader, Scalar claim, uint256 rounds, uint256 degree, Words point)
        internal
        pure
        returns (Scalar value)
    {
        value = claim;
        // What `ProofReader` does with a message, and Horner's rule, in one loop: half of a proof is read here. `sum` and
        // `high` are below 2r, so nothing wraps before it is reduced.
        assembly ("memory-safe") {
            let state := mload(reader)
            let words := mload(add(reader, 0x20))
            let isValid := mload(add(reader, 0x40))
            let size := shl(5, degree)
            for { let end := add(point, shl(5, rounds)) } lt(point, end) { point := add(point, 0x20) } {
                let before := sub(words, 0x20)
                let kept := mload(before)
                mstore(before, state)
                state := keccak256(before, add(size, 0x20))
                mstore(before, kept)
                let x := mod(state, ORDER)
                mstore(point, x)

                // From c_d down to c_2, then c_1, then c_0.
                let sum := 0
                let high := 0
                let coefficient := add(words, size)
                for {} 1 {} {
                    coefficient := sub(coefficient, 0x20)
                    if eq(coefficient, words) { break }
                    let c := mload(coefficient)
                    isValid := and(isValid, lt(c, ORDER))
                    sum := addmod(sum, c, ORDER)
                    high := add(mulmod(high, x, ORDER), c)
                }
                let c := mload(words)
                isValid := and(isValid, lt(c, ORDER))
                sum := addmod(sum, addmod(c, c, ORDER), ORDER)
                high := add(mulmod(high, x, ORDER), addmod(value, sub(ORDER, sum), ORDER))
                value := addmod(mulmod(high, x, ORDER), c, ORDER)
                words := add(words, size)
            }
            mstore(reader, state)
            mstore(add(reader, 0x20), words)
            mstore(add(reader, 0x40), isValid)
        }
    }
}
