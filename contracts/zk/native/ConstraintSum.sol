// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Key} from "./Key.sol";
import {Multilinear} from "./Multilinear.sol";
import {Run} from "./Run.sol";
import {Scalar, inversePowerOfTwo, powerOfTwo} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title The summand of SC-A at ρ, without its mask
/// @notice Lookups, margins, table, count, bits: section 6. `columns` has, from `4·L` on, GM, ML, GT, M, c, Z.
library ConstraintSum {
    Scalar private constant ONE = Scalar.wrap(1);

    /// @param eqs eq(τ[k:], ρ[k:]) for every k.
    /// @param others the columns of message 5 behind those of the layers.
    /// @param powers λ^L, λ^(L+1), …
    struct Place {
        Words eqs;
        Words others;
        Words powers;
    }

    uint256 private constant GM = 0;
    uint256 private constant ML = 1;
    uint256 private constant GT = 2;
    uint256 private constant M = 3;
    uint256 private constant C = 4;
    uint256 private constant Z = 5;

    /// @notice Everything but p_A(ρ).
    function evaluate(Run.State memory run) internal pure returns (Scalar value) {
        Place memory place = Place({
            eqs: Multilinear.eqOfSuffixes(run.tau, run.rho, run.key.roundsA),
            others: run.columns.from(Key.LAYER_COLUMNS * run.key.layers),
            powers: run.lambdas.from(run.key.layers)
        });
        for (uint256 l = 1; l <= run.key.layers; ++l) {
            value = value + _layer(run, place, l);
        }
        return value + _margins(run, place) + _table(run, place) + _choice(run, place) + _bits(run, place);
    }

    /// @dev G + λ^l·eq·(G·D0·D1 - D0 - D1): G is 1/D0 + 1/D1 (N2 for L0, N3).
    function _layer(Run.State memory run, Place memory place, uint256 l) private pure returns (Scalar) {
        Words columns = run.columns.from(Key.LAYER_COLUMNS * (l - 1));
        Scalar relation = _lookups(run, columns);
        uint256 variables = run.tables.layers[l - 1].outputs + run.key.sampleVariables;
        relation = run.lambdas.get(l) * _eq(run, place, variables) * relation;
        return _scale(run, variables) * (columns.get(0) + relation);
    }

    function _lookups(Run.State memory run, Words columns) private pure returns (Scalar) {
        Scalar d0 = run.alpha + columns.get(1);
        Scalar d1 = run.alpha + columns.get(2) + run.beta * (columns.get(3) + run.beta);
        return columns.get(0) * d0 * d1 - d0 - d1;
    }

    /// @dev GM + λ^(L+1)·eq·(GM·(α + ML) - 1) - λ^(L+3)·eq_tz·w·ML: GM is 1/(α + ML) (N2), and the right-hand side of N4.
    function _margins(Run.State memory run, Place memory place) private pure returns (Scalar) {
        uint256 logits = run.key.classVariables + run.key.sampleVariables;
        Scalar ml = place.others.get(ML);
        Scalar limbs = place.powers.get(3) * _eq(run, place, logits) * _limbWeight(run) * ml;
        uint256 variables = run.key.marginVariables + logits;
        Scalar relation = place.others.get(GM) * (run.alpha + ml) - ONE;
        relation = place.powers.get(1) * _eq(run, place, variables) * relation;
        return _scale(run, variables) * (place.others.get(GM) + relation - limbs);
    }

    /// @dev w = Σ_{q < m} 2^(B·q)·eq(q, ρ_q).
    function _limbWeight(Run.State memory run) private pure returns (Scalar weight) {
        uint256 variables = run.key.marginVariables;
        uint256 start = run.key.roundsA - run.key.sampleVariables - run.key.classVariables - variables;
        for (uint256 q = 0; q < run.key.margins; ++q) {
            Scalar eq = Multilinear.eqOfIndex(q, run.rho.from(start), variables);
            weight = weight + powerOfTwo(run.key.limbBits * q) * eq;
        }
    }

    /// @dev -GT + λ^(L+2)·eq·(GT·DT - M): GT is M/DT. With SC-A's sum over all helpers this is the lookup (N2, N3).
    function _table(Run.State memory run, Place memory place) private pure returns (Scalar) {
        uint256 bits = run.key.limbBits;
        Words row = run.rho.from(run.key.roundsA - bits - 1);
        // Rows are (t, 0, 0), then (u, max(u - 2^(B-1), 0), 1).
        Scalar low = Multilinear.index(row, bits - 1);
        Scalar top = row.get(bits - 1);
        Scalar entry = row.get(bits) * run.beta * (top * low + run.beta) + low + powerOfTwo(bits - 1) * top;
        Scalar gt = place.others.get(GT);
        Scalar relation = gt * (run.alpha + entry) - place.others.get(M);
        relation = place.powers.get(2) * _eq(run, place, bits + 1) * relation;
        return _scale(run, bits + 1) * (relation - gt);
    }

    /// @dev c·(λ^(L+3)·eq·((a·Y - e)·Z + e·Y - a·2^-nc) + λ^(L+5)·Y): the left-hand side of N4, and the count (N6).
    function _choice(Run.State memory run, Place memory place) private pure returns (Scalar) {
        uint256 logits = run.key.classVariables + run.key.sampleVariables;
        (Scalar a, Scalar e) = _classes(run, run.key.roundsA - logits);
        Scalar margin = (a * run.labels - e) * place.others.get(Z) + e * run.labels;
        margin = margin - a * inversePowerOfTwo(run.key.classVariables);
        margin = place.powers.get(3) * _eq(run, place, run.key.sampleVariables) * margin;
        return _scale(run, logits) * place.others.get(C) * (margin + place.powers.get(5) * run.labels);
    }

    /// @dev a = Σ_{j < C} eq(j, τ_j), e = Σ_{j < C} eq(j, τ_j)·eq(j, ρ_j).
    function _classes(Run.State memory run, uint256 start) private pure returns (Scalar a, Scalar e) {
        uint256 variables = run.key.classVariables;
        Words tau = run.tau.from(start);
        a = Multilinear.isBelow(run.key.classes, tau, variables);
        e = Multilinear.eqBelow(run.key.classes, tau, run.rho.from(start), variables);
    }

    /// @dev λ^(L+4)·eq·(c² - c) (N5).
    function _bits(Run.State memory run, Place memory place) private pure returns (Scalar) {
        uint256 variables = run.key.sampleVariables;
        Scalar c = place.others.get(C);
        return _scale(run, variables) * place.powers.get(4) * _eq(run, place, variables) * (c * c - c);
    }

    /// @dev s_t = 2^-(v-t).
    function _scale(Run.State memory run, uint256 variables) private pure returns (Scalar) {
        return inversePowerOfTwo(run.key.roundsA - variables);
    }

    /// @dev eq_t.
    function _eq(Run.State memory run, Place memory place, uint256 variables) private pure returns (Scalar) {
        return place.eqs.get(run.key.roundsA - variables);
    }
}
