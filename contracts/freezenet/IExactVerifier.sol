// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title Every weight placed and every test sample answered on chain
/// @notice For models of a few thousand weights. Whoever wants a solution accepted pays for all of it, in as many
/// transactions as it takes; nobody has to watch, and silence rejects.
///
/// The work on a solution goes through three stages, each resumed where the last transaction left it:
///
/// 1. place: the free weights come in order and are checked against their root; with the watermark's codes each goes to
///    its position, kernel by kernel (`Watermark.position` of code and free indices in turn), into words of 32 codes;
/// 2. answer: samples come with their label and path to the test set's root, in order, and `IntegerInference` answers
///    each; right answers are counted;
/// 3. decide: after the last sample, or as soon as the count has reached the claim, the verdict stands.
/// @dev Words are kept as code of data contracts, at most 768 of them each: reading them costs a tenth of storage.
interface IExactVerifier is IAccuracyVerifier {
    /// @notice Where the work on a solution stands.
    /// @param placed weights that stand at their positions.
    /// @param answered samples of the test set that were answered.
    /// @param correct how many of them as labelled.
    // Layout, from the low end: | placed 64 | answered 32 | correct 32 | verdict 8 | free 120 |
    struct Progress {
        uint64 placed;
        uint32 answered;
        uint32 correct;
        Verdict verdict;
    }

    /// @notice A part of a solution's weights was placed.
    event WeightsPlaced(uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 placed);
    /// @notice Further samples were answered.
    event SamplesAnswered(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 answered, uint256 correct
    );
    /// @notice The verdict on a solution.
    event Decided(uint256 indexed taskId, uint256 indexed round, address indexed miner, Verdict verdict);

    /// @notice The layers are not those of the task.
    error ArchitectureMismatch(bytes32 expected, bytes32 actual);
    /// @notice The work stands elsewhere.
    error OutOfOrder(uint256 expected, uint256 actual);
    /// @notice The leaf and its path do not lead to the root.
    error NotUnderRoot(bytes32 root, uint256 index);
    /// @notice The verdict stands.
    error AlreadyDecided(uint256 taskId, uint256 round, address miner);

    /// @notice Places the next free weights.
    /// @param leaves words of 32 free codes, those that follow the ones placed.
    /// @param path what else is needed to come from them to the solution's root.
    function place(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        uint256[] calldata leaves,
        bytes32[] calldata path
    ) external;

    /// @notice Answers the next samples.
    /// @param samples inputs, label and salt of each, one behind the other.
    /// @param path what else is needed to come from them to the test set's root.
    function answer(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        bytes[] calldata samples,
        bytes32[] calldata path
    ) external;

    /// @notice Where the work on a solution stands.
    function progressOf(uint256 taskId, uint256 round, address miner) external view returns (Progress memory);
}
