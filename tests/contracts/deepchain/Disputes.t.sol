// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/deepchain/IDisputes.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";
import {DisputeTest} from "./DisputeTest.sol";

contract DisputesTest is DisputeTest {
    uint256 private constant LEAVES = 4096;

    // Whoever computed as it should justifies every step

    function test_HonestMemberJustifiesEveryStepOfItsEncryption() public {
        _submitFirst(PARTIES);
        for (uint256 k = 0; k < _stepCount(PK); ++k) {
            (uint256 id, IDisputes.Justification memory shown) = _disputeStep(PK, k);
            disputes.justify(id, shown);
            assertTrue(disputes.disputeOf(id).turn == IDisputes.Turn.Over);
            assertEq(_free(_member(0)), GRANT - DEPOSIT + BOND * (k + 1));
        }
        assertEq(trading.clockOf(0).pending, 0);
        assertEq(trading.masksOf(0).submitted, 15);
        _assertBalanced();
    }

    function test_HonestMemberJustifiesEveryStepOfItsShares() public {
        _toDecryption();
        for (uint256 k = 0; k < _stepCount(CD); ++k) {
            (uint256 id, IDisputes.Justification memory shown) = _disputeStep(CD, k);
            disputes.justify(id, shown);
            assertTrue(disputes.disputeOf(id).turn == IDisputes.Turn.Over);
        }
        assertEq(_free(_member(1)), GRANT - DEPOSIT + BOND * _stepCount(CD));
        assertEq(trading.masksOf(0).shared, 15);
        _assertBalanced();
    }

    // A false statement fails where it compares

    function test_FalseEncryptionCannotBeJustified() public {
        _submitFirst(PARTIES);
        (uint256 id, IDisputes.Justification memory shown) = _disputeStep(PK_REPLAYED, 0);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DoesNotFollow.selector, id, _place(PK_REPLAYED, 0)));
        disputes.justify(id, shown);
        _assertConvictedByTimeout(id, 0);
    }

    function test_FalseSharesCannotBeJustified() public {
        _toDecryption();
        for (uint256 k = 0; k < 2; ++k) {
            (uint256 id, IDisputes.Justification memory shown) = _disputeStep(CD_REPLAYED, k);
            vm.expectRevert(abi.encodeWithSelector(IDisputes.DoesNotFollow.selector, id, _place(CD_REPLAYED, k)));
            disputes.justify(id, shown);
        }
        _roll(TURN + 1);
        disputes.claimTimeout(0);
        assertEq(trading.masksOf(0).shared, 13);
        assertEq(trading.masksOf(0).accepted, 13);
        // The second dispute has nothing left to hold against the member: its bond goes back.
        disputes.claimTimeout(1);
        assertEq(_free(CHALLENGER), GRANT + uint256(DEPOSIT) * 2500 / 10_000);
        assertEq(trading.clockOf(0).pending, 0);
        _settle();
        assertEq(trading.accountOf(0).acceptedRounds, 1);
        _assertBalanced();
    }

    // One bit

    /// forge-config: default.fuzz.runs = 24
    /// forge-config: long.fuzz.runs = 2000
    function testFuzz_RevertWhen_AnythingShownIsChanged(uint8 which, uint16 where, uint8 bit) public {
        _submitFirst(PARTIES);
        // A product with a number of the vector.
        (uint256 id, IDisputes.Justification memory shown) = _disputeStep(PK, 11);
        bytes1 flip = bytes1(uint8(1) << (bit % 8));
        which = which % 9;
        if (which == 0) shown.state[where % 256] ^= flip;
        else if (which == 1) shown.next[where % 256] ^= flip;
        else if (which == 2) shown.modulus.content[where % 256] ^= flip;
        else if (which == 3) shown.operand.content[where % 256] ^= flip;
        else if (which == 4) shown.statesPath[where % shown.statesPath.length] ^= bytes32(flip);
        else if (which == 5) shown.modulus.path[where % shown.modulus.path.length] ^= bytes32(flip);
        else if (which == 6) shown.operand.path[where % shown.operand.path.length] ^= bytes32(flip);
        else if (which == 7) shown.proof[where % shown.proof.length] ^= flip;
        else shown.submission.contentDigest ^= bytes32(flip);
        (bool done, bytes memory refusal) = address(disputes).call(abi.encodeCall(IDisputes.justify, (id, shown)));
        assertFalse(done);
        bytes4 expected = which > 6 ? IDisputes.NotPosted.selector : Vectors.RootMismatch.selector;
        assertEq(bytes32(bytes4(refusal)), bytes32(expected));
    }

    function test_RevertWhen_ProofHasAnotherLength() public {
        _submitFirst(PARTIES);
        (uint256 id, IDisputes.Justification memory shown) = _disputeStep(PK, 0);
        ITrading.Submission memory submission = _gradients(2);
        shown.proof = bytes.concat(shown.proof, hex"00");
        submission.proofDigest = keccak256(shown.proof);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputes.NotPosted.selector, trading.gradientsOf(0, 0), keccak256(abi.encode(uint32(1), submission))
            )
        );
        shown.submission = submission;
        disputes.justify(id, shown);
    }

    function test_RevertWhen_StateHasAnotherLength() public {
        _submitFirst(PARTIES);
        (uint256 id, IDisputes.Justification memory shown) = _disputeStep(PK, 0);
        shown.state = bytes.concat(hex"00", shown.state);
        vm.expectRevert(abi.encodeWithSelector(Vectors.LengthMismatch.selector, 256, 257));
        disputes.justify(id, shown);
    }

    // A trace that is made up

    function test_MadeUpTraceIsFollowedToItsFirstWrongState() public {
        _submitFirst(PARTIES);
        bytes32[] memory leaves = _madeUp();
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, TreeBuilder.rootOf(leaves));
        uint256 wrong = 2741;
        _descendTo(id, leaves, wrong);
        IDisputes.Dispute memory found = disputes.disputeOf(id);
        assertTrue(found.turn == IDisputes.Turn.Justify);
        assertEq(found.position, wrong - 1);
        assertEq(found.depth, 12);
        assertTrue(found.node == leaves[wrong]);
        _assertConvictedByTimeout(id, 0);
    }

    function test_FirstStateIsOne() public {
        _submitFirst(PARTIES);
        bytes32[] memory leaves = _madeUp();
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, TreeBuilder.rootOf(leaves));
        _descendTo(id, leaves, 0);
        assertTrue(disputes.disputeOf(id).turn == IDisputes.Turn.Over);
        assertEq(trading.masksOf(0).submitted, 14);
        assertEq(_free(CHALLENGER), GRANT + uint256(DEPOSIT) * 2500 / 10_000);
    }

    function test_WhoDoubtsThatTheFirstStateIsOneLoses() public {
        _submitFirst(PARTIES);
        bytes32[] memory leaves = _madeUp();
        bytes memory one = new bytes(256);
        one[255] = 0x01;
        leaves[0] = MerkleTree.leafOf(one);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, TreeBuilder.rootOf(leaves));
        _descendTo(id, leaves, 0);
        assertTrue(disputes.disputeOf(id).turn == IDisputes.Turn.Over);
        assertEq(trading.masksOf(0).submitted, 15);
        assertEq(_free(_member(0)), GRANT - DEPOSIT + BOND);
    }

    function test_RevertWhen_DescendantsAreOthers() public {
        _submitFirst(PARTIES);
        bytes32[] memory leaves = _madeUp();
        bytes32 root = TreeBuilder.rootOf(leaves);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, root);
        vm.prank(CHALLENGER);
        disputes.descend(id, _list(root), 0);
        bytes32[] memory shown = _nodes(leaves, 5, 0, 32);
        shown[31] ^= bytes32(uint256(1));
        bytes32 above = TreeBuilder.rootOf(shown);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotPosted.selector, root, above));
        disputes.open(id, shown);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NodesMismatch.selector, 32, 16));
        disputes.open(id, new bytes32[](16));
    }

    function test_RevertWhen_ChallengerShowsOtherNodes() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, "root");
        bytes32[] memory other = _list("other");
        vm.prank(CHALLENGER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputes.NotPosted.selector, keccak256(abi.encode(_list("root"))), keccak256(abi.encode(other))
            )
        );
        disputes.descend(id, other, 0);
        bytes32[] memory root = _list("root");
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.IndexOutOfRange.selector, 1, 1));
        disputes.descend(id, root, 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.IndexOutOfRange.selector, 4095, 4095));
        disputes.pick(id, 4095);
    }

    // Turns

    function test_MissedTraceLoses() public {
        _submitFirst(PARTIES);
        _assertConvictedByTimeout(_dispute(0, GRADIENTS), 0);
    }

    function test_MissedOpeningLoses() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, "root");
        bytes32[] memory root = _list("root");
        vm.prank(CHALLENGER);
        disputes.descend(id, root, 0);
        _assertConvictedByTimeout(id, 0);
    }

    function test_SilentChallengerPaysTheMember() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(_member(0));
        disputes.trace(id, "root");
        _roll(TURN + 1);
        disputes.claimTimeout(id);
        assertEq(_free(CHALLENGER), GRANT - BOND);
        assertEq(_free(_member(0)), GRANT - DEPOSIT + BOND);
        assertEq(trading.masksOf(0).submitted, 15);
        _assertBalanced();
    }

    function test_RevertWhen_TurnIsNotOver() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        uint256 deadline = block.number + TURN;
        _roll(TURN);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DeadlineNotPassed.selector, deadline, deadline));
        disputes.claimTimeout(id);
        _roll(1);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DeadlinePassed.selector, deadline, deadline + 1));
        disputes.trace(id, "root");
    }

    function test_RevertWhen_ItIsNotYourTurn() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotYourTurn.selector, id, _member(0), CHALLENGER));
        disputes.trace(id, "root");
        vm.prank(CHALLENGER);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputes.NotTheTurn.selector, id, IDisputes.Turn.Descend, IDisputes.Turn.Trace)
        );
        disputes.pick(id, 0);
        vm.prank(_member(0));
        disputes.trace(id, "root");
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotYourTurn.selector, id, CHALLENGER, STRANGER));
        disputes.pick(id, 0);
        IDisputes.Justification memory shown;
        vm.expectRevert(
            abi.encodeWithSelector(IDisputes.NotTheTurn.selector, id, IDisputes.Turn.Justify, IDisputes.Turn.Descend)
        );
        disputes.justify(id, shown);
    }

    function test_RevertWhen_DisputeIsOver() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        _roll(TURN + 1);
        disputes.claimTimeout(id);
        vm.expectRevert(
            abi.encodeWithSelector(IDisputes.NotTheTurn.selector, id, IDisputes.Turn.Over, IDisputes.Turn.Over)
        );
        disputes.claimTimeout(id);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeUnknown.selector, 9));
        disputes.claimTimeout(9);
    }

    // When, and of what

    function test_RevertWhen_NothingCanBeDisputed() public {
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.NothingSubmitted.selector, 0, 0));
        disputes.dispute(0, 0, GRADIENTS);
        _submit(0);
        vm.prank(CHALLENGER);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITrading.NotInPhase.selector, 0, ITrading.Phase.Decrypting, ITrading.Phase.Collecting
            )
        );
        disputes.dispute(0, 0, SHARES);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotDisputable.selector, ITrading.Subject.Aggregate));
        disputes.dispute(0, 0, ITrading.Subject.Aggregate);
        uint256 t2 = OPENED + T1 + T2;
        vm.roll(t2 + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t2, t2 + 1));
        disputes.dispute(0, 0, GRADIENTS);
    }

    function test_RevertWhen_SharesAreDisputedBeforeTheyAreDue() public {
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        _shareFirst(PARTIES);
        uint256 t5 = block.number + T4 + T5;
        vm.roll(t5);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlineNotPassed.selector, t5, t5));
        disputes.dispute(0, 0, SHARES);
        vm.roll(t5 + T6 + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t5 + T6, t5 + T6 + 1));
        disputes.dispute(0, 0, SHARES);
    }

    function test_PhaseWaitsForDisputes() public {
        _submitFirst(PARTIES);
        vm.roll(OPENED + T1 + T2);
        uint256 id = _dispute(0, GRADIENTS);
        vm.roll(OPENED + T1 + T2 + T3 + 1);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DisputesPending.selector, 0, 1));
        trading.collect(0);
        disputes.claimTimeout(id);
        trading.collect(0);
        assertEq(trading.masksOf(0).accepted, 14);
    }

    function test_RevertWhen_ConvictedMemberSubmitsAgainInTheSameRun() public {
        _submitFirst(PARTIES);
        uint256 id = _dispute(0, GRADIENTS);
        _roll(TURN + 1);
        disputes.claimTimeout(id);
        ITrading.Submission memory submission = _gradients(0);
        vm.prank(_member(0));
        vm.expectRevert(abi.encodeWithSelector(ITrading.ConvictedThisRound.selector, 0, 0));
        trading.submit(0, 0, submission);
    }

    function _assertConvictedByTimeout(uint256 id, uint256 party) private {
        _roll(TURN + 1);
        disputes.claimTimeout(id);
        uint256 bounty = uint256(DEPOSIT) * 2500 / 10_000;
        assertEq(_free(CHALLENGER), GRANT + bounty);
        assertEq(trading.masksOf(0).submitted, 15 ^ (1 << party));
        assertEq(trading.masksOf(0).active, 15 ^ (1 << party));
        _collect();
        uint256 rest = DEPOSIT - bounty;
        assertEq(_free(_member(3)), GRANT - DEPOSIT + rest / 3);
        assertEq(escrow.treasury(), rest % 3);
        _assertBalanced();
    }

    function _descendTo(uint256 id, bytes32[] memory leaves, uint256 leaf) private {
        bytes32[] memory nodes = _list(TreeBuilder.rootOf(leaves));
        uint256 child = 0;
        uint256[3] memory levels = [uint256(5), 5, 2];
        uint256 below = 12;
        for (uint256 turn = 0; turn < 3; ++turn) {
            vm.prank(CHALLENGER);
            disputes.descend(id, nodes, child);
            below -= levels[turn];
            uint256 width = 1 << levels[turn];
            uint256 first = (leaf >> (below + levels[turn])) << levels[turn];
            nodes = _nodes(leaves, 12 - below, first, width);
            child = (leaf >> below) - first;
            vm.prank(_member(0));
            disputes.open(id, nodes);
        }
        vm.prank(CHALLENGER);
        disputes.descend(id, nodes, child);
    }

    /// @dev `count` nodes from `first`, `depth` below the root.
    function _nodes(bytes32[] memory leaves, uint256 depth, uint256 first, uint256 count)
        private
        pure
        returns (bytes32[] memory nodes)
    {
        nodes = new bytes32[](count);
        uint256 span = LEAVES >> depth;
        for (uint256 i = 0; i < count; ++i) {
            bytes32[] memory under = new bytes32[](span);
            for (uint256 k = 0; k < span; ++k) {
                under[k] = leaves[(first + i) * span + k];
            }
            nodes[i] = TreeBuilder.rootOf(under);
        }
    }

    function _madeUp() private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](LEAVES);
        for (uint256 i = 0; i < LEAVES; ++i) {
            leaves[i] = keccak256(abi.encode("made up", i));
        }
    }

    function _list(bytes32 node) private pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](1);
        nodes[0] = node;
    }
}
