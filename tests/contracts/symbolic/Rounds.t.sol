// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {RoundsTheory} from "./RoundsTheory.sol";

/// @notice What each call of the rounds does to ether and credits, for all states and values at once; halmos proves it
/// (tests/tooling/test_halmos.py). `other` is any account that does not call. Its ether never moves; its credit never
/// falls, and rises only where the call names it: a challenger, a miner who collects, the sponsor of a round that ends.
contract RoundsProofs is RoundsTheory {
    function check_OpeningTakesWhatIsSentAndCreditsNobody(Run memory run, address other, bytes32 testSeal) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.openRound, (run.taskId, testSeal)));
        _assertOnlySent(run, before, later);
        _assertCreditsStand(before, later);
        assert(run.sender == _sponsorOf(run) && run.value > oracle.taskOf(run.taskId).terms.sponsorBond);
    }

    function check_FixingTheBeaconMovesNothing(Run memory run, address other) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.fixBeacon, (run.taskId, run.round)));
        _assertNothingSent(run, before, later);
        _assertCreditsStand(before, later);
    }

    function check_ReopeningMovesNothing(Run memory run, address other) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.reopen, (run.taskId, run.round)));
        _assertNothingSent(run, before, later);
        _assertCreditsStand(before, later);
    }

    function check_CommittingTakesTheBondAndCreditsNobody(Run memory run, address other, bytes32 commitment) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.commit, (run.taskId, run.round, commitment)));
        _assertOnlySent(run, before, later);
        _assertCreditsStand(before, later);
        assert(run.value == rounds.bondOf(run.taskId, run.round));
    }

    function check_RevealingTheTestSetMovesNothing(Run memory run, address other, bytes32 testRoot, bytes32 salt)
        public
    {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.revealTestSet, (run.taskId, run.round, testRoot, salt)));
        _assertNothingSent(run, before, later);
        _assertCreditsStand(before, later);
    }

    /// @dev The sender's own bond, if the solution is below the threshold; else nothing.
    function check_RevealingReturnsAtMostTheSendersOwnBond(
        Run memory run,
        address other,
        IRounds.Solution memory solution,
        bytes32 salt,
        bytes32 answers
    ) public {
        (Balances memory before, Balances memory later) = _call(run, other, _revealing(run, solution, salt, answers));
        _assertNothingSent(run, before, later);
        assert(later.otherCredit == before.otherCredit && later.burned == before.burned);
        bool closed = rounds.entryOf(run.taskId, run.round, run.sender).closed;
        uint256 bond = rounds.bondOf(run.taskId, run.round);
        uint256 gained = _rise(before.senderCredit, later.senderCredit);
        assert(gained == 0 || (gained == bond && closed));
    }

    function check_EnrollingMovesNothing(Run memory run, address other, address miner) public {
        _assumeVerifier(run);
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.enrol, (run.taskId, run.round, miner)));
        _assertNothingSent(run, before, later);
        _assertCreditsStand(before, later);
    }

    /// @dev By the verifier alone; half of the bond is the challenger's, if there is one, and all the rest is burned.
    function check_ForfeitingSplitsTheBondBetweenChallengerAndFire(
        Run memory run,
        address other,
        address miner,
        address challenger
    ) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.forfeit, (run.taskId, run.round, miner, challenger)));
        _assertNothingSent(run, before, later);
        uint256 bond = rounds.bondOf(run.taskId, run.round);
        uint256 gained = _rise(before.otherCredit, later.otherCredit);
        assert(run.sender == address(rounds.roundOf(run.taskId, run.round).verifier));
        assert(gained == (other == challenger && other != address(0) ? bond / 2 : 0));
        assert(_rise(before.burned, later.burned) == (challenger == address(0) ? bond : bond - bond / 2));
        assert(run.sender == challenger || later.senderCredit == before.senderCredit);
        assert(later.senderCredit >= before.senderCredit);
    }

    /// @dev By anybody; credits are the sponsor's, of at least its bond.
    function check_SettlingCreditsTheSponsorAlone(Run memory run, address other) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.settle, (run.taskId, run.round)));
        _assertNothingSent(run, before, later);
        assert(later.burned >= before.burned);
        _assertSponsorsAlone(run, other, before, later);
        uint256 bond = oracle.taskOf(run.taskId).terms.sponsorBond;
        if (other == _sponsorOf(run)) assert(_rise(before.otherCredit, later.otherCredit) >= bond);
    }

    /// @dev By anybody; credits are the sponsor's, of at least the reward.
    function check_CancellingCreditsTheSponsorAlone(Run memory run, address other) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.cancel, (run.taskId, run.round)));
        _assertNothingSent(run, before, later);
        assert(later.burned == before.burned);
        _assertSponsorsAlone(run, other, before, later);
        uint256 reward = rounds.roundOf(run.taskId, run.round).reward;
        if (other == _sponsorOf(run)) assert(_rise(before.otherCredit, later.otherCredit) >= reward);
    }

    /// @dev By anybody; the miner is credited its bond at least, and nobody anything else.
    function check_CollectingCreditsTheMinerAlone(Run memory run, address other, address miner) public {
        (Balances memory before, Balances memory later) =
            _call(run, other, abi.encodeCall(IRounds.collect, (run.taskId, run.round, miner)));
        _assertNothingSent(run, before, later);
        assert(later.burned == before.burned);
        uint256 bond = rounds.bondOf(run.taskId, run.round);
        uint256 gained = _rise(before.otherCredit, later.otherCredit);
        assert(other == miner ? gained >= bond : gained == 0);
        assert(run.sender == miner || later.senderCredit == before.senderCredit);
        assert(later.senderCredit >= before.senderCredit);
        assert(rounds.entryOf(run.taskId, run.round, miner).closed);
    }

    /// @dev Exactly the caller's credit leaves, to the caller, and is gone.
    function check_WithdrawalPaysTheCallersCreditAndNoOther(Run memory run, address other) public {
        (Balances memory before, Balances memory later) = _call(run, other, abi.encodeCall(IRounds.withdraw, ()));
        assert(run.value == 0 && before.senderCredit != 0 && before.senderCredit <= before.held);
        assert(later.senderCredit == 0 && later.otherCredit == before.otherCredit);
        assert(_rise(later.held, before.held) == before.senderCredit);
        assert(_rise(before.sender, later.sender) == before.senderCredit);
        assert(later.other == before.other && later.burned == before.burned);
    }

    /// @dev What is held rises by what the sender sent and by nothing else; what others have stands.
    function _assertOnlySent(Run memory run, Balances memory before, Balances memory later) private pure {
        assert(_rise(before.held, later.held) == run.value);
        assert(_rise(later.sender, before.sender) == run.value);
        assert(later.other == before.other);
    }

    /// @dev Nor can anything be sent.
    function _assertNothingSent(Run memory run, Balances memory before, Balances memory later) private pure {
        assert(run.value == 0);
        _assertOnlySent(run, before, later);
    }

    function _assertCreditsStand(Balances memory before, Balances memory later) private pure {
        assert(later.senderCredit == before.senderCredit && later.otherCredit == before.otherCredit);
        assert(later.burned == before.burned);
    }

    /// @dev A fall is a failed assertion; the panic of a subtraction would be no counterexample for halmos.
    function _rise(uint256 before, uint256 later) private pure returns (uint256) {
        assert(later >= before);
        return later - before;
    }

    function _assertSponsorsAlone(Run memory run, address other, Balances memory before, Balances memory later)
        private
        view
    {
        address sponsor = _sponsorOf(run);
        assert(later.senderCredit >= before.senderCredit && later.otherCredit >= before.otherCredit);
        assert(other == sponsor || later.otherCredit == before.otherCredit);
        assert(run.sender == sponsor || later.senderCredit == before.senderCredit);
    }
}
