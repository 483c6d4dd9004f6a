// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";

/// @title Rounds of a task: a reward for every solution that holds
/// @notice A round has phases, told apart by block numbers, as long as its task says:
///
/// 1. commit: from the block after the opening one. The opening block's hash is the beacon; with it each miner has one
///    seed (`Watermark.boundSeed`), trains, and commits to a solution under a bond;
/// 2. test: nobody commits any more, and the sponsor reveals the sealed test set. If he does not, every commitment's
///    bond goes back, together with an equal part of the sponsor's bond;
/// 3. reveal: miners open their commitments, and say which test samples they answer. A commitment that is not opened
///    loses its bond; one that is opened below the threshold gets it back, and nothing more;
/// 4. challenge: the task's verifier comes to its verdicts;
/// 5. enrol: each solution that reached the threshold is put to the verifier, once. If it is accepted it takes part in
///    the reward, and its bond goes back; if it is rejected, or not put to the verifier in time, its bond is lost. This
///    lasts as long as the phase before, so that a dispute begun in the last block of that can end.
///
/// Then anyone settles the round. The reward is shared equally by the solutions that were enrolled, and what they do
/// not get goes back to the sponsor: the reward of a round without solutions, and what division leaves. Half of a bond
/// that was lost to a challenge is the challenger's. The rest of lost bonds is burned, which is to say that it stays
/// here for ever: whoever could get it, a miner's own accounts among them, would be paid for cheating.
///
/// A round in which nobody enrolled, or committed, lowers the threshold of the next, and one in which too many enrolled
/// raises it, as the task says. A sponsor who hides the test set changes nothing.
/// @dev Rewards and the bonds of sponsors and miners are kept by the contract behind this interface, and withdrawn by
/// their owners; what challengers put up is kept by the verifier that they put it up with. No function loops over miners. Training is not memoryless, so this is no lottery for blocks: a round pays every solution.
///
/// A miner's address is in its seed and in its commitment, so a copied solution fits nobody else, and a copied
/// commitment cannot be opened by whoever copied it. A miner with many accounts has to train for each of them.
interface IRounds {
    /// @notice How far a round has come; phases within `Open` follow from block numbers.
    enum Status {
        None,
        Open,
        Settled,
        Cancelled
    }

    /// @notice What may be done when. Each phase begins in the block after the last one of the phase before.
    enum Phase {
        Commit,
        Test,
        Reveal,
        Challenge,
        Enrol
    }

    /// @notice A round of a task.
    /// @param openedBlock its hash is the beacon.
    /// @param threshold correct answers asked for in this round.
    /// @param commitments how many were made.
    /// @param enrolled how many solutions were accepted so far.
    /// @param bonds how many miners' bonds are not decided yet, or are those of enrolled solutions.
    /// @param samples in the test set, as the task says; kept here, with the next three, because reading a task is dear.
    /// @param status what has come of it.
    /// @param verifier of the task.
    /// @param minerBond of the task.
    /// @param lastBlocks of the phases.
    /// @param reward in wei, for all solutions together.
    /// @param beacon zero until somebody fixes it, within 256 blocks.
    /// @param testSeal keccak256(abi.encode(testRoot, salt)).
    /// @param testRoot Merkle root of the test set's salted samples; zero until it is revealed.
    // Layout, from the low end: slot 0 | openedBlock 48 | threshold 32 | commitments 32 | enrolled 32 | bonds 32
    // | samples 32 | status 8 | free 40 |; slot 1 | verifier 160 | minerBond 96 |; slot 2 lastBlocks, 48 each | free 16 |;
    // slots 3-6 reward, beacon, testSeal, testRoot
    struct Round {
        uint48 openedBlock;
        uint32 threshold;
        uint32 commitments;
        uint32 enrolled;
        uint32 bonds;
        uint32 samples;
        Status status;
        IAccuracyVerifier verifier;
        uint96 minerBond;
        uint48[5] lastBlocks;
        uint256 reward;
        bytes32 beacon;
        bytes32 testSeal;
        bytes32 testRoot;
    }

    /// @notice A miner's part in a round.
    /// @param digest keccak256(abi.encode(solution, salt, miner)), the commitment; keccak256(abi.encode(solution)) once
    /// it is opened.
    /// @param answersHash keccak256 of the bits that say which samples the miner claims to answer.
    /// @param correct how many of them there are.
    /// @param revealed whether the commitment is opened.
    /// @param enrolled whether the verifier accepted it.
    /// @param closed whether the bond has gone where it belongs.
    // Layout, from the low end: slot 0 digest; slot 1 answersHash; slot 2 | correct 32 | revealed 8 | enrolled 8
    // | closed 8 | free 200 |
    struct Entry {
        bytes32 digest;
        bytes32 answersHash;
        uint32 correct;
        bool revealed;
        bool enrolled;
        bool closed;
    }

    /// @notice What a miner commits to before the test set is known. Trees are `MerkleTree`s.
    /// @param freeRoot Merkle root of the free weights, 32 codes a leaf, kernel by kernel in the order of its
    /// permutation: watermark codes are not in it, for they follow from the seed.
    /// @param freeCount how many free weights there are: what the architecture leaves, as verifiers see to.
    /// @param numbersRoot Merkle root of the rest: layer by layer a leaf of six bytes a channel, multiplier and bias, and
    /// behind them the words of the last layer's weights, a leaf each.
    /// @param contentDigest under which all of it is served.
    struct Solution {
        bytes32 freeRoot;
        uint64 freeCount;
        bytes32 numbersRoot;
        bytes32 contentDigest;
    }

    /// @notice The sponsor of `taskId` put up `reward`.
    event RoundOpened(
        uint256 indexed taskId, uint256 indexed round, uint256 reward, uint256 threshold, bytes32 testSeal
    );
    /// @notice Every miner's seed follows from now on.
    event BeaconFixed(uint256 indexed taskId, uint256 indexed round, bytes32 beacon);
    /// @notice Nobody fixed the beacon while it could be read: the round begins again in this block.
    event RoundReopened(uint256 indexed taskId, uint256 indexed round);
    /// @notice `miner` bonded a commitment.
    event SolutionCommitted(uint256 indexed taskId, uint256 indexed round, address indexed miner, bytes32 commitment);
    /// @notice The test set behind the seal.
    event TestSetRevealed(uint256 indexed taskId, uint256 indexed round, bytes32 testRoot);
    /// @notice `miner` opened a commitment, and says which samples the solution answers.
    event SolutionRevealed(
        uint256 indexed taskId,
        uint256 indexed round,
        address indexed miner,
        Solution solution,
        uint256 correct,
        bytes answers
    );
    /// @notice The solution takes part in the reward.
    event SolutionEnrolled(uint256 indexed taskId, uint256 indexed round, address indexed miner);
    /// @notice The bond was lost; `rewarded` got half of it, if not zero.
    event BondLost(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, address rewarded, uint256 burned
    );
    /// @notice `solutions` share the reward; `burned` are the bonds of all who did not open, or not enrol, what they
    /// committed to; the next round asks for `nextThreshold`.
    event RoundSettled(
        uint256 indexed taskId, uint256 indexed round, uint256 solutions, uint256 burned, uint256 nextThreshold
    );
    /// @notice The sponsor did not reveal the test set, or nobody committed.
    event RoundCancelled(uint256 indexed taskId, uint256 indexed round, uint256 nextThreshold);
    /// @notice What belongs to `miner` of a settled or cancelled round.
    event Collected(uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 amount);
    /// @notice `account` took out what belonged to it.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice Only the sponsor of the task may do this.
    error NotSponsor(uint256 taskId, address sponsor, address caller);
    /// @notice The round is not settled or cancelled.
    error RoundNotOver(uint256 taskId, uint256 round);
    /// @notice No round of the task has this number.
    error RoundUnknown(uint256 taskId, uint256 round);
    /// @notice The round is settled or cancelled.
    error RoundOver(uint256 taskId, uint256 round, Status status);
    /// @notice This is done in blocks `first` to `last` only.
    error OutsidePhase(uint256 first, uint256 last, uint256 currentBlock);
    /// @notice The reward is zero.
    error NoReward();
    /// @notice Another value was sent than reward and bond come to.
    error ValueMismatch(uint256 expected, uint256 actual);
    /// @notice The opening block's hash cannot be read: it is this block, or more than 256 blocks old.
    error BeaconUnreadable(uint256 openedBlock, uint256 currentBlock);
    /// @notice Nobody can have a seed yet.
    error BeaconNotFixed(uint256 taskId, uint256 round);
    /// @notice The beacon is fixed: the round goes on.
    error BeaconIsFixed(uint256 taskId, uint256 round);
    /// @notice The test set is not revealed.
    error TestSetSealed(uint256 taskId, uint256 round);
    /// @notice The test set is revealed.
    error TestSetIsRevealed(uint256 taskId, uint256 round);
    /// @notice What is opened is not what was sealed.
    error SealMismatch(bytes32 expected, bytes32 actual);
    /// @notice A root or commitment is zero, which stands for none.
    error ZeroHash();
    /// @notice The miner has committed in this round.
    error AlreadyCommitted(uint256 taskId, uint256 round, address miner);
    /// @notice The miner has no commitment that waits to be opened.
    error NothingToReveal(uint256 taskId, uint256 round, address miner);
    /// @notice What is opened is not what was committed to.
    error CommitmentMismatch(bytes32 expected, bytes32 actual);
    /// @notice The solution has another number of free weights than the architecture leaves. A round does not know the
    /// layers, so verifiers see to it.
    error FreeCountMismatch(uint256 expected, uint256 actual);
    /// @notice The verifier has not accepted the solution.
    error NotAccepted(uint256 taskId, uint256 round, address miner, IAccuracyVerifier.Verdict verdict);
    /// @notice Only the verifier of the task may do this.
    error NotVerifier(address verifier, address caller);
    /// @notice The miner has revealed no solution.
    error NoSolution(uint256 taskId, uint256 round, address miner);
    /// @notice The miner's solution is enrolled, or its bond has gone where it belongs.
    error EntryDecided(uint256 taskId, uint256 round, address miner);
    /// @notice Nothing of the round belongs to the miner, or it was collected.
    error NothingToCollect(uint256 taskId, uint256 round, address miner);
    /// @notice Nothing belongs to the account.
    error NothingToWithdraw(address account);
    /// @notice The account does not accept ether.
    error EtherRefused(address account, uint256 amount);

    /// @notice Opens the next round of a task. `msg.value` is the reward and the sponsor's bond.
    /// @param testSeal keccak256(abi.encode(testRoot, salt)).
    /// @return round counted from zero, for each task.
    function openRound(uint256 taskId, bytes32 testSeal) external payable returns (uint256 round);

    /// @notice Reads the opening block's hash, while it can be read. Anyone may do it; the first commitment does too.
    function fixBeacon(uint256 taskId, uint256 round) external;

    /// @notice Begins a round again in this block, after its beacon was lost and while it still could be committed to:
    /// later it is for `cancel`. Anyone may do it.
    function reopen(uint256 taskId, uint256 round) external;

    /// @notice Commits to a solution, once a round. `msg.value` is the miner's bond.
    /// @param commitment keccak256(abi.encode(solution, salt, msg.sender)).
    function commit(uint256 taskId, uint256 round, bytes32 commitment) external payable;

    /// @notice Opens the seal of the test set, after commitments and in time. Only for the sponsor.
    function revealTestSet(uint256 taskId, uint256 round, bytes32 testRoot, bytes32 salt) external;

    /// @notice Opens the sender's commitment.
    /// @param answers the samples of the test set that the solution answers, as `Answers` has them: which ones, so that
    /// one that is not can be shown. With fewer than the threshold the bond goes back now.
    function reveal(uint256 taskId, uint256 round, Solution calldata solution, bytes32 salt, bytes calldata answers)
        external;

    /// @notice Puts a solution to the verifier, after challenges. Anyone may do it.
    function enrol(uint256 taskId, uint256 round, address miner) external;

    /// @notice Takes the bond of a solution that the verifier rejected: half of it, rounded down, for `challenger`, who is
    /// the verifier's to name; nothing if that is zero. Only for the task's verifier, at any time before the round is
    /// settled.
    function forfeit(uint256 taskId, uint256 round, address miner, address challenger) external;

    /// @notice Ends a round after its last phase. Anyone may do it.
    function settle(uint256 taskId, uint256 round) external;

    /// @notice Ends a round whose test set was not revealed in time, or to which nobody committed. Anyone may do it.
    function cancel(uint256 taskId, uint256 round) external;

    /// @notice Credits a miner's part of a settled or cancelled round: share and bond, or refund. Anyone may do it,
    /// once.
    function collect(uint256 taskId, uint256 round, address miner) external;

    /// @notice Pays out all that belongs to the sender.
    function withdraw() external;

    /// @notice A round; reverts if there is none.
    function roundOf(uint256 taskId, uint256 round) external view returns (Round memory);

    /// @notice A miner's bond in a round, in wei; cheaper than all of the round.
    function bondOf(uint256 taskId, uint256 round) external view returns (uint256);

    /// @notice A miner's part in a round; all zero if there is none.
    function entryOf(uint256 taskId, uint256 round, address miner) external view returns (Entry memory);

    /// @notice The seed of a miner's watermark; reverts until the beacon is fixed.
    function seedOf(uint256 taskId, uint256 round, address miner) external view returns (bytes32 seed);

    /// @notice What `account` may withdraw, in wei.
    function creditOf(address account) external view returns (uint256 amount);

    /// @notice First and last block of a phase.
    function phaseOf(uint256 taskId, uint256 round, Phase phase) external view returns (uint256 first, uint256 last);

    /// @notice How many rounds a task has had; the next one's number.
    function roundCount(uint256 taskId) external view returns (uint256);

    /// @notice Correct answers that the next round of a task will ask for, as things stand.
    function nextThreshold(uint256 taskId) external view returns (uint256);

    /// @notice Lost bonds, in wei, that nobody gets.
    function burned() external view returns (uint256);
}
