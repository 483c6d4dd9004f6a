// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITrading} from "./ITrading.sol";

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
/// Some faults are shown at once: a number that is not reduced, or has no inverse (`proveMalformed`), and a proof of the
/// wrong form (`proveMalformedProof`). Bytes that cannot be had are demanded for a fee, the bond: whoever posted their root
/// shows them in time and keeps the fee, or is convicted.
/// @dev A lost bond is the accused's, for its trouble. Several disputes of one submission run side by side, so that nobody
/// can shield a member by disputing badly; one that succeeds is enough, and the others' bonds go back.
interface IDisputes {
    /// @notice What is disputed or demanded.
    enum Subject {
        Gradients,
        Shares,
        Aggregate
    }

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
    /// @param traceRoot that the member posted.
    /// @param node that is wrong, says the challenger.
    /// @param children keccak256 of what the member last showed.
    // Layout, from the low end: slot 0 | challenger 160 | deadline 48 | turn 8 | subject 8 | party 8 | depth 8 | free 16 |;
    // slot 1 | groupId 128 | round 32 | position 64 | levels 8 | free 24 |; slots 2-4 traceRoot, node, children
    struct Dispute {
        address challenger;
        uint48 deadline;
        Turn turn;
        Subject subject;
        uint8 party;
        uint8 depth;
        uint128 groupId;
        uint32 round;
        uint64 position;
        uint8 levels;
        bytes32 traceRoot;
        bytes32 node;
        bytes32 children;
    }

    /// @notice A demand of bytes.
    /// @param challenger who pays for it.
    /// @param deadline last block to show them.
    /// @param subject what they are of.
    /// @param open whether they are still due.
    /// @param accused member, or number of attempts before the leader's.
    /// @param round in which it was made.
    /// @param index of the first element.
    /// @param groupId of the group.
    struct Demand {
        address challenger;
        uint48 deadline;
        Subject subject;
        bool open;
        uint8 accused;
        uint32 round;
        uint32 index;
        uint128 groupId;
    }

    /// @notice An element with its place in a tree.
    /// @param content 2·width bytes.
    /// @param path to the root.
    struct Element {
        bytes content;
        bytes32[] path;
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
        Element modulus;
        Element operand;
    }

    /// @notice `challenger` does not believe a proof.
    event Disputed(
        uint256 indexed disputeId,
        uint256 indexed groupId,
        uint256 indexed party,
        Subject subject,
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
    /// @notice Element `index` is to be shown by block `deadline`.
    event Demanded(
        uint256 indexed demandId,
        uint256 indexed groupId,
        Subject indexed subject,
        uint256 accused,
        uint256 index,
        uint256 deadline
    );
    /// @notice The element that was demanded.
    event Served(uint256 indexed demandId, bytes content);
    /// @notice It was not shown in time.
    event Unserved(uint256 indexed demandId, bool convicted);
    /// @notice A fault was shown at once.
    event FaultProved(uint256 indexed groupId, uint256 indexed party, Subject subject, address indexed challenger);

    /// @notice Another contract is named in the group's terms.
    error NotThisDisputes(uint256 groupId, address named);
    /// @notice No dispute has this id.
    error DisputeUnknown(uint256 disputeId);
    /// @notice Nothing is demanded under this id, or not any more.
    error NotDemanded(uint256 demandId);
    /// @notice It is not this turn.
    error NotTheTurn(uint256 disputeId, Turn expected, Turn actual);
    /// @notice It is the other side's turn.
    error NotYourTurn(uint256 disputeId, address expected, address caller);
    /// @notice The time for it is over.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The time for it is not over yet.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice The aggregate is disputed by `IProcessing.proveWrong`.
    error NotDisputable(Subject subject);
    /// @notice The index names nothing.
    error IndexOutOfRange(uint256 index, uint256 count);
    /// @notice Another number of nodes was due.
    error NodesMismatch(uint256 expected, uint256 actual);
    /// @notice What is shown is not what was posted.
    error NotPosted(bytes32 expected, bytes32 actual);
    /// @notice What is shown has the wrong length.
    error LengthMismatch(uint256 expected, uint256 actual);
    /// @notice A state is not below the modulus.
    error NotReduced(uint256 disputeId);
    /// @notice The step does not lead from one state to the other.
    error DoesNotFollow(uint256 disputeId, uint256 step);
    /// @notice What is shown has no fault.
    error NoFault();

    /// @notice Disputes the proof of gradients, up to T2, or of shares, up to T6. Locks the bond.
    /// @return disputeId counted from zero.
    function dispute(uint256 groupId, uint256 party, Subject subject) external returns (uint256 disputeId);

    /// @notice Turn of the member: the root of its trace.
    function trace(uint256 disputeId, bytes32 traceRoot) external;

    /// @notice Turn of the challenger: which of the nodes that were shown is wrong, or the root to begin with.
    /// @param nodes what the member last showed; only the root at first.
    function descend(uint256 disputeId, bytes32[] calldata nodes, uint256 child) external;

    /// @notice Turn of the member: the descendants of the node, as many levels down as `MAX_LEVELS` and the tree allow.
    function open(uint256 disputeId, bytes32[] calldata descendants) external;

    /// @notice Turn of the challenger: names a step at once.
    function pick(uint256 disputeId, uint256 step) external;

    /// @notice Turn of the member: justifies the step, and so wins.
    function justify(uint256 disputeId, Justification calldata shown) external;

    /// @notice Ends a dispute whose turn was missed, or whose member has been convicted by another. Anyone may do it.
    function claimTimeout(uint256 disputeId) external;

    /// @notice Proves that an element is not reduced modulo n² (gradients) or n (shares), or has no inverse. The sender
    /// gets the bounty.
    /// @param modulus the key's element 0 or 1.
    /// @param order the key's element 1: n.
    /// @param cofactor 2·width bytes, q: 0 < q < n and q·element ≡ 0 modulo n; empty if the element is not reduced.
    function proveMalformed(
        uint256 groupId,
        uint256 party,
        Subject subject,
        ITrading.Submission calldata submission,
        uint256 index,
        Element calldata element,
        Element calldata modulus,
        Element calldata order,
        bytes calldata cofactor
    ) external;

    /// @notice Proves that a proof has the wrong length, or that its responses or commitments are out of range or have no
    /// inverse. The sender gets the bounty.
    /// @param cofactors of `a` and `b` as in `proveMalformed`; empty where nothing is said of it.
    function proveMalformedProof(
        uint256 groupId,
        uint256 party,
        Subject subject,
        ITrading.Submission calldata submission,
        bytes calldata proof,
        Element calldata modulus,
        Element calldata order,
        bytes[2] calldata cofactors
    ) external;

    /// @notice Demands element `index`. Locks the fee, as much as a bond.
    /// @param party whose it is; of no meaning for the aggregate.
    function demand(uint256 groupId, Subject subject, uint256 party, uint256 index) external returns (uint256 demandId);

    /// @notice Shows what was demanded; the fee is then the accused's. Anyone may do it.
    /// @param submission the member's; of no meaning for the aggregate.
    function serve(uint256 demandId, ITrading.Submission calldata submission, Element calldata element) external;

    /// @notice Convicts whoever did not serve in time. Anyone may do it.
    function claimUnserved(uint256 demandId) external;

    /// @notice A dispute; reverts if there is none.
    function disputeOf(uint256 disputeId) external view returns (Dispute memory);

    /// @notice A demand; reverts if there is none.
    function demandOf(uint256 demandId) external view returns (Demand memory);

    /// @notice How many disputes were begun; the next one's id.
    function disputeCount() external view returns (uint256);

    /// @notice How many demands were made; the next one's id.
    function demandCount() external view returns (uint256);
}
