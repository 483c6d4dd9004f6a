// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {IPrivateInference} from "../../../contracts/zk/IPrivateInference.sol";
import {IReusableVerifier} from "../../../contracts/zk/IReusableVerifier.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {PrivateInference} from "../../../contracts/zk/PrivateInference.sol";
import {ForgeTest} from "../Forge.sol";
import {VerifierStub} from "../VerifierStub.sol";
import {RegistryHandler} from "./RegistryHandler.sol";

/// @notice What holds of the registries' bookkeeping after any sequence of calls.
/// forge-config: default.invariant.fail-on-revert = true
contract RegistriesInvariants is ForgeTest {
    ModelRegistry private models;
    AccuracyRegistry private accuracy;
    PrivateInference private inference;
    RegistryHandler private handler;

    function setUp() public {
        vm.roll(1000);
        VerifierStub stub = new VerifierStub();
        CircuitRegistry circuits = new CircuitRegistry(IReusableVerifier(address(stub)));
        models = new ModelRegistry();
        accuracy = new AccuracyRegistry(models, circuits);
        inference = new PrivateInference(models, circuits);
        handler = new RegistryHandler(stub, circuits, models, accuracy, inference);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = RegistryHandler.registerModel.selector;
        selectors[1] = RegistryHandler.revoke.selector;
        selectors[2] = RegistryHandler.toggleApproval.selector;
        selectors[3] = RegistryHandler.recordProofDirectly.selector;
        selectors[4] = RegistryHandler.openSealedSet.selector;
        selectors[5] = RegistryHandler.mine.selector;
        // Claims and answers are most of what happens.
        for (uint256 i = 6; i < 14; ++i) {
            selectors[i] = i < 10 ? RegistryHandler.claim.selector : RegistryHandler.answer.selector;
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: selectors});
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_EveryCallEndsAsTheModelSays() public view {
        assertEq(handler.disagreements(), 0);
    }

    function invariant_RecordedProofsAreTheAcceptedOnesAndWithinTheLimit() public view {
        uint256 sum = 0;
        for (uint256 owner = 0; owner < handler.OWNERS(); ++owner) {
            RegistryHandler.Ghost memory ghost = handler.ghostOf(owner);
            if (!ghost.registered) continue;
            IModelRegistry.Model memory model = models.modelOf(handler.modelIdOf(owner));
            assertEq(model.proofs, ghost.accepted);
            assertLe(model.proofs, model.proofLimit);
            sum += model.proofs;
        }
        assertEq(sum, handler.accepted());
    }

    function invariant_ClaimedCountIsAtLeastItsThresholdAndAtMostTheSamples() public view {
        for (uint256 i = 0; i < 9; ++i) {
            IAccuracyRegistry.Claim memory made = _claim(i);
            if (made.claimedBlock == 0) continue;
            assertTrue(made.threshold >= 1 && made.threshold <= made.count && made.count <= handler.SAMPLES());
        }
    }

    function invariant_ClaimIsTheLastAcceptedOne() public view {
        for (uint256 i = 0; i < 9; ++i) {
            IAccuracyRegistry.Claim memory made = _claim(i);
            RegistryHandler.Ghost memory ghost = handler.ghostOf(i / 3);
            assertEq(made.count, ghost.count[i % 3]);
            assertEq(made.threshold, ghost.threshold[i % 3]);
            assertTrue(made.setKnownInAdvance == ghost.knownInAdvance[i % 3]);
        }
    }

    function invariant_AnswerIsTheFirstAcceptedOneAndNoneFollowsARevocation() public view {
        for (uint256 owner = 0; owner < handler.OWNERS(); ++owner) {
            RegistryHandler.Ghost memory ghost = handler.ghostOf(owner);
            uint256 answers = 0;
            for (uint256 circuit = 0; circuit < 3; ++circuit) {
                answers += _requireAnswers(owner, circuit);
            }
            assertEq(answers, ghost.revoked ? ghost.answersAtRevocation : ghost.answers);
        }
    }

    function invariant_RevokedModelNeverGainsAClaimAndIsNeverCertified() public view {
        for (uint256 i = 0; i < 9; ++i) {
            RegistryHandler.Ghost memory ghost = handler.ghostOf(i / 3);
            if (!ghost.revoked) continue;
            assertEq(_claim(i).count, ghost.countAtRevocation[i % 3]);
            assertFalse(accuracy.isCertified(handler.modelIdOf(i / 3), handler.circuitIds(i % 3), 0));
        }
    }

    /// @dev The handler can end a claim and an answer in every way: the invariants are not about an empty world.
    function test_HandlerReachesEveryState() public {
        handler.registerModel(0, 4, true);
        handler.registerModel(1, 4, true);
        _attempt(0, 0, 0, 1, 1, 1, 0, 0, "");
        _attempt(0, 0, 0, 1, 2, 1, 0, 0, "WitnessAlreadyUsed(bytes32,bytes32)");
        _attempt(0, 0, 0, 1, 1, 2, 0, 0, "CountNotRaised(uint256,uint256)");
        _attempt(0, 0, 0, 0, 1, 2, 0, 0, "ThresholdOutOfRange(uint256,uint256)");
        _attempt(0, 0, 0, 3, 2, 2, 0, 0, "CountOutOfRange(uint256,uint256,uint256)");
        _attempt(2, 2, 0, 1, 2, 2, 0, 0, "ModelUnknown(bytes32)");
        _attempt(0, 1, 0, 1, 2, 2, 0, 0, "NotModelOwner(bytes32,address,address)");
        _attempt(0, 0, 0, 1, 2, 2, 1, 0, "NotThisModel(bytes32,bytes32)");
        _attempt(0, 0, 0, 1, 2, 2, 0, 1, "InvalidProof(bytes32,uint256)");
        _attempt(0, 0, 2, 1, 2, 2, 0, 0, "CircuitUnknown(bytes32)");
        _attemptAnswer(0, 0, 0, 1, 7, 1, 0, 0, "");
        _attemptAnswer(0, 0, 1, 1, 7, 1, 0, 0, "WitnessAlreadyUsed(bytes32,bytes32)");
        _attemptAnswer(0, 0, 0, 1, 8, 2, 0, 0, "AlreadyAnswered(bytes32,bytes32,bytes32)");
        _attemptAnswer(0, 0, 0, 0, 7, 2, 0, 0, "InputLengthInvalid(uint256,uint256)");
        _attemptAnswer(2, 2, 0, 2, 7, 2, 0, 0, "ModelUnknown(bytes32)");
        _attemptAnswer(0, 1, 0, 2, 7, 2, 0, 0, "NotModelOwner(bytes32,address,address)");
        _attemptAnswer(0, 0, 0, 2, 7, 2, 1, 0, "NotThisModel(bytes32,bytes32)");
        _attemptAnswer(0, 0, 0, 2, 7, 2, 0, 1, "InvalidProof(bytes32,uint256)");
        _attemptAnswer(0, 0, 2, 2, 7, 2, 0, 0, "CircuitUnknown(bytes32)");
        handler.openSealedSet();
        assertFalse(handler.isOpened());
        // Each consumer has an approval of its own.
        handler.toggleApproval(0, 0, false);
        _attempt(0, 0, 0, 1, 2, 2, 0, 0, "ConsumerNotApproved(bytes32,address)");
        _attemptAnswer(0, 0, 0, 2, 7, 2, 0, 0, "");
        handler.toggleApproval(0, 0, false);
        handler.toggleApproval(0, 0, true);
        _attemptAnswer(0, 0, 0, 3, 7, 3, 0, 0, "ConsumerNotApproved(bytes32,address)");
        _attempt(0, 0, 0, 1, 2, 2, 0, 0, "");
        handler.toggleApproval(0, 0, true);
        _attempt(0, 0, 0, 1, 3, 3, 0, 0, "ProofLimitReached(bytes32,uint256)");
        _attemptAnswer(0, 0, 0, 3, 7, 3, 0, 0, "ProofLimitReached(bytes32,uint256)");
        handler.mine(15);
        handler.mine(15);
        handler.openSealedSet();
        assertTrue(handler.isOpened());
        _attempt(1, 1, 2, 1, 2, 2, 0, 0, "");
        assertFalse(_claim(5).setKnownInAdvance);
        _attemptAnswer(1, 1, 2, 1, 0, 2, 0, 0, "");
        handler.registerModel(2, 1, true);
        _attempt(2, 2, 2, 1, 2, 2, 0, 0, "");
        assertTrue(_claim(8).setKnownInAdvance);
        handler.revoke(1, 0, 0);
        handler.revoke(1, 1, 0);
        _attempt(1, 1, 2, 1, 3, 3, 0, 0, "ModelIsRevoked(bytes32)");
        _attemptAnswer(1, 1, 2, 2, 7, 3, 0, 0, "ModelIsRevoked(bytes32)");
        handler.recordProofDirectly(0, 0);
        assertEq(handler.accepted(), 7);
        assertEq(handler.refused(), 23);
        assertEq(handler.disagreements(), 0);
        invariant_AnswerIsTheFirstAcceptedOneAndNoneFollowsARevocation();
    }

    function _attempt(
        uint8 owner,
        uint8 sender,
        uint8 circuit,
        uint8 threshold,
        uint8 count,
        uint8 witness,
        uint8 otherModel,
        uint8 badProof,
        string memory reason
    ) private {
        (uint256 accepted, uint256 before) = (handler.accepted(), handler.refusedFor(_selector(reason)));
        handler.attemptClaim(
            RegistryHandler.Attempt(owner, sender, circuit, threshold, count, witness, otherModel, badProof)
        );
        _requireOutcome(reason, accepted, before);
    }

    function _attemptAnswer(
        uint8 owner,
        uint8 sender,
        uint8 circuit,
        uint8 input,
        uint8 label,
        uint8 witness,
        uint8 otherModel,
        uint8 badProof,
        string memory reason
    ) private {
        (uint256 accepted, uint256 before) = (handler.accepted(), handler.refusedFor(_selector(reason)));
        handler.attemptAnswer(
            RegistryHandler.AnswerAttempt(owner, sender, circuit, input, label, witness, otherModel, badProof)
        );
        _requireOutcome(reason, accepted, before);
    }

    /// @dev One acceptance more, or one refusal more for the reason.
    function _requireOutcome(string memory reason, uint256 accepted, uint256 before) private view {
        bool isAcceptance = bytes(reason).length == 0;
        assertEq(handler.accepted(), accepted + (isAcceptance ? 1 : 0));
        assertEq(handler.refusedFor(_selector(reason)), before + (isAcceptance ? 0 : 1));
    }

    function _selector(string memory reason) private pure returns (bytes32) {
        return bytes32(bytes4(keccak256(bytes(reason))));
    }

    /// @dev What the contract has are the accepted answers; returns how many.
    function _requireAnswers(uint256 owner, uint256 circuit) private view returns (uint256 answers) {
        (bytes32 modelId, bytes32 circuitId) = (handler.modelIdOf(owner), handler.circuitIds(circuit));
        RegistryHandler.Answered[4] memory accepted = handler.answeredOf(owner, circuit);
        for (uint256 input = 0; input < accepted.length; ++input) {
            bytes32 inputHash = keccak256(handler.inputOf(input));
            IPrivateInference.Answer memory made = inference.answerOf(modelId, circuitId, inputHash);
            assertEq(made.label, accepted[input].label);
            assertEq(made.answeredBlock, accepted[input].blockNumber);
            if (made.answeredBlock != 0) ++answers;
        }
    }

    function _claim(uint256 index) private view returns (IAccuracyRegistry.Claim memory) {
        return accuracy.claimOf(handler.modelIdOf(index / 3), handler.circuitIds(index % 3));
    }
}
