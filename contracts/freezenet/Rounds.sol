// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "./Answers.sol";
import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IRounds} from "./IRounds.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {Watermark} from "./Watermark.sol";

/// @title Rounds
/// @notice Nobody owns it; every wei goes to who put it up, to who earned it, or is burned.
/// @dev Ether that is here belongs to open rounds (reward, sponsor's bond, `bonds` times the miner's bond), to ended
/// ones of which miners have not collected, to credits, or is `burned`.
contract Rounds is IRounds {
    using Answers for bytes;

    /// @notice How far back a contract can read hashes of blocks.
    uint256 public constant BEACON_BLOCKS = 256;

    /// @notice Where tasks are described.
    ITaskRegistry public immutable TASKS;

    /// @inheritdoc IRounds
    uint256 public burned;

    mapping(uint256 taskId => Round[]) private _rounds;
    /// @dev Zero until a round of the task is over.
    mapping(uint256 taskId => uint256) private _nextThresholds;
    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Entry))) private _entries;
    mapping(address account => uint256) private _credits;

    constructor(ITaskRegistry tasks) {
        TASKS = tasks;
    }

    /// @inheritdoc IRounds
    function openRound(uint256 taskId, bytes32 testSeal) external payable returns (uint256 round) {
        ITaskRegistry.Task memory task = _asSponsor(taskId);
        if (testSeal == 0) revert ZeroHash();
        uint256 bond = task.terms.sponsorBond;
        if (msg.value < bond) revert ValueMismatch(bond, msg.value);
        if (msg.value == bond) revert NoReward();
        round = _rounds[taskId].length;
        if (round != 0 && _rounds[taskId][round - 1].status == Status.Open) revert RoundNotOver(taskId, round - 1);
        Round storage opened = _rounds[taskId].push();
        uint256 threshold = _thresholdOf(taskId, task);
        // At most the task's number of samples, which is a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        (opened.threshold, opened.samples) = (uint32(threshold), task.terms.samples);
        (opened.verifier, opened.minerBond) = (task.terms.verifier, task.terms.minerBond);
        (opened.status, opened.reward, opened.testSeal) = (Status.Open, msg.value - bond, testSeal);
        _begin(opened, task.terms);
        emit RoundOpened(taskId, round, msg.value - bond, threshold, testSeal);
    }

    /// @inheritdoc IRounds
    function fixBeacon(uint256 taskId, uint256 round) external {
        Round storage opened = _open(taskId, round);
        if (opened.beacon != 0) revert BeaconIsFixed(taskId, round);
        _fixBeacon(taskId, round, opened);
    }

    /// @inheritdoc IRounds
    function reopen(uint256 taskId, uint256 round) external {
        Round storage opened = _open(taskId, round);
        if (opened.beacon != 0) revert BeaconIsFixed(taskId, round);
        (, uint256 last) = _phase(opened, Phase.Commit);
        _requireBlock(opened.openedBlock + BEACON_BLOCKS + 1, last);
        _begin(opened, TASKS.taskOf(taskId).terms);
        emit RoundReopened(taskId, round);
    }

    /// @inheritdoc IRounds
    function commit(uint256 taskId, uint256 round, bytes32 commitment) external payable {
        Round storage opened = _open(taskId, round);
        _requirePhase(opened, Phase.Commit);
        if (msg.value != opened.minerBond) revert ValueMismatch(opened.minerBond, msg.value);
        if (commitment == 0) revert ZeroHash();
        Entry storage entry = _entries[taskId][round][msg.sender];
        if (entry.digest != 0) revert AlreadyCommitted(taskId, round, msg.sender);
        if (opened.beacon == 0) _fixBeacon(taskId, round, opened);
        entry.digest = commitment;
        ++opened.commitments;
        ++opened.bonds;
        emit SolutionCommitted(taskId, round, msg.sender, commitment);
    }

    /// @inheritdoc IRounds
    function revealTestSet(uint256 taskId, uint256 round, bytes32 testRoot, bytes32 salt) external {
        _asSponsor(taskId);
        Round storage opened = _open(taskId, round);
        _requirePhase(opened, Phase.Test);
        if (opened.testRoot != 0) revert TestSetIsRevealed(taskId, round);
        if (testRoot == 0) revert ZeroHash();
        bytes32 testSeal = keccak256(abi.encode(testRoot, salt));
        if (testSeal != opened.testSeal) revert SealMismatch(opened.testSeal, testSeal);
        opened.testRoot = testRoot;
        emit TestSetRevealed(taskId, round, testRoot);
    }

    /// @inheritdoc IRounds
    function reveal(uint256 taskId, uint256 round, Solution calldata solution, bytes32 salt, bytes calldata answers)
        external
    {
        Round storage opened = _open(taskId, round);
        _requirePhase(opened, Phase.Reveal);
        if (opened.testRoot == 0) revert TestSetSealed(taskId, round);
        Entry storage entry = _entries[taskId][round][msg.sender];
        bytes32 expected = entry.digest;
        if (expected == 0 || entry.revealed) revert NothingToReveal(taskId, round, msg.sender);
        bytes32 commitment = keccak256(abi.encode(solution, salt, msg.sender));
        if (commitment != expected) revert CommitmentMismatch(expected, commitment);
        uint256 correct = answers.countOf(opened.samples);
        entry.digest = keccak256(abi.encode(solution));
        entry.answersHash = keccak256(answers);
        // At most the number of samples, a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        (entry.correct, entry.revealed) = (uint32(correct), true);
        emit SolutionRevealed(taskId, round, msg.sender, solution, correct, answers);
        if (correct >= opened.threshold) return;
        entry.closed = true;
        --opened.bonds;
        _credits[msg.sender] += opened.minerBond;
    }

    /// @inheritdoc IRounds
    function enrol(uint256 taskId, uint256 round, address miner) external {
        Round storage opened = _open(taskId, round);
        _requirePhase(opened, Phase.Enrol);
        Entry storage entry = _undecided(taskId, round, miner);
        IAccuracyVerifier.Verdict verdict = opened.verifier.verdictOf(taskId, round, miner);
        if (verdict != IAccuracyVerifier.Verdict.Accepted) revert NotAccepted(taskId, round, miner, verdict);
        entry.enrolled = true;
        ++opened.enrolled;
        emit SolutionEnrolled(taskId, round, miner);
    }

    /// @inheritdoc IRounds
    function forfeit(uint256 taskId, uint256 round, address miner, address challenger) external {
        Round storage opened = _open(taskId, round);
        if (msg.sender != address(opened.verifier)) revert NotVerifier(address(opened.verifier), msg.sender);
        _undecided(taskId, round, miner).closed = true;
        --opened.bonds;
        uint256 rewarded = challenger == address(0) ? 0 : opened.minerBond / 2;
        uint256 rest = opened.minerBond - rewarded;
        _credits[challenger] += rewarded;
        burned += rest;
        emit BondLost(taskId, round, miner, challenger, rest);
    }

    /// @inheritdoc IRounds
    function settle(uint256 taskId, uint256 round) external {
        Round storage opened = _open(taskId, round);
        ITaskRegistry.Task memory task = TASKS.taskOf(taskId);
        (, uint256 last) = _phase(opened, Phase.Enrol);
        _requireBlock(last + 1, type(uint256).max);
        if (opened.testRoot == 0) revert TestSetSealed(taskId, round);
        uint256 solutions = opened.enrolled;
        uint256 lost = (opened.bonds - solutions) * opened.minerBond;
        uint256 unshared = solutions == 0 ? opened.reward : opened.reward % solutions;
        uint256 threshold = _retarget(opened.threshold, solutions, task.terms);
        opened.status = Status.Settled;
        _nextThresholds[taskId] = threshold;
        burned += lost;
        _credits[task.sponsor] += task.terms.sponsorBond + unshared;
        emit RoundSettled(taskId, round, solutions, lost, threshold);
    }

    /// @inheritdoc IRounds
    function cancel(uint256 taskId, uint256 round) external {
        Round storage opened = _open(taskId, round);
        ITaskRegistry.Task memory task = TASKS.taskOf(taskId);
        uint256 commitments = opened.commitments;
        (, uint256 last) = _phase(opened, commitments == 0 ? Phase.Commit : Phase.Test);
        _requireBlock(last + 1, type(uint256).max);
        if (commitments != 0 && opened.testRoot != 0) revert TestSetIsRevealed(taskId, round);
        opened.status = Status.Cancelled;
        uint256 returned = task.terms.sponsorBond;
        uint256 threshold = opened.threshold;
        if (commitments == 0) threshold = _retarget(threshold, 0, task.terms);
        else returned %= commitments;
        _nextThresholds[taskId] = threshold;
        _credits[task.sponsor] += opened.reward + returned;
        emit RoundCancelled(taskId, round, threshold);
    }

    /// @inheritdoc IRounds
    function collect(uint256 taskId, uint256 round, address miner) external {
        Round storage ended = _known(taskId, round);
        Entry storage entry = _entries[taskId][round][miner];
        bool settled = ended.status == Status.Settled;
        if (ended.status == Status.Open) revert RoundNotOver(taskId, round);
        if (entry.closed || !(settled ? entry.enrolled : entry.digest != 0)) {
            revert NothingToCollect(taskId, round, miner);
        }
        uint256 share = settled
            ? ended.reward / ended.enrolled
            : uint256(TASKS.taskOf(taskId).terms.sponsorBond) / ended.commitments;
        uint256 amount = ended.minerBond + share;
        entry.closed = true;
        _credits[miner] += amount;
        emit Collected(taskId, round, miner, amount);
    }

    /// @inheritdoc IRounds
    function withdraw() external {
        uint256 amount = _credits[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        // Low level, because contract wallets need more gas than a transfer leaves them.
        (bool accepted,) = msg.sender.call{value: amount}("");
        if (!accepted) revert EtherRefused(msg.sender, amount);
    }

    /// @inheritdoc IRounds
    function roundOf(uint256 taskId, uint256 round) external view returns (Round memory) {
        return _known(taskId, round);
    }

    /// @inheritdoc IRounds
    function bondOf(uint256 taskId, uint256 round) external view returns (uint256) {
        return _known(taskId, round).minerBond;
    }

    /// @inheritdoc IRounds
    function entryOf(uint256 taskId, uint256 round, address miner) external view returns (Entry memory) {
        return _entries[taskId][round][miner];
    }

    /// @inheritdoc IRounds
    function seedOf(uint256 taskId, uint256 round, address miner) external view returns (bytes32 seed) {
        bytes32 beacon = _known(taskId, round).beacon;
        if (beacon == 0) revert BeaconNotFixed(taskId, round);
        ITaskRegistry.Task memory task = TASKS.taskOf(taskId);
        return Watermark.boundSeed(taskId, round, beacon, miner, task.length, task.architectureHash);
    }

    /// @inheritdoc IRounds
    function creditOf(address account) external view returns (uint256 amount) {
        return _credits[account];
    }

    /// @inheritdoc IRounds
    function phaseOf(uint256 taskId, uint256 round, Phase phase) external view returns (uint256 first, uint256 last) {
        return _phase(_known(taskId, round), phase);
    }

    /// @inheritdoc IRounds
    function roundCount(uint256 taskId) external view returns (uint256) {
        return _rounds[taskId].length;
    }

    /// @inheritdoc IRounds
    function nextThreshold(uint256 taskId) external view returns (uint256) {
        return _thresholdOf(taskId, TASKS.taskOf(taskId));
    }

    function _fixBeacon(uint256 taskId, uint256 round, Round storage opened) private {
        bytes32 beacon = blockhash(opened.openedBlock);
        // Zero is what is read of other blocks than the last 256; the check is meant to be exact.
        // slither-disable-next-line incorrect-equality
        if (beacon == 0) revert BeaconUnreadable(opened.openedBlock, block.number);
        opened.beacon = beacon;
        emit BeaconFixed(taskId, round, beacon);
    }

    /// @dev In this block; enrolment is as long as the challenges before it. Block numbers stay below 2^48.
    function _begin(Round storage opened, ITaskRegistry.Terms memory terms) private {
        opened.openedBlock = uint48(block.number);
        uint48 commitEnd = opened.openedBlock + terms.commitBlocks;
        uint48 testEnd = commitEnd + terms.testBlocks;
        uint48 revealEnd = testEnd + terms.revealBlocks;
        uint48 challengeEnd = revealEnd + terms.challengeBlocks;
        opened.lastBlocks = [commitEnd, testEnd, revealEnd, challengeEnd, challengeEnd + terms.challengeBlocks];
    }

    function _asSponsor(uint256 taskId) private view returns (ITaskRegistry.Task memory task) {
        task = TASKS.taskOf(taskId);
        if (msg.sender != task.sponsor) revert NotSponsor(taskId, task.sponsor, msg.sender);
    }

    function _known(uint256 taskId, uint256 round) private view returns (Round storage) {
        if (round >= _rounds[taskId].length) revert RoundUnknown(taskId, round);
        return _rounds[taskId][round];
    }

    function _open(uint256 taskId, uint256 round) private view returns (Round storage opened) {
        opened = _known(taskId, round);
        if (opened.status != Status.Open) revert RoundOver(taskId, round, opened.status);
    }

    /// @dev A solution that was revealed, at the threshold or above it, and is neither enrolled nor forfeited.
    function _undecided(uint256 taskId, uint256 round, address miner) private view returns (Entry storage entry) {
        entry = _entries[taskId][round][miner];
        if (!entry.revealed) revert NoSolution(taskId, round, miner);
        if (entry.enrolled || entry.closed) revert EntryDecided(taskId, round, miner);
    }

    function _thresholdOf(uint256 taskId, ITaskRegistry.Task memory task) private view returns (uint256) {
        uint256 threshold = _nextThresholds[taskId];
        return threshold == 0 ? task.terms.threshold : threshold;
    }

    function _requirePhase(Round storage opened, Phase phase) private view {
        (uint256 first, uint256 last) = _phase(opened, phase);
        _requireBlock(first, last);
    }

    function _phase(Round storage opened, Phase phase) private view returns (uint256 first, uint256 last) {
        uint256 index = uint256(phase);
        first = (index == 0 ? opened.openedBlock : opened.lastBlocks[index - 1]) + 1;
        last = opened.lastBlocks[index];
    }

    function _requireBlock(uint256 first, uint256 last) private view {
        if (block.number < first || block.number > last) revert OutsidePhase(first, last, block.number);
    }

    /// @dev A step down after a round without a solution, to the floor at lowest; a step up after one with more than
    /// was aimed at, to all samples at most.
    function _retarget(uint256 threshold, uint256 solutions, ITaskRegistry.Terms memory terms)
        private
        pure
        returns (uint256)
    {
        uint256 step = terms.thresholdStep;
        if (solutions == 0) {
            return threshold > terms.thresholdFloor + step ? threshold - step : terms.thresholdFloor;
        }
        if (solutions <= terms.targetSolutions) return threshold;
        return threshold + step < terms.samples ? threshold + step : terms.samples;
    }
}
