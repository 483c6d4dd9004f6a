// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {RoundsTheory} from "./RoundsTheory.sol";

/// @notice False theorems: halmos must find the counterexample to each, or the true ones would be about nothing. One
/// for each call: that it never succeeds, or never pays.
contract RoundsReachability is RoundsTheory {
    function check_NoRoundIsEverOpened(Run memory run, address other, bytes32 testSeal) public {
        _call(run, other, abi.encodeCall(IRounds.openRound, (run.taskId, testSeal)));
        assert(false);
    }

    function check_NoBeaconIsEverFixed(Run memory run, address other) public {
        _call(run, other, abi.encodeCall(IRounds.fixBeacon, (run.taskId, run.round)));
        assert(false);
    }

    function check_NoRoundIsEverReopened(Run memory run, address other) public {
        _call(run, other, abi.encodeCall(IRounds.reopen, (run.taskId, run.round)));
        assert(false);
    }

    function check_NobodyEverCommits(Run memory run, address other, bytes32 commitment) public {
        _call(run, other, abi.encodeCall(IRounds.commit, (run.taskId, run.round, commitment)));
        assert(false);
    }

    function check_NoTestSetIsEverRevealed(Run memory run, address other, bytes32 testRoot, bytes32 salt) public {
        _call(run, other, abi.encodeCall(IRounds.revealTestSet, (run.taskId, run.round, testRoot, salt)));
        assert(false);
    }

    function check_NoRevealEverReturnsABond(
        Run memory run,
        address other,
        IRounds.Solution memory solution,
        bytes32 salt,
        bytes32 answers
    ) public {
        (Balances memory before, Balances memory later) = _call(run, other, _revealing(run, solution, salt, answers));
        assert(later.senderCredit == before.senderCredit);
    }

    function check_NobodyIsEverEnrolled(Run memory run, address other, address miner) public {
        _assumeVerifier(run);
        _call(run, other, abi.encodeCall(IRounds.enrol, (run.taskId, run.round, miner)));
        assert(false);
    }

    function check_NoChallengerIsEverRewarded(Run memory run, address other, address miner) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.forfeit, (run.taskId, run.round, miner, other)));
        assert(later.otherCredit == before.otherCredit);
    }

    /// @dev Of a round without solutions, whose products and remainders cost the solver nothing.
    function check_SettlingNeverPaysTheSponsor(Run memory run, address other) public {
        IRounds.Round memory round = rounds.roundOf(run.taskId, run.round);
        vm.assume(round.enrolled == 0 && round.bonds == 0);
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.settle, (run.taskId, run.round)));
        assert(later.otherCredit == before.otherCredit);
    }

    function check_CancellingNeverPaysTheSponsor(Run memory run, address other) public {
        vm.assume(rounds.roundOf(run.taskId, run.round).commitments == 0);
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.cancel, (run.taskId, run.round)));
        assert(later.otherCredit == before.otherCredit);
    }

    /// @dev Of one solution and no reward, for the same reason.
    function check_NoMinerEverCollects(Run memory run, address other) public {
        IRounds.Round memory round = rounds.roundOf(run.taskId, run.round);
        vm.assume(round.status == IRounds.Status.Settled && round.reward == 0 && round.enrolled == 1);
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.collect, (run.taskId, run.round, other)));
        assert(later.otherCredit == before.otherCredit);
    }

    function check_NobodyIsEverPaid(Run memory run, address other) public {
        (, Balances memory later) = _call(run, other, abi.encodeCall(IRounds.withdraw, ()));
        assert(later.sender == 0);
    }
}
