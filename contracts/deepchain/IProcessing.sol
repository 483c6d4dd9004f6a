// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITrading} from "./ITrading.sol";

/// @title Workers who multiply ciphertexts, and what they agree on
/// @notice Workers enlist with a stake for one group. When gradients are collected a leader and a committee are drawn:
///
/// 7. `update` by T7: the leader posts the root of the aggregate and the next value of its hash chain;
/// 8. by T8 the committee's signatures are lodged, by anybody. Until then, and up to T4, anybody may prove an
///    element of the aggregate wrong, or demand its bytes (`IEvidence`);
/// 9. `append` by T9: more than two thirds of the committee signed, and the round goes on (`ITrading`).
///
/// Whoever misses its time, or signs what is proved wrong, loses `terms.workerDeposit` of its stake: a leader who posts
/// nothing by T7, committee members who have not signed by T8 when that leaves too few, the leader who does not append by
/// T9. A member who finds the aggregate wrong, or its bytes missing, proves or demands that instead of signing. Then
/// another leader is drawn, `MAX_ATTEMPTS` times. What a worker loses is the challenger's, as far as `terms.bountyBps`
/// goes, and else the treasury's.
///
/// *Sortition.* Weighted by the stakes whose coins are valid (`IDeepCoin`). A worker commits to a hash chain when it
/// enlists, and is drawn from `DELAY` rounds later on; a leader reveals one link, and
///
///     seed(r + 1) = keccak256(seed(r) ‖ link of the leader of round r)
///
/// Nothing in it can be chosen once seeds can be known: the link is the one preimage of what was committed to; the
/// aggregate, the members' ciphertexts, block hashes and the caller are not in it; and whatever changes a stake, joining,
/// leaving or renewing, counts from DELAY rounds later on. What is left is silence: a leader who dislikes its link may withhold it, which costs it the deposit,
/// and gives it one more draw, of the leader only among others. That is one bit for one deposit, as with every VRF whose
/// output may be withheld, so no VRF is needed; what a VRF adds, that leaders are not known before they speak, matters to
/// those who attack leaders, not to those who grind. Whoever leads all of the DELAY − 1 rounds between a change of stakes
/// and the draw that it counts in knows that draw's seed beforehand, and may choose stakes for it: with a share f of the
/// weight, f^(DELAY − 1) of the time. The first seed is a block hash, and stakes before it count at once: whoever starts
/// the group may choose among blocks, once.
interface IProcessing {
    /// @notice What has come of a round's block.
    enum Status {
        None,
        Posted,
        Appended
    }

    /// @notice A worker of a group.
    /// @param stake locked for it.
    /// @param enlistedRound counts in draws from DELAY rounds later on; round 0 is before the first.
    /// @param renewedRound when its coins were staked, or last took part.
    /// @param blocks its contribution: LEADER_WEIGHT for a block that it led, 1 for a block that it signed.
    /// @param leavingRound from which on it is not drawn; zero if it stays.
    /// @param claimed whether stake and reward were paid out.
    /// @param link last one shown of its hash chain.
    // Layout, from the low end: slot 0 | account 160 | stake 96 |; slot 1 | enlistedRound 32 | renewedRound 32
    // | blocks 32 | leavingRound 32 | claimed 8 | free 120 |; slot 2 link
    struct Worker {
        address account;
        uint96 stake;
        uint32 enlistedRound;
        uint32 renewedRound;
        uint32 blocks;
        uint32 leavingRound;
        bool claimed;
        bytes32 link;
    }

    /// @notice The block of the current round.
    /// @param status what is due.
    /// @param attempt how many leaders failed before.
    /// @param leader index of the worker; while nothing is posted, `drawOf` says who it is.
    /// @param pending demands that hold it.
    /// @param collected block in which gradients were collected: tells runs of a round apart.
    /// @param base from which the next deadline counts.
    /// @param failed workers who are not drawn again in this run, a bit each.
    /// @param committee workers who sign, a bit each.
    /// @param signed who did.
    /// @param aggregateRoot Merkle root of the products.
    /// @param contentDigest under which they are served.
    /// @param link that the leader showed.
    // Layout, from the low end: slot 0 | status 8 | attempt 8 | leader 8 | pending 16 | collected 48 | base 48
    // | failed 64 | free 56 |; slot 1 | committee 64 | signed 64 | free 128 |; slot 2 aggregateRoot; slot 3 contentDigest;
    // slot 4 link
    struct Block {
        Status status;
        uint8 attempt;
        uint8 leader;
        uint16 pending;
        uint48 collected;
        uint48 base;
        uint64 failed;
        uint64 committee;
        uint64 signed;
        bytes32 aggregateRoot;
        bytes32 contentDigest;
        bytes32 link;
    }

    /// @notice A worker enlisted.
    event Enlisted(
        uint256 indexed groupId, uint256 indexed worker, address indexed account, uint256 stake, bytes32 tip
    );
    /// @notice A worker's coins are valid again, for draws from `validRound` on.
    event Renewed(uint256 indexed groupId, uint256 indexed worker, uint256 validRound);
    /// @notice A worker is not drawn any more from `leavingRound` on.
    event Retired(uint256 indexed groupId, uint256 indexed worker, uint256 leavingRound);
    /// @notice A worker that has left has its stake back.
    event StakeReturned(uint256 indexed groupId, uint256 indexed worker, uint256 stake);
    /// @notice The leader posted the aggregate.
    event Updated(
        uint256 indexed groupId,
        uint256 indexed round,
        uint256 indexed leader,
        uint256 attempt,
        bytes32 aggregateRoot,
        bytes32 contentDigest,
        bytes32 link
    );
    /// @notice Signatures were lodged; `signed` are all so far.
    event Signed(uint256 indexed groupId, uint256 indexed round, uint256 signed);
    /// @notice The block is decided.
    event Appended(uint256 indexed groupId, uint256 indexed round, uint256 signed);
    /// @notice The block failed at this time point, and these workers pay.
    event BlockFailed(
        uint256 indexed groupId, uint256 indexed round, uint256 attempt, uint8 timePoint, uint256 culprits
    );
    /// @notice A worker lost a deposit; `bounty` of it is the challenger's, if there is one.
    event WorkerSlashed(
        uint256 indexed groupId, uint256 indexed worker, uint256 amount, address challenger, uint256 bounty
    );
    /// @notice A worker's stake and reward are free coins.
    event WorkerClaimed(uint256 indexed groupId, uint256 indexed worker, uint256 stake, uint256 reward);

    /// @notice Another contract is named in the group's terms.
    error NotThisProcessing(uint256 groupId, address named);
    /// @notice The stake is below what the terms ask for.
    error StakeTooSmall(uint256 stake, uint256 least);
    /// @notice No more workers fit.
    error TooManyWorkers(uint256 groupId);
    /// @notice The sender has enlisted.
    error AlreadyEnlisted(uint256 groupId, address account);
    /// @notice No worker has this number, or it is not the sender.
    error NotWorker(uint256 groupId, uint256 worker, address caller);
    /// @notice A worker that a draw may use stays until `leavingRound`; zero if it did not retire.
    error StakeInUse(uint256 groupId, uint256 round, uint256 leavingRound);
    /// @notice The coins expire too soon: the next draws are settled.
    error TooLateToRenew(uint256 groupId, uint256 round, uint256 expiryRound);
    /// @notice Coins expire before a change of them would count.
    error ValidityTooShort(uint256 validityRounds, uint256 delay);
    /// @notice The block is not that far, or further.
    error NotInStatus(uint256 groupId, Status expected, Status actual);
    /// @notice Nobody can be drawn.
    error NobodyEligible(uint256 groupId);
    /// @notice The sender does not lead.
    error NotLeader(uint256 groupId, address leader, address caller);
    /// @notice The link does not hash to the last one.
    error LinkMismatch(bytes32 expected, bytes32 actual);
    /// @notice There are more signatures than the committee has members.
    error TooManySignatures(uint256 count);
    /// @notice Signed by nobody in the committee, or by somebody else than said.
    error NotInCommittee(uint256 groupId, uint256 worker, address signer);
    /// @notice Too few have signed.
    error TooFewSignatures(uint256 signed, uint256 committee);
    /// @notice Bytes of the aggregate are demanded.
    error DemandsPending(uint256 groupId, uint256 pending);
    /// @notice The group is over.
    error GroupIsOver(uint256 groupId);
    /// @notice The group is not over.
    error GroupNotOver(uint256 groupId);
    /// @notice This was paid out.
    error AlreadyClaimed(uint256 groupId, uint256 worker);

    /// @notice Enlists the sender for a group with a stake of its free coins.
    /// @param tip of its hash chain: tip = keccak256(link₁), link₁ = keccak256(link₂), …
    function enlist(uint256 groupId, uint96 stake, bytes32 tip) external returns (uint256 worker);

    /// @notice Says that the worker is still there, so that its coins stay valid. Not within DELAY rounds before they
    /// expire; once they have, they count again DELAY rounds later.
    function renew(uint256 groupId, uint256 worker) external;

    /// @notice Leaves: DELAY rounds later, or at once before the first round.
    function retire(uint256 groupId, uint256 worker) external;

    /// @notice Takes the stake back after leaving.
    function withdrawStake(uint256 groupId, uint256 worker) external;

    /// @notice The leader posts the aggregate.
    /// @param link the preimage of its last link.
    function update(uint256 groupId, bytes32 aggregateRoot, bytes32 contentDigest, bytes32 link) external;

    /// @notice Lodges signatures, 65 bytes each, of `blockHash`, by T8. Anyone may do it.
    /// @param workers whose they are.
    function lodge(uint256 groupId, uint256[] calldata workers, bytes[] calldata signatures) external;

    /// @notice After T8, decides the block. Anyone may do it.
    function append(uint256 groupId) external;

    /// @notice Ends an attempt whose time point was missed. Anyone may do it.
    function expire(uint256 groupId) external;

    /// @notice After the group is over, makes stake and reward free coins. Anyone may do it.
    function claim(uint256 groupId, uint256 worker) external;

    /// @notice For `terms.evidence`: bytes of the aggregate are demanded; the block waits for them. Reverts once it can no
    /// longer be held against its leader: after T8, or T4 if it is appended.
    /// @return collected of the block.
    /// @return attempt of the block.
    function hold(uint256 groupId) external returns (uint48 collected, uint8 attempt);

    /// @notice For `terms.evidence`: they were served.
    /// @param collected of the block when they were demanded.
    /// @param attempt of the block when they were demanded.
    function release(uint256 groupId, uint48 collected, uint8 attempt) external;

    /// @notice For `terms.evidence`: they were not; the leader pays, and another is drawn.
    /// @return convicted false if that attempt is over.
    function convictLeader(uint256 groupId, address challenger, uint48 collected, uint8 attempt)
        external
        returns (bool convicted);

    /// @notice For `terms.evidence`: the aggregate is wrong. Leader and signers pay, and others are drawn. Reverts like `hold`.
    function convictBlock(uint256 groupId, address challenger) external;

    /// @notice How many workers enlisted, retired ones among them.
    function workerCount(uint256 groupId) external view returns (uint256);

    /// @notice A worker; reverts if there is none.
    function workerOf(uint256 groupId, uint256 worker) external view returns (Worker memory);

    /// @notice The current round's block.
    function blockOf(uint256 groupId) external view returns (Block memory);

    /// @notice Σ of the workers' contributions.
    function contributionsOf(uint256 groupId) external view returns (uint256);

    /// @notice How many workers could be drawn in `round`.
    function eligibleCount(uint256 groupId, uint32 round) external view returns (uint256);

    /// @notice Who leads, and who signs, a bit each, in the attempt that waits for its leader.
    function drawOf(uint256 groupId) external view returns (uint8 leader, uint64 committee);

    /// @notice How many demands hold the block.
    function pendingOf(uint256 groupId) external view returns (uint256);

    /// @notice What the committee signs (EIP-712).
    function blockHash(uint256 groupId) external view returns (bytes32);

    /// @notice The last block of the time point that is due: T7 when drawn, T8 and T9 when posted.
    function deadlinesOf(uint256 groupId) external view returns (uint256[2] memory);
}
