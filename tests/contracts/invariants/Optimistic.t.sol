// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IChallengePhase} from "../../../contracts/freezenet/IChallengePhase.sol";
import {ILeafDemands} from "../../../contracts/freezenet/ILeafDemands.sol";
import {IOptimisticVerifier} from "../../../contracts/freezenet/IOptimisticVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {LeafDemands} from "../../../contracts/freezenet/LeafDemands.sol";
import {OptimisticVerifier} from "../../../contracts/freezenet/OptimisticVerifier.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {OptimisticHandler} from "./OptimisticHandler.sol";

/// @notice What holds of the coins after any sequence of calls to rounds, disputes and demands together.
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: default.invariant.runs = 4
/// forge-config: default.invariant.depth = 512
/// forge-config: long.invariant.runs = 64
/// forge-config: long.invariant.depth = 512
contract OptimisticInvariants is ForgeTest {
    Rounds private rounds;
    OptimisticVerifier private verifier;
    LeafDemands private demands;
    OptimisticHandler private handler;

    function setUp() public {
        vm.roll(1000);
        TaskRegistry tasks = new TaskRegistry();
        rounds = new Rounds(tasks);
        demands = new LeafDemands(rounds, tasks);
        verifier = new OptimisticVerifier(rounds, tasks, demands);
        handler = new OptimisticHandler{value: 1e24}(tasks, rounds, verifier, demands);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](24);
        selectors[0] = OptimisticHandler.begin.selector;
        selectors[1] = OptimisticHandler.enrol.selector;
        selectors[2] = OptimisticHandler.settle.selector;
        selectors[3] = OptimisticHandler.collect.selector;
        selectors[4] = OptimisticHandler.challenge.selector;
        selectors[5] = OptimisticHandler.claimTimeout.selector;
        selectors[6] = OptimisticHandler.demand.selector;
        selectors[7] = OptimisticHandler.serve.selector;
        selectors[8] = OptimisticHandler.claimUnserved.selector;
        selectors[9] = OptimisticHandler.rejectHidden.selector;
        selectors[10] = OptimisticHandler.withdraw.selector;
        selectors[11] = OptimisticHandler.mine.selector;
        selectors[12] = OptimisticHandler.mine.selector;
        // A dispute takes up to eleven turns, of a few blocks each.
        for (uint256 i = 13; i < 24; ++i) {
            selectors[i] = OptimisticHandler.move.selector;
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Coins that came in are coins that went out, and coins that are held in one of the three.
    function invariant_CoinsInAreCoinsOutAndCoinsHeld() public view {
        uint256 held = address(rounds).balance + address(verifier).balance + address(demands).balance;
        assertEq(handler.paidIn(), handler.paidOut() + held);
    }

    function invariant_TheVerifierHoldsBondsOfOpenDisputesAndCredits() public view {
        uint256 owed = _credits(verifier);
        for (uint256 id = 0; id < verifier.disputeCount(); ++id) {
            if (verifier.disputeOf(id).turn != IOptimisticVerifier.Turn.Over) owed += handler.MINER_BOND();
        }
        assertEq(address(verifier).balance, owed);
    }

    function invariant_DemandsHoldFeesOfOpenOnesAndCredits() public view {
        uint256 owed = _credits(demands);
        for (uint256 id = 0; id < demands.demandCount(); ++id) {
            ILeafDemands.Demand memory made = demands.demandOf(id);
            if (made.open) owed += made.fee;
        }
        assertEq(address(demands).balance, owed);
    }

    /// @dev Each solution has as many disputes and demands open as it says, and no rejected one is enrolled.
    function invariant_StandingsCountWhatIsOpen() public view {
        for (uint256 round = 0; round < rounds.roundCount(0); ++round) {
            for (uint256 actor = 1; actor < 3; ++actor) {
                address miner = handler.actorOf(actor);
                IOptimisticVerifier.Standing memory standing = verifier.standingOf(0, round, miner);
                assertEq(standing.disputes, _openDisputes(round, miner));
                assertEq(demands.standingOf(0, round, miner).open, _openDemands(round, miner));
                IAccuracyVerifier.Verdict verdict = verifier.verdictOf(0, round, miner);
                if (rounds.entryOf(0, round, miner).enrolled) {
                    assertTrue(verdict == IAccuracyVerifier.Verdict.Accepted);
                }
                if (standing.rejected) assertTrue(verdict == IAccuracyVerifier.Verdict.Rejected);
            }
        }
    }

    /// @dev Nobody who tells the truth is refuted, and no refusal is without a name.
    function invariant_TheModelAgrees() public view {
        assertEq(handler.disagreements(), 0);
    }

    // That the handler gets somewhere

    function test_HandlerReachesEveryTurnAndEnd() public {
        handler.begin(1000, true);
        for (uint256 choice = 0; choice < 36; ++choice) {
            handler.challenge(choice, 0, uint8(choice % 10), 1);
            for (uint256 turn = 0; turn < 11; ++turn) {
                handler.move(0, choice * 7 + turn, 1);
            }
        }
        assertEq(verifier.creditOf(handler.actorOf(1)), 36 * handler.MINER_BOND());
        handler.demand(0, 0, true, 3, 2);
        handler.demand(1, 1, false, 42, 3);
        handler.serve(1);
        handler.challenge(0, 1, 0, 0);
        handler.challenge(0, 1, 10, 1);
        handler.challenge(0, 1, 1, 1);
        handler.move(0, 0, 16);
        handler.claimTimeout(36);
        for (uint256 i = 0; i < 3; ++i) {
            handler.mine(2);
        }
        handler.claimUnserved(1);
        handler.rejectHidden(0, 0);
        handler.rejectHidden(0, 1);
        handler.rejectHidden(0, 1);
        handler.claimTimeout(36);
        handler.mine(255);
        handler.mine(255);
        handler.enrol(0);
        handler.enrol(1);
        handler.mine(255);
        handler.mine(255);
        handler.settle();
        handler.collect(0, 0);
        for (uint256 i = 0; i < 15; ++i) {
            handler.withdraw(i, uint8(i / 5));
        }
        for (uint256 turn = 1; turn < 12; ++turn) {
            assertTrue(handler.reached(bytes32(turn)) != 0);
        }
        bytes4[15] memory outcomes = [
            IRounds.enrol.selector,
            IRounds.settle.selector,
            IRounds.collect.selector,
            IOptimisticVerifier.claimTimeout.selector,
            ILeafDemands.serve.selector,
            ILeafDemands.claimUnserved.selector,
            IChallengePhase.withdraw.selector,
            IOptimisticVerifier.ValueMismatch.selector,
            IOptimisticVerifier.NotDeclared.selector,
            IOptimisticVerifier.NotYourTurn.selector,
            IChallengePhase.DeadlineNotPassed.selector,
            IOptimisticVerifier.NothingHidden.selector,
            IRounds.EntryDecided.selector,
            IOptimisticVerifier.rejectHidden.selector,
            IOptimisticVerifier.AlreadyRejected.selector
        ];
        for (uint256 i = 0; i < outcomes.length; ++i) {
            assertTrue(handler.reached(outcomes[i]) != 0);
        }
        invariant_CoinsInAreCoinsOutAndCoinsHeld();
        invariant_TheVerifierHoldsBondsOfOpenDisputesAndCredits();
        invariant_DemandsHoldFeesOfOpenOnesAndCredits();
        invariant_StandingsCountWhatIsOpen();
        invariant_TheModelAgrees();
    }

    function _credits(IChallengePhase ledger) private view returns (uint256 owed) {
        for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
            owed += ledger.creditOf(handler.actorOf(actor));
        }
    }

    function _openDisputes(uint256 round, address miner) private view returns (uint256 open) {
        for (uint256 id = 0; id < verifier.disputeCount(); ++id) {
            IOptimisticVerifier.Dispute memory dispute = verifier.disputeOf(id);
            bool over = dispute.turn == IOptimisticVerifier.Turn.Over;
            if (dispute.round == round && dispute.miner == miner && !over) ++open;
        }
    }

    function _openDemands(uint256 round, address miner) private view returns (uint256 open) {
        for (uint256 id = 0; id < demands.demandCount(); ++id) {
            ILeafDemands.Demand memory made = demands.demandOf(id);
            if (made.round == round && made.miner == miner && made.open) ++open;
        }
    }
}
