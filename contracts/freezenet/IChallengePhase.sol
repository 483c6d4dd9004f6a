// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What may be done about revealed solutions in the challenge phase of their round
/// @notice Answers are due within `turnBlocks`, a sixteenth of the phase. Value that is put up is credited to whom it
/// comes to belong, and withdrawn by him.
interface IChallengePhase {
    /// @notice `account` took out what belonged to it.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice This is done in blocks `first` to `last` only.
    error OutsidePhase(uint256 first, uint256 last, uint256 currentBlock);
    /// @notice The time for it is over.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The time for it is not over yet.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice The round's challenge phase leaves too few blocks for an answer.
    error TurnsTooShort(uint256 turnBlocks, uint256 minimum);
    /// @notice The miner has revealed no solution, or its bond has gone where it belongs.
    error NoSolution(uint256 taskId, uint256 round, address miner);
    /// @notice The layers are not those of the task.
    error ArchitectureMismatch(bytes32 expected, bytes32 actual);
    /// @notice The solution is not what the miner revealed.
    error SolutionMismatch(bytes32 expected, bytes32 actual);
    /// @notice What is shown does not lead to the root.
    error NotUnderRoot(bytes32 expected, bytes32 actual);
    /// @notice The index names nothing.
    error IndexOutOfRange(uint256 index, uint256 count);
    /// @notice There are more or fewer elements, or bytes, than there must be.
    error LengthMismatch(uint256 expected, uint256 actual);
    /// @notice Nothing belongs to the account.
    error NothingToWithdraw(address account);
    /// @notice The account does not accept ether.
    error EtherRefused(address account, uint256 amount);

    /// @notice Pays out all that belongs to the sender.
    function withdraw() external;

    /// @notice What `account` may withdraw, in wei.
    function creditOf(address account) external view returns (uint256 amount);

    /// @notice How many blocks an answer may take in a round; reverts if there are too few.
    function turnBlocks(uint256 taskId, uint256 round) external view returns (uint256);
}
