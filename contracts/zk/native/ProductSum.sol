// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Key} from "./Key.sol";
import {Multilinear} from "./Multilinear.sol";
import {Run} from "./Run.sol";
import {Scalar, inversePowerOfTwo, powerOfTwo} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title All matrix products: the claim of SC-B, and its summand at r without its mask
/// @notice h_l = A_l·W_l with the bias as one more input, after Thaler. Section 6.
library ProductSum {
    /// @notice Σ_l μ^(l-1)·T_l with T_l = (L0_l + 2^B·L1_l - 2^(2B-1))·2^(s_l-B), T_{L+1} = Z, from message 5 (N1).
    function claim(Run.State memory run) internal pure returns (Scalar value) {
        uint256 bits = run.key.limbBits;
        uint256 layers = run.key.layers;
        Scalar half = powerOfTwo(2 * bits - 1);
        for (uint256 l = 1; l <= layers; ++l) {
            Words columns = run.columns.from(Key.LAYER_COLUMNS * (l - 1));
            Scalar shifted = columns.get(1) + powerOfTwo(bits) * columns.get(2) - half;
            value = value + run.mus.get(l - 1) * limbUnit(run, l) * shifted;
        }
        return value + run.mus.get(layers) * run.columns.get(Key.LAYER_COLUMNS * layers + 5);
    }

    /// @notice 2^(s_l-B).
    function limbUnit(Run.State memory run, uint256 l) internal pure returns (Scalar) {
        return inversePowerOfTwo(run.key.limbBits - run.tables.layers[l - 1].shift);
    }

    /// @notice Σ_l 2^-(nk-nk_l)·μ^(l-1)·(hi_l·A_l + u_l·eq(d_{l-1}, r^(l)))·W_l, from message 8.
    function evaluate(Run.State memory run) internal pure returns (Scalar value) {
        uint256 rounds = run.key.roundsB;
        for (uint256 l = 1; l <= run.key.layers + 1; ++l) {
            Key.Layer memory layer = run.tables.layers[l - 1];
            uint256 dummies = rounds - layer.inputs;
            Scalar bias = Multilinear.eqOfIndex(layer.width, run.r.from(dummies), layer.inputs);
            Scalar inputs = run.factors.get(2 * l - 2) + Scalar.wrap(layer.biasUnit) * bias;
            value = value + inversePowerOfTwo(dummies) * run.mus.get(l - 1) * inputs * run.factors.get(2 * l - 1);
        }
    }
}
