// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccuracyVerifier} from "./IAccuracyVerifier.sol";
import {IntegerInference} from "./IntegerInference.sol";

/// @title A solution stands unless one wrong product is shown
/// @notice For models of any size. A miner declares for which samples of the test set his model gives the label, and is
/// believed until somebody bonds a challenge about one of them. The two then take turns, each within a fixed number of
/// blocks, and whoever is silent loses:
///
/// 1. `challenge` names a sample that the miner counts as answered, and shows that it is one of the declared;
/// 2. `trace`: the miner shows the logits, of which the label's is the greatest, and commits to the outputs of all
///    layers for this sample, one root a layer;
/// 3. `pickLayer`: the challenger, who has computed them himself, names the first layer whose root is wrong;
/// 4. `open`: the miner shows what a node of the layer's tree is made of: up to 32 nodes, or the 32 values of a leaf;
/// 5. `pickChild`: the challenger names one that is wrong. Turns 4 and 5 repeat until it is a value: one to four times;
/// 6. `sums`: the miner shows the neuron's accumulator after each word of 32 products. The last of them must give the
///    value, by multiplier, bias, shift and saturation;
/// 7. `pickStep`: the challenger names a word whose products do not lead from one accumulator to the next;
/// 8. `operands`: the miner shows the 32 weights and the 32 activations. They must lead from one accumulator to the
///    next (`IntegerInference.accumulate`);
/// 9. `pickOperand`: the challenger names one that is not what it should be;
/// 10. `prove`: the miner proves it: a watermark's weight by its code, a free one by its path under a root of the
///     solution, activations by their path under the root of the layer before, or of the test set.
///
/// A miner who computed as he should answers every turn, for he can show any value and prove any weight. One who did
/// not has a first wrong value, and cannot answer when it comes to that.
///
/// A challenger needs the weights, and a miner who serves them to nobody could not be challenged. Any leaf of free
/// weights may therefore be demanded here, for a fee: the miner shows it in time, and keeps the fee, or has lost.
/// @dev Trees of activations have 32 children a node, so that a turn shows 1 kB; values are named by their places, and
/// nothing is searched on chain. A pooled layer counts as two, its values before the pool and after; a pooled value is
/// wrong if it is not the greatest of its window, whose values are shown in place of accumulators. The trees
/// have a leaf for each place of an image and each 32 channels, for then the activations of a step lie in one leaf: a
/// step is 32 channels at one place of the kernel. The order of sums does not matter, because no int32 sum overflows.
///
/// A challenge is bonded by as much as a solution. The loser's bond goes as `IRounds` says; a challenger who loses pays
/// the miner. Several challenges of one solution run side by side; one that succeeds is enough.
interface IOptimisticVerifier is IAccuracyVerifier {
    /// @notice What is to be done next. From `Trace` to `Prove`, the miner and the challenger take turns.
    enum Turn {
        None,
        Trace,
        PickLayer,
        Open,
        PickChild,
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
    /// @param layer that the challenger picked, counting values before and after a pool as two.
    /// @param level of the node that is wrong; zero once it is a value.
    /// @param sample that the challenger picked.
    /// @param index of the node, or of the value, among those of its level.
    /// @param step word of products that is wrong.
    /// @param node the wrong one's hash, or value.
    /// @param claim keccak256 of what the turns so far have fixed; each brings it and is checked against it.
    // Layout, from the low end: slot 0 | challenger 160 | deadline 48 | turn 8 | layer 8 | level 8 | free 24 |;
    // slot 1 | sample 32 | index 32 | step 32 | free 160 |; slot 2 node; slot 3 claim
    struct Dispute {
        address challenger;
        uint48 deadline;
        Turn turn;
        uint8 layer;
        uint8 level;
        uint32 sample;
        uint32 index;
        uint32 step;
        bytes32 node;
        bytes32 claim;
    }

    /// @notice The miner declared which samples are answered.
    event AnswersDeclared(uint256 indexed taskId, uint256 indexed round, address indexed miner, bytes32 answersHash);
    /// @notice `challenger` does not believe one of them.
    event Challenged(
        uint256 indexed disputeId, uint256 indexed taskId, address indexed miner, address challenger, uint256 sample
    );
    /// @notice A turn was taken; `content` is what was shown, for the other side to answer.
    event TurnTaken(uint256 indexed disputeId, Turn turn, bytes content);
    /// @notice `winner` was right, or the other side silent.
    event DisputeOver(uint256 indexed disputeId, address indexed winner);
    /// @notice Somebody needs a leaf of free weights, by block `deadline`.
    event LeafDemanded(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 index, uint256 deadline
    );
    /// @notice The leaf that was demanded.
    event LeafServed(
        uint256 indexed taskId, uint256 indexed round, address indexed miner, uint256 index, uint256 codes
    );

    /// @notice No dispute has this id.
    error DisputeUnknown(uint256 disputeId);
    /// @notice It is not this turn.
    error NotTheTurn(uint256 disputeId, Turn expected, Turn actual);
    /// @notice It is the other side's turn.
    error NotYourTurn(uint256 disputeId, address expected, address caller);
    /// @notice The time for it is over.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The time for it is not over yet.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice The miner does not count this sample as answered.
    error NotDeclared(uint256 sample);
    /// @notice Fewer samples are declared than the miner claimed.
    error TooFewDeclared(uint256 claimed, uint256 declared);
    /// @notice What is shown is not what was fixed before.
    error ClaimMismatch(bytes32 expected, bytes32 actual);
    /// @notice What is shown does not lead to what was claimed.
    error DoesNotFollow(uint256 disputeId);
    /// @notice The index names nothing.
    error IndexOutOfRange(uint256 index, uint256 count);
    /// @notice Another value was sent than the bond or fee.
    error ValueMismatch(uint256 expected, uint256 actual);
    /// @notice This leaf was not demanded, or has been served.
    error NotDemanded(uint256 index);

    /// @notice Declares the answered samples of the sender's solution, one bit each; as many as were claimed, at least.
    function declare(uint256 taskId, uint256 round, bytes calldata answers) external;

    /// @notice Disputes a declared sample. `msg.value` is the bond.
    /// @param answers what the miner declared.
    /// @return disputeId counted from zero.
    function challenge(uint256 taskId, uint256 round, address miner, uint32 sample, bytes calldata answers)
        external
        payable
        returns (uint256 disputeId);

    /// @notice Turn of the miner: the logits, and the roots of all layers' outputs, the input's first.
    /// @param labelProof the sample's label and path to the test set's root.
    function trace(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        bytes32[] calldata roots,
        int256[] calldata logits,
        bytes calldata labelProof
    ) external;

    /// @notice Turn of the challenger: the first layer whose root is wrong.
    function pickLayer(uint256 disputeId, uint8 layer, bytes32[] calldata roots) external;

    /// @notice Turn of the miner: what the wrong node is made of.
    /// @param children their hashes, or one word of 32 values.
    function open(uint256 disputeId, bytes32[] calldata children) external;

    /// @notice Turn of the challenger: which of them is wrong.
    function pickChild(uint256 disputeId, uint8 child, bytes32[] calldata children) external;

    /// @notice Turn of the miner: the accumulators that lead to the value, or the values of its window.
    /// @param affineProof multiplier, bias and their path to the solution's root.
    function sums(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        int32[] calldata accumulators,
        bytes calldata affineProof
    ) external;

    /// @notice Turn of the challenger: the first word of products that does not lead to its accumulator, or a wrong
    /// value of the window, with which the dispute goes on at `sums`.
    function pickStep(uint256 disputeId, uint32 step, int32[] calldata accumulators) external;

    /// @notice Turn of the miner: what is multiplied between the two accumulators.
    function operands(uint256 disputeId, int32 start, int32 end, uint256 weights, uint256 activations) external;

    /// @notice Turn of the challenger: the operand that is wrong.
    /// @param operand 0 to 31 a weight, 32 the word of activations.
    function pickOperand(uint256 disputeId, uint8 operand, uint256 weights, uint256 activations) external;

    /// @notice Turn of the miner: proves the operand, and so wins.
    /// @param operandProof its path; empty for a weight of the watermark.
    function prove(
        uint256 disputeId,
        IntegerInference.Layer[] calldata layers,
        bytes32[] calldata roots,
        uint256 weights,
        uint256 activations,
        bytes calldata operandProof
    ) external;

    /// @notice Ends a dispute whose turn was missed. Anyone may do it.
    function claimTimeout(uint256 disputeId) external;

    /// @notice Demands 32 free weights. `msg.value` is the fee.
    /// @param index of the leaf under the solution's root.
    function demandLeaf(uint256 taskId, uint256 round, address miner, uint256 index) external payable;

    /// @notice Shows weights that were demanded, and takes the fee. Anyone may do it.
    function serveLeaf(
        uint256 taskId,
        uint256 round,
        address miner,
        uint256 index,
        uint256 codes,
        bytes32[] calldata path
    ) external;

    /// @notice Rejects the solution of a miner who did not show a leaf in time, and returns the fee. Anyone may do it.
    function claimUnserved(uint256 taskId, uint256 round, address miner, uint256 index) external;

    /// @notice A dispute; reverts if there is none.
    function disputeOf(uint256 disputeId) external view returns (Dispute memory);
}
