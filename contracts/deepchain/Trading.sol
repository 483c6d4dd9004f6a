// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAssetRegistry} from "./IAssetRegistry.sol";
import {IEscrow} from "./IEscrow.sol";
import {IProcessing} from "./IProcessing.sol";
import {ITrading} from "./ITrading.sol";
import {Members} from "./Members.sol";
import {Payoff} from "./Payoff.sol";

// Statuses, phases and counts are compared, not balances. The escrow is called between effects: it is fixed at construction
// and calls nobody but the coin, a plain ERC-20. What division leaves goes to the treasury, and the term is computed for that.
// slither-disable-start incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,divide-before-multiply
/// @title Trading
/// @notice Nobody owns it; coins are in the escrow, and go where the rules of `ITrading` say.
contract Trading is ITrading {
    using Members for uint64;

    /// @notice Most members of a group.
    uint256 public constant MAX_PARTIES = 64;
    /// @notice Most rounds of a group.
    uint256 public constant MAX_ROUNDS = 100_000;
    /// @notice Most workers in a committee.
    uint256 public constant MAX_COMMITTEE = 31;
    /// @notice How often in a row a round may fail until the group is over.
    uint256 public constant MAX_RERUNS = 3;
    /// @notice Most bytes of n: 3072 bits.
    uint256 public constant MAX_WIDTH = 384;
    /// @notice Most of a deposit that a challenger gets, in 1/10,000: whoever convicts itself loses the rest.
    uint256 public constant MAX_BOUNTY_BPS = 5_000;
    /// @notice keccak256 of the name of the context's first version.
    bytes32 public constant CONTEXT = keccak256("pyml.deepchain.context.v1");

    /// @notice Where all coins are.
    IEscrow public immutable ESCROW;

    /// @inheritdoc ITrading
    uint256 public groupCount;

    mapping(uint256 groupId => Terms) private _terms;
    mapping(uint256 groupId => Clock) private _clocks;
    mapping(uint256 groupId => Masks) private _masks;
    mapping(uint256 groupId => Account) private _accounts;
    mapping(uint256 groupId => mapping(uint256 party => Party)) private _parties;
    /// @dev One word a member, written over in each round.
    mapping(uint256 groupId => mapping(uint256 party => bytes32)) private _gradients;
    mapping(uint256 groupId => mapping(uint256 party => bytes32)) private _shares;

    constructor(IEscrow escrow) {
        ESCROW = escrow;
    }

    /// @inheritdoc ITrading
    function open(Terms calldata terms, address[] calldata members, uint128 reward) external returns (uint256 groupId) {
        _requireTerms(terms, members.length);
        Members.requireDistinct(members);
        groupId = groupCount++;
        _terms[groupId] = terms;
        Clock storage clock = _clocks[groupId];
        (clock.phase, clock.threshold, clock.windows) = (Phase.Forming, terms.threshold, _tradingWindows(terms.windows));
        // At most MAX_PARTIES.
        // forge-lint: disable-next-line(unsafe-typecast)
        clock.parties = uint8(members.length);
        Account storage account = _accounts[groupId];
        (account.sponsor, account.reward) = (msg.sender, reward);
        for (uint256 i = 0; i < members.length; ++i) {
            _parties[groupId][i].account = members[i];
        }
        emit GroupOpened(groupId, msg.sender, terms, members, reward);
        ESCROW.lock(msg.sender, reward);
    }

    /// @inheritdoc ITrading
    function join(uint256 groupId, uint256 party, uint256 assetId) external {
        _requirePhase(groupId, _clocks[groupId], Phase.Forming);
        Party storage member = _asMember(groupId, party);
        if (member.joined) revert AlreadyJoined(groupId, party);
        Terms storage terms = _terms[groupId];
        (member.joined, member.samples) = (true, _samplesOf(terms.assets, assetId));
        _masks[groupId].active |= Members.bit(party);
        Account storage account = _accounts[groupId];
        ++account.unclaimed;
        account.samples += member.samples;
        emit Joined(groupId, party, msg.sender, member.samples);
        ESCROW.lock(msg.sender, terms.deposit);
    }

    /// @inheritdoc ITrading
    function start(uint256 groupId) external {
        Clock storage clock = _clocks[groupId];
        _requirePhase(groupId, clock, Phase.Forming);
        uint256 joined = _masks[groupId].active.count();
        if (joined != clock.parties) revert NotAllJoined(groupId, joined, clock.parties);
        Terms storage terms = _terms[groupId];
        uint256 workers = IProcessing(terms.processing).eligibleCount(groupId, 1);
        uint256 needed = uint256(terms.committee) + 1;
        if (workers < needed) revert NotEnoughWorkers(groupId, workers, needed);
        clock.round = 1;
        _accounts[groupId].nextSeed = keccak256(abi.encode(blockhash(block.number - 1), address(this), groupId));
        _begin(groupId, clock);
    }

    /// @inheritdoc ITrading
    function cancel(uint256 groupId, uint256 party) external {
        Clock storage clock = _clocks[groupId];
        _requirePhase(groupId, clock, Phase.Forming);
        Account storage account = _accounts[groupId];
        Party storage member = _parties[groupId][party];
        bool isMember = member.account == msg.sender && member.joined;
        if (!isMember && msg.sender != account.sponsor) revert NotSponsor(groupId, account.sponsor, msg.sender);
        emit GroupCancelled(groupId);
        _finish(groupId, clock);
    }

    /// @inheritdoc ITrading
    function submit(uint256 groupId, uint256 party, Submission calldata submission) external {
        Clock memory clock = _clocks[groupId];
        _requirePhase(groupId, clock, Phase.Collecting);
        _requireNotAfter(_deadline(clock, 1));
        _asMember(groupId, party);
        if (submission.vectorRoot == 0) revert ZeroRoot();
        Masks memory masks = _masks[groupId];
        uint64 bit = Members.bit(party);
        if (masks.submitted & bit != 0) revert AlreadySubmitted(groupId, party);
        if (_gradients[groupId][party] == _convictedMark(clock)) revert ConvictedThisRound(groupId, party);
        bool hasDeposit = masks.active & bit != 0;
        masks.submitted |= bit;
        masks.active |= bit;
        _masks[groupId] = masks;
        _gradients[groupId][party] = keccak256(abi.encode(clock.round, submission));
        emit GradientsSubmitted(groupId, clock.round, party, submission);
        if (!hasDeposit) ESCROW.lock(msg.sender, _terms[groupId].deposit);
    }

    /// @inheritdoc ITrading
    function collect(uint256 groupId) external {
        Clock storage clock = _clocks[groupId];
        _requireEnded(groupId, clock, Phase.Collecting, 3);
        Masks memory masks = _masks[groupId];
        uint64 late = masks.active & ~masks.submitted;
        (masks.active, masks.accepted) = (masks.submitted, masks.submitted);
        _masks[groupId] = masks;
        emit Collected(groupId, clock.round, masks.accepted);
        bool failed = masks.accepted.count() < clock.threshold;
        if (!failed) (clock.phase, clock.base) = (Phase.Aggregating, uint48(block.number));
        _penalise(groupId, clock.round, Phase.Collecting, late, masks.accepted);
        if (failed) _rerun(groupId, clock);
    }

    /// @inheritdoc ITrading
    function submitShares(uint256 groupId, uint256 party, Submission calldata submission) external {
        Clock memory clock = _clocks[groupId];
        _requirePhase(groupId, clock, Phase.Decrypting);
        _requireNotAfter(_deadline(clock, 5));
        _asMember(groupId, party);
        if (submission.vectorRoot == 0) revert ZeroRoot();
        Masks memory masks = _masks[groupId];
        uint64 bit = Members.bit(party);
        if (masks.accepted & bit == 0) revert NotAccepted(groupId, party);
        if (masks.shared & bit != 0) revert AlreadySubmitted(groupId, party);
        masks.shared |= bit;
        _masks[groupId] = masks;
        _shares[groupId][party] = keccak256(abi.encode(clock.round, submission));
        emit SharesSubmitted(groupId, clock.round, party, submission);
    }

    /// @inheritdoc ITrading
    function settle(uint256 groupId) external {
        Clock storage clock = _clocks[groupId];
        _requireEnded(groupId, clock, Phase.Decrypting, 6);
        _requireNothingDemanded(groupId);
        Masks memory masks = _masks[groupId];
        uint64 late = masks.accepted & ~masks.shared;
        uint64 valid = masks.shared;
        (masks.active, masks.accepted) = (valid, valid);
        _masks[groupId] = masks;
        bool accepted = valid.count() >= clock.threshold;
        uint32 round = clock.round;
        if (accepted) _accept(groupId, clock, valid);
        _penalise(groupId, round, Phase.Decrypting, late, valid);
        if (!accepted) return _rerun(groupId, clock);
        if (round < _terms[groupId].rounds) return _begin(groupId, clock);
        _finish(groupId, clock);
    }

    /// @inheritdoc ITrading
    function claim(uint256 groupId, uint256 party) external {
        _requirePhase(groupId, _clocks[groupId], Phase.Over);
        Party storage member = _parties[groupId][party];
        if (!member.joined) revert NotMember(groupId, party, member.account);
        if (member.claimed) revert AlreadyClaimed(groupId, party);
        member.claimed = true;
        Account storage account = _accounts[groupId];
        uint256 contribution = uint256(account.acceptedRounds - member.missedRounds) * member.samples;
        uint256 reward = Payoff.earned(account.reward, contribution, account.contributions);
        uint256 deposit = _masks[groupId].active & Members.bit(party) == 0 ? 0 : _terms[groupId].deposit;
        // At most the pool, which has 128 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        account.paid += uint128(reward);
        uint256 dust = --account.unclaimed == 0 ? account.reward - account.paid : 0;
        emit Claimed(groupId, party, deposit, reward);
        ESCROW.credit(member.account, deposit + reward);
        if (dust != 0) ESCROW.forfeit(dust);
    }

    /// @inheritdoc ITrading
    function aggregated(uint256 groupId, bytes32 aggregateRoot, bytes32 nextSeed) external {
        Clock storage clock = _asProcessing(groupId, Phase.Aggregating);
        (clock.phase, clock.base) = (Phase.Decrypting, uint48(block.number));
        Account storage account = _accounts[groupId];
        (account.aggregateRoot, account.nextSeed) = (aggregateRoot, nextSeed);
        emit Aggregated(groupId, clock.round, aggregateRoot);
    }

    /// @inheritdoc ITrading
    function withdrawAggregate(uint256 groupId) external {
        Clock storage clock = _asProcessing(groupId, Phase.Decrypting);
        // Nobody can have disputed a share yet: `_requireAccusable` keeps that behind the last demand of the aggregate.
        (clock.phase, clock.base) = (Phase.Aggregating, uint48(block.number));
        _masks[groupId].shared = 0;
        Account storage account = _accounts[groupId];
        account.nextSeed = account.seed;
        emit AggregateWithdrawn(groupId, clock.round);
    }

    /// @inheritdoc ITrading
    function abandon(uint256 groupId) external {
        _rerun(groupId, _asProcessing(groupId, Phase.Aggregating));
    }

    /// @inheritdoc ITrading
    function hold(uint256 groupId, uint256 party, Phase phase) external {
        _requireAccuser(groupId);
        _requireAccusable(groupId, party, phase);
        ++_clocks[groupId].pending;
    }

    /// @inheritdoc ITrading
    function release(uint256 groupId) external {
        _requireAccuser(groupId);
        --_clocks[groupId].pending;
    }

    /// @inheritdoc ITrading
    function convict(uint256 groupId, uint256 party, address challenger, Phase phase, bool held)
        external
        returns (bool convicted)
    {
        _requireAccuser(groupId);
        Clock storage clock = _clocks[groupId];
        if (held) --clock.pending;
        else _requireAccusable(groupId, party, phase);
        if (!isAccusable(groupId, party, phase)) return false;
        _expel(groupId, clock, party, phase);
        Terms storage terms = _terms[groupId];
        uint256 deposit = terms.deposit;
        uint256 bounty = deposit * terms.bountyBps / Payoff.WHOLE;
        // A deposit has 96 bits, and there are at most MAX_PARTIES.
        // forge-lint: disable-next-line(unsafe-typecast)
        _accounts[groupId].slashed += uint128(deposit - bounty);
        emit Convicted(groupId, party, challenger, phase, bounty);
        ESCROW.credit(challenger, bounty);
        return true;
    }

    /// @inheritdoc ITrading
    function termsOf(uint256 groupId) external view returns (Terms memory) {
        _requireKnown(groupId);
        return _terms[groupId];
    }

    /// @inheritdoc ITrading
    function clockOf(uint256 groupId) external view returns (Clock memory) {
        return _clocks[groupId];
    }

    /// @inheritdoc ITrading
    function masksOf(uint256 groupId) external view returns (Masks memory) {
        return _masks[groupId];
    }

    /// @inheritdoc ITrading
    function accountOf(uint256 groupId) external view returns (Account memory) {
        return _accounts[groupId];
    }

    /// @inheritdoc ITrading
    function seedOf(uint256 groupId) external view returns (bytes32) {
        return _accounts[groupId].seed;
    }

    /// @inheritdoc ITrading
    function partyOf(uint256 groupId, uint256 party) external view returns (Party memory) {
        return _parties[groupId][party];
    }

    /// @inheritdoc ITrading
    function gradientsOf(uint256 groupId, uint256 party) external view returns (bytes32) {
        return _gradients[groupId][party];
    }

    /// @inheritdoc ITrading
    function sharesOf(uint256 groupId, uint256 party) external view returns (bytes32) {
        return _shares[groupId][party];
    }

    /// @inheritdoc ITrading
    function deadlinesOf(uint256 groupId) external view returns (uint256[3] memory deadlines) {
        Clock memory clock = _clocks[groupId];
        uint256 first = clock.phase == Phase.Collecting ? 1 : 4;
        if (first == 4) _requirePhase(groupId, clock, Phase.Decrypting);
        for (uint256 i = 0; i < 3; ++i) {
            deadlines[i] = _deadline(clock, first + i);
        }
    }

    /// @inheritdoc ITrading
    function contextOf(uint256 groupId, uint256 party) external view returns (bytes32) {
        return keccak256(
            abi.encode(
                CONTEXT,
                block.chainid,
                address(this),
                groupId,
                uint256(_clocks[groupId].round),
                _parties[groupId][party].account,
                uint256(0),
                _accounts[groupId].seed
            )
        );
    }

    /// @inheritdoc ITrading
    function isAccusable(uint256 groupId, uint256 party, Phase phase) public view returns (bool) {
        Masks memory masks = _masks[groupId];
        uint64 answerable = phase == Phase.Collecting ? masks.submitted : masks.shared;
        return _clocks[groupId].phase == phase && answerable & Members.bit(party) != 0;
    }

    function _begin(uint256 groupId, Clock storage clock) private {
        (clock.phase, clock.base) = (Phase.Collecting, uint48(block.number));
        Masks storage masks = _masks[groupId];
        (masks.submitted, masks.accepted, masks.shared) = (0, 0, 0);
        Account storage account = _accounts[groupId];
        account.seed = account.nextSeed;
        emit RoundStarted(groupId, clock.round, clock.reruns, account.seed);
    }

    function _rerun(uint256 groupId, Clock storage clock) private {
        uint8 reruns = ++clock.reruns;
        emit RoundAborted(groupId, clock.round, reruns);
        if (reruns == MAX_RERUNS) return _finish(groupId, clock);
        Account storage account = _accounts[groupId];
        // No leader has shown a link since: what was bound to the seed must not fit the next run.
        if (account.nextSeed == account.seed) account.nextSeed = keccak256(abi.encode(account.seed));
        _begin(groupId, clock);
    }

    /// @dev Writes nothing for those who took part: what they did not miss, they did.
    function _accept(uint256 groupId, Clock storage clock, uint64 valid) private {
        Account storage account = _accounts[groupId];
        uint128 contributions = account.samples;
        uint64 missing = Members.first(clock.parties) & ~valid;
        for (uint256 i = 0; missing >> i != 0; ++i) {
            if (missing & Members.bit(i) == 0) continue;
            Party storage member = _parties[groupId][i];
            ++member.missedRounds;
            contributions -= member.samples;
        }
        account.contributions += contributions;
        ++account.acceptedRounds;
        emit RoundAccepted(groupId, clock.round, valid);
        clock.reruns = 0;
        ++clock.round;
    }

    /// @dev Takes the deposits of those who were late, and shares all that was taken in this phase.
    function _penalise(uint256 groupId, uint32 round, Phase phase, uint64 late, uint64 valid) private {
        Account storage account = _accounts[groupId];
        uint256 taken = account.slashed;
        if (late != 0) {
            taken += late.count() * _terms[groupId].deposit;
            emit Late(groupId, round, phase, late);
        }
        if (taken == 0) return;
        account.slashed = 0;
        uint256 receivers = valid.count();
        uint256 each = receivers == 0 ? 0 : taken / receivers;
        uint256 dust = taken - each * receivers;
        emit PenaltyShared(groupId, round, valid, each, dust);
        if (each != 0) ESCROW.creditEach(_accountsOf(groupId, valid), each);
        if (dust != 0) ESCROW.forfeit(dust);
    }

    function _finish(uint256 groupId, Clock storage clock) private {
        clock.phase = Phase.Over;
        Terms storage terms = _terms[groupId];
        Account storage account = _accounts[groupId];
        uint128 reward = account.reward;
        uint128 partyPool = 0;
        uint128 workerPool = 0;
        if (account.acceptedRounds != 0) {
            (partyPool, workerPool) = Payoff.pools(reward, account.acceptedRounds, terms.rounds, terms.partyBps);
        }
        (account.reward, account.workerPool) = (partyPool, workerPool);
        emit GroupOver(groupId, account.acceptedRounds, partyPool, workerPool);
        ESCROW.credit(account.sponsor, reward - partyPool - workerPool);
        if (workerPool != 0) ESCROW.move(terms.processing, workerPool);
    }

    /// @dev Whoever is convicted takes no part in this round any more.
    function _expel(uint256 groupId, Clock storage clock, uint256 party, Phase phase) private {
        Masks memory masks = _masks[groupId];
        uint64 others = ~Members.bit(party);
        masks.active &= others;
        if (phase == Phase.Collecting) {
            masks.submitted &= others;
            _gradients[groupId][party] = _convictedMark(clock);
        } else {
            masks.accepted &= others;
            masks.shared &= others;
        }
        _masks[groupId] = masks;
    }

    function _asMember(uint256 groupId, uint256 party) private view returns (Party storage member) {
        member = _parties[groupId][party];
        if (member.account != msg.sender) revert NotMember(groupId, party, msg.sender);
    }

    function _asProcessing(uint256 groupId, Phase phase) private view returns (Clock storage clock) {
        address processing = _terms[groupId].processing;
        if (msg.sender != processing) revert NotNamedInTerms(processing, msg.sender);
        clock = _clocks[groupId];
        _requirePhase(groupId, clock, phase);
    }

    function _requireAccuser(uint256 groupId) private view {
        Terms storage terms = _terms[groupId];
        if (msg.sender != terms.disputes && msg.sender != terms.evidence) {
            revert NotNamedInTerms(terms.disputes, msg.sender);
        }
    }

    /// @dev Gradients from their submission to T2; shares behind T5, when no demand of the aggregate is open, to T6.
    function _requireAccusable(uint256 groupId, uint256 party, Phase phase) private view {
        Clock memory clock = _clocks[groupId];
        _requirePhase(groupId, clock, phase);
        if (phase == Phase.Decrypting) {
            _requireAfter(_deadline(clock, 5));
            _requireNotAfter(_deadline(clock, 6));
            _requireNothingDemanded(groupId);
        } else {
            _requireNotAfter(_deadline(clock, 2));
        }
        if (!isAccusable(groupId, party, phase)) revert NothingSubmitted(groupId, party);
    }

    function _requireNothingDemanded(uint256 groupId) private view {
        uint256 demanded = IProcessing(_terms[groupId].processing).pendingOf(groupId);
        if (demanded != 0) revert DisputesPending(groupId, demanded);
    }

    function _requireEnded(uint256 groupId, Clock memory clock, Phase phase, uint256 timePoint) private view {
        _requirePhase(groupId, clock, phase);
        _requireAfter(_deadline(clock, timePoint));
        if (clock.pending != 0) revert DisputesPending(groupId, clock.pending);
    }

    function _requireNotAfter(uint256 deadline) private view {
        if (block.number > deadline) revert DeadlinePassed(deadline, block.number);
    }

    function _requireAfter(uint256 deadline) private view {
        if (block.number <= deadline) revert DeadlineNotPassed(deadline, block.number);
    }

    function _requireKnown(uint256 groupId) private view {
        if (groupId >= groupCount) revert GroupUnknown(groupId);
    }

    function _samplesOf(IAssetRegistry assets, uint256 assetId) private view returns (uint32) {
        if (address(assets) == address(0)) return 1;
        IAssetRegistry.Asset memory asset = assets.assetOf(assetId);
        if (asset.owner != msg.sender) revert NotAssetOwner(assetId, asset.owner, msg.sender);
        return asset.samples;
    }

    function _accountsOf(uint256 groupId, uint64 members) private view returns (address[] memory accounts) {
        accounts = new address[](members.count());
        uint256 found = 0;
        for (uint256 i = 0; found < accounts.length; ++i) {
            if (members & Members.bit(i) != 0) accounts[found++] = _parties[groupId][i].account;
        }
    }

    /// @dev Stands for a submission of whoever was convicted in this run of the round.
    function _convictedMark(Clock memory clock) private pure returns (bytes32) {
        return keccak256(abi.encode("convicted", clock.round, clock.reruns));
    }

    /// @dev Of T1 … T3, or T4 … T6: each is so many blocks behind the one before.
    function _deadline(Clock memory clock, uint256 timePoint) private pure returns (uint256 deadline) {
        deadline = clock.base;
        for (uint256 i = timePoint < 4 ? 1 : 4; i <= timePoint; ++i) {
            deadline += uint16(clock.windows >> (16 * (i - 1)));
        }
    }

    function _requirePhase(uint256 groupId, Clock memory clock, Phase phase) private pure {
        if (clock.phase == Phase.None) revert GroupUnknown(groupId);
        if (clock.phase != phase) revert NotInPhase(groupId, phase, clock.phase);
    }

    function _tradingWindows(uint16[9] calldata windows) private pure returns (uint96 packed) {
        for (uint256 i = 0; i < 6; ++i) {
            // Six times 16 bits.
            // forge-lint: disable-next-line(unsafe-typecast)
            packed |= uint96(uint256(windows[i]) << (16 * i));
        }
    }

    /// @dev A line for each term.
    // slither-disable-next-line cyclomatic-complexity
    function _requireTerms(Terms calldata terms, uint256 parties) private pure {
        if (parties < 2 || parties > MAX_PARTIES) revert PartiesOutOfRange(parties);
        if (terms.threshold < 2 || terms.threshold > parties) revert ThresholdOutOfRange(terms.threshold, parties);
        if (terms.processing == address(0)) revert TermsInvalid("processing");
        if (terms.disputes == address(0)) revert TermsInvalid("disputes");
        if (terms.evidence == address(0)) revert TermsInvalid("evidence");
        if (terms.keyRoot == 0) revert TermsInvalid("keyRoot");
        if (terms.rounds == 0 || terms.rounds > MAX_ROUNDS) revert TermsInvalid("rounds");
        if (terms.count == 0 || terms.count > 1 << 20) revert TermsInvalid("count");
        if (terms.width == 0 || terms.width % 32 != 0 || terms.width > MAX_WIDTH) revert TermsInvalid("width");
        if (terms.committee == 0 || terms.committee > MAX_COMMITTEE) revert TermsInvalid("committee");
        if (terms.pkProofBytes <= 3 * terms.width) revert TermsInvalid("pkProofBytes");
        if (terms.cdProofBytes <= 2 * terms.width) revert TermsInvalid("cdProofBytes");
        if (terms.bountyBps > MAX_BOUNTY_BPS) revert TermsInvalid("bountyBps");
        if (terms.partyBps > Payoff.WHOLE) revert TermsInvalid("partyBps");
        if (terms.turnBlocks == 0) revert TermsInvalid("turnBlocks");
        if (terms.deposit == 0) revert TermsInvalid("deposit");
        if (terms.workerDeposit == 0) revert TermsInvalid("workerDeposit");
        if (terms.bond == 0) revert TermsInvalid("bond");
        _requireWindows(terms.windows);
    }

    /// @dev A demand of the aggregate has T4's window to be served; it must be over before shares can be disputed.
    function _requireWindows(uint16[9] calldata windows) private pure {
        for (uint256 i = 0; i < 9; ++i) {
            if (windows[i] == 0) revert TermsInvalid("windows");
        }
        if (windows[4] < windows[3]) revert TermsInvalid("windows");
    }
}
// slither-disable-end incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,divide-before-multiply
