// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlindGenerator} from "./BlindGenerator.sol";
import {MaskColumn} from "./MaskColumn.sol";
import {Mercury} from "./Mercury.sol";
import {Multilinear} from "./Multilinear.sol";
import {PointSum} from "./PointSum.sol";
import {ProofReader} from "./ProofReader.sol";
import {Scalar, inversePowerOfTwo, powerOfTwo} from "./Scalar.sol";
import {Sumcheck} from "./Sumcheck.sol";
import {WeightsLayout} from "./WeightsLayout.sol";
import {Words, zeros} from "./Words.sol";

/// @title The verifier of the proof that weights are small
/// @notice Section 9 of `circuits/native_accuracy/SPEC.md`, message by message.
library WeightsProof {
    using MaskColumn for MaskColumn.Form;
    using PointSum for PointSum.Sum;
    using ProofReader for ProofReader.Reader;

    Scalar private constant ONE = Scalar.wrap(1);
    uint256 private constant DEGREE_A = 3;
    uint256 private constant LAST_DEGREE_A = 5;
    uint256 private constant DEGREE_C = 2;
    // Message 5, and the first claims of SC-C: γ^0 … γ^3.
    uint256 private constant GW = 0;
    uint256 private constant W = 1;
    uint256 private constant GT = 2;
    uint256 private constant M = 3;
    // The claims that follow.
    uint256 private constant K_A = 4;
    uint256 private constant P_A = 5;
    uint256 private constant K_S = 6;
    uint256 private constant K_T = 7;
    uint256 private constant CLAIMS = 8;

    /// @param model the point C_W.
    /// @param witness, helpers points of stage 1 with S, and of stage 2.
    /// @param columns message 5.
    /// @param maskSum, maskValue K_A, and p_A(ρ) as it must be.
    struct State {
        WeightsLayout.Places places;
        ProofReader.Reader reader;
        Words model;
        Words witness;
        Words helpers;
        Scalar alpha;
        Scalar lambda;
        Words tau;
        Words rho;
        Words columns;
        Scalar maskSum;
        Scalar maskValue;
        Scalar theta;
        Words gammas;
        Words sigma;
    }

    /// @notice Whether the weights behind the proof's first point are small.
    /// @param keyDigest vk.
    /// @param context ρ.
    /// @param proof `places.proofWords()` words.
    /// @param tau [τ]_2.
    function verify(
        WeightsLayout.Places memory places,
        bytes32 keyDigest,
        uint256 context,
        bytes memory proof,
        uint256[4] memory tau
    ) internal view returns (bool) {
        State memory state = _begin(places, keyDigest, context, proof);
        _readWitness(state);
        _runConstraints(state);
        return _runClaims(state, tau);
    }

    /// @dev state_0, over C_W, the first two words, and ρ.
    function _begin(WeightsLayout.Places memory places, bytes32 keyDigest, uint256 context, bytes memory proof)
        private
        pure
        returns (State memory state)
    {
        state.places = places;
        state.reader = ProofReader.open(proof, 0);
        state.model = state.reader.readAbsorbedPoint();
        state.reader.state =
            uint256(keccak256(abi.encodePacked(keyDigest, state.model.wordAt(0), state.model.wordAt(1), context)));
    }

    /// @dev Messages 1 and 2; β is drawn and not used.
    function _readWitness(State memory state) private pure {
        ProofReader.Reader memory reader = state.reader;
        state.witness = reader.readPoints(state.places.witnessPoints + 1);
        state.alpha = reader.challenge();
        // slither-disable-next-line unused-return
        reader.squeeze();
        state.helpers = reader.readPoints(state.places.helperPoints);
        state.tau = zeros(state.places.rounds);
        state.tau.set(0, reader.challenge());
        reader.squeezeMany(state.tau.from(1), state.places.rounds - 1);
        state.lambda = reader.squeeze();
    }

    /// @dev Messages 3 to 5.
    function _runConstraints(State memory state) private pure {
        ProofReader.Reader memory reader = state.reader;
        uint256 rounds = state.places.rounds;
        state.maskSum = reader.readScalar();
        state.rho = zeros(rounds);
        Scalar claim = Sumcheck.run(reader, state.maskSum, rounds - 1, DEGREE_A, state.rho);
        claim = Sumcheck.run(reader, claim, 1, LAST_DEGREE_A, state.rho.from(rounds - 1));
        state.columns = reader.readScalars(WeightsLayout.MASKS);
        state.theta = reader.challenge();
        state.maskValue = claim - _summand(state);
    }

    /// @dev Messages 9 to 12.
    function _runClaims(State memory state, uint256[4] memory tau) private view returns (bool) {
        ProofReader.Reader memory reader = state.reader;
        uint256 degree = state.places.degree;
        Words sums = reader.readScalars(2);
        state.gammas = Multilinear.powers(reader.challenge(), CLAIMS);
        Scalar claim = Multilinear.inner(state.gammas, state.columns, WeightsLayout.MASKS);
        claim = claim + state.gammas.get(K_A) * state.maskSum + state.gammas.get(P_A) * state.maskValue;
        claim = claim + Multilinear.inner(state.gammas.from(K_S), sums, 2);
        state.sigma = zeros(degree);
        claim = Sumcheck.run(reader, claim, degree, DEGREE_C, state.sigma);
        Scalar blind = reader.readScalar();
        PointSum.Sum memory commitment = _commitment(state, _weigh(state));
        commitment.add(BlindGenerator.X, BlindGenerator.Y, Scalar.wrap(0) - blind);
        Words tauWords;
        // A static array in memory is its words.
        assembly ("memory-safe") {
            tauWords := tau
        }
        return Mercury.verify(reader, commitment, state.sigma, degree, claim, tauWords);
    }

    /// @dev s_nw·(GW + λ·eq·(GW·(α + W + 2^(w-1)) - 1) + λ³·eq·(1 - valid)·W) + s_w·(-GT + λ²·eq·(GT·(α + t) - M)).
    function _summand(State memory state) private pure returns (Scalar) {
        WeightsLayout.Places memory places = state.places;
        Words eqs = Multilinear.eqOfSuffixes(state.tau, state.rho, places.rounds);
        Scalar lambda = state.lambda;
        uint256 dummies = places.rounds - places.weightVariables;
        Scalar shifted = state.alpha + state.columns.get(W) + powerOfTwo(places.weightBits - 1);
        Scalar lookup = state.columns.get(GW) * shifted - ONE;
        Scalar outside = (ONE - _isInside(places, state.rho.from(dummies))) * state.columns.get(W);
        Scalar entries = state.columns.get(GW) + lambda * eqs.get(dummies) * (lookup + lambda * lambda * outside);
        entries = inversePowerOfTwo(dummies) * entries;

        dummies = places.rounds - places.weightBits;
        Scalar row = state.alpha + Multilinear.index(state.rho.from(dummies), places.weightBits);
        Scalar table = state.columns.get(GT) * row - state.columns.get(M);
        table = lambda * lambda * eqs.get(dummies) * table - state.columns.get(GT);
        return entries + inversePowerOfTwo(dummies) * table;
    }

    /// @dev valid = Σ_l pre_l·[output < d_l]·[input ≤ d_{l-1}] over the variables of W.
    function _isInside(WeightsLayout.Places memory places, Words point) private pure returns (Scalar valid) {
        for (uint256 l = 0; l < places.outputs.length; ++l) {
            uint256 outputs = places.outputs[l];
            uint256 inputs = places.inputs[l];
            uint256 own = outputs + inputs;
            Scalar part = Multilinear.isBelow(places.widths[l + 1], point, outputs)
                * Multilinear.isBelow(uint256(places.widths[l]) + 1, point.from(outputs), inputs);
            valid =
                valid + part * Multilinear.eqOfIndex(places.prefixes[l], point.from(own), places.weightVariables - own);
        }
    }

    /// @dev w_p(σ): columns at their suffix of ρ, the forms on K, the form on S.
    function _weigh(State memory state) private pure returns (Words weights) {
        WeightsLayout.Places memory places = state.places;
        Words gammas = state.gammas;
        weights = zeros(places.witnessPoints + places.helperPoints + 2);
        Scalar eq = _atSuffix(state, places.weightVariables);
        places.helper.addWeight(weights, gammas.get(GW) * eq, state.sigma, places.degree);
        places.model.addWeight(weights, gammas.get(W) * eq, state.sigma, places.degree);
        eq = _atSuffix(state, places.weightBits);
        places.tableHelper.addWeight(weights, gammas.get(GT) * eq, state.sigma, places.degree);
        places.multiplicities.addWeight(weights, gammas.get(M) * eq, state.sigma, places.degree);
        places.masks.addWeight(weights, _maskForm(state), state.sigma, places.degree);
        Scalar cover = gammas.get(K_S) * MaskColumn.cover(state.theta, state.sigma, places.degree);
        weights.set(places.witnessPoints, cover);
    }

    /// @dev eq(ρ[v-t:], σ[:t]).
    function _atSuffix(State memory state, uint256 variables) private pure returns (Scalar) {
        return Multilinear.eq(state.rho.from(state.places.rounds - variables), state.sigma, variables);
    }

    /// @dev The Libra mask, the masks of message 5, the spare row.
    function _maskForm(State memory state) private pure returns (Scalar) {
        uint256 rounds = state.places.rounds;
        MaskColumn.Form memory form = MaskColumn.zero(state.sigma, state.places.masks.variablesOf());
        form.addLibra(
            MaskColumn.Libra({row: 0, rounds: rounds, degree: DEGREE_A, lastDegree: LAST_DEGREE_A}),
            state.rho,
            state.gammas.get(K_A),
            state.gammas.get(P_A)
        );
        Scalar last = state.rho.get(rounds - 1);
        form.addEntries(rounds, state.gammas, WeightsLayout.MASKS, last - last * last);
        form.addRow(rounds + MaskColumn.rowsOf(WeightsLayout.MASKS), state.gammas.get(K_T));
        return form.weight;
    }

    /// @dev Σ_p w_p(σ)·[P_p]: stage 1, S, stage 2, W.
    function _commitment(State memory state, Words weights) private view returns (PointSum.Sum memory sum) {
        sum = PointSum.empty();
        uint256 count = state.places.witnessPoints + 1;
        sum.addAll(state.witness, count, weights);
        sum.addAll(state.helpers, state.places.helperPoints, weights.from(count));
        count += state.places.helperPoints;
        sum.addAll(state.model, 1, weights.from(count));
    }
}
