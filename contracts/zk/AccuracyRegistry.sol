// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge} from "./Challenge.sol";
import {IAccuracyRegistry} from "./IAccuracyRegistry.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {ProofPoints} from "./ProofPoints.sol";

/// @title AccuracyRegistry
/// @notice Nobody owns it; a claim never goes and never falls.
contract AccuracyRegistry is IAccuracyRegistry {
    using ProofPoints for bytes;

    /// @notice Begins the challenge of every claim.
    bytes32 public constant CLAIM_DOMAIN = keccak256("pyml.zk.AccuracyRegistry.claim.v1");
    /// @notice Most circuits of one total.
    uint256 public constant MAX_CIRCUITS = 256;

    /// @notice Where models are registered and their proofs counted.
    IModelRegistry public immutable MODELS;
    /// @notice Where circuits are registered and proofs verified.
    ICircuitRegistry public immutable CIRCUITS;

    mapping(bytes32 modelId => mapping(bytes32 circuitId => Claim)) private _claims;
    // Per model: a circuit of someone's own making could otherwise spend the witness of a proof seen in the mempool.
    mapping(bytes32 modelId => mapping(bytes32 witness => bool)) private _usedWitnesses;

    constructor(IModelRegistry models, ICircuitRegistry circuits) {
        MODELS = models;
        CIRCUITS = circuits;
    }

    /// @inheritdoc IAccuracyRegistry
    function claim(
        bytes32 modelId,
        bytes32 circuitId,
        uint32 threshold,
        uint32 count,
        bytes calldata proof,
        bytes32[] calldata vka
    ) external {
        ICircuitRegistry.Gate memory gate = CIRCUITS.gateOf(circuitId);
        if (threshold == 0 || threshold > gate.samples) revert ThresholdOutOfRange(threshold, gate.samples);
        if (count < threshold || count > gate.samples) revert CountOutOfRange(count, threshold, gate.samples);
        bool known = _requireModel(modelId, gate, proof);
        _spendWitness(modelId, gate, proof);
        _raise(modelId, circuitId, threshold, count, known);

        // slither-disable-next-line unused-return
        MODELS.recordProof(modelId);
        uint256 rho = _challenge(msg.sender, modelId, circuitId, threshold, count, _pointsHash(gate, proof));
        uint256[] memory instances = Challenge.instances(rho, gate.checks, count);
        if (!CIRCUITS.verify(circuitId, proof, instances, vka)) revert InvalidProof(circuitId, rho);
    }

    /// @inheritdoc IAccuracyRegistry
    function claimOf(bytes32 modelId, bytes32 circuitId) external view returns (Claim memory) {
        return _claims[modelId][circuitId];
    }

    /// @inheritdoc IAccuracyRegistry
    function isCertified(bytes32 modelId, bytes32 circuitId, uint32 minimumCount) external view returns (bool) {
        Claim memory made = _claims[modelId][circuitId];
        return made.count != 0 && made.count >= minimumCount && !MODELS.modelOf(modelId).revoked;
    }

    /// @inheritdoc IAccuracyRegistry
    function totalOf(bytes32 modelId, bytes32[] calldata circuitIds)
        external
        view
        returns (uint256 count, uint256 samples, bool setKnownInAdvance)
    {
        if (MODELS.modelOf(modelId).revoked) revert ModelIsRevoked(modelId);
        if (circuitIds.length > MAX_CIRCUITS) revert TooManyCircuits(circuitIds.length, MAX_CIRCUITS);
        bytes32 previous = 0;
        for (uint256 i = 0; i < circuitIds.length; ++i) {
            bytes32 circuitId = circuitIds[i];
            // No circuit has the id zero, so the first one needs no exception.
            if (circuitId <= previous) revert CircuitsNotAscending(previous, circuitId);
            previous = circuitId;
            // The list is bounded and the registry fixed; an unknown circuit refuses the whole total.
            // slither-disable-next-line calls-loop
            samples += CIRCUITS.gateOf(circuitId).samples;
            Claim memory made = _claims[modelId][circuitId];
            count += made.count;
            setKnownInAdvance = setKnownInAdvance || made.setKnownInAdvance;
        }
    }

    /// @inheritdoc IAccuracyRegistry
    function challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        uint32 threshold,
        uint32 count,
        bytes32 pointsHash
    ) external view returns (uint256 rho) {
        return _challenge(prover, modelId, circuitId, threshold, count, pointsHash);
    }

    function _spendWitness(bytes32 modelId, ICircuitRegistry.Gate memory gate, bytes calldata proof) private {
        if (gate.witnessPoints == 0) return;
        bytes32 witness = proof.hashPoints(gate.committedPoints, gate.witnessPoints);
        if (_usedWitnesses[modelId][witness]) revert WitnessAlreadyUsed(modelId, witness);
        _usedWitnesses[modelId][witness] = true;
    }

    function _raise(bytes32 modelId, bytes32 circuitId, uint32 threshold, uint32 count, bool setKnownInAdvance)
        private
    {
        uint32 claimed = _claims[modelId][circuitId].count;
        if (count <= claimed) revert CountNotRaised(claimed, count);
        _claims[modelId][circuitId] = Claim({
            count: count, threshold: threshold, claimedBlock: uint48(block.number), setKnownInAdvance: setKnownInAdvance
        });
        emit AccuracyClaimed(modelId, circuitId, msg.sender, threshold, count, setKnownInAdvance);
    }

    function _requireModel(bytes32 modelId, ICircuitRegistry.Gate memory gate, bytes calldata proof)
        private
        view
        returns (bool setKnownInAdvance)
    {
        IModelRegistry.Model memory model = MODELS.modelOf(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, model.owner, msg.sender);
        if (model.revoked) revert ModelIsRevoked(modelId);
        bytes32 proved = proof.hashPoints(0, gate.committedPoints);
        if (proved != model.commitment) revert NotThisModel(model.commitment, proved);
        // A set that was not sealed closed at block zero, before every model.
        return model.registeredBlock > gate.closingBlock;
    }

    function _challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        uint32 threshold,
        uint32 count,
        bytes32 pointsHash
    ) private view returns (uint256) {
        bytes memory statement = abi.encode(modelId, circuitId, threshold, count);
        return Challenge.derive(CLAIM_DOMAIN, prover, statement, pointsHash);
    }

    function _pointsHash(ICircuitRegistry.Gate memory gate, bytes calldata proof) private pure returns (bytes32) {
        return proof.hashPoints(0, uint256(gate.committedPoints) + gate.witnessPoints);
    }
}
