// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IChallengePhase} from "./IChallengePhase.sol";
import {IRounds} from "./IRounds.sol";
import {IntegerInference} from "./IntegerInference.sol";
import {OperandProof} from "./OperandProof.sol";

/// @title A solution stands unless one wrong product is shown
/// @notice For models of any size. A miner says as he reveals which samples of the test set his model answers, and is
/// believed until somebody bonds a challenge about one of them. The two then take turns, each within a sixteenth of
/// the challenge phase, and whoever is silent loses:
///
///  1. `trace`: the miner shows the sample and the logits, of which the label's is the greatest, and commits to the
///     outputs of every other layer, one root a layer;
///  2. `pickLayer`: the challenger, who has computed them himself, names the first layer whose outputs are wrong, or one
///     of the logits;
///  3. `open`: the miner shows the nodes up to six levels below a node of that layer's tree;
///  4. `pickChild`: the challenger names one that is wrong. Turns 3 and 4 repeat until it is a leaf: at most three times;
///  5. `openLeaf`: the miner shows the 32 values of the leaf;
///  6. `pickValue`: the challenger names one that is wrong;
///  7. `sums`: the miner shows the accumulator after each step of 32 products, for all sums of which the value comes.
///     The last accumulators must give it, by multiplier, bias, maximum, shift and saturation;
///  8. `pickStep`: the challenger names a step whose products do not lead from one accumulator to the next;
///  9. `operands`: the miner shows its 32 weights and 32 activations. They must lead from one to the next
///     (`IntegerInference.accumulate`);
/// 10. `pickOperand`: the challenger names a weight, or the activations;
/// 11. `prove`: the miner proves it: a watermark's weight by its code, a free one by its path under a root of the
///     solution, activations by their path under the root of the layer before, or by the sample.
///
/// A miner who computed as he should answers every turn, for he can show any value and prove any weight. One who did
/// not has a first wrong output, and that a first wrong sum, step and operand, for which there is no proof: what is
/// right has one root, and everything that is shown is checked against what was shown before.
///
/// A challenger needs the numbers of the solution, and a miner who served them to nobody could not be challenged. Leaves
/// may therefore be demanded (`ILeafDemands`); who does not show them in time has lost.
///
/// A challenge is bonded by as much as a solution. A challenger who loses pays the miner; one who wins gets his bond
/// back, and of the miner's what `IRounds` says. Several challenges of one solution run side by side, and one that
/// succeeds is enough: the bonds of the others go back.
/// @dev Trees of activations are `ActivationTree`s, steps are `ProductStep`s, leaves of a solution `SolutionLeaves`.
/// All that a turn shows is in its event, and what has to be remembered of it is kept as a hash. Layers are brought by
/// whoever needs them.
///
/// At most 15 turns are taken, each within `turnBlocks`, a sixteenth of the challenge phase. A dispute that begins in
/// the last block of that phase so ends while solutions can be enrolled. Where a sixteenth is less than five blocks,
/// nothing is judged and nothing accepted. Accumulators and samples are shown in one transaction: a layer with many
/// thousand steps to a value cannot be defended, and miners look before they commit (`pyml.freezenet.product_steps`).
interface IOptimisticVerifier is IAccuracyVerifier, IChallengePhase {
    /// @notice What is to be done next: by the miner where odd, by the challenger where even.
    enum Turn {
        None,
        Trace,
        PickLayer,
        Open,
        PickChild,
        OpenLeaf,
        PickValue,
        Sums,
        PickStep,
        Operands,
        PickOperand,
        Prove,
        Over
    }

    /// @notice A dispute about one sample.
    /// @param challenger who bonded it.
    /// @param deadline last block of the turn.
    /// @param turn what is to be done.
    /// @param layer whose outputs are wrong, as the challenger says.
    /// @param level of the node, above the leaves.
    /// @param operand that is wrong: 0 to 31 a weight, 32 the activations.
    /// @param miner whose solution it is.
    /// @param taskId of the round.
    /// @param round of the solution.
    /// @param sample of the test set.
    /// @param index of the node or leaf at its level; then of the value, flat by channel, row and column.
    /// @param step that is wrong, counted through all sums of the value.
    /// @param start accumulator before the step.
    /// @param end accumulator after it.
    /// @param count leaves of the layer's tree; then steps of one sum.
    /// @param turnBlocks how long a turn may take.
    /// @param node hash of the node or leaf; the leaf; the value as an int256; keccak256 of the accumulators, and of
    /// weights and activations; the one of these that is to be proved.
    /// @param source keccak256(abi.encode(roots, logits, leaf of the sample)); then what the layer reads, the root of
    /// the layer before or the leaf of the sample; then keccak256(abi.encode(ground)).
    // Layout, from the low end: slot 0 | challenger 160 | deadline 48 | turn 8 | layer 8 | level 8 | operand 8
    // | free 16 |; slot 1 | miner 160 | taskId 48 | round 48 |; slot 2 | sample 32 | index 32 | step 32 | start 32
    // | end 32 | count 32 | turnBlocks 32 | free 32 |; slot 3 node; slot 4 source
    struct Dispute {
        address challenger;
        uint48 deadline;
        Turn turn;
        uint8 layer;
        uint8 level;
        uint8 operand;
        address miner;
        uint48 taskId;
        uint48 round;
        uint32 sample;
        uint32 index;
        uint32 step;
        int32 start;
        int32 end;
        uint32 count;
        uint32 turnBlocks;
        bytes32 node;
        bytes32 source;
    }

    /// @notice Where a solution stands.
    /// @param disputes that are not over.
    /// @param rejected whether the miner lost one, or hid leaves.
    // Layout, from the low end: | disputes 32 | rejected 8 | free 216 |
    struct Standing {
        uint32 disputes;
        bool rejected;
    }

    /// @notice `challenger` does not believe one of the answers.
    event Challenged(
        uint256 indexed disputeId,
        uint256 indexed taskId,
        address indexed miner,
        uint256 round,
        address challenger,
        uint256 sample
    );
    /// @notice A turn was taken by `deadline` of which the other side must go on; `content` is what was shown or picked,
    /// ABI-encoded in the order of the call's arguments, as the documentation of each says.
    event TurnTaken(uint256 indexed disputeId, Turn indexed turn, uint256 deadline, bytes content);
    /// @notice `winner` was right, or the other side silent; or the solution was rejected for another reason, and the
    /// bond went back.
    event DisputeOver(uint256 indexed disputeId, address indexed winner);
    /// @notice The solution will not be accepted.
    event SolutionRejected(uint256 indexed taskId, uint256 indexed round, address indexed miner);
    /// @notice No dispute has this id.
    error DisputeUnknown(uint256 disputeId);
    /// @notice It is not this turn.
    error NotTheTurn(uint256 disputeId, Turn expected, Turn actual);
    /// @notice It is the other side's turn.
    error NotYourTurn(uint256 disputeId, address expected, address caller);
    /// @notice The task has another verifier.
    error NotThisVerifier(uint256 taskId, IAccuracyVerifier verifier);
    /// @notice The solution is rejected.
    error AlreadyRejected(uint256 taskId, uint256 round, address miner);
    /// @notice The miner does not say that this sample is answered.
    error NotDeclared(uint256 sample);
    /// @notice What is shown is not what was fixed before.
    error ClaimMismatch(bytes32 expected, bytes32 actual);
    /// @notice What is shown does not lead to what was claimed.
    error DoesNotFollow(uint256 disputeId);
    /// @notice Another value was sent than the bond.
    error ValueMismatch(uint256 expected, uint256 actual);
    /// @notice No leaves of the solution were hidden.
    error NothingHidden(uint256 taskId, uint256 round, address miner);

    /// @notice Disputes a sample that the miner claims to answer, in the challenge phase. `msg.value` is the bond, as
    /// much as the miner's.
    /// @param answers as the miner revealed them.
    /// @return disputeId counted from zero.
    function challenge(uint256 taskId, uint256 round, address miner, uint32 sample, bytes calldata answers)
        external
        payable
        returns (uint256 disputeId);

    /// @notice Turn of the miner: the logits, and the roots of all other layers' outputs. Shows (roots, logits).
    /// @param sample leaf of the test set.
    /// @param path from it to the test set's root.
    function trace(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes32[] calldata roots,
        int256[] calldata logits,
        bytes calldata sample,
        bytes32[] calldata path
    ) external;

    /// @notice Turn of the challenger: the first layer that is wrong. Shows (layer, logit).
    /// @param logit which of them, if it is the last layer; nothing otherwise.
    /// @param roots as the miner showed them.
    /// @param logits as the miner showed them.
    /// @param sampleLeaf hash of the sample's leaf.
    function pickLayer(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        uint8 layer,
        uint32 logit,
        bytes32[] calldata roots,
        int256[] calldata logits,
        bytes32 sampleLeaf
    ) external;

    /// @notice Turn of the miner: the nodes below the node, `ActivationTree.childrenOf` of them. Shows (children).
    function open(uint256 disputeId, bytes32[] calldata children) external;

    /// @notice Turn of the challenger: which of them is wrong. Shows (child).
    /// @param hash of it.
    /// @param path from it to the node, in a tree of the children.
    function pickChild(uint256 disputeId, uint8 child, bytes32 hash, bytes32[] calldata path) external;

    /// @notice Turn of the miner: the leaf. Shows (values).
    function openLeaf(uint256 disputeId, bytes32 values) external;

    /// @notice Turn of the challenger: which of its values is wrong. Shows (lane). Where a byte beyond the last channel
    /// is not zero, naming it wins at once.
    function pickValue(uint256 disputeId, IntegerInference.Layer[] calldata layers, uint8 lane) external;

    /// @notice Turn of the miner: the accumulators that lead to the value. Shows (accumulators).
    /// @param accumulators four bytes each, big-endian: after each step of each sum, sums one behind the other.
    /// @param affine multiplier and bias of the neuron.
    /// @param path from these to `numbersRoot`.
    function sums(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        IRounds.Solution calldata solution,
        bytes calldata accumulators,
        bytes calldata affine,
        bytes32[] calldata path
    ) external;

    /// @notice Turn of the challenger: the first step that does not lead to its accumulator. Shows (step).
    /// @param accumulators as the miner showed them.
    function pickStep(uint256 disputeId, uint32 step, bytes calldata accumulators) external;

    /// @notice Turn of the miner: what is multiplied in the step. Shows (weights, activations).
    function operands(uint256 disputeId, uint256 weights, uint256 activations) external;

    /// @notice Turn of the challenger: the operand that is wrong. Shows (operand).
    /// @param operand 0 to 31 a weight, 32 the activations.
    /// @param weights as the miner showed them.
    /// @param activations as the miner showed them.
    function pickOperand(uint256 disputeId, uint8 operand, uint256 weights, uint256 activations) external;

    /// @notice Turn of the miner: proves the operand, and so wins.
    /// @param ground what the layer's operands follow from, as `sums` fixed it.
    /// @param content of the leaf that shows it: a word of free weights or of the last layer's, or the sample. Empty for
    /// a weight of the watermark, for activations of a layer before, and for what is not there: a channel beyond the
    /// last, or a place outside the input.
    /// @param path from the leaf to its root; empty where it needs none, as for the sample, which `trace` showed.
    function prove(
        uint256 disputeId,
        OperandProof.Ground calldata ground,
        bytes calldata content,
        bytes32[] calldata path
    ) external;

    /// @notice Ends a dispute whose turn was missed, or whose solution is rejected. Anyone may do it.
    function claimTimeout(uint256 disputeId) external;

    /// @notice Rejects a solution of which leaves were demanded (`ILeafDemands`) and not shown in time. Anyone may do it.
    function rejectHidden(uint256 taskId, uint256 round, address miner) external;

    /// @notice A dispute; reverts if there is none.
    function disputeOf(uint256 disputeId) external view returns (Dispute memory);

    /// @notice How many disputes there were; the next one's id.
    function disputeCount() external view returns (uint256);

    /// @notice Where a solution stands.
    function standingOf(uint256 taskId, uint256 round, address miner) external view returns (Standing memory);
}
