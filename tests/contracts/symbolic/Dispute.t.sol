// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOptimisticVerifier} from "../../../contracts/freezenet/IOptimisticVerifier.sol";
import {DisputeTheory} from "./DisputeTheory.sol";

/// @notice What holds of bonds in disputes for all values at once; halmos proves it (tests/tooling/test_halmos.py). Each
/// `check_` is a theorem about one dispute, in any turn, and any next call.
contract DisputeProofs is DisputeTheory {
    /// @dev Whoever asks: the bond goes to the side whose turn it is not, once, and only after the deadline.
    function check_SilencePaysTheOtherSideAloneAndOnce(Run memory run, address sender, address other) public {
        _dispute(run);
        uint256 deadline = verifier.disputeOf(0).deadline;
        vm.prank(sender);
        try verifier.claimTimeout(0) {}
        catch {
            vm.assume(false);
        }
        address winner = _isMinersTurn(run.turn) ? CHALLENGER : MINER;
        vm.assume(other != winner);
        assert(run.laterBlock > deadline);
        assert(verifier.creditOf(winner) == run.bond);
        assert(verifier.creditOf(other) == 0);
        assert(verifier.standingOf(0, 0, MINER).rejected == _isMinersTurn(run.turn));
        (bool again,) = address(verifier).call(abi.encodeCall(IOptimisticVerifier.claimTimeout, (0)));
        assert(!again);
    }

    /// @dev A round that is over, or a bond that has gone, keeps nobody's bond here.
    function check_ALateTimeoutIsAlwaysPossible(Run memory run, address sender) public {
        _dispute(run);
        vm.assume(run.laterBlock > verifier.disputeOf(0).deadline);
        vm.prank(sender);
        (bool ended,) = address(verifier).call(abi.encodeCall(IOptimisticVerifier.claimTimeout, (0)));
        assert(ended);
        assert(oracle.forfeits() == (_isMinersTurn(run.turn) && run.open && !run.closed ? 1 : 0));
    }

    /// @dev Of an account that is neither side and does not call: not its credit, not its ether. Of the sides: neither's
    /// credit ever falls by another's call.
    function check_NoCallMovesABystandersBalance(
        Run memory run,
        uint8 caller,
        uint8 call,
        uint96 value,
        bytes32 word,
        address other,
        address witness
    ) public {
        _dispute(run);
        oracle.setWitness(witness);
        address sender = caller == 0 ? MINER : caller == 1 ? CHALLENGER : STRANGER;
        vm.assume(other != sender && other != address(verifier) && other != address(oracle) && other != address(this));
        vm.deal(sender, value);
        (uint256 credit, uint256 balance) = (verifier.creditOf(other), other.balance);
        _call(sender, call, value, word);
        assert(other.balance == balance);
        assert(verifier.creditOf(other) >= credit);
        if (other != MINER && other != CHALLENGER) assert(verifier.creditOf(other) == credit);
    }

    /// @dev Coins held are the open bond, or the credit that it became, and what another challenge brought.
    function check_CoinsHeldAreThoseOwed(Run memory run, uint8 caller, uint8 call, uint96 value, bytes32 word) public {
        _dispute(run);
        address sender = caller == 0 ? MINER : caller == 1 ? CHALLENGER : STRANGER;
        vm.deal(sender, value);
        _call(sender, call, value, word);
        uint256 owed = verifier.creditOf(MINER) + verifier.creditOf(CHALLENGER) + verifier.creditOf(STRANGER);
        for (uint256 id = 0; id < verifier.disputeCount(); ++id) {
            if (verifier.disputeOf(id).turn != IOptimisticVerifier.Turn.Over) owed += run.bond;
        }
        assert(address(verifier).balance == owed);
    }

    /// @dev Exactly the credit, and nothing the second time.
    function check_WithdrawalPaysTheCreditOnce(Run memory run) public {
        _dispute(run);
        vm.assume(run.bond != 0);
        try verifier.claimTimeout(0) {}
        catch {
            vm.assume(false);
        }
        address winner = _isMinersTurn(run.turn) ? CHALLENGER : MINER;
        uint256 before = winner.balance;
        vm.prank(winner);
        verifier.withdraw();
        assert(winner.balance == before + run.bond);
        assert(address(verifier).balance == 0);
        vm.prank(winner);
        (bool again,) = address(verifier).call(abi.encodeCall(verifier.withdraw, ()));
        assert(!again);
    }
}
