// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IProofVerifier} from "../../../contracts/freezenet/IProofVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {ProofVerifier} from "../../../contracts/freezenet/ProofVerifier.sol";
import {Rounds} from "../../../contracts/freezenet/Rounds.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {GatedProofsTest} from "../GatedProofsTest.sol";

/// @notice Rounds judged by real proofs of ezkl, those of tests/vectors/gated_claims.json.
contract ProofVerifierTest is GatedProofsTest {
    address private constant SPONSOR = address(0x5901);
    bytes32 private constant SALT = "salt";
    uint256 private constant OPENED = 1000;

    TaskRegistry private tasks;
    Rounds private rounds;
    ProofVerifier private verifier;
    IRounds.Solution private solution;
    uint32 private proved;

    function setUp() public override {
        super.setUp();
        tasks = new TaskRegistry();
        rounds = new Rounds(tasks);
        verifier = new ProofVerifier(rounds, accuracy);
        proved = cases[REUSABLE].count;
        solution.numbersRoot = vm.parseJsonBytes32(json, ".commitment");
        vm.deal(SPONSOR, 10 ether);
        vm.deal(prover, 10 ether);
        vm.roll(OPENED);
        _open(reusableId, shape.samples);
    }

    // From the seal to the reward

    function test_AProofEarnsTheReward() public {
        _enter(solution, proved);
        _claim();
        verifier.accept(0, 0, prover, solution);
        assertTrue(verifier.verdictOf(0, 0, prover) == IAccuracyVerifier.Verdict.Accepted);
        _enrolAndSettle();
        rounds.collect(0, 0, prover);
        assertEq(rounds.creditOf(prover), 1 ether + 3 ether);
    }

    /// @dev The registry keeps the highest count; a miner may claim less than he can prove.
    function test_ALowerClaimIsAcceptedToo() public {
        _enter(solution, proved - 1);
        _claim();
        verifier.accept(0, 0, prover, solution);
        assertTrue(verifier.verdictOf(0, 0, prover) == IAccuracyVerifier.Verdict.Accepted);
    }

    function test_WithoutAProofNothingIsAccepted() public {
        _enter(solution, proved);
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.TooFewProved.selector, proved, 0));
        verifier.accept(0, 0, prover, solution);
        vm.roll(_last(IRounds.Phase.Challenge) + 1);
        IAccuracyVerifier.Verdict none = IAccuracyVerifier.Verdict.Undecided;
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotAccepted.selector, 0, 0, prover, none));
        rounds.enrol(0, 0, prover);
    }

    function test_RevertWhen_MoreIsClaimedThanProved() public {
        _enter(solution, proved + 1);
        _claim();
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.TooFewProved.selector, proved + 1, proved));
        verifier.accept(0, 0, prover, solution);
    }

    /// @dev A claim under another circuit, of the same samples even, is none for this round.
    function test_RevertWhen_TheClaimIsUnderAnotherCircuit() public {
        _enter(solution, proved);
        Case memory made = cases[DEDICATED];
        vm.prank(prover);
        accuracy.claim(modelId, dedicatedId, made.threshold, made.count, made.proof, noVka);
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.TooFewProved.selector, proved, 0));
        verifier.accept(0, 0, prover, solution);
    }

    function test_RevertWhen_TheSolutionIsAnother() public {
        _enter(solution, proved);
        _claim();
        bytes32 expected = keccak256(abi.encode(solution));
        for (uint256 fault = 0; fault < 4; ++fault) {
            IRounds.Solution memory other = solution;
            if (fault == 0) other.freeRoot ^= bytes32(uint256(1));
            if (fault == 1) other.freeCount ^= 1;
            if (fault == 2) other.numbersRoot ^= bytes32(uint256(1));
            if (fault == 3) other.contentDigest ^= bytes32(uint256(1));
            bytes32 actual = keccak256(abi.encode(other));
            vm.expectRevert(abi.encodeWithSelector(IProofVerifier.SolutionMismatch.selector, expected, actual));
            verifier.accept(0, 0, prover, other);
        }
    }

    /// @dev Models are named by their owner: whoever copies a commitment has no claim about it.
    function test_RevertWhen_TheModelIsSomebodyElses() public {
        address thief = address(0xBAD);
        vm.deal(thief, 1 ether);
        _commit(thief, solution);
        _enter(solution, proved);
        vm.prank(thief);
        rounds.reveal(0, 0, solution, SALT, _answers(proved));
        _claim();
        bytes32 stolen = keccak256(abi.encode(thief, solution.numbersRoot));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, stolen));
        verifier.accept(0, 0, thief, solution);
    }

    function test_RevertWhen_TheModelCameAfterTheCommitments() public {
        bytes32 commitment = "another model";
        IRounds.Solution memory late = solution;
        late.numbersRoot = commitment;
        _enter(late, proved);
        uint256 registered = block.number;
        registerModel(prover, commitment);
        uint256 last = OPENED + 100;
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.ModelTooLate.selector, registered, last));
        verifier.accept(0, 0, prover, late);
    }

    function test_RevertWhen_TheModelIsRevoked() public {
        _enter(solution, proved);
        _claim();
        vm.prank(prover);
        models.revoke(modelId);
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.ModelRevoked.selector, modelId));
        verifier.accept(0, 0, prover, solution);
    }

    function test_RevertWhen_NothingIsRevealedOrAllIsDecided() public {
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.NoSolution.selector, 0, 0, prover));
        verifier.accept(0, 0, prover, solution);
        _enter(solution, proved);
        _claim();
        verifier.accept(0, 0, prover, solution);
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.AlreadyDecided.selector, 0, 0, prover));
        verifier.accept(0, 0, prover, solution);
    }

    function test_RevertWhen_TheTestSetIsNoCircuit() public {
        vm.roll(OPENED + 500);
        _open("no circuit", shape.samples);
        _enterAt(OPENED + 500, 1, "no circuit");
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, bytes32("no circuit")));
        verifier.accept(1, 0, prover, solution);
    }

    function test_RevertWhen_TheCircuitHasOtherSamples() public {
        vm.roll(OPENED + 500);
        _open(reusableId, shape.samples + 1);
        _enterAt(OPENED + 500, 1, reusableId);
        uint256 samples = shape.samples;
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.SamplesMismatch.selector, samples + 1, samples));
        verifier.accept(1, 0, prover, solution);
    }

    // Steps

    function _open(bytes32 circuitId, uint32 samples) private {
        bytes32 testSeal = keccak256(abi.encode(circuitId, SALT));
        IntegerInference.Layer[] memory layers = new IntegerInference.Layer[](2);
        layers[0] = IntegerInference.Layer(16, 1, 1, 8, 1, 1, 1, 1, 0, 0, 7, true, 0);
        layers[1] = IntegerInference.Layer(8, 1, 1, 10, 1, 1, 1, 1, 0, 0, 0, false, 0);
        ITaskRegistry.Terms memory terms = ITaskRegistry.Terms({
            trainingRoot: "training set",
            verifier: verifier,
            fractionPpm: 300_000,
            samples: samples,
            threshold: 1,
            thresholdFloor: 1,
            thresholdStep: 0,
            targetSolutions: 2,
            minerBond: 1 ether,
            sponsorBond: 1 ether,
            commitBlocks: 100,
            testBlocks: 10,
            revealBlocks: 20,
            challengeBlocks: 50
        });
        vm.startPrank(SPONSOR);
        uint256 taskId = tasks.register(terms, layers);
        rounds.openRound{value: 4 ether}(taskId, testSeal);
        vm.stopPrank();
        vm.roll(block.number + 1);
    }

    function _enter(IRounds.Solution memory handedIn, uint256 correct) private {
        _commit(prover, handedIn);
        vm.roll(OPENED + 101);
        vm.prank(SPONSOR);
        rounds.revealTestSet(0, 0, reusableId, SALT);
        vm.roll(OPENED + 111);
        vm.prank(prover);
        rounds.reveal(0, 0, handedIn, SALT, _answers(correct));
    }

    function _enterAt(uint256 opened, uint256 taskId, bytes32 circuitId) private {
        bytes32 commitment = keccak256(abi.encode(solution, SALT, prover));
        vm.prank(prover);
        rounds.commit{value: 1 ether}(taskId, 0, commitment);
        vm.roll(opened + 101);
        vm.prank(SPONSOR);
        rounds.revealTestSet(taskId, 0, circuitId, SALT);
        vm.roll(opened + 111);
        bytes memory answers = new bytes((rounds.roundOf(taskId, 0).samples + 7) / 8);
        answers[0] = 0x01;
        vm.prank(prover);
        rounds.reveal(taskId, 0, solution, SALT, answers);
    }

    function _commit(address miner, IRounds.Solution memory handedIn) private {
        bytes32 commitment = keccak256(abi.encode(handedIn, SALT, miner));
        vm.prank(miner);
        rounds.commit{value: 1 ether}(0, 0, commitment);
    }

    function _claim() private {
        Case memory made = cases[REUSABLE];
        vm.prank(prover);
        accuracy.claim(modelId, reusableId, made.threshold, made.count, made.proof, vka);
    }

    function _enrolAndSettle() private {
        vm.roll(_last(IRounds.Phase.Challenge) + 1);
        rounds.enrol(0, 0, prover);
        vm.roll(_last(IRounds.Phase.Enrol) + 1);
        rounds.settle(0, 0);
    }

    function _last(IRounds.Phase phase) private view returns (uint256 last) {
        (, last) = rounds.phaseOf(0, 0, phase);
    }

    /// @dev The first `correct`.
    function _answers(uint256 correct) private view returns (bytes memory answers) {
        answers = new bytes((shape.samples + 7) / 8);
        for (uint256 i = 0; i < correct; ++i) {
            answers[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }
}
