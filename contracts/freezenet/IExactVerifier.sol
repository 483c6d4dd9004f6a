// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IRounds} from "./IRounds.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title Every weight placed and every test sample answered on chain
/// @notice For models of a few thousand weights. Whoever wants a solution accepted pays for all of it, in as many
/// transactions as it takes; nobody has to watch, and silence rejects.
///
/// The work on a solution goes through three stages, each resumed where the last transaction left it:
///
/// 1. place: the free weights come in order and are checked against their root; with the watermark's codes each goes to
///    its position, kernel by kernel (`Watermark.position` of code and free indices in turn), into words of 32 codes.
///    Multipliers, biases and the last layer's weights come at once, at any time;
/// 2. answer: samples come with their label and path to the test set's root, in order, and `IntegerInference` answers
///    each; right answers are counted;
/// 3. decide: as soon as the count has reached the claim, or can no longer reach it, the verdict stands.
///
/// The miner chooses free weights only, so no solution can be without its watermark.
/// @dev Words are kept as code of contracts (`CodeStorage`), a kernel in one of them: at most 767 words. A kernel that
/// is not whole at the end of a transaction is written again in the next.
///
/// A sample is its inputs, a byte each, its label in two bytes, big-endian, and a salt of 32 bytes, one behind the
/// other: a leaf of the test set's tree. A leaf of another length counts as not answered: were it refused, a sponsor
/// could keep every solution from its verdict.
interface IExactVerifier is IAccuracyVerifier {
    /// @notice Where the work on a solution stands.
    /// @param placed weights that stand at their positions.
    /// @param answered samples of the test set that were answered.
    /// @param correct how many of them as labelled.
    /// @param numbered whether multipliers, biases and the last layer's weights are there.
    // Layout, from the low end: | placed 64 | answered 32 | correct 32 | numbered 8 | verdict 8 | free 112 |
    struct Progress {
        uint64 placed;
        uint32 answered;
        uint32 correct;
        bool numbered;
        Verdict verdict;
    }

    /// @notice Weights to be placed, codes and free ones, in the order of their indices, kernel by kernel.
    /// @param first of them: what is placed already.
    /// @param count how many.
    /// @param leaves words of 32 free codes that hold the free ones among them, and no others.
    /// @param path what else is needed to come from these leaves to the solution's root.
    struct Part {
        uint256 first;
        uint256 count;
        uint256[] leaves;
        bytes32[] path;
    }

    /// @notice Samples to be answered.
    /// @param first of them: how many are answered already.
    /// @param samples leaves of the test set.
    /// @param path what else is needed to come from them to the test set's root.
    struct Batch {
        uint256 first;
        bytes[] samples;
        bytes32[] path;
    }

    /// @notice A part of a solution's weights was placed.
    event WeightsPlaced(uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 placed);
    /// @notice Multipliers, biases and the last layer's weights were placed.
    event NumbersPlaced(uint256 indexed taskId, uint256 indexed round, address indexed miner);
    /// @notice Further samples were answered.
    event SamplesAnswered(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 answered, uint256 correct
    );
    /// @notice The verdict on a solution.
    event Decided(uint256 indexed taskId, uint256 indexed round, address indexed miner, Verdict verdict);

    /// @notice The layers are not those of the task.
    error ArchitectureMismatch(bytes32 expected, bytes32 actual);
    /// @notice The solution is not what the miner revealed.
    error SolutionMismatch(bytes32 expected, bytes32 actual);
    /// @notice The work stands elsewhere.
    error OutOfOrder(uint256 expected, uint256 actual);
    /// @notice More is brought than there is to be done, or nothing.
    error PartOutOfRange(uint256 first, uint256 count, uint256 total);
    /// @notice There are more or fewer leaves than hold the free weights of the part.
    error LeafCountMismatch(uint256 expected, uint256 actual);
    /// @notice What is shown does not lead to the root.
    error NotUnderRoot(bytes32 expected, bytes32 actual);
    /// @notice The kernel has more words than one contract holds.
    error KernelTooLarge(uint256 tensor, uint256 words, uint256 maximum);
    /// @notice There are not as many layers of numbers as of the task.
    error NumbersMismatch(uint256 expected, uint256 actual);
    /// @notice The numbers are there.
    error AlreadyNumbered(uint256 taskId, uint256 round, address miner);
    /// @notice Weights or numbers are missing.
    error NotPlaced(uint256 placed, uint256 total, bool numbered);
    /// @notice The miner has revealed no solution that waits for a verdict.
    error NoSolution(uint256 taskId, uint256 round, address miner);
    /// @notice The verdict stands.
    error AlreadyDecided(uint256 taskId, uint256 round, address miner);

    /// @notice Places the next weights. Anyone may do it.
    /// @param solution as the miner revealed it.
    function place(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        Part calldata part
    ) external;

    /// @notice Places the rest, which is under the solution's `numbersRoot`. Anyone may do it, once.
    /// @param affine multipliers and biases of each layer, six bytes a channel.
    /// @param lastWeights words of the last layer.
    function placeNumbers(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes[] calldata affine,
        uint256[] calldata lastWeights
    ) external;

    /// @notice Answers the next samples. Anyone may do it.
    function answer(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        Batch calldata batch
    ) external;

    /// @notice Where the work on a solution stands.
    function progressOf(uint256 taskId, uint256 round, address miner) external view returns (Progress memory);
}
