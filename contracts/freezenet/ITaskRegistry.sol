// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title What there is to be trained
/// @notice A task is an architecture, a training set, a share of weights that a miner may not choose, and what a round
/// of it asks and costs. It never changes: whoever trains for it knows what will be judged, and by whom. No value is
/// kept here; rounds are opened, paid and settled by `IRounds`.
///
/// A task says nothing about its data. Whether the training set is served, the test sets are fair, and the threshold
/// can be reached, miners see for themselves before they bond anything.
interface ITaskRegistry {
    /// @notice What a sponsor asks for.
    /// @param trainingRoot Merkle root of the training set, whose samples are served by digest.
    /// @param verifier who judges solutions; it cannot be replaced.
    /// @param fractionPpm millionths of each kernel, but for the last layer's, that are watermarked.
    /// @param samples in each round's test set.
    /// @param threshold correct answers that the first round asks for.
    /// @param thresholdFloor lowest threshold to which empty rounds relax it.
    /// @param thresholdStep by how many answers a round without a solution relaxes the threshold, and one with more
    /// than `targetSolutions` raises it; zero keeps it as it is.
    /// @param targetSolutions solutions of a round above which the threshold rises.
    /// @param minerBond in wei, for each commitment.
    /// @param sponsorBond in wei, for each round, lost by a sponsor who does not reveal its test set.
    /// @param commitBlocks how long miners train and commit.
    /// @param testBlocks how long the sponsor may then take to reveal the test set.
    /// @param revealBlocks how long miners may then take to reveal.
    /// @param challengeBlocks how long solutions may then be challenged.
    // Layout, from the low end: slot 0 trainingRoot;
    // slot 1 | verifier 160 | fractionPpm 32 | samples 32 | threshold 32 |;
    // slot 2 | thresholdFloor 32 | thresholdStep 32 | targetSolutions 32 | minerBond 96 | free 64 |;
    // slot 3 | sponsorBond 96 | commitBlocks 32 | testBlocks 32 | revealBlocks 32 | challengeBlocks 32 | free 32 |
    struct Terms {
        bytes32 trainingRoot;
        IAccuracyVerifier verifier;
        uint32 fractionPpm;
        uint32 samples;
        uint32 threshold;
        uint32 thresholdFloor;
        uint32 thresholdStep;
        uint32 targetSolutions;
        uint96 minerBond;
        uint96 sponsorBond;
        uint32 commitBlocks;
        uint32 testBlocks;
        uint32 revealBlocks;
        uint32 challengeBlocks;
    }

    /// @notice A task.
    /// @param sponsor who alone opens rounds of it.
    /// @param length codes in all kernels together.
    /// @param architectureHash `Architecture.hashOf` its layers.
    // Layout, from the low end: slot 0 | sponsor 160 | length 64 | free 32 |; slot 1 architectureHash; slots 2-5 terms
    struct Task {
        address sponsor;
        uint64 length;
        bytes32 architectureHash;
        Terms terms;
    }

    /// @notice `sponsor` described a task; the layers are in this event alone.
    event TaskRegistered(
        uint256 indexed taskId,
        address indexed sponsor,
        bytes32 indexed architectureHash,
        Terms terms,
        IntegerInference.Layer[] layers
    );

    /// @notice No task has this id.
    error TaskUnknown(uint256 taskId);
    /// @notice The training set's root is zero.
    error NoTrainingSet();
    /// @notice There is no code at the verifier's address.
    error VerifierWithoutCode(address verifier);
    /// @notice A watermark covers from one millionth to all of the weights, and at least one.
    error FractionOutOfRange(uint256 fractionPpm, uint256 unit);
    /// @notice A test set has from one to `maximum` samples.
    error SamplesOutOfRange(uint256 samples, uint256 maximum);
    /// @notice Thresholds are in order: from one to the floor, the threshold and the samples.
    error ThresholdOutOfRange(uint256 thresholdFloor, uint256 threshold, uint256 samples);
    /// @notice Without a bond a cheat costs nothing.
    error NoBond(uint256 minerBond, uint256 sponsorBond);
    /// @notice A phase takes from `minimum` to `maximum` blocks.
    error PhaseOutOfRange(uint256 blocks, uint256 minimum, uint256 maximum);

    /// @notice Describes a task, for good.
    /// @param layers at least two, each reading what the one before gives.
    /// @return taskId counted from zero.
    function register(Terms calldata terms, IntegerInference.Layer[] calldata layers) external returns (uint256 taskId);

    /// @notice How many tasks there are; the next one's id.
    function taskCount() external view returns (uint256);

    /// @notice A task; reverts if there is none.
    function taskOf(uint256 taskId) external view returns (Task memory);

    /// @notice What a watermark of a task's networks lies in, and how much of it; cheaper than all of the task.
    function architectureOf(uint256 taskId) external view returns (bytes32 architectureHash, uint256 fractionPpm);
}
