// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../zk/AccuracyRegistry.sol";
import {ICircuitRegistry} from "../zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../zk/IModelRegistry.sol";
import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IProofVerifier} from "./IProofVerifier.sol";
import {IRounds} from "./IRounds.sol";

/// @title ProofVerifier
/// @notice Nobody owns it, and it keeps no value.
contract ProofVerifier is IProofVerifier {
    /// @notice Where solutions are revealed.
    IRounds public immutable ROUNDS;
    /// @notice Where accuracies are proved.
    AccuracyRegistry public immutable ACCURACY;
    /// @notice Where that registry's models are committed to.
    IModelRegistry public immutable MODELS;
    /// @notice Where its circuits are described.
    ICircuitRegistry public immutable CIRCUITS;

    /// @inheritdoc IAccuracyVerifier
    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Verdict))) public verdictOf;

    constructor(IRounds rounds, AccuracyRegistry accuracy) {
        (ROUNDS, ACCURACY) = (rounds, accuracy);
        (MODELS, CIRCUITS) = (accuracy.MODELS(), accuracy.CIRCUITS());
    }

    /// @inheritdoc IProofVerifier
    function accept(uint256 taskId, uint256 round, address miner, IRounds.Solution calldata solution) external {
        if (verdictOf[taskId][round][miner] != Verdict.Undecided) revert AlreadyDecided(taskId, round, miner);
        IRounds.Entry memory entry = ROUNDS.entryOf(taskId, round, miner);
        if (!entry.revealed) revert NoSolution(taskId, round, miner);
        bytes32 actual = keccak256(abi.encode(solution));
        if (actual != entry.digest) revert SolutionMismatch(entry.digest, actual);

        IRounds.Round memory found = ROUNDS.roundOf(taskId, round);
        bytes32 circuitId = found.testRoot;
        uint256 samples = CIRCUITS.gateOf(circuitId).samples;
        if (samples != found.samples) revert SamplesMismatch(found.samples, samples);
        bytes32 modelId = _requireModel(miner, solution.numbersRoot, found.lastBlocks[0]);
        uint256 proved = ACCURACY.claimOf(modelId, circuitId).count;
        if (proved < entry.correct || proved == 0) revert TooFewProved(entry.correct, proved);

        verdictOf[taskId][round][miner] = Verdict.Accepted;
        emit SolutionProved(taskId, round, miner, modelId, circuitId);
    }

    /// @dev The registry names models by owner and commitment; one that is not registered reverts there.
    function _requireModel(address miner, bytes32 commitment, uint256 lastBlock)
        private
        view
        returns (bytes32 modelId)
    {
        modelId = keccak256(abi.encode(miner, commitment));
        IModelRegistry.Model memory model = MODELS.modelOf(modelId);
        if (model.revoked) revert ModelRevoked(modelId);
        if (model.registeredBlock > lastBlock) revert ModelTooLate(model.registeredBlock, lastBlock);
    }
}
