// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVaultTheory} from "./ImageVaultTheory.sol";

/// @notice What holds of the vault's payments for all values at once; halmos proves it (tests/tooling/test_halmos.py).
/// Each `check_` is a theorem about one deposit beside another and any next call.
contract ImageVaultProofs is ImageVaultTheory {
    /// @dev What is deposited is held, for the value that was sent, for somebody, within the bounds.
    function check_DepositHoldsTheValueWithinTheBounds(Run memory run, uint96 value) public {
        vm.warp(run.paidAt);
        vm.deal(SENDER, value);
        vm.prank(SENDER);
        try vault.deposit{value: value}(run.recipient, run.refundAfter) {}
        catch {
            vm.assume(false);
        }
        assert(value != 0 && address(vault).balance == value);
        assert(run.recipient != address(0) && run.recipient != address(vault));
        assert(run.refundAfter >= uint256(run.paidAt) + 1 hours);
        assert(run.refundAfter <= uint256(run.paidAt) + 1825 days);
        IImageVault.Deposit memory found = vault.depositOf(0);
        assert(found.sender == SENDER && found.recipient == run.recipient && found.token == ETHER);
        assert(found.amount == value && found.refundAfter == run.refundAfter);
    }

    /// @dev Only by the recipient, at any time; all of it and nothing of the other deposit; once.
    function check_ClaimPaysTheRecipientAloneAndOnce(
        Run memory run,
        bool inTokens,
        address caller,
        address destination,
        uint96 other,
        address anybody,
        uint40 anyTime
    ) public {
        _deposit(run, inTokens);
        _depositAnother(other, inTokens);
        uint256 before = _balanceOf(destination, inTokens);
        vm.prank(caller);
        try vault.claim(0, destination) {}
        catch {
            vm.assume(false);
        }
        assert(caller == run.recipient);
        assert(_balanceOf(destination, inTokens) == before + run.amount);
        assert(_held(inTokens) == other);
        assert(vault.depositOf(1).amount == other);
        IImageVault.Claim memory none;
        _assertSettled(anybody, anyTime, none, new bytes(65));
    }

    /// @dev Only what the recipient signed, with s in the lower half; destination and relayer get all of it, in those
    /// parts; once, with this signature or another one.
    function check_SignedClaimPaysAsSignedAndOnce(
        Run memory run,
        bool inTokens,
        address caller,
        IImageVault.Claim memory signed,
        Signature memory signature,
        uint96 other
    ) public {
        vm.assume(signed.depositId == 0 && signed.relayer != signed.destination && signed.relayer != address(vault));
        _deposit(run, inTokens);
        _depositAnother(other, inTokens);
        bytes32 digest = vault.claimDigest(signed);
        uint256 before = _balanceOf(signed.destination, inTokens);
        uint256 beforeRelayer = _balanceOf(signed.relayer, inTokens);
        vm.prank(caller);
        try vault.claimFor(signed, _packed(signature)) {}
        catch {
            vm.assume(false);
        }
        assert(ecrecover(digest, signature.v, signature.r, signature.s) == run.recipient && run.recipient != address(0));
        assert(uint256(signature.s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
        assert(run.laterAt <= signed.deadline && signed.fee < run.amount);
        assert(_balanceOf(signed.destination, inTokens) == before + run.amount - signed.fee);
        assert(_balanceOf(signed.relayer, inTokens) == beforeRelayer + signed.fee);
        assert(_held(inTokens) == other);
        _assertSettled(caller, run.laterAt, signed, _packed(signature));
    }

    /// @dev Only to the sender, after the time and not before; all of it and nothing of the other deposit; once.
    function check_RefundPaysTheSenderAloneAndOnce(
        Run memory run,
        bool inTokens,
        address caller,
        uint96 other,
        address anybody,
        uint40 anyTime
    ) public {
        _deposit(run, inTokens);
        _depositAnother(other, inTokens);
        vm.prank(caller);
        try vault.refund(0) {}
        catch {
            vm.assume(false);
        }
        assert(caller == SENDER && run.laterAt > run.refundAfter);
        assert(_balanceOf(SENDER, inTokens) == run.amount);
        assert(_held(inTokens) == other);
        assert(vault.depositOf(1).amount == other);
        IImageVault.Claim memory none;
        _assertSettled(anybody, anyTime, none, new bytes(65));
    }

    /// @dev Until he or the sender has taken it, nothing keeps the recipient from it: no time, no call about another
    /// deposit, no refused one.
    function check_RecipientCanAlwaysClaimWhatWaits(
        Run memory run,
        bool inTokens,
        address caller,
        uint8 call,
        IImageVault.Claim memory signed,
        Signature memory signature,
        uint96 other
    ) public {
        _deposit(run, inTokens);
        _depositAnother(other, inTokens);
        vm.assume(uint160(run.recipient) > 0xFFFF && run.recipient.code.length == 0);
        bool done = _call(caller, call, 0, signed, _packed(signature));
        vm.assume(!done || (call < 3 && signed.depositId != 0));
        uint256 before = _balanceOf(run.recipient, inTokens);
        vm.prank(run.recipient);
        vault.claim(0, run.recipient);
        assert(_balanceOf(run.recipient, inTokens) == before + run.amount);
    }

    /// @dev Whoever calls what next: the coins held are those of the deposits that wait.
    function check_CoinsHeldAreThoseOwedAfterAnyCall(
        Run memory run,
        address caller,
        uint8 call,
        uint96 value,
        IImageVault.Claim memory signed,
        Signature memory signature,
        uint96 other
    ) public {
        _deposit(run, false);
        _depositAnother(other, false);
        assert(_owed() == address(vault).balance);
        vm.assume(caller != address(vault));
        vm.deal(caller, value);
        _call(caller, call, value, signed, _packed(signature));
        assert(_owed() == address(vault).balance);
    }
}
