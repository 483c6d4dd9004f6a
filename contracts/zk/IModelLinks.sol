// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Two commitments to one model
/// @notice A commitment is one under the size of its circuit. A large circuit certifies a model's accuracy; answers are
/// cheaper under a small one, which needs a commitment of its own. A link says that both commitments hold the same
/// weights and the same salts: what is known of one model is then known of the other.
interface IModelLinks {
    /// @notice One of the two commitments: a model, a link circuit of the commitment's size, and a proof.
    /// @param vka the verifying-key artefact, or empty for a circuit with a dedicated verifier.
    struct Side {
        bytes32 modelId;
        bytes32 circuitId;
        bytes proof;
        bytes32[] vka;
    }

    /// @notice The owner showed that two models are one.
    event ModelsLinked(
        bytes32 indexed firstModelId, bytes32 indexed secondModelId, bytes32 firstCircuitId, bytes32 secondCircuitId
    );

    /// @notice The circuit has checks, so it puts out something else than a fingerprint.
    error NotALinkCircuit(bytes32 circuitId, uint256 checks);
    /// @notice A model is itself without a proof.
    error SameModel(bytes32 modelId);
    /// @notice The models are linked by these circuits.
    error AlreadyLinked(bytes32 firstModelId, bytes32 secondModelId);
    /// @notice The sender does not own the model.
    error NotModelOwner(bytes32 modelId, address owner, address caller);
    /// @notice The model's owner has revoked it.
    error ModelIsRevoked(bytes32 modelId);
    /// @notice The proof opens another commitment than the model's.
    error NotThisModel(bytes32 expected, bytes32 actual);
    /// @notice The verifier refuses the proof for this fingerprint, statement and sender.
    error InvalidProof(bytes32 circuitId, uint256 rho);

    /// @notice Proves and records that both models have the same weights.
    /// @param fingerprint what both circuits put out: the polynomial of all committed entries at the challenge.
    function link(Side calldata first, Side calldata second, uint256 fingerprint) external;

    /// @notice When a link was accepted; zero if there is none. Whoever relies on it fixes both circuit ids, for a
    /// circuit registered by anyone proves anything, and asks `ModelRegistry` whether either model was revoked.
    function linkedBlock(bytes32 firstModelId, bytes32 firstCircuitId, bytes32 secondModelId, bytes32 secondCircuitId)
        external
        view
        returns (uint256);

    /// @notice The challenge that both proofs must carry: `keccak256(abi.encode(LINK_DOMAIN, chainid, this, prover,
    /// firstModelId, firstCircuitId, secondModelId, secondCircuitId, pointsHash))` mod the scalar field.
    /// @param pointsHash keccak256 of the 64 bytes of `keccak256(points)` of the first and of the second proof.
    function challenge(
        address prover,
        bytes32 firstModelId,
        bytes32 firstCircuitId,
        bytes32 secondModelId,
        bytes32 secondCircuitId,
        bytes32 pointsHash
    ) external view returns (uint256 rho);
}
