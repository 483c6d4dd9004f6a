// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlindGenerator} from "./BlindGenerator.sol";
import {ClaimWeights} from "./ClaimWeights.sol";
import {ConstraintSum} from "./ConstraintSum.sol";
import {Key} from "./Key.sol";
import {Mercury} from "./Mercury.sol";
import {Multilinear} from "./Multilinear.sol";
import {PointSum} from "./PointSum.sol";
import {ProductSum} from "./ProductSum.sol";
import {ProofReader} from "./ProofReader.sol";
import {Run} from "./Run.sol";
import {Scalar} from "./Scalar.sol";
import {Sumcheck} from "./Sumcheck.sol";
import {Words, zeros} from "./Words.sol";

/// @title The verifier of accuracy and of inference
/// @notice Section 5 of `circuits/native_accuracy/SPEC.md`, message by message; every check of sections 6, 8 and 10.
library AccuracyProof {
    using Key for Key.Header;
    using PointSum for PointSum.Sum;
    using ProofReader for ProofReader.Reader;

    /// @notice Whether the proof is one for these public values.
    /// @param proof `key.proofWords` words.
    /// @param publicValues (ρ, count), or (ρ, evaluation, label): canonical and in range, as `NativeVerifier` checks.
    function verify(Key.Header memory key, bytes memory proof, uint256[] calldata publicValues)
        internal
        view
        returns (bool)
    {
        Run.State memory run = _begin(key, proof, publicValues);
        _readWitness(run);
        _runConstraints(run);
        _runProducts(run);
        _readMaskSums(run);
        return _runClaims(run);
    }

    /// @dev state_0, over C_W, the first two words, and the public values.
    function _begin(Key.Header memory key, bytes memory proof, uint256[] calldata publicValues)
        private
        pure
        returns (Run.State memory run)
    {
        run.key = key;
        run.tables = key.tablesOf();
        run.reader = ProofReader.open(proof, 0);
        run.model = run.reader.readAbsorbedPoint();
        run.reader.state = uint256(
            keccak256(abi.encodePacked(run.key.digest, run.model.wordAt(0), run.model.wordAt(1), publicValues))
        );
        run.context = Scalar.wrap(publicValues[0]);
        if (run.key.isInference == 0) {
            run.count = Scalar.wrap(publicValues[1]);
        } else {
            run.count = Scalar.wrap(1);
            run.evaluation = Scalar.wrap(publicValues[1]);
            run.label = publicValues[2];
        }
    }

    /// @dev Messages 1 and 2.
    function _readWitness(Run.State memory run) private pure {
        ProofReader.Reader memory reader = run.reader;
        run.witness = reader.readPoints(run.key.witnessPoints + 1);
        run.alpha = reader.challenge();
        run.beta = reader.squeeze();
        run.helpers = reader.readPoints(run.key.helperPoints);
        run.tau = zeros(run.key.roundsA);
        run.tau.set(0, reader.challenge());
        reader.squeezeMany(run.tau.from(1), run.key.roundsA - 1);
        run.lambda = reader.squeeze();
    }

    /// @dev Messages 3 to 5: SC-A.
    function _runConstraints(Run.State memory run) private pure {
        ProofReader.Reader memory reader = run.reader;
        uint256 rounds = run.key.roundsA;
        uint256 layers = run.key.layers;
        run.lambdas = Multilinear.powers(run.lambda, layers + 6);
        run.maskSumA = reader.readScalar();
        Scalar claim = run.lambdas.get(layers + 5) * run.count + run.maskSumA;
        run.rho = zeros(rounds);
        claim = Sumcheck.run(reader, claim, rounds - 1, Run.DEGREE_A, run.rho);
        claim = Sumcheck.run(reader, claim, 1, Run.LAST_DEGREE_A, run.rho.from(rounds - 1));
        run.lastFactorA = _lastFactor(run.rho.get(rounds - 1));

        uint256 opened = Key.LAYER_COLUMNS * layers + 6;
        run.columns = reader.readScalars(opened + 1 - run.key.isInference);
        run.mu = reader.challenge();
        uint256 classAt = rounds - run.key.sampleVariables - run.key.classVariables;
        run.labels = run.key.isInference == 0
            ? run.columns.get(opened)
            : Multilinear.eqOfIndex(run.label, run.rho.from(classAt), run.key.classVariables);
        run.maskValueA = claim - ConstraintSum.evaluate(run);
    }

    /// @dev Messages 6 to 8: SC-B.
    function _runProducts(Run.State memory run) private pure {
        ProofReader.Reader memory reader = run.reader;
        uint256 rounds = run.key.roundsB;
        run.mus = Multilinear.powers(run.mu, run.key.layers + 1);
        run.maskSumB = reader.readScalar();
        Scalar claim = ProductSum.claim(run) + run.maskSumB;
        run.r = zeros(rounds);
        claim = Sumcheck.run(reader, claim, rounds - 1, Run.DEGREE_B, run.r);
        claim = Sumcheck.run(reader, claim, 1, Run.LAST_DEGREE_B, run.r.from(rounds - 1));
        run.lastFactorB = _lastFactor(run.r.get(rounds - 1));

        run.factors = reader.readScalars(2 * run.key.layers + 2);
        run.theta = reader.challenge();
        run.maskValueB = claim - ProductSum.evaluate(run);
    }

    /// @dev Message 9.
    function _readMaskSums(Run.State memory run) private pure {
        run.maskSums = run.reader.readScalars(2);
        ClaimWeights.begin(run, run.reader.challenge());
    }

    /// @dev Messages 10 to 12: SC-C, then the opening of F = Σ w_p(σ)·P_p.
    function _runClaims(Run.State memory run) private view returns (bool) {
        ProofReader.Reader memory reader = run.reader;
        uint256 degree = run.key.degree;
        run.sigma = zeros(degree);
        Scalar claim = Sumcheck.run(reader, ClaimWeights.total(run), degree, Run.DEGREE_C, run.sigma);
        Scalar blind = reader.readScalar();
        PointSum.Sum memory commitment = _commitment(run, ClaimWeights.weigh(run));
        commitment.add(BlindGenerator.X, BlindGenerator.Y, Scalar.wrap(0) - blind);
        return Mercury.verify(reader, commitment, run.sigma, degree, claim, run.key.tauOf());
    }

    /// @dev Σ_p w_p(σ)·[P_p]: stage 1, S, stage 2, W, data.
    function _commitment(Run.State memory run, Words weights) private view returns (PointSum.Sum memory sum) {
        sum = PointSum.empty();
        uint256 count = run.key.witnessPoints + 1;
        sum.addAll(run.witness, count, weights);
        sum.addAll(run.helpers, run.key.helperPoints, weights.from(count));
        count += run.key.helperPoints;
        sum.addAll(run.model, 1, weights.from(count));
        sum.addAll(run.tables.data, run.key.dataPoints, weights.from(count + 1));
    }

    /// @dev x - x²: how much of its mask an evaluation contains.
    function _lastFactor(Scalar x) private pure returns (Scalar) {
        return x - x * x;
    }
}
