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
        // What `ProofReader` does with a message, and Horner's rule, in one loop: half of a proof is read here. Degrees 2 and
        // 4, those of nearly all rounds, are written out. A sum of up to five scalars, and 5r less one, do not wrap.
        assembly ("memory-safe") {
            let r := ORDER
            let words := mload(add(reader, 0x20))
            for {} rounds { rounds := sub(rounds, 1) } {
                let x := sub(words, 0x20)
                {
                    let kept := mload(x)
                    mstore(x, mload(reader))
                    let state := keccak256(x, add(shl(5, degree), 0x20))
                    mstore(reader, state)
                    mstore(x, kept)
                    x := mod(state, r)
                }
                mstore(point, x)
                point := add(point, 0x20)

                let c := mload(words)
                let isValid := lt(c, r)
                let sum := add(c, c)
                let high := 0
                switch degree
                case 2 {
                    high := mload(add(words, 0x20))
                    isValid := and(isValid, lt(high, r))
                    sum := add(sum, high)
                }
                case 4 {
                    high := mload(add(words, 0x60))
                    isValid := and(isValid, lt(high, r))
                    sum := add(sum, high)
                    let next := mload(add(words, 0x40))
                    isValid := and(isValid, lt(next, r))
                    sum := add(sum, next)
                    high := add(mulmod(high, x, r), next)
                    next := mload(add(words, 0x20))
                    isValid := and(isValid, lt(next, r))
                    sum := add(sum, next)
                    high := add(mulmod(high, x, r), next)
                }
                default {
                    for { let place := add(words, shl(5, sub(degree, 1))) } gt(place, words) {
                        place := sub(place, 0x20)
                    } {
                        let next := mload(place)
                        isValid := and(isValid, lt(next, r))
                        sum := addmod(sum, next, r)
                        high := add(mulmod(high, x, r), next)
                    }
                }
                // `high` is c_d·x^(d-2) + … + c_2; then c_1 and c_0.
                let linear := addmod(value, sub(mul(r, 5), sum), r)
                value := addmod(mulmod(add(mulmod(high, x, r), linear), x, r), c, r)
                if iszero(isValid) { mstore(add(reader, 0x40), 0) }
                words := add(words, shl(5, degree))
            }
            mstore(add(reader, 0x20), words)
        }
    }
}
