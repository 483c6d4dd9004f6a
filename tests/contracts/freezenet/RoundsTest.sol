// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {VerdictStub} from "./VerdictStub.sol";

/// @notice A task of two small layers, and steps of its rounds.
abstract contract RoundsTest is ForgeTest {
    address internal constant SPONSOR = address(0x5901);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant CAROL = address(0xCA401);
    bytes32 internal constant SALT = "salt";
    bytes32 internal constant TEST_ROOT = "test root";
    uint256 internal constant REWARD = 10 ether;
    uint96 internal constant MINER_BOND = 1 ether;
    uint96 internal constant SPONSOR_BOND = 2 ether;
    uint256 internal constant OPENED = 1000;
    // Last blocks of the phases of a round that was opened in block OPENED.
    uint256 internal constant COMMIT_END = OPENED + 100;
    uint256 internal constant TEST_END = COMMIT_END + 10;
    uint256 internal constant REVEAL_END = TEST_END + 20;
    uint256 internal constant CHALLENGE_END = REVEAL_END + 50;
    uint256 internal constant ENROL_END = CHALLENGE_END + 50;

    TaskRegistry internal tasks;
    Rounds internal rounds;
    VerdictStub internal verifier;

    function setUp() public virtual {
        tasks = new TaskRegistry();
        rounds = new Rounds(tasks);
        verifier = new VerdictStub();
        vm.prank(SPONSOR);
        tasks.register(_terms(), _layers());
        vm.deal(SPONSOR, 1000 ether);
        vm.deal(ALICE, 100 ether);
        vm.deal(BOB, 100 ether);
        vm.deal(CAROL, 100 ether);
        vm.roll(OPENED);
    }

    function _open() internal returns (uint256 round) {
        vm.prank(SPONSOR);
        return rounds.openRound{value: REWARD + SPONSOR_BOND}(0, keccak256(abi.encode(TEST_ROOT, SALT)));
    }

    function _commit(address miner) internal {
        bytes32 commitment = keccak256(abi.encode(_solution(miner), SALT, miner));
        vm.prank(miner);
        rounds.commit{value: MINER_BOND}(0, 0, commitment);
    }

    /// @dev To the first block of the phase for revealing, with the commitments of these.
    function _openWith(address[] memory miners) internal {
        _open();
        vm.roll(OPENED + 1);
        for (uint256 i = 0; i < miners.length; ++i) {
            _commit(miners[i]);
        }
        vm.roll(COMMIT_END + 1);
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, TEST_ROOT, SALT);
        vm.roll(TEST_END + 1);
    }

    function _reveal(address miner, uint32 correct) internal {
        vm.prank(miner);
        rounds.reveal(0, 0, _solution(miner), SALT, _answers(correct, 100));
    }

    function _enrol(address miner) internal {
        verifier.decide(0, 0, miner, IAccuracyVerifier.Verdict.Accepted);
        rounds.enrol(0, 0, miner);
    }

    function _withdraw(address account) internal returns (uint256 amount) {
        uint256 before = account.balance;
        vm.prank(account);
        rounds.withdraw();
        return account.balance - before;
    }

    function _solution(address miner) internal pure returns (IRounds.Solution memory) {
        return IRounds.Solution({
            freeRoot: keccak256(abi.encode("free", miner)),
            freeCount: 90,
            numbersRoot: keccak256(abi.encode("numbers", miner)),
            contentDigest: keccak256(abi.encode("content", miner))
        });
    }

    /// @dev The first `correct` of them.
    function _answers(uint256 correct, uint256 samples) internal pure returns (bytes memory answers) {
        answers = new bytes((samples + 7) / 8);
        for (uint256 i = 0; i < correct; ++i) {
            answers[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }

    function _miners(address first, address second, address third) internal pure returns (address[] memory miners) {
        miners = new address[](third == address(0) ? second == address(0) ? 1 : 2 : 3);
        miners[0] = first;
        if (miners.length > 1) miners[1] = second;
        if (miners.length > 2) miners[2] = third;
    }

    function _terms() internal view returns (ITaskRegistry.Terms memory) {
        return ITaskRegistry.Terms({
            trainingRoot: "training set",
            verifier: verifier,
            fractionPpm: 300_000,
            samples: 100,
            threshold: 80,
            thresholdFloor: 72,
            thresholdStep: 5,
            targetSolutions: 2,
            minerBond: MINER_BOND,
            sponsorBond: SPONSOR_BOND,
            commitBlocks: 100,
            testBlocks: 10,
            revealBlocks: 20,
            challengeBlocks: 50
        });
    }

    /// @dev Dense, 16 to 8 and 8 to 10.
    function _layers() internal pure returns (IntegerInference.Layer[] memory layers) {
        layers = new IntegerInference.Layer[](2);
        layers[0] = IntegerInference.Layer(16, 1, 1, 8, 1, 1, 1, 1, 0, 0, 7, true, 0);
        layers[1] = IntegerInference.Layer(8, 1, 1, 10, 1, 1, 1, 1, 0, 0, 0, false, 0);
    }
}
