// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {IBounty} from "../../../contracts/zk/IBounty.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {BountyTheory, IBalances} from "./BountyTheory.sol";

/// @notice What holds of the bounty's payments for all values at once; halmos proves it (tests/tooling/test_halmos.py).
/// Each `check_` is a theorem about one bounty, or two, and any next call; long sequences are what the invariants in
/// invariants/ are for.
contract BountyProofs is BountyTheory {
    /// @dev Only the owner of an unrevoked model that came in time and reached the threshold, before the deadline; all
    /// of the reward is his, nobody else has anything, and there is no second take and no refund.
    function check_TakeCreditsTheWinnerAloneAndOnce(
        Run memory run,
        address sender,
        address other,
        uint256 anyBlock,
        IModelRegistry.Model memory model,
        IAccuracyRegistry.Claim memory claim
    ) public {
        vm.assume(other != sender);
        _open(run, ETHER);
        _reveal(run);
        oracle.setModel(model, claim);
        vm.roll(run.laterBlock);
        vm.prank(sender);
        try bounty.take(0, "model") {}
        catch {
            vm.assume(false);
        }
        assert(sender == model.owner && !model.revoked);
        assert(claim.count >= run.threshold && !claim.setKnownInAdvance);
        assert(run.laterBlock <= run.proofDeadline);
        assert(bounty.creditOf(sender, ETHER) == run.reward);
        assert(bounty.creditOf(other, ETHER) == 0);
        _assertSettled(anyBlock, other);
    }

    /// @dev Whoever asks, after the deadline and not before.
    function check_RefundCreditsTheSponsorAloneAndOnce(
        Run memory run,
        bool revealed,
        address sender,
        address other,
        uint256 anyBlock
    ) public {
        vm.assume(other != SPONSOR);
        _open(run, ETHER);
        if (revealed) _reveal(run);
        vm.roll(run.laterBlock);
        vm.prank(sender);
        try bounty.refund(0) {}
        catch {
            vm.assume(false);
        }
        assert(run.laterBlock > (revealed ? run.proofDeadline : run.revealDeadline));
        assert(bounty.creditOf(SPONSOR, ETHER) == run.reward);
        assert(bounty.creditOf(other, ETHER) == 0);
        _assertSettled(anyBlock, other);
    }

    /// @dev The sponsor cannot be quicker than a winner, nor a winner than the sponsor.
    function check_TakeAndRefundAreNeverBothPossible(
        Run memory run,
        address sender,
        IModelRegistry.Model memory model,
        IAccuracyRegistry.Claim memory claim
    ) public {
        _open(run, ETHER);
        _reveal(run);
        oracle.setModel(model, claim);
        vm.roll(run.laterBlock);
        vm.prank(sender);
        (bool refunded,) = address(bounty).call(abi.encodeCall(IBounty.refund, (0)));
        // Refused either way: the status is another if the refund succeeded, so ask the deadline alone as well.
        vm.prank(sender);
        (bool taken,) = address(bounty).call(abi.encodeCall(IBounty.take, (0, "model")));
        assert(!(refunded && taken));
        assert(!taken || run.laterBlock <= run.proofDeadline);
        assert(!refunded || run.laterBlock > run.proofDeadline);
    }

    /// @dev No reward is credited before the set is revealed.
    function check_NothingIsTakenBeforeTheReveal(Run memory run, address sender, bytes32 modelId) public {
        _open(run, ETHER);
        vm.roll(run.laterBlock);
        vm.prank(sender);
        (bool taken,) = address(bounty).call(abi.encodeCall(IBounty.take, (0, modelId)));
        assert(!taken);
    }

    /// @dev Only the publisher, after the closing block, within the deadline.
    function check_RevealIsThePublishersAfterTheClosing(Run memory run, address sender, bytes32 circuitId, bytes32 salt)
        public
    {
        _open(run, ETHER);
        vm.roll(run.revealBlock);
        vm.prank(sender);
        try bounty.reveal(0, circuitId, salt) {}
        catch {
            vm.assume(false);
        }
        assert(sender == PUBLISHER);
        assert(run.revealBlock > run.closingBlock && run.revealBlock <= run.revealDeadline);
        assert(salt == SALT);
    }

    /// @dev In ether: exactly the credit, once, and not a wei of the other bounty.
    function check_WithdrawalPaysTheCreditInEther(Run memory run, uint96 otherReward) public {
        vm.assume(otherReward != 0);
        _open(run, ETHER);
        _openAnother(otherReward);
        vm.roll(run.laterBlock);
        try bounty.refund(0) {}
        catch {
            vm.assume(false);
        }
        uint256 before = SPONSOR.balance;
        vm.prank(SPONSOR);
        bounty.withdraw(ETHER);
        assert(SPONSOR.balance == before + run.reward);
        assert(address(bounty).balance == otherReward);
        assert(bounty.creditOf(SPONSOR, ETHER) == 0);
        vm.prank(SPONSOR);
        (bool again,) = address(bounty).call(abi.encodeCall(IBounty.withdraw, (ETHER)));
        assert(!again);
    }

    /// @dev In tokens: exactly the credit, once.
    function check_WithdrawalPaysTheCreditInTokens(Run memory run) public {
        _open(run, address(token));
        assert(token.balanceOf(address(bounty)) == run.reward);
        vm.roll(run.laterBlock);
        try bounty.refund(0) {}
        catch {
            vm.assume(false);
        }
        vm.prank(SPONSOR);
        bounty.withdraw(address(token));
        assert(token.balanceOf(SPONSOR) == run.reward);
        assert(token.balanceOf(address(bounty)) == 0);
        vm.prank(SPONSOR);
        (bool again,) = address(bounty).call(abi.encodeCall(IBounty.withdraw, (address(token))));
        assert(!again);
    }

    /// @dev What is opened is held, for exactly the value that was sent.
    function check_OpeningHoldsTheReward(Run memory run, uint96 value, uint96 reward) public {
        _prepare(run);
        vm.roll(run.openBlock);
        IBalances(address(vm)).deal(SPONSOR, value);
        vm.prank(SPONSOR);
        try bounty.open{value: value}(_terms(run, ETHER), reward) {}
        catch {
            vm.assume(false);
        }
        assert(value == reward && reward != 0);
        assert(address(bounty).balance == reward);
        assert(bounty.bountyOf(0).reward == reward);
        assert(run.openBlock <= run.closingBlock);
        assert(run.closingBlock < run.revealDeadline && run.revealDeadline < run.proofDeadline);
    }

    /// @dev Whatever has come of one bounty, and whoever calls what next: the coins held are those owed, and nobody but
    /// the sponsor and the caller is owed any more than before.
    function check_CoinsHeldAreThoseOwedAfterAnyCall(
        Run memory run,
        uint8 stage,
        uint8 caller,
        uint8 call,
        uint96 value,
        uint96 reward,
        IModelRegistry.Model memory model,
        IAccuracyRegistry.Claim memory claim
    ) public {
        _open(run, ETHER);
        if (stage > 0) _reveal(run);
        vm.roll(run.laterBlock);
        if (stage == 2) _win();
        if (stage == 3) {
            vm.assume(run.laterBlock > run.proofDeadline);
            bounty.refund(0);
        }
        assert(_owed() == address(bounty).balance);

        oracle.setModel(model, claim);
        address sender = caller == 0 ? SPONSOR : caller == 1 ? WINNER : STRANGER;
        address other = caller == 1 ? STRANGER : WINNER;
        uint256 creditOfOther = bounty.creditOf(other, ETHER);
        IBalances(address(vm)).deal(sender, value);
        _call(sender, call, value, abi.encodeCall(IBounty.open, (_terms(run, ETHER), reward)));
        assert(_owed() == address(bounty).balance);
        assert(bounty.creditOf(other, ETHER) == creditOfOther);
    }
}
