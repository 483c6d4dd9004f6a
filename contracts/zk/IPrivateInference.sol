// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Answers of secret models to public inputs
/// @notice An answer says: the model behind this commitment, and no other, answers `label` to this input. With an
/// accuracy claim of the same model, the model that was certified is the model that answers, if both circuits read the
/// commitment alike: of one architecture and numerics, with keys of one k from one reference string. What an answer
/// means is what its circuit means: read `ICircuitRegistry` before relying on a `circuitId`.
interface IPrivateInference {
    /// @notice An answer; `answeredBlock` tells the answer 0 from none.
    /// @param label the model's answer.
    /// @param answeredBlock when it was accepted; zero if there is none.
    // Layout, from the low end: | label 208 | answeredBlock 48 |
    struct Answer {
        uint208 label;
        uint48 answeredBlock;
    }

    /// @notice The owner of `modelId` showed that it answers `label` to the input with this hash.
    event ModelAnswered(bytes32 indexed modelId, bytes32 indexed circuitId, bytes32 indexed inputHash, uint256 label);

    /// @notice The input is not a whole number of two-byte features, is empty, or has more than `maximum` bytes.
    error InputLengthInvalid(uint256 length, uint256 maximum);
    /// @notice The label does not fit the 208 bits that are kept; negative answers, field elements near the modulus,
    /// do not.
    error LabelTooLarge(uint256 label, uint256 maximum);
    /// @notice The sender does not own the model.
    error NotModelOwner(bytes32 modelId, address owner, address caller);
    /// @notice The model's owner has revoked it.
    error ModelIsRevoked(bytes32 modelId);
    /// @notice The proof opens another commitment than the model's.
    error NotThisModel(bytes32 expected, bytes32 actual);
    /// @notice The model has answered this input.
    error AlreadyAnswered(bytes32 modelId, bytes32 circuitId, bytes32 inputHash);
    /// @notice A proof about this model has used the same witness commitments.
    error WitnessAlreadyUsed(bytes32 modelId, bytes32 witness);
    /// @notice The verifier refuses the proof for this statement and sender.
    error InvalidProof(bytes32 circuitId, uint256 rho);

    /// @notice Proves and records that the sender's model answers `label` to `input`.
    /// @param modelId the sender's model; it must have approved this contract as a consumer.
    /// @param input the features, two bytes each, big-endian.
    /// @param proof made for `challenge(msg.sender, …)`.
    /// @param vka the verifying-key artefact, or empty for a circuit with a dedicated verifier.
    function answer(
        bytes32 modelId,
        bytes32 circuitId,
        bytes calldata input,
        uint256 label,
        bytes calldata proof,
        bytes32[] calldata vka
    ) external;

    /// @notice A model's answer to the input whose keccak256 is `inputHash`; all zero if there is none. A revoked model
    /// keeps its answers as history.
    function answerOf(bytes32 modelId, bytes32 circuitId, bytes32 inputHash) external view returns (Answer memory);

    /// @notice The challenge that a proof of this statement by `prover` must carry: `keccak256(abi.encode(INFER_DOMAIN,
    /// chainid, this, prover, modelId, circuitId, inputHash, label, pointsHash))` mod the scalar field.
    /// @param pointsHash keccak256 of the first `64 * (committedPoints + witnessPoints)` bytes of the proof.
    function challenge(
        address prover,
        bytes32 modelId,
        bytes32 circuitId,
        bytes32 inputHash,
        uint256 label,
        bytes32 pointsHash
    ) external view returns (uint256 rho);
}
