// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/deepchain/IDisputes.sol";
import {IEvidence} from "../../../contracts/deepchain/IEvidence.sol";
import {IProcessing} from "../../../contracts/deepchain/IProcessing.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {DeepchainTest} from "../deepchain/DeepchainTest.sol";
import {ToyKey} from "../deepchain/ToyKey.sol";

/// @notice Drives groups through random calls, one group after another, and counts the coins apart from the contracts. Of
/// the members, the last is often late, the first posts what is malformed, and leaders sometimes a wrong product.
contract DeepchainHandler is DeepchainTest {
    uint256 public constant ACTORS = 3 + PARTIES + WORKERS;

    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public disagreements;
    mapping(bytes32 outcome => uint256) public reached;

    function setUp() public override {
        super.setUp();
        paidIn = ACTORS * GRANT;
    }

    // What the invariants ask for

    function contracts() external view returns (address[5] memory) {
        return [address(escrow), address(trading), address(processing), address(disputes), address(evidence)];
    }

    function held() external view returns (uint256) {
        return coin.balanceOf(address(escrow));
    }

    /// @dev Free coins of all, all pots, and the treasury.
    function owned() external view returns (uint256 sum) {
        sum = escrow.treasury() + escrow.potOf(address(trading)) + escrow.potOf(address(processing))
            + escrow.potOf(address(disputes)) + escrow.potOf(address(evidence));
        for (uint256 i = 0; i < ACTORS; ++i) {
            sum += _free(_actor(i));
        }
    }

    // Actions

    function begin(uint8 rounds) external {
        if (trading.groupCount() != 0 && !_isOver()) return;
        ITrading.Terms memory terms = _terms();
        terms.rounds = 1 + rounds % 3;
        _as(SPONSOR, address(trading), abi.encodeCall(ITrading.open, (terms, _members(), REWARD)), "begun");
        uint256 group = _group();
        for (uint256 i = 0; i < PARTIES; ++i) {
            _as(_member(i), address(trading), abi.encodeCall(ITrading.join, (group, i, 0)), "joined");
        }
        for (uint256 i = 0; i < WORKERS; ++i) {
            bytes memory message = abi.encodeCall(IProcessing.enlist, (group, _stake(i), _groupLink(i, 0)));
            _as(_worker(i), address(processing), message, "enlisted");
            shown[i] = 0;
        }
        if (rounds % 4 == 3) {
            _as(SPONSOR, address(trading), abi.encodeCall(ITrading.cancel, (group, 0)), "cancelled");
        } else {
            _as(STRANGER, address(trading), abi.encodeCall(ITrading.start, (group)), "started");
        }
    }

    function wait(uint8 blocks) external {
        _roll(blocks % 5 == 0 ? 1 + blocks % 48 : 1 + blocks % 10);
    }

    /// @dev What the phase asks for, so that rounds come to their ends more often than by chance.
    function play() external {
        ITrading.Clock memory clock = trading.clockOf(_group());
        if (clock.phase == ITrading.Phase.Collecting) {
            // First to where gradients can be disputed.
            if (block.number <= uint256(clock.base) + T1) {
                for (uint8 i = 0; i < PARTIES; ++i) {
                    this.submit(i, 1);
                }
                return vm.roll(uint256(clock.base) + T1 + 1);
            }
            _rollTo(uint256(clock.base) + T1 + T2 + T3 + 1);
            _endAll();
            this.collect();
        } else if (clock.phase == ITrading.Phase.Aggregating) {
            this.update(1);
            this.lodge(1);
            _rollTo(uint256(processing.blockOf(_group()).base) + T8 + 1);
            _endAll();
            this.append();
        } else if (clock.phase == ITrading.Phase.Decrypting) {
            for (uint8 i = 0; i < PARTIES; ++i) {
                this.share(i, 1);
            }
            uint256 due = uint256(clock.base) + T4 + T5 + 1;
            // First to where shares can be disputed.
            if (block.number < due) return vm.roll(due);
            _rollTo(due + T6);
            _endAll();
            this.settle();
        } else {
            for (uint8 i = 0; i < WORKERS; ++i) {
                this.claim(i, true);
                if (i < PARTIES) this.claim(i, false);
            }
        }
    }

    function _rollTo(uint256 number) private {
        if (number > block.number) vm.roll(number);
    }

    /// @dev Disputes and demands whose time is over.
    function _endAll() private {
        for (uint8 i = 0; i < 4; ++i) {
            this.claimTimeout(i);
            this.claimUnserved(i);
        }
    }

    function submit(uint8 party, uint8 oddity) external {
        uint256 index = party % PARTIES;
        if (index == PARTIES - 1 && oddity % 4 == 0) return;
        ITrading.Submission memory submission = _posted(index);
        _as(
            _member(index),
            address(trading),
            abi.encodeCall(ITrading.submit, (_group(), index, submission)),
            "submitted"
        );
    }

    function collect() external {
        uint8 reruns = trading.clockOf(_group()).reruns;
        _as(STRANGER, address(trading), abi.encodeCall(ITrading.collect, (_group())), "collected");
        if (trading.clockOf(_group()).reruns > reruns) ++reached["rerun"];
    }

    function update(uint8 oddity) external {
        (bool known, bytes memory drawn) = address(processing).call(abi.encodeCall(IProcessing.drawOf, (_group())));
        if (!known) return;
        (uint8 leader,) = abi.decode(drawn, (uint8, uint64));
        uint256 product = _product();
        bytes32 root = ToyKey.rootOf(oddity % 4 == 0 ? product + 1 : product);
        bytes32 link = _groupLink(leader, shown[leader] + 1);
        bytes memory message = abi.encodeCall(IProcessing.update, (_group(), root, "content", link));
        if (_as(_worker(leader), address(processing), message, "updated")) ++shown[leader];
    }

    /// @dev One of the committee, or all of it.
    function lodge(uint8 worker) external {
        uint64 committee = processing.blockOf(_group()).committee;
        uint256 count = worker % 4 == 0 ? 1 : 3;
        uint256[] memory workers = new uint256[](count);
        bytes[] memory signatures = new bytes[](count);
        bytes32 digest = processing.blockHash(_group());
        uint256 found = 0;
        for (uint256 i = 0; i < WORKERS && found < count; ++i) {
            if (committee >> i & 1 == 0) continue;
            (workers[found], signatures[found]) = (i, _signatureOf(i, digest));
            ++found;
        }
        if (found < count) return;
        bytes memory message = abi.encodeCall(IProcessing.lodge, (_group(), workers, signatures));
        _as(STRANGER, address(processing), message, "signed");
    }

    function append() external {
        _as(STRANGER, address(processing), abi.encodeCall(IProcessing.append, (_group())), "appended");
    }

    function expire() external {
        _as(STRANGER, address(processing), abi.encodeCall(IProcessing.expire, (_group())), "expired");
    }

    function share(uint8 party, uint8 oddity) external {
        uint256 index = party % PARTIES;
        if (index == PARTIES - 1 && oddity % 4 == 0) return;
        ITrading.Submission memory submission = _posted(index);
        bytes memory message = abi.encodeCall(ITrading.submitShares, (_group(), index, submission));
        _as(_member(index), address(trading), message, "shared");
    }

    function settle() external {
        uint256 accepted = trading.accountOf(_group()).acceptedRounds;
        _as(STRANGER, address(trading), abi.encodeCall(ITrading.settle, (_group())), "settled");
        if (trading.accountOf(_group()).acceptedRounds > accepted) ++reached["accepted"];
        if (_isOver()) ++reached["over"];
    }

    function dispute(uint8 party, bool ofShares) external {
        ITrading.Subject subject = ofShares ? ITrading.Subject.Shares : ITrading.Subject.Gradients;
        bytes memory message = abi.encodeCall(IDisputes.dispute, (_group(), party % PARTIES, subject));
        _as(CHALLENGER, address(disputes), message, ofShares ? bytes32("shares disputed") : bytes32("disputed"));
    }

    /// @dev A turn, and often the next one at once: turns are short.
    function answer(uint8 which, uint8 oddity) external {
        uint256 id = _lastOf(disputes.disputeCount(), which);
        if (id == type(uint256).max) return;
        IDisputes.Dispute memory open = disputes.disputeOf(id);
        if (open.turn == IDisputes.Turn.Trace) {
            (bytes32 root,) = ToyKey.traceOfOnes(open.maxDepth);
            _as(_member(open.party), address(disputes), abi.encodeCall(IDisputes.trace, (id, root)), "traced");
        } else if (open.turn == IDisputes.Turn.Descend) {
            bytes32[] memory nodes = new bytes32[](1);
            nodes[0] = open.traceRoot;
            if (oddity % 3 == 0) {
                _as(CHALLENGER, address(disputes), abi.encodeCall(IDisputes.descend, (id, nodes, 0)), "descended");
            } else {
                _as(CHALLENGER, address(disputes), abi.encodeCall(IDisputes.pick, (id, 0)), "picked");
            }
        } else if (open.turn == IDisputes.Turn.Justify) {
            bytes memory message = abi.encodeCall(IDisputes.justify, (id, _justification(open)));
            _as(STRANGER, address(disputes), message, "justified");
            return;
        }
        if (oddity % 4 != 3 && disputes.disputeOf(id).turn != open.turn) this.answer(which, oddity / 2);
    }

    function claimTimeout(uint8 which) external {
        uint256 id = _lastOf(disputes.disputeCount(), which);
        if (id == type(uint256).max) return;
        uint64 active = trading.masksOf(_group()).active;
        bytes memory message = abi.encodeCall(IDisputes.claimTimeout, (id));
        if (!_as(STRANGER, address(disputes), message, "dispute over")) return;
        if (trading.masksOf(_group()).active != active) ++reached["convicted by dispute"];
    }

    function demand(uint8 party, uint8 subject) external {
        ITrading.Subject asked = ITrading.Subject(subject % 3);
        bytes memory message = abi.encodeCall(IEvidence.demand, (_group(), asked, party % PARTIES, 0));
        bytes32[3] memory names = [bytes32("gradients demanded"), "shares demanded", "aggregate demanded"];
        _as(CHALLENGER, address(evidence), message, names[subject % 3]);
    }

    function serve(uint8 which) external {
        uint256 id = _lastOf(evidence.demandCount(), which);
        if (id == type(uint256).max) return;
        IEvidence.Demand memory open = evidence.demandOf(id);
        bool ofAggregate = open.subject == ITrading.Subject.Aggregate;
        uint256 number = ofAggregate ? _product() : _numberOf(open.accused);
        ITrading.Submission memory submission = _posted(ofAggregate ? 0 : open.accused);
        bytes memory message = abi.encodeCall(IEvidence.serve, (id, submission, ToyKey.vectorOf(number)));
        _as(STRANGER, address(evidence), message, "served");
    }

    function claimUnserved(uint8 which) external {
        uint256 id = _lastOf(evidence.demandCount(), which);
        if (id == type(uint256).max) return;
        bytes32 name = evidence.demandOf(id).subject == ITrading.Subject.Aggregate
            ? bytes32("aggregate unserved")
            : bytes32("vector unserved");
        _as(STRANGER, address(evidence), abi.encodeCall(IEvidence.claimUnserved, (id)), name);
    }

    function proveMalformed(bool ofShares) external {
        IEvidence.Fault memory fault = IEvidence.Fault(_posted(0), ToyKey.element(Vectors.N), ToyKey.residue(ToyKey.Q));
        ITrading.Subject subject = ofShares ? ITrading.Subject.Shares : ITrading.Subject.Gradients;
        Vectors.Element memory element = ToyKey.vectorOf(_numberOf(0));
        bytes memory message = abi.encodeCall(IEvidence.proveMalformed, (_group(), 0, subject, 0, element, fault));
        _as(CHALLENGER, address(evidence), message, "malformed");
    }

    function proveWrong() external {
        uint64 accepted = trading.masksOf(_group()).accepted;
        uint256 count = 0;
        IEvidence.Factor[] memory factors = new IEvidence.Factor[](PARTIES);
        for (uint256 i = 0; i < PARTIES; ++i) {
            if (accepted >> i & 1 == 0) continue;
            factors[count++] = IEvidence.Factor(i, _posted(i), ToyKey.vectorOf(_numberOf(i)));
        }
        assembly ("memory-safe") {
            mstore(factors, count)
        }
        bytes memory message = abi.encodeCall(
            IEvidence.proveWrongAggregate,
            (_group(), 0, ToyKey.element(Vectors.N_SQUARED), ToyKey.vectorOf(_product() + 1), factors)
        );
        _as(CHALLENGER, address(evidence), message, "proved wrong");
    }

    function claim(uint8 index, bool ofWorker) external {
        bytes memory message = ofWorker
            ? abi.encodeCall(IProcessing.claim, (_group(), index % WORKERS))
            : abi.encodeCall(ITrading.claim, (_group(), index % PARTIES));
        bytes32 name = ofWorker ? bytes32("worker claimed") : bytes32("claimed");
        _as(STRANGER, ofWorker ? address(processing) : address(trading), message, name);
    }

    function leave(uint8 worker, uint8 how) external {
        uint256 index = worker % WORKERS;
        if (how % 4 == 0) {
            bytes memory message = abi.encodeCall(IProcessing.retire, (_group(), index));
            if (how % 8 == 0) _as(_worker(index), address(processing), message, "retired");
        } else if (how % 4 == 1) {
            _as(_worker(index), address(processing), abi.encodeCall(IProcessing.renew, (_group(), index)), "renewed");
        } else {
            bytes memory message = abi.encodeCall(IProcessing.withdrawStake, (_group(), index));
            _as(_worker(index), address(processing), message, "stake withdrawn");
        }
    }

    function move(uint8 actor, uint32 amount, bool outwards) external {
        address account = _actor(actor % ACTORS);
        if (outwards) {
            if (_as(account, address(escrow), abi.encodeWithSignature("withdraw(uint256)", amount), "withdrawn")) {
                paidOut += amount;
            }
            return;
        }
        vm.prank(account);
        coin.approve(address(escrow), amount);
        if (_as(account, address(escrow), abi.encodeWithSignature("deposit(uint256)", amount), "deposited")) {
            paidIn += amount;
        }
    }

    // What the actors know

    function _terms() internal view override returns (ITrading.Terms memory terms) {
        terms = super._terms();
        (terms.keyRoot, terms.count, terms.width) = (ToyKey.keyRoot(), 1, uint16(ToyKey.WIDTH));
        (terms.pkProofBytes, terms.cdProofBytes) = (uint16(ToyKey.PK_BYTES), uint16(ToyKey.CD_BYTES));
    }

    /// @dev The first member's number shares a factor with n: its cofactor is Q.
    function _numberOf(uint256 party) private pure returns (uint256) {
        return party == 0 ? ToyKey.P : party + 1;
    }

    function _posted(uint256 party) private pure returns (ITrading.Submission memory) {
        bytes32 proof = keccak256(new bytes(ToyKey.PK_BYTES));
        return ITrading.Submission(ToyKey.rootOf(_numberOf(party)), proof, "content");
    }

    function _product() private view returns (uint256 product) {
        uint64 accepted = trading.masksOf(_group()).accepted;
        product = 1;
        for (uint256 i = 0; i < PARTIES; ++i) {
            if (accepted >> i & 1 == 1) product *= _numberOf(i);
        }
    }

    function _justification(IDisputes.Dispute memory open)
        private
        pure
        returns (IDisputes.Justification memory shown_)
    {
        (, bytes32[] memory path) = ToyKey.traceOfOnes(open.maxDepth);
        bool ofShares = open.subject == ITrading.Subject.Shares;
        shown_.submission = _posted(open.party);
        shown_.proof = new bytes(ofShares ? ToyKey.CD_BYTES : ToyKey.PK_BYTES);
        (shown_.state, shown_.next, shown_.statesPath) = (ToyKey.residue(1), ToyKey.residue(1), path);
        shown_.modulus = ToyKey.element(ofShares ? Vectors.N : Vectors.N_SQUARED);
    }

    function _groupLink(uint256 worker, uint256 place) private view returns (bytes32 link) {
        link = keccak256(abi.encode("secret", worker, _group()));
        for (uint256 i = place; i < 40; ++i) {
            link = keccak256(abi.encode(link));
        }
    }

    function _group() private view returns (uint256) {
        uint256 count = trading.groupCount();
        return count == 0 ? 0 : count - 1;
    }

    function _isOver() private view returns (bool) {
        return trading.clockOf(_group()).phase == ITrading.Phase.Over;
    }

    /// @dev One of the last four.
    function _lastOf(uint256 count, uint256 which) private pure returns (uint256) {
        uint256 back = 1 + which % 4;
        return back > count ? type(uint256).max : count - back;
    }

    function _actor(uint256 actor) private pure returns (address) {
        if (actor < 3) return [SPONSOR, CHALLENGER, STRANGER][actor];
        return actor < 3 + PARTIES ? _member(actor - 3) : _worker(actor - 3 - PARTIES);
    }

    /// @dev A call that may be refused, but only by an error of the contracts.
    function _as(address account, address target, bytes memory message, bytes32 name) private returns (bool done) {
        bytes memory refusal;
        vm.prank(account);
        (done, refusal) = target.call(message);
        if (done) ++reached[name];
        else if (refusal.length < 4 || bytes4(refusal) == 0x4e487b71) ++disagreements;
    }
}
