// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Models that nobody has seen
/// @notice A model is registered by the hash of the curve points that commit to its tensors. Registration fixes the
/// model at a block; that the owner knows it is shown by the first proof about it, not here. Each proof reveals one
/// evaluation of each committed polynomial, so the tensors carry random salt entries, and the registry counts proofs
/// and refuses more than the owner said that the salt entries hide: one fewer than there are, because the commitment is
/// itself a relation on them.
/// @dev The count is per owner and commitment: it keeps owners from giving their own weights away. A model cannot
/// change hands, because proofs are bound to the sender and the budget to the owner: a buyer registers the same
/// commitment.
interface IModelRegistry {
    /// @notice A registered model.
    /// @param owner the only sender whose proofs count.
    /// @param registeredBlock since when the model has been fixed.
    /// @param proofLimit how many proofs about it may be published; fewer than its salt entries.
    /// @param proofs how many have been.
    /// @param revoked whether the owner has withdrawn it, for good.
    /// @param commitment keccak256 of the points that commit to its tensors.
    // Layout: slot 0, from the low end, | owner 160 | registeredBlock 40 | proofLimit 24 | proofs 24 | revoked 8 |;
    // slot 1 commitment
    struct Model {
        address owner;
        uint40 registeredBlock;
        uint24 proofLimit;
        uint24 proofs;
        bool revoked;
        bytes32 commitment;
    }

    /// @notice `owner` registered a model.
    event ModelRegistered(
        bytes32 indexed modelId, address indexed owner, bytes32 indexed commitment, uint24 proofLimit
    );
    /// @notice The owner withdrew the model.
    event ModelRevoked(bytes32 indexed modelId);
    /// @notice The owner lets `consumer` record proofs.
    event ConsumerApproved(bytes32 indexed modelId, address indexed consumer);
    /// @notice The owner no longer lets `consumer` record proofs.
    event ConsumerWithdrawn(bytes32 indexed modelId, address indexed consumer);
    /// @notice `consumer` recorded the model's proof number `proofs`.
    event ProofRecorded(bytes32 indexed modelId, address indexed consumer, uint24 proofs);

    /// @notice The commitment is zero.
    error NoCommitment();
    /// @notice The limit allows no proof.
    error NoProofLimit();
    /// @notice More consumers than `maximum` in one call.
    error TooManyConsumers(uint256 consumers, uint256 maximum);
    /// @notice The zero address cannot be a consumer.
    error NoConsumer();
    /// @notice No model has this id.
    error ModelUnknown(bytes32 modelId);
    /// @notice The sender has registered this commitment before.
    error ModelAlreadyRegistered(bytes32 modelId);
    /// @notice The owner has withdrawn the model.
    error ModelIsRevoked(bytes32 modelId);
    /// @notice Only the owner may do this.
    error NotModelOwner(bytes32 modelId, address owner, address caller);
    /// @notice The consumer is approved already.
    error ConsumerAlreadyApproved(bytes32 modelId, address consumer);
    /// @notice The owner has not approved this consumer.
    error ConsumerNotApproved(bytes32 modelId, address consumer);
    /// @notice Another proof could give the tensors away.
    error ProofLimitReached(bytes32 modelId, uint256 proofLimit);

    /// @notice Registers a model of the sender.
    /// @param proofLimit at most one fewer than the random salt entries in each tensor that the commitment covers.
    /// @param consumers contracts that may record proofs, at most eight.
    /// @return modelId `keccak256(abi.encode(owner, commitment))`: nobody can take a commitment before its owner.
    function register(bytes32 commitment, uint24 proofLimit, address[] calldata consumers)
        external
        returns (bytes32 modelId);

    /// @notice Withdraws a model for good: no further proof is recorded.
    function revoke(bytes32 modelId) external;

    /// @notice Lets a contract record proofs. It can use up the limit, so approve only code that checks the sender
    /// first.
    function approveConsumer(bytes32 modelId, address consumer) external;

    /// @notice Takes an approval back.
    function withdrawConsumer(bytes32 modelId, address consumer) external;

    /// @notice Counts one proof. Only for approved consumers.
    /// @return proofs how many there are now.
    function recordProof(bytes32 modelId) external returns (uint24 proofs);

    /// @notice A model; reverts if there is none.
    function modelOf(bytes32 modelId) external view returns (Model memory model);

    /// @notice Whether `consumer` may record proofs about the model.
    function isConsumer(bytes32 modelId, address consumer) external view returns (bool approved);

    /// @notice How many proofs may still be recorded; zero when revoked.
    function remainingProofs(bytes32 modelId) external view returns (uint256 remaining);

    /// @notice The id that `owner` would get for `commitment`.
    function idOf(address owner, bytes32 commitment) external pure returns (bytes32 modelId);
}
