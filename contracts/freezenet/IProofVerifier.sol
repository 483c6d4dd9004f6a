// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IRounds} from "./IRounds.sol";

/// @title A solution is accepted for a proof of its accuracy
/// @notice The weights stay secret: a miner commits to a model in the zk system's `ModelRegistry`, hands in that
/// commitment as his solution, and after the test set is revealed proves to its `AccuracyRegistry` how many samples the
/// committed model answers. Nobody has to watch, and silence rejects. Under this verifier
///
/// - a round's `testRoot` is the id of the accuracy circuit that holds its test set: sealed as the round opens, so the
///   sponsor cannot choose another circuit after the commitments, and revealed before proofs are made. What the circuit
///   means, its publisher's description says (`ICircuitRegistry`); a miner looks before he bonds anything;
/// - a solution's `numbersRoot` is the commitment of the whole model. The model is its miner's, was registered by the
///   end of the commit phase, and is not revoked.
///
/// **What is proved:** the model that the miner had committed to before the test set was revealed answers at least as
/// many samples of it, in the arithmetic of the circuit, as he claims.
///
/// **What is not:** that this model holds the watermark of its seed. Commitments hide weights, and the circuit says
/// nothing of single ones; `freeRoot` and `freeCount` bind nothing here. A miner can hand in one old model in every
/// round. A task under this verifier therefore pays for accuracy and not for work, unless its sponsor asks for the
/// weights and salts under `contentDigest`, from which anybody computes the commitment and sees the watermark off chain.
/// Where the chain itself must know, `IExactVerifier` and `IOptimisticVerifier` judge.
interface IProofVerifier is IAccuracyVerifier {
    /// @notice A solution was accepted for the claim of `modelId` under `circuitId`.
    event SolutionProved(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, bytes32 modelId, bytes32 circuitId
    );

    /// @notice The miner has revealed no solution.
    error NoSolution(uint256 taskId, uint256 round, address miner);
    /// @notice The solution is not what the miner revealed.
    error SolutionMismatch(bytes32 expected, bytes32 actual);
    /// @notice The circuit has another number of samples than the round's test set.
    error SamplesMismatch(uint256 expected, uint256 actual);
    /// @notice The model was registered when the test set could be known.
    error ModelTooLate(uint256 registeredBlock, uint256 lastBlock);
    /// @notice The miner has withdrawn the model.
    error ModelRevoked(bytes32 modelId);
    /// @notice Fewer right answers are proved than the miner claims.
    error TooFewProved(uint256 claimed, uint256 proved);
    /// @notice The verdict stands.
    error AlreadyDecided(uint256 taskId, uint256 round, address miner);

    /// @notice Accepts a solution whose accuracy is proved. Anyone may do it.
    /// @param solution as the miner revealed it.
    function accept(uint256 taskId, uint256 round, address miner, IRounds.Solution calldata solution) external;
}
