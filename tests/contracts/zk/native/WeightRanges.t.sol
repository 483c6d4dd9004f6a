// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../../contracts/shared/BN254.sol";
import {IWeightRanges} from "../../../../contracts/zk/native/IWeightRanges.sol";
import {WeightRanges} from "../../../../contracts/zk/native/WeightRanges.sol";
import {NativeVectors} from "./NativeVectors.sol";

/// @notice What the registry of range proofs refuses; a true proof is made for its sender in Python's tests.
contract WeightRangesTest is NativeVectors {
    WeightRanges private immutable registry = new WeightRanges();

    function _architecture() private view returns (IWeightRanges.Architecture memory made) {
        made.widths = new uint32[](3);
        (made.widths[0], made.widths[1], made.widths[2]) = (3, 4, 5);
        made.weightBits = 4;
        for (uint256 i = 0; i < 4; ++i) {
            made.tau[i] = vm.parseJsonUint(json, string.concat(".tauG2[", vm.toString(i), "]"));
        }
    }

    function _proof() private view returns (bytes memory) {
        return vm.parseJsonBytes(json, ".weights[0].proof");
    }

    function test_ArchitectureIdIsThatOfPython() public view {
        assertEq(registry.idOf(_architecture()), vm.parseJsonBytes32(keys, ".weights[0].architecture"));
    }

    /// forge-config: default.fuzz.runs = 32
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_ArchitectureIdCoversEverything(uint256 which, uint256 value) public view {
        IWeightRanges.Architecture memory made = _architecture();
        bytes32 id = registry.idOf(made);
        which = bound(which, 0, 7);
        if (which < 3) {
            vm.assume(uint32(value) != made.widths[which]);
            made.widths[which] = uint32(value);
        } else if (which < 7) {
            vm.assume(value != made.tau[which - 3]);
            made.tau[which - 3] = value;
        } else {
            vm.assume(uint8(value) != made.weightBits);
            made.weightBits = uint8(value);
        }
        assertTrue(registry.idOf(made) != id);
    }

    function testFuzz_ContextIsTheHashOfTheStatement(
        address prover,
        bytes32 architecture,
        uint256 degree,
        bytes32 commitment,
        uint64 chain
    ) public {
        vm.assume(chain != 0);
        vm.chainId(chain);
        bytes memory statement = abi.encode(
            keccak256("pyml.zk.WeightRanges.prove.v1"),
            uint256(chain),
            address(registry),
            prover,
            architecture,
            degree,
            commitment
        );
        uint256 expected = uint256(keccak256(statement)) % BN254.SCALAR_FIELD;
        assertEq(registry.challenge(prover, architecture, degree, commitment), expected);
    }

    function test_RevertWhen_TheProofIsForAnotherContext() public {
        IWeightRanges.Architecture memory made = _architecture();
        bytes memory proof = _proof();
        bytes32 id = registry.idOf(made);
        uint256 context = registry.challenge(address(this), id, 8, commitmentOf(proof));
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.InvalidRangeProof.selector, id, context));
        registry.prove(made, 8, proof);
        assertFalse(registry.isProved(id, commitmentOf(proof)));
    }

    function test_RevertWhen_TheLengthIsAnother() public {
        bytes memory proof = bytes.concat(_proof(), bytes32(0));
        uint256 length = proof.length - 32;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.ProofLengthMismatch.selector, length, length + 32));
        registry.prove(_architecture(), 8, proof);
        // A degree more takes one round more; from 8 to 9, stage 1 takes a polynomial less.
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.ProofLengthMismatch.selector, length + 64, length));
        registry.prove(_architecture(), 10, _proof());
    }

    function test_RevertWhen_TheDegreeDoesNotFit() public {
        // v = 7, for W has 2^4 + 2^6 places; K has 7 rows for the mask, one for evaluations and a spare one: 2^(4+4) places.
        for (uint256 i = 0; i < 2; ++i) {
            uint256 degree = i == 0 ? 6 : 25;
            vm.expectRevert(abi.encodeWithSelector(IWeightRanges.DegreeOutOfRange.selector, degree, 8, 24));
            registry.prove(_architecture(), degree, _proof());
        }
    }

    function test_RevertWhen_TheArchitectureIsNone() public {
        IWeightRanges.Architecture memory made = _architecture();
        made.weightBits = 1;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.WeightBitsOutOfRange.selector, 1, 16));
        registry.prove(made, 8, _proof());
        made.weightBits = 17;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.WeightBitsOutOfRange.selector, 17, 16));
        registry.prove(made, 8, _proof());
        made = _architecture();
        made.widths[2] = 1;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.WidthOutOfRange.selector, 2, 1));
        registry.prove(made, 8, _proof());
        made.widths[0] = 0;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.WidthOutOfRange.selector, 0, 0));
        registry.prove(made, 8, _proof());
        made.widths[0] = (1 << 23) + 1;
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.WidthOutOfRange.selector, 0, (1 << 23) + 1));
        registry.prove(made, 8, _proof());
        made.widths = new uint32[](1);
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.LayersOutOfRange.selector, 1, 15));
        registry.prove(made, 8, _proof());
        made.widths = new uint32[](18);
        vm.expectRevert(abi.encodeWithSelector(IWeightRanges.LayersOutOfRange.selector, 18, 15));
        registry.prove(made, 8, _proof());
    }
}
