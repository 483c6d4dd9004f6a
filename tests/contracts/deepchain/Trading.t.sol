// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {DeepchainTest} from "./DeepchainTest.sol";

/// @notice What the trading contract refuses, and the context of proofs.
contract TradingTest is DeepchainTest {
    function test_ContextIsTheDocumentedHash() public {
        _start();
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("pyml.deepchain.context.v1"),
                block.chainid,
                address(trading),
                uint256(0),
                uint256(1),
                _member(2),
                uint256(0),
                trading.seedOf(0)
            )
        );
        assertEq(trading.contextOf(0, 2), expected);
        assertTrue(trading.contextOf(0, 1) != expected);
    }

    function test_RevertWhen_GroupCannotBe() public {
        address[] memory members = new address[](1);
        members[0] = _member(0);
        _expectTerms(_terms(), members, abi.encodeWithSelector(ITrading.PartiesOutOfRange.selector, 1));
        members = new address[](65);
        _expectTerms(_terms(), members, abi.encodeWithSelector(ITrading.PartiesOutOfRange.selector, 65));
        ITrading.Terms memory terms = _terms();
        terms.threshold = 5;
        _expectTerms(terms, _members(), abi.encodeWithSelector(ITrading.ThresholdOutOfRange.selector, 5, 4));
        terms.threshold = 1;
        _expectTerms(terms, _members(), abi.encodeWithSelector(ITrading.ThresholdOutOfRange.selector, 1, 4));
        members = _members();
        members[3] = members[1];
        _expectTerms(_terms(), members, abi.encodeWithSelector(ITrading.MemberRepeated.selector, members[1]));
        members[3] = address(0);
        _expectTerms(_terms(), members, abi.encodeWithSelector(ITrading.MemberRepeated.selector, address(0)));
    }

    function test_RevertWhen_TermIsOutOfRange() public {
        for (uint256 i = 0; i < 19; ++i) {
            ITrading.Terms memory terms = _terms();
            string memory term = _spoil(terms, i);
            _expectTerms(terms, _members(), abi.encodeWithSelector(ITrading.TermsInvalid.selector, term));
        }
    }

    function test_RevertWhen_NotAMember() public {
        _start();
        ITrading.Submission memory submission = _gradients(0);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotMember.selector, 0, 0, STRANGER));
        trading.submit(0, 0, submission);
        vm.prank(_member(1));
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotMember.selector, 0, 0, _member(1)));
        trading.submit(0, 0, submission);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotMember.selector, 0, 99, _member(0)));
        trading.submit(0, 99, submission);
    }

    function test_RevertWhen_SubmissionIsLateTwiceOrEmpty() public {
        _start();
        _submit(0);
        ITrading.Submission memory submission = _gradients(0);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(ITrading.AlreadySubmitted.selector, 0, 0));
        trading.submit(0, 0, submission);
        submission.vectorRoot = 0;
        vm.prank(_member(1));
        vm.expectRevert(abi.encodeWithSelector(ITrading.ZeroRoot.selector));
        trading.submit(0, 1, submission);
        vm.roll(OPENED + T1 + 1);
        submission = _gradients(1);
        vm.prank(_member(1));
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, OPENED + T1, OPENED + T1 + 1));
        trading.submit(0, 1, submission);
    }

    function test_RevertWhen_PhaseIsNotOver() public {
        _start();
        uint256 t3 = OPENED + T1 + T2 + T3;
        vm.roll(t3);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlineNotPassed.selector, t3, t3));
        trading.collect(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITrading.NotInPhase.selector, 0, ITrading.Phase.Decrypting, ITrading.Phase.Collecting
            )
        );
        trading.settle(0);
        vm.expectRevert(
            abi.encodeWithSelector(ITrading.NotInPhase.selector, 0, ITrading.Phase.Over, ITrading.Phase.Collecting)
        );
        trading.claim(0, 0);
        vm.expectRevert(abi.encodeWithSelector(ITrading.GroupUnknown.selector, 1));
        trading.collect(1);
    }

    function test_RevertWhen_SharesAreNotDueFromTheSender() public {
        _start();
        _submitFirst(3);
        _collect();
        _aggregate();
        uint256 t5 = block.number + T4 + T5;
        ITrading.Submission memory submission = _shares(3);
        vm.prank(_member(3));
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotAccepted.selector, 0, 3));
        trading.submitShares(0, 3, submission);
        vm.roll(t5 + 1);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t5, t5 + 1));
        trading.submitShares(0, 0, submission);
        vm.roll(t5 + T6);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlineNotPassed.selector, t5 + T6, t5 + T6));
        trading.settle(0);
    }

    function test_RevertWhen_CallerIsNotNamedInTheTerms() public {
        _start();
        _submitFirst(PARTIES);
        bytes memory refusal =
            abi.encodeWithSelector(ITrading.NotNamedInTerms.selector, address(disputes), address(this));
        vm.expectRevert(refusal);
        trading.hold(0, 0, ITrading.Phase.Collecting);
        vm.expectRevert(refusal);
        trading.release(0);
        vm.expectRevert(refusal);
        trading.convict(0, 0, address(this), ITrading.Phase.Collecting, true);
        refusal = abi.encodeWithSelector(ITrading.NotNamedInTerms.selector, address(processing), address(this));
        vm.expectRevert(refusal);
        trading.aggregated(0, "root", "seed");
        vm.expectRevert(refusal);
        trading.withdrawAggregate(0);
        vm.expectRevert(refusal);
        trading.abandon(0);
    }

    function test_RevertWhen_GroupDoesNotBegin() public {
        _open();
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotAllJoined.selector, 0, 0, PARTIES));
        trading.start(0);
        for (uint256 i = 0; i < PARTIES; ++i) {
            _join(i);
        }
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(ITrading.AlreadyJoined.selector, 0, 0));
        trading.join(0, 0, 0);
        _enlist(0);
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotEnoughWorkers.selector, 0, 1, 4));
        trading.start(0);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.NotSponsor.selector, 0, SPONSOR, STRANGER));
        trading.cancel(0, 0);
        vm.prank(SPONSOR);
        trading.cancel(0, 0);
        trading.claim(0, 0);
        assertEq(_free(_member(0)), GRANT);
        vm.expectRevert(abi.encodeWithSelector(ITrading.AlreadyClaimed.selector, 0, 0));
        trading.claim(0, 0);
        processing.claim(0, 0);
        assertEq(_free(_worker(0)), GRANT);
        assertEq(_free(SPONSOR), GRANT);
    }

    /// @dev The layouts that the interfaces draw: a word each.
    function test_ClockAndMasksFillOneWordEach() public {
        _start();
        _submitFirst(2);
        bytes32 clock = vm.load(address(trading), keccak256(abi.encode(uint256(0), uint256(2))));
        assertEq(uint8(uint256(clock)), uint256(ITrading.Phase.Collecting));
        assertEq(uint32(uint256(clock) >> 8), 1);
        assertEq(uint48(uint256(clock) >> 40), OPENED);
        assertEq(uint8(uint256(clock) >> 112), PARTIES);
        assertEq(uint8(uint256(clock) >> 120), 3);
        assertEq(uint16(uint256(clock) >> 128), T1);
        assertEq(uint16(uint256(clock) >> 208), T6);
        bytes32 masks = vm.load(address(trading), keccak256(abi.encode(uint256(0), uint256(3))));
        assertEq(uint256(masks), 15 | (3 << 64));
    }

    function _expectTerms(ITrading.Terms memory terms, address[] memory members, bytes memory refusal) private {
        vm.expectRevert(refusal);
        trading.open(terms, members, REWARD);
    }

    function _spoil(ITrading.Terms memory terms, uint256 which) private pure returns (string memory) {
        if (which == 0) return _and(terms.processing = address(0), "processing");
        if (which == 1) return _and(terms.disputes = address(0), "disputes");
        if (which == 2) return _and(terms.evidence = address(0), "evidence");
        if (which == 3) (terms.keyRoot) = 0;
        if (which == 3) return "keyRoot";
        if (which == 4) return _said(terms.rounds = 0, "rounds");
        if (which == 5) return _said(terms.rounds = 100_001, "rounds");
        if (which == 6) return _said(terms.count = 0, "count");
        if (which == 7) return _said(terms.width = 100, "width");
        if (which == 8) return _said(terms.width = 416, "width");
        if (which == 9) return _said(terms.committee = 0, "committee");
        if (which == 10) return _said(terms.committee = 32, "committee");
        if (which == 11) return _said(terms.pkProofBytes = 384, "pkProofBytes");
        if (which == 12) return _said(terms.cdProofBytes = 256, "cdProofBytes");
        if (which == 13) return _said(terms.bountyBps = 5001, "bountyBps");
        if (which == 14) return _said(terms.partyBps = 10_001, "partyBps");
        if (which == 15) return _said(terms.turnBlocks = 0, "turnBlocks");
        if (which == 16) return _said(terms.deposit = 0, "deposit");
        if (which == 17) return _said(terms.windows[8] = 0, "windows");
        // T5's window is shorter than T4's.
        return _said(terms.windows[4] = T4 - 1, "windows");
    }

    function _and(address, string memory term) private pure returns (string memory) {
        return term;
    }

    function _said(uint256, string memory term) private pure returns (string memory) {
        return term;
    }
}
