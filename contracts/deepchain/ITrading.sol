// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAssetRegistry} from "./IAssetRegistry.sol";

/// @title Groups that train together, and the rounds in which they trade encrypted gradients
/// @notice A sponsor opens a group with its terms and a reward; every member joins with a deposit; then rounds follow.
/// The time points of the paper's algorithms 1 and 2 are blocks, each counted from the one before:
///
/// 1. `submit` by T1: a member posts the root of its ciphertexts and the digest of its proof. Who is late loses its deposit;
/// 2. up to T2 anybody may dispute a submission (`IDisputes`), or show a fault of it or demand its bytes
///    (`IEvidence`);
/// 3. bytes that were demanded are posted by T3. Then `collect` fixes V, those who were on time and not convicted;
/// 7. to 9. the leader posts the product of V's ciphertexts by T7, the committee signs by T8, `append` comes by T9
///    (`IProcessing`);
/// 4. up to T4 bytes of the aggregate may be demanded from the leader;
/// 5. `submitShares` by T5: a member of V posts the root of its decryption shares and the digest of its proof;
/// 6. up to T6 anybody may dispute shares. Then `settle` ends the round.
///
/// Deposits: everyone has d locked. When a phase ends, B are those who were late or convicted. Their deposits are taken:
/// a challenger gets `bountyBps` of the deposit of whom it convicted, the rest of |B|·d is shared equally by V, and what
/// division leaves is the treasury's. If |V| is below the threshold the round is run again; after `MAX_RERUNS` in a row
/// the group is over. Who lost its deposit takes part again by submitting, which locks another one. The paper's rule
/// pays N·d out of h'·d; this one pays out what was taken.
/// @dev The deposit of whoever did right stays locked for the next round: to refund and lock it again each round would
/// cost two transfers and change nothing. It is `claim`ed when the group is over. Every phase ends by time, and rounds and
/// reruns are bounded, so a group is over in bounded time, whoever is silent. All coins are in `IEscrow`.
///
/// Reward: of the sponsor's reward Π, the part of the rounds that were accepted, A/R, is paid out: `partyBps` of it to
/// members and the rest to workers. A member with contribution ω (accepted rounds times the samples of its asset) gets
/// its part ω/Σω, and workers likewise by accepted blocks (`Payoff`). Both are zero if nothing was accepted, and more
/// contribution never pays less. What is not paid out goes back to the sponsor.
interface ITrading {
    /// @notice How far a group has come.
    enum Phase {
        None,
        Forming,
        Collecting,
        Aggregating,
        Decrypting,
        Over
    }

    /// @notice What is disputed or demanded.
    enum Subject {
        Gradients,
        Shares,
        Aggregate
    }

    /// @notice What members agree on by joining.
    /// @param processing the `IProcessing` whose workers aggregate.
    /// @param disputes the `IDisputes` whose verdicts count.
    /// @param evidence the `IEvidence` whose verdicts count.
    /// @param assets the registry of data; zero where everybody's contribution to a round is 1.
    /// @param keyRoot of the threshold key's numbers, see docs/deepchain-disputes.md.
    /// @param modelDigest the model and how it is trained.
    /// @param weightsDigest the initial weights.
    /// @param rounds how many rounds there are.
    /// @param count ciphertexts in one vector.
    /// @param width bytes of n.
    /// @param threshold how many shares decrypt.
    /// @param committee how many workers sign a block.
    /// @param pkProofBytes length of a proof of encryption.
    /// @param cdProofBytes length of a proof of shares.
    /// @param bountyBps part of a deposit that a challenger gets, in 1/10,000.
    /// @param partyBps part of the reward that is for members, in 1/10,000.
    /// @param turnBlocks how long a turn of a dispute lasts.
    /// @param deposit of a member: d.
    /// @param workerDeposit least stake of a worker, and what a fault costs it.
    /// @param bond of a challenger.
    /// @param windows blocks of T1 … T9.
    struct Terms {
        address processing;
        address disputes;
        address evidence;
        IAssetRegistry assets;
        bytes32 keyRoot;
        bytes32 modelDigest;
        bytes32 weightsDigest;
        uint32 rounds;
        uint32 count;
        uint16 width;
        uint8 threshold;
        uint8 committee;
        uint16 pkProofBytes;
        uint16 cdProofBytes;
        uint16 bountyBps;
        uint16 partyBps;
        uint16 turnBlocks;
        uint96 deposit;
        uint96 workerDeposit;
        uint96 bond;
        uint16[9] windows;
    }

    /// @notice What a submission has to be read with.
    /// @param round counted from 1.
    /// @param base block in which the phase began.
    /// @param pending disputes and demands that hold the phase.
    /// @param reruns of this round so far.
    /// @param parties how many members: N.
    /// @param windows blocks of T1 … T6, 16 bits each, T1's lowest.
    // Layout, from the low end: phase 8 | round 32 | base 48 | pending 16 | reruns 8 | parties 8 | threshold 8
    // | windows 96 | free 32 |
    struct Clock {
        Phase phase;
        uint32 round;
        uint48 base;
        uint16 pending;
        uint8 reruns;
        uint8 parties;
        uint8 threshold;
        uint96 windows;
    }

    /// @notice Sets of members, a bit each.
    /// @param active whose deposit is locked.
    /// @param submitted who submitted in this round, and is not convicted.
    /// @param accepted V of this round, once collected, without those convicted since.
    /// @param shared who posted shares in this round, and is not convicted.
    // Layout, from the low end: active 64 | submitted 64 | accepted 64 | shared 64 |
    struct Masks {
        uint64 active;
        uint64 submitted;
        uint64 accepted;
        uint64 shared;
    }

    /// @notice A member.
    /// @param samples its contribution to one round.
    /// @param missedRounds accepted rounds that it did not take part in to the end.
    /// @param joined whether it has joined.
    /// @param claimed whether deposit and reward were paid out.
    // Layout, from the low end: account 160 | samples 32 | missedRounds 32 | joined 8 | claimed 8 | free 16 |
    struct Party {
        address account;
        uint32 samples;
        uint32 missedRounds;
        bool joined;
        bool claimed;
    }

    /// @notice What a member posts about a vector of ciphertexts, or of shares.
    /// @param vectorRoot Merkle root of the numbers.
    /// @param proofDigest keccak256 of the proof.
    /// @param contentDigest under which numbers and proof are served.
    struct Submission {
        bytes32 vectorRoot;
        bytes32 proofDigest;
        bytes32 contentDigest;
    }

    /// @notice What is left to be said of a group.
    /// @param sponsor who put up the reward.
    /// @param acceptedRounds rounds that led to new weights.
    /// @param unclaimed members who have not claimed yet.
    /// @param samples of all members: what a round contributes in which nobody is missing.
    /// @param reward that the sponsor put up; the members' part once the group is over.
    /// @param workerPool the workers' part, once the group is over; it is in the pot of `terms.processing`.
    /// @param paid rewards that members have claimed.
    /// @param contributions Σω of members.
    /// @param slashed deposits taken in this phase that are not shared yet.
    /// @param seed of this round.
    /// @param nextSeed of the next.
    /// @param aggregateRoot of this round, once it is appended.
    struct Account {
        address sponsor;
        uint32 acceptedRounds;
        uint8 unclaimed;
        uint40 samples;
        uint128 reward;
        uint128 workerPool;
        uint128 paid;
        uint128 contributions;
        uint128 slashed;
        bytes32 seed;
        bytes32 nextSeed;
        bytes32 aggregateRoot;
    }

    /// @notice `sponsor` opened a group.
    event GroupOpened(uint256 indexed groupId, address indexed sponsor, Terms terms, address[] members, uint256 reward);
    /// @notice A member agreed to the terms, and its deposit is locked.
    event Joined(uint256 indexed groupId, uint256 indexed party, address indexed account, uint256 samples);
    /// @notice The group was given up before it began.
    event GroupCancelled(uint256 indexed groupId);
    /// @notice A round began, in this block, with `seed`; `reruns` counts failed runs of it.
    event RoundStarted(uint256 indexed groupId, uint256 indexed round, uint256 reruns, bytes32 seed);
    /// @notice A member posted its encrypted gradients.
    event GradientsSubmitted(
        uint256 indexed groupId, uint256 indexed round, uint256 indexed party, Submission submission
    );
    /// @notice The round goes on with these members.
    event Collected(uint256 indexed groupId, uint256 indexed round, uint256 accepted);
    /// @notice The aggregate is decided.
    event Aggregated(uint256 indexed groupId, uint256 indexed round, bytes32 aggregateRoot);
    /// @notice The leader did not serve the aggregate: there will be another.
    event AggregateWithdrawn(uint256 indexed groupId, uint256 indexed round);
    /// @notice A member posted its shares.
    event SharesSubmitted(uint256 indexed groupId, uint256 indexed round, uint256 indexed party, Submission submission);
    /// @notice A member was convicted; its deposit is taken, and `bounty` of it is the challenger's.
    event Convicted(
        uint256 indexed groupId, uint256 indexed party, address indexed challenger, Phase phase, uint256 bounty
    );
    /// @notice These members were late, and their deposits are taken.
    event Late(uint256 indexed groupId, uint256 indexed round, Phase phase, uint256 parties);
    /// @notice Deposits that were taken are shared by V.
    event PenaltyShared(uint256 indexed groupId, uint256 indexed round, uint256 receivers, uint256 each, uint256 dust);
    /// @notice The round ended well; `parties` contributed.
    event RoundAccepted(uint256 indexed groupId, uint256 indexed round, uint256 parties);
    /// @notice The round failed, and begins again unless that was the last rerun.
    event RoundAborted(uint256 indexed groupId, uint256 indexed round, uint256 reruns);
    /// @notice No more rounds; the pools are fixed.
    event GroupOver(uint256 indexed groupId, uint256 acceptedRounds, uint256 partyPool, uint256 workerPool);
    /// @notice A member's deposit and reward are free coins.
    event Claimed(uint256 indexed groupId, uint256 indexed party, uint256 deposit, uint256 reward);

    /// @notice No group has this id.
    error GroupUnknown(uint256 groupId);
    /// @notice The number of members is not from 2 to `MAX_PARTIES`.
    error PartiesOutOfRange(uint256 parties);
    /// @notice The threshold is not from 2 to the number of members.
    error ThresholdOutOfRange(uint256 threshold, uint256 parties);
    /// @notice A member stands twice in the list, or is zero.
    error MemberRepeated(address account);
    /// @notice One of the terms is zero, or beyond what it may be.
    error TermsInvalid(string term);
    /// @notice The group is not in this phase.
    error NotInPhase(uint256 groupId, Phase expected, Phase actual);
    /// @notice The sender is not this member.
    error NotMember(uint256 groupId, uint256 party, address caller);
    /// @notice The sender did not open the group.
    error NotSponsor(uint256 groupId, address sponsor, address caller);
    /// @notice The member has joined.
    error AlreadyJoined(uint256 groupId, uint256 party);
    /// @notice Somebody has not joined yet.
    error NotAllJoined(uint256 groupId, uint256 joined, uint256 parties);
    /// @notice There are not enough workers for a leader and a committee.
    error NotEnoughWorkers(uint256 groupId, uint256 workers, uint256 needed);
    /// @notice The asset is not the sender's.
    error NotAssetOwner(uint256 assetId, address owner, address caller);
    /// @notice A root is zero.
    error ZeroRoot();
    /// @notice The member was convicted in this round, and has to wait for the next.
    error ConvictedThisRound(uint256 groupId, uint256 party);
    /// @notice The member has submitted, in this phase.
    error AlreadySubmitted(uint256 groupId, uint256 party);
    /// @notice The member is not among those whose gradients were accepted.
    error NotAccepted(uint256 groupId, uint256 party);
    /// @notice The member has no submission that can be held against it.
    error NothingSubmitted(uint256 groupId, uint256 party);
    /// @notice This was due by `deadline`.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice This comes after `deadline`.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice Disputes or demands are not over.
    error DisputesPending(uint256 groupId, uint256 pending);
    /// @notice Only the contract that the terms name may do this.
    error NotNamedInTerms(address expected, address caller);
    /// @notice This was paid out.
    error AlreadyClaimed(uint256 groupId, uint256 party);

    /// @notice Opens a group and locks the reward, free coins of the sender.
    /// @param members in the order of their key shares: member 0 has share 1.
    /// @return groupId counted from zero.
    function open(Terms calldata terms, address[] calldata members, uint128 reward) external returns (uint256 groupId);

    /// @notice Agrees to the terms and locks the deposit.
    /// @param assetId of the sender's asset; of no meaning where the terms name no registry.
    function join(uint256 groupId, uint256 party, uint256 assetId) external;

    /// @notice Begins round 1, once all have joined and there are workers.
    function start(uint256 groupId) external;

    /// @notice Gives up a group that has not begun. For its sponsor, and for members who joined.
    function cancel(uint256 groupId, uint256 party) external;

    /// @notice Posts encrypted gradients, by T1. A member without a deposit gets one locked.
    function submit(uint256 groupId, uint256 party, Submission calldata submission) external;

    /// @notice After T3, fixes who is in this round. Anyone may do it.
    function collect(uint256 groupId) external;

    /// @notice Posts decryption shares, by T5.
    function submitShares(uint256 groupId, uint256 party, Submission calldata submission) external;

    /// @notice After T6, ends the round. Anyone may do it.
    function settle(uint256 groupId) external;

    /// @notice After the group is over, makes a member's deposit and reward free coins. Anyone may do it.
    function claim(uint256 groupId, uint256 party) external;

    /// @notice For `terms.processing`: the aggregate is decided.
    function aggregated(uint256 groupId, bytes32 aggregateRoot, bytes32 nextSeed) external;

    /// @notice For `terms.processing`: the aggregate is not served, another will be made.
    function withdrawAggregate(uint256 groupId) external;

    /// @notice For `terms.processing`: nobody is left to aggregate.
    function abandon(uint256 groupId) external;

    /// @notice For `terms.disputes` and `terms.evidence`: the phase waits until `release`. Reverts unless the member's gradients (`Collecting`) or
    /// shares (`Decrypting`) can be held against it now.
    function hold(uint256 groupId, uint256 party, Phase phase) external;

    /// @notice For `terms.disputes` and `terms.evidence`: a dispute is over, without a conviction.
    function release(uint256 groupId) external;

    /// @notice For `terms.disputes` and `terms.evidence`: the member is wrong, and its deposit is taken, unless it was taken before.
    /// @param phase `Collecting` for gradients, `Decrypting` for shares.
    /// @param held whether the phase waited for it; without that, the time has to be right as for `hold`.
    /// @return convicted false if it had been convicted before.
    function convict(uint256 groupId, uint256 party, address challenger, Phase phase, bool held)
        external
        returns (bool convicted);

    /// @notice Whether this can still be held against the member.
    function isAccusable(uint256 groupId, uint256 party, Phase phase) external view returns (bool);

    /// @notice How many groups were opened; the next one's id.
    function groupCount() external view returns (uint256);

    /// @notice The terms of a group; reverts if there is none.
    function termsOf(uint256 groupId) external view returns (Terms memory);

    /// @notice How far a group has come.
    function clockOf(uint256 groupId) external view returns (Clock memory);

    /// @notice Who has done what in this round.
    function masksOf(uint256 groupId) external view returns (Masks memory);

    /// @notice Rewards, seeds and the aggregate.
    function accountOf(uint256 groupId) external view returns (Account memory);

    /// @notice The seed of this round.
    function seedOf(uint256 groupId) external view returns (bytes32);

    /// @notice A member.
    function partyOf(uint256 groupId, uint256 party) external view returns (Party memory);

    /// @notice keccak256(abi.encode(round, submission)) of a member's gradients in this round.
    function gradientsOf(uint256 groupId, uint256 party) external view returns (bytes32);

    /// @notice keccak256(abi.encode(round, submission)) of a member's shares in this round.
    function sharesOf(uint256 groupId, uint256 party) external view returns (bytes32);

    /// @notice The last blocks of T1, T2, T3 while collecting, and of T4, T5, T6 while decrypting.
    function deadlinesOf(uint256 groupId) external view returns (uint256[3] memory);

    /// @notice What proofs of this round are bound to: docs/deepchain-disputes.md.
    function contextOf(uint256 groupId, uint256 party) external view returns (bytes32);
}
