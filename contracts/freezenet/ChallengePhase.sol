// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Architecture} from "./Architecture.sol";
import {IChallengePhase} from "./IChallengePhase.sol";
import {IRounds} from "./IRounds.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title ChallengePhase
/// @notice The part that disputes and demands share.
abstract contract ChallengePhase is IChallengePhase {
    /// @notice Fewest blocks of an answer: whoever must give it in them cannot be kept out of every one.
    uint256 public constant MIN_TURN_BLOCKS = 5;
    /// @notice Parts of the phase that an answer has one of: the turns of the longest dispute, and one more.
    uint256 public constant TURNS = 16;

    /// @notice Where solutions are revealed.
    IRounds public immutable ROUNDS;
    /// @notice Where tasks are described.
    ITaskRegistry public immutable TASKS;

    mapping(address account => uint256) private _credits;

    constructor(IRounds rounds, ITaskRegistry tasks) {
        (ROUNDS, TASKS) = (rounds, tasks);
    }

    /// @inheritdoc IChallengePhase
    function withdraw() external {
        uint256 amount = _credits[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        // Low level, because contract wallets need more gas than a transfer leaves them.
        (bool accepted,) = msg.sender.call{value: amount}("");
        if (!accepted) revert EtherRefused(msg.sender, amount);
    }

    /// @inheritdoc IChallengePhase
    function creditOf(address account) external view returns (uint256 amount) {
        return _credits[account];
    }

    /// @inheritdoc IChallengePhase
    function turnBlocks(uint256 taskId, uint256 round) external view returns (uint256) {
        return _turnBlocks(_roundOf(taskId, round));
    }

    function _credit(address account, uint256 amount) internal {
        _credits[account] += amount;
    }

    /// @dev Of a solution whose bond is not decided yet.
    function _revealed(uint256 taskId, uint256 round, address miner)
        internal
        view
        returns (IRounds.Round memory found, IRounds.Entry memory entry)
    {
        found = _roundOf(taskId, round);
        entry = _entryOf(taskId, round, miner);
        if (!entry.revealed || entry.closed || found.status != IRounds.Status.Open) {
            revert NoSolution(taskId, round, miner);
        }
    }

    function _requireArchitecture(uint256 taskId, IntegerInference.Layer[] calldata layers)
        internal
        view
        returns (IntegerInference.Layer[] memory network, uint256 fractionPpm)
    {
        network = layers;
        bytes32 expected;
        (expected, fractionPpm) = TASKS.architectureOf(taskId);
        bytes32 actual = Architecture.hashOf(network);
        if (actual != expected) revert ArchitectureMismatch(expected, actual);
    }

    function _requireSolution(uint256 taskId, uint256 round, address miner, IRounds.Solution calldata solution)
        internal
        view
    {
        bytes32 expected = _entryOf(taskId, round, miner).digest;
        bytes32 actual = keccak256(abi.encode(solution));
        if (actual != expected) revert SolutionMismatch(expected, actual);
    }

    // One place for each of these calls: their code is long.

    function _roundOf(uint256 taskId, uint256 round) internal view returns (IRounds.Round memory) {
        return ROUNDS.roundOf(taskId, round);
    }

    function _entryOf(uint256 taskId, uint256 round, address miner) internal view returns (IRounds.Entry memory) {
        return ROUNDS.entryOf(taskId, round, miner);
    }

    /// @dev From the first block of the phase to the last but `left`.
    function _requirePhase(IRounds.Round memory found, uint256 left) internal view {
        (uint256 before, uint256 last) = (found.lastBlocks[2], found.lastBlocks[3] - left);
        if (block.number <= before || block.number > last) revert OutsidePhase(before + 1, last, block.number);
    }

    function _turnBlocks(IRounds.Round memory found) internal pure returns (uint256 blocks) {
        blocks = _phaseBlocks(found) / TURNS;
        if (blocks < MIN_TURN_BLOCKS) revert TurnsTooShort(blocks, MIN_TURN_BLOCKS);
    }

    function _phaseBlocks(IRounds.Round memory found) internal pure returns (uint256) {
        return found.lastBlocks[3] - found.lastBlocks[2];
    }
}
