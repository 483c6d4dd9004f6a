// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Column, newColumn} from "./Column.sol";
import {MaskColumn} from "./MaskColumn.sol";

/// @title Sizes and places that follow from an architecture
/// @notice Sections 3 and 9, for the proof that weights are small: columns W, M, K, GW, GT.
library WeightsLayout {
    /// @param weightBits w.
    /// @param degree n.
    /// @param outputs lg d_l of each layer 1 … L+1.
    /// @param inputs lg(d_{l-1} + 1).
    /// @param prefixes where W_l begins in W, in units of its size.
    /// @param weightVariables nw.
    /// @param rounds v.
    /// @param maskVariables of K.
    /// @param multiplicities, masks, helper, tableHelper, model columns M, K, GW, GT, W.
    /// @param witnessPoints, helperPoints polynomials of both stages.
    struct Places {
        uint256 weightBits;
        uint256 degree;
        uint32[] widths;
        uint256[] outputs;
        uint256[] inputs;
        uint256[] prefixes;
        uint256 weightVariables;
        uint256 rounds;
        Column multiplicities;
        Column masks;
        Column helper;
        Column tableHelper;
        Column model;
        uint256 witnessPoints;
        uint256 helperPoints;
    }

    /// @notice Masks of evaluations: GW, W, GT, M.
    uint256 internal constant MASKS = 4;
    uint256 private constant ENTRY_VARIABLES = 4;

    /// @notice The layout of an architecture without regard to a degree: `place` adds what depends on it.
    /// @param widths at least two, none zero.
    function plan(uint32[] memory widths, uint256 weightBits) internal pure returns (Places memory places) {
        uint256 count = widths.length - 1;
        places.weightBits = weightBits;
        places.widths = widths;
        places.outputs = new uint256[](count);
        places.inputs = new uint256[](count);
        places.prefixes = new uint256[](count);
        uint256 total = 0;
        for (uint256 l = 0; l < count; ++l) {
            places.outputs[l] = ceilLog2(widths[l + 1]);
            places.inputs[l] = ceilLog2(uint256(widths[l]) + 1);
            total += uint256(1) << (places.outputs[l] + places.inputs[l]);
        }
        for (uint256 l = 0; l < count; ++l) {
            places.prefixes[l] = _prefix(places, l);
        }
        places.weightVariables = ceilLog2(total);
        places.rounds = places.weightVariables > weightBits ? places.weightVariables : weightBits;
    }

    /// @notice The least n: v, and K's variables.
    function leastDegree(Places memory places) internal pure returns (uint256) {
        uint256 masks = _maskVariables(places);
        return places.rounds > masks ? places.rounds : masks;
    }

    /// @notice Puts the columns into polynomials of 2^degree coefficients.
    /// @param degree at least `leastDegree`.
    function place(Places memory places, uint256 degree) internal pure {
        places.degree = degree;
        uint256 bits = places.weightBits;
        uint256 masks = _maskVariables(places);
        uint256 weights = places.weightVariables;
        places.witnessPoints = _polynomials(bits, masks, degree);
        places.helperPoints = _polynomials(weights, bits, degree);
        // Largest first; of two of one size the one that is named first.
        places.multiplicities = _column(bits, masks > bits ? uint256(1) << masks : 0, 0, degree);
        places.masks = _column(masks, bits >= masks ? uint256(1) << bits : 0, 0, degree);
        uint256 first = places.witnessPoints + 1;
        places.helper = _column(weights, bits > weights ? uint256(1) << bits : 0, first, degree);
        places.tableHelper = _column(bits, weights >= bits ? uint256(1) << weights : 0, first, degree);
        places.model = newColumn(weights, first + places.helperPoints, 0);
    }

    /// @notice Words of a proof.
    function proofWords(Places memory places) internal pure returns (uint256) {
        // C_W; stage 1, S, stage 2; K_A, rounds of degree 3 and one of 5, four evaluations; K_S, K_T; SC-C; b_F; eight
        // points, seven scalars and two hints of the opening.
        uint256 points = 2 + places.witnessPoints + places.helperPoints;
        return 2 * points + 1 + 3 * (places.rounds - 1) + 5 + MASKS + 2 + 2 * places.degree + 1 + 25;
    }

    /// @notice ⌈log2 value⌉ of a positive number.
    function ceilLog2(uint256 value) internal pure returns (uint256 bits) {
        while (uint256(1) << bits < value) ++bits;
    }

    /// @dev The sizes of all that comes before W_l, in units of its own: a sum of sizes that are not smaller.
    function _prefix(Places memory places, uint256 l) private pure returns (uint256 prefix) {
        uint256 own = places.outputs[l] + places.inputs[l];
        for (uint256 other = 0; other < places.outputs.length; ++other) {
            uint256 variables = places.outputs[other] + places.inputs[other];
            if (variables > own || (variables == own && other < l)) prefix += uint256(1) << (variables - own);
        }
    }

    /// @dev K: rows for each variable of p_A, one for the masks of evaluations, one spare.
    function _maskVariables(Places memory places) private pure returns (uint256) {
        return ENTRY_VARIABLES + ceilLog2(places.rounds + MaskColumn.rowsOf(MASKS) + 1);
    }

    function _polynomials(uint256 variables, uint256 others, uint256 degree) private pure returns (uint256) {
        return ((uint256(1) << variables) + (uint256(1) << others) + (uint256(1) << degree) - 1) >> degree;
    }

    function _column(uint256 variables, uint256 offset, uint256 first, uint256 degree) private pure returns (Column) {
        uint256 inPolynomial = offset & ((uint256(1) << degree) - 1);
        return newColumn(variables, first + (offset >> degree), inPolynomial >> variables);
    }
}
