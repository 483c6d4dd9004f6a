// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Architecture} from "./Architecture.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title TaskRegistry
/// @notice Nobody owns it; a task never changes and never goes.
contract TaskRegistry is ITaskRegistry {
    /// @notice Most samples of a test set: an answer each, of which a dispute reads the bits.
    uint256 public constant MAX_SAMPLES = 1 << 16;
    /// @notice Shortest phase, in blocks: whoever must act in it cannot be kept out of every one of them.
    uint256 public constant MIN_PHASE = 5;
    /// @notice Longest phase, in blocks: about a year of twelve seconds each, so that nothing is bonded for ever.
    uint256 public constant MAX_PHASE = 2_628_000;

    /// @inheritdoc ITaskRegistry
    uint256 public taskCount;

    mapping(uint256 taskId => Task) private _tasks;

    /// @inheritdoc ITaskRegistry
    function register(Terms calldata terms, IntegerInference.Layer[] calldata layers)
        external
        returns (uint256 taskId)
    {
        _requireTerms(terms);
        IntegerInference.Layer[] memory network = layers;
        Architecture.requireNetwork(network);
        uint256 length = Architecture.watermarkLength(network, terms.fractionPpm);
        if (length == 0) revert FractionOutOfRange(terms.fractionPpm, Architecture.FRACTION_UNIT);
        taskId = taskCount++;
        bytes32 architectureHash = Architecture.hashOf(network);
        // At most 2^38: each of 64 kernels has at most 2^16 inputs and as many outputs.
        // forge-lint: disable-next-line(unsafe-typecast)
        _tasks[taskId] = Task(msg.sender, uint64(length), architectureHash, terms);
        emit TaskRegistered(taskId, msg.sender, architectureHash, terms, layers);
    }

    /// @inheritdoc ITaskRegistry
    function taskOf(uint256 taskId) external view returns (Task memory) {
        if (taskId >= taskCount) revert TaskUnknown(taskId);
        return _tasks[taskId];
    }

    /// @inheritdoc ITaskRegistry
    function architectureOf(uint256 taskId) external view returns (bytes32 architectureHash, uint256 fractionPpm) {
        if (taskId >= taskCount) revert TaskUnknown(taskId);
        Task storage task = _tasks[taskId];
        return (task.architectureHash, task.terms.fractionPpm);
    }

    function _requireTerms(Terms calldata terms) private view {
        if (terms.trainingRoot == 0) revert NoTrainingSet();
        if (address(terms.verifier).code.length == 0) revert VerifierWithoutCode(address(terms.verifier));
        if (terms.fractionPpm == 0 || terms.fractionPpm > Architecture.FRACTION_UNIT) {
            revert FractionOutOfRange(terms.fractionPpm, Architecture.FRACTION_UNIT);
        }
        if (terms.samples == 0 || terms.samples > MAX_SAMPLES) revert SamplesOutOfRange(terms.samples, MAX_SAMPLES);
        if (terms.thresholdFloor == 0 || terms.thresholdFloor > terms.threshold || terms.threshold > terms.samples) {
            revert ThresholdOutOfRange(terms.thresholdFloor, terms.threshold, terms.samples);
        }
        if (terms.minerBond == 0 || terms.sponsorBond == 0) revert NoBond(terms.minerBond, terms.sponsorBond);
        _requirePhase(terms.commitBlocks);
        _requirePhase(terms.testBlocks);
        _requirePhase(terms.revealBlocks);
        _requirePhase(terms.challengeBlocks);
    }

    function _requirePhase(uint256 blocks) private pure {
        if (blocks < MIN_PHASE || blocks > MAX_PHASE) revert PhaseOutOfRange(blocks, MIN_PHASE, MAX_PHASE);
    }
}
