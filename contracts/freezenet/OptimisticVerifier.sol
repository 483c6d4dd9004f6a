// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {ActivationTree} from "./ActivationTree.sol";
import {Answers} from "./Answers.sol";
import {ChallengePhase} from "./ChallengePhase.sol";
import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {ILeafDemands} from "./ILeafDemands.sol";
import {IOptimisticVerifier} from "./IOptimisticVerifier.sol";
import {IRounds} from "./IRounds.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {IntegerInference} from "./IntegerInference.sol";
import {OperandProof} from "./OperandProof.sol";
import {ProductStep} from "./ProductStep.sol";
import {SolutionLeaves} from "./SolutionLeaves.sol";

/// @title OptimisticVerifier
/// @notice Nobody owns it; every wei goes to who put it up, or to who won it.
/// @dev Ether that is here belongs to disputes that are not over, a miner's bond each, or to credits.
contract OptimisticVerifier is ChallengePhase, IOptimisticVerifier {
    using Answers for bytes;

    /// @notice Bytes of a sample behind its inputs: label and salt.
    uint256 public constant SAMPLE_TAIL = 34;

    uint256 private constant LANES = 32;
    uint256 private constant ACCUMULATOR_BYTES = 4;

    /// @notice Where leaves of solutions are demanded.
    ILeafDemands public immutable DEMANDS;

    Dispute[] private _disputes;
    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Standing))) private _standings;

    constructor(IRounds rounds, ITaskRegistry tasks, ILeafDemands demands) ChallengePhase(rounds, tasks) {
        DEMANDS = demands;
    }

    /// @inheritdoc IOptimisticVerifier
    function challenge(uint256 taskId, uint256 round, address miner, uint32 sample, bytes calldata answers)
        external
        payable
        returns (uint256 disputeId)
    {
        (IRounds.Round memory found, IRounds.Entry memory entry) = _revealed(taskId, round, miner);
        if (address(found.verifier) != address(this)) revert NotThisVerifier(taskId, found.verifier);
        uint256 blocks = _turnBlocks(found);
        _requirePhase(found, 0);
        if (msg.value != found.minerBond) revert ValueMismatch(found.minerBond, msg.value);
        if (keccak256(answers) != entry.answersHash) revert ClaimMismatch(entry.answersHash, keccak256(answers));
        if (!answers.isAnswered(sample)) revert NotDeclared(sample);
        disputeId = _disputes.length;
        Dispute storage dispute = _disputes.push();
        (dispute.challenger, dispute.turn, dispute.miner) = (msg.sender, Turn.Trace, miner);
        // Ids of tasks and rounds are counted from zero, and block numbers stay below 2^48; a phase is a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        (dispute.taskId, dispute.round, dispute.sample) = (uint48(taskId), uint48(round), sample);
        // forge-lint: disable-next-line(unsafe-typecast)
        (dispute.deadline, dispute.turnBlocks) = (uint48(block.number + blocks), uint32(blocks));
        ++_standings[taskId][round][miner].disputes;
        emit Challenged(disputeId, taskId, miner, round, msg.sender, sample);
    }

    /// @inheritdoc IOptimisticVerifier
    function trace(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes32[] calldata roots,
        int256[] calldata logits,
        bytes calldata sample,
        bytes32[] calldata path
    ) external {
        Dispute storage dispute = _take(disputeId, Turn.Trace);
        uint256 inputs = _requireOutputs(dispute, layers, solution, roots.length, logits.length);
        _requireLength(inputs + SAMPLE_TAIL, sample.length);
        bytes32 leaf = _requireSample(dispute, sample, path);
        if (IntegerInference.argmax(logits) != uint16(bytes2(sample[sample.length - SAMPLE_TAIL:]))) {
            revert DoesNotFollow(disputeId);
        }
        dispute.source = keccak256(abi.encode(roots, logits, leaf));
        _pass(disputeId, dispute, Turn.PickLayer, abi.encode(roots, logits));
    }

    /// @inheritdoc IOptimisticVerifier
    function pickLayer(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        uint8 layer,
        uint32 logit,
        bytes32[] calldata roots,
        int256[] calldata logits,
        bytes32 sampleLeaf
    ) external {
        Dispute storage dispute = _take(disputeId, Turn.PickLayer);
        (IntegerInference.Layer[] memory network,) = _requireArchitecture(dispute.taskId, layers);
        _requireClaim(dispute.source, keccak256(abi.encode(roots, logits, sampleLeaf)));
        if (layer >= network.length) revert IndexOutOfRange(layer, network.length);
        dispute.layer = layer;
        dispute.source = layer == 0 ? sampleLeaf : roots[layer - 1];
        bool last = layer + 1 == network.length;
        if (last) {
            if (logit >= logits.length) revert IndexOutOfRange(logit, logits.length);
            dispute.index = logit;
            dispute.node = bytes32(uint256(logits[logit]));
        } else {
            uint256 leaves = ActivationTree.leavesOf(network[layer + 1]);
            // At most 2^16 values, each in a leaf of its own.
            // forge-lint: disable-next-line(unsafe-typecast)
            (dispute.count, dispute.level) = (uint32(leaves), uint8(ActivationTree.heightOf(leaves)));
            dispute.node = roots[layer];
        }
        Turn next = last ? Turn.Sums : dispute.level == 0 ? Turn.OpenLeaf : Turn.Open;
        _pass(disputeId, dispute, next, abi.encode(layer, logit));
    }

    /// @inheritdoc IOptimisticVerifier
    function open(uint256 disputeId, bytes32[] calldata children) external {
        Dispute storage dispute = _take(disputeId, Turn.Open);
        uint256 count = ActivationTree.childrenOf(dispute.count, dispute.level, dispute.index);
        _requireClaim(dispute.node, MerkleTree.rootOf(children, 0, count, new bytes32[](0)));
        _pass(disputeId, dispute, Turn.PickChild, abi.encode(children));
    }

    /// @inheritdoc IOptimisticVerifier
    function pickChild(uint256 disputeId, uint8 child, bytes32 hash, bytes32[] calldata path) external {
        Dispute storage dispute = _take(disputeId, Turn.PickChild);
        uint256 children = ActivationTree.childrenOf(dispute.count, dispute.level, dispute.index);
        _requireClaim(dispute.node, MerkleTree.rootOf(hash, child, children, path));
        uint256 span = ActivationTree.spanOf(dispute.level);
        // Nodes are at most 2^16, and levels 16.
        // forge-lint: disable-next-line(unsafe-typecast)
        (dispute.index, dispute.level) = (uint32((uint256(dispute.index) << span) + child), dispute.level - uint8(span));
        dispute.node = hash;
        _pass(disputeId, dispute, dispute.level == 0 ? Turn.OpenLeaf : Turn.Open, abi.encode(child));
    }

    /// @inheritdoc IOptimisticVerifier
    function openLeaf(uint256 disputeId, bytes32 values) external {
        Dispute storage dispute = _take(disputeId, Turn.OpenLeaf);
        _requireClaim(dispute.node, MerkleTree.leafOf(uint256(values)));
        dispute.node = values;
        _pass(disputeId, dispute, Turn.PickValue, abi.encode(values));
    }

    /// @inheritdoc IOptimisticVerifier
    function pickValue(uint256 disputeId, IntegerInference.Layer[] calldata layers, uint8 lane) external {
        Dispute storage dispute = _take(disputeId, Turn.PickValue);
        (IntegerInference.Layer[] memory network,) = _requireArchitecture(dispute.taskId, layers);
        IntegerInference.Layer memory next = network[dispute.layer + 1];
        uint256 lanes = ActivationTree.lanesOf(next, dispute.index);
        if (lane >= LANES) revert IndexOutOfRange(lane, lanes);
        int256 value = int8(uint8(dispute.node[lane]));
        if (lane >= lanes) {
            if (value == 0) revert IndexOutOfRange(lane, lanes);
            return _rejectMiner(disputeId, dispute);
        }
        // At most 2^16 values.
        // forge-lint: disable-next-line(unsafe-typecast)
        dispute.index = uint32(ActivationTree.indexOf(next, dispute.index, lane));
        // In two's complement, from which `sums` compares it.
        // forge-lint: disable-next-line(unsafe-typecast)
        dispute.node = bytes32(uint256(value));
        _pass(disputeId, dispute, Turn.Sums, abi.encode(lane));
    }

    /// @inheritdoc IOptimisticVerifier
    function sums(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes calldata accumulators,
        bytes calldata affine,
        bytes32[] calldata path
    ) external {
        Dispute storage dispute = _take(disputeId, Turn.Sums);
        (IntegerInference.Layer[] memory network, uint256 fractionPpm) = _requireCase(dispute, layers, solution);
        _requireAffine(dispute, network, solution, affine, path);
        _requireSums(disputeId, dispute, network, accumulators, affine);
        dispute.source = _groundHash(dispute, network, fractionPpm, solution);
        dispute.node = keccak256(accumulators);
        _pass(disputeId, dispute, Turn.PickStep, abi.encode(accumulators));
    }

    /// @inheritdoc IOptimisticVerifier
    function pickStep(uint256 disputeId, uint32 step, bytes calldata accumulators) external {
        Dispute storage dispute = _take(disputeId, Turn.PickStep);
        _requireClaim(dispute.node, keccak256(accumulators));
        uint256 count = accumulators.length / ACCUMULATOR_BYTES;
        if (step >= count) revert IndexOutOfRange(step, count);
        dispute.step = step;
        dispute.start = step % dispute.count == 0 ? int32(0) : _accumulator(accumulators, step - 1);
        dispute.end = _accumulator(accumulators, step);
        _pass(disputeId, dispute, Turn.Operands, abi.encode(step));
    }

    /// @inheritdoc IOptimisticVerifier
    function operands(uint256 disputeId, uint256 weights, uint256 activations) external {
        Dispute storage dispute = _take(disputeId, Turn.Operands);
        if (IntegerInference.accumulate(dispute.start, weights, activations) != dispute.end) {
            revert DoesNotFollow(disputeId);
        }
        dispute.node = keccak256(abi.encode(weights, activations));
        _pass(disputeId, dispute, Turn.PickOperand, abi.encode(weights, activations));
    }

    /// @inheritdoc IOptimisticVerifier
    function pickOperand(uint256 disputeId, uint8 operand, uint256 weights, uint256 activations) external {
        Dispute storage dispute = _take(disputeId, Turn.PickOperand);
        _requireClaim(dispute.node, keccak256(abi.encode(weights, activations)));
        if (operand > LANES) revert IndexOutOfRange(operand, LANES + 1);
        dispute.operand = operand;
        dispute.node = bytes32(operand == LANES ? activations : weights);
        _pass(disputeId, dispute, Turn.Prove, abi.encode(operand));
    }

    /// @inheritdoc IOptimisticVerifier
    function prove(
        uint256 disputeId,
        OperandProof.Ground calldata ground,
        bytes calldata content,
        bytes32[] calldata path
    ) external {
        Dispute storage dispute = _take(disputeId, Turn.Prove);
        _requireClaim(dispute.source, keccak256(abi.encode(ground)));
        OperandProof.Operand memory operand = OperandProof.Operand({
            index: dispute.index,
            step: dispute.step,
            lane: dispute.operand,
            word: dispute.node,
            content: content,
            path: path
        });
        bool right = OperandProof.isRight(ground, operand);
        if (!right) revert DoesNotFollow(disputeId);
        _end(disputeId, dispute, dispute.miner);
    }

    /// @inheritdoc IOptimisticVerifier
    function claimTimeout(uint256 disputeId) external {
        Dispute storage dispute = _known(disputeId);
        Turn turn = dispute.turn;
        if (turn == Turn.Over) revert NotTheTurn(disputeId, Turn.Over, Turn.Over);
        if (_standing(dispute).rejected) return _end(disputeId, dispute, dispute.challenger);
        if (block.number <= dispute.deadline) revert DeadlineNotPassed(dispute.deadline, block.number);
        if (_isMinersTurn(turn)) _rejectMiner(disputeId, dispute);
        else _end(disputeId, dispute, dispute.miner);
    }

    /// @inheritdoc IOptimisticVerifier
    function rejectHidden(uint256 taskId, uint256 round, address miner) external {
        address witness = DEMANDS.standingOf(taskId, round, miner).witness;
        if (witness == address(0)) revert NothingHidden(taskId, round, miner);
        if (_standings[taskId][round][miner].rejected) revert AlreadyRejected(taskId, round, miner);
        _reject(taskId, round, miner, witness);
    }

    /// @inheritdoc IAccuracyVerifier
    function verdictOf(uint256 taskId, uint256 round, address miner) external view returns (Verdict verdict) {
        Standing memory standing = _standings[taskId][round][miner];
        ILeafDemands.Standing memory demands = DEMANDS.standingOf(taskId, round, miner);
        if (standing.rejected || demands.witness != address(0)) return Verdict.Rejected;
        if (standing.disputes != 0 || demands.open != 0) return Verdict.Undecided;
        (uint256 first, uint256 last) = ROUNDS.phaseOf(taskId, round, IRounds.Phase.Challenge);
        bool judged = block.number > last && (last + 1 - first) / TURNS >= MIN_TURN_BLOCKS;
        return judged && _entryOf(taskId, round, miner).revealed ? Verdict.Accepted : Verdict.Undecided;
    }

    /// @inheritdoc IOptimisticVerifier
    function standingOf(uint256 taskId, uint256 round, address miner) external view returns (Standing memory) {
        return _standings[taskId][round][miner];
    }

    /// @inheritdoc IOptimisticVerifier
    function disputeOf(uint256 disputeId) external view returns (Dispute memory) {
        return _known(disputeId);
    }

    /// @inheritdoc IOptimisticVerifier
    function disputeCount() external view returns (uint256) {
        return _disputes.length;
    }

    /// @dev The turn is over; the other side has `turnBlocks` for the next.
    function _pass(uint256 disputeId, Dispute storage dispute, Turn next, bytes memory content) private {
        Turn taken = dispute.turn;
        // Block numbers stay below 2^48.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint48 deadline = uint48(block.number + dispute.turnBlocks);
        (dispute.turn, dispute.deadline) = (next, deadline);
        emit TurnTaken(disputeId, taken, deadline, content);
    }

    function _rejectMiner(uint256 disputeId, Dispute storage dispute) private {
        _end(disputeId, dispute, dispute.challenger);
        _reject(dispute.taskId, dispute.round, dispute.miner, dispute.challenger);
    }

    /// @dev Once. Whoever refuted the solution gets half of its bond, unless the round is over: the bond went with it.
    function _reject(uint256 taskId, uint256 round, address miner, address refuter) private {
        _standings[taskId][round][miner].rejected = true;
        emit SolutionRejected(taskId, round, miner);
        IRounds.Round memory found = _roundOf(taskId, round);
        bool held = found.status == IRounds.Status.Open && address(found.verifier) == address(this);
        if (held && !_entryOf(taskId, round, miner).closed) ROUNDS.forfeit(taskId, round, miner, refuter);
    }

    /// @dev The bond goes to `winner`.
    function _end(uint256 disputeId, Dispute storage dispute, address winner) private {
        dispute.turn = Turn.Over;
        --_standing(dispute).disputes;
        _credit(winner, ROUNDS.bondOf(dispute.taskId, dispute.round));
        emit DisputeOver(disputeId, winner);
    }

    function _known(uint256 disputeId) private view returns (Dispute storage) {
        if (disputeId >= _disputes.length) revert DisputeUnknown(disputeId);
        return _disputes[disputeId];
    }

    /// @dev A dispute in which it is the sender's turn, and this one.
    function _take(uint256 disputeId, Turn turn) private view returns (Dispute storage dispute) {
        dispute = _known(disputeId);
        if (dispute.turn != turn) revert NotTheTurn(disputeId, dispute.turn, turn);
        address expected = _isMinersTurn(turn) ? dispute.miner : dispute.challenger;
        if (msg.sender != expected) revert NotYourTurn(disputeId, expected, msg.sender);
        if (block.number > dispute.deadline) revert DeadlinePassed(dispute.deadline, block.number);
        if (_standing(dispute).rejected) revert AlreadyRejected(dispute.taskId, dispute.round, dispute.miner);
    }

    function _standing(Dispute storage dispute) private view returns (Standing storage) {
        return _standings[dispute.taskId][dispute.round][dispute.miner];
    }

    function _requireCase(
        Dispute storage dispute,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution
    ) private view returns (IntegerInference.Layer[] memory network, uint256 fractionPpm) {
        (network, fractionPpm) = _requireArchitecture(dispute.taskId, layers);
        _requireSolution(dispute.taskId, dispute.round, dispute.miner, solution);
    }

    /// @dev A root for each layer but the last, a logit for each of its outputs, and as many free weights as there are.
    /// How many inputs the first layer has.
    function _requireOutputs(
        Dispute storage dispute,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        uint256 roots,
        uint256 logits
    ) private view returns (uint256 inputs) {
        (IntegerInference.Layer[] memory network, uint256 fractionPpm) = _requireCase(dispute, layers, solution);
        uint256 last = network.length - 1;
        uint256 free = SolutionLeaves.freeBefore(network, fractionPpm, last);
        if (solution.freeCount != free) revert IRounds.FreeCountMismatch(free, solution.freeCount);
        _requireLength(last, roots);
        IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(network[last]);
        _requireLength(uint256(network[last].outputs) * geometry.outHeight * geometry.outWidth, logits);
        return IntegerInference.geometryOf(network[0]).inputs;
    }

    function _requireSample(Dispute storage dispute, bytes calldata sample, bytes32[] calldata path)
        private
        view
        returns (bytes32 leaf)
    {
        IRounds.Round memory found = _roundOf(dispute.taskId, dispute.round);
        leaf = MerkleTree.leafOf(sample);
        _requireUnderRoot(found.testRoot, leaf, dispute.sample, found.samples, path);
    }

    function _requireAffine(
        Dispute storage dispute,
        IntegerInference.Layer[] memory network,
        IRounds.Solution calldata solution,
        bytes calldata affine,
        bytes32[] calldata path
    ) private view {
        _requireLength(IntegerInference.AFFINE_BYTES, affine.length);
        uint256 neuron = ProductStep.neuronOf(network[dispute.layer], dispute.index);
        uint256 leaf = SolutionLeaves.affineLeaf(network, dispute.layer, neuron);
        uint256 count = SolutionLeaves.numberLeaves(network);
        _requireUnderRoot(solution.numbersRoot, MerkleTree.leafOf(affine), leaf, count, path);
    }

    /// @dev The accumulators end with the dispute's value.
    function _requireSums(
        uint256 disputeId,
        Dispute storage dispute,
        IntegerInference.Layer[] memory network,
        bytes calldata accumulators,
        bytes calldata affine
    ) private {
        IntegerInference.Layer memory layer = network[dispute.layer];
        uint256 steps = ProductStep.count(layer);
        _requireLength(steps * ProductStep.sums(layer) * ACCUMULATOR_BYTES, accumulators.length);
        int256 value = _greatestOf(accumulators, steps, affine);
        if (dispute.layer + 1 != network.length) {
            value = IntegerInference.requantise(value, layer.shift, layer.relu);
        }
        if (value != int256(uint256(dispute.node))) revert DoesNotFollow(disputeId);
        // At most 2^16 places of the kernel, and of these times groups no more than 2^16.
        // forge-lint: disable-next-line(unsafe-typecast)
        dispute.count = uint32(steps);
    }

    function _groundHash(
        Dispute storage dispute,
        IntegerInference.Layer[] memory network,
        uint256 fractionPpm,
        IRounds.Solution calldata solution
    ) private view returns (bytes32) {
        bytes32 seed = ROUNDS.seedOf(dispute.taskId, dispute.round, dispute.miner);
        (bytes32 source, uint256 layer) = (dispute.source, dispute.layer);
        OperandProof.Ground memory ground =
            OperandProof.groundOf(network, layer, fractionPpm, source, seed, solution.freeRoot, solution.numbersRoot);
        return keccak256(abi.encode(ground));
    }

    function _requireUnderRoot(bytes32 expected, bytes32 hash, uint256 leaf, uint256 count, bytes32[] memory path)
        private
        pure
    {
        bytes32 root = MerkleTree.rootOf(hash, leaf, count, path);
        if (root != expected) revert NotUnderRoot(expected, root);
    }

    function _requireClaim(bytes32 expected, bytes32 actual) private pure {
        if (actual != expected) revert ClaimMismatch(expected, actual);
    }

    function _requireLength(uint256 expected, uint256 actual) private pure {
        if (actual != expected) revert LengthMismatch(expected, actual);
    }

    /// @dev The greatest of multiplier * sum + bias, over the last accumulators of all sums.
    function _greatestOf(bytes calldata accumulators, uint256 steps, bytes calldata affine)
        private
        pure
        returns (int256 greatest)
    {
        // Two's complement, big-endian: an int16 and an int32, and nothing else.
        // forge-lint: disable-next-line(unsafe-typecast)
        int256 multiplier = int16(uint16(bytes2(affine)));
        // forge-lint: disable-next-line(unsafe-typecast)
        int256 bias = int32(uint32(bytes4(affine[2:])));
        greatest = type(int256).min;
        for (uint256 end = steps; end * ACCUMULATOR_BYTES <= accumulators.length; end += steps) {
            int256 value = multiplier * _accumulator(accumulators, end - 1) + bias;
            if (value > greatest) greatest = value;
        }
    }

    function _accumulator(bytes calldata accumulators, uint256 index) private pure returns (int32) {
        // Two's complement, big-endian.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int32(uint32(bytes4(accumulators[index * ACCUMULATOR_BYTES:])));
    }

    function _isMinersTurn(Turn turn) private pure returns (bool) {
        return uint256(turn) % 2 == 1;
    }
}
