// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Column} from "./Column.sol";
import {Key} from "./Key.sol";
import {MaskColumn} from "./MaskColumn.sol";
import {Multilinear} from "./Multilinear.sol";
import {ProductSum} from "./ProductSum.sol";
import {PublicInput} from "./PublicInput.sol";
import {Run} from "./Run.sol";
import {Scalar, powerOfTwo} from "./Scalar.sol";
import {Words, zeros} from "./Words.sol";

/// @title The claims of SC-C: their sum, and what they weigh on each polynomial at σ
/// @notice Claim j has the coefficient γ^j, in the order of section 6: message 5 without Z; message 8; K_A, p_A(ρ), K_B,
/// p_B(r), K_S, K_T; for inference the two claims about the public input.
library ClaimWeights {
    using MaskColumn for MaskColumn.Form;

    Scalar private constant ONE = Scalar.wrap(1);
    // Claims behind those of message 8.
    uint256 private constant MASK_CLAIMS = 6;
    uint256 private constant K_A = 0;
    uint256 private constant P_A = 1;
    uint256 private constant K_B = 2;
    uint256 private constant P_B = 3;
    uint256 private constant K_S = 4;
    uint256 private constant K_T = 5;
    // Columns of message 5 that are masked and have a claim, behind those of the layers: GM, ML, GT, M, c.
    uint256 private constant OTHER_COLUMNS = 5;

    /// @notice The powers of γ, one for each claim.
    function begin(Run.State memory run, Scalar gamma) internal pure {
        // Y has a claim unless it is public.
        uint256 products = _maskedClaims(run.key) + 1 - run.key.isInference;
        uint256 masks = products + 2 * run.key.layers + 2;
        run.gammas = Multilinear.powers(gamma, masks + MASK_CLAIMS + 2 * run.key.isInference);
        run.productGammas = run.gammas.from(products);
        run.maskGammas = run.gammas.from(masks);
    }

    /// @notice Σ_j γ^j·value_j.
    function total(Run.State memory run) internal pure returns (Scalar value) {
        uint256 masked = _maskedClaims(run.key);
        value = Multilinear.inner(run.gammas, run.columns, masked);
        if (run.key.isInference == 0) value = value + run.gammas.get(masked) * run.labels;
        value = value + Multilinear.inner(run.productGammas, run.factors, 2 * run.key.layers + 2);
        Words gammas = run.maskGammas;
        value = value + gammas.get(K_A) * run.maskSumA + gammas.get(P_A) * run.maskValueA;
        value = value + gammas.get(K_B) * run.maskSumB + gammas.get(P_B) * run.maskValueB;
        value = value + Multilinear.inner(gammas.from(K_S), run.maskSums, 2);
        if (run.key.isInference != 0) {
            Scalar evaluation = PublicInput.lowerPart(run.evaluation, run.context, run.tables.layers[0].width);
            value = value + gammas.get(MASK_CLAIMS) * evaluation;
        }
    }

    /// @notice w_p(σ) for every polynomial.
    function weigh(Run.State memory run) internal pure returns (Words weights) {
        Key.Header memory key = run.key;
        weights = zeros(key.witnessPoints + key.helperPoints + key.dataPoints + 2);
        _weighColumns(run, weights);
        for (uint256 l = 1; l <= key.layers + 1; ++l) {
            _weighModel(run, weights, l);
            if (l > 1) _weighActivations(run, weights, l);
        }
        _weighSamples(run, weights);
        run.tables.masks.addWeight(weights, _maskForm(run), run.sigma, run.key.degree);
        if (key.isInference != 0) {
            Column.wrap(run.tables.chunks.wordAt(0)).addWeight(weights, _publicInput(run), run.sigma, run.key.degree);
        }
        Scalar ofCover = run.maskGammas.get(K_S);
        weights.set(key.witnessPoints, ofCover * MaskColumn.cover(run.theta, run.sigma, key.degree));
    }

    /// @dev The columns of message 5, each at its suffix of ρ.
    function _weighColumns(Run.State memory run, Words weights) private pure {
        Key.Header memory key = run.key;
        uint256 count = _maskedClaims(key) + 1 - key.isInference;
        // Columns of one size share eq(ρ[v-t:], σ[:t]); those of a layer follow each other.
        uint256 known = type(uint256).max;
        Scalar eq = ONE;
        for (uint256 i = 0; i < count; ++i) {
            Column column = Column.wrap(run.tables.columns.wordAt(i));
            uint256 variables = column.variablesOf();
            if (variables != known) {
                eq = Multilinear.eq(run.rho.from(key.roundsA - variables), run.sigma, variables);
                known = variables;
            }
            column.addWeight(weights, run.gammas.get(i) * eq, run.sigma, run.key.degree);
        }
    }

    /// @dev W_l at (ρ's coordinates of the output, r^(l)).
    function _weighModel(Run.State memory run, Words weights, uint256 l) private pure {
        Key.Layer memory layer = run.tables.layers[l - 1];
        Words outputs = run.rho.from(run.key.roundsA - run.key.sampleVariables - layer.outputs);
        Words inputs = run.r.from(run.key.roundsB - layer.inputs);
        Scalar eq = Multilinear.eq(outputs, run.sigma, layer.outputs)
            * Multilinear.eq(inputs, run.sigma.from(layer.outputs), layer.inputs);
        Scalar gamma = run.productGammas.get(2 * l - 1);
        Column.wrap(run.tables.weights.wordAt(l - 1)).addWeight(weights, gamma * eq, run.sigma, run.key.degree);
    }

    /// @dev hi_l·R_{l-1} at (r^(l) without its highest coordinate, ρ_i).
    function _weighActivations(Run.State memory run, Words weights, uint256 l) private pure {
        Key.Layer memory layer = run.tables.layers[l - 1];
        Scalar gamma = run.productGammas.get(2 * l - 2);
        Scalar eq = _highPart(run, layer) * _atSample(run, layer, layer.activations);
        Column column = Column.wrap(run.tables.columns.wordAt(Key.LAYER_COLUMNS * (l - 2) + 3));
        column.addWeight(weights, gamma * eq, run.sigma, run.key.degree);
    }

    /// @dev hi_1·X: chunk κ weighs eq(κ, r^(1)[nlow:nx]).
    function _weighSamples(Run.State memory run, Words weights) private pure {
        Key.Header memory key = run.key;
        Key.Layer memory layer = run.tables.layers[0];
        uint256 low = key.chunkVariables;
        Words inputs = run.r.from(key.roundsB - layer.inputs);
        Words ofChunk = Multilinear.eqTable(inputs.from(low), key.featureVariables - low);
        Scalar factor = run.productGammas.get(0) * _highPart(run, layer) * _atSample(run, layer, low);
        for (uint256 i = 0; i < key.chunks; ++i) {
            Column.wrap(run.tables.chunks.wordAt(i))
                .addWeight(weights, factor * ofChunk.get(i), run.sigma, run.key.degree);
        }
    }

    /// @dev eq((r^(l)[:low], ρ_i), σ[:low+ni]).
    function _atSample(Run.State memory run, Key.Layer memory layer, uint256 low) private pure returns (Scalar) {
        uint256 samples = run.key.sampleVariables;
        Words inputs = run.r.from(run.key.roundsB - layer.inputs);
        Words sample = run.rho.from(run.key.roundsA - samples);
        return Multilinear.eq(inputs, run.sigma, low) * Multilinear.eq(sample, run.sigma.from(low), samples);
    }

    /// @dev hi_l: where a layer has one input variable more than activations, these are in its lower half.
    function _highPart(Run.State memory run, Key.Layer memory layer) private pure returns (Scalar) {
        if (layer.inputs == layer.activations) return ONE;
        return ONE - run.r.get(run.key.roundsB - layer.inputs + layer.activations);
    }

    /// @dev Both Libra masks, the masks of evaluations, the spare row.
    function _maskForm(Run.State memory run) private pure returns (Scalar) {
        Key.Header memory key = run.key;
        MaskColumn.Form memory form = MaskColumn.zero(run.sigma, run.tables.masks.variablesOf());
        Words gammas = run.maskGammas;
        form.addLibra(
            MaskColumn.Libra({row: 0, rounds: key.roundsA, degree: Run.DEGREE_A, lastDegree: Run.LAST_DEGREE_A}),
            run.rho,
            gammas.get(K_A),
            gammas.get(P_A)
        );
        uint256 row = key.roundsA;
        form.addLibra(
            MaskColumn.Libra({row: row, rounds: key.roundsB, degree: Run.DEGREE_B, lastDegree: Run.LAST_DEGREE_B}),
            run.r,
            gammas.get(K_B),
            gammas.get(P_B)
        );
        row += key.roundsB;
        uint256 masks = _maskedClaims(key) + 1;
        form.addEntries(row, _columnMasks(run, gammas.get(K_B)), masks, run.lastFactorA);
        row += MaskColumn.rowsOf(masks);
        masks = 2 * key.layers + 1;
        form.addEntries(row, run.productGammas.from(1), masks, run.lastFactorB);
        row += MaskColumn.rowsOf(masks);
        form.addRow(row, gammas.get(K_T));
        return form.weight;
    }

    /// @dev What the masks of message 5 weigh, without v_A: their claim's coefficient, and for those of L0, L1 and Z, which
    /// are in the claim of SC-B, what K_B takes off.
    function _columnMasks(Run.State memory run, Scalar ofSum) private pure returns (Words masks) {
        uint256 masked = _maskedClaims(run.key);
        masks = zeros(masked + 1);
        for (uint256 i = 0; i < masked; ++i) {
            masks.set(i, run.gammas.get(i));
        }
        for (uint256 l = 1; l <= run.key.layers; ++l) {
            uint256 low = Key.LAYER_COLUMNS * (l - 1) + 1;
            Scalar taken = ofSum * run.mus.get(l - 1) * ProductSum.limbUnit(run, l);
            masks.set(low, masks.get(low) - taken);
            masks.set(low + 1, masks.get(low + 1) - powerOfTwo(run.key.limbBits) * taken);
        }
        masks.set(masked, Scalar.wrap(0) - ofSum * run.mus.get(run.key.layers));
    }

    /// @dev The two forms on XI that make it the public input.
    function _publicInput(Run.State memory run) private pure returns (Scalar) {
        Words gammas = run.maskGammas.from(MASK_CLAIMS);
        (Scalar whole, Scalar beyond) =
            PublicInput.forms(run.context, run.sigma, run.key.featureVariables, run.tables.layers[0].width);
        return gammas.get(0) * whole + gammas.get(1) * beyond;
    }

    /// @dev Columns of message 5 that are masked and have a claim: all but Z and Y.
    function _maskedClaims(Key.Header memory key) private pure returns (uint256) {
        return Key.LAYER_COLUMNS * key.layers + OTHER_COLUMNS;
    }
}
