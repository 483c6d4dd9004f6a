// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeepCoin} from "../../../contracts/deepchain/DeepCoin.sol";
import {Escrow} from "../../../contracts/deepchain/Escrow.sol";
import {IDeepCoin} from "../../../contracts/deepchain/IDeepCoin.sol";
import {IEscrow} from "../../../contracts/deepchain/IEscrow.sol";
import {ForgeTest} from "../Forge.sol";

/// @notice The coin and the escrow, by themselves.
contract EscrowTest is ForgeTest {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant CONTROLLER = address(0xC0);
    uint256 private constant GRANT = 1000;

    DeepCoin private coin;
    Escrow private escrow;

    function setUp() public {
        address[] memory holders = new address[](2);
        uint256[] memory amounts = new uint256[](2);
        (holders[0], holders[1], amounts[0], amounts[1]) = (ALICE, BOB, GRANT, GRANT);
        coin = new DeepCoin(holders, amounts, 10);
        escrow = new Escrow(coin);
        vm.prank(ALICE);
        coin.approve(address(escrow), GRANT);
        vm.prank(ALICE);
        escrow.deposit(GRANT);
    }

    function test_CoinsAreTheirOwnersUntilTheyAreLocked() public {
        assertEq(escrow.freeOf(ALICE), GRANT);
        vm.prank(ALICE);
        escrow.trust(CONTROLLER, true);
        vm.prank(CONTROLLER);
        escrow.lock(ALICE, 300);
        assertEq(escrow.freeOf(ALICE), 700);
        assertEq(escrow.potOf(CONTROLLER), 300);
        vm.prank(CONTROLLER);
        escrow.credit(BOB, 100);
        vm.prank(CONTROLLER);
        escrow.move(address(this), 100);
        vm.prank(CONTROLLER);
        escrow.forfeit(99);
        assertEq(escrow.treasury(), 99);
        assertEq(escrow.potOf(CONTROLLER), 1);
        vm.prank(BOB);
        escrow.withdraw(100);
        assertEq(coin.balanceOf(BOB), GRANT + 100);
        assertEq(coin.balanceOf(address(escrow)), GRANT - 100);
    }

    function test_RevertWhen_ControllerIsNotTrusted() public {
        vm.prank(CONTROLLER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotTrusted.selector, ALICE, CONTROLLER));
        escrow.lock(ALICE, 1);
        vm.prank(ALICE);
        escrow.trust(CONTROLLER, true);
        vm.prank(ALICE);
        escrow.trust(CONTROLLER, false);
        vm.prank(CONTROLLER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotTrusted.selector, ALICE, CONTROLLER));
        escrow.lock(ALICE, 1);
    }

    function testFuzz_RevertWhen_MoreIsSpentThanThereIs(uint256 amount) public {
        amount = bound(amount, GRANT + 1, type(uint256).max);
        vm.prank(ALICE);
        escrow.trust(address(this), true);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotEnoughCoins.selector, ALICE, GRANT, amount));
        escrow.lock(ALICE, amount);
        escrow.lock(ALICE, GRANT);
        bytes memory refusal = abi.encodeWithSelector(IEscrow.NotEnoughInPot.selector, address(this), GRANT, amount);
        vm.expectRevert(refusal);
        escrow.credit(BOB, amount);
        vm.expectRevert(refusal);
        escrow.move(BOB, amount);
        vm.expectRevert(refusal);
        escrow.forfeit(amount);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotEnoughCoins.selector, ALICE, 0, amount));
        escrow.withdraw(amount);
    }

    function test_RevertWhen_NothingIsMoved() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoAmount.selector));
        escrow.deposit(0);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoAmount.selector));
        escrow.withdraw(0);
    }

    function test_ValidityFallsWithEachRound() public view {
        assertEq(coin.validityOf(5, 5), 10);
        assertEq(coin.validityOf(5, 14), 1);
        assertEq(coin.validityOf(5, 15), 0);
        assertEq(coin.validityOf(type(uint32).max - 1, type(uint32).max), 9);
        assertEq(coin.totalSupply(), 2 * GRANT);
    }

    function test_RevertWhen_DistributionIsEmptyOrUneven() public {
        vm.expectRevert(abi.encodeWithSelector(IDeepCoin.LengthMismatch.selector, 1, 2));
        new DeepCoin(new address[](1), new uint256[](2), 1);
        vm.expectRevert(abi.encodeWithSelector(IDeepCoin.EmptyDistribution.selector));
        new DeepCoin(new address[](0), new uint256[](0), 1);
        vm.expectRevert(abi.encodeWithSelector(IDeepCoin.EmptyDistribution.selector));
        new DeepCoin(new address[](1), new uint256[](1), 0);
    }
}
