// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../../../contracts/freezenet/Answers.sol";
import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {RoundsTest} from "./RoundsTest.sol";

contract RoundsUnitTest is RoundsTest {
    event RoundOpened(
        uint256 indexed taskId, uint256 indexed round, uint256 reward, uint256 threshold, bytes32 testSeal
    );
    event SolutionCommitted(uint256 indexed taskId, uint256 indexed round, address indexed miner, bytes32 commitment);
    event BondLost(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, address rewarded, uint256 burned
    );
    event RoundSettled(
        uint256 indexed taskId, uint256 indexed round, uint256 solutions, uint256 burned, uint256 nextThreshold
    );

    // A round, from its opening to its end

    function test_SolutionsShareTheReward() public {
        _openWith(_miners(ALICE, BOB, CAROL));
        _reveal(ALICE, 80);
        _reveal(BOB, 95);
        _reveal(CAROL, 100);
        vm.roll(CHALLENGE_END + 1);
        _enrol(ALICE);
        _enrol(BOB);
        _enrol(CAROL);
        vm.roll(ENROL_END + 1);
        vm.expectEmit(true, true, true, true, address(rounds));
        emit RoundSettled(0, 0, 3, 0, 85);
        rounds.settle(0, 0);
        rounds.collect(0, 0, ALICE);
        rounds.collect(0, 0, BOB);
        rounds.collect(0, 0, CAROL);
        assertEq(_withdraw(ALICE), REWARD / 3 + MINER_BOND);
        assertEq(_withdraw(BOB), REWARD / 3 + MINER_BOND);
        assertEq(_withdraw(CAROL), REWARD / 3 + MINER_BOND);
        assertEq(_withdraw(SPONSOR), SPONSOR_BOND + REWARD % 3);
        assertEq(address(rounds).balance, 0);
        assertEq(rounds.nextThreshold(0), 85);
    }

    function test_OpeningPutsUpRewardAndBond() public {
        bytes32 seal = keccak256(abi.encode(TEST_ROOT, SALT));
        vm.expectEmit(true, true, true, true, address(rounds));
        emit RoundOpened(0, 0, REWARD, 80, seal);
        assertEq(_open(), 0);
        IRounds.Round memory round = rounds.roundOf(0, 0);
        assertEq(round.openedBlock, OPENED);
        assertEq(round.threshold, 80);
        assertEq(round.reward, REWARD);
        assertEq(round.testSeal, seal);
        assertEq(round.testRoot, 0);
        assertTrue(round.status == IRounds.Status.Open);
        assertEq(address(rounds).balance, REWARD + SPONSOR_BOND);
        assertEq(rounds.roundCount(0), 1);
    }

    function test_PhasesFollowEachOther() public {
        _open();
        uint256[6] memory ends = [OPENED, COMMIT_END, TEST_END, REVEAL_END, CHALLENGE_END, ENROL_END];
        for (uint256 i = 0; i < 5; ++i) {
            (uint256 first, uint256 last) = rounds.phaseOf(0, 0, IRounds.Phase(i));
            assertEq(first, ends[i] + 1);
            assertEq(last, ends[i + 1]);
        }
    }

    function test_FirstCommitmentFixesTheBeacon() public {
        _open();
        vm.roll(OPENED + 256);
        // 100 blocks for commitments: too late by far; the beacon may still be fixed.
        rounds.fixBeacon(0, 0);
        assertEq(rounds.roundOf(0, 0).beacon, blockhash(OPENED));
        _end();
        vm.roll(OPENED + 600);
        _open();
        vm.roll(OPENED + 601);
        bytes32 commitment = keccak256(abi.encode(_solution(ALICE), SALT, ALICE));
        vm.expectEmit(true, true, true, true, address(rounds));
        emit SolutionCommitted(0, 1, ALICE, commitment);
        vm.prank(ALICE);
        rounds.commit{value: MINER_BOND}(0, 1, commitment);
        assertEq(rounds.roundOf(0, 1).beacon, blockhash(OPENED + 600));
        assertEq(rounds.roundOf(0, 1).commitments, 1);
    }

    /// @dev Seeds are those of the miner, the round and the contract: nobody trains for another.
    function test_SeedsAreBound() public {
        _open();
        vm.roll(OPENED + 1);
        rounds.fixBeacon(0, 0);
        ITaskRegistry.Task memory task = tasks.taskOf(0);
        bytes32 expected = keccak256(
            abi.encode(
                "freezenet/v1",
                block.chainid,
                address(rounds),
                uint256(0),
                uint256(0),
                blockhash(OPENED),
                ALICE,
                uint256(task.length),
                task.architectureHash
            )
        );
        assertEq(rounds.seedOf(0, 0, ALICE), expected);
        assertTrue(rounds.seedOf(0, 0, BOB) != expected);
    }

    function test_RoundBeginsAgainAfterItsBeaconWasLost() public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.commitBlocks = 1000;
        vm.startPrank(SPONSOR);
        tasks.register(terms, _layers());
        rounds.openRound{value: REWARD + SPONSOR_BOND}(1, "seal");
        vm.stopPrank();
        vm.roll(OPENED + 257);
        rounds.reopen(1, 0);
        assertEq(rounds.roundOf(1, 0).openedBlock, OPENED + 257);
        (, uint256 last) = rounds.phaseOf(1, 0, IRounds.Phase.Enrol);
        assertEq(last, OPENED + 257 + 1000 + 10 + 20 + 50 + 50);
        vm.roll(OPENED + 258);
        rounds.fixBeacon(1, 0);
        assertEq(rounds.roundOf(1, 0).beacon, blockhash(OPENED + 257));
    }

    function test_BelowTheThresholdTheBondGoesBackAtOnce() public {
        _openWith(_miners(ALICE, BOB, address(0)));
        _reveal(ALICE, 79);
        assertEq(_withdraw(ALICE), MINER_BOND);
        assertTrue(rounds.entryOf(0, 0, ALICE).closed);
        assertEq(rounds.roundOf(0, 0).bonds, 1);
    }

    /// @dev No verdict, a rejection, or no opening: the bond is burned when the round is settled.
    function test_BondsOfAllOthersAreBurned() public {
        _openWith(_miners(ALICE, BOB, CAROL));
        _reveal(ALICE, 90);
        _reveal(BOB, 90);
        verifier.decide(0, 0, BOB, IAccuracyVerifier.Verdict.Rejected);
        vm.roll(ENROL_END + 1);
        vm.expectEmit(true, true, true, true, address(rounds));
        emit RoundSettled(0, 0, 0, 3 * uint256(MINER_BOND), 75);
        rounds.settle(0, 0);
        assertEq(rounds.burned(), 3 * uint256(MINER_BOND));
        assertEq(_withdraw(SPONSOR), REWARD + SPONSOR_BOND);
        assertEq(address(rounds).balance, rounds.burned());
    }

    function test_HalfOfALostBondIsTheChallengers() public {
        _openWith(_miners(ALICE, BOB, address(0)));
        _reveal(ALICE, 90);
        vm.expectEmit(true, true, true, true, address(rounds));
        emit BondLost(0, 0, ALICE, CAROL, MINER_BOND / 2);
        verifier.forfeit(rounds, 0, 0, ALICE, CAROL);
        assertEq(_withdraw(CAROL), MINER_BOND / 2);
        _reveal(BOB, 90);
        verifier.forfeit(rounds, 0, 0, BOB, address(0));
        assertEq(rounds.burned(), MINER_BOND / 2 + uint256(MINER_BOND));
        assertEq(rounds.creditOf(address(0)), 0);
        assertEq(rounds.roundOf(0, 0).bonds, 0);
    }

    function test_SponsorWhoHidesTheTestSetPaysTheMiners() public {
        _open();
        vm.roll(OPENED + 1);
        _commit(ALICE);
        _commit(BOB);
        _commit(CAROL);
        vm.roll(TEST_END + 1);
        rounds.cancel(0, 0);
        rounds.collect(0, 0, ALICE);
        rounds.collect(0, 0, BOB);
        rounds.collect(0, 0, CAROL);
        assertEq(_withdraw(ALICE), MINER_BOND + SPONSOR_BOND / 3);
        assertEq(_withdraw(BOB), MINER_BOND + SPONSOR_BOND / 3);
        assertEq(_withdraw(CAROL), MINER_BOND + SPONSOR_BOND / 3);
        assertEq(_withdraw(SPONSOR), REWARD + SPONSOR_BOND % 3);
        assertEq(address(rounds).balance, 0);
        // He could otherwise lower the threshold by it.
        assertEq(rounds.nextThreshold(0), 80);
    }

    function test_EmptyRoundsLowerTheThresholdToItsFloor() public {
        uint8[3] memory thresholds = [75, 72, 72];
        for (uint256 i = 0; i < 3; ++i) {
            _open();
            vm.roll(block.number + 101);
            rounds.cancel(0, i);
            assertEq(rounds.nextThreshold(0), thresholds[i]);
        }
        assertEq(_withdraw(SPONSOR), 3 * (REWARD + SPONSOR_BOND));
        _open();
        assertEq(rounds.roundOf(0, 3).threshold, 72);
    }

    function test_CopiedCommitmentFitsNobodyElse() public {
        _open();
        vm.roll(OPENED + 1);
        _commit(ALICE);
        bytes32 commitment = rounds.entryOf(0, 0, ALICE).digest;
        vm.prank(BOB);
        rounds.commit{value: MINER_BOND}(0, 0, commitment);
        vm.roll(COMMIT_END + 1);
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.roll(TEST_END + 1);
        _reveal(ALICE, 90);
        bytes32 actual = keccak256(abi.encode(_solution(ALICE), SALT, BOB));
        vm.expectRevert(abi.encodeWithSelector(IRounds.CommitmentMismatch.selector, commitment, actual));
        vm.prank(BOB);
        rounds.reveal(0, 0, _solution(ALICE), SALT, _answers(90, 100));
    }

    /// @dev The interface draws the layout.
    function test_RoundLiesInItsSlotsAsDrawn() public {
        _openWith(_miners(ALICE, BOB, CAROL));
        _reveal(ALICE, 90);
        _reveal(BOB, 10);
        vm.roll(CHALLENGE_END + 1);
        _enrol(ALICE);
        uint256 first = uint256(keccak256(abi.encode(keccak256(abi.encode(0, 1)))));
        assertEq(
            _slot(first),
            OPENED | 80 << 48 | 3 << 80 | 1 << 112 | 2 << 144 | 100 << 176 | uint256(IRounds.Status.Open) << 208
        );
        assertEq(_slot(first + 1), uint256(uint160(address(verifier))) | uint256(MINER_BOND) << 160);
        assertEq(
            _slot(first + 2), COMMIT_END | TEST_END << 48 | REVEAL_END << 96 | CHALLENGE_END << 144 | ENROL_END << 192
        );
        assertEq(_slot(first + 3), REWARD);
        assertEq(bytes32(_slot(first + 4)), rounds.roundOf(0, 0).beacon);
        assertEq(bytes32(_slot(first + 5)), keccak256(abi.encode(TEST_ROOT, SALT)));
        assertEq(bytes32(_slot(first + 6)), TEST_ROOT);
    }

    // What is refused: opening

    function testFuzz_RevertWhen_AnotherThanTheSponsorOpens(address other) public {
        vm.assume(other != SPONSOR);
        vm.deal(other, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotSponsor.selector, 0, SPONSOR, other));
        vm.prank(other);
        rounds.openRound{value: REWARD + SPONSOR_BOND}(0, "seal");
    }

    function test_RevertWhen_ThereIsNoRewardOrBond() public {
        vm.startPrank(SPONSOR);
        vm.expectRevert(abi.encodeWithSelector(IRounds.NoReward.selector));
        rounds.openRound{value: SPONSOR_BOND}(0, "seal");
        vm.expectRevert(abi.encodeWithSelector(IRounds.ValueMismatch.selector, SPONSOR_BOND, SPONSOR_BOND - 1));
        rounds.openRound{value: SPONSOR_BOND - 1}(0, "seal");
        vm.expectRevert(abi.encodeWithSelector(IRounds.ZeroHash.selector));
        rounds.openRound{value: REWARD + SPONSOR_BOND}(0, 0);
    }

    function test_RevertWhen_TheRoundBeforeIsOpen() public {
        _open();
        vm.expectRevert(abi.encodeWithSelector(IRounds.RoundNotOver.selector, 0, 0));
        vm.prank(SPONSOR);
        rounds.openRound{value: REWARD + SPONSOR_BOND}(0, "seal");
    }

    function test_RevertWhen_TaskIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(ITaskRegistry.TaskUnknown.selector, 1));
        rounds.openRound{value: 1}(1, "seal");
    }

    function testFuzz_RevertWhen_RoundIsUnknown(uint256 round) public {
        _open();
        round = bound(round, 1, type(uint256).max);
        bytes memory reason = abi.encodeWithSelector(IRounds.RoundUnknown.selector, 0, round);
        vm.expectRevert(reason);
        rounds.commit(0, round, "commitment");
        vm.expectRevert(reason);
        rounds.roundOf(0, round);
        vm.expectRevert(reason);
        rounds.settle(0, round);
        vm.expectRevert(reason);
        rounds.collect(0, round, ALICE);
        vm.expectRevert(reason);
        rounds.seedOf(0, round, ALICE);
    }

    // What is refused: beacons

    function test_RevertWhen_TheBeaconCannotBeRead() public {
        _open();
        vm.expectRevert(abi.encodeWithSelector(IRounds.BeaconUnreadable.selector, OPENED, OPENED));
        rounds.fixBeacon(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.BeaconNotFixed.selector, 0, 0));
        rounds.seedOf(0, 0, ALICE);
        vm.roll(OPENED + 257);
        vm.expectRevert(abi.encodeWithSelector(IRounds.BeaconUnreadable.selector, OPENED, OPENED + 257));
        rounds.fixBeacon(0, 0);
    }

    function test_RevertWhen_TheBeaconIsFixed() public {
        _open();
        vm.roll(OPENED + 1);
        rounds.fixBeacon(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.BeaconIsFixed.selector, 0, 0));
        rounds.fixBeacon(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.BeaconIsFixed.selector, 0, 0));
        rounds.reopen(0, 0);
    }

    /// @dev A round of fewer than 257 blocks for commitments is never begun again; it is cancelled.
    function test_RevertWhen_ReopenedTooEarlyOrTooLate() public {
        _open();
        uint256[3] memory blocks = [OPENED + 1, OPENED + 256, OPENED + 257];
        for (uint256 i = 0; i < 3; ++i) {
            vm.roll(blocks[i]);
            vm.expectRevert(abi.encodeWithSelector(IRounds.OutsidePhase.selector, OPENED + 257, COMMIT_END, blocks[i]));
            rounds.reopen(0, 0);
        }
    }

    // What is refused: commitments

    function test_RevertWhen_CommittedOutsideThePhase() public {
        _open();
        bytes4 selector = IRounds.OutsidePhase.selector;
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(selector, OPENED + 1, COMMIT_END, OPENED));
        rounds.commit{value: MINER_BOND}(0, 0, "commitment");
        vm.roll(COMMIT_END + 1);
        vm.expectRevert(abi.encodeWithSelector(selector, OPENED + 1, COMMIT_END, COMMIT_END + 1));
        rounds.commit{value: MINER_BOND}(0, 0, "commitment");
        vm.roll(COMMIT_END);
        rounds.commit{value: MINER_BOND}(0, 0, "commitment");
    }

    function testFuzz_RevertWhen_TheBondIsAnother(uint64 bond) public {
        vm.assume(bond != MINER_BOND);
        _open();
        vm.roll(OPENED + 1);
        vm.deal(ALICE, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(IRounds.ValueMismatch.selector, MINER_BOND, bond));
        vm.prank(ALICE);
        rounds.commit{value: bond}(0, 0, "commitment");
    }

    function test_RevertWhen_CommittedTwiceOrToNothing() public {
        _open();
        vm.roll(OPENED + 1);
        _commit(ALICE);
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRounds.AlreadyCommitted.selector, 0, 0, ALICE));
        rounds.commit{value: MINER_BOND}(0, 0, "another");
        vm.expectRevert(abi.encodeWithSelector(IRounds.ZeroHash.selector));
        rounds.commit{value: MINER_BOND}(0, 0, 0);
    }

    // What is refused: the test set

    function test_RevertWhen_TheTestSetIsNotRevealedAsSealed() public {
        _open();
        vm.startPrank(SPONSOR);
        vm.expectRevert(abi.encodeWithSelector(IRounds.OutsidePhase.selector, COMMIT_END + 1, TEST_END, OPENED));
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.roll(COMMIT_END + 1);
        bytes32 seal = keccak256(abi.encode(TEST_ROOT, SALT));
        bytes32 actual = keccak256(abi.encode(TEST_ROOT, bytes32("pepper")));
        vm.expectRevert(abi.encodeWithSelector(IRounds.SealMismatch.selector, seal, actual));
        rounds.revealTestSet(0, 0, TEST_ROOT, "pepper");
        vm.expectRevert(abi.encodeWithSelector(IRounds.ZeroHash.selector));
        rounds.revealTestSet(0, 0, 0, SALT);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.expectRevert(abi.encodeWithSelector(IRounds.TestSetIsRevealed.selector, 0, 0));
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotSponsor.selector, 0, SPONSOR, address(this)));
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
    }

    function test_RevertWhen_TheTestSetComesTooLate() public {
        _open();
        vm.roll(TEST_END + 1);
        bytes4 selector = IRounds.OutsidePhase.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, COMMIT_END + 1, TEST_END, TEST_END + 1));
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
    }

    // What is refused: revealing

    function test_RevertWhen_RevealedOutsideThePhase() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        uint256[2] memory blocks = [TEST_END, REVEAL_END + 1];
        for (uint256 i = 0; i < 2; ++i) {
            vm.roll(blocks[i]);
            vm.expectRevert(abi.encodeWithSelector(IRounds.OutsidePhase.selector, TEST_END + 1, REVEAL_END, blocks[i]));
            vm.prank(ALICE);
            rounds.reveal(0, 0, _solution(ALICE), SALT, _answers(90, 100));
        }
    }

    function test_RevertWhen_TheTestSetIsSealed() public {
        _open();
        vm.roll(OPENED + 1);
        _commit(ALICE);
        vm.roll(TEST_END + 1);
        vm.expectRevert(abi.encodeWithSelector(IRounds.TestSetSealed.selector, 0, 0));
        vm.prank(ALICE);
        rounds.reveal(0, 0, _solution(ALICE), SALT, _answers(90, 100));
        vm.roll(ENROL_END + 1);
        vm.expectRevert(abi.encodeWithSelector(IRounds.TestSetSealed.selector, 0, 0));
        rounds.settle(0, 0);
    }

    function test_RevertWhen_AnotherSolutionIsRevealed() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        bytes32 expected = rounds.entryOf(0, 0, ALICE).digest;
        for (uint256 fault = 0; fault < 5; ++fault) {
            IRounds.Solution memory solution = _solution(ALICE);
            if (fault == 0) solution.freeRoot = "other";
            if (fault == 1) ++solution.freeCount;
            if (fault == 2) solution.numbersRoot = "other";
            if (fault == 3) solution.contentDigest = "other";
            bytes32 salt = fault == 4 ? bytes32("pepper") : SALT;
            bytes32 actual = keccak256(abi.encode(solution, salt, ALICE));
            vm.expectRevert(abi.encodeWithSelector(IRounds.CommitmentMismatch.selector, expected, actual));
            vm.prank(ALICE);
            rounds.reveal(0, 0, solution, salt, _answers(90, 100));
        }
    }

    function test_RevertWhen_ThereIsNothingToReveal() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        _reveal(ALICE, 90);
        address[2] memory miners = [ALICE, BOB];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRounds.NothingToReveal.selector, 0, 0, miners[i]));
            vm.prank(miners[i]);
            rounds.reveal(0, 0, _solution(miners[i]), SALT, _answers(90, 100));
        }
    }

    function test_RevertWhen_AnswersAreOfAnotherTestSet() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        for (uint256 length = 12; length <= 14; length += 2) {
            vm.expectRevert(abi.encodeWithSelector(Answers.AnswersLengthMismatch.selector, 13, length));
            vm.prank(ALICE);
            rounds.reveal(0, 0, _solution(ALICE), SALT, new bytes(length));
        }
        // 100 samples leave four bits of the thirteenth byte.
        for (uint256 bit = 4; bit < 8; ++bit) {
            bytes memory answers = _answers(100, 100);
            answers[12] |= bytes1(uint8(1 << bit));
            vm.expectRevert(abi.encodeWithSelector(Answers.AnswerBeyondSamples.selector, 100));
            vm.prank(ALICE);
            rounds.reveal(0, 0, _solution(ALICE), SALT, answers);
        }
    }

    // What is refused: enrolling and forfeiting

    function test_RevertWhen_NotAccepted() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        _reveal(ALICE, 90);
        vm.roll(CHALLENGE_END + 1);
        for (uint256 i = 0; i < 3; i += 2) {
            verifier.decide(0, 0, ALICE, IAccuracyVerifier.Verdict(i));
            vm.expectRevert(
                abi.encodeWithSelector(IRounds.NotAccepted.selector, 0, 0, ALICE, IAccuracyVerifier.Verdict(i))
            );
            rounds.enrol(0, 0, ALICE);
        }
    }

    function test_RevertWhen_EnrolledOutsideThePhase() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        _reveal(ALICE, 90);
        verifier.decide(0, 0, ALICE, IAccuracyVerifier.Verdict.Accepted);
        uint256[2] memory blocks = [CHALLENGE_END, ENROL_END + 1];
        for (uint256 i = 0; i < 2; ++i) {
            vm.roll(blocks[i]);
            bytes4 selector = IRounds.OutsidePhase.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, CHALLENGE_END + 1, ENROL_END, blocks[i]));
            rounds.enrol(0, 0, ALICE);
        }
    }

    function test_RevertWhen_ThereIsNoSolution() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        vm.roll(CHALLENGE_END + 1);
        verifier.decide(0, 0, ALICE, IAccuracyVerifier.Verdict.Accepted);
        bytes memory reason = abi.encodeWithSelector(IRounds.NoSolution.selector, 0, 0, ALICE);
        vm.expectRevert(reason);
        rounds.enrol(0, 0, ALICE);
        vm.expectRevert(reason);
        verifier.forfeit(rounds, 0, 0, ALICE, BOB);
    }

    function test_RevertWhen_TheEntryIsDecided() public {
        _openWith(_miners(ALICE, BOB, CAROL));
        _reveal(ALICE, 90);
        _reveal(BOB, 10);
        _reveal(CAROL, 90);
        verifier.forfeit(rounds, 0, 0, CAROL, SPONSOR);
        vm.roll(CHALLENGE_END + 1);
        _enrol(ALICE);
        address[3] memory miners = [ALICE, BOB, CAROL];
        for (uint256 i = 0; i < 3; ++i) {
            verifier.decide(0, 0, miners[i], IAccuracyVerifier.Verdict.Accepted);
            bytes memory reason = abi.encodeWithSelector(IRounds.EntryDecided.selector, 0, 0, miners[i]);
            vm.expectRevert(reason);
            rounds.enrol(0, 0, miners[i]);
            vm.expectRevert(reason);
            verifier.forfeit(rounds, 0, 0, miners[i], SPONSOR);
        }
    }

    function testFuzz_RevertWhen_AnotherThanTheVerifierForfeits(address other) public {
        vm.assume(other != address(verifier));
        _openWith(_miners(ALICE, address(0), address(0)));
        _reveal(ALICE, 90);
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotVerifier.selector, address(verifier), other));
        vm.prank(other);
        rounds.forfeit(0, 0, ALICE, other);
    }

    // What is refused: ends

    function test_RevertWhen_SettledTooEarly() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        vm.roll(ENROL_END);
        bytes4 selector = IRounds.OutsidePhase.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, ENROL_END + 1, type(uint256).max, ENROL_END));
        rounds.settle(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.RoundNotOver.selector, 0, 0));
        rounds.collect(0, 0, ALICE);
    }

    function test_RevertWhen_CancelledTooEarlyOrWithoutReason() public {
        _open();
        vm.roll(COMMIT_END);
        bytes4 selector = IRounds.OutsidePhase.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, COMMIT_END + 1, type(uint256).max, COMMIT_END));
        rounds.cancel(0, 0);
        _commit(ALICE);
        vm.roll(TEST_END);
        vm.expectRevert(abi.encodeWithSelector(selector, TEST_END + 1, type(uint256).max, TEST_END));
        rounds.cancel(0, 0);
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.roll(ENROL_END + 1);
        vm.expectRevert(abi.encodeWithSelector(IRounds.TestSetIsRevealed.selector, 0, 0));
        rounds.cancel(0, 0);
    }

    function test_RevertWhen_TheRoundIsOver() public {
        _open();
        _end();
        bytes memory reason = abi.encodeWithSelector(IRounds.RoundOver.selector, 0, 0, IRounds.Status.Cancelled);
        vm.expectRevert(reason);
        rounds.fixBeacon(0, 0);
        vm.expectRevert(reason);
        rounds.reopen(0, 0);
        vm.expectRevert(reason);
        rounds.commit{value: 0}(0, 0, "commitment");
        vm.expectRevert(reason);
        rounds.reveal(0, 0, _solution(ALICE), SALT, _answers(1, 100));
        vm.expectRevert(reason);
        rounds.enrol(0, 0, ALICE);
        vm.expectRevert(reason);
        verifier.forfeit(rounds, 0, 0, ALICE, BOB);
        vm.expectRevert(reason);
        rounds.settle(0, 0);
        vm.expectRevert(reason);
        rounds.cancel(0, 0);
        vm.expectRevert(reason);
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
    }

    function test_RevertWhen_ThereIsNothingToCollect() public {
        _openWith(_miners(ALICE, BOB, CAROL));
        _reveal(ALICE, 90);
        _reveal(BOB, 10);
        vm.roll(CHALLENGE_END + 1);
        _enrol(ALICE);
        vm.roll(ENROL_END + 1);
        rounds.settle(0, 0);
        rounds.collect(0, 0, ALICE);
        address[4] memory miners = [ALICE, BOB, CAROL, SPONSOR];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRounds.NothingToCollect.selector, 0, 0, miners[i]));
            rounds.collect(0, 0, miners[i]);
        }
    }

    function test_RevertWhen_CollectedTwiceOfACancelledRound() public {
        _open();
        vm.roll(OPENED + 1);
        _commit(ALICE);
        vm.roll(TEST_END + 1);
        rounds.cancel(0, 0);
        rounds.collect(0, 0, ALICE);
        address[2] memory miners = [ALICE, BOB];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRounds.NothingToCollect.selector, 0, 0, miners[i]));
            rounds.collect(0, 0, miners[i]);
        }
    }

    function test_RevertWhen_ThereIsNothingToWithdraw() public {
        vm.expectRevert(abi.encodeWithSelector(IRounds.NothingToWithdraw.selector, ALICE));
        vm.prank(ALICE);
        rounds.withdraw();
    }

    /// @dev This contract takes no ether; its credit stays.
    function test_RevertWhen_TheAccountRefusesEther() public {
        _openWith(_miners(ALICE, address(0), address(0)));
        _reveal(ALICE, 90);
        verifier.forfeit(rounds, 0, 0, ALICE, address(this));
        vm.expectRevert(abi.encodeWithSelector(IRounds.EtherRefused.selector, address(this), MINER_BOND / 2));
        rounds.withdraw();
        assertEq(rounds.creditOf(address(this)), MINER_BOND / 2);
    }

    function _slot(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(rounds), bytes32(slot)));
    }

    /// @dev To which nobody committed.
    function _end() private {
        vm.roll(COMMIT_END + 1);
        rounds.cancel(0, 0);
    }
}
