// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {Challenge} from "../../../contracts/zk/Challenge.sol";
import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IPrivateInput} from "../../../contracts/zk/IPrivateInput.sol";
import {GatedProofsTest} from "../GatedProofsTest.sol";

/// @notice The gate over the generated verifiers and real proofs: what it accepts, what it refuses, what it costs.
contract GatedProofsTests is GatedProofsTest {
    address private constant COPIER = address(0xBAD);

    function _claim(uint256 index, bytes32 circuitId) private {
        Case memory made = cases[index];
        bytes32[] memory words = wordsOf(circuitId);
        vm.prank(prover);
        accuracy.claim(modelId, circuitId, made.threshold, made.count, made.proof, words);
    }

    function _expectInvalid(bytes32 circuitId, Case memory made) private {
        uint256 rho = rhoOf(prover, circuitId, made);
        bytes32[] memory words = wordsOf(circuitId);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, circuitId, rho));
        accuracy.claim(modelId, circuitId, made.threshold, made.count, made.proof, words);
        assertEq(accuracy.claimOf(modelId, circuitId).count, 0);
        assertEq(models.modelOf(modelId).proofs, 0);
    }

    // The vectors are for these addresses, and Python computed the same identifiers.

    function test_PythonAndSolidityAgreeOnEveryIdentifier() public view {
        assertEq(address(accuracy), vm.parseJsonAddress(json, ".addresses.accuracy"));
        assertEq(address(inputs), vm.parseJsonAddress(json, ".addresses.privateInput"));
        assertEq(address(inference), vm.parseJsonAddress(json, ".addresses.privateInference"));
        assertEq(reusableId, vm.parseJsonBytes32(json, ".circuits.accuracy.id"));
        assertEq(dedicatedId, vm.parseJsonBytes32(json, ".circuits.dedicated.id"));
        assertEq(address(dedicated).codehash, vm.parseJsonBytes32(json, ".circuits.dedicated.codeHash"));
        assertEq(inputId, vm.parseJsonBytes32(json, ".circuits.input.id"));
        assertEq(inferenceId, vm.parseJsonBytes32(json, ".circuits.inference.id"));
        assertEq(modelId, vm.parseJsonBytes32(json, ".modelId"));
        for (uint256 i = 0; i < cases.length; ++i) {
            assertEq(rhoOf(prover, circuitOf(i), cases[i]), cases[i].rho);
        }
    }

    /// @dev Forged ones too: what refuses those is not the verifier alone but the inputs that the contracts give it.
    function test_EveryProofIsValidForTheInstancesThatItsTensorsGive() public view {
        for (uint256 i = 0; i < cases.length; ++i) {
            bytes32 circuitId = circuitOf(i);
            assertTrue(circuits.verify(circuitId, cases[i].proof, cases[i].instances, wordsOf(circuitId)));
            // The other model's answer is true of the other model; which model it is, the verifier cannot know.
            bool accepted = cases[i].valid || i == INFER_OTHER_MODEL;
            uint256[] memory gated = gatedInstances(cases[i]);
            assertTrue(circuits.verify(circuitId, cases[i].proof, gated, wordsOf(circuitId)) == accepted);
        }
    }

    // Accepted

    function test_AcceptsAProofThroughTheReusableVerifier() public {
        _claim(REUSABLE, reusableId);
        assertEq(accuracy.claimOf(modelId, reusableId).count, cases[REUSABLE].count);
        assertTrue(accuracy.isCertified(modelId, reusableId, cases[REUSABLE].count));
    }

    function test_AcceptsAProofThroughADedicatedVerifier() public {
        _claim(DEDICATED, dedicatedId);
        assertEq(accuracy.claimOf(modelId, dedicatedId).count, cases[DEDICATED].count);
    }

    function test_AcceptsAnAttestation() public {
        Case memory made = cases[ATTEST];
        vm.prank(prover);
        inputs.attest(inputId, purpose, made.count, made.proof, inputVka);
        IPrivateInput.Attestation memory attestation = inputs.attestationOf(prover, inputId, purpose);
        assertEq(attestation.label, made.count);
        assertEq(attestation.inputCommitment, commitmentOf(made.proof));
    }

    // Forged claims: in each, the proof is valid for what its tensors give, and the contract asks for something else.

    function test_RevertWhen_CountIsForged() public {
        Case memory made = cases[FORGED_COUNT];
        requireFailingChecks(made, 0);
        assertEq(made.instances[5] + 1, made.count);
        _expectInvalid(reusableId, made);
    }

    function test_RevertWhen_AnActivationIsForged() public {
        // The altered activation is not what the first layer gives, and the second layer goes on with it.
        requireFailingChecks(cases[FORGED_ACTIVATION], 1 << 0 | 1 << 1);
        assertEq(cases[FORGED_ACTIVATION].instances[5], cases[FORGED_ACTIVATION].count);
        _expectInvalid(reusableId, cases[FORGED_ACTIVATION]);
    }

    function test_RevertWhen_AWrongAnswerIsCounted() public {
        // The circuit gives the count that is claimed.
        requireFailingChecks(cases[FORGED_MARGIN], 1 << 2);
        assertEq(cases[FORGED_MARGIN].instances[5], cases[FORGED_MARGIN].count);
        assertEq(cases[FORGED_MARGIN].count, uint256(cases[REUSABLE].count) + 1);
        _expectInvalid(reusableId, cases[FORGED_MARGIN]);
    }

    function test_RevertWhen_RhoIsChosenByTheProver() public {
        requireFailingChecks(cases[CHOSEN_RHO], 0);
        assertEq(cases[CHOSEN_RHO].instances[5], cases[CHOSEN_RHO].count);
        assertTrue(cases[CHOSEN_RHO].instances[0] != cases[CHOSEN_RHO].rho);
        _expectInvalid(reusableId, cases[CHOSEN_RHO]);
    }

    function test_RevertWhen_AttestedLabelIsForged() public {
        Case memory made = cases[FORGED_LABEL];
        requireFailingChecks(made, 1 << 3);
        assertEq(made.instances[5], made.count);
        _expectAttestationInvalid(prover, purpose, made.count, made.proof);
    }

    function test_RevertWhen_AttestedInputIsOutOfRange() public {
        Case memory made = cases[FORGED_INPUT];
        requireFailingChecks(made, 1 << 0);
        assertEq(made.instances[5], made.count);
        _expectAttestationInvalid(prover, purpose, made.count, made.proof);
    }

    function test_RevertWhen_ThresholdOrCountIsNotTheProofs() public {
        Case memory made = cases[REUSABLE];
        made.threshold -= 1;
        _expectInvalid(reusableId, made);
        made.threshold += 1;
        made.count -= 1;
        _expectInvalid(reusableId, made);
        made.count = shape.samples;
        _expectInvalid(reusableId, made);
    }

    function test_RevertWhen_ProofIsForTheOtherCircuit() public {
        _expectInvalid(reusableId, cases[DEDICATED]);
        _expectInvalid(dedicatedId, cases[REUSABLE]);
    }

    function test_RevertWhen_ProofWasMadeForAnotherChain() public {
        vm.chainId(1);
        _expectInvalid(reusableId, cases[REUSABLE]);
    }

    function test_RevertWhen_ProofWasMadeForAnotherContract() public {
        AccuracyRegistry second = new AccuracyRegistry(models, circuits);
        vm.prank(prover);
        models.approveConsumer(modelId, address(second));
        Case memory made = cases[REUSABLE];
        bytes32 points = pointsOf(made.proof);
        uint256 rho = second.challenge(prover, modelId, reusableId, made.threshold, made.count, points);
        assertTrue(rho != made.rho);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, reusableId, rho));
        second.claim(modelId, reusableId, made.threshold, made.count, made.proof, vka);
    }

    function test_RevertWhen_ClaimIsPassedOffAsAnAttestation() public {
        // The shapes agree, and the tensors do give this result.
        Case memory made = cases[REUSABLE];
        uint256 rho = inputs.challenge(prover, reusableId, purpose, made.count, pointsOf(made.proof));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInput.InvalidProof.selector, reusableId, rho));
        inputs.attest(reusableId, purpose, made.count, made.proof, vka);
    }

    function test_RevertWhen_AttestationIsPassedOffAsAClaim() public {
        // Its label, 1, would do as the count of a set of one sample, and its input as a model.
        Case memory made = cases[ATTEST];
        assertEq(made.count, 1);
        bytes32 inputAsModel = registerModel(prover, commitmentOf(made.proof));
        uint256 rho = accuracy.challenge(prover, inputAsModel, inputId, 1, 1, pointsOf(made.proof));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, inputId, rho));
        accuracy.claim(inputAsModel, inputId, 1, 1, made.proof, inputVka);
    }

    function test_RevertWhen_ProofIsCopiedByAnotherSender() public {
        Case memory made = cases[REUSABLE];
        bytes32 copied = registerModel(COPIER, vm.parseJsonBytes32(json, ".commitment"));
        uint256 rho = accuracy.challenge(COPIER, copied, reusableId, made.threshold, made.count, pointsOf(made.proof));
        vm.prank(COPIER);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, reusableId, rho));
        accuracy.claim(copied, reusableId, made.threshold, made.count, made.proof, vka);

        vm.prank(COPIER);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.NotModelOwner.selector, modelId, prover, COPIER));
        accuracy.claim(modelId, reusableId, made.threshold, made.count, made.proof, vka);
        // The owner is not held up by either attempt.
        _claim(REUSABLE, reusableId);
    }

    function test_RevertWhen_AttestationIsCopiedOrForAnotherPurposeOrLabel() public {
        bytes memory proof = cases[ATTEST].proof;
        uint256 label = cases[ATTEST].count;
        _expectAttestationInvalid(COPIER, purpose, label, proof);
        _expectAttestationInvalid(prover, keccak256("another purpose"), label, proof);
        _expectAttestationInvalid(prover, purpose, label + 1, proof);
    }

    function _expectAttestationInvalid(address sender, bytes32 purpose_, uint256 label, bytes memory proof) private {
        uint256 rho = inputs.challenge(sender, inputId, purpose_, label, pointsOf(proof));
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInput.InvalidProof.selector, inputId, rho));
        inputs.attest(inputId, purpose_, label, proof, inputVka);
        assertEq(inputs.attestationOf(sender, inputId, purpose_).attestedBlock, 0);
    }

    function test_RevertWhen_ClaimIsReplayed() public {
        _claim(REUSABLE, reusableId);
        bytes32 witness = witnessOf(cases[REUSABLE].proof);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.WitnessAlreadyUsed.selector, modelId, witness));
        accuracy.claim(
            modelId, reusableId, cases[REUSABLE].threshold, cases[REUSABLE].count, cases[REUSABLE].proof, vka
        );
    }

    // One bit anywhere in a proof

    function testFuzz_RevertWhen_OneBitOfTheProofIsFlipped(uint16 position, uint8 bit) public {
        _expectFlipRefused(REUSABLE, reusableId, position, bit);
    }

    function testFuzz_RevertWhen_OneBitOfTheProofIsFlippedForADedicatedVerifier(uint16 position, uint8 bit) public {
        _expectFlipRefused(DEDICATED, dedicatedId, position, bit);
    }

    function _expectFlipRefused(uint256 index, bytes32 circuitId, uint16 position, uint8 bit) private {
        Case memory made = cases[index];
        uint256 at_ = bound(position, 0, made.proof.length - 1);
        made.proof[at_] ^= bytes1(uint8(1) << (bit % 8));
        if (at_ >= 64 * uint256(shape.committedPoints)) {
            _expectInvalid(circuitId, made);
            return;
        }
        bytes32 actual = commitmentOf(made.proof);
        bytes32 commitment = models.modelOf(modelId).commitment;
        bytes32[] memory words = wordsOf(circuitId);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.NotThisModel.selector, commitment, actual));
        accuracy.claim(modelId, circuitId, made.threshold, made.count, made.proof, words);
    }

    function testFuzz_RevertWhen_OneBitOfTheArtefactIsFlipped(uint16 word, uint8 bit) public {
        bytes32 expected = keccak256(abi.encodePacked(vka));
        bytes32[] memory words = vka;
        words[word % words.length] ^= bytes32(uint256(1) << bit);
        bytes32 actual = keccak256(abi.encodePacked(words));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaMismatch.selector, expected, actual));
        accuracy.claim(
            modelId, reusableId, cases[REUSABLE].threshold, cases[REUSABLE].count, cases[REUSABLE].proof, words
        );
    }

    // What the generated verifiers do, which the registry relies on or makes up for

    function test_ReusableVerifierIgnoresTrailingWordsAndTheRegistryDoesNot() public {
        bytes memory longer = bytes.concat(cases[REUSABLE].proof, new bytes(32));
        (bool valid, bytes32 digest) = reusable.verifyProof(longer, cases[REUSABLE].instances, vka);
        assertTrue(valid);
        assertEq(digest, keccak256(abi.encodePacked(vka)));
        vm.prank(prover);
        bytes4 selector = ICircuitRegistry.ProofLengthMismatch.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, shape.proofLength, longer.length));
        accuracy.claim(modelId, reusableId, cases[REUSABLE].threshold, cases[REUSABLE].count, longer, vka);
    }

    function test_RevertWhen_DedicatedVerifierGetsTrailingWords() public {
        bytes memory longer = bytes.concat(cases[DEDICATED].proof, new bytes(32));
        // No data: the generated code's only refusal.
        vm.expectRevert(bytes(""));
        dedicated.verifyProof(longer, cases[DEDICATED].instances);
    }

    function test_ReusableVerifierAnswersWithAMalformedArray() public view {
        bytes memory call_ = abi.encodeWithSelector(
            reusable.verifyProof.selector, cases[REUSABLE].proof, cases[REUSABLE].instances, vka
        );
        (bool success, bytes memory answer) = address(reusable).staticcall(call_);
        assertTrue(success);
        (,, uint256 offset) = abi.decode(answer, (uint256, bytes32, uint256));
        // The array's offset would be 96; its length in bytes stands in that place.
        assertTrue(offset != 96);
    }

    function test_VerifiersRefuseInstancesAboveTheModulus() public {
        uint256[] memory instances = _withAliasedResult(cases[REUSABLE].instances);
        vm.expectRevert(bytes(""));
        reusable.verifyProof(cases[REUSABLE].proof, instances, vka);
        instances = _withAliasedResult(cases[DEDICATED].instances);
        vm.expectRevert(bytes(""));
        dedicated.verifyProof(cases[DEDICATED].proof, instances);
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, instances[instances.length - 1]));
        circuits.verify(dedicatedId, cases[DEDICATED].proof, instances, noVka);
    }

    function test_VerifiersRefuseAnotherNumberOfInstances() public view {
        uint256[] memory fewer = Challenge.instances(cases[REUSABLE].rho, shape.checks - 1, cases[REUSABLE].count);
        assertFalse(circuits.verify(reusableId, cases[REUSABLE].proof, fewer, vka));
        uint256[] memory more = Challenge.instances(cases[REUSABLE].rho, shape.checks + 1, cases[REUSABLE].count);
        assertFalse(circuits.verify(reusableId, cases[REUSABLE].proof, more, vka));
    }

    function test_RevertWhen_ArtefactIsNotRegisteredWithTheVerifier() public {
        bytes32[] memory words = vka;
        words[words.length - 1] ^= bytes32(uint256(1));
        ICircuitRegistry.Circuit memory circuit = shape;
        circuit.vkaDigest = keccak256(abi.encodePacked(words));
        bytes32 id = circuits.register(circuit);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaNotRegistered.selector, circuit.vkaDigest));
        circuits.verify(id, cases[REUSABLE].proof, cases[REUSABLE].instances, words);
    }

    // Cost

    function test_GatedClaimThroughTheReusableVerifierCostsAtMost1200000() public {
        assertLe(_claimGas(REUSABLE, reusableId, vka), 1_200_000);
    }

    function test_GatedClaimThroughADedicatedVerifierCostsAtMost950000() public {
        assertLe(_claimGas(DEDICATED, dedicatedId, noVka), 950_000);
    }

    function _claimGas(uint256 index, bytes32 circuitId, bytes32[] memory words) private returns (uint256) {
        Case memory made = cases[index];
        bytes memory call_ = abi.encodeCall(
            IAccuracyRegistry.claim, (modelId, circuitId, made.threshold, made.count, made.proof, words)
        );
        return transactionGas(address(accuracy), call_);
    }

    function test_ContractsFitEip170() public view {
        assertLe(address(reusable).code.length, 24_576);
        assertLe(address(dedicated).code.length, 24_576);
        assertLe(address(circuits).code.length, 24_576);
        assertLe(address(models).code.length, 24_576);
        assertLe(address(accuracy).code.length, 24_576);
        assertLe(address(inputs).code.length, 24_576);
        assertLe(address(inference).code.length, 24_576);
    }

    /// @dev The same inputs to a circuit, another value to a contract.
    function _withAliasedResult(uint256[] memory instances) private pure returns (uint256[] memory) {
        instances[instances.length - 1] += BN254.SCALAR_FIELD;
        return instances;
    }
}
