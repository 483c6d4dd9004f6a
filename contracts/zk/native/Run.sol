// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Key} from "./Key.sol";
import {ProofReader} from "./ProofReader.sol";
import {Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title What is known so far of a proof of accuracy that is being verified
library Run {
    // Degrees of the rounds of the three sum-checks.
    uint256 internal constant DEGREE_A = 4;
    uint256 internal constant LAST_DEGREE_A = 7;
    uint256 internal constant DEGREE_B = 2;
    uint256 internal constant LAST_DEGREE_B = 4;
    uint256 internal constant DEGREE_C = 2;

    /// @param key, tables the circuit's constants.
    /// @param reader of the proof.
    /// @param model the point C_W.
    /// @param context ρ of the registry.
    /// @param count correct answers claimed; 1 for inference.
    /// @param evaluation, label the public input and answer, for inference only.
    /// @param witness, helpers points of stage 1 with S, and of stage 2.
    /// @param alpha, beta, lambda, mu, theta challenges.
    /// @param lambdas, mus, gammas powers of challenges.
    /// @param productGammas, maskGammas the powers of γ for the claims of message 8, and for those behind.
    /// @param tau, rho, r, sigma the points.
    /// @param columns message 5.
    /// @param labels Y there: sent, or for inference eq(label, ρ_j).
    /// @param factors message 8.
    /// @param maskSumA, maskValueA K_A, and p_A(ρ) as it must be.
    /// @param maskSumB, maskValueB K_B, and p_B(r) as it must be.
    /// @param lastFactorA, lastFactorB x - x² at the last coordinates of ρ and r.
    /// @param maskSums K_S, K_T.
    struct State {
        Key.Header key;
        Key.Tables tables;
        ProofReader.Reader reader;
        Words model;
        Scalar context;
        Scalar count;
        Scalar evaluation;
        uint256 label;
        Words witness;
        Words helpers;
        Scalar alpha;
        Scalar beta;
        Scalar lambda;
        Scalar mu;
        Scalar theta;
        Words lambdas;
        Words mus;
        Words gammas;
        Words productGammas;
        Words maskGammas;
        Words tau;
        Words rho;
        Words r;
        Words sigma;
        Words columns;
        Scalar labels;
        Words factors;
        Scalar maskSumA;
        Scalar maskValueA;
        Scalar maskSumB;
        Scalar maskValueB;
        Scalar lastFactorA;
        Scalar lastFactorB;
        Words maskSums;
    }
}
