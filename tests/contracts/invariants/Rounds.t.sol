// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../../../contracts/freezenet/Answers.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {RoundsHandler} from "./RoundsHandler.sol";

/// @notice What holds of the coins after any sequence of calls. Few long runs, because a round takes many calls.
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: default.invariant.runs = 4
/// forge-config: default.invariant.depth = 512
/// forge-config: long.invariant.runs = 64
/// forge-config: long.invariant.depth = 512
contract RoundsInvariants is ForgeTest {
    Rounds private rounds;
    RoundsHandler private handler;

    function setUp() public {
        vm.roll(1000);
        TaskRegistry tasks = new TaskRegistry();
        rounds = new Rounds(tasks);
        handler = new RoundsHandler{value: 1e24}(tasks, rounds);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](20);
        selectors[0] = RoundsHandler.open.selector;
        selectors[1] = RoundsHandler.fixBeacon.selector;
        selectors[2] = RoundsHandler.reopen.selector;
        selectors[3] = RoundsHandler.revealTestSet.selector;
        selectors[4] = RoundsHandler.decide.selector;
        selectors[5] = RoundsHandler.forfeit.selector;
        selectors[6] = RoundsHandler.settle.selector;
        selectors[7] = RoundsHandler.cancel.selector;
        selectors[8] = RoundsHandler.collect.selector;
        selectors[9] = RoundsHandler.withdraw.selector;
        // To take part, a miner has a few blocks for each step.
        for (uint256 i = 10; i < 20; ++i) {
            selectors[i] = RoundsHandler.commit.selector;
        }
        selectors[12] = selectors[13] = selectors[14] = RoundsHandler.reveal.selector;
        selectors[15] = selectors[16] = RoundsHandler.enrol.selector;
        selectors[17] = selectors[18] = RoundsHandler.mine.selector;
        selectors[19] = RoundsHandler.revealTestSet.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: selectors});
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev 20 · 512 = 10,240 calls.
    /// forge-config: default.invariant.runs = 20
    function invariant_CoinsInAreCoinsOutAndCoinsHeld() public view {
        assertEq(handler.paidIn(), handler.paidOut() + address(rounds).balance);
    }

    /// @dev Not one wei is here that is not burned and of which nobody can get hold.
    function invariant_CoinsHeldAreThoseOwedAndThoseBurned() public view {
        uint256 owed = rounds.burned();
        for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
            owed += rounds.creditOf(handler.actorOf(actor));
        }
        for (uint256 task = 0; task < handler.TASKS(); ++task) {
            for (uint256 round = 0; round < rounds.roundCount(task); ++round) {
                owed += _owedFor(task, round);
            }
        }
        assertEq(address(rounds).balance, owed);
    }

    function invariant_WhoCopiesOrIsSilentEnrolsNothing() public view {
        for (uint256 task = 0; task < handler.TASKS(); ++task) {
            for (uint256 round = 0; round < rounds.roundCount(task); ++round) {
                assertFalse(rounds.entryOf(task, round, handler.actorOf(handler.COPIER())).enrolled);
                assertFalse(rounds.entryOf(task, round, handler.actorOf(handler.SILENT())).enrolled);
            }
        }
    }

    function invariant_ThresholdsStayInTheirBounds() public view {
        for (uint256 task = 0; task < handler.TASKS(); ++task) {
            assertTrue(rounds.nextThreshold(task) >= 4 && rounds.nextThreshold(task) <= 10);
        }
    }

    function invariant_EveryCallEndsAsItMay() public view {
        assertEq(handler.disagreements(), 0);
    }

    /// @dev The handler can end a round in every way: the invariants are not about an empty world.
    function test_HandlerReachesEveryState() public {
        handler.settle(0);
        handler.open(0, 8, 77);
        handler.open(0, 1, 0);
        handler.open(0, 1, 1_000);
        handler.open(0, 1, 1_000);
        handler.fixBeacon(0);
        handler.mine(0);
        for (uint256 actor = 0; actor < 5; ++actor) {
            handler.commit(0, actor, 1);
        }
        handler.commit(0, 0, 1);
        handler.commit(0, 0, 0);
        handler.commit(1, 0, 0);
        handler.reopen(0);
        _mine(8);
        handler.reveal(0, 0, 6);
        handler.revealTestSet(0);
        handler.revealTestSet(0);
        handler.cancel(0);
        _mine(5);
        handler.reveal(0, 0, 11);
        handler.reveal(0, 0, 9);
        handler.reveal(0, 0, 9);
        handler.reveal(0, 1, 9);
        handler.reveal(0, 2, 1);
        handler.reveal(0, 3, 9);
        handler.decide(0, 0, 1);
        handler.decide(0, 1, 0);
        handler.forfeit(0, 1, 2, true);
        handler.forfeit(0, 1, 2, false);
        handler.collect(0, 0, 1);
        _mine(10);
        handler.enrol(0, 0);
        handler.enrol(0, 0);
        handler.enrol(0, 4);
        _mine(5);
        handler.settle(0);
        handler.settle(0);
        handler.collect(0, 0, 1);
        handler.collect(0, 0, 1);
        for (uint256 actor = 0; actor < 4; ++actor) {
            handler.withdraw(actor);
        }
        handler.withdraw(1);
        assertEq(rounds.burned(), 3 * 501 - 250);
        assertEq(address(rounds).balance, rounds.burned());
        _lostBeacon();
        _hiddenTestSet();
        bytes4[16] memory outcomes = [
            IRounds.NotSponsor.selector,
            IRounds.RoundNotOver.selector,
            IRounds.RoundUnknown.selector,
            IRounds.RoundOver.selector,
            IRounds.OutsidePhase.selector,
            IRounds.NoReward.selector,
            IRounds.ValueMismatch.selector,
            IRounds.BeaconUnreadable.selector,
            IRounds.BeaconIsFixed.selector,
            IRounds.TestSetIsRevealed.selector,
            IRounds.AlreadyCommitted.selector,
            IRounds.CommitmentMismatch.selector,
            Answers.AnswerBeyondSamples.selector,
            IRounds.NotVerifier.selector,
            IRounds.EntryDecided.selector,
            IRounds.NothingToCollect.selector
        ];
        for (uint256 i = 0; i < outcomes.length; ++i) {
            assertTrue(handler.reached(outcomes[i]) != 0);
        }
        string[6] memory ends = ["reopened", "enrolled", "forfeited", "settled", "cancelled", "collected"];
        for (uint256 i = 0; i < ends.length; ++i) {
            assertTrue(handler.reached(bytes32(bytes(ends[i]))) != 0);
        }
        assertEq(handler.disagreements(), 0);
        invariant_CoinsInAreCoinsOutAndCoinsHeld();
        invariant_CoinsHeldAreThoseOwedAndThoseBurned();
    }

    function _lostBeacon() private {
        handler.open(1, 1, 1_000);
        handler.mine(255);
        handler.fixBeacon(1);
        handler.reopen(1);
    }

    /// @dev The first task's rounds until the sponsor hides the test set, which two miners wait for.
    function _hiddenTestSet() private {
        for (uint256 round = 1; round < 4; ++round) {
            handler.open(0, 1, 1_000);
            handler.mine(0);
            if (round == 3) {
                handler.commit(0, 1, 1);
                handler.commit(0, 2, 1);
            }
            _mine(13);
            handler.cancel(0);
        }
        handler.collect(0, 3, 2);
        assertEq(rounds.creditOf(handler.actorOf(2)), 501 + 500);
    }

    function _mine(uint256 blocks) private {
        for (uint256 i = 0; i < blocks; ++i) {
            handler.mine(0);
        }
    }

    function _owedFor(uint256 task, uint256 round) private view returns (uint256 owed) {
        IRounds.Round memory found = rounds.roundOf(task, round);
        if (found.status == IRounds.Status.Open) {
            return found.reward + handler.SPONSOR_BOND() + found.bonds * uint256(handler.MINER_BOND());
        }
        for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
            IRounds.Entry memory entry = rounds.entryOf(task, round, handler.actorOf(actor));
            if (entry.closed) continue;
            if (found.status == IRounds.Status.Settled && entry.enrolled) {
                owed += handler.MINER_BOND() + found.reward / found.enrolled;
            }
            if (found.status == IRounds.Status.Cancelled && entry.digest != 0) {
                owed += handler.MINER_BOND() + handler.SPONSOR_BOND() / found.commitments;
            }
        }
    }
}
