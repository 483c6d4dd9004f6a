// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title A public input inside a committed column
/// @notice `Features` evaluates x at ρ as ρ^d + Σ_{k < d} x_k·ρ^k. The column XI is x if Σ_k XI_k·ρ^k is that without ρ^d, and
/// Σ_{k ≥ d} XI_k·ρ^k is zero: so nothing lies beyond x, and an input of another length is refused. Section 10.
library PublicInput {
    Scalar private constant ONE = Scalar.wrap(1);

    /// @notice evaluation - ρ^d.
    function lowerPart(Scalar evaluation, Scalar rho, uint256 d) internal pure returns (Scalar) {
        Scalar power = ONE;
        for (; d != 0; d >>= 1) {
            if (d & 1 == 1) power = power * rho;
            rho = rho * rho;
        }
        return evaluation - power;
    }

    /// @notice Σ_k ρ^k·eq(k, σ) over all k < 2^variables, and over those from `d` on.
    /// @param d at most 2^variables.
    /// @dev From the lowest bit to the highest: an index is at or beyond d if its highest bit is and d's is not, or if both
    /// agree and the rest is at or beyond.
    function forms(Scalar rho, Words sigma, uint256 variables, uint256 d)
        internal
        pure
        returns (Scalar whole, Scalar beyond)
    {
        whole = ONE;
        beyond = ONE;
        for (uint256 i = 0; i < variables; ++i) {
            Scalar clear = ONE - sigma.get(i);
            Scalar set = sigma.get(i) * rho;
            beyond = (d >> i) & 1 == 1 ? set * beyond : set * whole + clear * beyond;
            whole = whole * (clear + set);
            rho = rho * rho;
        }
        // No index is at or beyond 2^variables.
        if (d >> variables != 0) beyond = Scalar.wrap(0);
    }
}
