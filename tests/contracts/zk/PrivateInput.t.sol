// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IPrivateInput} from "../../../contracts/zk/IPrivateInput.sol";
import {ProofPoints} from "../../../contracts/zk/ProofPoints.sol";
import {RegistryTest} from "../RegistryTest.sol";
import {VerifierStub} from "../VerifierStub.sol";

/// @notice The contract's bookkeeping. What it is worth against forged proofs is in GatedProofs.t.sol.
contract PrivateInputTest is RegistryTest {
    bytes32 private constant PURPOSE = keccak256("purpose");

    bytes32 private circuitId;

    function setUp() public override {
        super.setUp();
        circuitId = circuits.register(reusableCircuit());
    }

    function _attest(bytes32 purpose, uint256 label, bytes32 witness) private {
        vm.prank(OWNER);
        inputs.attest(circuitId, purpose, label, proofBytes("input", witness), vka);
    }

    function _expectRefusal(bytes memory refusal, bytes32 purpose, uint256 label, bytes32 witness) private {
        bytes memory proof = proofBytes("input", witness);
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        inputs.attest(circuitId, purpose, label, proof, vka);
    }

    function _rho(uint256 label, bytes32 witness) private view returns (uint256) {
        return inputs.challenge(OWNER, circuitId, PURPOSE, label, pointsHashOf("input", witness));
    }

    // Attestations

    function testFuzz_RecordsWhatWasProved(uint208 label, bytes32 witness) public {
        stub.expectCall(proofBytes("input", witness), gatedInstances(_rho(label, witness), label));
        vm.expectEmit(true, true, true, true, address(inputs));
        emit IPrivateInput.InputAttested(OWNER, circuitId, PURPOSE, commitmentOf("input"), label);
        _attest(PURPOSE, label, witness);
        IPrivateInput.Attestation memory made = inputs.attestationOf(OWNER, circuitId, PURPOSE);
        assertEq(made.inputCommitment, commitmentOf("input"));
        assertEq(made.label, label);
        assertEq(made.attestedBlock, block.number);
        assertEq(inputs.proofsOf(OWNER, commitmentOf("input")), 1);
        assertEq(inputs.attestationOf(STRANGER, circuitId, PURPOSE).attestedBlock, 0);
    }

    function testFuzz_ChallengeIsTheFlatEncodingsHash(
        address prover,
        bytes32 circuit,
        bytes32 purpose,
        uint256 label,
        bytes32 points
    ) public view {
        bytes32 domain = keccak256("pyml.zk.PrivateInput.attest.v1");
        bytes memory flat = abi.encode(domain, block.chainid, address(inputs), prover, circuit, purpose, label, points);
        assertEq(
            inputs.challenge(prover, circuit, purpose, label, points), uint256(keccak256(flat)) % BN254.SCALAR_FIELD
        );
    }

    function test_OneInputServesSeveralPurposes() public {
        _attest("first", 1, "w1");
        _attest("second", 1, "w2");
        assertEq(
            inputs.attestationOf(OWNER, circuitId, "first").inputCommitment,
            inputs.attestationOf(OWNER, circuitId, "second").inputCommitment
        );
        assertEq(inputs.proofsOf(OWNER, commitmentOf("input")), 2);
    }

    /// @dev The layout drawn above `IPrivateInput.Attestation`.
    function test_StorageIsTwoSlotsAnAttestation() public {
        _attest(PURPOSE, 7, "w");
        bytes32 inner = keccak256(abi.encode(circuitId, keccak256(abi.encode(OWNER, uint256(0)))));
        uint256 slot = uint256(keccak256(abi.encode(PURPOSE, inner)));
        assertEq(vm.load(address(inputs), bytes32(slot)), commitmentOf("input"));
        assertEq(uint256(vm.load(address(inputs), bytes32(slot + 1))), 7 | 1000 << 208);
        assertEq(vm.load(address(inputs), bytes32(slot + 2)), 0);
    }

    function test_WitnessOfAnotherProverIsNoObstacle() public {
        bytes memory proof = proofBytes("input", "w");
        vm.prank(STRANGER);
        inputs.attest(circuitId, PURPOSE, 1, proof, vka);
        _attest(PURPOSE, 1, "w");
        assertEq(inputs.proofsOf(OWNER, commitmentOf("input")), 1);
    }

    function test_CircuitWithoutWitnessPointsSpendsNone() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.witnessPoints = 0;
        circuitId = circuits.register(circuit);
        _attest("first", 1, "w");
        _attest("second", 1, "w");
        assertEq(inputs.proofsOf(OWNER, commitmentOf("input")), 2);
    }

    // Refusals

    function testFuzz_RevertWhen_LabelIsTooLarge(uint256 label) public {
        label = bound(label, 2 ** 208, type(uint256).max);
        bytes4 selector = IPrivateInput.LabelTooLarge.selector;
        _expectRefusal(abi.encodeWithSelector(selector, label, type(uint208).max), PURPOSE, label, "w");
    }

    function testFuzz_RevertWhen_PurposeIsTaken(uint208 label) public {
        _attest(PURPOSE, 1, "w1");
        bytes4 selector = IPrivateInput.AlreadyAttested.selector;
        _expectRefusal(abi.encodeWithSelector(selector, OWNER, circuitId, PURPOSE), PURPOSE, label, "w2");
    }

    function test_RevertWhen_AttestationIsReplayed() public {
        _attest(PURPOSE, 1, "w");
        bytes memory refusal = abi.encodeWithSelector(IPrivateInput.WitnessAlreadyUsed.selector, OWNER, witnessOf("w"));
        _expectRefusal(refusal, PURPOSE, 1, "w");
        _expectRefusal(refusal, "another purpose", 1, "w");
    }

    function testFuzz_RevertWhen_VerifierRefuses(uint8 kind) public {
        VerifierStub.Answer[4] memory answers = [
            VerifierStub.Answer.Invalid,
            VerifierStub.Answer.EmptyRevert,
            VerifierStub.Answer.Short,
            VerifierStub.Answer.OtherDigest
        ];
        stub.set(answers[kind % 4]);
        bytes4 selector = IPrivateInput.InvalidProof.selector;
        _expectRefusal(abi.encodeWithSelector(selector, circuitId, _rho(1, "w")), PURPOSE, 1, "w");
        assertEq(inputs.attestationOf(OWNER, circuitId, PURPOSE).attestedBlock, 0);
        assertEq(inputs.proofsOf(OWNER, commitmentOf("input")), 0);
        stub.set(VerifierStub.Answer.Valid);
        _attest(PURPOSE, 1, "w");
    }

    function test_RevertWhen_InputHasBeenProvedAboutTooOften() public {
        for (uint256 i = 0; i < 255; ++i) {
            _attest(bytes32(i), 1, keccak256(abi.encode(i)));
        }
        bytes4 selector = IPrivateInput.InputExhausted.selector;
        _expectRefusal(abi.encodeWithSelector(selector, commitmentOf("input"), 255), "last", 1, "last");
    }

    function testFuzz_RevertWhen_CircuitIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != circuitId);
        circuitId = unknown;
        _expectRefusal(abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, unknown), PURPOSE, 1, "w");
    }

    function test_RevertWhen_ProofEndsWithinItsPoints() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 191, 192));
        inputs.attest(circuitId, PURPOSE, 1, new bytes(191), vka);
    }
}
