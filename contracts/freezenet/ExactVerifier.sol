// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {Architecture} from "./Architecture.sol";
import {CodeStorage} from "./CodeStorage.sol";
import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IExactVerifier} from "./IExactVerifier.sol";
import {IRounds} from "./IRounds.sol";
import {ITaskRegistry} from "./ITaskRegistry.sol";
import {IntegerInference} from "./IntegerInference.sol";
import {Watermark} from "./Watermark.sol";

/// @title ExactVerifier
/// @notice Nobody owns it, and it keeps no value.
contract ExactVerifier is IExactVerifier {
    /// @notice Most words of a kernel.
    uint256 public constant MAX_WORDS = CodeStorage.MAX_LENGTH / 32;
    /// @notice Bytes of a sample behind its inputs: label and salt.
    uint256 public constant SAMPLE_TAIL = 34;

    uint256 private constant CODES = 32;

    /// @dev A solution's numbers, and one kernel after the other.
    struct Work {
        Progress progress;
        address numbers;
        mapping(uint256 tensor => address) kernels;
    }

    /// @dev A network, and what a miner's watermark of it follows from.
    struct Marked {
        IntegerInference.Layer[] layers;
        uint256 fractionPpm;
        bytes32 seed;
    }

    /// @dev Indices [start, end) of one kernel.
    /// @param share how many of its indices are codes.
    /// @param outputs neurons of the kernel.
    /// @param fanIn inputs of a neuron.
    /// @param rowWords words of a neuron.
    /// @param freeBefore free weights of the kernels before.
    /// @param firstLeaf where the leaves begin among all words of free weights.
    struct Run {
        bytes32 seed;
        Watermark.Domain domain;
        uint256 start;
        uint256 end;
        uint256 share;
        uint256 outputs;
        uint256 fanIn;
        uint256 rowWords;
        uint256 freeBefore;
        uint256 firstLeaf;
    }

    /// @notice Where solutions are revealed.
    IRounds public immutable ROUNDS;
    /// @notice Where tasks are described.
    ITaskRegistry public immutable TASKS;

    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Work))) private _works;

    constructor(IRounds rounds, ITaskRegistry tasks) {
        (ROUNDS, TASKS) = (rounds, tasks);
    }

    /// @inheritdoc IExactVerifier
    function place(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        Part calldata part
    ) external {
        Work storage work = _undecided(taskId, round, miner);
        Marked memory marked = Marked({
            layers: _requireSolution(taskId, round, miner, layers, solution),
            fractionPpm: TASKS.taskOf(taskId).terms.fractionPpm,
            seed: ROUNDS.seedOf(taskId, round, miner)
        });
        uint256 placed = _requirePart(work.progress.placed, marked.layers, part);
        _requireLeaves(marked, solution, part);
        // At most 2^38: each of 64 kernels has at most 2^16 inputs and as many outputs.
        // forge-lint: disable-next-line(unsafe-typecast)
        work.progress.placed = uint64(placed);
        emit WeightsPlaced(taskId, round, miner, placed);
        _placeKernels(work, marked, part);
    }

    /// @inheritdoc IExactVerifier
    function placeNumbers(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes[] calldata affine,
        uint256[] calldata lastWeights
    ) external {
        Work storage work = _undecided(taskId, round, miner);
        IntegerInference.Layer[] memory network = _requireSolution(taskId, round, miner, layers, solution);
        if (work.progress.numbered) revert AlreadyNumbered(taskId, round, miner);
        bytes32 root = _numbersRoot(network, affine, lastWeights);
        if (root != solution.numbersRoot) revert NotUnderRoot(solution.numbersRoot, root);
        work.progress.numbered = true;
        emit NumbersPlaced(taskId, round, miner);
        bytes memory content = "";
        for (uint256 i = 0; i < affine.length; ++i) {
            content = bytes.concat(content, affine[i]);
        }
        work.numbers = CodeStorage.write(bytes.concat(content, abi.encodePacked(lastWeights)));
    }

    /// @inheritdoc IExactVerifier
    function answer(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        Batch calldata batch
    ) external {
        Work storage work = _undecided(taskId, round, miner);
        IntegerInference.Layer[] memory network = _requireArchitecture(taskId, layers);
        Progress memory progress = work.progress;
        _requirePlaced(progress, _kernelsSize(network));
        if (batch.first != progress.answered) revert OutOfOrder(progress.answered, batch.first);
        uint256 count = TASKS.taskOf(taskId).terms.samples;
        _requireSamples(ROUNDS.roundOf(taskId, round).testRoot, count, batch);
        // The tree has these samples, so there are no more than `count`, a uint32.
        // forge-lint: disable-next-line(unsafe-typecast)
        progress.answered += uint32(batch.samples.length);
        // forge-lint: disable-next-line(unsafe-typecast)
        progress.correct += uint32(_countCorrect(work, network, batch.samples));
        emit SamplesAnswered(taskId, round, miner, progress.answered, progress.correct);
        uint256 claimed = ROUNDS.entryOf(taskId, round, miner).correct;
        if (progress.correct >= claimed) progress.verdict = Verdict.Accepted;
        else if (progress.correct + count - progress.answered < claimed) progress.verdict = Verdict.Rejected;
        if (progress.verdict != Verdict.Undecided) emit Decided(taskId, round, miner, progress.verdict);
        work.progress = progress;
    }

    /// @inheritdoc IExactVerifier
    function progressOf(uint256 taskId, uint256 round, address miner) external view returns (Progress memory) {
        return _works[taskId][round][miner].progress;
    }

    /// @inheritdoc IAccuracyVerifier
    function verdictOf(uint256 taskId, uint256 round, address miner) external view returns (Verdict verdict) {
        return _works[taskId][round][miner].progress.verdict;
    }

    /// @dev Each kernel of which the part has indices: as it stood, with these, written anew.
    function _placeKernels(Work storage work, Marked memory marked, Part calldata part) private {
        (uint256 first, uint256 last) = (part.first, part.first + part.count);
        uint256 firstLeaf = _freeBefore(marked, first) / CODES;
        uint256 freeBefore = 0;
        for (uint256 tensor = 0; tensor + 1 < marked.layers.length; ++tensor) {
            Run memory run = _runOf(marked, tensor, first, last);
            (run.freeBefore, run.firstLeaf) = (freeBefore, firstLeaf);
            if (run.start < run.end) {
                work.kernels[tensor] = _placeRun(run, tensor, work.kernels[tensor], part.leaves);
            }
            (first, last) = (first - run.start, last - run.end);
            freeBefore += run.domain.n - run.share;
        }
    }

    function _placeRun(Run memory run, uint256 tensor, address source, uint256[] calldata leaves)
        private
        returns (address)
    {
        uint256 count = run.outputs * run.rowWords;
        if (count > MAX_WORDS) revert KernelTooLarge(tensor, count, MAX_WORDS);
        uint256[] memory words = CodeStorage.readWords(source, 0, count);
        _fill(run, words, leaves);
        return CodeStorage.write(abi.encodePacked(words));
    }

    /// @dev Of indices that are counted from the kernel's first, and may end beyond it.
    function _runOf(Marked memory marked, uint256 tensor, uint256 first, uint256 last)
        private
        pure
        returns (Run memory run)
    {
        IntegerInference.Layer memory layer = marked.layers[tensor];
        IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(layer);
        uint256 size = Architecture.kernelSize(layer);
        run.seed = Watermark.tensorSeed(marked.seed, tensor);
        run.domain = Watermark.domainOf(size);
        run.start = first < size ? first : size;
        run.end = last < size ? last : size;
        run.share = Architecture.kernelShare(layer, marked.fractionPpm);
        run.outputs = layer.outputs;
        run.fanIn = geometry.fanIn;
        run.rowWords = geometry.words;
    }

    /// @dev Puts each code and free weight of a run at its position.
    function _fill(Run memory run, uint256[] memory words, uint256[] calldata leaves) private pure {
        uint256 codes = Watermark.codeWord(run.seed, run.start / CODES);
        for (uint256 index = run.start; index < run.end; ++index) {
            uint256 lane = index % CODES;
            uint256 word;
            if (index < run.share) {
                if (lane == 0) codes = Watermark.codeWord(run.seed, index / CODES);
                word = codes;
            } else {
                uint256 free = run.freeBefore + index - run.share;
                (word, lane) = (leaves[free / CODES - run.firstLeaf], free % CODES);
            }
            uint256 position = Watermark.position(run.seed, run.domain, index);
            uint256 input = position % run.fanIn;
            // Rounding down to the neuron is meant.
            // slither-disable-next-line divide-before-multiply
            uint256 target = position / run.fanIn * run.rowWords + input / CODES;
            words[target] |= (word >> 8 * lane & 0xff) << 8 * (input % CODES);
        }
    }

    function _countCorrect(Work storage work, IntegerInference.Layer[] memory network, bytes[] calldata samples)
        private
        view
        returns (uint256 correct)
    {
        (uint256[][] memory weights, bytes[] memory affine) = _load(work, network);
        uint256 inputs = IntegerInference.geometryOf(network[0]).inputs;
        for (uint256 i = 0; i < samples.length; ++i) {
            bytes calldata sample = samples[i];
            if (sample.length != inputs + SAMPLE_TAIL) continue;
            uint256 label = uint16(bytes2(sample[inputs:inputs + 2]));
            if (_classify(network, weights, affine, sample[:inputs]) == label) ++correct;
        }
    }

    /// @dev All words and numbers of a solution that is placed.
    function _load(Work storage work, IntegerInference.Layer[] memory network)
        private
        view
        returns (uint256[][] memory weights, bytes[] memory affine)
    {
        (weights, affine) = (new uint256[][](network.length), new bytes[](network.length));
        uint256 start = 0;
        for (uint256 i = 0; i < network.length; ++i) {
            uint256 outputs = network[i].outputs;
            affine[i] = CodeStorage.read(work.numbers, start, outputs * IntegerInference.AFFINE_BYTES);
            start += affine[i].length;
            uint256 count = outputs * IntegerInference.geometryOf(network[i]).words;
            bool last = i + 1 == network.length;
            weights[i] = CodeStorage.readWords(last ? work.numbers : work.kernels[i], last ? start : 0, count);
        }
    }

    /// @dev The verdict may not stand.
    function _undecided(uint256 taskId, uint256 round, address miner) private view returns (Work storage work) {
        work = _works[taskId][round][miner];
        if (work.progress.verdict != Verdict.Undecided) revert AlreadyDecided(taskId, round, miner);
    }

    function _requireArchitecture(uint256 taskId, IntegerInference.Layer[] calldata layers)
        private
        view
        returns (IntegerInference.Layer[] memory network)
    {
        network = layers;
        bytes32 expected = TASKS.taskOf(taskId).architectureHash;
        bytes32 actual = Architecture.hashOf(network);
        if (actual != expected) revert ArchitectureMismatch(expected, actual);
    }

    function _requireSolution(
        uint256 taskId,
        uint256 round,
        address miner,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution
    ) private view returns (IntegerInference.Layer[] memory network) {
        network = _requireArchitecture(taskId, layers);
        IRounds.Entry memory entry = ROUNDS.entryOf(taskId, round, miner);
        if (!entry.revealed) revert NoSolution(taskId, round, miner);
        bytes32 actual = keccak256(abi.encode(solution));
        if (actual != entry.digest) revert SolutionMismatch(entry.digest, actual);
    }

    /// @dev How many weights are placed with the part: it goes on where the work stands, and ends with the last kernel.
    function _requirePart(uint256 placed, IntegerInference.Layer[] memory network, Part calldata part)
        private
        pure
        returns (uint256)
    {
        if (part.first != placed) revert OutOfOrder(placed, part.first);
        uint256 total = _kernelsSize(network);
        if (part.count == 0 || part.count > total - placed) revert PartOutOfRange(placed, part.count, total);
        return placed + part.count;
    }

    /// @dev The leaves hold the free weights of the part, and are the solution's.
    function _requireLeaves(Marked memory marked, IRounds.Solution calldata solution, Part calldata part) private pure {
        uint256 freeCount = _freeBefore(marked, type(uint256).max);
        if (solution.freeCount != freeCount) revert IRounds.FreeCountMismatch(freeCount, solution.freeCount);
        uint256 start = _freeBefore(marked, part.first);
        uint256 end = _freeBefore(marked, part.first + part.count);
        uint256 firstLeaf = start / CODES;
        uint256 expected = start == end ? 0 : (end - 1) / CODES + 1 - firstLeaf;
        if (part.leaves.length != expected) revert LeafCountMismatch(expected, part.leaves.length);
        if (expected == 0) return;
        bytes32[] memory hashes = new bytes32[](expected);
        for (uint256 i = 0; i < expected; ++i) {
            hashes[i] = MerkleTree.leafOf(part.leaves[i]);
        }
        bytes32 root = MerkleTree.rootOf(hashes, firstLeaf, (freeCount + CODES - 1) / CODES, part.path);
        if (root != solution.freeRoot) revert NotUnderRoot(solution.freeRoot, root);
    }

    function _requirePlaced(Progress memory progress, uint256 total) private pure {
        if (progress.placed != total || !progress.numbered) {
            revert NotPlaced(progress.placed, total, progress.numbered);
        }
    }

    function _requireSamples(bytes32 expected, uint256 count, Batch calldata batch) private pure {
        bytes32[] memory hashes = new bytes32[](batch.samples.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = MerkleTree.leafOf(batch.samples[i]);
        }
        bytes32 root = MerkleTree.rootOf(hashes, batch.first, count, batch.path);
        if (root != expected) revert NotUnderRoot(expected, root);
    }

    /// @dev A leaf for each channel's multiplier and bias, and one for each word of the last layer.
    function _numbersRoot(
        IntegerInference.Layer[] memory network,
        bytes[] calldata affine,
        uint256[] calldata lastWeights
    ) private pure returns (bytes32) {
        if (affine.length != network.length) {
            revert NumbersMismatch(network.length, affine.length);
        }
        uint256 channels = 0;
        for (uint256 i = 0; i < network.length; ++i) {
            uint256 length = network[i].outputs * IntegerInference.AFFINE_BYTES;
            if (affine[i].length != length) revert IntegerInference.AffineMismatch(length, affine[i].length);
            channels += network[i].outputs;
        }
        IntegerInference.Layer memory last = network[network.length - 1];
        uint256 words = last.outputs * IntegerInference.geometryOf(last).words;
        if (lastWeights.length != words) revert IntegerInference.WeightsMismatch(words, lastWeights.length);
        bytes32[] memory hashes = new bytes32[](channels + words);
        uint256 next = 0;
        for (uint256 i = 0; i < network.length; ++i) {
            for (uint256 start = 0; start < affine[i].length; start += IntegerInference.AFFINE_BYTES) {
                hashes[next++] = MerkleTree.leafOf(affine[i][start:start + IntegerInference.AFFINE_BYTES]);
            }
        }
        for (uint256 i = 0; i < words; ++i) {
            hashes[next++] = MerkleTree.leafOf(lastWeights[i]);
        }
        return MerkleTree.rootOf(hashes, 0, hashes.length, new bytes32[](0));
    }

    function _classify(
        IntegerInference.Layer[] memory network,
        uint256[][] memory weights,
        bytes[] memory affine,
        bytes memory values
    ) private pure returns (uint256) {
        uint256 last = network.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            int256[] memory sums = IntegerInference.weigh(network[i], values, weights[i], affine[i]);
            values = IntegerInference.activate(network[i], sums);
        }
        return IntegerInference.argmax(IntegerInference.weigh(network[last], values, weights[last], affine[last]));
    }

    /// @dev Weights of all kernels that carry a watermark.
    function _kernelsSize(IntegerInference.Layer[] memory network) private pure returns (uint256 size) {
        for (uint256 i = 0; i + 1 < network.length; ++i) {
            size += Architecture.kernelSize(network[i]);
        }
    }

    /// @dev Free weights among the first `count` of all kernels.
    function _freeBefore(Marked memory marked, uint256 count) private pure returns (uint256 free) {
        for (uint256 i = 0; i + 1 < marked.layers.length; ++i) {
            uint256 size = Architecture.kernelSize(marked.layers[i]);
            uint256 share = Architecture.kernelShare(marked.layers[i], marked.fractionPpm);
            uint256 indices = count < size ? count : size;
            if (indices > share) free += indices - share;
            count -= indices;
        }
    }
}
