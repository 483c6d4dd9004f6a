// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TraceProgram} from "../../../contracts/deepchain/TraceProgram.sol";
import {TraceHarness} from "./TraceHarness.sol";
import {TraceVectors} from "./TraceVectors.sol";

contract TraceProgramTest is TraceVectors {
    TraceHarness private immutable harness = new TraceHarness();

    // What Python says (scripts/regenerate_deepchain_vectors.py)

    function test_StepsOfAnEncryptionAreThoseOfPython() public view {
        _compareSteps(PK);
        _compareSteps(GROUP_CASES + PK);
    }

    function test_StepsOfSharesAreThoseOfPython() public view {
        _compareSteps(CD);
    }

    function test_StepsOfSharesOfALongKeyAreThoseOfPython() public view {
        _compareSteps(GROUP_CASES + CD);
    }

    function test_LengthsAndDepthsAreThoseOfPython() public view {
        for (uint256 i = 0; i < 2; ++i) {
            for (uint256 k = PK; k <= CD_REPLAYED; ++k) {
                uint256 index = i * GROUP_CASES + k;
                TraceProgram.Shape memory shape = _shape(index);
                assertEq(harness.length(shape), reader.numberAt(TRACES, _case(index, "length")));
                assertEq(harness.depth(shape), reader.numberAt(TRACES, _case(index, "depth")));
            }
        }
    }

    // Whatever the proof says

    function testFuzz_EveryTraceEndsInOneComparison(uint256 t, uint16 count, bool ofShares, bytes32 seed) public view {
        TraceProgram.Shape memory shape = _drawnShape(count, ofShares);
        uint256 length = harness.length(shape);
        TraceProgram.Step memory last = _drawnStep(shape, seed, length - 1);
        assertEq(uint256(last.kind), uint256(TraceProgram.Kind.Equal));
        assertEq(uint256(last.origin), uint256(TraceProgram.Origin.Proof));
        assertEq(last.place, 0);
        assertEq(uint256(_drawnStep(shape, seed, 0).kind), uint256(TraceProgram.Kind.Reset));
        assertEq(uint256(_drawnStep(shape, seed, length + t % 1000).kind), uint256(TraceProgram.Kind.Keep));
        assertTrue(1 << harness.depth(shape) > length && 1 << (harness.depth(shape) - 1) <= length);
    }

    /// @dev An operand that is not bound before its step could be chosen to fit.
    function testFuzz_OperandsAreBoundBeforeTheirStep(uint256 t, uint16 count, bool ofShares, bytes32 seed)
        public
        view
    {
        TraceProgram.Shape memory shape = _drawnShape(count, ofShares);
        t = t % (harness.length(shape) - 1);
        TraceProgram.Step memory step = _drawnStep(shape, seed, t);
        if (step.kind == TraceProgram.Kind.Equal) assertTrue(ofShares && step.place == 1);
        if (step.origin == TraceProgram.Origin.State) assertTrue(step.place <= t);
        if (step.origin == TraceProgram.Origin.Vector) assertTrue(!ofShares && step.place < shape.count);
        if (step.origin == TraceProgram.Origin.Share) assertTrue(ofShares && step.place < shape.count);
        if (step.origin == TraceProgram.Origin.Aggregate) assertTrue(ofShares && step.place < shape.count);
        assertTrue(step.origin != TraceProgram.Origin.Result);
        bool hasOperand = step.kind == TraceProgram.Kind.Multiply || step.kind == TraceProgram.Kind.Equal;
        assertTrue(hasOperand == (step.origin != TraceProgram.Origin.None));
    }

    function _compareSteps(uint256 index) private view {
        uint256 seen = 0;
        TraceProgram.Shape memory shape = _shape(index);
        TraceProgram.Statement memory statement = _statement(index);
        bytes memory proof = _proof(index);
        for (uint256 k = 0; k < _stepCount(index); ++k) {
            TraceProgram.Step memory step = harness.stepAt(shape, statement, proof, _place(index, k));
            assertEq(uint256(step.kind), reader.numberAt(TRACES, _stepKey(index, k, "kind")));
            assertEq(uint256(step.origin), reader.numberAt(TRACES, _stepKey(index, k, "origin")));
            assertEq(step.place, reader.numberAt(TRACES, _stepKey(index, k, "source")));
            seen |= 1 << uint256(step.kind);
        }
        assertEq(seen, 31);
    }

    function _drawnShape(uint256 count, bool ofShares) private pure returns (TraceProgram.Shape memory) {
        return TraceProgram.Shape({ofShares: ofShares, count: 1 + count % 2000, width: 32, proofBytes: 130});
    }

    function _drawnStep(TraceProgram.Shape memory shape, bytes32 seed, uint256 t)
        private
        view
        returns (TraceProgram.Step memory)
    {
        TraceProgram.Statement memory statement;
        statement.context = seed;
        bytes memory proof = new bytes(130);
        for (uint256 i = 0; i < 130; ++i) {
            proof[i] = keccak256(abi.encode(seed, i))[0];
        }
        return harness.stepAt(shape, statement, proof, t);
    }
}
