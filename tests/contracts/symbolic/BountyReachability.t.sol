// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {BountyTheory} from "./BountyTheory.sol";

/// @notice False theorems: halmos must find the counterexample to each, or the true ones would be about nothing.
contract BountyReachability is BountyTheory {
    function check_NothingIsEverTaken(
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
        bounty.take(0, "model");
        assert(false);
    }

    function check_NothingIsEverRefunded(Run memory run, bool revealed) public {
        _open(run, ETHER);
        if (revealed) _reveal(run);
        vm.roll(run.laterBlock);
        bounty.refund(0);
        assert(!revealed);
    }

    function check_NoTokenIsEverWithdrawn(Run memory run) public {
        _open(run, address(token));
        vm.roll(run.laterBlock);
        bounty.refund(0);
        vm.prank(SPONSOR);
        bounty.withdraw(address(token));
        assert(false);
    }

    /// @dev The registries' word is taken for it: an owner who proved too little is the only one kept out by the bounty.
    function check_EveryOwnerWins(
        Run memory run,
        IModelRegistry.Model memory model,
        IAccuracyRegistry.Claim memory claim
    ) public {
        vm.assume(!model.revoked && !claim.setKnownInAdvance && run.laterBlock <= run.proofDeadline);
        _open(run, ETHER);
        _reveal(run);
        oracle.setModel(model, claim);
        vm.roll(run.laterBlock);
        vm.prank(model.owner);
        try bounty.take(0, "model") {}
        catch {
            assert(false);
        }
    }
}
