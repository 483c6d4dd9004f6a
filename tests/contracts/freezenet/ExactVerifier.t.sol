// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Architecture} from "../../../contracts/freezenet/Architecture.sol";
import {ExactVerifier} from "../../../contracts/freezenet/ExactVerifier.sol";
import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IExactVerifier} from "../../../contracts/freezenet/IExactVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {Watermark} from "../../../contracts/freezenet/Watermark.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";
import {RoundsTest} from "./RoundsTest.sol";

/// @notice A solution of a task with kernels of 33 by 6 and 6 by 5 weights, 59 and 9 of them codes, and 5 by 3 free ones.
contract ExactVerifierTest is RoundsTest {
    uint256 private constant SAMPLES = 12;
    uint256 private constant WEIGHTS = 228;
    uint256 private constant FREE = 160;

    ExactVerifier private exact;
    bytes32 private seed;
    uint256[] private free;
    uint256[][] private weights;
    bytes[] private affine;
    bytes[] private samples;
    IRounds.Solution private solution;
    uint32 private correct;

    function setUp() public override {
        super.setUp();
        exact = new ExactVerifier(rounds, tasks);
        vm.prank(SPONSOR);
        tasks.register(_exactTerms(), _network());
        for (uint256 i = 0; i < SAMPLES; ++i) {
            samples.push(bytes.concat(_draw("sample", i, 33), bytes2(uint16(i % 3)), keccak256(abi.encode("salt", i))));
        }
        // Four that are no samples: they count as not answered, though one of three labels is right.
        for (uint256 i = 3; i < 6; ++i) {
            samples[i] = bytes.concat(_draw("sample", 3, 33), bytes2(uint16(i % 3)), bytes32("salt"), hex"00");
        }
        samples[6] = "";
        vm.prank(SPONSOR);
        rounds.openRound{value: REWARD + SPONSOR_BOND}(1, keccak256(abi.encode(_testRoot(), SALT)));
        vm.roll(OPENED + 1);
        rounds.fixBeacon(1, 0);
        seed = rounds.seedOf(1, 0, ALICE);
        _train();
        bytes32 commitment = keccak256(abi.encode(solution, SALT, ALICE));
        vm.prank(ALICE);
        rounds.commit{value: MINER_BOND}(1, 0, commitment);
        vm.roll(COMMIT_END + 1);
        bytes32 testRoot = _testRoot();
        vm.prank(SPONSOR);
        rounds.revealTestSet(1, 0, testRoot, SALT);
        vm.roll(TEST_END + 1);
        correct = _countCorrect();
    }

    // From free weights to a verdict

    function test_SolutionIsAcceptedForAsManyAnswersAsItGives() public {
        assertTrue(correct >= 2);
        _reveal(correct);
        _placeAll();
        _answer(0, SAMPLES);
        assertTrue(exact.verdictOf(1, 0, ALICE) == IAccuracyVerifier.Verdict.Accepted);
        IExactVerifier.Progress memory progress = exact.progressOf(1, 0, ALICE);
        assertEq(progress.placed, WEIGHTS);
        assertEq(progress.answered, SAMPLES);
        assertEq(progress.correct, correct);
        vm.roll(CHALLENGE_END + 1);
        rounds.enrol(1, 0, ALICE);
        assertTrue(rounds.entryOf(1, 0, ALICE).enrolled);
    }

    function test_OneAnswerTooManyIsRejected() public {
        _reveal(correct + 1);
        _placeAll();
        _answer(0, SAMPLES);
        assertTrue(exact.verdictOf(1, 0, ALICE) == IAccuracyVerifier.Verdict.Rejected);
        vm.roll(CHALLENGE_END + 1);
        bytes4 selector = IRounds.NotAccepted.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, 1, 0, ALICE, IAccuracyVerifier.Verdict.Rejected));
        rounds.enrol(1, 0, ALICE);
    }

    /// @dev Every word is what each position's index says, however the work is divided.
    function testFuzz_WorkInPartsIsTheWork(uint256 first, uint256 second, uint256 cut) public {
        first = bound(first, 1, WEIGHTS - 2);
        second = bound(second, first + 1, WEIGHTS - 1);
        cut = bound(cut, 1, SAMPLES - 1);
        _reveal(correct);
        _place(0, first);
        _place(first, second);
        _placeNumbers();
        _place(second, WEIGHTS);
        for (uint256 tensor = 0; tensor < 2; ++tensor) {
            assertEq(
                keccak256(_kernelCode(tensor)), keccak256(bytes.concat(hex"00", abi.encodePacked(weights[tensor])))
            );
        }
        _answer(0, cut);
        if (exact.verdictOf(1, 0, ALICE) == IAccuracyVerifier.Verdict.Undecided) _answer(cut, SAMPLES);
        assertTrue(exact.verdictOf(1, 0, ALICE) == IAccuracyVerifier.Verdict.Accepted);
    }

    /// @dev As soon as it cannot change any more.
    function test_VerdictDoesNotWait() public {
        _reveal(uint32(SAMPLES));
        _placeAll();
        // The fourth is no sample: twelve of eleven are too many.
        _answer(0, 4);
        assertTrue(exact.verdictOf(1, 0, ALICE) == IAccuracyVerifier.Verdict.Rejected);
        bytes memory reason = abi.encodeWithSelector(IExactVerifier.AlreadyDecided.selector, 1, 0, ALICE);
        IExactVerifier.Batch memory batch = _batch(4, SAMPLES);
        vm.expectRevert(reason);
        exact.answer(1, 0, ALICE, _network(), batch);
        vm.expectRevert(reason);
        exact.placeNumbers(1, 0, ALICE, _network(), solution, affine, weights[2]);
        IExactVerifier.Part memory part = _part(0, 1);
        vm.expectRevert(reason);
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function test_SilenceLeavesItUndecided() public {
        _reveal(correct);
        _placeAll();
        vm.roll(CHALLENGE_END + 1);
        bytes4 selector = IRounds.NotAccepted.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, 1, 0, ALICE, IAccuracyVerifier.Verdict.Undecided));
        rounds.enrol(1, 0, ALICE);
    }

    // What is refused: placing

    function testFuzz_RevertWhen_AFreeWeightIsChanged(uint256 index, uint8 by) public {
        vm.assume(by != 0);
        _reveal(correct);
        IExactVerifier.Part memory part = _part(0, WEIGHTS);
        index = index % FREE;
        part.leaves[index / 32] ^= uint256(by) << 8 * (index % 32);
        bytes32[] memory hashes = new bytes32[](part.leaves.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = MerkleTree.leafOf(part.leaves[i]);
        }
        bytes32 root = TreeBuilder.rootOf(hashes);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NotUnderRoot.selector, solution.freeRoot, root));
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function testFuzz_RevertWhen_LeavesAreMissingOrTooMany(uint256 count) public {
        _reveal(correct);
        count = count % 16;
        vm.assume(count != 5);
        IExactVerifier.Part memory part = _part(0, WEIGHTS);
        part.leaves = new uint256[](count);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.LeafCountMismatch.selector, 5, count));
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function testFuzz_RevertWhen_WorkStandsElsewhere(uint256 first) public {
        vm.assume(first != 7);
        _reveal(correct);
        _place(0, 7);
        IExactVerifier.Part memory part = _part(7, 8);
        part.first = first;
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.OutOfOrder.selector, 7, first));
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function testFuzz_RevertWhen_NothingOrTooMuchIsPlaced(uint256 count) public {
        count = count % 2 == 0 ? 0 : bound(count, WEIGHTS - 6, type(uint256).max);
        _reveal(correct);
        _place(0, 7);
        IExactVerifier.Part memory part = _part(7, 8);
        part.count = count;
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.PartOutOfRange.selector, 7, count, WEIGHTS));
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function test_RevertWhen_TheArchitectureIsAnother() public {
        _reveal(correct);
        IntegerInference.Layer[] memory layers = _network();
        bytes32 expected = Architecture.hashOf(layers);
        layers[0].shift = 6;
        bytes memory reason =
            abi.encodeWithSelector(IExactVerifier.ArchitectureMismatch.selector, expected, Architecture.hashOf(layers));
        IExactVerifier.Part memory part = _part(0, 7);
        vm.expectRevert(reason);
        exact.place(1, 0, ALICE, layers, solution, part);
        vm.expectRevert(reason);
        exact.placeNumbers(1, 0, ALICE, layers, solution, affine, weights[2]);
        IExactVerifier.Batch memory batch = _batch(0, 1);
        vm.expectRevert(reason);
        exact.answer(1, 0, ALICE, layers, batch);
    }

    function test_RevertWhen_TheSolutionIsAnother() public {
        _reveal(correct);
        IRounds.Solution memory other = solution;
        bytes32 expected = keccak256(abi.encode(other));
        other.freeRoot = "other";
        bytes4 selector = IExactVerifier.SolutionMismatch.selector;
        bytes memory reason = abi.encodeWithSelector(selector, expected, keccak256(abi.encode(other)));
        IExactVerifier.Part memory part = _part(0, 7);
        vm.expectRevert(reason);
        exact.place(1, 0, ALICE, _network(), other, part);
        vm.expectRevert(reason);
        exact.placeNumbers(1, 0, ALICE, _network(), other, affine, weights[2]);
    }

    function test_RevertWhen_NothingIsRevealed() public {
        bytes memory reason = abi.encodeWithSelector(IExactVerifier.NoSolution.selector, 1, 0, ALICE);
        IExactVerifier.Part memory part = _part(0, 7);
        vm.expectRevert(reason);
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    /// @dev A miner who gives himself another number of free weights has no solution.
    function test_RevertWhen_FreeWeightsAreMiscounted() public {
        _openAgain(_network(), 2);
        solution.freeCount = uint64(FREE + 1);
        _commitAndReveal(2);
        IExactVerifier.Part memory part = _part(0, WEIGHTS);
        vm.expectRevert(abi.encodeWithSelector(IRounds.FreeCountMismatch.selector, FREE, FREE + 1));
        exact.place(2, 0, ALICE, _network(), solution, part);
    }

    function test_RevertWhen_AKernelDoesNotFitOneContract() public {
        IntegerInference.Layer[] memory layers = _network();
        (layers[0].channels, layers[0].outputs, layers[1].channels) = (800, 31, 31);
        _openAgain(layers, 2);
        solution.freeCount = 24_800 - 7_440 + 155 - 46;
        _commitAndReveal(2);
        IExactVerifier.Part memory part;
        part.count = 1;
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.KernelTooLarge.selector, 0, 775, 767));
        exact.place(2, 0, ALICE, layers, solution, part);
    }

    // What is refused: numbers

    function test_RevertWhen_ANumberIsChanged() public {
        _reveal(correct);
        for (uint256 i = 0; i < 4; ++i) {
            bytes[] memory numbers = affine;
            uint256[] memory last = weights[2];
            if (i < 3) numbers[i][5] ^= 0x01;
            else last[2] ^= 1 << 32;
            bytes32 root = TreeBuilder.rootOf(_numberHashes(numbers, last));
            vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NotUnderRoot.selector, solution.numbersRoot, root));
            exact.placeNumbers(1, 0, ALICE, _network(), solution, numbers, last);
        }
    }

    function test_RevertWhen_NumbersAreMissingOrTooMany() public {
        _reveal(correct);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NumbersMismatch.selector, 3, 2));
        exact.placeNumbers(1, 0, ALICE, _network(), solution, new bytes[](2), weights[2]);
        bytes[] memory numbers = affine;
        numbers[1] = new bytes(29);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.AffineMismatch.selector, 30, 29));
        exact.placeNumbers(1, 0, ALICE, _network(), solution, numbers, weights[2]);
        vm.expectRevert(abi.encodeWithSelector(IntegerInference.WeightsMismatch.selector, 3, 4));
        exact.placeNumbers(1, 0, ALICE, _network(), solution, affine, new uint256[](4));
        _placeNumbers();
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.AlreadyNumbered.selector, 1, 0, ALICE));
        _placeNumbers();
    }

    // What is refused: answers

    function test_RevertWhen_SomethingIsNotPlaced() public {
        _reveal(correct);
        IExactVerifier.Batch memory batch = _batch(0, 1);
        _place(0, WEIGHTS);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NotPlaced.selector, WEIGHTS, WEIGHTS, false));
        exact.answer(1, 0, ALICE, _network(), batch);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NotPlaced.selector, 0, WEIGHTS, false));
        exact.answer(1, 0, BOB, _network(), batch);
    }

    function test_RevertWhen_SamplesComeOutOfOrder() public {
        _reveal(uint32(SAMPLES) - 2);
        _placeAll();
        _answer(0, 1);
        uint8[3] memory starts = [0, 2, 11];
        for (uint256 i = 0; i < 3; ++i) {
            IExactVerifier.Batch memory batch = _batch(starts[i], SAMPLES);
            vm.expectRevert(abi.encodeWithSelector(IExactVerifier.OutOfOrder.selector, 1, starts[i]));
            exact.answer(1, 0, ALICE, _network(), batch);
        }
    }

    function testFuzz_RevertWhen_ASampleIsChanged(uint256 index, uint8 by) public {
        vm.assume(by != 0);
        _reveal(correct);
        _placeAll();
        IExactVerifier.Batch memory batch = _batch(0, 3);
        index = index % (3 * 67);
        batch.samples[index / 67][index % 67] ^= bytes1(by);
        bytes32[] memory hashes = new bytes32[](3);
        for (uint256 i = 0; i < 3; ++i) {
            hashes[i] = MerkleTree.leafOf(batch.samples[i]);
        }
        bytes32 root = MerkleTree.rootOf(hashes, 0, SAMPLES, batch.path);
        vm.expectRevert(abi.encodeWithSelector(IExactVerifier.NotUnderRoot.selector, _testRoot(), root));
        exact.answer(1, 0, ALICE, _network(), batch);
    }

    function test_RevertWhen_NoSampleIsAnswered() public {
        _reveal(correct);
        _placeAll();
        IExactVerifier.Batch memory batch;
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeavesOutOfRange.selector, 0, 0, SAMPLES));
        exact.answer(1, 0, ALICE, _network(), batch);
    }

    // The miner

    /// @dev Free weights are drawn; each position gets what its index says, found the other way round.
    function _train() private {
        for (uint256 i = 0; i < FREE / 32; ++i) {
            free.push(uint256(keccak256(abi.encode("free", i))));
        }
        IntegerInference.Layer[] memory layers = _network();
        uint256 freeBefore = 0;
        for (uint256 tensor = 0; tensor < 3; ++tensor) {
            uint256 fanIn = layers[tensor].channels;
            uint256 size = fanIn * layers[tensor].outputs;
            uint256 share = tensor == 2 ? 0 : size * 3 / 10;
            weights.push(new uint256[](layers[tensor].outputs * ((fanIn + 31) / 32)));
            for (uint256 place = 0; place < size; ++place) {
                uint256 code = tensor == 2
                    ? uint8(uint256(keccak256(abi.encode("last", place))))
                    : _codeAt(tensor, size, share, freeBefore, place);
                weights[tensor][place / fanIn * ((fanIn + 31) / 32) + place % fanIn / 32] |= code
                    << 8 * (place % fanIn % 32);
            }
            freeBefore += size - share;
            affine.push("");
            for (uint256 i = 0; i < layers[tensor].outputs; ++i) {
                affine[tensor] = bytes.concat(affine[tensor], hex"0001", bytes4(uint32(i)));
            }
        }
        solution = IRounds.Solution({
            freeRoot: TreeBuilder.rootOf(_freeHashes()),
            freeCount: uint64(FREE),
            numbersRoot: TreeBuilder.rootOf(_numberHashes(affine, weights[2])),
            contentDigest: "content"
        });
    }

    function _codeAt(uint256 tensor, uint256 size, uint256 share, uint256 freeBefore, uint256 place)
        private
        view
        returns (uint8)
    {
        bytes32 own = Watermark.tensorSeed(seed, tensor);
        uint256 index = Watermark.indexAt(own, Watermark.domainOf(size), place);
        if (index < share) return uint8(Watermark.code(own, index));
        uint256 position = freeBefore + index - share;
        return uint8(free[position / 32] >> 8 * (position % 32));
    }

    /// @dev By the definition of a dense layer.
    function _countCorrect() private view returns (uint32 count) {
        IntegerInference.Layer[] memory layers = _network();
        for (uint256 i = 0; i < SAMPLES; ++i) {
            if (samples[i].length != 67) continue;
            int256[] memory values = new int256[](33);
            for (uint256 k = 0; k < 33; ++k) {
                values[k] = int8(uint8(samples[i][k]));
            }
            for (uint256 depth = 0; depth < 3; ++depth) {
                values = _dense(layers[depth], depth, values);
            }
            uint256 class = 0;
            for (uint256 k = 1; k < 3; ++k) {
                if (values[k] > values[class]) class = k;
            }
            if (class == i % 3) ++count;
        }
    }

    function _dense(IntegerInference.Layer memory layer, uint256 depth, int256[] memory inputs)
        private
        view
        returns (int256[] memory outputs)
    {
        outputs = new int256[](layer.outputs);
        uint256 rowWords = (inputs.length + 31) / 32;
        for (uint256 i = 0; i < outputs.length; ++i) {
            for (uint256 k = 0; k < inputs.length; ++k) {
                outputs[i] += int256(int8(uint8(weights[depth][i * rowWords + k / 32] >> 8 * (k % 32)))) * inputs[k];
            }
            outputs[i] += int256(i);
            if (depth < 2) outputs[i] = IntegerInference.requantise(outputs[i], layer.shift, layer.relu);
        }
    }

    // Steps

    function _reveal(uint32 claimed) private {
        vm.prank(ALICE);
        rounds.reveal(1, 0, solution, SALT, _answers(claimed, SAMPLES));
    }

    function _placeAll() private {
        _place(0, WEIGHTS);
        _placeNumbers();
    }

    function _place(uint256 first, uint256 end) private {
        IExactVerifier.Part memory part = _part(first, end);
        exact.place(1, 0, ALICE, _network(), solution, part);
    }

    function _placeNumbers() private {
        exact.placeNumbers(1, 0, ALICE, _network(), solution, affine, weights[2]);
    }

    function _answer(uint256 first, uint256 end) private {
        exact.answer(1, 0, ALICE, _network(), _batch(first, end));
    }

    function _part(uint256 first, uint256 end) private view returns (IExactVerifier.Part memory part) {
        (part.first, part.count) = (first, end - first);
        (uint256 start, uint256 stop) = (_freeBefore(first), _freeBefore(end));
        if (start == stop) return part;
        uint256 firstLeaf = start / 32;
        part.leaves = new uint256[]((stop - 1) / 32 + 1 - firstLeaf);
        for (uint256 i = 0; i < part.leaves.length; ++i) {
            part.leaves[i] = free[firstLeaf + i];
        }
        part.path = TreeBuilder.pathOf(_freeHashes(), firstLeaf, part.leaves.length);
    }

    function _batch(uint256 first, uint256 end) private view returns (IExactVerifier.Batch memory batch) {
        batch.first = first;
        batch.samples = new bytes[](end - first);
        for (uint256 i = first; i < end; ++i) {
            batch.samples[i - first] = samples[i];
        }
        batch.path = TreeBuilder.pathOf(_sampleHashes(), first, end - first);
    }

    /// @dev A round of the next task, of these layers, in the same phases.
    function _openAgain(IntegerInference.Layer[] memory layers, uint256 taskId) private {
        vm.roll(OPENED);
        ITaskRegistry.Terms memory terms = _exactTerms();
        bytes32 seal = keccak256(abi.encode(_testRoot(), SALT));
        vm.startPrank(SPONSOR);
        tasks.register(terms, layers);
        rounds.openRound{value: REWARD + SPONSOR_BOND}(taskId, seal);
        vm.stopPrank();
        vm.roll(OPENED + 1);
    }

    function _commitAndReveal(uint256 taskId) private {
        bytes32 commitment = keccak256(abi.encode(solution, SALT, ALICE));
        bytes32 testRoot = _testRoot();
        vm.prank(ALICE);
        rounds.commit{value: MINER_BOND}(taskId, 0, commitment);
        vm.roll(COMMIT_END + 1);
        vm.prank(SPONSOR);
        rounds.revealTestSet(taskId, 0, testRoot, SALT);
        vm.roll(TEST_END + 1);
        vm.prank(ALICE);
        rounds.reveal(taskId, 0, solution, SALT, _answers(5, SAMPLES));
    }

    // Trees

    function _testRoot() private view returns (bytes32) {
        return TreeBuilder.rootOf(_sampleHashes());
    }

    function _sampleHashes() private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](SAMPLES);
        for (uint256 i = 0; i < SAMPLES; ++i) {
            hashes[i] = MerkleTree.leafOf(samples[i]);
        }
    }

    function _freeHashes() private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](free.length);
        for (uint256 i = 0; i < free.length; ++i) {
            hashes[i] = MerkleTree.leafOf(free[i]);
        }
    }

    function _numberHashes(bytes[] memory numbers, uint256[] memory last)
        private
        pure
        returns (bytes32[] memory hashes)
    {
        hashes = new bytes32[](6 + 5 + 3 + 3);
        uint256 next = 0;
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 start = 0; start < numbers[i].length; start += 6) {
                bytes memory leaf = new bytes(6);
                for (uint256 k = 0; k < 6; ++k) {
                    leaf[k] = numbers[i][start + k];
                }
                hashes[next++] = MerkleTree.leafOf(leaf);
            }
        }
        for (uint256 i = 0; i < 3; ++i) {
            hashes[next++] = MerkleTree.leafOf(last[i]);
        }
    }

    /// @dev Codes come first in each kernel.
    function _freeBefore(uint256 count) private pure returns (uint256) {
        if (count <= 59) return 0;
        if (count <= 198) return count - 59;
        if (count <= 207) return 139;
        return count - 68;
    }

    function _kernelCode(uint256 tensor) private view returns (bytes memory) {
        uint256 work = uint256(keccak256(abi.encode(ALICE, keccak256(abi.encode(0, keccak256(abi.encode(1, 0)))))));
        bytes32 slot = keccak256(abi.encode(tensor, work + 2));
        return address(uint160(uint256(vm.load(address(exact), slot)))).code;
    }

    function _draw(string memory name, uint256 index, uint256 length) private pure returns (bytes memory content) {
        content = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            content[i] = bytes1(keccak256(abi.encode(name, index, i)));
        }
    }

    function _exactTerms() private view returns (ITaskRegistry.Terms memory terms) {
        terms = _terms();
        (terms.verifier, terms.samples, terms.threshold, terms.thresholdFloor) = (exact, uint32(SAMPLES), 1, 1);
    }

    function _network() private pure returns (IntegerInference.Layer[] memory layers) {
        layers = new IntegerInference.Layer[](3);
        layers[0] = IntegerInference.Layer(33, 1, 1, 6, 1, 1, 1, 1, 0, 0, 10, false, 0);
        layers[1] = IntegerInference.Layer(6, 1, 1, 5, 1, 1, 1, 1, 0, 0, 7, true, 0);
        layers[2] = IntegerInference.Layer(5, 1, 1, 3, 1, 1, 1, 1, 0, 0, 0, false, 0);
    }
}
