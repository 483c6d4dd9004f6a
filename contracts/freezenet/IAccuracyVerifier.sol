// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What decides whether a solution is as accurate as its miner says
/// @notice One function, so that a task may name any judge: every product recomputed on chain, a game in which one
/// wrong product is enough, or a proof. A judge keeps its own evidence; rounds only ask for its verdict.
interface IAccuracyVerifier {
    /// @notice What is known of a solution.
    enum Verdict {
        Undecided,
        Accepted,
        Rejected
    }

    /// @notice The verdict on a miner's solution of a round. Once accepted or rejected it never changes.
    /// @dev Where silence accepts, it does so only once the round's window for challenges is over and no dispute is
    /// open; where silence rejects, only what was proved is accepted.
    function verdictOf(uint256 taskId, uint256 round, address miner) external view returns (Verdict verdict);
}
