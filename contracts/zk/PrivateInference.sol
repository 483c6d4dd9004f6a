// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge} from "./Challenge.sol";
import {Features} from "./Features.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IPrivateInference} from "./IPrivateInference.sol";
import {ProofPoints} from "./ProofPoints.sol";

/// @title PrivateInference
/// @notice Nobody owns it; an answer never changes and never goes.
contract PrivateInference is IPrivateInference {
    using ProofPoints for bytes;

    /// @notice Begins the challenge of every answer.
    bytes32 public constant INFER_DOMAIN = keccak256("pyml.zk.PrivateInference.infer.v1");

    /// @notice Where models are registered and their proofs counted.
    IModelRegistry public immutable MODELS;
    /// @notice Where circuits are registered and proofs verified.
    ICircuitRegistry public immutable CIRCUITS;

    mapping(bytes32 modelId => mapping(bytes32 circuitId => mapping(bytes32 inputHash => Answer))) private _answers;
    // Per model: a circuit of someone's own making could otherwise spend the witness of a proof seen in the mempool.
    mapping(bytes32 modelId => mapping(bytes32 witness => bool)) private _usedWitnesses;

    constructor(IModelRegistry models, ICircuitRegistry circuits) {
        MODELS = models;
        CIRCUITS = circuits;
    }

    /// @inheritdoc IPrivateInference
    function answer(
        bytes32 modelId,
        bytes32 circuitId,
        bytes calldata input,
        uint256 label,
        bytes calldata proof,
        bytes32[] calldata vka
    ) external {
        ICircuitRegistry.Gate memory gate = CIRCUITS.gateOf(circuitId);
        if (!Features.isWellFormed(input)) revert InputLengthInvalid(input.length, Features.MAX_BYTES);
        if (label > type(uint208).max) revert LabelTooLarge(label, type(uint208).max);
        _requireModel(modelId, gate, proof);
        _spendWitness(modelId, gate, proof);
        bytes32 inputHash = keccak256(input);
        _record(modelId, circuitId, inputHash, label);

        // slither-disable-next-line unused-return
        MODELS.recordProof(modelId);
        uint256 rho = _challenge(msg.sender, modelId, circuitId, inputHash, label, _pointsHash(gate, proof));
        uint256[] memory instances = Challenge.instances(rho, gate.checks, Features.evaluate(input, rho), label);
        if (!CIRCUITS.verify(circuitId, proof, instances, vka)) revert InvalidProof(circuitId, rho);
    }

    /// @inheritdoc IPrivateInference
    function answerOf(bytes32 modelId, bytes32 circuitId, bytes32 inputHash) external view returns (Answer memory) {
        return _answers[modelId][circuitId][inputHash];
    }

    /// @inheritdoc IPrivateInference
    function challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        bytes32 inputHash,
        uint256 label,
        bytes32 pointsHash
    ) external view returns (uint256 rho) {
        return _challenge(prover, modelId, circuitId, inputHash, label, pointsHash);
    }

    function _spendWitness(bytes32 modelId, ICircuitRegistry.Gate memory gate, bytes calldata proof) private {
        if (gate.witnessPoints == 0) return;
        bytes32 witness = proof.hashPoints(gate.committedPoints, gate.witnessPoints);
        if (_usedWitnesses[modelId][witness]) revert WitnessAlreadyUsed(modelId, witness);
        _usedWitnesses[modelId][witness] = true;
    }

    function _record(bytes32 modelId, bytes32 circuitId, bytes32 inputHash, uint256 label) private {
        Answer storage given = _answers[modelId][circuitId][inputHash];
        if (given.answeredBlock != 0) revert AlreadyAnswered(modelId, circuitId, inputHash);
        // casting to 'uint208' is safe because `answer` refuses a larger label
        // forge-lint: disable-next-line(unsafe-typecast)
        given.label = uint208(label);
        given.answeredBlock = uint48(block.number);
        emit ModelAnswered(modelId, circuitId, inputHash, label);
    }

    function _requireModel(bytes32 modelId, ICircuitRegistry.Gate memory gate, bytes calldata proof) private view {
        IModelRegistry.Model memory model = MODELS.modelOf(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, model.owner, msg.sender);
        if (model.revoked) revert ModelIsRevoked(modelId);
        bytes32 proved = proof.hashPoints(0, gate.committedPoints);
        if (proved != model.commitment) revert NotThisModel(model.commitment, proved);
    }

    function _challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        bytes32 inputHash,
        uint256 label,
        bytes32 pointsHash
    ) private view returns (uint256) {
        bytes memory statement = abi.encode(modelId, circuitId, inputHash, label);
        return Challenge.derive(INFER_DOMAIN, prover, statement, pointsHash);
    }

    function _pointsHash(ICircuitRegistry.Gate memory gate, bytes calldata proof) private pure returns (bytes32) {
        return proof.hashPoints(0, uint256(gate.committedPoints) + gate.witnessPoints);
    }
}
