// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ActivationTree} from "../../../contracts/freezenet/ActivationTree.sol";
import {IOptimisticVerifier} from "../../../contracts/freezenet/IOptimisticVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {OperandProof} from "../../../contracts/freezenet/OperandProof.sol";
import {Watermark} from "../../../contracts/freezenet/Watermark.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";

/// @notice An honest miner of a network of two dense layers, 32 to 40 and 40 to 4, and a challenger who picks anything.
/// Half of the first kernel is watermark, the free half is zero. The last layer's multipliers are zero, so that its
/// biases decide and every seed's network answers class 2: labels are sealed before seeds are known.
contract DisputePlayer {
    uint256 public constant FRACTION_PPM = 500_000;
    uint256 public constant LABEL = 2;

    uint256 private constant HIDDEN = 40;
    uint256 private constant CLASSES = 4;
    uint256 private constant FREE = 640;
    uint256 private constant NUMBERS = HIDDEN + CLASSES + 2 * CLASSES;

    mapping(bytes32 seed => uint256[]) private _kernels;

    function layersOf() public pure returns (IntegerInference.Layer[] memory layers) {
        layers = new IntegerInference.Layer[](2);
        layers[0] = IntegerInference.Layer(32, 1, 1, 40, 1, 1, 1, 1, 0, 0, 9, true, 0);
        layers[1] = IntegerInference.Layer(40, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0, false, 0);
    }

    /// @dev Of every miner: what differs is the watermark, and that is not handed in.
    function solutionOf() public pure returns (IRounds.Solution memory) {
        return IRounds.Solution({
            freeRoot: TreeBuilder.rootOf(_freeHashes()),
            freeCount: uint64(FREE),
            numbersRoot: TreeBuilder.rootOf(_numberHashes()),
            contentDigest: "content"
        });
    }

    function sampleOf(uint256 index) public pure returns (bytes memory) {
        return
            abi.encodePacked(
                keccak256(abi.encode("inputs", index)), uint16(LABEL), keccak256(abi.encode("salt", index))
            );
    }

    function sampleHashes(uint256 samples) public pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](samples);
        for (uint256 i = 0; i < samples; ++i) {
            hashes[i] = MerkleTree.leafOf(sampleOf(i));
        }
    }

    /// @dev Leaves of one of the trees.
    function leavesOf(bool free, uint256 first, uint256 length)
        external
        pure
        returns (bytes[] memory contents, bytes32[] memory path)
    {
        contents = new bytes[](length);
        for (uint256 i = 0; i < length; ++i) {
            contents[i] = free ? abi.encode(0) : _number(first + i);
        }
        path = TreeBuilder.pathOf(free ? _freeHashes() : _numberHashes(), first, length);
    }

    /// @dev The call that takes the dispute's turn; the challenger's picks follow from `choice`.
    function move(uint256 id, IOptimisticVerifier.Dispute memory dispute, bytes32 seed, uint256 samples, uint256 choice)
        external
        returns (bytes memory)
    {
        IOptimisticVerifier.Turn turn = dispute.turn;
        if (_kernels[seed].length == 0) _kernels[seed] = _kernelOf(seed);
        bytes32[] memory outputs = _outputs(seed, dispute.sample);
        if (turn == IOptimisticVerifier.Turn.Trace) return _trace(id, dispute, outputs, samples);
        if (turn == IOptimisticVerifier.Turn.PickLayer) return _pickLayer(id, dispute, outputs, choice);
        if (turn == IOptimisticVerifier.Turn.Open) {
            return abi.encodeCall(IOptimisticVerifier.open, (id, _hashes(outputs)));
        }
        if (turn == IOptimisticVerifier.Turn.PickChild) {
            bytes32[] memory path = TreeBuilder.pathOf(_hashes(outputs), choice % 2, 1);
            bytes32 hash = _hashes(outputs)[choice % 2];
            return abi.encodeCall(IOptimisticVerifier.pickChild, (id, uint8(choice % 2), hash, path));
        }
        if (turn == IOptimisticVerifier.Turn.OpenLeaf) {
            return abi.encodeCall(IOptimisticVerifier.openLeaf, (id, outputs[dispute.index]));
        }
        if (turn == IOptimisticVerifier.Turn.PickValue) {
            uint256 lanes = ActivationTree.lanesOf(layersOf()[1], dispute.index);
            return abi.encodeCall(IOptimisticVerifier.pickValue, (id, layersOf(), uint8(choice % lanes)));
        }
        return _lastMove(id, dispute, seed, outputs, choice);
    }

    function _lastMove(
        uint256 id,
        IOptimisticVerifier.Dispute memory dispute,
        bytes32 seed,
        bytes32[] memory outputs,
        uint256 choice
    ) private view returns (bytes memory) {
        IOptimisticVerifier.Turn turn = dispute.turn;
        if (turn == IOptimisticVerifier.Turn.Prove) return _prove(id, dispute, seed, outputs);
        (uint256[] memory weights, bytes32[] memory inputs) = _operands(dispute, seed, outputs);
        bytes memory accumulators = _accumulators(weights, inputs);
        if (turn == IOptimisticVerifier.Turn.Sums) {
            uint256 leaf = dispute.layer * HIDDEN + dispute.index;
            bytes32[] memory path = TreeBuilder.pathOf(_numberHashes(), leaf, 1);
            return
                abi.encodeCall(
                    IOptimisticVerifier.sums, (id, layersOf(), solutionOf(), accumulators, _number(leaf), path)
                );
        }
        if (turn == IOptimisticVerifier.Turn.PickStep) {
            return abi.encodeCall(IOptimisticVerifier.pickStep, (id, uint32(choice % weights.length), accumulators));
        }
        (uint256 weight, uint256 input) = (weights[dispute.step], uint256(inputs[dispute.step]));
        if (turn == IOptimisticVerifier.Turn.Operands) {
            return abi.encodeCall(IOptimisticVerifier.operands, (id, weight, input));
        }
        return abi.encodeCall(IOptimisticVerifier.pickOperand, (id, uint8(choice % 33), weight, input));
    }

    function _trace(uint256 id, IOptimisticVerifier.Dispute memory dispute, bytes32[] memory outputs, uint256 samples)
        private
        pure
        returns (bytes memory)
    {
        bytes32[] memory path = TreeBuilder.pathOf(sampleHashes(samples), dispute.sample, 1);
        (bytes32[] memory roots, int256[] memory logits) = (_roots(outputs), _logits());
        bytes memory sample = sampleOf(dispute.sample);
        return abi.encodeCall(IOptimisticVerifier.trace, (id, layersOf(), solutionOf(), roots, logits, sample, path));
    }

    function _pickLayer(
        uint256 id,
        IOptimisticVerifier.Dispute memory dispute,
        bytes32[] memory outputs,
        uint256 choice
    ) private pure returns (bytes memory) {
        bytes32 leaf = MerkleTree.leafOf(sampleOf(dispute.sample));
        uint32 logit = uint32(choice / 4 % CLASSES);
        uint8 layer = choice % 4 == 0 ? 1 : 0;
        return
            abi.encodeCall(
                IOptimisticVerifier.pickLayer, (id, layersOf(), layer, logit, _roots(outputs), _logits(), leaf)
            );
    }

    function _prove(uint256 id, IOptimisticVerifier.Dispute memory dispute, bytes32 seed, bytes32[] memory outputs)
        private
        pure
        returns (bytes memory)
    {
        IRounds.Solution memory solution = solutionOf();
        bytes32 sampleLeaf = MerkleTree.leafOf(sampleOf(dispute.sample));
        OperandProof.Ground memory ground = OperandProof.groundOf(
            layersOf(),
            dispute.layer,
            FRACTION_PPM,
            dispute.layer == 0 ? sampleLeaf : _roots(outputs)[0],
            seed,
            solution.freeRoot,
            solution.numbersRoot
        );
        (bytes memory content, bytes32[] memory path) = ("", new bytes32[](0));
        if (dispute.operand == 32) {
            if (dispute.layer == 0) content = sampleOf(dispute.sample);
            else path = TreeBuilder.pathOf(_hashes(outputs), dispute.step, 1);
        } else if (dispute.layer == 1) {
            uint256 leaf = HIDDEN + CLASSES + 2 * dispute.index + dispute.step;
            (content, path) = (_number(leaf), TreeBuilder.pathOf(_numberHashes(), leaf, 1));
        } else {
            uint256 position = uint256(dispute.index) * 32 + dispute.operand;
            uint256 index = Watermark.indexAt(ground.seed, Watermark.domainOf(1280), position);
            if (index >= FREE) {
                (content, path) = (abi.encode(0), TreeBuilder.pathOf(_freeHashes(), (index - FREE) / 32, 1));
            }
        }
        return abi.encodeCall(IOptimisticVerifier.prove, (id, ground, content, path));
    }

    /// @dev Of each step of a value: weights and activations.
    function _operands(IOptimisticVerifier.Dispute memory dispute, bytes32 seed, bytes32[] memory outputs)
        private
        view
        returns (uint256[] memory weights, bytes32[] memory inputs)
    {
        if (dispute.layer == 1) {
            weights = new uint256[](2);
            (weights[0], weights[1]) = (_lastWord(2 * dispute.index), _lastWord(2 * dispute.index + 1));
            return (weights, outputs);
        }
        (weights, inputs) = (new uint256[](1), new bytes32[](1));
        (weights[0], inputs[0]) = (_kernels[seed][dispute.index], bytes32(sampleOf(dispute.sample)));
    }

    function _accumulators(uint256[] memory weights, bytes32[] memory inputs) private pure returns (bytes memory all) {
        int32 accumulator = 0;
        for (uint256 i = 0; i < weights.length; ++i) {
            accumulator = IntegerInference.accumulate(accumulator, weights[i], uint256(inputs[i]));
            all = bytes.concat(all, bytes4(uint32(accumulator)));
        }
    }

    /// @dev The first layer's two leaves.
    function _outputs(bytes32 seed, uint256 sample) private view returns (bytes32[] memory outputs) {
        IntegerInference.Layer memory layer = layersOf()[0];
        bytes memory affine = "";
        for (uint256 i = 0; i < HIDDEN; ++i) {
            affine = bytes.concat(affine, _number(i));
        }
        bytes memory inputs = abi.encodePacked(bytes32(sampleOf(sample)));
        bytes memory values =
            IntegerInference.activate(layer, IntegerInference.weigh(layer, inputs, _kernels[seed], affine));
        outputs = new bytes32[](2);
        for (uint256 i = 0; i < HIDDEN; ++i) {
            outputs[i / 32] |= bytes32(values[i]) >> (i % 32 * 8);
        }
    }

    function _kernelOf(bytes32 seed) private pure returns (uint256[] memory words) {
        seed = Watermark.tensorSeed(seed, 0);
        Watermark.Domain memory domain = Watermark.domainOf(1280);
        words = new uint256[](HIDDEN);
        for (uint256 i = 0; i < FREE; ++i) {
            uint256 position = Watermark.position(seed, domain, i);
            words[position / 32] |= uint256(uint8(Watermark.code(seed, i))) << (position % 32 * 8);
        }
    }

    function _hashes(bytes32[] memory words) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            hashes[i] = MerkleTree.leafOf(uint256(words[i]));
        }
    }

    function _roots(bytes32[] memory outputs) private pure returns (bytes32[] memory roots) {
        roots = new bytes32[](1);
        roots[0] = TreeBuilder.rootOf(_hashes(outputs));
    }

    function _logits() private pure returns (int256[] memory logits) {
        logits = new int256[](CLASSES);
        logits[LABEL] = 100;
    }

    function _freeHashes() private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](FREE / 32);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = MerkleTree.leafOf(0);
        }
    }

    function _numberHashes() private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](NUMBERS);
        for (uint256 i = 0; i < NUMBERS; ++i) {
            hashes[i] = MerkleTree.leafOf(_number(i));
        }
    }

    /// @dev A leaf under `numbersRoot`.
    function _number(uint256 leaf) private pure returns (bytes memory) {
        if (leaf < HIDDEN) return abi.encodePacked(int16(1), int32(0));
        if (leaf < HIDDEN + CLASSES) {
            return abi.encodePacked(int16(0), int32(leaf == HIDDEN + LABEL ? int32(100) : int32(0)));
        }
        return abi.encodePacked(_lastWord(leaf - HIDDEN - CLASSES));
    }

    /// @dev Eight weights in the second word of a neuron.
    function _lastWord(uint256 index) private pure returns (uint256) {
        uint256 word = uint256(keccak256(abi.encode("last", index)));
        return index % 2 == 0 ? word : word & type(uint64).max;
    }
}
