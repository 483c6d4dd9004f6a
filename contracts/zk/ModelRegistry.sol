// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IModelRegistry} from "./IModelRegistry.sol";

/// @title ModelRegistry
/// @notice Nobody has power over another's model; an entry never goes.
contract ModelRegistry is IModelRegistry {
    /// @notice Most consumers that registration approves in one call.
    uint256 public constant MAX_CONSUMERS = 8;

    mapping(bytes32 modelId => Model) private _models;
    mapping(bytes32 modelId => mapping(address consumer => bool)) private _consumers;

    modifier onlyOwner(bytes32 modelId) {
        address owner = _known(modelId).owner;
        if (owner != msg.sender) revert NotModelOwner(modelId, owner, msg.sender);
        _;
    }

    /// @inheritdoc IModelRegistry
    function register(bytes32 commitment, uint24 proofLimit, address[] calldata consumers)
        external
        returns (bytes32 modelId)
    {
        if (commitment == 0) revert NoCommitment();
        if (proofLimit == 0) revert NoProofLimit();
        if (consumers.length > MAX_CONSUMERS) revert TooManyConsumers(consumers.length, MAX_CONSUMERS);
        modelId = _idOf(msg.sender, commitment);
        if (_models[modelId].owner != address(0)) revert ModelAlreadyRegistered(modelId);
        _models[modelId] = Model({
            owner: msg.sender,
            registeredBlock: uint40(block.number),
            proofLimit: proofLimit,
            proofs: 0,
            revoked: false,
            commitment: commitment
        });
        emit ModelRegistered(modelId, msg.sender, commitment, proofLimit);
        for (uint256 i = 0; i < consumers.length; ++i) {
            _approve(modelId, consumers[i]);
        }
    }

    /// @inheritdoc IModelRegistry
    function revoke(bytes32 modelId) external onlyOwner(modelId) {
        if (_models[modelId].revoked) revert ModelIsRevoked(modelId);
        _models[modelId].revoked = true;
        emit ModelRevoked(modelId);
    }

    /// @inheritdoc IModelRegistry
    function approveConsumer(bytes32 modelId, address consumer) external onlyOwner(modelId) {
        _approve(modelId, consumer);
    }

    /// @inheritdoc IModelRegistry
    function withdrawConsumer(bytes32 modelId, address consumer) external onlyOwner(modelId) {
        if (!_consumers[modelId][consumer]) revert ConsumerNotApproved(modelId, consumer);
        _consumers[modelId][consumer] = false;
        emit ConsumerWithdrawn(modelId, consumer);
    }

    /// @inheritdoc IModelRegistry
    function recordProof(bytes32 modelId) external returns (uint24 proofs) {
        Model storage model = _known(modelId);
        if (!_consumers[modelId][msg.sender]) revert ConsumerNotApproved(modelId, msg.sender);
        if (model.revoked) revert ModelIsRevoked(modelId);
        proofs = model.proofs;
        if (proofs >= model.proofLimit) revert ProofLimitReached(modelId, model.proofLimit);
        proofs += 1;
        model.proofs = proofs;
        emit ProofRecorded(modelId, msg.sender, proofs);
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 modelId) external view returns (Model memory model) {
        return _known(modelId);
    }

    /// @inheritdoc IModelRegistry
    function isConsumer(bytes32 modelId, address consumer) external view returns (bool approved) {
        return _consumers[modelId][consumer];
    }

    /// @inheritdoc IModelRegistry
    function remainingProofs(bytes32 modelId) external view returns (uint256 remaining) {
        Model storage model = _known(modelId);
        return model.revoked ? 0 : model.proofLimit - model.proofs;
    }

    /// @inheritdoc IModelRegistry
    function idOf(address owner, bytes32 commitment) external pure returns (bytes32 modelId) {
        return _idOf(owner, commitment);
    }

    function _approve(bytes32 modelId, address consumer) private {
        if (consumer == address(0)) revert NoConsumer();
        if (_consumers[modelId][consumer]) revert ConsumerAlreadyApproved(modelId, consumer);
        _consumers[modelId][consumer] = true;
        emit ConsumerApproved(modelId, consumer);
    }

    function _known(bytes32 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelUnknown(modelId);
    }

    function _idOf(address owner, bytes32 commitment) private pure returns (bytes32) {
        return keccak256(abi.encode(owner, commitment));
    }
}
