// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EscrowTheory} from "./EscrowTheory.sol";

/// @notice False theorems: halmos must find the counterexample to each, or the true ones would be about nothing.
contract EscrowReachability is EscrowTheory {
    function check_NothingIsEverWithdrawn(Start memory start, uint96 amount) public {
        _begin(start);
        vm.prank(ALICE);
        escrow.withdraw(amount);
        assert(false);
    }

    function check_NobodyIsEverLocked(Start memory start, uint96 amount) public {
        _begin(start);
        vm.prank(CONTROLLER);
        escrow.lock(ALICE, amount);
        assert(amount == 0);
    }

    function check_PotsNeverFall(Start memory start, uint8 call, uint8 other, uint96 amount) public {
        _begin(start);
        uint256 pot = escrow.potOf(CONTROLLER);
        _call(2, call, other, amount);
        assert(escrow.potOf(CONTROLLER) >= pot);
    }
}
