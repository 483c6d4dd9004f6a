// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeepCoin} from "../../../contracts/deepchain/DeepCoin.sol";
import {Escrow} from "../../../contracts/deepchain/Escrow.sol";
import {IEscrow} from "../../../contracts/deepchain/IEscrow.sol";
import {ForgeTest} from "../Forge.sol";

/// @notice An escrow for halmos: two accounts and a controller, with coins and trust that are symbols.
abstract contract EscrowTheory is ForgeTest {
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant CONTROLLER = address(0xC0);

    DeepCoin internal coin;
    Escrow internal escrow;

    struct Start {
        uint96 alice;
        uint96 bob;
        uint96 locked;
        bool trusted;
    }

    function setUp() public {
        address[] memory holders = new address[](2);
        uint256[] memory amounts = new uint256[](2);
        (holders[0], holders[1]) = (ALICE, BOB);
        (amounts[0], amounts[1]) = (type(uint96).max, type(uint96).max);
        coin = new DeepCoin(holders, amounts, 10);
        escrow = new Escrow(coin);
        vm.prank(ALICE);
        coin.approve(address(escrow), type(uint256).max);
        vm.prank(BOB);
        coin.approve(address(escrow), type(uint256).max);
    }

    function _account(uint8 which) internal pure returns (address) {
        return which == 0 ? ALICE : which == 1 ? BOB : CONTROLLER;
    }

    /// @dev Both have put coins in; some of Bob's are locked; Alice trusts the controller or not.
    function _begin(Start memory start) internal {
        vm.assume(start.alice != 0 && start.bob != 0 && start.locked <= start.bob);
        vm.prank(ALICE);
        escrow.deposit(start.alice);
        vm.prank(BOB);
        escrow.depositAndTrust(start.bob, CONTROLLER);
        vm.prank(CONTROLLER);
        escrow.lock(BOB, start.locked);
        vm.prank(ALICE);
        escrow.trust(CONTROLLER, start.trusted);
    }

    /// @dev One of seven calls, refused or not.
    function _call(uint8 caller, uint8 call, uint8 other, uint96 amount) internal returns (bool success) {
        address account = _account(other);
        bytes memory message = abi.encodeCall(IEscrow.forfeit, (amount));
        if (call == 0) message = abi.encodeCall(IEscrow.deposit, (amount));
        else if (call == 1) message = abi.encodeCall(IEscrow.withdraw, (amount));
        else if (call == 2) message = abi.encodeCall(IEscrow.lock, (account, amount));
        else if (call == 3) message = abi.encodeCall(IEscrow.credit, (account, amount));
        else if (call == 4) message = abi.encodeCall(IEscrow.move, (account, amount));
        else if (call == 5) message = abi.encodeCall(IEscrow.trust, (account, amount != 0));
        vm.prank(_account(caller));
        (success,) = address(escrow).call(message);
    }

    function _owned() internal view returns (uint256) {
        return escrow.treasury() + escrow.freeOf(ALICE) + escrow.freeOf(BOB) + escrow.freeOf(CONTROLLER)
            + escrow.potOf(ALICE) + escrow.potOf(BOB) + escrow.potOf(CONTROLLER);
    }
}
