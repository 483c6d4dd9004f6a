// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {ActivationTree} from "./ActivationTree.sol";
import {Architecture} from "./Architecture.sol";
import {IntegerInference} from "./IntegerInference.sol";
import {ProductStep} from "./ProductStep.sol";
import {SolutionLeaves} from "./SolutionLeaves.sol";
import {Watermark} from "./Watermark.sol";

/// @title What is multiplied in one step, told from what is known: the end of every dispute
/// @notice A weight is a code of the watermark, which follows from the seed and its position, or a number of the
/// solution, under one of its roots. Activations are a leaf of the layer before, or bytes of the sample. Channels beyond
/// the last, and places outside the input, are zeros.
/// @dev `pyml.freezenet.operand_proof` is the twin.
library OperandProof {
    uint256 private constant LANES = 32;

    /// @notice All that one layer's operands follow from.
    /// @param layer whose steps they are of.
    /// @param first whether it reads the sample.
    /// @param last whether it gives the logits: then its weights are words under `root`, and not a kernel.
    /// @param inputs root of what the layer reads, or the leaf of the sample.
    /// @param root under which the layer's weights lie.
    /// @param leaves under that root.
    /// @param before free weights of the kernels before, or leaves before the last layer's words.
    /// @param share of the kernel's indices that are codes.
    /// @param seed of the kernel's permutation and codes.
    struct Ground {
        IntegerInference.Layer layer;
        bool first;
        bool last;
        bytes32 inputs;
        bytes32 root;
        uint256 leaves;
        uint256 before;
        uint256 share;
        bytes32 seed;
    }

    /// @notice An operand that is claimed to be right.
    /// @param index of the value that the step is of.
    /// @param step counted through the value's sums.
    /// @param lane of the weight among the 32; 32 for the activations.
    /// @param word the 32 weights, or activations, that were shown.
    /// @param content as `IOptimisticVerifier.prove` takes it.
    /// @param path from it to its root.
    struct Operand {
        uint256 index;
        uint256 step;
        uint256 lane;
        bytes32 word;
        bytes content;
        bytes32[] path;
    }

    /// @notice What the operands of a layer follow from.
    /// @param inputs root of what the layer reads, or the leaf of the sample.
    /// @param seed of the miner's watermark.
    function groundOf(
        IntegerInference.Layer[] memory network,
        uint256 number,
        uint256 fractionPpm,
        bytes32 inputs,
        bytes32 seed,
        bytes32 freeRoot,
        bytes32 numbersRoot
    ) internal pure returns (Ground memory ground) {
        (ground.layer, ground.inputs, ground.first) = (network[number], inputs, number == 0);
        ground.last = number + 1 == network.length;
        if (ground.last) {
            ground.root = numbersRoot;
            ground.leaves = SolutionLeaves.numberLeaves(network);
            ground.before = SolutionLeaves.affineLeaf(network, number + 1, 0);
        } else {
            ground.root = freeRoot;
            ground.leaves = SolutionLeaves.freeLeaves(network, fractionPpm);
            ground.before = SolutionLeaves.freeBefore(network, fractionPpm, number);
            ground.share = Architecture.kernelShare(ground.layer, fractionPpm);
            ground.seed = Watermark.tensorSeed(seed, number);
        }
    }

    /// @notice Whether an operand is right. What is under a root is what `MerkleTree` says, so paths of a wrong length
    /// revert.
    function isRight(Ground memory ground, Operand memory operand) internal pure returns (bool) {
        IntegerInference.Layer memory layer = ground.layer;
        ProductStep.Step memory step = ProductStep.stepAt(layer, operand.index, operand.step);
        if (operand.lane == LANES) return _areActivations(ground, operand, step);
        uint256 shown = _byteOf(uint256(operand.word), operand.lane);
        if (step.group * LANES + operand.lane >= layer.channels) return shown == 0;
        uint256 position = ProductStep.weightOf(layer, step, operand.lane);
        return ground.last
            ? _isLastWeight(ground, operand, position, shown)
            : _isKernelWeight(ground, operand, position, shown);
    }

    function _areActivations(Ground memory ground, Operand memory operand, ProductStep.Step memory step)
        private
        pure
        returns (bool)
    {
        if (!step.inside) return operand.word == 0;
        uint256 leaf = ActivationTree.leafAt(ground.layer, step.row, step.column, step.group);
        if (ground.first) {
            bytes32 sample = MerkleTree.leafOf(operand.content);
            return sample == ground.inputs && operand.word == _gather(ground.layer, leaf, operand.content);
        }
        uint256 leaves = ActivationTree.leavesOf(ground.layer);
        return ground.inputs == MerkleTree.rootOf(MerkleTree.leafOf(uint256(operand.word)), leaf, leaves, operand.path);
    }

    /// @dev A weight of the last layer, which carries no watermark; its neurons begin a word each.
    function _isLastWeight(Ground memory ground, Operand memory operand, uint256 position, uint256 shown)
        private
        pure
        returns (bool)
    {
        IntegerInference.Geometry memory geometry = IntegerInference.geometryOf(ground.layer);
        uint256 input = position % geometry.fanIn;
        // Rounding down to the neuron is meant.
        // slither-disable-next-line divide-before-multiply
        uint256 leaf = ground.before + position / geometry.fanIn * geometry.words + input / LANES;
        return _isInWord(ground, operand, leaf, input, shown);
    }

    /// @dev A weight of another layer: a code where the permutation says so, the miner's otherwise.
    function _isKernelWeight(Ground memory ground, Operand memory operand, uint256 position, uint256 shown)
        private
        pure
        returns (bool)
    {
        Watermark.Domain memory domain = Watermark.domainOf(Architecture.kernelSize(ground.layer));
        uint256 index = Watermark.indexAt(ground.seed, domain, position);
        if (index < ground.share) return _byteOf(Watermark.codeWord(ground.seed, index / LANES), index) == shown;
        uint256 free = ground.before + index - ground.share;
        return _isInWord(ground, operand, free / LANES, free, shown);
    }

    /// @dev Whether the operand's content is the leaf, and has `shown` as its number `lane`, modulo 32.
    function _isInWord(Ground memory ground, Operand memory operand, uint256 leaf, uint256 lane, uint256 shown)
        private
        pure
        returns (bool)
    {
        bytes memory content = operand.content;
        if (content.length != LANES) return false;
        // All of it: 32 bytes.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (_byteOf(uint256(bytes32(content)), lane) != shown) return false;
        return ground.root == MerkleTree.rootOf(MerkleTree.leafOf(content), leaf, ground.leaves, operand.path);
    }

    /// @dev The channels of a leaf among the sample's inputs.
    function _gather(IntegerInference.Layer memory layer, uint256 leaf, bytes memory sample)
        private
        pure
        returns (bytes32 word)
    {
        uint256 lanes = ActivationTree.lanesOf(layer, leaf);
        for (uint256 lane = 0; lane < lanes; ++lane) {
            word |= bytes32(sample[ActivationTree.indexOf(layer, leaf, lane)]) >> 8 * lane;
        }
    }

    /// @dev Code `index` modulo 32 of a word.
    function _byteOf(uint256 word, uint256 index) private pure returns (uint256) {
        return word >> 8 * (index % LANES) & 0xff;
    }
}
