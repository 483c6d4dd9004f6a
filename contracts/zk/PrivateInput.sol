// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge} from "./Challenge.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IPrivateInput} from "./IPrivateInput.sol";
import {ProofPoints} from "./ProofPoints.sol";

/// @title PrivateInput
/// @notice Nobody owns it; an attestation never changes and never goes.
contract PrivateInput is IPrivateInput {
    using ProofPoints for bytes;

    /// @notice Begins the challenge of every attestation.
    bytes32 public constant ATTEST_DOMAIN = keccak256("pyml.zk.PrivateInput.attest.v1");
    /// @notice Most proofs of one sender about one input: one fewer than the salt entries that pyml appends. Each proof
    /// reveals one evaluation of each committed polynomial, and the commitment is one relation more.
    uint256 public constant MAX_PROOFS_PER_INPUT = 255;

    /// @notice Where circuits are registered and proofs verified.
    ICircuitRegistry public immutable CIRCUITS;

    mapping(address prover => mapping(bytes32 circuitId => mapping(bytes32 purpose => Attestation))) private
        _attestations;
    // Both per prover: a circuit of someone's own making could otherwise spend what a proof in the mempool needs.
    mapping(address prover => mapping(bytes32 witness => bool)) private _usedWitnesses;
    mapping(address prover => mapping(bytes32 inputCommitment => uint256)) private _proofs;

    constructor(ICircuitRegistry circuits) {
        CIRCUITS = circuits;
    }

    /// @inheritdoc IPrivateInput
    function attest(bytes32 circuitId, bytes32 purpose, uint256 label, bytes calldata proof, bytes32[] calldata vka)
        external
    {
        ICircuitRegistry.Gate memory gate = CIRCUITS.gateOf(circuitId);
        if (label > type(uint208).max) revert LabelTooLarge(label, type(uint208).max);
        _spendWitness(gate, proof);
        _record(circuitId, purpose, label, _countProof(gate, proof));

        bytes32 pointsHash = proof.hashPoints(0, uint256(gate.committedPoints) + gate.witnessPoints);
        uint256 rho = _challenge(msg.sender, circuitId, purpose, label, pointsHash);
        uint256[] memory instances = Challenge.instances(rho, gate.checks, label);
        if (!CIRCUITS.verify(circuitId, proof, instances, vka)) revert InvalidProof(circuitId, rho);
    }

    /// @inheritdoc IPrivateInput
    function attestationOf(address prover, bytes32 circuitId, bytes32 purpose)
        external
        view
        returns (Attestation memory)
    {
        return _attestations[prover][circuitId][purpose];
    }

    /// @inheritdoc IPrivateInput
    function proofsOf(address prover, bytes32 inputCommitment) external view returns (uint256 proofs) {
        return _proofs[prover][inputCommitment];
    }

    /// @inheritdoc IPrivateInput
    function challenge(address prover, bytes32 circuitId, bytes32 purpose, uint256 label, bytes32 pointsHash)
        external
        view
        returns (uint256 rho)
    {
        return _challenge(prover, circuitId, purpose, label, pointsHash);
    }

    function _spendWitness(ICircuitRegistry.Gate memory gate, bytes calldata proof) private {
        if (gate.witnessPoints == 0) return;
        bytes32 witness = proof.hashPoints(gate.committedPoints, gate.witnessPoints);
        if (_usedWitnesses[msg.sender][witness]) revert WitnessAlreadyUsed(msg.sender, witness);
        _usedWitnesses[msg.sender][witness] = true;
    }

    function _countProof(ICircuitRegistry.Gate memory gate, bytes calldata proof)
        private
        returns (bytes32 inputCommitment)
    {
        inputCommitment = proof.hashPoints(0, gate.committedPoints);
        uint256 proofs = _proofs[msg.sender][inputCommitment];
        if (proofs >= MAX_PROOFS_PER_INPUT) revert InputExhausted(inputCommitment, MAX_PROOFS_PER_INPUT);
        _proofs[msg.sender][inputCommitment] = proofs + 1;
    }

    function _record(bytes32 circuitId, bytes32 purpose, uint256 label, bytes32 inputCommitment) private {
        Attestation storage attestation = _attestations[msg.sender][circuitId][purpose];
        if (attestation.attestedBlock != 0) revert AlreadyAttested(msg.sender, circuitId, purpose);
        attestation.inputCommitment = inputCommitment;
        // casting to 'uint208' is safe because `attest` refuses a larger label
        // forge-lint: disable-next-line(unsafe-typecast)
        attestation.label = uint208(label);
        attestation.attestedBlock = uint48(block.number);
        emit InputAttested(msg.sender, circuitId, purpose, inputCommitment, label);
    }

    function _challenge(address prover, bytes32 circuitId, bytes32 purpose, uint256 label, bytes32 pointsHash)
        private
        view
        returns (uint256)
    {
        return Challenge.derive(ATTEST_DOMAIN, prover, abi.encode(circuitId, purpose, label), pointsHash);
    }
}
