// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVault} from "../../../contracts/keys/ImageVault.sol";
import {ForgeTest} from "../Forge.sol";
import {TestToken} from "../tokens/TestToken.sol";

/// @notice A vault for halmos: amounts, times, accounts and signatures are symbols; what a signature recovers to is any
/// function of it and the digest.
abstract contract ImageVaultTheory is ForgeTest {
    address internal constant SENDER = address(0x5E4D);
    address internal constant OTHER = address(0x0733);
    address internal constant ETHER = address(0);

    ImageVault internal vault;
    TestToken internal token;

    struct Run {
        address recipient;
        uint96 amount;
        uint48 refundAfter;
        uint40 paidAt;
        uint40 laterAt;
    }

    struct Signature {
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    function setUp() public {
        vault = new ImageVault();
        token = new TestToken();
    }

    /// @dev Deposit 0, in ether or tokens, and then the later time.
    function _deposit(Run memory run, bool inTokens) internal {
        vm.assume(run.paidAt <= run.laterAt);
        vm.warp(run.paidAt);
        vm.deal(SENDER, run.amount);
        token.mint(SENDER, run.amount);
        vm.prank(SENDER);
        token.approve(address(vault), run.amount);
        bytes memory message = inTokens
            ? abi.encodeCall(IImageVault.depositToken, (address(token), run.amount, run.recipient, run.refundAfter))
            : abi.encodeCall(IImageVault.deposit, (run.recipient, run.refundAfter));
        vm.prank(SENDER);
        (bool made,) = address(vault).call{value: inTokens ? 0 : run.amount}(message);
        vm.assume(made);
        vm.warp(run.laterAt);
    }

    /// @dev Deposit 1, of somebody else for somebody else, in the same coins.
    function _depositAnother(uint96 amount, bool inTokens) internal {
        vm.assume(amount != 0);
        uint48 later = uint48(block.timestamp + 1 days);
        vm.deal(OTHER, amount);
        token.mint(OTHER, amount);
        vm.startPrank(OTHER);
        token.approve(address(vault), amount);
        if (inTokens) vault.depositToken(address(token), amount, OTHER, later);
        else vault.deposit{value: amount}(OTHER, later);
        vm.stopPrank();
    }

    /// @dev One of four calls, refused or not.
    function _call(address caller, uint8 call, uint96 value, IImageVault.Claim memory signed, bytes memory signature)
        internal
        returns (bool done)
    {
        bytes memory message = abi.encodeCall(IImageVault.deposit, (signed.destination, uint48(signed.deadline)));
        if (call == 0) message = abi.encodeCall(IImageVault.claim, (signed.depositId, signed.destination));
        else if (call == 1) message = abi.encodeCall(IImageVault.refund, (signed.depositId));
        else if (call == 2) message = abi.encodeCall(IImageVault.claimFor, (signed, signature));
        vm.prank(caller);
        (done,) = address(vault).call{value: call > 2 ? value : 0}(message);
    }

    function _owed() internal view returns (uint256 sum) {
        for (uint256 id = 0; id < vault.depositCount(); ++id) {
            try vault.depositOf(id) returns (IImageVault.Deposit memory found) {
                sum += found.amount;
            } catch {}
        }
    }

    /// @dev Neither way takes the deposit again, whoever tries, whenever.
    function _assertSettled(address anybody, uint40 anyTime, IImageVault.Claim memory signed, bytes memory signature)
        internal
    {
        vm.warp(anyTime);
        vm.prank(anybody);
        (bool claimed,) = address(vault).call(abi.encodeCall(IImageVault.claim, (0, anybody)));
        vm.prank(anybody);
        (bool refunded,) = address(vault).call(abi.encodeCall(IImageVault.refund, (0)));
        signed.depositId = 0;
        (bool sent,) = address(vault).call(abi.encodeCall(IImageVault.claimFor, (signed, signature)));
        assert(!claimed && !refunded && !sent);
    }

    function _held(bool inTokens) internal view returns (uint256) {
        return _balanceOf(address(vault), inTokens);
    }

    function _balanceOf(address account, bool inTokens) internal view returns (uint256) {
        return inTokens ? token.balanceOf(account) : account.balance;
    }

    function _packed(Signature memory signature) internal pure returns (bytes memory) {
        return abi.encodePacked(signature.r, signature.s, signature.v);
    }
}
