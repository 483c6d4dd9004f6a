// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DisputeTheory} from "./DisputeTheory.sol";

/// @notice False theorems: halmos must find the counterexample to each, or the true ones would be about nothing.
contract DisputeReachability is DisputeTheory {
    function check_NothingIsEverClaimed(Run memory run) public {
        _dispute(run);
        verifier.claimTimeout(0);
        assert(false);
    }

    function check_MinersAlwaysWin(Run memory run) public {
        _dispute(run);
        verifier.claimTimeout(0);
        assert(verifier.creditOf(CHALLENGER) == 0);
    }

    function check_ChallengersAlwaysWin(Run memory run) public {
        _dispute(run);
        verifier.claimTimeout(0);
        assert(verifier.creditOf(MINER) == 0);
    }

    function check_NobodyIsEverPaid(Run memory run) public {
        _dispute(run);
        verifier.claimTimeout(0);
        uint256 before = MINER.balance;
        vm.prank(MINER);
        verifier.withdraw();
        assert(MINER.balance == before);
    }

    function check_NoCallEverSucceeds(Run memory run, uint8 call, uint96 value, bytes32 word) public {
        _dispute(run);
        vm.deal(STRANGER, value);
        assert(!_call(STRANGER, call, value, word));
    }
}
