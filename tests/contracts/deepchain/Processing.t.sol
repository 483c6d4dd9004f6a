// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProcessing} from "../../../contracts/deepchain/IProcessing.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {DeepchainTest} from "./DeepchainTest.sol";

/// @notice Leaders and committees who miss their time points, and what else is refused.
contract ProcessingTest is DeepchainTest {
    function test_AbsentLeaderPaysAndAnotherLeads() public {
        _toAggregation();
        uint256 leader = _leader();
        uint256 t7 = block.number + T7;
        vm.roll(t7);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlineNotPassed.selector, t7, t7));
        processing.expire(0);
        vm.roll(t7 + 1);
        processing.expire(0);
        assertEq(processing.workerOf(0, leader).stake, _stake(leader) - WORKER_DEPOSIT);
        assertEq(escrow.treasury(), WORKER_DEPOSIT);
        assertTrue(_leader() != leader);
        _aggregate();
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Decrypting);
        _assertBalanced();
    }

    function test_AbsentCommitteePaysAndTheLeaderDoesNot() public {
        _toAggregation();
        uint256 leader = _update();
        uint64 signed = _lodge(2);
        uint64 committee = processing.blockOf(0).committee;
        _roll(T8 + 1);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.TooFewSignatures.selector, 2, 3));
        processing.append(0);
        processing.expire(0);
        for (uint256 i = 0; i < WORKERS; ++i) {
            bool absent = (committee & ~signed) >> i & 1 == 1;
            assertEq(processing.workerOf(0, i).stake, absent ? _stake(i) - WORKER_DEPOSIT : _stake(i));
        }
        assertEq(processing.workerOf(0, leader).stake, _stake(leader));
        _assertBalanced();
    }

    function test_LeaderWhoDoesNotAppendPays() public {
        _toAggregation();
        uint256 leader = _update();
        _lodge(3);
        uint256 t9 = block.number + T8 + T9;
        vm.roll(t9);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlineNotPassed.selector, t9, t9));
        processing.expire(0);
        vm.roll(t9 + 1);
        processing.expire(0);
        assertEq(processing.workerOf(0, leader).stake, _stake(leader) - WORKER_DEPOSIT);
        _assertBalanced();
    }

    function test_RoundIsAbandonedWhenNobodyIsLeft() public {
        _toAggregation();
        _roll(T7 + 1);
        processing.expire(0);
        // Four are left; a leader and a committee of three can be drawn once more.
        _roll(T7 + 1);
        processing.expire(0);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NobodyEligible.selector, 0));
        processing.drawOf(0);
        processing.expire(0);
        assertEq(trading.clockOf(0).reruns, 1);
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Collecting);
        for (uint256 i = 0; i < PARTIES; ++i) {
            assertEq(_free(_member(i)), GRANT - DEPOSIT);
        }
        _assertBalanced();
    }

    function test_RevertWhen_AnotherPosts() public {
        _toAggregation();
        uint256 leader = _leader();
        address other = _worker((leader + 1) % WORKERS);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NotLeader.selector, 0, _worker(leader), other));
        processing.update(0, "root", "content", _link(leader, 1));
    }

    function testFuzz_RevertWhen_LinkIsNotThePreimage(bytes32 link) public {
        _toAggregation();
        uint256 leader = _leader();
        vm.assume(link != _link(leader, 1));
        bytes32 hashed = keccak256(abi.encode(link));
        vm.prank(_worker(leader));
        vm.expectRevert(abi.encodeWithSelector(IProcessing.LinkMismatch.selector, _link(leader, 0), hashed));
        processing.update(0, "root", "content", link);
    }

    function test_RevertWhen_SignatureIsNotOfTheCommittee() public {
        _toAggregation();
        uint256 leader = _update();
        bytes32 digest = processing.blockHash(0);
        uint256[] memory workers = new uint256[](1);
        bytes[] memory signatures = new bytes[](1);
        (workers[0], signatures[0]) = (leader, _signatureOf(leader, digest));
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NotInCommittee.selector, 0, leader, _worker(leader)));
        processing.lodge(0, workers, signatures);
        uint64 committee = processing.blockOf(0).committee;
        while (committee >> workers[0] & 1 == 0) {
            workers[0] = (workers[0] + 1) % WORKERS;
        }
        // A member's name with the leader's signature.
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NotInCommittee.selector, 0, workers[0], _worker(leader)));
        processing.lodge(0, workers, signatures);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.TooManySignatures.selector, 1));
        processing.lodge(0, new uint256[](2), signatures);
    }

    function test_RevertWhen_StatusIsAnother() public {
        _toAggregation();
        vm.expectRevert(
            abi.encodeWithSelector(
                IProcessing.NotInStatus.selector, 0, IProcessing.Status.Posted, IProcessing.Status.None
            )
        );
        processing.append(0);
        uint256 leader = _update();
        vm.prank(_worker(leader));
        vm.expectRevert(
            abi.encodeWithSelector(
                IProcessing.NotInStatus.selector, 0, IProcessing.Status.None, IProcessing.Status.Posted
            )
        );
        processing.update(0, "root", "content", _link(leader, 2));
        uint256 t8 = block.number + T8;
        vm.roll(t8 + 1);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t8, t8 + 1));
        processing.lodge(0, new uint256[](0), new bytes[](0));
    }

    function test_RevertWhen_CallerIsNotTheEvidence() public {
        _toAggregation();
        _update();
        bytes memory refusal =
            abi.encodeWithSelector(ITrading.NotNamedInTerms.selector, address(evidence), address(this));
        vm.expectRevert(refusal);
        processing.hold(0);
        vm.expectRevert(refusal);
        processing.release(0, 0, 0);
        vm.expectRevert(refusal);
        processing.convictLeader(0, address(this), 0, 0);
        vm.expectRevert(refusal);
        processing.convictBlock(0, address(this));
    }

    function test_ChangesOfStakesCountFromThreeRoundsLaterOn() public {
        _start();
        uint256 last = WORKERS - 1;
        vm.prank(_worker(last));
        processing.retire(0, last);
        assertEq(processing.eligibleCount(0, 3), WORKERS);
        assertEq(processing.eligibleCount(0, 4), WORKERS - 1);
        vm.prank(_worker(last));
        vm.expectRevert(abi.encodeWithSelector(IProcessing.StakeInUse.selector, 0, 1, 4));
        processing.withdrawStake(0, last);
        vm.prank(STRANGER);
        processing.enlist(0, WORKER_DEPOSIT, "tip");
        assertEq(processing.eligibleCount(0, 3), WORKERS);
        assertEq(processing.eligibleCount(0, 4), WORKERS);
    }

    function test_CoinsExpireUnlessTheirWorkerTakesPartOrRenews() public {
        _start();
        assertEq(processing.eligibleCount(0, 9), WORKERS);
        assertEq(processing.eligibleCount(0, 10), 0);
        vm.prank(_worker(0));
        processing.renew(0, 0);
        assertEq(processing.eligibleCount(0, 10), 1);
        _round();
        // Who led or signed in round 1 is valid for ten rounds from it on.
        assertEq(processing.eligibleCount(0, 10), processing.workerOf(0, 0).blocks == 0 ? 5 : 4);
        assertEq(processing.eligibleCount(0, 11), 0);
    }

    function test_RevertWhen_WorkerCannotEnlist() public {
        _start();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.StakeTooSmall.selector, WORKER_DEPOSIT - 1, WORKER_DEPOSIT));
        processing.enlist(0, WORKER_DEPOSIT - 1, "tip");
        vm.prank(_worker(0));
        vm.expectRevert(abi.encodeWithSelector(IProcessing.AlreadyEnlisted.selector, 0, _worker(0)));
        processing.enlist(0, WORKER_DEPOSIT, "tip");
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NotWorker.selector, 0, 0, STRANGER));
        processing.retire(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.GroupNotOver.selector, 0));
        processing.claim(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.NotWorker.selector, 0, 9, address(this)));
        processing.workerOf(0, 9);
    }

    function _toAggregation() private {
        _start();
        _submitFirst(PARTIES);
        _collect();
    }
}
