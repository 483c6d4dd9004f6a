// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEvidence} from "../../../contracts/deepchain/IEvidence.sol";
import {IProcessing} from "../../../contracts/deepchain/IProcessing.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {ToyKey} from "./ToyKey.sol";
import {ToyTest} from "./ToyTest.sol";

contract EvidenceTest is ToyTest {
    uint256 private constant BOUNTY = uint256(DEPOSIT) * 2500 / 10_000;
    uint256 private constant WORKER_BOUNTY = uint256(WORKER_DEPOSIT) * 2500 / 10_000;

    // Malformed numbers

    function test_NumberWithoutInverseConvicts() public {
        numbers[1] = ToyKey.residue(ToyKey.P);
        _submitFirst(PARTIES);
        _proveMalformed(1, _fault(1, Vectors.N, ToyKey.residue(ToyKey.Q)));
        assertEq(_free(CHALLENGER), GRANT + BOUNTY);
        assertEq(trading.masksOf(0).submitted, 13);
        _collect();
        uint256 rest = DEPOSIT - BOUNTY;
        assertEq(_free(_member(0)), GRANT - DEPOSIT + rest / 3);
        assertEq(_free(_member(1)), GRANT - DEPOSIT);
        _assertBalanced();
    }

    function test_ZeroHasTheCofactorOne() public {
        numbers[0] = ToyKey.residue(0);
        _submitFirst(PARTIES);
        _proveMalformed(0, _fault(0, Vectors.N, ToyKey.residue(1)));
        assertEq(trading.masksOf(0).submitted, 14);
    }

    function test_NumberThatIsNotReducedConvicts() public {
        numbers[0] = ToyKey.element(Vectors.N_SQUARED).content;
        _submitFirst(PARTIES);
        _proveMalformed(0, _fault(0, Vectors.N_SQUARED, ""));
        assertEq(trading.masksOf(0).submitted, 14);
    }

    function test_ShareThatIsNotReducedConvicts() public {
        numbers[2] = ToyKey.residue(ToyKey.N);
        _submitFirst(PARTIES);
        _collect();
        claimed = 1;
        _aggregate();
        _shareFirst(PARTIES);
        _toSharesDue();
        IEvidence.Fault memory fault = _fault(2, Vectors.N, "");
        vm.prank(CHALLENGER);
        evidence.proveMalformed(0, 2, SHARES, 0, _element(numbers[2]), fault);
        assertEq(trading.masksOf(0).shared, 11);
        assertEq(trading.masksOf(0).accepted, 11);
    }

    function test_RevertWhen_NumberIsSound() public {
        _submitFirst(PARTIES);
        _expectNoFault(1, _fault(1, Vectors.N_SQUARED, ""));
        _expectNoFault(1, _fault(1, Vectors.N, ToyKey.residue(ToyKey.Q)));
        // A cofactor of zero, or of n, fits any number.
        _expectNoFault(1, _fault(1, Vectors.N, ToyKey.residue(0)));
        _expectNoFault(1, _fault(1, Vectors.N, ToyKey.residue(ToyKey.N)));
    }

    function test_RevertWhen_ModulusIsAnother() public {
        _submitFirst(PARTIES);
        // A ciphertext is reduced modulo n², not n.
        IEvidence.Fault memory fault = _fault(1, Vectors.N, "");
        (bool done, bytes memory refusal) = _try(1, fault);
        assertFalse(done);
        assertEq(bytes32(bytes4(refusal)), bytes32(Vectors.RootMismatch.selector));
        fault = _fault(1, Vectors.N, ToyKey.residue(ToyKey.Q));
        fault.modulus.content[63] ^= 0x02;
        (done, refusal) = _try(1, fault);
        assertFalse(done);
        assertEq(bytes32(bytes4(refusal)), bytes32(Vectors.RootMismatch.selector));
    }

    function test_RevertWhen_CofactorHasAnotherLength() public {
        _submitFirst(PARTIES);
        IEvidence.Fault memory fault = _fault(1, Vectors.N, hex"01");
        vm.expectRevert(abi.encodeWithSelector(Vectors.LengthMismatch.selector, 64, 1));
        evidence.proveMalformed(0, 1, GRADIENTS, 0, _element(numbers[1]), fault);
    }

    function test_RevertWhen_SubmissionIsAnothers() public {
        _submitFirst(PARTIES);
        IEvidence.Fault memory fault = _fault(1, Vectors.N, ToyKey.residue(ToyKey.Q));
        bytes32 actual = keccak256(abi.encode(uint32(1), fault.submission));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotPosted.selector, trading.gradientsOf(0, 0), actual));
        evidence.proveMalformed(0, 0, GRADIENTS, 0, _element(numbers[1]), fault);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotAVector.selector, AGGREGATE));
        evidence.proveMalformed(0, 0, AGGREGATE, 0, _element(numbers[1]), fault);
    }

    function test_RevertWhen_MalformedNumberIsShownTooLate() public {
        numbers[0] = ToyKey.residue(0);
        _submitFirst(PARTIES);
        uint256 t2 = OPENED + T1 + T2;
        vm.roll(t2 + 1);
        IEvidence.Fault memory fault = _fault(0, Vectors.N, ToyKey.residue(1));
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t2, t2 + 1));
        evidence.proveMalformed(0, 0, GRADIENTS, 0, _element(numbers[0]), fault);
    }

    // Malformed proofs

    function test_ProofOfAnotherLengthConvicts() public {
        proofs[3] = new bytes(ToyKey.PK_BYTES - 1);
        _submitFirst(PARTIES);
        IEvidence.Fault memory fault;
        fault.submission = _gradients(3);
        vm.prank(CHALLENGER);
        evidence.proveMalformedProof(0, 3, GRADIENTS, 9, proofs[3], fault);
        assertEq(trading.masksOf(0).submitted, 7);
    }

    function test_ProofWithoutInverseConvicts() public {
        // a is zero.
        _submitFirst(PARTIES);
        _proveMalformedProof(0, 0, _fault(0, Vectors.N, ToyKey.residue(1)));
        assertEq(trading.masksOf(0).submitted, 14);
    }

    function test_ProofWithALongResponseConvicts() public {
        // a = 1, and z1 = n.
        proofs[0] = abi.encodePacked(uint256(0), uint256(1), ToyKey.N, new bytes(34));
        _submitFirst(PARTIES);
        _proveMalformedProof(0, 1, _fault(0, Vectors.N, ""));
        assertEq(trading.masksOf(0).submitted, 14);
    }

    function test_RevertWhen_ProofIsWellFormed() public {
        proofs[0] = abi.encodePacked(uint256(0), uint256(1), ToyKey.N - 1, new bytes(34));
        _submitFirst(PARTIES);
        IEvidence.Fault memory fault = _fault(0, Vectors.N, "");
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NoFault.selector));
        evidence.proveMalformedProof(0, 0, GRADIENTS, 1, proofs[0], fault);
        fault = _fault(0, Vectors.N_SQUARED, "");
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NoFault.selector));
        evidence.proveMalformedProof(0, 0, GRADIENTS, 0, proofs[0], fault);
        // z1 needs no inverse.
        fault = _fault(0, Vectors.N, ToyKey.residue(1));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NoFault.selector));
        evidence.proveMalformedProof(0, 0, GRADIENTS, 1, proofs[0], fault);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.IndexOutOfRange.selector, 2, 2));
        evidence.proveMalformedProof(0, 0, GRADIENTS, 2, proofs[0], fault);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.NotPosted.selector, keccak256(proofs[0]), keccak256(proofs[1]))
        );
        evidence.proveMalformedProof(0, 0, GRADIENTS, 0, proofs[1], fault);
    }

    // Wrong aggregates

    function test_WrongAggregateCostsTheLeaderAndWhoSigned() public {
        claimed = 121;
        _submitFirst(PARTIES);
        _collect();
        uint256 leader = _update();
        uint64 signers = _lodge(2);
        _proveWrong();
        assertEq(_free(CHALLENGER), GRANT + WORKER_BOUNTY);
        for (uint256 i = 0; i < WORKERS; ++i) {
            bool guilty = i == leader || signers >> i & 1 == 1;
            assertEq(processing.workerOf(0, i).stake, guilty ? _stake(i) - WORKER_DEPOSIT : _stake(i));
        }
        assertEq(escrow.treasury(), 3 * uint256(WORKER_DEPOSIT) - WORKER_BOUNTY);
        assertEq(processing.blockOf(0).attempt, 1);
        assertTrue(processing.blockOf(0).status == IProcessing.Status.None);
        // The three are not drawn again; two are too few for a leader and a committee of three.
        processing.expire(0);
        assertEq(trading.clockOf(0).reruns, 1);
        _assertBalanced();
    }

    function test_WrongAggregateIsProvedAfterItWasAppended() public {
        claimed = 121;
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        assertEq(processing.contributionsOf(0), 6);
        _share(0);
        _proveWrong();
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Aggregating);
        assertEq(trading.masksOf(0).shared, 0);
        assertEq(trading.masksOf(0).accepted, 15);
        assertEq(processing.contributionsOf(0), 0);
        assertTrue(trading.accountOf(0).nextSeed == trading.accountOf(0).seed);
        _assertBalanced();
    }

    function test_RevertWhen_AggregateIsProvedWrongTooLate() public {
        claimed = 121;
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        uint256 t4 = block.number + T4;
        vm.roll(t4 + 1);
        IEvidence.Factor[] memory factors = _factors();
        Vectors.Element memory modulus = ToyKey.element(Vectors.N_SQUARED);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DeadlinePassed.selector, t4, t4 + 1));
        evidence.proveWrongAggregate(0, 0, modulus, ToyKey.vectorOf(claimed), factors);
    }

    function test_RevertWhen_AggregateIsRight() public {
        _submitFirst(PARTIES);
        _collect();
        _update();
        IEvidence.Factor[] memory factors = _factors();
        Vectors.Element memory modulus = ToyKey.element(Vectors.N_SQUARED);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.AggregateIsRight.selector, 0, 0));
        evidence.proveWrongAggregate(0, 0, modulus, ToyKey.vectorOf(claimed), factors);
    }

    function test_RevertWhen_FactorsAreOthers() public {
        claimed = 121;
        _submitFirst(PARTIES);
        _collect();
        _update();
        IEvidence.Factor[] memory factors = _factors();
        Vectors.Element memory modulus = ToyKey.element(Vectors.N_SQUARED);
        Vectors.Element memory shown = ToyKey.vectorOf(claimed);
        factors[1] = factors[0];
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotAFactor.selector, 0, 0));
        evidence.proveWrongAggregate(0, 0, modulus, shown, factors);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.FactorsMismatch.selector, 4, 3));
        evidence.proveWrongAggregate(0, 0, modulus, shown, new IEvidence.Factor[](3));
        factors = _factors();
        factors[3].ciphertext.content[63] ^= 0x01;
        vm.expectRevert(
            abi.encodeWithSelector(
                Vectors.RootMismatch.selector, _rootOf(numbers[3]), _rootOf(factors[3].ciphertext.content)
            )
        );
        evidence.proveWrongAggregate(0, 0, modulus, shown, factors);
        shown.content[63] ^= 0x01;
        vm.expectRevert(
            abi.encodeWithSelector(Vectors.RootMismatch.selector, ToyKey.rootOf(claimed), _rootOf(shown.content))
        );
        evidence.proveWrongAggregate(0, 0, modulus, shown, factors);
    }

    // Bytes

    function test_ServedBytesEarnTheFee() public {
        _submitFirst(PARTIES);
        uint256 id = _demand(GRADIENTS, 1, 0);
        assertEq(trading.clockOf(0).pending, 1);
        evidence.serve(id, _gradients(1), _element(numbers[1]));
        assertEq(_free(_member(1)), GRANT - DEPOSIT + BOND);
        assertEq(_free(CHALLENGER), GRANT - BOND);
        assertEq(trading.clockOf(0).pending, 0);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotDemanded.selector, id));
        evidence.claimUnserved(id);
        // The proof is element 1 of a vector of one.
        id = _demand(GRADIENTS, 1, 1);
        evidence.serve(id, _gradients(1), _element(proofs[1]));
        _assertBalanced();
    }

    function test_UnservedBytesConvict() public {
        _submitFirst(PARTIES);
        uint256 id = _demand(GRADIENTS, 1, 0);
        _roll(T3 + 1);
        evidence.claimUnserved(id);
        assertEq(trading.masksOf(0).submitted, 13);
        assertEq(_free(CHALLENGER), GRANT + BOUNTY);
        _assertBalanced();
    }

    function test_FeeGoesBackWhereAnotherWasQuicker() public {
        numbers[1] = ToyKey.residue(0);
        _submitFirst(PARTIES);
        uint256 first = _demand(GRADIENTS, 1, 0);
        uint256 second = _demand(GRADIENTS, 1, 0);
        _proveMalformed(1, _fault(1, Vectors.N, ToyKey.residue(1)));
        evidence.serve(first, _gradients(1), _element(numbers[1]));
        _roll(T3 + 1);
        evidence.claimUnserved(second);
        assertEq(_free(CHALLENGER), GRANT + BOUNTY);
        assertEq(trading.clockOf(0).pending, 0);
        _assertBalanced();
    }

    function test_UnservedAggregateCostsTheLeader() public {
        _submitFirst(PARTIES);
        _collect();
        uint256 leader = _aggregate();
        uint256 id = _demand(AGGREGATE, 0, 0);
        _roll(T4 + 1);
        evidence.claimUnserved(id);
        assertEq(processing.workerOf(0, leader).stake, _stake(leader) - WORKER_DEPOSIT);
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Aggregating);
        assertEq(_free(CHALLENGER), GRANT + WORKER_BOUNTY);
        _aggregate();
        _shareFirst(PARTIES);
        _settle();
        assertEq(trading.accountOf(0).acceptedRounds, 1);
        _assertBalanced();
    }

    function test_ServedAggregateLetsTheRoundGoOn() public {
        _submitFirst(PARTIES);
        _collect();
        uint256 leader = _update();
        _lodge(3);
        uint256 id = _demand(AGGREGATE, 0, 0);
        _roll(T8 + 1);
        vm.expectRevert(abi.encodeWithSelector(IProcessing.DemandsPending.selector, 0, 1));
        processing.append(0);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.DeadlinePassed.selector, block.number - T8 - 1 + T4, block.number)
        );
        evidence.serve(id, _gradients(0), ToyKey.vectorOf(claimed));
        vm.roll(block.number - T8 - 1);
        evidence.serve(id, _gradients(0), ToyKey.vectorOf(claimed));
        assertEq(_free(_worker(leader)), GRANT - _stake(leader) + BOND);
        _append();
        _assertBalanced();
    }

    function test_RevertWhen_OtherBytesAreServed() public {
        _submitFirst(PARTIES);
        uint256 id = _demand(GRADIENTS, 1, 0);
        ITrading.Submission memory submission = _gradients(1);
        vm.expectRevert(abi.encodeWithSelector(Vectors.RootMismatch.selector, _rootOf(numbers[1]), _rootOf(numbers[2])));
        evidence.serve(id, submission, _element(numbers[2]));
        id = _demand(GRADIENTS, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotPosted.selector, keccak256(proofs[1]), keccak256(hex"00")));
        evidence.serve(id, submission, _element(hex"00"));
        uint256 deadline = block.number + T3;
        vm.expectRevert(abi.encodeWithSelector(IEvidence.DeadlineNotPassed.selector, deadline, block.number));
        evidence.claimUnserved(id);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotDemanded.selector, 7));
        evidence.serve(7, submission, _element(numbers[1]));
    }

    function test_RevertWhen_IndexNamesNothing() public {
        _submitFirst(PARTIES);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.IndexOutOfRange.selector, 2, 2));
        evidence.demand(0, GRADIENTS, 0, 2);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.IndexOutOfRange.selector, 1, 1));
        evidence.demand(0, AGGREGATE, 0, 1);
    }

    function test_SharesWaitForDemandsOfTheAggregate() public {
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        _shareFirst(PARTIES);
        _roll(T4);
        _demand(AGGREGATE, 0, 0);
        _toSharesDue();
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ITrading.DisputesPending.selector, 0, 1));
        disputes.dispute(0, 0, SHARES);
    }

    function _demand(ITrading.Subject subject, uint256 party, uint256 index) private returns (uint256) {
        vm.prank(CHALLENGER);
        return evidence.demand(0, subject, party, index);
    }

    function _proveWrong() private {
        IEvidence.Factor[] memory factors = _factors();
        Vectors.Element memory modulus = ToyKey.element(Vectors.N_SQUARED);
        vm.prank(CHALLENGER);
        evidence.proveWrongAggregate(0, 0, modulus, ToyKey.vectorOf(claimed), factors);
    }

    function _proveMalformed(uint256 party, IEvidence.Fault memory fault) private {
        vm.prank(CHALLENGER);
        evidence.proveMalformed(0, party, GRADIENTS, 0, _element(numbers[party]), fault);
    }

    function _proveMalformedProof(uint256 party, uint256 number, IEvidence.Fault memory fault) private {
        vm.prank(CHALLENGER);
        evidence.proveMalformedProof(0, party, GRADIENTS, number, proofs[party], fault);
    }

    function _expectNoFault(uint256 party, IEvidence.Fault memory fault) private {
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NoFault.selector));
        evidence.proveMalformed(0, party, GRADIENTS, 0, _element(numbers[party]), fault);
    }

    function _try(uint256 party, IEvidence.Fault memory fault) private returns (bool, bytes memory) {
        return address(evidence)
            .call(abi.encodeCall(IEvidence.proveMalformed, (0, party, GRADIENTS, 0, _element(numbers[party]), fault)));
    }
}
