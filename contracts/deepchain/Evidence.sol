// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BigModulus} from "./BigModulus.sol";
import {IEscrow} from "./IEscrow.sol";
import {IEvidence} from "./IEvidence.sol";
import {IProcessing} from "./IProcessing.sol";
import {ITrading} from "./ITrading.sol";
import {Members} from "./Members.sol";
import {Vectors} from "./Vectors.sol";

// Statuses, phases and counts are compared, not balances. The escrow is called between effects: it is fixed at construction
// and calls nobody but the coin, a plain ERC-20. Trading and what a group's terms name
// are called first, because they refuse; at most 64 members are asked for in a loop.
// slither-disable-start incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
/// @title Evidence
/// @notice Nobody owns it; fees are in the escrow, and go to whoever was right.
contract Evidence is IEvidence {
    using Members for uint64;

    /// @notice Whose submissions are judged.
    ITrading public immutable TRADING;
    /// @notice Where all coins are.
    IEscrow public immutable ESCROW;

    Demand[] private _demands;

    constructor(ITrading trading, IEscrow escrow) {
        (TRADING, ESCROW) = (trading, escrow);
    }

    /// @inheritdoc IEvidence
    function proveMalformed(
        uint256 groupId,
        uint256 party,
        ITrading.Subject subject,
        uint256 index,
        Vectors.Element calldata element,
        Fault calldata fault
    ) external {
        ITrading.Terms memory terms = _requirePosted(groupId, party, subject, fault.submission);
        Vectors.requireElement(element, index, terms.count, fault.submission.vectorRoot, terms.width);
        _requireModulus(groupId, terms, fault, subject == ITrading.Subject.Gradients);
        _requireFault(element.content, fault);
        _convict(groupId, party, subject);
    }

    /// @inheritdoc IEvidence
    function proveMalformedProof(
        uint256 groupId,
        uint256 party,
        ITrading.Subject subject,
        uint256 number,
        bytes calldata proof,
        Fault calldata fault
    ) external {
        ITrading.Terms memory terms = _requirePosted(groupId, party, subject, fault.submission);
        _requireDigest(keccak256(proof), fault.submission.proofDigest);
        bool ofGradients = subject == ITrading.Subject.Gradients;
        if (proof.length == (ofGradients ? terms.pkProofBytes : terms.cdProofBytes)) {
            if (number > 1) revert IndexOutOfRange(number, 2);
            bool isResponse = ofGradients && number == 1;
            if (isResponse && fault.cofactor.length != 0) revert NoFault();
            _requireModulus(groupId, terms, fault, ofGradients && !isResponse);
            _requireFault(_numberOf(proof, terms.width, number, ofGradients), fault);
        }
        _convict(groupId, party, subject);
    }

    /// @inheritdoc IEvidence
    function proveWrongAggregate(
        uint256 groupId,
        uint256 index,
        Vectors.Element calldata modulus,
        Vectors.Element calldata claimed,
        Factor[] calldata factors
    ) external {
        ITrading.Terms memory terms = _named(groupId);
        IProcessing processing = IProcessing(terms.processing);
        ITrading.Clock memory clock = TRADING.clockOf(groupId);
        Vectors.requireKey(modulus, Vectors.N_SQUARED, clock.parties, terms.keyRoot, terms.width);
        Vectors.requireElement(claimed, index, terms.count, processing.blockOf(groupId).aggregateRoot, terms.width);
        _requireFactors(groupId, clock.round, terms, index, factors);
        if (_isProduct(claimed.content, modulus.content, factors)) revert AggregateIsRight(groupId, index);
        emit AggregateProvedWrong(groupId, index, msg.sender);
        processing.convictBlock(groupId, msg.sender);
    }

    /// @inheritdoc IEvidence
    function demand(uint256 groupId, ITrading.Subject subject, uint256 party, uint256 index)
        external
        returns (uint256 demandId)
    {
        ITrading.Terms memory terms = _named(groupId);
        bool ofAggregate = subject == ITrading.Subject.Aggregate;
        uint256 elements = ofAggregate ? terms.count : uint256(terms.count) + 1;
        if (index >= elements) revert IndexOutOfRange(index, elements);
        demandId = _demands.length;
        Demand storage made = _demands.push();
        // T3's window for gradients, T4's for the aggregate, T6's for shares.
        uint256 window = terms.windows[subject == ITrading.Subject.Gradients ? 2 : ofAggregate ? 3 : 5];
        // Blocks have 48 bits for ever.
        // forge-lint: disable-next-line(unsafe-typecast)
        (made.challenger, made.deadline, made.subject) = (msg.sender, uint48(block.number + window), subject);
        // An index is at most `count`, which has 32 bits; a group's id counts groups.
        // forge-lint: disable-next-line(unsafe-typecast)
        (made.open, made.index, made.groupId) = (true, uint32(index), uint128(groupId));
        if (ofAggregate) {
            (made.collected, made.accused) = IProcessing(terms.processing).hold(groupId);
        } else {
            // `hold` reverts for a number that no member has.
            // forge-lint: disable-next-line(unsafe-typecast)
            made.accused = uint8(party);
            TRADING.hold(groupId, party, _phaseOf(subject));
        }
        emit Demanded(demandId, groupId, subject, made.accused, index, made.deadline);
        ESCROW.lock(msg.sender, terms.bond);
    }

    /// @inheritdoc IEvidence
    function serve(uint256 demandId, ITrading.Submission calldata submission, Vectors.Element calldata element)
        external
    {
        Demand memory made = _open(demandId);
        if (block.number > made.deadline) revert DeadlinePassed(made.deadline, block.number);
        _demands[demandId].open = false;
        emit Served(demandId, element.content);
        if (made.subject == ITrading.Subject.Aggregate) _serveAggregate(made, element);
        else _serveVector(made, submission, element);
    }

    /// @inheritdoc IEvidence
    function claimUnserved(uint256 demandId) external {
        Demand memory made = _open(demandId);
        if (block.number <= made.deadline) revert DeadlineNotPassed(made.deadline, block.number);
        _demands[demandId].open = false;
        ITrading.Terms memory terms = TRADING.termsOf(made.groupId);
        ESCROW.credit(made.challenger, terms.bond);
        bool convicted = made.subject == ITrading.Subject.Aggregate
            ? IProcessing(terms.processing).convictLeader(made.groupId, made.challenger, made.collected, made.accused)
            : TRADING.convict(made.groupId, made.accused, made.challenger, _phaseOf(made.subject), true);
        emit Unserved(demandId, convicted);
    }

    /// @inheritdoc IEvidence
    function demandOf(uint256 demandId) external view returns (Demand memory) {
        if (demandId >= _demands.length) revert NotDemanded(demandId);
        return _demands[demandId];
    }

    /// @inheritdoc IEvidence
    function demandCount() external view returns (uint256) {
        return _demands.length;
    }

    /// @dev The fee is the leader's who led when the element was demanded, or goes back if another leads by now.
    function _serveAggregate(Demand memory made, Vectors.Element calldata element) private {
        ITrading.Terms memory terms = TRADING.termsOf(made.groupId);
        IProcessing processing = IProcessing(terms.processing);
        IProcessing.Block memory posted = processing.blockOf(made.groupId);
        bool current = posted.collected == made.collected && posted.attempt == made.accused;
        address payee = made.challenger;
        if (current) {
            Vectors.requireElement(element, made.index, terms.count, posted.aggregateRoot, terms.width);
            payee = processing.workerOf(made.groupId, posted.leader).account;
        }
        processing.release(made.groupId, made.collected, made.accused);
        ESCROW.credit(payee, terms.bond);
    }

    function _serveVector(Demand memory made, ITrading.Submission calldata submission, Vectors.Element calldata element)
        private
    {
        // Whoever was convicted meanwhile has nothing posted that this could be.
        bool accusable = TRADING.isAccusable(made.groupId, made.accused, _phaseOf(made.subject));
        ITrading.Terms memory terms = TRADING.termsOf(made.groupId);
        address payee = made.challenger;
        if (accusable) {
            _requirePosted(made.groupId, made.accused, made.subject, submission);
            if (made.index == terms.count) {
                _requireDigest(keccak256(element.content), submission.proofDigest);
            } else {
                Vectors.requireElement(element, made.index, terms.count, submission.vectorRoot, terms.width);
            }
            payee = TRADING.partyOf(made.groupId, made.accused).account;
        }
        TRADING.release(made.groupId);
        ESCROW.credit(payee, terms.bond);
    }

    function _convict(uint256 groupId, uint256 party, ITrading.Subject subject) private {
        emit FaultProved(groupId, party, subject, msg.sender);
        // Reverts unless it can still be held against the member.
        bool convicted = TRADING.convict(groupId, party, msg.sender, _phaseOf(subject), false);
        assert(convicted);
    }

    function _named(uint256 groupId) private view returns (ITrading.Terms memory terms) {
        terms = TRADING.termsOf(groupId);
        if (terms.evidence != address(this)) revert NotThisEvidence(groupId, terms.evidence);
    }

    function _open(uint256 demandId) private view returns (Demand memory made) {
        if (demandId >= _demands.length) revert NotDemanded(demandId);
        made = _demands[demandId];
        if (!made.open) revert NotDemanded(demandId);
    }

    function _requirePosted(
        uint256 groupId,
        uint256 party,
        ITrading.Subject subject,
        ITrading.Submission calldata submission
    ) private view returns (ITrading.Terms memory) {
        if (subject == ITrading.Subject.Aggregate) revert NotAVector(subject);
        bytes32 posted = subject == ITrading.Subject.Gradients
            ? TRADING.gradientsOf(groupId, party)
            : TRADING.sharesOf(groupId, party);
        _requireDigest(keccak256(abi.encode(TRADING.clockOf(groupId).round, submission)), posted);
        return _named(groupId);
    }

    function _requireModulus(uint256 groupId, ITrading.Terms memory terms, Fault calldata fault, bool squared)
        private
        view
    {
        uint256 place = squared && fault.cofactor.length == 0 ? Vectors.N_SQUARED : Vectors.N;
        uint256 parties = TRADING.clockOf(groupId).parties;
        Vectors.requireKey(fault.modulus, place, parties, terms.keyRoot, terms.width);
    }

    /// @dev Not below the modulus; or, with a cofactor q, q·number ≡ 0 modulo n, and 0 < q < n.
    function _requireFault(bytes memory number, Fault calldata fault) private view {
        bytes memory modulus = fault.modulus.content;
        bytes memory cofactor = fault.cofactor;
        if (cofactor.length == 0) {
            if (BigModulus.isBelow(number, modulus)) revert NoFault();
            return;
        }
        Vectors.requireLength(cofactor, modulus.length);
        if (BigModulus.isZero(cofactor) || !BigModulus.isBelow(cofactor, modulus)) revert NoFault();
        bytes memory rest = BigModulus.reduce(number, modulus);
        if (!BigModulus.isZero(BigModulus.fourfoldProduct(cofactor, rest, modulus))) revert NoFault();
    }

    function _requireFactors(
        uint256 groupId,
        uint32 round,
        ITrading.Terms memory terms,
        uint256 index,
        Factor[] calldata factors
    ) private view {
        uint64 accepted = TRADING.masksOf(groupId).accepted;
        if (factors.length != accepted.count()) revert FactorsMismatch(accepted.count(), factors.length);
        for (uint256 i = 0; i < factors.length; ++i) {
            Factor calldata factor = factors[i];
            uint64 bit = Members.bit(factor.party);
            if (accepted & bit == 0) revert NotAFactor(groupId, factor.party);
            accepted ^= bit;
            bytes32 digest = keccak256(abi.encode(round, factor.submission));
            _requireDigest(digest, TRADING.gradientsOf(groupId, factor.party));
            _requireUnder(factor.ciphertext, index, factor.submission.vectorRoot, terms);
        }
    }

    /// @dev In 4^(factors − 1)-fold, which is what `fourfoldProduct` computes. A claim that is not reduced is wrong.
    function _isProduct(bytes memory claimed, bytes memory modulus, Factor[] calldata factors)
        private
        view
        returns (bool)
    {
        if (!BigModulus.isBelow(claimed, modulus)) return false;
        bytes memory product = BigModulus.reduce(factors[0].ciphertext.content, modulus);
        for (uint256 i = 1; i < factors.length; ++i) {
            bytes memory number = BigModulus.reduce(factors[i].ciphertext.content, modulus);
            product = BigModulus.fourfoldProduct(product, number, modulus);
        }
        bytes memory scaled = BigModulus.timesPowerOfTwo(claimed, 2 * (factors.length - 1), modulus);
        return keccak256(product) == keccak256(scaled);
    }

    function _requireUnder(Vectors.Element calldata element, uint256 index, bytes32 root, ITrading.Terms memory terms)
        private
        pure
    {
        Vectors.requireElement(element, index, terms.count, root, terms.width);
    }

    function _requireDigest(bytes32 actual, bytes32 expected) private pure {
        if (actual != expected) revert NotPosted(expected, actual);
    }

    /// @dev In 2·width bytes: `a` fills them for gradients; a, b and z1 have `width` bytes else.
    function _numberOf(bytes calldata proof, uint256 width, uint256 number, bool ofGradients)
        private
        pure
        returns (bytes memory)
    {
        if (ofGradients && number == 0) return proof[:2 * width];
        uint256 start = ofGradients ? 2 * width : number * width;
        return bytes.concat(new bytes(width), proof[start:start + width]);
    }

    function _phaseOf(ITrading.Subject subject) private pure returns (ITrading.Phase) {
        return subject == ITrading.Subject.Gradients ? ITrading.Phase.Collecting : ITrading.Phase.Decrypting;
    }
}
// slither-disable-end incorrect-equality,reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
