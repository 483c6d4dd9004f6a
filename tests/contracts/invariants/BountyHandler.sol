// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {Bounty} from "../../../contracts/zk/Bounty.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {IBounty} from "../../../contracts/zk/IBounty.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {FalseToken} from "../tokens/FalseToken.sol";
import {FeeToken} from "../tokens/FeeToken.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {TestToken} from "../tokens/TestToken.sol";

/// @notice Drives bounties in ether and four tokens through random calls, and counts the coins apart from them.
contract BountyHandler is ForgeTest {
    uint256 public constant ACTORS = 3;
    uint256 public constant KINDS = 5;
    uint32 public constant SAMPLES = 10;
    uint256 private constant PLAIN = 1;
    uint256 private constant FALSE = 2;
    uint256 private constant FEE = 3;
    uint256 private constant REENTRANT = 4;
    address private constant PUBLISHER = address(0x9B);

    CircuitRegistry private immutable circuits;
    ModelRegistry private immutable models;
    AccuracyRegistry private immutable accuracy;
    Bounty private immutable bounty;
    bytes32 private immutable templateId;

    /// @dev Ether first.
    address[5] public kinds;

    // Coins by kind: paid in with bounties, given away to the contract, paid out.
    uint256[5] public paidIn;
    uint256[5] public donated;
    uint256[5] public paidOut;
    mapping(uint256 actor => uint256[5]) public withdrawn;

    uint256 private seals;
    mapping(bytes32 seal => bytes32) private datasets;
    mapping(uint256 actor => uint256) public enteredBlock;
    mapping(uint256 bountyId => mapping(uint256 actor => uint256)) public counts;
    /// @dev The actor that took a bounty, counted from one.
    mapping(uint256 bountyId => uint256) public winners;

    uint256 public disagreements;
    mapping(bytes32 outcome => uint256) public reached;

    constructor(
        CircuitRegistry circuits_,
        ModelRegistry models_,
        AccuracyRegistry accuracy_,
        Bounty bounty_,
        ReentrantToken hostile
    ) payable {
        (circuits, models, accuracy, bounty) = (circuits_, models_, accuracy_, bounty_);
        templateId = circuits.register(_circuit("public"));
        kinds = [
            address(0), address(new TestToken()), address(new FalseToken()), address(new FeeToken()), address(hostile)
        ];
        for (uint256 actor = 0; actor < ACTORS; ++actor) {
            for (uint256 kind = 1; kind < KINDS; ++kind) {
                TestToken(kinds[kind]).mint(actorOf(actor), 1e30);
                vm.prank(actorOf(actor));
                TestToken(kinds[kind]).approve(address(bounty), type(uint256).max);
            }
            payable(actorOf(actor)).transfer(msg.value / ACTORS);
        }
        enter(0);
        open(0, PLAIN, 1e18, 4, 3, 2);
    }

    function actorOf(uint256 actor) public pure returns (address) {
        return address(uint160(0xA11CE0 + actor));
    }

    function heldOf(uint256 kind) external view returns (uint256) {
        return kind == 0 ? address(bounty).balance : IERC20(kinds[kind]).balanceOf(address(bounty));
    }

    // Actions

    /// @dev Registers the actor's model; whoever does it late misses the bounties that have closed.
    function enter(uint256 actor) public {
        actor %= ACTORS;
        if (enteredBlock[actor] != 0) return;
        enteredBlock[actor] = block.number;
        address[] memory consumers = new address[](1);
        consumers[0] = address(accuracy);
        vm.prank(actorOf(actor));
        models.register(keccak256(abi.encode(actor, actor)), type(uint24).max, consumers);
    }

    function open(uint256 actor, uint256 kind, uint96 reward, uint8 threshold, uint8 span, uint8 oddity) public {
        actor %= ACTORS;
        kind %= KINDS;
        uint256 amount = oddity % 16 == 0 ? 0 : bound(reward, 1, 1e18);
        uint256 value = kind == 0 ? amount : 0;
        if (oddity % 16 == 1) value += 1;
        IBounty.Terms memory terms = _seal(span);
        terms.token = kinds[kind];
        terms.threshold = 1 + threshold % SAMPLES;
        bytes32 expected = _whyNotOpen(kind, amount, value);
        vm.prank(actorOf(actor));
        try bounty.open{value: value}(terms, amount) {
            paidIn[kind] += amount;
            _note(expected, "");
        } catch (bytes memory refusal) {
            // The re-entrant token's own call decides; only that nothing is lost matters then.
            _note(kind == REENTRANT ? bytes32(bytes4(refusal)) : expected, refusal);
        }
    }

    function reveal(uint256 bountyId, uint8 sender) external {
        bountyId = _pick(bountyId, IBounty.Status.Open);
        bool byAnother = sender % 8 == 0;
        IBounty.Offer memory offer = bounty.bountyOf(bountyId);
        ICircuitRegistry.Circuit memory circuit = _circuit(datasets[offer.seal]);
        bytes32 circuitId = circuits.idOf(circuit, PUBLISHER);
        bytes32 expected = "";
        if (block.number <= offer.closingBlock) expected = IBounty.StillSealed.selector;
        if (block.number > offer.revealDeadline) expected = IBounty.RevealDeadlinePassed.selector;
        if (byAnother) expected = IBounty.NotPublisher.selector;
        if (offer.status != IBounty.Status.Open) expected = IBounty.NotInStatus.selector;
        vm.startPrank(PUBLISHER);
        try circuits.registerSealed(circuit, "salt") {} catch {}
        vm.stopPrank();
        vm.prank(byAnother ? actorOf(0) : PUBLISHER);
        try bounty.reveal(bountyId, circuitId, "salt") {
            _note(expected, "");
        } catch (bytes memory refusal) {
            _note(expected, refusal);
        }
    }

    function prove(uint256 bountyId, uint256 actor, uint32 count) external {
        bountyId = _pick(bountyId, IBounty.Status.Revealed);
        actor %= ACTORS;
        bytes32 circuitId = bounty.bountyOf(bountyId).circuitId;
        count = SAMPLES - count % 4;
        if (circuitId == 0 || enteredBlock[actor] == 0 || counts[bountyId][actor] >= count) return;
        counts[bountyId][actor] = count;
        bytes memory proof = abi.encode(actor, actor, keccak256(abi.encode(bountyId, count)), uint256(0));
        bytes32[] memory vka = new bytes32[](1);
        vka[0] = "vka";
        bytes32 modelId = _modelId(actor);
        vm.prank(actorOf(actor));
        accuracy.claim(modelId, circuitId, count, count, proof, vka);
    }

    function take(uint256 bountyId, uint256 actor, uint8 copier) external {
        bountyId = _pick(bountyId, IBounty.Status.Revealed);
        actor %= ACTORS;
        uint256 sender = copier % 8 == 0 ? (actor + 1) % ACTORS : actor;
        IBounty.Offer memory offer = bounty.bountyOf(bountyId);
        bytes32 expected = "";
        if (enteredBlock[actor] > offer.closingBlock) expected = IBounty.SetKnownInAdvance.selector;
        if (counts[bountyId][actor] < offer.threshold) expected = IBounty.BelowThreshold.selector;
        if (sender != actor) expected = IBounty.NotModelOwner.selector;
        if (enteredBlock[actor] == 0) expected = bytes4(keccak256("ModelUnknown(bytes32)"));
        if (block.number > offer.proofDeadline) expected = IBounty.ProofDeadlinePassed.selector;
        if (offer.status != IBounty.Status.Revealed) expected = IBounty.NotInStatus.selector;
        bytes32 modelId = _modelId(actor);
        vm.prank(actorOf(sender));
        try bounty.take(bountyId, modelId) {
            _note(expected, "");
            winners[bountyId] = actor + 1;
        } catch (bytes memory refusal) {
            _note(expected, refusal);
        }
    }

    function refund(uint256 bountyId, uint256 caller) external {
        bountyId = _pick(bountyId, bountyId % 2 == 0 ? IBounty.Status.Open : IBounty.Status.Revealed);
        IBounty.Offer memory offer = bounty.bountyOf(bountyId);
        bool revealed = offer.status == IBounty.Status.Revealed;
        bytes32 expected = "";
        if (block.number <= (revealed ? offer.proofDeadline : offer.revealDeadline)) {
            expected = IBounty.RefundTooEarly.selector;
        }
        if (!revealed && offer.status != IBounty.Status.Open) expected = IBounty.NotInStatus.selector;
        vm.prank(actorOf(caller % ACTORS));
        try bounty.refund(bountyId) {
            _note(expected, "");
        } catch (bytes memory refusal) {
            _note(expected, refusal);
        }
    }

    function withdraw(uint256 actor, uint256 kind) public {
        actor %= ACTORS;
        kind %= KINDS;
        address account = actorOf(actor);
        uint256 credit = bounty.creditOf(account, kinds[kind]);
        uint256 had = _balanceOf(account, kind);
        bytes32 expected = "";
        if (kind == FALSE && FalseToken(kinds[FALSE]).locked()) {
            expected = bytes4(keccak256("SafeERC20FailedOperation(address)"));
        }
        if (credit == 0) expected = IBounty.NothingToWithdraw.selector;
        vm.prank(account);
        try bounty.withdraw(kinds[kind]) {
            _note(expected, "");
            paidOut[kind] += credit;
            withdrawn[actor][kind] += credit;
            if (_balanceOf(account, kind) != had + credit) ++disagreements;
        } catch (bytes memory refusal) {
            _note(kind == REENTRANT && credit != 0 ? bytes32(bytes4(refusal)) : expected, refusal);
        }
    }

    function mine(uint8 blocks) external {
        vm.roll(block.number + 1 + blocks % 3);
    }

    function lock(bool locked) external {
        FalseToken(kinds[FALSE]).lock(locked);
    }

    /// @dev Pays in, or takes out, re-entrant tokens, which call back meanwhile.
    function attack(uint256 actor, uint8 choice, uint256 bountyId, bool insists, bool paysIn) external {
        bytes memory message = abi.encodeCall(IBounty.withdraw, (kinds[choice % KINDS]));
        if (choice % 3 == 1) {
            IBounty.Terms memory terms = _seal(choice);
            (terms.token, terms.threshold) = (kinds[REENTRANT], 1);
            message = abi.encodeCall(IBounty.open, (terms, 1e18));
        }
        if (choice % 3 == 2) message = abi.encodeCall(IBounty.refund, (_pick(bountyId, IBounty.Status.Open)));
        ReentrantToken hostile = ReentrantToken(kinds[REENTRANT]);
        hostile.mint(address(hostile), 1e18);
        hostile.arm(address(bounty), message, insists);
        if (paysIn) open(actor, REENTRANT, 1e18, choice, choice, 2);
        else withdraw(actor, REENTRANT);
    }

    function donate(uint256 kind, uint96 amount) external {
        kind = 1 + kind % (KINDS - 1);
        if (kind == FEE) return;
        donated[kind] += amount;
        TestToken(kinds[kind]).mint(address(bounty), amount);
    }

    // The model

    function _whyNotOpen(uint256 kind, uint256 amount, uint256 value) private view returns (bytes32) {
        if (amount == 0) return IBounty.NoReward.selector;
        if (kind == 0) return value == amount ? bytes32(0) : bytes32(IBounty.RewardNotReceived.selector);
        if (value != 0) return IBounty.EtherNotExpected.selector;
        if (kind == FALSE && FalseToken(kinds[FALSE]).locked()) {
            return bytes4(keccak256("SafeERC20FailedOperation(address)"));
        }
        if (kind == FEE) return IBounty.RewardNotReceived.selector;
        return 0;
    }

    function _note(bytes32 expected, bytes memory refusal) private {
        bytes32 outcome = bytes32(bytes4(refusal));
        if (outcome != expected) ++disagreements;
        ++reached[outcome];
    }

    /// @dev A seal and deadlines for the next bounty.
    function _seal(uint8 span) private returns (IBounty.Terms memory terms) {
        terms.publisher = PUBLISHER;
        terms.templateId = templateId;
        uint48 closing = uint48(block.number + span % 4);
        terms.revealDeadline = closing + 1 + span / 4 % 8;
        terms.proofDeadline = terms.revealDeadline + 1 + span / 32 % 8;
        bytes32 dataset = bytes32(++seals);
        terms.seal = keccak256(abi.encode(PUBLISHER, dataset, bytes32("salt")));
        datasets[terms.seal] = dataset;
        vm.prank(PUBLISHER);
        circuits.sealSet(terms.seal, closing);
    }

    /// @dev Mostly the newest bounty of that status, so that most calls are not refused for the status alone.
    function _pick(uint256 seed, IBounty.Status wanted) private view returns (uint256) {
        uint256 count = bounty.bountyCount();
        if (seed % 8 == 0) return seed / 8 % count;
        for (uint256 id = count; id > 0 && id + 8 > count; --id) {
            if (bounty.bountyOf(id - 1).status == wanted) return id - 1;
        }
        return count - 1;
    }

    function _modelId(uint256 actor) private view returns (bytes32) {
        return models.idOf(actorOf(actor), keccak256(abi.encode(actor, actor)));
    }

    function _balanceOf(address account, uint256 kind) private view returns (uint256) {
        return kind == 0 ? account.balance : IERC20(kinds[kind]).balanceOf(account);
    }

    function _circuit(bytes32 dataset) private pure returns (ICircuitRegistry.Circuit memory circuit) {
        circuit.vkaDigest = keccak256(abi.encodePacked(bytes32("vka")));
        circuit.statementDigest = "statement";
        circuit.datasetDigest = dataset;
        circuit.samples = SAMPLES;
        circuit.proofLength = 128;
        circuit.committedPoints = 1;
        circuit.witnessPoints = 1;
        circuit.checks = 4;
    }
}
