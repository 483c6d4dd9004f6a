// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IBounty} from "../../../contracts/zk/IBounty.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {BountyTest} from "../BountyTest.sol";
import {FalseToken} from "../tokens/FalseToken.sol";
import {FeeToken} from "../tokens/FeeToken.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {SilentToken} from "../tokens/SilentToken.sol";
import {TestToken} from "../tokens/TestToken.sol";

interface IBalances {
    function deal(address account, uint256 balance) external;
}

/// @notice Takes ether or not, and may call back when it comes.
contract EtherReceiver {
    IBounty private immutable bounty;
    bool private accepts = true;
    bytes private message;
    bool public succeeded;

    constructor(IBounty bounty_) {
        bounty = bounty_;
    }

    function set(bool accepts_, bytes calldata message_) external {
        (accepts, message) = (accepts_, message_);
    }

    function open(IBounty.Terms calldata terms) external payable returns (uint256) {
        return bounty.open{value: msg.value}(terms, msg.value);
    }

    function withdraw() external {
        bounty.withdraw(address(0));
    }

    receive() external payable {
        require(accepts);
        if (message.length != 0) (succeeded,) = address(bounty).call(message);
    }
}

contract BountyUnitTest is BountyTest {
    // Opening

    function testFuzz_OpeningHoldsTheReward(
        uint96 reward,
        uint32 threshold,
        uint48 revealDeadline,
        uint48 proofDeadline
    ) public {
        uint256 amount = bound(reward, 1, 100 ether);
        IBounty.Terms memory terms = termsIn(ETHER);
        terms.threshold = uint32(bound(threshold, 1, SAMPLES));
        terms.revealDeadline = uint48(bound(revealDeadline, CLOSING + 1, type(uint48).max - 1));
        terms.proofDeadline = uint48(bound(proofDeadline, terms.revealDeadline + 1, type(uint48).max));
        vm.expectEmit(true, true, true, true, address(bounty));
        emit IBounty.BountyOpened(0, SPONSOR, templateId, terms, amount);
        vm.prank(SPONSOR);
        assertEq(bounty.open{value: amount}(terms, amount), 0);
        assertEq(address(bounty).balance, amount);
        assertEq(bounty.bountyCount(), 1);
        IBounty.Offer memory offer = bounty.bountyOf(0);
        assertEq(offer.sponsor, SPONSOR);
        assertEq(offer.publisher, PUBLISHER);
        assertEq(offer.closingBlock, CLOSING);
        assertEq(offer.revealDeadline, terms.revealDeadline);
        assertEq(offer.proofDeadline, terms.proofDeadline);
        assertEq(offer.threshold, terms.threshold);
        assertEq(offer.reward, amount);
        assertTrue(offer.status == IBounty.Status.Open);
    }

    function test_OpeningHoldsTokens() public {
        assertEq(openTokens(), 0);
        assertEq(token.balanceOf(address(bounty)), REWARD);
        assertEq(address(bounty).balance, 0);
        assertEq(bounty.bountyOf(0).token, address(token));
    }

    function test_TokenThatReturnsNothingServes() public {
        token = new SilentToken();
        token.mint(SPONSOR, REWARD);
        vm.prank(SPONSOR);
        token.approve(address(bounty), REWARD);
        win(openTokens());
        vm.prank(ENTRANT);
        bounty.withdraw(address(token));
        assertEq(token.balanceOf(ENTRANT), REWARD);
    }

    function test_SeveralBountiesShareASealAndNothingElse() public {
        uint256 first = openEther();
        uint256 second = openTokens();
        win(first);
        assertTrue(bounty.bountyOf(second).status == IBounty.Status.Open);
        assertEq(bounty.creditOf(ENTRANT, address(token)), 0);
        assertEq(bounty.creditOf(ENTRANT, ETHER), REWARD);
        bytes32 circuitId = bounty.bountyOf(first).circuitId;
        vm.prank(PUBLISHER);
        bounty.reveal(second, circuitId, SALT);
        take(second);
        assertEq(bounty.creditOf(ENTRANT, address(token)), REWARD);
    }

    /// @dev The layout drawn above `IBounty.Offer`.
    function test_StorageIsEightSlotsABounty() public {
        uint256 bountyId = openTokens();
        win(bountyId);
        uint256 slot = uint256(keccak256(abi.encode(bountyId, uint256(1))));
        uint256 packed = uint256(uint160(SPONSOR)) | uint256(CLOSING) << 160 | uint256(REVEAL_DEADLINE) << 208;
        assertEq(_word(slot), packed);
        packed = uint256(uint160(address(token))) | uint256(PROOF_DEADLINE) << 160 | uint256(THRESHOLD) << 208;
        assertEq(_word(slot + 1), packed | uint256(uint8(IBounty.Status.Taken)) << 240);
        assertEq(_word(slot + 2), uint160(PUBLISHER));
        assertEq(_word(slot + 3), REWARD);
        assertEq(bytes32(_word(slot + 4)), seal);
        assertEq(bytes32(_word(slot + 5)), templateId);
        assertEq(bytes32(_word(slot + 6)), circuits.idOf(sealedCircuit(), PUBLISHER));
        assertEq(bytes32(_word(slot + 7)), modelId);
        assertEq(_word(slot + 8), 0);
        bytes32 inner = keccak256(abi.encode(ENTRANT, uint256(2)));
        assertEq(_word(uint256(keccak256(abi.encode(address(token), inner)))), REWARD);
    }

    function _word(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(bounty), bytes32(slot)));
    }

    function test_RevertWhen_RewardIsZero() public {
        _expectNoBounty(abi.encodeWithSelector(IBounty.NoReward.selector), termsIn(ETHER), 0, 0);
        _expectNoBounty(abi.encodeWithSelector(IBounty.NoReward.selector), termsIn(address(token)), 0, 0);
        // Value without a reward is not kept either.
        _expectNoBounty(abi.encodeWithSelector(IBounty.NoReward.selector), termsIn(ETHER), 1 ether, 0);
    }

    function testFuzz_RevertWhen_ValueIsNotTheReward(uint96 value, uint96 reward) public {
        value = uint96(bound(value, 0, 100 ether));
        vm.assume(reward != 0 && value != reward);
        bytes memory refusal = abi.encodeWithSelector(IBounty.RewardNotReceived.selector, reward, value);
        _expectNoBounty(refusal, termsIn(ETHER), value, reward);
    }

    function testFuzz_RevertWhen_EtherComesWithTokens(uint96 value) public {
        value = uint96(bound(value, 1, 100 ether));
        bytes memory refusal = abi.encodeWithSelector(IBounty.EtherNotExpected.selector, value);
        _expectNoBounty(refusal, termsIn(address(token)), value, REWARD);
    }

    function test_RevertWhen_TokenHasNoCode() public {
        bytes memory refusal = abi.encodeWithSelector(IBounty.TokenWithoutCode.selector, STRANGER);
        _expectNoBounty(refusal, termsIn(STRANGER), 0, REWARD);
    }

    function test_RevertWhen_TokenKeepsAFee() public {
        FeeToken kept = new FeeToken();
        kept.mint(SPONSOR, REWARD);
        vm.prank(SPONSOR);
        kept.approve(address(bounty), REWARD);
        bytes memory refusal = abi.encodeWithSelector(IBounty.RewardNotReceived.selector, REWARD, REWARD - 1);
        _expectNoBounty(refusal, termsIn(address(kept)), 0, REWARD);
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        FalseToken locked = new FalseToken();
        locked.lock(true);
        bytes memory refusal = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, locked);
        _expectNoBounty(refusal, termsIn(address(locked)), 0, REWARD);
    }

    function test_RevertWhen_TokensAreNotApproved() public {
        vm.prank(SPONSOR);
        token.approve(address(bounty), REWARD - 1);
        bytes memory refusal =
            abi.encodeWithSignature("ERC20InsufficientAllowance(address,uint256,uint256)", bounty, REWARD - 1, REWARD);
        _expectNoBounty(refusal, termsIn(address(token)), 0, REWARD);
    }

    function testFuzz_RevertWhen_SealIsNotThePublishers(address publisher, bytes32 seal_) public {
        vm.assume(publisher != PUBLISHER || seal_ != seal);
        IBounty.Terms memory terms = termsIn(ETHER);
        (terms.publisher, terms.seal) = (publisher, seal_);
        bytes memory refusal = abi.encodeWithSelector(IBounty.SealUnknown.selector, publisher, seal_);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function test_SealMayCloseInTheBlockOfTheOpeningAndNotBefore() public {
        vm.roll(CLOSING);
        openEther();
        vm.roll(CLOSING + 1);
        bytes memory refusal = abi.encodeWithSelector(IBounty.SealClosed.selector, CLOSING, CLOSING + 1);
        _expectNoBounty(refusal, termsIn(ETHER), REWARD, REWARD);
    }

    function testFuzz_RevertWhen_DeadlinesAreOutOfOrder(uint48 revealDeadline, uint48 proofDeadline) public {
        vm.assume(revealDeadline <= CLOSING || proofDeadline <= revealDeadline);
        IBounty.Terms memory terms = termsIn(ETHER);
        (terms.revealDeadline, terms.proofDeadline) = (revealDeadline, proofDeadline);
        bytes4 selector = IBounty.DeadlinesOutOfOrder.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, CLOSING, revealDeadline, proofDeadline);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function test_RevertWhen_DeadlinesCoincide() public {
        IBounty.Terms memory terms = termsIn(ETHER);
        bytes4 selector = IBounty.DeadlinesOutOfOrder.selector;
        terms.revealDeadline = CLOSING;
        bytes memory refusal = abi.encodeWithSelector(selector, CLOSING, CLOSING, PROOF_DEADLINE);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
        terms.revealDeadline = PROOF_DEADLINE;
        refusal = abi.encodeWithSelector(selector, CLOSING, PROOF_DEADLINE, PROOF_DEADLINE);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function testFuzz_RevertWhen_ThresholdCannotBe(uint32 threshold) public {
        vm.assume(threshold == 0 || threshold > SAMPLES);
        IBounty.Terms memory terms = termsIn(ETHER);
        terms.threshold = threshold;
        bytes memory refusal = abi.encodeWithSelector(IBounty.ThresholdOutOfRange.selector, threshold, SAMPLES);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function test_RevertWhen_ThresholdIsOneAboveTheSamples() public {
        IBounty.Terms memory terms = termsIn(ETHER);
        terms.threshold = SAMPLES + 1;
        bytes memory refusal = abi.encodeWithSelector(IBounty.ThresholdOutOfRange.selector, SAMPLES + 1, SAMPLES);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function testFuzz_RevertWhen_TemplateIsUnknown(bytes32 template) public {
        vm.assume(template != templateId);
        IBounty.Terms memory terms = termsIn(ETHER);
        terms.templateId = template;
        bytes memory refusal = abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, template);
        _expectNoBounty(refusal, terms, REWARD, REWARD);
    }

    function test_RevertWhen_EtherIsSentWithoutABounty() public {
        (bool accepted,) = address(bounty).call{value: 1}("");
        assertFalse(accepted);
    }

    function _expectNoBounty(bytes memory refusal, IBounty.Terms memory terms, uint256 value, uint256 reward) private {
        uint256 count = bounty.bountyCount();
        uint256 held = address(bounty).balance;
        vm.prank(SPONSOR);
        vm.expectRevert(refusal);
        bounty.open{value: value}(terms, reward);
        assertEq(bounty.bountyCount(), count);
        assertEq(address(bounty).balance, held);
    }

    // Revealing

    function testFuzz_RevealNamesTheCircuit(uint48 height) public {
        uint256 bountyId = openEther();
        bytes32 circuitId = registerSealed();
        vm.roll(bound(height, CLOSING + 1, REVEAL_DEADLINE));
        vm.expectEmit(true, true, true, true, address(bounty));
        emit IBounty.BountyRevealed(bountyId, circuitId);
        vm.prank(PUBLISHER);
        bounty.reveal(bountyId, circuitId, SALT);
        assertEq(bounty.bountyOf(bountyId).circuitId, circuitId);
        assertTrue(bounty.bountyOf(bountyId).status == IBounty.Status.Revealed);
    }

    /// @dev From both sides: the registry refuses the opening, and the bounty refuses whatever was registered before.
    function testFuzz_RevertWhen_SaltIsRevealedEarly(uint48 height_) public {
        uint256 bountyId = openEther();
        uint256 height = bound(height_, 1000, CLOSING);
        vm.roll(height);
        vm.startPrank(PUBLISHER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.StillSealed.selector, CLOSING, height));
        circuits.registerSealed(sealedCircuit(), SALT);
        bytes32 circuitId = circuits.register(sealedCircuit());
        vm.expectRevert(abi.encodeWithSelector(IBounty.StillSealed.selector, CLOSING, height));
        bounty.reveal(bountyId, circuitId, SALT);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_AnotherReveals(address sender) public {
        vm.assume(sender != PUBLISHER);
        uint256 bountyId = openEther();
        bytes32 circuitId = registerSealed();
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IBounty.NotPublisher.selector, bountyId, PUBLISHER, sender));
        bounty.reveal(bountyId, circuitId, SALT);
    }

    function testFuzz_RevertWhen_RevealIsLate(uint48 height_) public {
        uint256 bountyId = openEther();
        bytes32 circuitId = registerSealed();
        uint256 height = bound(height_, REVEAL_DEADLINE + 1, type(uint48).max);
        vm.roll(height);
        bytes memory refusal = abi.encodeWithSelector(IBounty.RevealDeadlinePassed.selector, REVEAL_DEADLINE, height);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    function test_RevertWhen_RevealedTwice() public {
        uint256 bountyId = openEther();
        bytes32 circuitId = reveal(bountyId);
        vm.prank(PUBLISHER);
        bytes32 other = circuits.registerSealed(_sealedDedicated(), SALT);
        bytes memory refusal = _notInStatus(bountyId, IBounty.Status.Open, IBounty.Status.Revealed);
        _expectNoReveal(refusal, bountyId, other, SALT);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    function testFuzz_RevertWhen_SaltIsAnother(bytes32 salt) public {
        vm.assume(salt != SALT);
        uint256 bountyId = openEther();
        bytes32 circuitId = registerSealed();
        bytes32 opened = keccak256(abi.encode(PUBLISHER, SEALED_DIGEST, salt));
        _expectNoReveal(abi.encodeWithSelector(IBounty.NotThisSeal.selector, seal, opened), bountyId, circuitId, salt);
    }

    function test_RevertWhen_SetIsAnother() public {
        uint256 bountyId = openEther();
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.datasetDigest = keccak256("easy set");
        bytes32 other = keccak256(abi.encode(PUBLISHER, circuit.datasetDigest, SALT));
        vm.startPrank(PUBLISHER);
        circuits.sealSet(other, CLOSING);
        vm.roll(CLOSING + 1);
        bytes32 circuitId = circuits.registerSealed(circuit, SALT);
        vm.stopPrank();
        _expectNoReveal(abi.encodeWithSelector(IBounty.NotThisSeal.selector, seal, other), bountyId, circuitId, SALT);
    }

    function test_RevertWhen_CircuitIsUnknown() public {
        uint256 bountyId = openEther();
        vm.roll(CLOSING + 1);
        bytes32 circuitId = circuits.idOf(sealedCircuit(), PUBLISHER);
        bytes memory refusal = abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, circuitId);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    /// @dev The set is the sealed one, but the registry counts it as known in advance: nobody could win.
    function test_RevertWhen_CircuitWasRegisteredWithoutTheSeal() public {
        uint256 bountyId = openEther();
        vm.roll(CLOSING + 1);
        bytes32 circuitId = circuits.register(sealedCircuit());
        bytes4 selector = IBounty.NotRegisteredByThisSeal.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, circuitId, address(0), 0);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    /// @dev Otherwise models registered after this seal closed would count.
    function test_RevertWhen_CircuitWasRegisteredByALaterSealOfTheSameSet() public {
        uint256 bountyId = openEther();
        bytes32 salt = keccak256("another salt");
        vm.startPrank(PUBLISHER);
        circuits.sealSet(keccak256(abi.encode(PUBLISHER, SEALED_DIGEST, salt)), CLOSING + 5);
        vm.roll(CLOSING + 6);
        bytes32 circuitId = circuits.registerSealed(sealedCircuit(), salt);
        vm.stopPrank();
        bytes4 selector = IBounty.NotRegisteredByThisSeal.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, circuitId, PUBLISHER, CLOSING + 5);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    function test_RevertWhen_CircuitIsAnotherPublishers() public {
        uint256 bountyId = openEther();
        vm.startPrank(RIVAL);
        circuits.sealSet(keccak256(abi.encode(RIVAL, SEALED_DIGEST, SALT)), CLOSING);
        vm.roll(CLOSING + 1);
        bytes32 circuitId = circuits.registerSealed(sealedCircuit(), SALT);
        vm.stopPrank();
        bytes4 selector = IBounty.NotRegisteredByThisSeal.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, circuitId, RIVAL, CLOSING);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    function testFuzz_RevertWhen_ShapeIsNotTheTemplates(uint8 which) public {
        uint256 bountyId = openEther();
        ICircuitRegistry.Circuit memory circuit = sealedCircuit();
        which %= 5;
        if (which == 0) circuit.samples += 1;
        if (which == 1) circuit.proofLength += 32;
        if (which == 2) circuit.committedPoints += 1;
        if (which == 3) circuit.witnessPoints -= 1;
        if (which == 4) circuit.checks -= 1;
        vm.roll(CLOSING + 1);
        vm.prank(PUBLISHER);
        bytes32 circuitId = circuits.registerSealed(circuit, SALT);
        bytes memory refusal = abi.encodeWithSelector(IBounty.ShapeMismatch.selector, templateId, circuitId);
        _expectNoReveal(refusal, bountyId, circuitId, SALT);
    }

    function _expectNoReveal(bytes memory refusal, uint256 bountyId, bytes32 circuitId, bytes32 salt) private {
        vm.prank(PUBLISHER);
        vm.expectRevert(refusal);
        bounty.reveal(bountyId, circuitId, salt);
    }

    function _sealedDedicated() private view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit = dedicatedCircuit();
        circuit.datasetDigest = SEALED_DIGEST;
    }

    function _notInStatus(uint256 bountyId, IBounty.Status expected, IBounty.Status actual)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IBounty.NotInStatus.selector, bountyId, expected, actual);
    }

    // Taking

    function testFuzz_FirstValidTakeWins(uint32 count, uint48 height) public {
        uint256 bountyId = openEther();
        bytes32 circuitId = reveal(bountyId);
        vm.roll(bound(height, CLOSING + 1, PROOF_DEADLINE));
        claim(ENTRANT, "model", circuitId, uint32(bound(count, THRESHOLD, SAMPLES)));
        vm.expectEmit(true, true, true, true, address(bounty));
        emit IBounty.BountyTaken(bountyId, ENTRANT, modelId);
        take(bountyId);
        assertEq(bounty.creditOf(ENTRANT, ETHER), REWARD);
        assertEq(bounty.bountyOf(bountyId).modelId, modelId);
        vm.expectEmit(true, true, true, true, address(bounty));
        emit IBounty.Withdrawn(ENTRANT, ETHER, REWARD);
        vm.prank(ENTRANT);
        bounty.withdraw(ETHER);
        assertEq(ENTRANT.balance, REWARD);
        assertEq(address(bounty).balance, 0);
        assertEq(bounty.creditOf(ENTRANT, ETHER), 0);
    }

    function testFuzz_RevertWhen_CopierSendsTheTake(address copier) public {
        vm.assume(copier != ENTRANT);
        uint256 bountyId = openEther();
        claim(ENTRANT, "model", reveal(bountyId), THRESHOLD);
        bytes memory refusal = abi.encodeWithSelector(IBounty.NotModelOwner.selector, modelId, ENTRANT, copier);
        _expectNoTake(refusal, copier, bountyId, modelId);
        take(bountyId);
        assertEq(bounty.creditOf(copier, ETHER), 0);
    }

    /// @dev He has registered the same commitment in time, but cannot prove anything about it.
    function test_RevertWhen_CopierHasTheSameCommitment() public {
        bytes32 copied = registerModel(RIVAL, "model", 3);
        uint256 bountyId = openEther();
        claim(ENTRANT, "model", reveal(bountyId), THRESHOLD);
        bytes memory refusal = abi.encodeWithSelector(IBounty.BelowThreshold.selector, 0, THRESHOLD);
        _expectNoTake(refusal, RIVAL, bountyId, copied);
    }

    function test_RevertWhen_BountyIsTakenTwice() public {
        bytes32 rivals = registerModel(RIVAL, "rivals", 3);
        uint256 bountyId = openEther();
        win(bountyId);
        claim(RIVAL, "rivals", bounty.bountyOf(bountyId).circuitId, SAMPLES);
        bytes memory refusal = _notInStatus(bountyId, IBounty.Status.Revealed, IBounty.Status.Taken);
        _expectNoTake(refusal, ENTRANT, bountyId, modelId);
        _expectNoTake(refusal, RIVAL, bountyId, rivals);
        assertEq(bounty.creditOf(RIVAL, ETHER), 0);
    }

    function testFuzz_RevertWhen_CountIsBelowTheThreshold(uint32 count) public {
        uint256 bountyId = openEther();
        bytes32 circuitId = reveal(bountyId);
        bytes4 selector = IBounty.BelowThreshold.selector;
        _expectNoTake(abi.encodeWithSelector(selector, 0, THRESHOLD), ENTRANT, bountyId, modelId);
        count = uint32(bound(count, 1, THRESHOLD - 1));
        claim(ENTRANT, "model", circuitId, count);
        _expectNoTake(abi.encodeWithSelector(selector, count, THRESHOLD), ENTRANT, bountyId, modelId);
    }

    function test_RevertWhen_ClaimIsAboutTheTemplateOrAnotherCircuitOfTheSeal() public {
        uint256 bountyId = openEther();
        reveal(bountyId);
        vm.prank(PUBLISHER);
        bytes32 other = circuits.registerSealed(_sealedDedicated(), SALT);
        claim(ENTRANT, "model", templateId, SAMPLES);
        vm.prank(ENTRANT);
        accuracy.claim(modelId, other, SAMPLES, SAMPLES, proofBytes("model", "w"), noVka);
        bytes memory refusal = abi.encodeWithSelector(IBounty.BelowThreshold.selector, 0, THRESHOLD);
        _expectNoTake(refusal, ENTRANT, bountyId, modelId);
    }

    function testFuzz_RevertWhen_ModelWasRegisteredAfterTheClosing(uint8 delay) public {
        uint256 bountyId = openEther();
        vm.roll(CLOSING + 1 + uint256(delay) % 9);
        bytes32 late = registerModel(RIVAL, "late", 3);
        vm.prank(PUBLISHER);
        bytes32 circuitId = circuits.registerSealed(sealedCircuit(), SALT);
        vm.prank(PUBLISHER);
        bounty.reveal(bountyId, circuitId, SALT);
        claim(RIVAL, "late", circuitId, SAMPLES);
        bytes memory refusal = abi.encodeWithSelector(IBounty.SetKnownInAdvance.selector, late, CLOSING);
        _expectNoTake(refusal, RIVAL, bountyId, late);
    }

    function test_ModelRegisteredInTheClosingBlockWins() public {
        uint256 bountyId = openEther();
        vm.roll(CLOSING);
        bytes32 last = registerModel(RIVAL, "last", 3);
        claim(RIVAL, "last", reveal(bountyId), THRESHOLD);
        vm.prank(RIVAL);
        bounty.take(bountyId, last);
        assertEq(bounty.creditOf(RIVAL, ETHER), REWARD);
    }

    function test_RevertWhen_ModelIsRevoked() public {
        uint256 bountyId = openEther();
        claim(ENTRANT, "model", reveal(bountyId), THRESHOLD);
        vm.prank(ENTRANT);
        models.revoke(modelId);
        _expectNoTake(abi.encodeWithSelector(IBounty.ModelIsRevoked.selector, modelId), ENTRANT, bountyId, modelId);
    }

    function testFuzz_RevertWhen_ModelIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != modelId);
        uint256 bountyId = openEther();
        reveal(bountyId);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown);
        _expectNoTake(refusal, ENTRANT, bountyId, unknown);
    }

    function test_RevertWhen_NothingWasRevealed() public {
        uint256 bountyId = openEther();
        claim(ENTRANT, "model", registerSealed(), THRESHOLD);
        bytes memory refusal = _notInStatus(bountyId, IBounty.Status.Revealed, IBounty.Status.Open);
        _expectNoTake(refusal, ENTRANT, bountyId, modelId);
    }

    function testFuzz_RevertWhen_TakeIsLate(uint48 height_) public {
        uint256 bountyId = openEther();
        claim(ENTRANT, "model", reveal(bountyId), THRESHOLD);
        uint256 height = bound(height_, PROOF_DEADLINE + 1, type(uint48).max);
        vm.roll(height);
        bytes memory refusal = abi.encodeWithSelector(IBounty.ProofDeadlinePassed.selector, PROOF_DEADLINE, height);
        _expectNoTake(refusal, ENTRANT, bountyId, modelId);
    }

    function _expectNoTake(bytes memory refusal, address sender, uint256 bountyId, bytes32 model) private {
        vm.prank(sender);
        vm.expectRevert(refusal);
        bounty.take(bountyId, model);
    }

    // Refunds

    function testFuzz_UnrevealedBountyGoesBackToItsSponsor(address caller, uint48 height_) public {
        uint256 bountyId = openEther();
        uint256 height = bound(height_, 1000, REVEAL_DEADLINE);
        vm.roll(height);
        _expectNoRefund(
            abi.encodeWithSelector(IBounty.RefundTooEarly.selector, REVEAL_DEADLINE, height), SPONSOR, bountyId
        );
        vm.roll(REVEAL_DEADLINE + 1);
        vm.expectEmit(true, true, true, true, address(bounty));
        emit IBounty.BountyRefunded(bountyId, SPONSOR);
        vm.prank(caller);
        bounty.refund(bountyId);
        assertEq(bounty.creditOf(SPONSOR, ETHER), REWARD);
        assertTrue(bounty.bountyOf(bountyId).status == IBounty.Status.Refunded);
    }

    function testFuzz_RevealedBountyGoesBackOnlyAfterTheProofDeadline(uint48 height_) public {
        uint256 bountyId = openTokens();
        reveal(bountyId);
        uint256 height = bound(height_, CLOSING + 1, PROOF_DEADLINE);
        vm.roll(height);
        _expectNoRefund(
            abi.encodeWithSelector(IBounty.RefundTooEarly.selector, PROOF_DEADLINE, height), SPONSOR, bountyId
        );
        vm.roll(PROOF_DEADLINE + 1);
        bounty.refund(bountyId);
        vm.prank(SPONSOR);
        bounty.withdraw(address(token));
        assertEq(token.balanceOf(SPONSOR), 100 ether);
        assertEq(token.balanceOf(address(bounty)), 0);
    }

    function test_RevertWhen_TakenBountyIsRefunded() public {
        uint256 bountyId = openEther();
        win(bountyId);
        vm.roll(PROOF_DEADLINE + 1);
        _expectNoRefund(_notInStatus(bountyId, IBounty.Status.Open, IBounty.Status.Taken), SPONSOR, bountyId);
    }

    function test_RevertWhen_RefundedBountyIsRefundedRevealedOrTaken() public {
        uint256 bountyId = openEther();
        bytes32 circuitId = reveal(bountyId);
        claim(ENTRANT, "model", circuitId, THRESHOLD);
        vm.roll(PROOF_DEADLINE + 1);
        bounty.refund(bountyId);
        _expectNoRefund(_notInStatus(bountyId, IBounty.Status.Open, IBounty.Status.Refunded), SPONSOR, bountyId);
        _expectNoTake(
            _notInStatus(bountyId, IBounty.Status.Revealed, IBounty.Status.Refunded), ENTRANT, bountyId, modelId
        );
        _expectNoReveal(_notInStatus(bountyId, IBounty.Status.Open, IBounty.Status.Refunded), bountyId, circuitId, SALT);
    }

    function testFuzz_RevertWhen_BountyIsUnknown(uint256 unknown) public {
        openEther();
        vm.assume(unknown != 0);
        bytes memory refusal = abi.encodeWithSelector(IBounty.BountyUnknown.selector, unknown);
        _expectNoRefund(refusal, SPONSOR, unknown);
        _expectNoTake(refusal, ENTRANT, unknown, modelId);
        _expectNoReveal(refusal, unknown, 0, SALT);
        vm.expectRevert(refusal);
        bounty.bountyOf(unknown);
    }

    function _expectNoRefund(bytes memory refusal, address sender, uint256 bountyId) private {
        vm.prank(sender);
        vm.expectRevert(refusal);
        bounty.refund(bountyId);
    }

    // Withdrawals

    function test_CreditsAddUp() public {
        uint256 first = openEther();
        uint256 second = openEther();
        vm.roll(REVEAL_DEADLINE + 1);
        bounty.refund(first);
        bounty.refund(second);
        assertEq(bounty.creditOf(SPONSOR, ETHER), 2 * REWARD);
        vm.prank(SPONSOR);
        bounty.withdraw(ETHER);
        assertEq(SPONSOR.balance, 100 ether);
    }

    function testFuzz_RevertWhen_NothingBelongsToTheSender(address sender, address kind) public {
        vm.assume(sender != ENTRANT || kind != ETHER);
        win(openEther());
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IBounty.NothingToWithdraw.selector, sender, kind));
        bounty.withdraw(kind);
    }

    function test_RevertWhen_WithdrawnTwice() public {
        win(openEther());
        vm.startPrank(ENTRANT);
        bounty.withdraw(ETHER);
        vm.expectRevert(abi.encodeWithSelector(IBounty.NothingToWithdraw.selector, ENTRANT, ETHER));
        bounty.withdraw(ETHER);
        vm.stopPrank();
    }

    function test_WhoRefusesEtherHarmsNobodyElse() public {
        EtherReceiver sponsor = new EtherReceiver(bounty);
        uint256 refunded = sponsor.open{value: 3 ether}(termsIn(ETHER));
        openEther();
        vm.roll(REVEAL_DEADLINE + 1);
        bounty.refund(refunded);
        bounty.refund(refunded + 1);
        sponsor.set(false, "");
        vm.expectRevert(abi.encodeWithSelector(IBounty.EtherRefused.selector, sponsor, 3 ether));
        sponsor.withdraw();
        assertEq(bounty.creditOf(address(sponsor), ETHER), 3 ether);
        vm.prank(SPONSOR);
        bounty.withdraw(ETHER);
        assertEq(SPONSOR.balance, 100 ether);
        sponsor.set(true, "");
        sponsor.withdraw();
        assertEq(address(sponsor).balance, 3 ether);
    }

    function test_RevertWhen_TokenAnswersFalseToTheWithdrawal() public {
        FalseToken locked = new FalseToken();
        token = locked;
        locked.mint(SPONSOR, REWARD);
        vm.prank(SPONSOR);
        locked.approve(address(bounty), REWARD);
        win(openTokens());
        locked.lock(true);
        vm.startPrank(ENTRANT);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, locked));
        bounty.withdraw(address(locked));
        assertEq(bounty.creditOf(ENTRANT, address(locked)), REWARD);
        locked.lock(false);
        bounty.withdraw(address(locked));
        vm.stopPrank();
        assertEq(locked.balanceOf(ENTRANT), REWARD);
    }

    function test_ForcedEtherBelongsToNobody() public {
        uint256 bountyId = openEther();
        // As a block's fee recipient or a self-destruction can.
        IBalances(address(vm)).deal(address(bounty), REWARD + 5 ether);
        win(bountyId);
        vm.prank(ENTRANT);
        bounty.withdraw(ETHER);
        assertEq(ENTRANT.balance, REWARD);
        assertEq(address(bounty).balance, 5 ether);
    }

    // Re-entrance

    function test_RevertWhen_TokenReentersTheOpening() public {
        ReentrantToken hostile = _hostile();
        hostile.mint(address(hostile), REWARD);
        bytes memory again = abi.encodeCall(IBounty.open, (termsIn(address(hostile)), REWARD));
        hostile.arm(address(bounty), again, true);
        bytes memory refusal = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _expectNoBounty(refusal, termsIn(address(hostile)), 0, REWARD);
    }

    function test_RevertWhen_TokenReentersTheWithdrawal() public {
        ReentrantToken hostile = _hostile();
        token = hostile;
        win(openTokens());
        hostile.arm(address(bounty), abi.encodeCall(IBounty.withdraw, (address(hostile))), true);
        vm.prank(ENTRANT);
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        bounty.withdraw(address(hostile));
        assertEq(bounty.creditOf(ENTRANT, address(hostile)), REWARD);
    }

    /// @dev A token that hides that its call back was refused gains nothing by it.
    function test_ReentrantTokenGainsNothing() public {
        ReentrantToken hostile = _hostile();
        token = hostile;
        hostile.arm(address(bounty), abi.encodeCall(IBounty.withdraw, (ETHER)), false);
        uint256 bountyId = openTokens();
        assertEq(hostile.calls(), 1);
        assertFalse(hostile.succeeded());
        win(bountyId);
        hostile.arm(address(bounty), abi.encodeCall(IBounty.withdraw, (address(hostile))), false);
        vm.prank(ENTRANT);
        bounty.withdraw(address(hostile));
        assertEq(hostile.calls(), 1);
        assertFalse(hostile.succeeded());
        assertEq(hostile.balanceOf(ENTRANT), REWARD);
        assertEq(hostile.balanceOf(address(bounty)), 0);
    }

    function test_ReentrantReceiverOfEtherGainsNothing() public {
        EtherReceiver sponsor = new EtherReceiver(bounty);
        uint256 bountyId = sponsor.open{value: 3 ether}(termsIn(ETHER));
        openEther();
        vm.roll(REVEAL_DEADLINE + 1);
        bounty.refund(bountyId);
        sponsor.set(true, abi.encodeCall(IBounty.withdraw, (ETHER)));
        sponsor.withdraw();
        assertFalse(sponsor.succeeded());
        assertEq(address(sponsor).balance, 3 ether);
        assertEq(address(bounty).balance, REWARD);
    }

    function _hostile() private returns (ReentrantToken hostile) {
        hostile = new ReentrantToken();
        hostile.mint(SPONSOR, REWARD);
        vm.prank(SPONSOR);
        hostile.approve(address(bounty), REWARD);
    }
}
