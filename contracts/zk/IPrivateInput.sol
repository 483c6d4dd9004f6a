// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Answers of public models to inputs that nobody has seen
/// @notice An attestation says: its sender knows an input, with this salted commitment, to which the circuit's public
/// model answers `label`. It does not say where the input came from, that it is true of anybody, or that the sender is
/// the only one who knows it; whoever needs that compares `inputCommitment` with one from a source that they trust.
interface IPrivateInput {
    /// @notice An attestation.
    /// @param inputCommitment keccak256 of the points that commit to the salted input.
    /// @param label the model's answer.
    /// @param attestedBlock when it was accepted; zero if there is none.
    // Layout: slot 0 inputCommitment; slot 1, from the low end, | label 208 | attestedBlock 48 |
    struct Attestation {
        bytes32 inputCommitment;
        uint208 label;
        uint48 attestedBlock;
    }

    /// @notice `prover` showed that the circuit's model answers `label` to the committed input.
    event InputAttested(
        address indexed prover,
        bytes32 indexed circuitId,
        bytes32 indexed purpose,
        bytes32 inputCommitment,
        uint256 label
    );

    /// @notice The label does not fit the 208 bits that are kept; negative answers, field elements near the modulus,
    /// do not.
    error LabelTooLarge(uint256 label, uint256 maximum);
    /// @notice The sender has an attestation for this purpose.
    error AlreadyAttested(address prover, bytes32 circuitId, bytes32 purpose);
    /// @notice A proof of the sender has used the same witness commitments.
    error WitnessAlreadyUsed(address prover, bytes32 witness);
    /// @notice The sender has published as many proofs about this input as its salt entries hide.
    error InputExhausted(bytes32 inputCommitment, uint256 maximum);
    /// @notice The verifier refuses the proof for this statement and sender.
    error InvalidProof(bytes32 circuitId, uint256 rho);

    /// @notice Proves and records that the circuit's model answers `label` to an input that the sender knows.
    /// @param purpose what the attestation is for, chosen by whoever asked for it; one attestation each.
    /// @param proof made for `challenge(msg.sender, …)`.
    /// @param vka the verifying-key artefact, or empty for a circuit with a dedicated verifier.
    function attest(bytes32 circuitId, bytes32 purpose, uint256 label, bytes calldata proof, bytes32[] calldata vka)
        external;

    /// @notice A prover's attestation for a purpose; all zero if there is none.
    function attestationOf(address prover, bytes32 circuitId, bytes32 purpose)
        external
        view
        returns (Attestation memory);

    /// @notice How many proofs `prover` has published about an input here.
    function proofsOf(address prover, bytes32 inputCommitment) external view returns (uint256 proofs);

    /// @notice The challenge that a proof of this statement by `prover` must carry:
    /// `keccak256(abi.encode(ATTEST_DOMAIN, chainid, this, prover, circuitId, purpose, label, pointsHash))` mod the
    /// scalar field.
    /// @param pointsHash keccak256 of the first `64 * (committedPoints + witnessPoints)` bytes of the proof.
    function challenge(address prover, bytes32 circuitId, bytes32 purpose, uint256 label, bytes32 pointsHash)
        external
        view
        returns (uint256 rho);
}
