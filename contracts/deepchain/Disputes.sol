// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {BigModulus} from "./BigModulus.sol";
import {IDisputes} from "./IDisputes.sol";
import {IEscrow} from "./IEscrow.sol";
import {ITrading} from "./ITrading.sol";
import {TraceProgram} from "./TraceProgram.sol";
import {Vectors} from "./Vectors.sol";

// Statuses, phases and counts are compared, not balances. The escrow is called between effects: it is fixed at construction
// and calls nobody but the coin, a plain ERC-20. Trading is called first, because it refuses.
// slither-disable-start incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events
/// @title Disputes
/// @notice Nobody owns it; bonds are in the escrow, and go to whoever was right.
contract Disputes is IDisputes {
    /// @notice How many levels of a tree are opened in one turn, at most: 32 hashes.
    uint256 public constant MAX_LEVELS = 5;

    /// @notice Whose submissions are judged.
    ITrading public immutable TRADING;
    /// @notice Where all coins are.
    IEscrow public immutable ESCROW;

    Dispute[] private _disputes;

    constructor(ITrading trading, IEscrow escrow) {
        (TRADING, ESCROW) = (trading, escrow);
    }

    /// @inheritdoc IDisputes
    function dispute(uint256 groupId, uint256 party, ITrading.Subject subject) external returns (uint256 disputeId) {
        if (subject == ITrading.Subject.Aggregate) revert NotDisputable(subject);
        ITrading.Terms memory terms = TRADING.termsOf(groupId);
        if (terms.disputes != address(this)) revert NotThisDisputes(groupId, terms.disputes);
        TRADING.hold(groupId, party, _phaseOf(subject));
        disputeId = _disputes.length;
        Dispute storage begun = _disputes.push();
        (begun.challenger, begun.turn, begun.subject) = (msg.sender, Turn.Trace, subject);
        // `hold` reverts for a number that no member has, and a group's id counts groups.
        // forge-lint: disable-next-line(unsafe-typecast)
        (begun.party, begun.groupId) = (uint8(party), uint128(groupId));
        (begun.round, begun.turnBlocks) = (TRADING.clockOf(groupId).round, terms.turnBlocks);
        begun.maxDepth = TraceProgram.depth(_shapeOf(terms, subject));
        begun.deadline = uint48(block.number + terms.turnBlocks);
        emit Disputed(disputeId, groupId, party, subject, begun.round, msg.sender);
        ESCROW.lock(msg.sender, terms.bond);
    }

    /// @inheritdoc IDisputes
    function trace(uint256 disputeId, bytes32 traceRoot) external {
        Dispute storage open_ = _asMember(disputeId, Turn.Trace);
        (open_.traceRoot, open_.children) = (traceRoot, _hashOf(traceRoot));
        _pass(open_, Turn.Descend);
        emit TracePosted(disputeId, traceRoot, open_.maxDepth);
    }

    /// @inheritdoc IDisputes
    function descend(uint256 disputeId, bytes32[] calldata nodes, uint256 child) external {
        Dispute storage open_ = _asChallenger(disputeId);
        bytes32 shown = keccak256(abi.encode(nodes));
        if (shown != open_.children) revert NotPosted(open_.children, shown);
        if (child >= nodes.length) revert IndexOutOfRange(child, nodes.length);
        uint8 depth = open_.depth + open_.levels;
        // Below 2^maxDepth, and a trace's tree is less than 64 deep.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 position = uint64((uint256(open_.position) << open_.levels) | child);
        (open_.node, open_.depth, open_.position) = (nodes[child], depth, position);
        emit NodeNamed(disputeId, depth, position, nodes[child]);
        if (depth < open_.maxDepth) {
            uint256 left = open_.maxDepth - depth;
            // At most MAX_LEVELS.
            // forge-lint: disable-next-line(unsafe-typecast)
            open_.levels = uint8(left < MAX_LEVELS ? left : MAX_LEVELS);
            return _pass(open_, Turn.Open);
        }
        if (position == 0) return _judgeFirst(disputeId, open_);
        _pick(disputeId, open_, position - 1);
    }

    /// @inheritdoc IDisputes
    function open(uint256 disputeId, bytes32[] calldata descendants) external {
        Dispute storage open_ = _asMember(disputeId, Turn.Open);
        uint256 expected = uint256(1) << open_.levels;
        if (descendants.length != expected) revert NodesMismatch(expected, descendants.length);
        bytes32 above = MerkleTree.rootOf(descendants, 0, expected, new bytes32[](0));
        if (above != open_.node) revert NotPosted(open_.node, above);
        open_.children = keccak256(abi.encode(descendants));
        _pass(open_, Turn.Descend);
        emit NodeOpened(disputeId, descendants);
    }

    /// @inheritdoc IDisputes
    function pick(uint256 disputeId, uint256 step) external {
        Dispute storage open_ = _asChallenger(disputeId);
        uint256 steps = (uint256(1) << open_.maxDepth) - 1;
        if (step >= steps) revert IndexOutOfRange(step, steps);
        _pick(disputeId, open_, step);
    }

    /// @inheritdoc IDisputes
    function justify(uint256 disputeId, Justification calldata shown) external {
        Dispute memory open_ = _inTurn(disputeId, Turn.Justify);
        ITrading.Terms memory terms = TRADING.termsOf(open_.groupId);
        TraceProgram.Shape memory shape = _shapeOf(terms, open_.subject);
        TraceProgram.Statement memory statement = _statementOf(open_, terms, shown);
        Vectors.requireLength(shown.proof, shape.proofBytes);
        uint256 modulusPlace = shape.ofShares ? Vectors.N : Vectors.N_SQUARED;
        Vectors.requireElement(shown.modulus, modulusPlace, _keyCount(open_.groupId), terms.keyRoot, terms.width);
        _requireStates(disputeId, open_, terms.width, shown);
        TraceProgram.Step memory step = TraceProgram.stepAt(shape, statement, shown.proof, open_.position);
        bytes memory operand = _operandOf(open_, terms, statement, step, shown);
        if (!_follows(step.kind, shown, operand)) revert DoesNotFollow(disputeId, open_.position);
        _acquit(disputeId, _disputes[disputeId]);
    }

    /// @inheritdoc IDisputes
    function claimTimeout(uint256 disputeId) external {
        Dispute storage open_ = _known(disputeId);
        if (open_.turn == Turn.Over) revert NotTheTurn(disputeId, Turn.Over, Turn.Over);
        if (!TRADING.isAccusable(open_.groupId, open_.party, _phaseOf(open_.subject))) return _drop(disputeId, open_);
        if (block.number <= open_.deadline) revert DeadlineNotPassed(open_.deadline, block.number);
        if (open_.turn == Turn.Descend) _acquit(disputeId, open_);
        else _convict(disputeId, open_);
    }

    /// @inheritdoc IDisputes
    function disputeOf(uint256 disputeId) external view returns (Dispute memory) {
        return _known(disputeId);
    }

    /// @inheritdoc IDisputes
    function disputeCount() external view returns (uint256) {
        return _disputes.length;
    }

    function _pick(uint256 disputeId, Dispute storage open_, uint256 step) private {
        // Below 2^maxDepth.
        // forge-lint: disable-next-line(unsafe-typecast)
        open_.position = uint64(step);
        _pass(open_, Turn.Justify);
        emit StepPicked(disputeId, step);
    }

    function _pass(Dispute storage open_, Turn turn) private {
        open_.turn = turn;
        open_.deadline = uint48(block.number + open_.turnBlocks);
    }

    /// @dev S_0 is 1, whatever is proved.
    function _judgeFirst(uint256 disputeId, Dispute storage open_) private {
        uint256 width = TRADING.termsOf(open_.groupId).width;
        bool isOne = open_.node == MerkleTree.leafOf(BigModulus.one(2 * width));
        if (isOne) _acquit(disputeId, open_);
        else _convict(disputeId, open_);
    }

    function _acquit(uint256 disputeId, Dispute storage open_) private {
        address accused = TRADING.partyOf(open_.groupId, open_.party).account;
        _end(disputeId, open_, accused);
        TRADING.release(open_.groupId);
    }

    function _convict(uint256 disputeId, Dispute storage open_) private {
        _end(disputeId, open_, open_.challenger);
        bool convicted = TRADING.convict(open_.groupId, open_.party, open_.challenger, _phaseOf(open_.subject), true);
        // Both callers have seen that it can be held against the member.
        assert(convicted);
    }

    /// @dev Another was quicker.
    function _drop(uint256 disputeId, Dispute storage open_) private {
        _end(disputeId, open_, open_.challenger);
        TRADING.release(open_.groupId);
    }

    function _end(uint256 disputeId, Dispute storage open_, address winner) private {
        open_.turn = Turn.Over;
        emit DisputeOver(disputeId, winner);
        ESCROW.credit(winner, TRADING.termsOf(open_.groupId).bond);
    }

    function _known(uint256 disputeId) private view returns (Dispute storage) {
        if (disputeId >= _disputes.length) revert DisputeUnknown(disputeId);
        return _disputes[disputeId];
    }

    function _inTurn(uint256 disputeId, Turn turn) private view returns (Dispute storage open_) {
        open_ = _known(disputeId);
        if (open_.turn != turn) revert NotTheTurn(disputeId, turn, open_.turn);
        if (block.number > open_.deadline) revert DeadlinePassed(open_.deadline, block.number);
    }

    function _asMember(uint256 disputeId, Turn turn) private view returns (Dispute storage open_) {
        open_ = _inTurn(disputeId, turn);
        address member = TRADING.partyOf(open_.groupId, open_.party).account;
        if (msg.sender != member) revert NotYourTurn(disputeId, member, msg.sender);
    }

    function _asChallenger(uint256 disputeId) private view returns (Dispute storage open_) {
        open_ = _inTurn(disputeId, Turn.Descend);
        if (msg.sender != open_.challenger) revert NotYourTurn(disputeId, open_.challenger, msg.sender);
    }

    /// @dev What the steps are derived from: all of it was posted before the dispute.
    function _statementOf(Dispute memory open_, ITrading.Terms memory terms, Justification calldata shown)
        private
        view
        returns (TraceProgram.Statement memory statement)
    {
        bool ofShares = open_.subject == ITrading.Subject.Shares;
        bytes32 posted =
            ofShares ? TRADING.sharesOf(open_.groupId, open_.party) : TRADING.gradientsOf(open_.groupId, open_.party);
        _requireDigest(keccak256(abi.encode(open_.round, shown.submission)), posted);
        _requireDigest(keccak256(shown.proof), shown.submission.proofDigest);
        statement.context = TRADING.contextOf(open_.groupId, open_.party);
        (statement.keyRoot, statement.vectorRoot) = (terms.keyRoot, shown.submission.vectorRoot);
        if (ofShares) statement.aggregateRoot = TRADING.accountOf(open_.groupId).aggregateRoot;
        statement.share = uint256(open_.party) + 1;
    }

    /// @dev The operand that the step names, under the root where it is bound; empty if the step has none.
    function _operandOf(
        Dispute memory open_,
        ITrading.Terms memory terms,
        TraceProgram.Statement memory statement,
        TraceProgram.Step memory step,
        Justification calldata shown
    ) private view returns (bytes memory) {
        TraceProgram.Origin origin = step.origin;
        if (origin == TraceProgram.Origin.None) return "";
        if (origin == TraceProgram.Origin.Proof) {
            return _proofNumber(open_.subject, terms.width, step.place, shown.proof);
        }
        (uint256 count, bytes32 root) = (terms.count, statement.vectorRoot);
        if (origin == TraceProgram.Origin.Key) {
            (count, root) = (_keyCount(open_.groupId), statement.keyRoot);
        } else if (origin == TraceProgram.Origin.State) {
            (count, root) = (uint256(1) << open_.maxDepth, open_.traceRoot);
        } else if (origin == TraceProgram.Origin.Aggregate) {
            root = statement.aggregateRoot;
        }
        Vectors.requireElement(shown.operand, step.place, count, root, terms.width);
        return shown.operand.content;
    }

    function _follows(TraceProgram.Kind kind, Justification calldata shown, bytes memory operand)
        private
        view
        returns (bool)
    {
        bytes memory state = shown.state;
        bytes memory next = shown.next;
        if (kind == TraceProgram.Kind.Reset) return keccak256(next) == keccak256(BigModulus.one(state.length));
        if (kind == TraceProgram.Kind.Keep) return keccak256(next) == keccak256(state);
        if (kind == TraceProgram.Kind.Equal) {
            return keccak256(next) == keccak256(state) && keccak256(state) == keccak256(operand);
        }
        bytes memory modulus = shown.modulus.content;
        if (kind == TraceProgram.Kind.Square) return keccak256(next) == keccak256(BigModulus.square(state, modulus));
        return BigModulus.isProduct(next, state, BigModulus.reduce(operand, modulus), modulus);
    }

    function _keyCount(uint256 groupId) private view returns (uint256) {
        return Vectors.V + 1 + TRADING.clockOf(groupId).parties;
    }

    /// @dev Both states are in the tree, next to each other, and reduced.
    function _requireStates(uint256 disputeId, Dispute memory open_, uint256 width, Justification calldata shown)
        private
        pure
    {
        Vectors.requireLength(shown.state, 2 * width);
        Vectors.requireLength(shown.next, 2 * width);
        bytes32[] memory leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (MerkleTree.leafOf(shown.state), MerkleTree.leafOf(shown.next));
        uint256 count = uint256(1) << open_.maxDepth;
        Vectors.requireRoot(MerkleTree.rootOf(leaves, open_.position, count, shown.statesPath), open_.traceRoot);
        bytes memory modulus = shown.modulus.content;
        if (!BigModulus.isBelow(shown.state, modulus) || !BigModulus.isBelow(shown.next, modulus)) {
            revert NotReduced(disputeId);
        }
        if (open_.position == 0 && keccak256(shown.state) != keccak256(BigModulus.one(2 * width))) {
            revert DoesNotFollow(disputeId, 0);
        }
    }

    function _shapeOf(ITrading.Terms memory terms, ITrading.Subject subject)
        private
        pure
        returns (TraceProgram.Shape memory)
    {
        bool ofShares = subject == ITrading.Subject.Shares;
        uint256 proofBytes = ofShares ? terms.cdProofBytes : terms.pkProofBytes;
        return TraceProgram.Shape(ofShares, terms.count, terms.width, proofBytes);
    }

    /// @dev In 2·width bytes: `a` of gradients fills them; `a` and `b` of shares have `width` bytes.
    function _proofNumber(ITrading.Subject subject, uint256 width, uint256 number, bytes calldata proof)
        private
        pure
        returns (bytes memory)
    {
        if (subject == ITrading.Subject.Gradients) return proof[:2 * width];
        return bytes.concat(new bytes(width), proof[number * width:(number + 1) * width]);
    }

    function _hashOf(bytes32 node) private pure returns (bytes32) {
        bytes32[] memory nodes = new bytes32[](1);
        nodes[0] = node;
        return keccak256(abi.encode(nodes));
    }

    function _requireDigest(bytes32 actual, bytes32 expected) private pure {
        if (actual != expected) revert NotPosted(expected, actual);
    }

    function _phaseOf(ITrading.Subject subject) private pure returns (ITrading.Phase) {
        return subject == ITrading.Subject.Gradients ? ITrading.Phase.Collecting : ITrading.Phase.Decrypting;
    }
}
// slither-disable-end incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events
