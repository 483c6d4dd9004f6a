// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {ChallengePhase} from "./ChallengePhase.sol";
import {ILeafDemands} from "./ILeafDemands.sol";
import {IRounds} from "./IRounds.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {IntegerInference} from "./IntegerInference.sol";
import {SolutionLeaves} from "./SolutionLeaves.sol";

/// @title LeafDemands
/// @notice Nobody owns it; every fee goes to who served, or back.
/// @dev Ether that is here belongs to open demands, the fee of each, or to credits.
contract LeafDemands is ChallengePhase, ILeafDemands {
    /// @notice Most leaves of a demand.
    uint256 public constant MAX_DEMAND = 64;
    /// @notice Gas that serving takes without the leaves, and for each of them; bench/freezenet_gas.py measures less.
    uint256 public constant SERVE_GAS = 150_000;
    uint256 public constant LEAF_GAS = 6_000;

    uint256 private constant WORD_BYTES = 32;

    Demand[] private _demands;
    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Standing))) private _standings;

    constructor(IRounds rounds, ITaskRegistry tasks) ChallengePhase(rounds, tasks) {}

    /// @inheritdoc ILeafDemands
    function demand(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        Tree tree,
        uint32 first,
        uint32 length
    ) external payable returns (uint256 demandId) {
        if (length == 0 || length > MAX_DEMAND) revert LengthMismatch(MAX_DEMAND, length);
        if (msg.value < feeFor(length)) revert FeeTooLow(feeFor(length), msg.value);
        demandId = _demands.length;
        Demand storage made = _demands.push();
        made.deadline = _deadlineOf(taskId, round, miner);
        (made.count, made.affine) = _countsOf(taskId, layers, tree);
        if (first >= made.count || length > made.count - first) revert IndexOutOfRange(first, made.count);
        (made.demander, made.tree, made.open, made.miner) = (msg.sender, tree, true, miner);
        // Ids of tasks and rounds are counted from zero, and there are fewer than 2^128 wei.
        // forge-lint: disable-next-line(unsafe-typecast)
        (made.taskId, made.round, made.fee) = (uint48(taskId), uint48(round), uint128(msg.value));
        (made.first, made.length) = (first, length);
        ++_standings[taskId][round][miner].open;
        emit LeavesDemanded(demandId, taskId, miner, round, tree, first, length, made.deadline);
    }

    /// @inheritdoc ILeafDemands
    function serve(
        uint256 demandId,
        IRounds.Solution calldata solution,
        bytes[] calldata contents,
        bytes32[] calldata path
    ) external {
        Demand memory made = _openDemand(demandId);
        if (block.number > made.deadline) revert DeadlinePassed(made.deadline, block.number);
        if (contents.length != made.length) revert LengthMismatch(made.length, contents.length);
        _requireSolution(made.taskId, made.round, made.miner, solution);
        bytes32 expected = made.tree == Tree.Free ? solution.freeRoot : solution.numbersRoot;
        bytes32 root = MerkleTree.rootOf(_hashesOf(made, contents), made.first, made.count, path);
        if (root != expected) revert NotUnderRoot(expected, root);
        _close(demandId, made, msg.sender);
        emit LeavesServed(demandId, contents);
    }

    /// @inheritdoc ILeafDemands
    function claimUnserved(uint256 demandId) external {
        Demand memory made = _openDemand(demandId);
        if (block.number <= made.deadline) revert DeadlineNotPassed(made.deadline, block.number);
        Standing storage standing = _close(demandId, made, made.demander);
        if (standing.witness == address(0)) standing.witness = made.demander;
        emit LeavesHidden(demandId, made.demander);
    }

    /// @inheritdoc ILeafDemands
    function demandOf(uint256 demandId) external view returns (Demand memory) {
        if (demandId >= _demands.length) revert NotDemanded(demandId);
        return _demands[demandId];
    }

    /// @inheritdoc ILeafDemands
    function demandCount() external view returns (uint256) {
        return _demands.length;
    }

    /// @inheritdoc ILeafDemands
    function standingOf(uint256 taskId, uint256 round, address miner) external view returns (Standing memory) {
        return _standings[taskId][round][miner];
    }

    /// @inheritdoc ILeafDemands
    function feeFor(uint256 length) public view returns (uint256) {
        return (SERVE_GAS + length * LEAF_GAS) * 2 * block.basefee;
    }

    /// @dev The fee goes to `paid`.
    function _close(uint256 demandId, Demand memory made, address paid) private returns (Standing storage standing) {
        _demands[demandId].open = false;
        standing = _standings[made.taskId][made.round][made.miner];
        --standing.open;
        _credit(paid, made.fee);
    }

    function _deadlineOf(uint256 taskId, uint256 round, address miner) private view returns (uint48) {
        (IRounds.Round memory found,) = _revealed(taskId, round, miner);
        _requirePhase(found, _phaseBlocks(found) - _phaseBlocks(found) / 2);
        // Block numbers stay below 2^48.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint48(block.number + _turnBlocks(found));
    }

    /// @dev Leaves of the tree, and how many of them hold the numbers of a channel.
    function _countsOf(uint256 taskId, IntegerInference.Layer[] calldata layers, Tree tree)
        private
        view
        returns (uint32 count, uint32 affine)
    {
        (IntegerInference.Layer[] memory network, uint256 fractionPpm) = _requireArchitecture(taskId, layers);
        if (tree == Tree.Free) return (_uint32(SolutionLeaves.freeLeaves(network, fractionPpm)), 0);
        count = _uint32(SolutionLeaves.numberLeaves(network));
        affine = _uint32(SolutionLeaves.affineLeaf(network, network.length, 0));
    }

    function _openDemand(uint256 demandId) private view returns (Demand memory made) {
        if (demandId >= _demands.length || !_demands[demandId].open) revert NotDemanded(demandId);
        return _demands[demandId];
    }

    /// @dev A leaf of another length than its numbers take cannot be served.
    function _hashesOf(Demand memory made, bytes[] calldata contents) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](contents.length);
        for (uint256 i = 0; i < contents.length; ++i) {
            uint256 expected = made.first + i < made.affine ? IntegerInference.AFFINE_BYTES : WORD_BYTES;
            if (contents[i].length != expected) revert LengthMismatch(expected, contents[i].length);
            hashes[i] = MerkleTree.leafOf(contents[i]);
        }
    }

    /// @dev At most 2^33 words: 2^22 channels, and 2^38 weights. Nobody trains as many.
    function _uint32(uint256 value) private pure returns (uint32) {
        if (value > type(uint32).max) revert IndexOutOfRange(value, type(uint32).max);
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(value);
    }
}
