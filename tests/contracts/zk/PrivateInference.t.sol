// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {Features} from "../../../contracts/zk/Features.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {IPrivateInference} from "../../../contracts/zk/IPrivateInference.sol";
import {ProofPoints} from "../../../contracts/zk/ProofPoints.sol";
import {RegistryTest} from "../RegistryTest.sol";
import {VerifierStub} from "../VerifierStub.sol";

/// @notice The contract's bookkeeping. What it is worth against forged proofs is in GatedProofs.t.sol.
contract PrivateInferenceTest is RegistryTest {
    // Three features: 1, 0 and 65535.
    bytes private constant INPUT = hex"00010000ffff";

    bytes32 private circuitId;
    bytes32 private modelId;

    function setUp() public override {
        super.setUp();
        circuitId = circuits.register(reusableCircuit());
        modelId = registerModel(OWNER, "model", 3);
    }

    function _answer(bytes memory input, uint256 label, bytes32 witness) private {
        vm.prank(OWNER);
        inference.answer(modelId, circuitId, input, label, proofBytes("model", witness), vka);
    }

    function _expectRefusal(bytes memory refusal, bytes memory input, uint256 label, bytes32 witness) private {
        bytes memory proof = proofBytes("model", witness);
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        inference.answer(modelId, circuitId, input, label, proof, vka);
    }

    function _expectRefusal(bytes memory refusal) private {
        _expectRefusal(refusal, INPUT, 1, "w");
    }

    function _rho(bytes memory input, uint256 label, bytes32 witness) private view returns (uint256) {
        bytes32 points = pointsHashOf("model", witness);
        return inference.challenge(OWNER, modelId, circuitId, keccak256(input), label, points);
    }

    function _answerOf(bytes memory input) private view returns (IPrivateInference.Answer memory) {
        return inference.answerOf(modelId, circuitId, keccak256(input));
    }

    /// @dev The public inputs that the gate must build: rho, four zeros, the evaluation, the label.
    function _instances(uint256 rho, uint256 evaluation, uint256 label) private pure returns (uint256[] memory built) {
        built = new uint256[](7);
        (built[0], built[5], built[6]) = (rho, evaluation, label);
    }

    function evaluate(bytes calldata input, uint256 rho) external pure returns (uint256) {
        return Features.evaluate(input, rho);
    }

    // Answers

    function testFuzz_RecordsWhatWasProved(uint16[] memory features, uint208 label, bytes32 witness) public {
        vm.assume(features.length != 0);
        bytes memory input = "";
        for (uint256 i = 0; i < features.length; ++i) {
            input = abi.encodePacked(input, features[i]);
        }
        // Only the proof with exactly the recomputed inputs passes.
        uint256 rho = _rho(input, label, witness);
        stub.expectCall(proofBytes("model", witness), _instances(rho, this.evaluate(input, rho), label));
        vm.expectEmit(true, true, true, true, address(inference));
        emit IPrivateInference.ModelAnswered(modelId, circuitId, keccak256(input), label);
        _answer(input, label, witness);
        IPrivateInference.Answer memory made = _answerOf(input);
        assertEq(made.label, label);
        assertEq(made.answeredBlock, block.number);
        assertEq(models.modelOf(modelId).proofs, 1);
        assertEq(_answerOf(bytes.concat(input, hex"0001")).answeredBlock, 0);
    }

    function test_EvaluationIsTheInputsPolynomialAtRho() public {
        uint256 rho = _rho(INPUT, 7, "w");
        uint256 square = mulmod(rho, rho, BN254.SCALAR_FIELD);
        uint256 cube = mulmod(square, rho, BN254.SCALAR_FIELD);
        uint256 evaluation = addmod(1, mulmod(65_535, square, BN254.SCALAR_FIELD), BN254.SCALAR_FIELD);
        evaluation = addmod(evaluation, cube, BN254.SCALAR_FIELD);
        stub.expectCall(proofBytes("model", "w"), _instances(rho, evaluation, 7));
        _answer(INPUT, 7, "w");
        assertEq(_answerOf(INPUT).label, 7);
    }

    function testFuzz_ChallengeIsTheFlatEncodingsHash(
        address prover,
        bytes32 model,
        bytes32 circuit,
        bytes32 inputHash,
        uint256 label,
        bytes32 points
    ) public view {
        bytes32 domain = keccak256("pyml.zk.PrivateInference.infer.v1");
        bytes memory flat =
            abi.encode(domain, block.chainid, address(inference), prover, model, circuit, inputHash, label, points);
        assertEq(
            inference.challenge(prover, model, circuit, inputHash, label, points),
            uint256(keccak256(flat)) % BN254.SCALAR_FIELD
        );
    }

    function test_DedicatedVerifierTakesNoArtefact() public {
        bytes32 dedicated = circuits.register(dedicatedCircuit());
        vm.prank(OWNER);
        inference.answer(modelId, dedicated, INPUT, 1, proofBytes("model", "w"), noVka);
        assertEq(inference.answerOf(modelId, dedicated, keccak256(INPUT)).label, 1);
        assertEq(_answerOf(INPUT).answeredBlock, 0);
    }

    function test_AnswerZeroIsAnAnswer() public {
        _answer(INPUT, 0, "w");
        assertEq(_answerOf(INPUT).label, 0);
        assertEq(_answerOf(INPUT).answeredBlock, 1000);
    }

    function test_InputsUpToTheMaximumAreAnswered() public {
        _answer(new bytes(2), 1, "w1");
        _answer(new bytes(16_384), 2, "w2");
        assertEq(_answerOf(new bytes(2)).label, 1);
        assertEq(_answerOf(new bytes(16_384)).label, 2);
    }

    /// @dev The layout drawn above `IPrivateInference.Answer`.
    function test_StorageIsOneSlotAnAnswer() public {
        _answer(INPUT, 7, "w");
        bytes32 inner = keccak256(abi.encode(circuitId, keccak256(abi.encode(modelId, uint256(0)))));
        uint256 slot = uint256(keccak256(abi.encode(keccak256(INPUT), inner)));
        assertEq(uint256(vm.load(address(inference), bytes32(slot))), 7 | 1000 << 208);
        assertEq(vm.load(address(inference), bytes32(slot + 1)), 0);
        inner = keccak256(abi.encode(modelId, uint256(1)));
        assertEq(uint256(vm.load(address(inference), keccak256(abi.encode(witnessOf("w"), inner)))), 1);
    }

    function test_AccuracyAndInferenceShareOneBudget() public {
        vm.startPrank(OWNER);
        accuracy.claim(modelId, circuitId, 1, 1, proofBytes("model", "w"), vka);
        // Witnesses are each contract's own: their challenges never meet.
        inference.answer(modelId, circuitId, INPUT, 1, proofBytes("model", "w"), vka);
        inference.answer(modelId, circuitId, hex"0002", 1, proofBytes("model", "w2"), vka);
        vm.stopPrank();
        assertEq(models.modelOf(modelId).proofs, 3);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.ProofLimitReached.selector, modelId, 3);
        _expectRefusal(refusal, hex"0003", 1, "w3");
    }

    function test_WitnessSpentByAStrangersCircuitIsNoObstacle() public {
        // A stranger sees the owner's proof in the mempool and spends its witness with a model and a circuit of his
        // own, whose verifier accepts anything.
        ICircuitRegistry.Circuit memory circuit = dedicatedCircuit();
        circuit.statementDigest = keccak256("accepts anything");
        vm.startPrank(STRANGER);
        bytes32 lenient = circuits.register(circuit);
        vm.stopPrank();
        bytes32 strangers = registerModel(STRANGER, "model", 3);
        bytes memory proof = proofBytes("model", "w");
        vm.startPrank(STRANGER);
        inference.answer(strangers, lenient, INPUT, 9, proof, noVka);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.NotModelOwner.selector, modelId, OWNER, STRANGER));
        inference.answer(modelId, lenient, INPUT, 9, proof, noVka);
        vm.stopPrank();
        _answer(INPUT, 1, "w");
        assertEq(_answerOf(INPUT).label, 1);
        assertEq(models.modelOf(modelId).proofs, 1);
    }

    function test_CircuitWithoutWitnessPointsSpendsNone() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.witnessPoints = 0;
        circuitId = circuits.register(circuit);
        _answer(INPUT, 1, "w");
        _answer(hex"0002", 1, "w");
        assertEq(models.modelOf(modelId).proofs, 2);
    }

    function test_RevokedModelKeepsItsAnswers() public {
        _answer(INPUT, 7, "w");
        vm.prank(OWNER);
        models.revoke(modelId);
        assertEq(_answerOf(INPUT).label, 7);
    }

    // Refusals

    function _expectLengthRefused(bytes memory input) private {
        bytes4 selector = IPrivateInference.InputLengthInvalid.selector;
        _expectRefusal(abi.encodeWithSelector(selector, input.length, 16_384), input, 1, "w");
    }

    function test_RevertWhen_InputIsEmptyOrTooLong() public {
        _expectLengthRefused("");
        _expectLengthRefused(new bytes(16_386));
    }

    function testFuzz_RevertWhen_InputEndsWithinAFeature(bytes memory input) public {
        _expectLengthRefused(input.length % 2 == 0 ? bytes.concat(input, hex"00") : input);
    }

    function testFuzz_RevertWhen_LabelIsTooLarge(uint256 label) public {
        label = bound(label, 2 ** 208, type(uint256).max);
        bytes4 selector = IPrivateInference.LabelTooLarge.selector;
        _expectRefusal(abi.encodeWithSelector(selector, label, type(uint208).max), INPUT, label, "w");
    }

    function testFuzz_RevertWhen_SenderIsNotTheOwner(address sender) public {
        vm.assume(sender != OWNER);
        bytes memory proof = proofBytes("model", "w");
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.NotModelOwner.selector, modelId, OWNER, sender));
        inference.answer(modelId, circuitId, INPUT, 1, proof, vka);
    }

    function test_RevertWhen_ModelIsRevoked() public {
        vm.prank(OWNER);
        models.revoke(modelId);
        bytes memory refusal = abi.encodeWithSelector(IPrivateInference.ModelIsRevoked.selector, modelId);
        _expectRefusal(refusal);
        // Whatever the proof is.
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        inference.answer(modelId, circuitId, INPUT, 1, "", vka);
    }

    function testFuzz_RevertWhen_ProofIsAboutAnotherModel(bytes32 other) public {
        vm.assume(other != bytes32("model"));
        bytes memory proof = proofBytes(other, "w");
        bytes4 selector = IPrivateInference.NotThisModel.selector;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(selector, commitmentOf("model"), commitmentOf(other)));
        inference.answer(modelId, circuitId, INPUT, 1, proof, vka);
    }

    function testFuzz_RevertWhen_InputWasAnswered(uint208 label) public {
        _answer(INPUT, 1, "w1");
        bytes4 selector = IPrivateInference.AlreadyAnswered.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, modelId, circuitId, keccak256(INPUT));
        _expectRefusal(refusal, INPUT, label, "w2");
        assertEq(_answerOf(INPUT).label, 1);
    }

    function test_RevertWhen_AnswerIsReplayed() public {
        _answer(INPUT, 1, "w");
        bytes memory refusal =
            abi.encodeWithSelector(IPrivateInference.WitnessAlreadyUsed.selector, modelId, witnessOf("w"));
        _expectRefusal(refusal, INPUT, 1, "w");
        _expectRefusal(refusal, hex"0002", 1, "w");
    }

    function test_RevertWhen_WitnessWasUsedUnderAnotherCircuit() public {
        _answer(INPUT, 1, "w");
        bytes32 dedicated = circuits.register(dedicatedCircuit());
        bytes memory proof = proofBytes("model", "w");
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInference.WitnessAlreadyUsed.selector, modelId, witnessOf("w")));
        inference.answer(modelId, dedicated, INPUT, 1, proof, noVka);
    }

    function test_RevertWhen_VerifierRefusesInAnyWay() public {
        VerifierStub.Answer[5] memory answers = [
            VerifierStub.Answer.Invalid,
            VerifierStub.Answer.EmptyRevert,
            VerifierStub.Answer.Short,
            VerifierStub.Answer.OtherDigest,
            VerifierStub.Answer.NotBoolean
        ];
        uint256 rho = _rho(INPUT, 1, "w");
        for (uint256 i = 0; i < answers.length; ++i) {
            stub.set(answers[i]);
            _expectRefusal(abi.encodeWithSelector(IPrivateInference.InvalidProof.selector, circuitId, rho));
            assertEq(_answerOf(INPUT).answeredBlock, 0);
            assertEq(models.modelOf(modelId).proofs, 0);
        }
        // Nothing was spent: the same witness passes once the verifier accepts.
        stub.set(VerifierStub.Answer.Valid);
        _answer(INPUT, 1, "w");
    }

    function test_RevertWhen_ArtefactIsNotRegisteredWithTheVerifier() public {
        stub.set(VerifierStub.Answer.RevertWithData);
        bytes32 digest = reusableCircuit().vkaDigest;
        _expectRefusal(abi.encodeWithSelector(ICircuitRegistry.VkaNotRegistered.selector, digest));
    }

    function test_RevertWhen_ProofBudgetIsSpent() public {
        _answer(hex"0001", 1, "w1");
        _answer(hex"0002", 1, "w2");
        _answer(hex"0003", 1, "w3");
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.ProofLimitReached.selector, modelId, 3);
        _expectRefusal(refusal, hex"0004", 1, "w4");
    }

    function test_RevertWhen_ContractIsNotApproved() public {
        vm.prank(OWNER);
        models.withdrawConsumer(modelId, address(inference));
        bytes4 selector = IModelRegistry.ConsumerNotApproved.selector;
        _expectRefusal(abi.encodeWithSelector(selector, modelId, address(inference)));
    }

    function testFuzz_RevertWhen_ModelOrCircuitIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != modelId && unknown != circuitId);
        bytes memory proof = proofBytes("model", "w");
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown));
        inference.answer(unknown, circuitId, INPUT, 1, proof, vka);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, unknown));
        inference.answer(modelId, unknown, INPUT, 1, proof, vka);
        vm.stopPrank();
        assertEq(inference.answerOf(unknown, circuitId, keccak256(INPUT)).answeredBlock, 0);
    }

    function test_RevertWhen_ProofEndsWithinItsPoints() public {
        bytes memory commitment = abi.encodePacked(bytes32("model"), bytes32("model"));
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 63, 64));
        inference.answer(modelId, circuitId, INPUT, 1, new bytes(63), vka);
        vm.expectRevert(abi.encodeWithSelector(ProofPoints.ProofTooShort.selector, 64, 192));
        inference.answer(modelId, circuitId, INPUT, 1, commitment, vka);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_ProofHasAnotherLength(uint8 words) public {
        vm.assume(words != 4);
        bytes32 m = "model";
        bytes memory proof = abi.encodePacked(m, m, m, m, m, m, new bytes(32 * uint256(words)));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.ProofLengthMismatch.selector, 320, proof.length));
        inference.answer(modelId, circuitId, INPUT, 1, proof, vka);
    }
}
