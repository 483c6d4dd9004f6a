// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {ProofPoints} from "../../../contracts/zk/ProofPoints.sol";
import {RegistryTest} from "../RegistryTest.sol";
import {VerifierStub} from "../VerifierStub.sol";

/// @notice The registry's bookkeeping. What it is worth against forged proofs is in GatedProofs.t.sol.
contract AccuracyRegistryTest is RegistryTest {
    bytes32 private circuitId;
    bytes32 private modelId;

    function setUp() public override {
        super.setUp();
        circuitId = circuits.register(reusableCircuit());
        modelId = registerModel(OWNER, "model", 3);
    }

    function _claim(uint32 threshold, uint32 count, bytes32 witness) private {
        vm.prank(OWNER);
        accuracy.claim(modelId, circuitId, threshold, count, proofBytes("model", witness), vka);
    }

    function _expectRefusal(bytes memory refusal, uint32 threshold, uint32 count, bytes32 witness) private {
        bytes memory proof = proofBytes("model", witness);
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        accuracy.claim(modelId, circuitId, threshold, count, proof, vka);
    }

    function _rho(uint32 threshold, uint32 count, bytes32 witness) private view returns (uint256) {
        bytes32 points = pointsHashOf("model", witness);
        return accuracy.challenge(OWNER, modelId, circuitId, threshold, count, points);
    }

    // Claims

    function testFuzz_RecordsWhatWasProved(uint32 threshold, uint32 count, bytes32 witness) public {
        threshold = uint32(bound(threshold, 1, SAMPLES));
        count = uint32(bound(count, threshold, SAMPLES));
        // Only the proof with exactly the recomputed inputs passes.
        stub.expectCall(proofBytes("model", witness), gatedInstances(_rho(threshold, count, witness), count));
        vm.expectEmit(true, true, true, true, address(accuracy));
        emit IAccuracyRegistry.AccuracyClaimed(modelId, circuitId, OWNER, threshold, count, true);
        _claim(threshold, count, witness);
        IAccuracyRegistry.Claim memory made = accuracy.claimOf(modelId, circuitId);
        assertEq(made.count, count);
        assertEq(made.threshold, threshold);
        assertEq(made.claimedBlock, block.number);
        assertTrue(made.setKnownInAdvance);
        assertEq(models.modelOf(modelId).proofs, 1);
        assertTrue(accuracy.isCertified(modelId, circuitId, count));
        assertFalse(accuracy.isCertified(modelId, circuitId, count + 1));
    }

    function testFuzz_ChallengeIsTheFlatEncodingsHash(
        address prover,
        bytes32 model,
        bytes32 circuit,
        uint32 threshold,
        uint32 count,
        bytes32 points
    ) public view {
        bytes32 domain = keccak256("pyml.zk.AccuracyRegistry.claim.v1");
        bytes memory flat =
            abi.encode(domain, block.chainid, address(accuracy), prover, model, circuit, threshold, count, points);
        assertEq(
            accuracy.challenge(prover, model, circuit, threshold, count, points),
            uint256(keccak256(flat)) % BN254.SCALAR_FIELD
        );
    }

    function test_DedicatedVerifierTakesNoArtefact() public {
        bytes32 dedicated = circuits.register(dedicatedCircuit());
        vm.prank(OWNER);
        accuracy.claim(modelId, dedicated, 50, 60, proofBytes("model", "w"), noVka);
        assertEq(accuracy.claimOf(modelId, dedicated).count, 60);
        assertEq(accuracy.claimOf(modelId, circuitId).count, 0);
    }

    function test_LaterClaimRaisesTheCount() public {
        _claim(50, 60, "w1");
        vm.roll(2000);
        _claim(55, 61, "w2");
        IAccuracyRegistry.Claim memory made = accuracy.claimOf(modelId, circuitId);
        assertEq(made.count, 61);
        assertEq(made.threshold, 55);
        assertEq(made.claimedBlock, 2000);
    }

    /// @dev The layout drawn above `IAccuracyRegistry.Claim`.
    function test_StorageIsOneSlotAClaim() public {
        _claim(50, 60, "w");
        bytes32 inner = keccak256(abi.encode(modelId, uint256(0)));
        uint256 slot = uint256(keccak256(abi.encode(circuitId, inner)));
        uint256 packed = 60 | 50 << 32 | 1000 << 64 | 1 << 112;
        assertEq(uint256(vm.load(address(accuracy), bytes32(slot))), packed);
        assertEq(vm.load(address(accuracy), bytes32(slot + 1)), 0);
        inner = keccak256(abi.encode(modelId, uint256(1)));
        assertEq(uint256(vm.load(address(accuracy), keccak256(abi.encode(witnessOf("w"), inner)))), 1);
    }

    function test_WitnessOfAnotherModelIsNoObstacle() public {
        // A stranger with a circuit that accepts anything cannot spend a witness seen in the mempool.
        bytes32 strangers = registerModel(STRANGER, "strangers", 3);
        vm.prank(STRANGER);
        accuracy.claim(strangers, circuitId, 1, 1, proofBytes("strangers", "w"), vka);
        _claim(50, 60, "w");
        assertEq(accuracy.claimOf(modelId, circuitId).count, 60);
    }

    function test_CircuitWithoutWitnessPointsSpendsNone() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.witnessPoints = 0;
        circuitId = circuits.register(circuit);
        _claim(1, 1, "w");
        _claim(1, 2, "w");
        assertEq(accuracy.claimOf(modelId, circuitId).count, 2);
    }

    // Sealed sets

    function testFuzz_SetIsKnownInAdvanceUnlessTheModelCameBeforeTheClosing(uint8 delay) public {
        address publisher = address(0x9B);
        bytes32 seal = keccak256(abi.encode(publisher, reusableCircuit().datasetDigest, bytes32("salt")));
        vm.prank(publisher);
        circuits.sealSet(seal, 1100);
        vm.roll(1000 + uint256(delay));
        modelId = registerModel(OWNER, "late", 3);
        vm.roll(1300);
        vm.prank(publisher);
        circuitId = circuits.registerSealed(reusableCircuit(), "salt");
        vm.prank(OWNER);
        accuracy.claim(modelId, circuitId, 1, 2, proofBytes("late", "w"), vka);
        assertTrue(accuracy.claimOf(modelId, circuitId).setKnownInAdvance == (delay > 100));
    }

    // Refusals

    function testFuzz_RevertWhen_ThresholdIsOutOfRange(uint32 threshold) public {
        vm.assume(threshold == 0 || threshold > SAMPLES);
        bytes4 selector = IAccuracyRegistry.ThresholdOutOfRange.selector;
        _expectRefusal(abi.encodeWithSelector(selector, threshold, SAMPLES), threshold, threshold, "w");
    }

    function test_RevertWhen_ThresholdIsOneAboveTheSamples() public {
        bytes4 selector = IAccuracyRegistry.ThresholdOutOfRange.selector;
        _expectRefusal(abi.encodeWithSelector(selector, SAMPLES + 1, SAMPLES), SAMPLES + 1, SAMPLES + 1, "w");
    }

    function testFuzz_RevertWhen_CountIsOutOfRange(uint32 threshold, uint32 count) public {
        threshold = uint32(bound(threshold, 1, SAMPLES));
        vm.assume(count < threshold || count > SAMPLES);
        bytes4 selector = IAccuracyRegistry.CountOutOfRange.selector;
        _expectRefusal(abi.encodeWithSelector(selector, count, threshold, SAMPLES), threshold, count, "w");
    }

    function testFuzz_RevertWhen_SenderIsNotTheOwner(address sender) public {
        vm.assume(sender != OWNER);
        bytes memory proof = proofBytes("model", "w");
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.NotModelOwner.selector, modelId, OWNER, sender));
        accuracy.claim(modelId, circuitId, 50, 60, proof, vka);
    }

    function test_RevertWhen_ModelIsRevoked() public {
        _claim(50, 60, "w1");
        vm.prank(OWNER);
        models.revoke(modelId);
        _expectRefusal(abi.encodeWithSelector(IAccuracyRegistry.ModelIsRevoked.selector, modelId), 50, 70, "w2");
        assertFalse(accuracy.isCertified(modelId, circuitId, 1));
        assertEq(accuracy.claimOf(modelId, circuitId).count, 60);
    }

    function test_RevertWhen_ModelIsRevokedWhateverTheProofIs() public {
        vm.prank(OWNER);
        models.revoke(modelId);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.ModelIsRevoked.selector, modelId));
        accuracy.claim(modelId, circuitId, 50, 70, "", vka);
    }

    function testFuzz_RevertWhen_ProofIsAboutAnotherModel(bytes32 other) public {
        vm.assume(other != bytes32("model"));
        bytes memory proof = proofBytes(other, "w");
        bytes4 selector = IAccuracyRegistry.NotThisModel.selector;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(selector, commitmentOf("model"), commitmentOf(other)));
        accuracy.claim(modelId, circuitId, 50, 60, proof, vka);
    }

    function testFuzz_RevertWhen_CountDoesNotRise(uint32 count) public {
        _claim(50, 60, "w1");
        count = uint32(bound(count, 1, 60));
        _expectRefusal(abi.encodeWithSelector(IAccuracyRegistry.CountNotRaised.selector, 60, count), 1, count, "w2");
    }

    function test_RevertWhen_ClaimIsReplayed() public {
        _claim(50, 60, "w");
        bytes memory refusal =
            abi.encodeWithSelector(IAccuracyRegistry.WitnessAlreadyUsed.selector, modelId, witnessOf("w"));
        _expectRefusal(refusal, 50, 60, "w");
        _expectRefusal(refusal, 50, 61, "w");
    }

    function test_RevertWhen_WitnessWasUsedUnderAnotherCircuit() public {
        _claim(50, 60, "w");
        bytes32 dedicated = circuits.register(dedicatedCircuit());
        bytes memory proof = proofBytes("model", "w");
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.WitnessAlreadyUsed.selector, modelId, witnessOf("w")));
        accuracy.claim(modelId, dedicated, 50, 60, proof, noVka);
    }

    function testFuzz_RevertWhen_VerifierRefuses(uint8 kind) public {
        VerifierStub.Answer[4] memory answers = [
            VerifierStub.Answer.Invalid,
            VerifierStub.Answer.EmptyRevert,
            VerifierStub.Answer.Short,
            VerifierStub.Answer.OtherDigest
        ];
        stub.set(answers[kind % 4]);
        uint256 rho = _rho(50, 60, "w");
        _expectRefusal(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, circuitId, rho), 50, 60, "w");
        assertEq(accuracy.claimOf(modelId, circuitId).count, 0);
        assertEq(models.modelOf(modelId).proofs, 0);
        // Nothing was spent: the same witness passes once the verifier accepts.
        stub.set(VerifierStub.Answer.Valid);
        _claim(50, 60, "w");
    }

    function test_RevertWhen_ProofBudgetIsSpent() public {
        _claim(1, 1, "w1");
        _claim(1, 2, "w2");
        _claim(1, 3, "w3");
        _expectRefusal(abi.encodeWithSelector(IModelRegistry.ProofLimitReached.selector, modelId, 3), 1, 4, "w4");
    }

    function test_RevertWhen_RegistryIsNotApproved() public {
        vm.prank(OWNER);
        models.withdrawConsumer(modelId, address(accuracy));
        _expectRefusal(
            abi.encodeWithSelector(IModelRegistry.ConsumerNotApproved.selector, modelId, address(accuracy)), 50, 60, "w"
        );
    }

    function testFuzz_RevertWhen_ModelOrCircuitIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != modelId && unknown != circuitId);
        bytes memory proof = proofBytes("model", "w");
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown));
        accuracy.claim(unknown, circuitId, 50, 60, proof, vka);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, unknown));
        accuracy.claim(modelId, unknown, 50, 60, proof, vka);
        vm.stopPrank();
        assertFalse(accuracy.isCertified(unknown, circuitId, 0));
        assertFalse(accuracy.isCertified(modelId, unknown, 0));
    }

    function test_RevertWhen_ProofEndsWithinItsPoints() public {
        bytes memory commitment = abi.encodePacked(bytes32("model"), bytes32("model"));
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 63, 64));
        accuracy.claim(modelId, circuitId, 50, 60, new bytes(63), vka);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 64, 192));
        accuracy.claim(modelId, circuitId, 50, 60, commitment, vka);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_ProofHasAnotherLength(uint8 words) public {
        vm.assume(words != 4);
        bytes32 m = "model";
        bytes memory proof = abi.encodePacked(m, m, m, m, m, m, new bytes(32 * uint256(words)));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.ProofLengthMismatch.selector, 320, proof.length));
        accuracy.claim(modelId, circuitId, 50, 60, proof, vka);
    }
}
