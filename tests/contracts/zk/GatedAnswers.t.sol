// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IPrivateInference} from "../../../contracts/zk/IPrivateInference.sol";
import {IPrivateInput} from "../../../contracts/zk/IPrivateInput.sol";
import {PrivateInference} from "../../../contracts/zk/PrivateInference.sol";
import {GatedProofsTest} from "../GatedProofsTest.sol";

/// @notice PrivateInference over the generated verifier and real proofs, about the model that AccuracyRegistry
/// certifies: what it accepts, what it refuses, what it costs.
contract GatedAnswersTests is GatedProofsTest {
    address private constant COPIER = address(0xBAD);

    function _answer(Case memory made) private {
        vm.prank(prover);
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);
    }

    function _expectInvalid(bytes32 circuitId, Case memory made) private {
        uint256 rho = rhoOf(prover, circuitId, made);
        bytes32[] memory words = wordsOf(circuitId);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.InvalidProof.selector, circuitId, rho));
        inference.answer(modelId, circuitId, made.features, made.count, made.proof, words);
        assertEq(inference.answerOf(modelId, circuitId, keccak256(made.features)).answeredBlock, 0);
        assertEq(models.modelOf(modelId).proofs, 0);
    }

    function _expectInvalid(Case memory made) private {
        _expectInvalid(inferenceId, made);
    }

    function _expectNotThisModel(Case memory made) private {
        bytes32 registered = models.modelOf(modelId).commitment;
        bytes32 opened = commitmentOf(made.proof);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.NotThisModel.selector, registered, opened));
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);
    }

    /// @dev A circuit with a key of the file, registered by somebody who says something else of its checks.
    function _misdescribed(string memory key, bytes32[] memory words, uint8 checks) private returns (bytes32) {
        ICircuitRegistry.Circuit memory circuit = describe(key, words);
        circuit.checks = checks;
        return circuits.register(circuit);
    }

    // Accepted

    function test_TheCertifiedModelAnswers() public {
        Case memory claimed = cases[REUSABLE];
        Case memory made = cases[INFER];
        // One commitment in two circuits.
        assertEq(commitmentOf(made.proof), commitmentOf(claimed.proof));
        assertTrue(witnessOf(made.proof) != witnessOf(claimed.proof));
        vm.prank(prover);
        accuracy.claim(modelId, reusableId, claimed.threshold, claimed.count, claimed.proof, vka);
        vm.expectEmit(true, true, true, true, address(inference));
        emit IPrivateInference.ModelAnswered(modelId, inferenceId, keccak256(made.features), made.count);
        _answer(made);
        assertTrue(accuracy.isCertified(modelId, reusableId, claimed.count));
        assertEq(inference.answerOf(modelId, inferenceId, keccak256(made.features)).label, made.count);
        assertEq(models.modelOf(modelId).proofs, 2);
    }

    // Forged answers: in each, the proof is valid for what its tensors give.

    function test_RevertWhen_LabelIsForged() public {
        Case memory made = cases[INFER_FORGED_LABEL];
        requireFailingChecks(made, 1 << 3);
        assertEq(made.instances[5], this.evaluate(made.features, made.rho));
        assertEq(made.instances[6], made.count);
        _expectInvalid(made);
    }

    function test_RevertWhen_ProofIsAboutAnotherInput() public {
        // The model does give this answer, to an input that was not handed in.
        Case memory made = cases[INFER_FORGED_INPUT];
        requireFailingChecks(made, 0);
        assertTrue(made.instances[5] != this.evaluate(made.features, made.rho));
        assertEq(made.instances[6], made.count);
        _expectInvalid(made);
    }

    function test_RevertWhen_AnActivationIsForged() public {
        // The altered activation is not what the first layer gives, and the second layer goes on with it.
        Case memory made = cases[INFER_FORGED_ACTIVATION];
        requireFailingChecks(made, 1 << 0 | 1 << 1);
        assertEq(made.instances[5], this.evaluate(made.features, made.rho));
        assertEq(made.instances[6], made.count);
        _expectInvalid(made);
    }

    function test_RevertWhen_InputHasAFeatureTooMany() public {
        // The feature is zero, and the proof was made for this very input: only its length is wrong.
        Case memory made = cases[INFER_PADDED_INPUT];
        requireFailingChecks(made, 0);
        assertEq(made.instances[0], made.rho);
        assertTrue(made.instances[5] != this.evaluate(made.features, made.rho));
        _expectInvalid(made);
    }

    function test_RevertWhen_AnotherModelAnswers() public {
        // The verifier accepts these very inputs: only the commitment tells the models apart.
        Case memory made = cases[INFER_OTHER_MODEL];
        requireFailingChecks(made, 0);
        assertTrue(circuits.verify(inferenceId, made.proof, gatedInstances(made), inferenceVka));
        assertTrue(commitmentOf(made.proof) != models.modelOf(modelId).commitment);
        _expectNotThisModel(made);
        // Nor is it an answer of that other model: its id would have been in the challenge.
        modelId = registerModel(prover, commitmentOf(made.proof));
        _expectInvalid(made);
    }

    // A true answer, altered

    function test_RevertWhen_LabelIsNotTheProofs() public {
        Case memory made = cases[INFER];
        made.count += 1;
        _expectInvalid(made);
        made.count = 0;
        _expectInvalid(made);
    }

    function testFuzz_RevertWhen_OneBitOfTheInputIsFlipped(uint16 position, uint8 bit) public {
        Case memory made = cases[INFER];
        made.features[position % made.features.length] ^= bytes1(uint8(1) << (bit % 8));
        _expectInvalid(made);
    }

    function test_RevertWhen_InputIsLongerOrShorter() public {
        Case memory made = cases[INFER];
        bytes memory features = made.features;
        made.features = bytes.concat(features, hex"0000");
        _expectInvalid(made);
        made.features = bytes.concat(hex"0000", features);
        _expectInvalid(made);
        made.features = hex"0000";
        _expectInvalid(made);
    }

    function test_RevertWhen_ProofWasMadeForAnotherChain() public {
        vm.chainId(1);
        _expectInvalid(cases[INFER]);
    }

    function test_RevertWhen_ProofWasMadeForAnotherContract() public {
        PrivateInference second = new PrivateInference(models, circuits);
        vm.prank(prover);
        models.approveConsumer(modelId, address(second));
        Case memory made = cases[INFER];
        bytes32 inputHash = keccak256(made.features);
        uint256 rho = second.challenge(prover, modelId, inferenceId, inputHash, made.count, pointsOf(made.proof));
        assertTrue(rho != made.rho);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.InvalidProof.selector, inferenceId, rho));
        second.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);
    }

    function test_RevertWhen_AnswerIsCopiedByAnotherSender() public {
        Case memory made = cases[INFER];
        bytes32 owned = modelId;
        modelId = registerModel(COPIER, vm.parseJsonBytes32(json, ".commitment"));
        uint256 rho = rhoOf(COPIER, inferenceId, made);
        vm.prank(COPIER);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.InvalidProof.selector, inferenceId, rho));
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);

        vm.prank(COPIER);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.NotModelOwner.selector, owned, prover, COPIER));
        inference.answer(owned, inferenceId, made.features, made.count, made.proof, inferenceVka);
        // The owner is not held up by either attempt.
        modelId = owned;
        _answer(made);
    }

    function test_RevertWhen_AnswerIsReplayed() public {
        Case memory made = cases[INFER];
        _answer(made);
        bytes32 witness = witnessOf(made.proof);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.WitnessAlreadyUsed.selector, modelId, witness));
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);
    }

    // One kind of proof passed off as another. Where a circuit is not described as it is, the public inputs of two kinds
    // have one shape; what then refuses the proof is the challenge, which begins with its contract's domain.

    function test_RevertWhen_ClaimIsPassedOffAsAnAnswer() public {
        Case memory made = cases[REUSABLE];
        made.features = hex"0000";
        made.threshold = 0;
        _expectInvalid(reusableId, made);

        bytes32 misdescribed = _misdescribed(".circuits.accuracy", vka, shape.checks - 1);
        assertTrue(circuits.verify(misdescribed, made.proof, made.instances, vka));
        _expectInvalid(misdescribed, made);
    }

    function test_RevertWhen_AttestationIsPassedOffAsAnAnswer() public {
        Case memory made = cases[ATTEST];
        made.features = hex"0000";
        modelId = registerModel(prover, commitmentOf(made.proof));
        _expectInvalid(inputId, made);

        bytes32 misdescribed = _misdescribed(".circuits.input", inputVka, shape.checks - 1);
        assertTrue(circuits.verify(misdescribed, made.proof, made.instances, inputVka));
        uint256 rho = rhoOf(prover, misdescribed, made);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.InvalidProof.selector, misdescribed, rho));
        inference.answer(modelId, misdescribed, made.features, made.count, made.proof, inputVka);
    }

    function test_RevertWhen_AnswerIsPassedOffAsAClaim() public {
        // Its label, 1, would do as the count of a set of one sample, and the model is the same.
        Case memory made = cases[INFER];
        assertEq(made.count, 1);
        uint256 rho = accuracy.challenge(prover, modelId, inferenceId, 1, 1, pointsOf(made.proof));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, inferenceId, rho));
        accuracy.claim(modelId, inferenceId, 1, 1, made.proof, inferenceVka);

        bytes32 misdescribed = _misdescribed(".circuits.inference", inferenceVka, shape.checks + 1);
        assertTrue(circuits.verify(misdescribed, made.proof, made.instances, inferenceVka));
        rho = accuracy.challenge(prover, modelId, misdescribed, 1, 1, pointsOf(made.proof));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyRegistry.InvalidProof.selector, misdescribed, rho));
        accuracy.claim(modelId, misdescribed, 1, 1, made.proof, inferenceVka);
    }

    function test_RevertWhen_AnswerIsPassedOffAsAnAttestation() public {
        Case memory made = cases[INFER];
        uint256 rho = inputs.challenge(prover, inferenceId, purpose, made.count, pointsOf(made.proof));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInput.InvalidProof.selector, inferenceId, rho));
        inputs.attest(inferenceId, purpose, made.count, made.proof, inferenceVka);
    }

    // One bit anywhere

    function testFuzz_RevertWhen_OneBitOfTheProofIsFlipped(uint16 position, uint8 bit) public {
        Case memory made = cases[INFER];
        uint256 at_ = bound(position, 0, made.proof.length - 1);
        made.proof[at_] ^= bytes1(uint8(1) << (bit % 8));
        if (at_ < 64 * uint256(shape.committedPoints)) _expectNotThisModel(made);
        else _expectInvalid(made);
    }

    function testFuzz_RevertWhen_OneBitOfTheArtefactIsFlipped(uint16 word, uint8 bit) public {
        Case memory made = cases[INFER];
        bytes32 expected = keccak256(abi.encodePacked(inferenceVka));
        bytes32[] memory words = inferenceVka;
        words[word % words.length] ^= bytes32(uint256(1) << bit);
        bytes32 actual = keccak256(abi.encodePacked(words));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaMismatch.selector, expected, actual));
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, words);
    }

    // Cost

    function test_AnswerThroughTheReusableVerifierCostsAtMost800000() public {
        Case memory made = cases[INFER];
        bytes memory call_ = abi.encodeCall(
            IPrivateInference.answer, (modelId, inferenceId, made.features, made.count, made.proof, inferenceVka)
        );
        assertLe(transactionGas(address(inference), call_), 800_000);
    }
}
