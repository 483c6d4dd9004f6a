// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../../../contracts/freezenet/Answers.sol";
import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {VerdictStub} from "../freezenet/VerdictStub.sol";

/// @notice Drives rounds of two tasks through random calls, and counts the coins apart from them. Actor 0 is the sponsor
/// of both, 1 to 3 are miners who do as they should or not, 4 copies a commitment of the first, 5 never reveals.
contract RoundsHandler is ForgeTest {
    uint256 public constant ACTORS = 6;
    uint256 public constant TASKS = 2;
    uint256 public constant COPIER = 4;
    uint256 public constant SILENT = 5;
    uint96 public constant SPONSOR_BOND = 1001;
    uint96 public constant MINER_BOND = 501;

    TaskRegistry private immutable tasks;
    Rounds private immutable rounds;
    VerdictStub public immutable verifier;

    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public disagreements;
    mapping(bytes32 outcome => uint256) public reached;

    constructor(TaskRegistry tasks_, Rounds rounds_) payable {
        (tasks, rounds) = (tasks_, rounds_);
        verifier = new VerdictStub();
        ITaskRegistry.Terms memory terms = ITaskRegistry.Terms({
            trainingRoot: "training set",
            verifier: verifier,
            fractionPpm: 300_000,
            samples: 10,
            threshold: 6,
            thresholdFloor: 4,
            thresholdStep: 1,
            targetSolutions: 1,
            minerBond: MINER_BOND,
            sponsorBond: SPONSOR_BOND,
            commitBlocks: 8,
            testBlocks: 5,
            revealBlocks: 5,
            challengeBlocks: 5
        });
        vm.startPrank(actorOf(0));
        tasks.register(terms, _layers());
        // Long enough for a beacon to be lost.
        terms.commitBlocks = 300;
        tasks.register(terms, _layers());
        vm.stopPrank();
        for (uint256 actor = 0; actor < ACTORS; ++actor) {
            payable(actorOf(actor)).transfer(msg.value / ACTORS);
        }
    }

    function actorOf(uint256 actor) public pure returns (address) {
        return address(uint160(0xA11CE0 + actor));
    }

    // Actions

    function open(uint256 task, uint256 actor, uint64 reward) external {
        task %= TASKS;
        actor = actor % 8 == 0 ? 1 : 0;
        uint256 value = SPONSOR_BOND + uint256(reward) % 1e6;
        bytes32 seal = keccak256(abi.encode(_testRoot(task, rounds.roundCount(task)), bytes32("salt")));
        vm.prank(actorOf(actor));
        try rounds.openRound{value: value}(task, seal) {
            _take(value);
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function fixBeacon(uint256 task) external {
        (uint256 id, uint256 round) = _round(task);
        try rounds.fixBeacon(id, round) {
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function reopen(uint256 task) external {
        (uint256 id, uint256 round) = _round(task);
        try rounds.reopen(id, round) {
            ++reached["reopened"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function commit(uint256 task, uint256 actor, uint8 oddity) external {
        (uint256 id, uint256 round) = _round(task);
        actor = 1 + actor % (ACTORS - 1);
        address copied = actorOf(1);
        bytes32 commitment = actor == COPIER
            ? rounds.entryOf(id, round, copied).digest
            : keccak256(abi.encode(_solution(actor), bytes32("salt"), actorOf(actor)));
        uint256 value = oddity % 16 == 0 ? MINER_BOND - 1 : MINER_BOND;
        vm.prank(actorOf(actor));
        try rounds.commit{value: value}(id, round, commitment) {
            _take(value);
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    /// @dev One round in four, the sponsor hides the test set.
    function revealTestSet(uint256 task) external {
        (uint256 id, uint256 round) = _round(task);
        if (round % 4 == 3) return;
        vm.prank(actorOf(0));
        try rounds.revealTestSet(id, round, _testRoot(id, round), "salt") {
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function reveal(uint256 task, uint256 actor, uint32 correct) external {
        (uint256 id, uint256 round) = _round(task);
        actor = 1 + actor % (ACTORS - 1);
        if (actor == SILENT) return;
        IRounds.Solution memory solution = _solution(actor == COPIER ? 1 : actor);
        vm.prank(actorOf(actor));
        try rounds.reveal(id, round, solution, "salt", _answers(correct % 12)) {
            // Nobody opens what he copied.
            if (actor == COPIER) ++disagreements;
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    /// @dev Mostly, solutions are accepted; a verdict never changes.
    function decide(uint256 task, uint256 actor, uint8 verdict) external {
        (uint256 id, uint256 round) = _round(task);
        address miner = actorOf(1 + actor % (ACTORS - 1));
        if (verifier.verdictOf(id, round, miner) != IAccuracyVerifier.Verdict.Undecided) return;
        bool rejected = verdict % 4 == 0;
        verifier.decide(
            id, round, miner, rejected ? IAccuracyVerifier.Verdict.Rejected : IAccuracyVerifier.Verdict.Accepted
        );
    }

    function enrol(uint256 task, uint256 actor) external {
        (uint256 id, uint256 round) = _round(task);
        try rounds.enrol(id, round, actorOf(1 + actor % (ACTORS - 1))) {
            ++reached["enrolled"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function forfeit(uint256 task, uint256 actor, uint256 challenger, bool insists) external {
        (uint256 id, uint256 round) = _round(task);
        address miner = actorOf(1 + actor % (ACTORS - 1));
        address rewarded = challenger % 4 == 0 ? address(0) : actorOf(challenger % ACTORS);
        if (verifier.verdictOf(id, round, miner) != IAccuracyVerifier.Verdict.Rejected && !insists) return;
        if (insists) {
            vm.prank(rewarded);
            try rounds.forfeit(id, round, miner, rewarded) {
                ++disagreements;
            } catch (bytes memory refusal) {
                _refused(refusal);
            }
            return;
        }
        try verifier.forfeit(rounds, id, round, miner, rewarded) {
            ++reached["forfeited"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function settle(uint256 task) external {
        (uint256 id, uint256 round) = _round(task);
        try rounds.settle(id, round) {
            ++reached["settled"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function cancel(uint256 task) external {
        (uint256 id, uint256 round) = _round(task);
        try rounds.cancel(id, round) {
            ++reached["cancelled"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function collect(uint256 task, uint256 round, uint256 actor) external {
        task %= TASKS;
        uint256 count = rounds.roundCount(task);
        round = count == 0 ? 0 : round % count;
        try rounds.collect(task, round, actorOf(actor % ACTORS)) {
            ++reached["collected"];
            _note();
        } catch (bytes memory refusal) {
            _refused(refusal);
        }
    }

    function withdraw(uint256 actor) external {
        address account = actorOf(actor % ACTORS);
        uint256 credit = rounds.creditOf(account);
        uint256 had = account.balance;
        vm.prank(account);
        try rounds.withdraw() {
            paidOut += credit;
            if (account.balance != had + credit) ++disagreements;
            _note();
        } catch (bytes memory refusal) {
            if (credit != 0) ++disagreements;
            _refused(refusal);
        }
    }

    function mine(uint8 blocks) external {
        vm.roll(block.number + 1 + (blocks == 255 ? 256 : blocks % 3));
    }

    function _take(uint256 value) private {
        paidIn += value;
        _note();
    }

    function _note() private {
        ++reached[""];
    }

    /// @dev Every refusal is one that the interfaces name: none is a panic or an error of arithmetic.
    function _refused(bytes memory refusal) private {
        bytes4 outcome = bytes4(refusal);
        ++reached[outcome];
        bytes4[18] memory named = [
            IRounds.NotSponsor.selector,
            IRounds.RoundNotOver.selector,
            IRounds.RoundUnknown.selector,
            IRounds.RoundOver.selector,
            IRounds.OutsidePhase.selector,
            IRounds.NoReward.selector,
            IRounds.ValueMismatch.selector,
            IRounds.BeaconUnreadable.selector,
            IRounds.BeaconIsFixed.selector,
            IRounds.TestSetSealed.selector,
            IRounds.TestSetIsRevealed.selector,
            IRounds.ZeroHash.selector,
            IRounds.AlreadyCommitted.selector,
            IRounds.NothingToReveal.selector,
            IRounds.CommitmentMismatch.selector,
            Answers.AnswerBeyondSamples.selector,
            IRounds.NotAccepted.selector,
            IRounds.NotVerifier.selector
        ];
        for (uint256 i = 0; i < named.length; ++i) {
            if (outcome == named[i]) return;
        }
        if (
            outcome != IRounds.NoSolution.selector && outcome != IRounds.EntryDecided.selector
                && outcome != IRounds.NothingToCollect.selector && outcome != IRounds.NothingToWithdraw.selector
        ) ++disagreements;
    }

    /// @dev Mostly the first task's newest round.
    function _round(uint256 seed) private view returns (uint256 task, uint256 round) {
        task = seed % 4 == 1 ? 1 : 0;
        round = rounds.roundCount(task);
        if (round != 0) --round;
    }

    /// @dev The first `correct` of ten samples; eleven are one too many.
    function _answers(uint256 correct) private pure returns (bytes memory) {
        uint256 bits = (1 << correct) - 1;
        return abi.encodePacked(uint8(bits), uint8(bits >> 8));
    }

    function _testRoot(uint256 task, uint256 round) private pure returns (bytes32) {
        return keccak256(abi.encode(task, round));
    }

    function _solution(uint256 actor) private pure returns (IRounds.Solution memory) {
        return IRounds.Solution({
            freeRoot: keccak256(abi.encode(actor)), freeCount: 90, numbersRoot: "numbers", contentDigest: "content"
        });
    }

    function _layers() private pure returns (IntegerInference.Layer[] memory layers) {
        layers = new IntegerInference.Layer[](2);
        layers[0] = IntegerInference.Layer(16, 1, 1, 8, 1, 1, 1, 1, 0, 0, 7, true, 0);
        layers[1] = IntegerInference.Layer(8, 1, 1, 10, 1, 1, 1, 1, 0, 0, 0, false, 0);
    }
}
