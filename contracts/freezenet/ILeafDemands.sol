// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChallengePhase} from "./IChallengePhase.sol";
import {IRounds} from "./IRounds.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title Leaves of solutions on demand
/// @notice Whoever wants to challenge a solution needs its numbers, and a miner who served them to nobody could not be
/// challenged. In the first half of the challenge phase leaves may therefore be demanded here, for a fee that covers
/// twice the gas of serving them. The miner shows them in time, and keeps the fee, or the solution counts as hidden: the
/// fee goes back, and a verifier rejects what is hidden.
/// @dev It knows no verifier, and judges nothing but silence: each root has one content, and what is shown lies under it.
interface ILeafDemands is IChallengePhase {
    /// @notice Of which root leaves are demanded.
    enum Tree {
        Free,
        Numbers
    }

    /// @notice Leaves that somebody needs.
    /// @param demander who paid for them.
    /// @param deadline last block in which they can be served.
    /// @param tree they are of.
    /// @param open whether they are neither served nor claimed.
    /// @param miner whose solution it is.
    /// @param taskId of the round.
    /// @param round of the solution.
    /// @param first of them.
    /// @param length how many.
    /// @param count leaves of the tree.
    /// @param affine how many of its leaves, the first, hold a channel's numbers and not a word.
    /// @param fee for serving them, in wei.
    // Layout, from the low end: slot 0 | demander 160 | deadline 48 | tree 8 | open 8 | free 32 |;
    // slot 1 | miner 160 | taskId 48 | round 48 |; slot 2 | first 32 | length 32 | count 32 | affine 32 | fee 128 |
    struct Demand {
        address demander;
        uint48 deadline;
        Tree tree;
        bool open;
        address miner;
        uint48 taskId;
        uint48 round;
        uint32 first;
        uint32 length;
        uint32 count;
        uint32 affine;
        uint128 fee;
    }

    /// @notice What came of the demands for a solution's leaves.
    /// @param witness who first demanded leaves that were not shown; zero while there is none.
    /// @param open demands that are open.
    // Layout, from the low end: | witness 160 | open 96 |
    struct Standing {
        address witness;
        uint96 open;
    }

    /// @notice Somebody needs leaves by block `deadline`.
    event LeavesDemanded(
        uint256 indexed demandId,
        uint256 indexed taskId,
        address indexed miner,
        uint256 round,
        Tree tree,
        uint256 first,
        uint256 length,
        uint256 deadline
    );
    /// @notice The leaves that were demanded.
    event LeavesServed(uint256 indexed demandId, bytes[] contents);
    /// @notice They were not shown in time.
    event LeavesHidden(uint256 indexed demandId, address indexed witness);

    /// @notice Less was sent than the fee.
    error FeeTooLow(uint256 minimum, uint256 actual);
    /// @notice These leaves were not demanded, are served, or were not shown in time.
    error NotDemanded(uint256 demandId);

    /// @notice Demands leaves of a solution, in the first half of the challenge phase. `msg.value` is the fee, `feeFor`
    /// them or more.
    /// @param first of them.
    /// @param length how many, at most `MAX_DEMAND`.
    /// @return demandId counted from zero.
    function demand(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        Tree tree,
        uint32 first,
        uint32 length
    ) external payable returns (uint256 demandId);

    /// @notice Shows leaves that were demanded, for the fee. Anyone may do it.
    /// @param contents a word of free weights each, or of the last layer's, or six bytes of a channel.
    /// @param path from them to their root.
    function serve(
        uint256 demandId,
        IRounds.Solution calldata solution,
        bytes[] calldata contents,
        bytes32[] calldata path
    ) external;

    /// @notice Says that leaves were not shown in time, and returns the fee. Anyone may do it.
    function claimUnserved(uint256 demandId) external;

    /// @notice A demand; reverts if there is none.
    function demandOf(uint256 demandId) external view returns (Demand memory);

    /// @notice How many demands there were; the next one's id.
    function demandCount() external view returns (uint256);

    /// @notice What came of the demands for a solution's leaves.
    function standingOf(uint256 taskId, uint256 round, address miner) external view returns (Standing memory);

    /// @notice Least fee for demanding `length` leaves in this block: twice the base fee of serving them.
    function feeFor(uint256 length) external view returns (uint256);
}
