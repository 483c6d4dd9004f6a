// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IEscrow} from "./IEscrow.sol";
import {IProcessing} from "./IProcessing.sol";
import {ITrading} from "./ITrading.sol";
import {Members} from "./Members.sol";
import {Payoff} from "./Payoff.sol";
import {Sortition} from "./Sortition.sol";

// Statuses, phases and counts are compared, not balances. The escrow is called between effects: it is fixed at construction
// and calls nobody but the coin, a plain ERC-20. At most 64 workers are paid in a loop.
// slither-disable-start incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
/// @title Processing
/// @notice Nobody owns it; stakes are in the escrow, and go where the rules of `IProcessing` say.
contract Processing is IProcessing, EIP712 {
    using Members for uint64;

    /// @notice Most workers of a group, retired ones among them.
    uint256 public constant MAX_WORKERS = 64;
    /// @notice A worker is drawn from so many rounds after the one in which it enlisted, or changed anything else.
    uint32 public constant DELAY = 3;
    /// @notice How many leaders or committees may fail in a round.
    uint256 public constant MAX_ATTEMPTS = 8;
    /// @notice What leading a block counts; signing one counts 1.
    uint32 public constant LEADER_WEIGHT = 3;
    /// @notice EIP-712 type of what the committee signs.
    bytes32 public constant BLOCK_TYPE = keccak256(
        "Block(uint256 groupId,uint256 round,bytes32 seed,uint256 attempt,bytes32 aggregateRoot,bytes32 contentDigest)"
    );

    /// @notice Whose rounds are aggregated.
    ITrading public immutable TRADING;
    /// @notice Where all coins are.
    IEscrow public immutable ESCROW;
    /// @notice The coin's: how many rounds a staked coin counts in.
    uint32 public immutable VALIDITY_ROUNDS;

    /// @dev What the terms say that each block needs: reading all terms is dear. Kept when the first worker enlists.
    // Layout, from the low end: workerDeposit 96 | bountyBps 16 | committee 8 | known 8 | updateBlocks 16 | signBlocks 16
    // | appendBlocks 16 | free 80 |
    struct Rules {
        uint96 workerDeposit;
        uint16 bountyBps;
        uint8 committee;
        bool known;
        uint16 updateBlocks;
        uint16 signBlocks;
        uint16 appendBlocks;
    }

    /// @dev Payments of a group that is over.
    struct Payments {
        uint128 paid;
        uint32 claimed;
    }

    mapping(uint256 groupId => Rules) private _rules;
    mapping(uint256 groupId => Worker[]) private _workers;
    mapping(uint256 groupId => mapping(address account => bool)) private _enlisted;
    mapping(uint256 groupId => Block) private _blocks;
    mapping(uint256 groupId => uint256) private _contributions;
    mapping(uint256 groupId => Payments) private _payments;

    constructor(ITrading trading, IEscrow escrow) EIP712("pyml.deepchain.Processing", "1") {
        (TRADING, ESCROW) = (trading, escrow);
        VALIDITY_ROUNDS = escrow.COIN().VALIDITY_ROUNDS();
        if (VALIDITY_ROUNDS <= DELAY) revert ValidityTooShort(VALIDITY_ROUNDS, DELAY);
    }

    /// @inheritdoc IProcessing
    function enlist(uint256 groupId, uint96 stake, bytes32 tip) external returns (uint256 worker) {
        Rules memory rules = _learn(groupId);
        if (stake < rules.workerDeposit) revert StakeTooSmall(stake, rules.workerDeposit);
        ITrading.Clock memory clock = TRADING.clockOf(groupId);
        if (clock.phase == ITrading.Phase.Over) revert GroupIsOver(groupId);
        worker = _workers[groupId].length;
        if (worker == MAX_WORKERS) revert TooManyWorkers(groupId);
        if (_enlisted[groupId][msg.sender]) revert AlreadyEnlisted(groupId, msg.sender);
        _enlisted[groupId][msg.sender] = true;
        Worker storage enlisted = _workers[groupId].push();
        (enlisted.account, enlisted.stake, enlisted.link) = (msg.sender, stake, tip);
        (enlisted.enlistedRound, enlisted.renewedRound) = (clock.round, clock.round);
        emit Enlisted(groupId, worker, msg.sender, stake, tip);
        ESCROW.lock(msg.sender, stake);
    }

    /// @inheritdoc IProcessing
    function renew(uint256 groupId, uint256 worker) external {
        Worker storage renewed = _asWorker(groupId, worker);
        uint32 round = TRADING.clockOf(groupId).round;
        uint256 expiry = uint256(renewed.renewedRound) + VALIDITY_ROUNDS;
        bool expired = round >= expiry;
        if (!expired && round + DELAY > expiry) revert TooLateToRenew(groupId, round, expiry);
        if (expired) renewed.enlistedRound = round;
        renewed.renewedRound = round;
        emit Renewed(groupId, worker, expired ? round + DELAY : round);
    }

    /// @inheritdoc IProcessing
    function retire(uint256 groupId, uint256 worker) external {
        Worker storage leaving = _asWorker(groupId, worker);
        if (leaving.leavingRound != 0) revert StakeInUse(groupId, 0, leaving.leavingRound);
        uint32 round = TRADING.clockOf(groupId).round;
        leaving.leavingRound = round == 0 ? 1 : round + DELAY;
        emit Retired(groupId, worker, leaving.leavingRound);
    }

    /// @inheritdoc IProcessing
    function withdrawStake(uint256 groupId, uint256 worker) external {
        Worker storage left = _asWorker(groupId, worker);
        ITrading.Clock memory clock = TRADING.clockOf(groupId);
        bool gone = left.leavingRound != 0 && (clock.round == 0 || clock.round >= left.leavingRound);
        if (!gone) revert StakeInUse(groupId, clock.round, left.leavingRound);
        uint96 stake = left.stake;
        left.stake = 0;
        emit StakeReturned(groupId, worker, stake);
        ESCROW.credit(msg.sender, stake);
    }

    /// @inheritdoc IProcessing
    function update(uint256 groupId, bytes32 aggregateRoot, bytes32 contentDigest, bytes32 link) external {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        Block memory made = _currentOf(groupId, clock);
        if (made.status != Status.None) revert NotInStatus(groupId, Status.None, made.status);
        _requireNotAfter(made.base + rules.updateBlocks);
        (made.leader, made.committee) = _draw(groupId, rules, clock, made);
        Worker storage leader = _workers[groupId][made.leader];
        if (leader.account != msg.sender) revert NotLeader(groupId, leader.account, msg.sender);
        bytes32 hashed = keccak256(abi.encode(link));
        if (hashed != leader.link) revert LinkMismatch(leader.link, hashed);
        leader.link = link;
        (made.status, made.base, made.signed) = (Status.Posted, uint48(block.number), 0);
        (made.aggregateRoot, made.contentDigest, made.link) = (aggregateRoot, contentDigest, link);
        _blocks[groupId] = made;
        emit Updated(groupId, clock.round, made.leader, made.attempt, aggregateRoot, contentDigest, link);
    }

    /// @inheritdoc IProcessing
    function lodge(uint256 groupId, uint256[] calldata workers, bytes[] calldata signatures) external {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        Block storage made = _posted(groupId);
        _requireNotAfter(uint256(made.base) + rules.signBlocks);
        if (workers.length != signatures.length || workers.length > rules.committee) {
            revert TooManySignatures(signatures.length);
        }
        bytes32 digest = blockHash(groupId);
        uint64 signed = made.signed;
        for (uint256 i = 0; i < workers.length; ++i) {
            address signer = ECDSA.recover(digest, signatures[i]);
            uint64 bit = Members.bit(workers[i]);
            if (made.committee & bit == 0 || _workers[groupId][workers[i]].account != signer) {
                revert NotInCommittee(groupId, workers[i], signer);
            }
            signed |= bit;
        }
        made.signed = signed;
        emit Signed(groupId, clock.round, signed);
    }

    /// @inheritdoc IProcessing
    function append(uint256 groupId) external {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        Block storage made = _posted(groupId);
        _requireAfter(uint256(made.base) + rules.signBlocks);
        if (made.pending != 0) revert DemandsPending(groupId, made.pending);
        if (!_isAgreed(made.signed, made.committee)) {
            revert TooFewSignatures(made.signed.count(), made.committee.count());
        }
        made.status = Status.Appended;
        _reward(groupId, clock.round, made);
        emit Appended(groupId, clock.round, made.signed);
        bytes32 seed = TRADING.seedOf(groupId);
        TRADING.aggregated(groupId, made.aggregateRoot, keccak256(abi.encode(seed, made.link)));
    }

    /// @inheritdoc IProcessing
    function expire(uint256 groupId) external {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        Block memory made = _currentOf(groupId, clock);
        if (made.status == Status.None) {
            if (_eligible(groupId, clock.round, rules.workerDeposit, made.failed) <= rules.committee) {
                return TRADING.abandon(groupId);
            }
            _requireAfter(made.base + rules.updateBlocks);
            (uint8 leader,) = _draw(groupId, rules, clock, made);
            return _fail(groupId, rules, clock, made, 7, Members.bit(leader));
        }
        if (made.pending != 0) revert DemandsPending(groupId, made.pending);
        uint256 deadline = made.base + rules.signBlocks;
        _requireAfter(deadline);
        uint64 absent = made.committee & ~made.signed;
        if (!_isAgreed(made.signed, made.committee)) return _fail(groupId, rules, clock, made, 8, absent);
        _requireAfter(deadline + rules.appendBlocks);
        _fail(groupId, rules, clock, made, 9, Members.bit(made.leader));
    }

    /// @inheritdoc IProcessing
    function claim(uint256 groupId, uint256 worker) external {
        if (TRADING.clockOf(groupId).phase != ITrading.Phase.Over) revert GroupNotOver(groupId);
        Worker storage paid = _known(groupId, worker);
        if (paid.claimed) revert AlreadyClaimed(groupId, worker);
        paid.claimed = true;
        uint96 stake = paid.stake;
        paid.stake = 0;
        uint128 pool = TRADING.accountOf(groupId).workerPool;
        uint256 reward = Payoff.earned(pool, paid.blocks, _contributions[groupId]);
        Payments storage payments = _payments[groupId];
        // At most the pool, which has 128 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        payments.paid += uint128(reward);
        uint256 dust = ++payments.claimed == _workers[groupId].length ? pool - payments.paid : 0;
        emit WorkerClaimed(groupId, worker, stake, reward);
        ESCROW.credit(paid.account, stake + reward);
        if (dust != 0) ESCROW.forfeit(dust);
    }

    /// @inheritdoc IProcessing
    function hold(uint256 groupId) external returns (uint48 collected, uint8 attempt) {
        Block memory made = _answerable(groupId, _asEvidence(groupId));
        ++_blocks[groupId].pending;
        return (made.collected, made.attempt);
    }

    /// @inheritdoc IProcessing
    function release(uint256 groupId, uint48 collected, uint8 attempt) external {
        _asEvidence(groupId);
        Block storage made = _blocks[groupId];
        if (made.collected == collected && made.attempt == attempt) --made.pending;
    }

    /// @inheritdoc IProcessing
    function convictLeader(uint256 groupId, address challenger, uint48 collected, uint8 attempt)
        external
        returns (bool convicted)
    {
        Rules memory rules = _asEvidence(groupId);
        Block memory made = _blocks[groupId];
        if (made.collected != collected || made.attempt != attempt) return false;
        _convict(groupId, rules, made, challenger, Members.bit(made.leader));
        return true;
    }

    /// @inheritdoc IProcessing
    function convictBlock(uint256 groupId, address challenger) external {
        Rules memory rules = _asEvidence(groupId);
        Block memory made = _answerable(groupId, rules);
        _convict(groupId, rules, made, challenger, made.signed | Members.bit(made.leader));
    }

    /// @inheritdoc IProcessing
    function workerCount(uint256 groupId) external view returns (uint256) {
        return _workers[groupId].length;
    }

    /// @inheritdoc IProcessing
    function workerOf(uint256 groupId, uint256 worker) external view returns (Worker memory) {
        return _known(groupId, worker);
    }

    /// @inheritdoc IProcessing
    function blockOf(uint256 groupId) external view returns (Block memory) {
        return _blocks[groupId];
    }

    /// @inheritdoc IProcessing
    function contributionsOf(uint256 groupId) external view returns (uint256) {
        return _contributions[groupId];
    }

    /// @inheritdoc IProcessing
    function eligibleCount(uint256 groupId, uint32 round) external view returns (uint256) {
        return _eligible(groupId, round, _rules[groupId].workerDeposit, 0);
    }

    /// @inheritdoc IProcessing
    function drawOf(uint256 groupId) external view returns (uint8 leader, uint64 committee) {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        return _draw(groupId, rules, clock, _currentOf(groupId, clock));
    }

    /// @inheritdoc IProcessing
    function pendingOf(uint256 groupId) external view returns (uint256) {
        return _blocks[groupId].pending;
    }

    /// @inheritdoc IProcessing
    function deadlinesOf(uint256 groupId) external view returns (uint256[2] memory deadlines) {
        (Rules memory rules, ITrading.Clock memory clock) = _context(groupId, ITrading.Phase.Aggregating);
        Block memory made = _currentOf(groupId, clock);
        if (made.status == Status.None) {
            deadlines[0] = made.base + rules.updateBlocks;
        } else {
            deadlines[0] = made.base + rules.signBlocks;
            deadlines[1] = deadlines[0] + rules.appendBlocks;
        }
    }

    /// @inheritdoc IProcessing
    function blockHash(uint256 groupId) public view returns (bytes32) {
        Block storage made = _blocks[groupId];
        bytes32 content = keccak256(
            abi.encode(
                BLOCK_TYPE,
                groupId,
                uint256(TRADING.clockOf(groupId).round),
                TRADING.seedOf(groupId),
                uint256(made.attempt),
                made.aggregateRoot,
                made.contentDigest
            )
        );
        return _hashTypedDataV4(content);
    }

    /// @dev The block is posted, and these are guilty of it: another attempt, also where it was appended.
    function _convict(uint256 groupId, Rules memory rules, Block memory made, address challenger, uint64 culprits)
        private
    {
        ITrading.Clock memory clock = TRADING.clockOf(groupId);
        bool appended = made.status == Status.Appended;
        if (appended) {
            _unreward(groupId, made);
            made.collected = uint48(block.number);
        }
        _retry(groupId, clock, made, culprits, 0);
        _slash(groupId, rules, culprits, challenger);
        if (appended) TRADING.withdrawAggregate(groupId);
        if (made.attempt >= MAX_ATTEMPTS) TRADING.abandon(groupId);
    }

    /// @dev A time point was missed.
    function _fail(
        uint256 groupId,
        Rules memory rules,
        ITrading.Clock memory clock,
        Block memory made,
        uint8 timePoint,
        uint64 culprits
    ) private {
        _retry(groupId, clock, made, culprits, timePoint);
        _slash(groupId, rules, culprits, address(0));
        if (made.attempt >= MAX_ATTEMPTS) TRADING.abandon(groupId);
    }

    function _retry(uint256 groupId, ITrading.Clock memory clock, Block memory made, uint64 culprits, uint8 timePoint)
        private
    {
        emit BlockFailed(groupId, clock.round, made.attempt, timePoint, culprits);
        ++made.attempt;
        made.failed |= culprits;
        (made.status, made.base, made.pending) = (Status.None, uint48(block.number), 0);
        _blocks[groupId] = made;
    }

    /// @dev Each loses a deposit, or what is left of its stake. The challenger gets its part of the first's alone: one
    /// proof, one bounty.
    function _slash(uint256 groupId, Rules memory rules, uint64 culprits, address challenger) private {
        uint256 forfeited = 0;
        for (uint256 i = 0; culprits >> i != 0; ++i) {
            if (culprits & Members.bit(i) == 0) continue;
            Worker storage culprit = _workers[groupId][i];
            uint96 stake = culprit.stake;
            uint96 amount = stake < rules.workerDeposit ? stake : rules.workerDeposit;
            culprit.stake = stake - amount;
            uint256 bounty = challenger == address(0) ? 0 : uint256(amount) * rules.bountyBps / Payoff.WHOLE;
            emit WorkerSlashed(groupId, i, amount, challenger, bounty);
            if (bounty != 0) ESCROW.credit(challenger, bounty);
            challenger = address(0);
            forfeited += amount - bounty;
        }
        if (forfeited != 0) ESCROW.forfeit(forfeited);
    }

    function _reward(uint256 groupId, uint32 round, Block storage made) private {
        uint64 signed = made.signed;
        for (uint256 i = 0; signed >> i != 0; ++i) {
            if (signed & Members.bit(i) == 0) continue;
            Worker storage signer = _workers[groupId][i];
            ++signer.blocks;
            signer.renewedRound = round;
        }
        Worker storage leader = _workers[groupId][made.leader];
        leader.blocks += LEADER_WEIGHT;
        leader.renewedRound = round;
        _contributions[groupId] += signed.count() + LEADER_WEIGHT;
    }

    /// @dev Takes the contributions to an appended block back.
    function _unreward(uint256 groupId, Block memory made) private {
        for (uint256 i = 0; made.signed >> i != 0; ++i) {
            if (made.signed & Members.bit(i) != 0) --_workers[groupId][i].blocks;
        }
        _workers[groupId][made.leader].blocks -= LEADER_WEIGHT;
        _contributions[groupId] -= made.signed.count() + LEADER_WEIGHT;
    }

    function _known(uint256 groupId, uint256 worker) private view returns (Worker storage) {
        if (worker >= _workers[groupId].length) revert NotWorker(groupId, worker, msg.sender);
        return _workers[groupId][worker];
    }

    function _asWorker(uint256 groupId, uint256 worker) private view returns (Worker storage asked) {
        asked = _known(groupId, worker);
        if (asked.account != msg.sender) revert NotWorker(groupId, worker, msg.sender);
    }

    /// @dev Terms do not change.
    function _learn(uint256 groupId) private returns (Rules memory rules) {
        rules = _rules[groupId];
        if (rules.known) return rules;
        ITrading.Terms memory terms = TRADING.termsOf(groupId);
        if (terms.processing != address(this)) revert NotThisProcessing(groupId, terms.processing);
        rules = Rules({
            workerDeposit: terms.workerDeposit,
            bountyBps: terms.bountyBps,
            committee: terms.committee,
            known: true,
            updateBlocks: terms.windows[6],
            signBlocks: terms.windows[7],
            appendBlocks: terms.windows[8]
        });
        _rules[groupId] = rules;
    }

    function _context(uint256 groupId, ITrading.Phase phase)
        private
        view
        returns (Rules memory rules, ITrading.Clock memory clock)
    {
        rules = _rules[groupId];
        clock = TRADING.clockOf(groupId);
        if (clock.phase != phase) revert ITrading.NotInPhase(groupId, phase, clock.phase);
        // Without workers a group does not begin, so one that aggregates is known to the contract that it names.
        if (!rules.known) revert NotThisProcessing(groupId, TRADING.termsOf(groupId).processing);
    }

    function _asEvidence(uint256 groupId) private view returns (Rules memory) {
        address evidence = TRADING.termsOf(groupId).evidence;
        if (msg.sender != evidence) revert ITrading.NotNamedInTerms(evidence, msg.sender);
        return _rules[groupId];
    }

    function _posted(uint256 groupId) private view returns (Block storage made) {
        made = _blocks[groupId];
        if (made.status != Status.Posted) revert NotInStatus(groupId, Status.Posted, made.status);
    }

    /// @dev The block of this collection: a new one until its leader posts it.
    function _currentOf(uint256 groupId, ITrading.Clock memory clock) private view returns (Block memory made) {
        made = _blocks[groupId];
        if (made.collected == clock.base) return made;
        made.status = Status.None;
        (made.attempt, made.failed, made.pending) = (0, 0, 0);
        (made.collected, made.base) = (clock.base, clock.base);
    }

    /// @dev The aggregate as long as it can be held against its leader: up to T8, or to T4 once it is appended.
    function _answerable(uint256 groupId, Rules memory rules) private view returns (Block memory made) {
        made = _blocks[groupId];
        if (made.status == Status.None) revert NotInStatus(groupId, Status.Posted, made.status);
        if (made.status == Status.Posted) {
            _requireNotAfter(made.base + rules.signBlocks);
        } else {
            _context(groupId, ITrading.Phase.Decrypting);
            _requireNotAfter(TRADING.deadlinesOf(groupId)[0]);
        }
    }

    function _draw(uint256 groupId, Rules memory rules, ITrading.Clock memory clock, Block memory made)
        private
        view
        returns (uint8 leader, uint64 committee)
    {
        (uint256[] memory weights, uint256 eligible) = _weights(groupId, clock.round, rules.workerDeposit, made.failed);
        if (eligible <= rules.committee) revert NobodyEligible(groupId);
        bytes32 seed = TRADING.seedOf(groupId);
        return Sortition.drawAll(keccak256(abi.encode(seed, uint256(made.attempt))), weights, rules.committee);
    }

    function _eligible(uint256 groupId, uint32 round, uint96 least, uint64 failed)
        private
        view
        returns (uint256 count)
    {
        (, count) = _weights(groupId, round, least, failed);
    }

    /// @dev Stakes that count in a round's draw. Who enlisted before round 1 counts from it on.
    function _weights(uint256 groupId, uint32 round, uint96 least, uint64 failed)
        private
        view
        returns (uint256[] memory weights, uint256 eligible)
    {
        Worker[] storage workers = _workers[groupId];
        weights = new uint256[](workers.length);
        for (uint256 i = 0; i < weights.length; ++i) {
            Worker storage worker = workers[i];
            uint96 stake = worker.stake;
            if (stake < least || failed & Members.bit(i) != 0) continue;
            if (worker.enlistedRound != 0 && worker.enlistedRound + DELAY > round) continue;
            if (worker.leavingRound != 0 && round >= worker.leavingRound) continue;
            if (round >= uint256(worker.renewedRound) + VALIDITY_ROUNDS) continue;
            weights[i] = stake;
            ++eligible;
        }
    }

    function _requireNotAfter(uint256 deadline) private view {
        if (block.number > deadline) revert ITrading.DeadlinePassed(deadline, block.number);
    }

    function _requireAfter(uint256 deadline) private view {
        if (block.number <= deadline) revert ITrading.DeadlineNotPassed(deadline, block.number);
    }

    /// @dev More than two thirds.
    function _isAgreed(uint64 signed, uint64 committee) private pure returns (bool) {
        return 3 * signed.count() > 2 * committee.count();
    }
}
// slither-disable-end incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
