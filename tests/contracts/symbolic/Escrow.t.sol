// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EscrowTheory} from "./EscrowTheory.sol";

/// @notice Theorems about the deepchain escrow, through which every payment of the system goes, for halmos: all accounts,
/// amounts and calls at once.
contract EscrowTheorems is EscrowTheory {
    /// @dev Whatever is called by whomever: the coins held are free, in pots, or the treasury's.
    function check_CoinsHeldAreOwnedAfterAnyCall(
        Start memory start,
        uint8 caller,
        uint8 call,
        uint8 other,
        uint96 amount
    ) public {
        _begin(start);
        assert(_owned() == coin.balanceOf(address(escrow)));
        _call(caller, call, other, amount);
        assert(_owned() == coin.balanceOf(address(escrow)));
    }

    /// @dev Nobody's free coins fall unless it calls, or a controller locks them that it trusts.
    function check_FreeCoinsFallOnlyByTheirOwnerOrItsController(
        Start memory start,
        uint8 caller,
        uint8 call,
        uint8 other,
        uint96 amount
    ) public {
        _begin(start);
        uint256 free = escrow.freeOf(ALICE);
        address sender = _account(caller);
        bool trusted = escrow.isTrusted(ALICE, sender);
        _call(caller, call, other, amount);
        assert(escrow.freeOf(ALICE) >= free || sender == ALICE || (trusted && call == 2));
    }

    /// @dev A pot falls by its controller alone.
    function check_PotsFallByTheirControllerAlone(
        Start memory start,
        uint8 caller,
        uint8 call,
        uint8 other,
        uint96 amount
    ) public {
        _begin(start);
        uint256 pot = escrow.potOf(CONTROLLER);
        _call(caller, call, other, amount);
        assert(escrow.potOf(CONTROLLER) >= pot || _account(caller) == CONTROLLER);
    }

    /// @dev Exactly what was asked for, to whoever asked, once.
    function check_WithdrawalPaysOnce(Start memory start, uint96 amount) public {
        _begin(start);
        uint256 free = escrow.freeOf(ALICE);
        uint256 before = coin.balanceOf(ALICE);
        vm.prank(ALICE);
        try escrow.withdraw(amount) {}
        catch {
            vm.assume(false);
        }
        assert(amount != 0 && amount <= free);
        assert(coin.balanceOf(ALICE) == before + amount);
        assert(escrow.freeOf(ALICE) == free - amount);
    }
}
