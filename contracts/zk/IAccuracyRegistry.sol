// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Proven accuracies of committed models
/// @notice A claim says: the model that `modelId` commits to answers at least `count` of the circuit's samples
/// correctly (a tie counts as wrong). It does not say that the samples represent anything, that the owner trained the
/// model, or, when `setKnownInAdvance`, that the model has not memorised them. What a claim means is what its circuit
/// means: read `ICircuitRegistry` before relying on a `circuitId`.
interface IAccuracyRegistry {
    /// @notice A claim, replaced only by a higher count.
    /// @param count samples answered correctly, as proved.
    /// @param threshold the count that the owner asked to be certified for; at most `count`.
    /// @param claimedBlock when the claim was accepted.
    /// @param setKnownInAdvance whether the model could have been made with the data set at hand. False means that the
    /// circuit's publisher had sealed the set and the model was registered before the seal could be opened; it is
    /// worth as much as the publisher's secrecy.
    // Layout, from the low end: | count 32 | threshold 32 | claimedBlock 48 | setKnownInAdvance 8 | free 136 |
    struct Claim {
        uint32 count;
        uint32 threshold;
        uint48 claimedBlock;
        bool setKnownInAdvance;
    }

    /// @notice An accuracy was proved.
    event AccuracyClaimed(
        bytes32 indexed modelId,
        bytes32 indexed circuitId,
        address indexed owner,
        uint32 threshold,
        uint32 count,
        bool setKnownInAdvance
    );

    /// @notice The threshold is not in `[1, samples]`.
    error ThresholdOutOfRange(uint256 threshold, uint256 samples);
    /// @notice The count is not in `[threshold, samples]`.
    error CountOutOfRange(uint256 count, uint256 threshold, uint256 samples);
    /// @notice The sender does not own the model.
    error NotModelOwner(bytes32 modelId, address owner, address caller);
    /// @notice The owner has withdrawn the model.
    error ModelIsRevoked(bytes32 modelId);
    /// @notice The proof is about tensors with another commitment.
    error NotThisModel(bytes32 expected, bytes32 actual);
    /// @notice The model has a claim with this count or a higher one.
    error CountNotRaised(uint256 claimed, uint256 count);
    /// @notice A proof about this model has used the same witness commitments.
    error WitnessAlreadyUsed(bytes32 modelId, bytes32 witness);
    /// @notice The verifier refuses the proof for this statement and sender.
    error InvalidProof(bytes32 circuitId, uint256 rho);
    /// @notice More circuits than one total may add up.
    error TooManyCircuits(uint256 length, uint256 maximum);
    /// @notice Circuits of a total are listed once each, by ascending id.
    error CircuitsNotAscending(bytes32 previous, bytes32 next);

    /// @notice Proves and records that the sender's model answers `count` samples of a circuit's set correctly.
    /// @param modelId the sender's model; it must have approved this contract as a consumer.
    /// @param threshold in `[1, samples]`.
    /// @param count in `[threshold, samples]`, and above that of an earlier claim.
    /// @param proof made for `challenge(msg.sender, …)`.
    /// @param vka the verifying-key artefact, or empty for a circuit with a dedicated verifier.
    function claim(
        bytes32 modelId,
        bytes32 circuitId,
        uint32 threshold,
        uint32 count,
        bytes calldata proof,
        bytes32[] calldata vka
    ) external;

    /// @notice A model's claim under a circuit; all zero if there is none. A revoked model keeps it as history.
    function claimOf(bytes32 modelId, bytes32 circuitId) external view returns (Claim memory);

    /// @notice Whether the model is not revoked and has proved at least `minimumCount` correct answers. Never true
    /// without a claim, not even for zero.
    function isCertified(bytes32 modelId, bytes32 circuitId, uint32 minimumCount) external view returns (bool);

    /// @notice The model's claims under several circuits added up: a large test set is proved in parts, under the one
    /// commitment that `modelId` names. A circuit without a claim counts with all its samples and no correct answer, so
    /// an owner gains nothing by leaving out a part on which the model does badly.
    /// @dev Whoever relies on a total fixes the whole list beforehand, for instance
    /// `keccak256(abi.encodePacked(circuitIds))`, after checking each circuit once: that the parts are those of the
    /// set that is meant and that no sample is in two of them. Ascending ids keep a circuit from being counted twice;
    /// they do not keep two circuits from holding the same samples, and a list chosen by the owner proves nothing.
    /// @param circuitIds registered circuits, strictly ascending, at most `MAX_CIRCUITS`; an empty list adds up to 0.
    /// @return count samples answered correctly, as proved.
    /// @return samples samples of all the circuits.
    /// @return setKnownInAdvance whether this holds for any of the claims.
    function totalOf(bytes32 modelId, bytes32[] calldata circuitIds)
        external
        view
        returns (uint256 count, uint256 samples, bool setKnownInAdvance);

    /// @notice The challenge that a proof of this statement by `prover` must carry:
    /// `keccak256(abi.encode(CLAIM_DOMAIN, chainid, this, prover, modelId, circuitId, threshold, count, pointsHash))`
    /// mod the scalar field.
    /// @param pointsHash keccak256 of the first `64 * (committedPoints + witnessPoints)` bytes of the proof.
    function challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        uint32 threshold,
        uint32 count,
        bytes32 pointsHash
    ) external view returns (uint256 rho);
}
