// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILeafDemands} from "../../../contracts/freezenet/ILeafDemands.sol";
import {IOptimisticVerifier} from "../../../contracts/freezenet/IOptimisticVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {LeafDemands} from "../../../contracts/freezenet/LeafDemands.sol";
import {OptimisticVerifier} from "../../../contracts/freezenet/OptimisticVerifier.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {DisputePlayer} from "../freezenet/DisputePlayer.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";

/// @notice Drives rounds, disputes and demands through random calls, and counts the coins apart from them. Actor 0 is
/// the sponsor, 1 and 2 are miners, 3 and 4 challengers. All say the truth, and challengers pick anything: who loses is
/// who is silent, at any turn.
contract OptimisticHandler is ForgeTest {
    uint256 public constant ACTORS = 5;
    uint256 public constant SAMPLES = 10;
    uint96 public constant MINER_BOND = 501;
    uint96 public constant SPONSOR_BOND = 1001;
    bytes32 private constant SALT = "salt";

    Rounds private immutable rounds;
    OptimisticVerifier private immutable verifier;
    LeafDemands private immutable demands;
    DisputePlayer public immutable player;

    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public disagreements;
    mapping(bytes32 outcome => uint256) public reached;

    constructor(TaskRegistry tasks, Rounds rounds_, OptimisticVerifier verifier_, LeafDemands demands_) payable {
        (rounds, verifier, demands, player) = (rounds_, verifier_, demands_, new DisputePlayer());
        ITaskRegistry.Terms memory terms = ITaskRegistry.Terms({
            trainingRoot: "training set",
            verifier: verifier,
            fractionPpm: uint32(player.FRACTION_PPM()),
            samples: uint32(SAMPLES),
            threshold: 6,
            thresholdFloor: 4,
            thresholdStep: 1,
            targetSolutions: 1,
            minerBond: MINER_BOND,
            sponsorBond: SPONSOR_BOND,
            commitBlocks: 8,
            testBlocks: 5,
            revealBlocks: 5,
            challengeBlocks: 80
        });
        IntegerInference.Layer[] memory layers = player.layersOf();
        vm.prank(actorOf(0));
        tasks.register(terms, layers);
        for (uint256 actor = 0; actor < ACTORS; ++actor) {
            payable(actorOf(actor)).transfer(msg.value / ACTORS);
        }
    }

    function actorOf(uint256 actor) public pure returns (address) {
        return address(uint160(0xA11CE0 + actor));
    }

    // A round

    /// @dev Opens one, commits both miners, reveals the test set and their solutions: a dispute needs all of it.
    function begin(uint64 reward, bool second) external {
        if (rounds.roundCount(0) != 0 && rounds.roundOf(0, _round()).status == IRounds.Status.Open) return;
        bytes32 testRoot = TreeBuilder.rootOf(player.sampleHashes(SAMPLES));
        uint256 value = SPONSOR_BOND + 1 + uint256(reward) % 1e6;
        _send(0, address(rounds), value, abi.encodeCall(IRounds.openRound, (0, keccak256(abi.encode(testRoot, SALT)))));
        uint256 opened = block.number;
        vm.roll(opened + 1);
        IRounds.Solution memory solution = player.solutionOf();
        for (uint256 actor = 1; actor <= (second ? 2 : 1); ++actor) {
            bytes32 commitment = keccak256(abi.encode(solution, SALT, actorOf(actor)));
            _send(actor, address(rounds), MINER_BOND, abi.encodeCall(IRounds.commit, (0, _round(), commitment)));
        }
        vm.roll(opened + 9);
        _send(0, address(rounds), 0, abi.encodeCall(IRounds.revealTestSet, (0, _round(), testRoot, SALT)));
        vm.roll(opened + 14);
        for (uint256 actor = 1; actor <= (second ? 2 : 1); ++actor) {
            _send(actor, address(rounds), 0, abi.encodeCall(IRounds.reveal, (0, _round(), solution, SALT, _answers())));
        }
        vm.roll(opened + 19);
        ++reached["begun"];
    }

    function enrol(uint256 actor) external {
        _send(3, address(rounds), 0, abi.encodeCall(IRounds.enrol, (0, _round(), _miner(actor))));
    }

    function settle() external {
        _send(4, address(rounds), 0, abi.encodeCall(IRounds.settle, (0, _round())));
    }

    function collect(uint256 round, uint256 actor) external {
        uint256 count = rounds.roundCount(0);
        round = count == 0 ? 0 : round % count;
        _send(3, address(rounds), 0, abi.encodeCall(IRounds.collect, (0, round, _miner(actor))));
    }

    // Disputes

    function challenge(uint256 actor, uint256 miner, uint8 sample, uint8 oddity) external {
        uint256 value = oddity % 16 == 0 ? MINER_BOND + 1 : MINER_BOND;
        bytes memory message = abi.encodeCall(
            IOptimisticVerifier.challenge, (0, _round(), _miner(miner), sample % uint32(SAMPLES + 1), _answers())
        );
        _send(3 + actor % 2, address(verifier), value, message);
    }

    /// @dev The turn of one of the newest disputes, by whoever's it is; now and then by the other side.
    function move(uint256 back, uint256 choice, uint8 oddity) external {
        uint256 count = verifier.disputeCount();
        if (count == 0) return;
        uint256 id = count - 1 - back % (count < 4 ? count : 4);
        IOptimisticVerifier.Dispute memory dispute = verifier.disputeOf(id);
        if (dispute.turn == IOptimisticVerifier.Turn.Over) return;
        bytes32 seed = rounds.seedOf(0, dispute.round, dispute.miner);
        bytes memory message = player.move(id, dispute, seed, SAMPLES, choice);
        bool miners = uint256(dispute.turn) % 2 == 1;
        address sender = miners == (oddity % 16 != 0) ? dispute.miner : dispute.challenger;
        if (_sendAs(sender, address(verifier), 0, message)) {
            ++reached[bytes32(uint256(dispute.turn))];
            // Nobody who says the truth loses by saying it.
            if (miners && verifier.standingOf(0, dispute.round, dispute.miner).rejected) ++disagreements;
        }
    }

    function claimTimeout(uint256 id) external {
        uint256 count = verifier.disputeCount();
        id = count == 0 ? 0 : id % count;
        _send(0, address(verifier), 0, abi.encodeCall(IOptimisticVerifier.claimTimeout, (id)));
    }

    // Demands

    function demand(uint256 actor, uint256 miner, bool free, uint8 first, uint8 length) external {
        uint32 from = uint32(first) % (free ? 20 : 52);
        bytes memory message = abi.encodeCall(
            ILeafDemands.demand,
            (
                0,
                _round(),
                _miner(miner),
                player.layersOf(),
                free ? ILeafDemands.Tree.Free : ILeafDemands.Tree.Numbers,
                from,
                uint32(length) % 4
            )
        );
        _send(3 + actor % 2, address(demands), 1 + uint256(length), message);
    }

    function serve(uint256 id) external {
        uint256 count = demands.demandCount();
        if (count == 0) return;
        id = count - 1 - id % (count < 4 ? count : 4);
        ILeafDemands.Demand memory made = demands.demandOf(id);
        bool free = made.tree == ILeafDemands.Tree.Free;
        (bytes[] memory contents, bytes32[] memory path) = player.leavesOf(free, made.first, made.length);
        _send(1, address(demands), 0, abi.encodeCall(ILeafDemands.serve, (id, player.solutionOf(), contents, path)));
    }

    function claimUnserved(uint256 id) external {
        uint256 count = demands.demandCount();
        id = count == 0 ? 0 : id % count;
        _send(0, address(demands), 0, abi.encodeCall(ILeafDemands.claimUnserved, (id)));
    }

    function rejectHidden(uint256 round, uint256 actor) external {
        uint256 count = rounds.roundCount(0);
        round = count == 0 ? 0 : round % count;
        _send(0, address(verifier), 0, abi.encodeCall(IOptimisticVerifier.rejectHidden, (0, round, _miner(actor))));
    }

    // Money, and time

    function withdraw(uint256 actor, uint8 which) external {
        actor %= ACTORS;
        address source = which % 3 == 0 ? address(rounds) : which % 3 == 1 ? address(verifier) : address(demands);
        uint256 had = actorOf(actor).balance;
        uint256 credit = which % 3 == 0
            ? rounds.creditOf(actorOf(actor))
            : which % 3 == 1 ? verifier.creditOf(actorOf(actor)) : demands.creditOf(actorOf(actor));
        bool paid = _send(actor, source, 0, abi.encodeCall(IRounds.withdraw, ()));
        if (paid) paidOut += credit;
        if (paid != (credit != 0) || actorOf(actor).balance != had + (paid ? credit : 0)) ++disagreements;
    }

    function mine(uint8 blocks) external {
        vm.roll(block.number + 1 + (blocks > 250 ? 40 : blocks % 3));
    }

    function _send(uint256 actor, address target, uint256 value, bytes memory message) private returns (bool success) {
        return _sendAs(actorOf(actor), target, value, message);
    }

    /// @dev What is refused is refused by an error with a name: no panic, no error of arithmetic, no empty answer.
    function _sendAs(address sender, address target, uint256 value, bytes memory message)
        private
        returns (bool success)
    {
        bytes memory answer;
        vm.prank(sender);
        (success, answer) = target.call{value: value}(message);
        if (success) {
            paidIn += value;
            ++reached[bytes4(message)];
        } else {
            if (answer.length < 4 || bytes4(answer) == 0x4e487b71 || bytes4(answer) == 0x08c379a0) ++disagreements;
            ++reached[bytes4(answer)];
        }
    }

    function _round() private view returns (uint256) {
        uint256 count = rounds.roundCount(0);
        return count == 0 ? 0 : count - 1;
    }

    function _miner(uint256 actor) private pure returns (address) {
        return actorOf(1 + actor % 2);
    }

    function _answers() private pure returns (bytes memory) {
        return hex"ff03";
    }
}
