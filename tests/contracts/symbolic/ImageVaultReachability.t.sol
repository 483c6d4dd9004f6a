// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVaultTheory} from "./ImageVaultTheory.sol";

/// @notice False theorems: halmos must find the counterexample to each, or the true ones would be about nothing.
contract ImageVaultReachability is ImageVaultTheory {
    function check_NothingIsEverClaimed(Run memory run, bool inTokens, address caller, address destination) public {
        _deposit(run, inTokens);
        vm.prank(caller);
        vault.claim(0, destination);
        assert(!inTokens);
    }

    function check_NothingIsEverClaimedBySignature(
        Run memory run,
        IImageVault.Claim memory signed,
        Signature memory signature
    ) public {
        vm.assume(signed.depositId == 0);
        _deposit(run, false);
        vault.claimFor(signed, _packed(signature));
        assert(signed.fee == 0);
    }

    function check_NothingIsEverRefunded(Run memory run, bool inTokens, address caller) public {
        _deposit(run, inTokens);
        vm.prank(caller);
        vault.refund(0);
        assert(!inTokens);
    }

    function check_ClaimsEndWithTheLock(Run memory run, address destination) public {
        _deposit(run, false);
        vm.prank(run.recipient);
        vault.claim(0, destination);
        assert(run.laterAt <= run.refundAfter);
    }
}
