// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITrading} from "./ITrading.sol";
import {Vectors} from "./Vectors.sol";

/// @title A submission stands unless one wrong multiplication is shown
/// @notice Nobody verifies a proof on chain. Whoever recomputes a verification, and gets another answer than the member
/// claims, disputes. The two take turns, each within `terms.turnBlocks`, and whoever is silent loses:
///
/// 1. `dispute`: the challenger names a member, and bonds it;
/// 2. `trace`: the member posts the root of the states that the verification goes through;
/// 3. `descend` and `open`: the challenger names a descendant of the current node, and the member shows what that is made
///    of, up to 2^MAX_LEVELS nodes. They come to a leaf, the first state on which they differ, in one to four turns;
/// 4. `pick`: or the challenger names a step at once, as one does if it is the last comparison that fails;
/// 5. `justify`: the member shows the states before and after the step, and what is multiplied, each under the root that was
///    posted; the contract multiplies.
///
/// A member who computed as it should justifies every step. One who did not has a first wrong state, and cannot. What a step
/// is follows from its number alone: `TraceProgram`, docs/deepchain-disputes.md.
///
/// Faults that need no trace, and bytes that cannot be had, are for `IEvidence`.
/// @dev A lost bond is the accused's, for its trouble. Several disputes of one submission run side by side, so that nobody
/// can shield a member by disputing badly; one that succeeds is enough, and the others' bonds go back.
interface IDisputes {
    /// @notice What is to be done next.
    enum Turn {
        None,
        Trace,
        Descend,
        Open,
        Justify,
        Over
    }

    /// @notice A dispute.
    /// @param challenger who bonded it.
    /// @param deadline last block of the turn.
    /// @param turn what is to be done.
    /// @param subject gradients or shares.
    /// @param party who is accused.
    /// @param depth of the current node below the root.
    /// @param groupId of the group.
    /// @param round in which it was begun.
    /// @param position of the node among those of its depth, or of the step that is picked.
    /// @param levels of the tree between the node and what is next shown of it.
    /// @param maxDepth depth of the trace's tree.
    /// @param turnBlocks how long a turn lasts.
    /// @param traceRoot that the member posted.
    /// @param node that is wrong, says the challenger.
    /// @param children keccak256 of what the member last showed.
    // Layout, from the low end: slot 0 | challenger 160 | deadline 48 | turn 8 | subject 8 | party 8 | depth 8 | free 16 |;
    // slot 1 | groupId 128 | round 32 | position 64 | levels 8 | maxDepth 8 | turnBlocks 16 |; slots 2-4 traceRoot, node, children
    struct Dispute {
        address challenger;
        uint48 deadline;
        Turn turn;
        ITrading.Subject subject;
        uint8 party;
        uint8 depth;
        uint128 groupId;
        uint32 round;
        uint64 position;
        uint8 levels;
        uint8 maxDepth;
        uint16 turnBlocks;
        bytes32 traceRoot;
        bytes32 node;
        bytes32 children;
    }

    /// @notice What a member shows of a step.
    /// @param submission that it posted.
    /// @param proof the bytes behind the submission's digest.
    /// @param state S_t.
    /// @param next S_(t+1).
    /// @param statesPath of both.
    /// @param modulus the key's element 0 or 1.
    /// @param operand what S_t is multiplied or compared with; empty for a step without one, or where the proof has it.
    struct Justification {
        ITrading.Submission submission;
        bytes proof;
        bytes state;
        bytes next;
        bytes32[] statesPath;
        Vectors.Element modulus;
        Vectors.Element operand;
    }

    /// @notice `challenger` does not believe a proof.
    event Disputed(
        uint256 indexed disputeId,
        uint256 indexed groupId,
        uint256 indexed party,
        ITrading.Subject subject,
        uint256 round,
        address challenger
    );
    /// @notice The member committed to a trace of 2^depth states.
    event TracePosted(uint256 indexed disputeId, bytes32 traceRoot, uint256 depth);
    /// @notice The challenger named a node.
    event NodeNamed(uint256 indexed disputeId, uint256 depth, uint256 position, bytes32 node);
    /// @notice The member showed what it is made of.
    event NodeOpened(uint256 indexed disputeId, bytes32[] descendants);
    /// @notice The challenger named a step.
    event StepPicked(uint256 indexed disputeId, uint256 step);
    /// @notice It is over; `winner` was right, or the other side silent.
    event DisputeOver(uint256 indexed disputeId, address indexed winner);
    /// @notice Another contract is named in the group's terms.
    error NotThisDisputes(uint256 groupId, address named);
    /// @notice No dispute has this id.
    error DisputeUnknown(uint256 disputeId);
    /// @notice It is not this turn.
    error NotTheTurn(uint256 disputeId, Turn expected, Turn actual);
    /// @notice It is the other side's turn.
    error NotYourTurn(uint256 disputeId, address expected, address caller);
    /// @notice The time for it is over.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The time for it is not over yet.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice An aggregate is not disputed, but proved wrong: `IEvidence.proveWrongAggregate`.
    error NotDisputable(ITrading.Subject subject);
    /// @notice The index names nothing.
    error IndexOutOfRange(uint256 index, uint256 count);
    /// @notice Another number of nodes was due.
    error NodesMismatch(uint256 expected, uint256 actual);
    /// @notice What is shown is not what was posted.
    error NotPosted(bytes32 expected, bytes32 actual);
    /// @notice A state is not below the modulus.
    error NotReduced(uint256 disputeId);
    /// @notice The step does not lead from one state to the other.
    error DoesNotFollow(uint256 disputeId, uint256 step);
    /// @notice Disputes the proof of gradients, up to T2, or of shares, up to T6. Locks the bond.
    /// @return disputeId counted from zero.
    function dispute(uint256 groupId, uint256 party, ITrading.Subject subject) external returns (uint256 disputeId);

    /// @notice Turn of the member: the root of its trace.
    function trace(uint256 disputeId, bytes32 traceRoot) external;

    /// @notice Turn of the challenger: which of the nodes that were shown is wrong, or the root to begin with.
    /// @param nodes what the member last showed; only the root at first.
    function descend(uint256 disputeId, bytes32[] calldata nodes, uint256 child) external;

    /// @notice Turn of the member: the descendants of the node, as many levels down as `MAX_LEVELS` and the tree allow.
    function open(uint256 disputeId, bytes32[] calldata descendants) external;

    /// @notice Turn of the challenger: names a step at once.
    function pick(uint256 disputeId, uint256 step) external;

    /// @notice Turn of the member: justifies the step, and so wins. Anyone may do it.
    function justify(uint256 disputeId, Justification calldata shown) external;

    /// @notice Ends a dispute whose turn was missed, or whose member has been convicted by another. Anyone may do it.
    function claimTimeout(uint256 disputeId) external;

    /// @notice A dispute; reverts if there is none.
    function disputeOf(uint256 disputeId) external view returns (Dispute memory);

    /// @notice How many disputes were begun; the next one's id.
    function disputeCount() external view returns (uint256);
}
