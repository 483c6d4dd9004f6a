// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVault} from "../../../contracts/keys/ImageVault.sol";
import {ForgeTest} from "../Forge.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {ImageVaultHandler} from "./ImageVaultHandler.sol";

/// @notice What holds of the coins after any sequence of calls.
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 256
/// forge-config: long.invariant.runs = 128
/// forge-config: long.invariant.depth = 256
contract ImageVaultInvariants is ForgeTest {
    ImageVault private vault;
    ImageVaultHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        vault = new ImageVault();
        handler = new ImageVaultHandler{value: 1e24}(vault, new ReentrantToken());
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = ImageVaultHandler.deposit.selector;
        selectors[1] = ImageVaultHandler.claim.selector;
        selectors[2] = ImageVaultHandler.claimFor.selector;
        selectors[3] = ImageVaultHandler.refund.selector;
        selectors[4] = ImageVaultHandler.wait.selector;
        selectors[5] = ImageVaultHandler.lock.selector;
        selectors[6] = ImageVaultHandler.attack.selector;
        selectors[7] = ImageVaultHandler.donate.selector;
        // What is claimed must have been deposited.
        selectors[8] = ImageVaultHandler.deposit.selector;
        selectors[9] = ImageVaultHandler.deposit.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: selectors});
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev 40 · 256 = 10,240 calls.
    /// forge-config: default.invariant.runs = 40
    function invariant_CoinsInAreCoinsOutAndCoinsHeld() public view {
        for (uint256 kind = 0; kind < handler.KINDS(); ++kind) {
            assertEq(handler.paidIn(kind) + handler.donated(kind), handler.paidOut(kind) + handler.heldOf(kind));
        }
    }

    /// @dev Every deposit is there as it was made until it is settled, and nothing of it afterwards.
    function invariant_CoinsHeldAreThoseOfTheDepositsThatWait() public view {
        uint256[] memory owed = new uint256[](handler.KINDS());
        for (uint256 id = 0; id < vault.depositCount(); ++id) {
            ImageVaultHandler.Ghost memory ghost = handler.ghostOf(id);
            try vault.depositOf(id) returns (IImageVault.Deposit memory found) {
                assertFalse(ghost.settled);
                assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(ghost.deposit)));
                owed[ghost.kind] += found.amount;
            } catch {
                assertTrue(ghost.settled);
            }
        }
        for (uint256 kind = 0; kind < owed.length; ++kind) {
            assertEq(handler.heldOf(kind), owed[kind] + handler.donated(kind));
        }
    }

    function invariant_EveryCallEndsAsTheModelSays() public view {
        assertEq(handler.disagreements(), 0);
    }

    /// @dev The handler can end a call in every way: the invariants are not about an empty world.
    function test_HandlerReachesEveryState() public {
        for (uint256 kind = 0; kind < handler.KINDS(); ++kind) {
            handler.deposit(0, 1, kind, 1e18, 0, 3);
        }
        handler.deposit(0, 1, 3, 1, 0, 3);
        handler.deposit(0, 1, 0, 1, 0, 0);
        handler.deposit(0, 1, 0, 1, 0, 1);
        handler.deposit(0, 1, 0, 1, 0, 2);
        handler.lock(true);
        handler.deposit(0, 1, 2, 1, 0, 3);
        handler.lock(false);
        assertEq(vault.depositCount(), 5);
        uint256 ether_ = _only(0);
        handler.claim(16, 1, 1);
        handler.claim(ether_, 0, 1);
        handler.claim(ether_, 1, 0);
        handler.refund(ether_, 1);
        handler.claimFor(ether_, 0, 1, 1, 1);
        handler.claimFor(ether_, 1, 1, 1, 2);
        handler.claimFor(ether_, 1, 1, 1, 4);
        handler.claimFor(ether_, 1, 1, 1e18, 1);
        handler.claimFor(ether_, 1, 1, 5, 1);
        handler.claim(ether_, 1, 1);
        handler.wait(7199);
        handler.refund(_only(1), 8);
        handler.refund(_only(1), 1);
        handler.attack(0, 0, _only(4), true, 1);
        handler.attack(0, 1, _only(4), false, 1);
        handler.claim(_only(2), 1, 1);
        handler.claimFor(_only(3), 1, 1, 5, 1);
        handler.donate(0, 3);
        handler.donate(1, 3);
        string[13] memory outcomes = [
            "AccountInvalid(address)",
            "NothingDeposited()",
            "RefundTimeOutOfRange(uint256,uint256,uint256)",
            "SafeERC20FailedOperation(address)",
            "DepositUnknown(uint256)",
            "DepositIsSettled(uint256)",
            "NotRecipient(uint256,address,address)",
            "NotSender(uint256,address,address)",
            "RefundTooEarly(uint256,uint256)",
            "DeadlinePassed(uint256,uint256)",
            "FeeTooHigh(uint256,uint256)",
            "ReentrancyGuardReentrantCall()",
            ""
        ];
        for (uint256 i = 0; i < outcomes.length; ++i) {
            bytes4 outcome = bytes(outcomes[i]).length == 0 ? bytes4(0) : bytes4(keccak256(bytes(outcomes[i])));
            assertTrue(handler.reached(outcome) != 0);
        }
        assertEq(handler.disagreements(), 0);
        for (uint256 id = 0; id < 5; ++id) {
            assertTrue(handler.ghostOf(id).settled);
        }
        invariant_CoinsInAreCoinsOutAndCoinsHeld();
        invariant_CoinsHeldAreThoseOfTheDepositsThatWait();
    }

    /// @dev The seed with which the handler picks this deposit, settled or not.
    function _only(uint256 depositId) private pure returns (uint256 seed) {
        return 1 + 16 * depositId;
    }
}
