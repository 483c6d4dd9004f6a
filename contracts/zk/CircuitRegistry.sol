// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../shared/BN254.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IDedicatedVerifier} from "./IDedicatedVerifier.sol";
import {IReusableVerifier} from "./IReusableVerifier.sol";
import {ProofPoints} from "./ProofPoints.sol";

/// @title CircuitRegistry
/// @notice Nobody owns it; an entry never changes and never goes.
contract CircuitRegistry is ICircuitRegistry {
    /// @notice Begins every circuit's id.
    bytes32 public constant CIRCUIT_DOMAIN = keccak256("pyml.zk.CircuitRegistry.circuit.v1");
    /// @notice Most points of one kind; each costs the prover a column.
    uint256 public constant MAX_POINTS = 32;
    /// @notice Most checks; bounds the public inputs.
    uint256 public constant MAX_CHECKS = 64;
    /// @notice Longest proof in bytes.
    uint256 public constant MAX_PROOF_LENGTH = 65_536;

    /// @notice ezkl's reusable verifier, for all circuits without a dedicated one.
    IReusableVerifier public immutable REUSABLE_VERIFIER;

    mapping(bytes32 circuitId => Circuit) private _circuits;
    mapping(bytes32 circuitId => Registration) private _registrations;
    mapping(address publisher => mapping(bytes32 seal => Seal)) private _seals;

    constructor(IReusableVerifier reusableVerifier) {
        if (address(reusableVerifier).code.length == 0) revert VerifierWithoutCode(address(reusableVerifier));
        REUSABLE_VERIFIER = reusableVerifier;
    }

    /// @inheritdoc ICircuitRegistry
    function register(Circuit calldata circuit) external returns (bytes32 circuitId) {
        return _register(circuit, address(0), 0);
    }

    /// @inheritdoc ICircuitRegistry
    function sealSet(bytes32 seal, uint48 closingBlock) external {
        if (closingBlock < block.number) revert ClosingBlockPassed(closingBlock, block.number);
        if (_seals[msg.sender][seal].sealedBlock != 0) revert AlreadySealed(msg.sender, seal);
        _seals[msg.sender][seal] = Seal({sealedBlock: uint48(block.number), closingBlock: closingBlock});
        emit SetSealed(msg.sender, seal, closingBlock);
    }

    /// @inheritdoc ICircuitRegistry
    function registerSealed(Circuit calldata circuit, bytes32 salt) external returns (bytes32 circuitId) {
        bytes32 seal = keccak256(abi.encode(msg.sender, circuit.datasetDigest, salt));
        Seal memory made = _seals[msg.sender][seal];
        if (made.sealedBlock == 0) revert SealUnknown(msg.sender, seal);
        if (block.number <= made.closingBlock) revert StillSealed(made.closingBlock, block.number);
        return _register(circuit, msg.sender, made.closingBlock);
    }

    /// @inheritdoc ICircuitRegistry
    function verify(bytes32 circuitId, bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        view
        returns (bool valid)
    {
        Circuit storage circuit = _known(circuitId);
        if (proof.length != circuit.proofLength) revert ProofLengthMismatch(circuit.proofLength, proof.length);
        // A longer array than the circuit has is refused by its verifier, and paid for by the caller as calldata.
        for (uint256 i = 0; i < instances.length; ++i) {
            BN254.requireScalar(instances[i]);
        }
        address dedicated = circuit.dedicatedVerifier;
        if (dedicated == address(0)) return _verifyReusable(circuit.vkaDigest, proof, instances, vka);
        if (vka.length != 0) revert VkaNotExpected(vka.length);
        // Code can change later if the verifier was made and destroyed in the transaction that registered it.
        _requireCode(dedicated, circuit.verifierCodeHash);
        return _verifyDedicated(dedicated, proof, instances);
    }

    /// @inheritdoc ICircuitRegistry
    function circuitOf(bytes32 circuitId) external view returns (Circuit memory circuit) {
        return _known(circuitId);
    }

    /// @inheritdoc ICircuitRegistry
    function registrationOf(bytes32 circuitId) external view returns (Registration memory registration) {
        _known(circuitId);
        return _registrations[circuitId];
    }

    /// @inheritdoc ICircuitRegistry
    function gateOf(bytes32 circuitId) external view returns (Gate memory gate) {
        Circuit storage circuit = _known(circuitId);
        return Gate({
            samples: circuit.samples,
            committedPoints: circuit.committedPoints,
            witnessPoints: circuit.witnessPoints,
            checks: circuit.checks,
            closingBlock: _registrations[circuitId].closingBlock
        });
    }

    /// @inheritdoc ICircuitRegistry
    function sealOf(address publisher, bytes32 seal) external view returns (Seal memory) {
        return _seals[publisher][seal];
    }

    /// @inheritdoc ICircuitRegistry
    function idOf(Circuit calldata circuit, address publisher) external pure returns (bytes32 circuitId) {
        return _idOf(circuit, publisher);
    }

    function _register(Circuit calldata circuit, address publisher, uint48 closingBlock)
        private
        returns (bytes32 circuitId)
    {
        _requireWellFormed(circuit);
        _requireVerifier(circuit);
        circuitId = _idOf(circuit, publisher);
        // The number of samples is never zero in a registered circuit.
        if (_circuits[circuitId].samples != 0) revert CircuitAlreadyRegistered(circuitId);
        _circuits[circuitId] = circuit;
        _registrations[circuitId] =
            Registration({publisher: publisher, registeredBlock: uint48(block.number), closingBlock: closingBlock});
        emit CircuitRegistered(circuitId, circuit.datasetDigest, publisher, circuit);
    }

    function _known(bytes32 circuitId) private view returns (Circuit storage circuit) {
        circuit = _circuits[circuitId];
        if (circuit.samples == 0) revert CircuitUnknown(circuitId);
    }

    function _verifyReusable(
        bytes32 vkaDigest,
        bytes calldata proof,
        uint256[] calldata instances,
        bytes32[] calldata vka
    ) private view returns (bool) {
        bytes32 given = keccak256(abi.encodePacked(vka));
        if (given != vkaDigest) revert VkaMismatch(vkaDigest, given);
        // Low level, because the answer is malformed and a refusal must become `false`.
        // slither-disable-next-line low-level-calls
        (bool success, bytes memory answer) = address(REUSABLE_VERIFIER)
            .staticcall(abi.encodeCall(IReusableVerifier.verifyProof, (proof, instances, vka)));
        if (!success) {
            // The verifier's only revert with data is "VKA not registered"; a false proof reverts with none.
            if (answer.length != 0) revert VkaNotRegistered(vkaDigest);
            return false;
        }
        if (answer.length < 64) return false;
        (uint256 valid, bytes32 digest) = abi.decode(answer, (uint256, bytes32));
        return valid == 1 && digest == vkaDigest;
    }

    function _verifyDedicated(address verifier, bytes calldata proof, uint256[] calldata instances)
        private
        view
        returns (bool)
    {
        // slither-disable-next-line low-level-calls
        (bool success, bytes memory answer) =
            verifier.staticcall(abi.encodeCall(IDedicatedVerifier.verifyProof, (proof, instances)));
        if (!success || answer.length < 32) return false;
        return abi.decode(answer, (uint256)) == 1;
    }

    function _requireVerifier(Circuit calldata circuit) private view {
        if (circuit.dedicatedVerifier != address(0)) {
            _requireCode(circuit.dedicatedVerifier, circuit.verifierCodeHash);
        } else if (circuit.verifierCodeHash != 0) {
            revert CodeHashWithoutVerifier(circuit.verifierCodeHash);
        }
    }

    function _requireCode(address verifier, bytes32 expected) private view {
        if (verifier.code.length == 0) revert VerifierWithoutCode(verifier);
        if (verifier.codehash != expected) revert VerifierCodeMismatch(verifier, expected, verifier.codehash);
    }

    function _requireWellFormed(Circuit calldata circuit) private pure {
        if (circuit.vkaDigest == 0) revert NoVkaDigest();
        if (circuit.statementDigest == 0) revert NoStatementDigest();
        if (circuit.samples == 0) revert NoSamples();
        if (circuit.committedPoints == 0) revert NoCommittedPoints();
        if (circuit.committedPoints > MAX_POINTS || circuit.witnessPoints > MAX_POINTS) {
            revert TooManyPoints(circuit.committedPoints, circuit.witnessPoints, MAX_POINTS);
        }
        if (circuit.checks > MAX_CHECKS) revert TooManyChecks(circuit.checks, MAX_CHECKS);
        uint256 length = circuit.proofLength;
        uint256 points = uint256(circuit.committedPoints) + circuit.witnessPoints;
        uint256 minimum = points * ProofPoints.POINT_BYTES;
        if (length % 32 != 0 || length < minimum || length > MAX_PROOF_LENGTH) {
            revert ProofLengthInvalid(length, minimum, MAX_PROOF_LENGTH);
        }
    }

    function _idOf(Circuit calldata circuit, address publisher) private pure returns (bytes32) {
        return keccak256(abi.encode(CIRCUIT_DOMAIN, circuit, publisher));
    }
}
