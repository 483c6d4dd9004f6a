// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {RegistryTest} from "../RegistryTest.sol";

/// @notice Claims under several circuits, added up. Real proofs of a set in parts are in tests/zk/test_chunks.py.
contract AccuracyTotalsTest is RegistryTest {
    uint256 private constant PARTS = 5;

    bytes32 private modelId;
    bytes32[] private parts;

    function setUp() public override {
        super.setUp();
        modelId = registerModel(OWNER, "model", 255);
        for (uint256 i = 0; i < PARTS; ++i) {
            _insert(circuits.register(_part(i)));
        }
    }

    /// @dev Parts differ in their samples, the last one in their number too.
    function _part(uint256 index) private view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit = reusableCircuit();
        circuit.statementDigest = keccak256(abi.encode("part", index));
        if (index == PARTS - 1) circuit.samples = 37;
    }

    /// @dev Keeps `parts` ascending.
    function _insert(bytes32 circuitId) private {
        parts.push(circuitId);
        for (uint256 i = parts.length - 1; i > 0 && parts[i - 1] > parts[i]; --i) {
            (parts[i - 1], parts[i]) = (parts[i], parts[i - 1]);
        }
    }

    function _claim(bytes32 circuitId, uint32 count) private {
        vm.prank(OWNER);
        accuracy.claim(modelId, circuitId, 1, count, proofBytes("model", keccak256(abi.encode(circuitId, count))), vka);
    }

    function _refuses(bytes memory refusal, bytes32[] memory circuitIds) private {
        vm.expectRevert(refusal);
        accuracy.totalOf(modelId, circuitIds);
    }

    function _notAscending(bytes32 previous, bytes32 next) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccuracyRegistry.CircuitsNotAscending.selector, previous, next);
    }

    // Sums

    function testFuzz_AddsUpWhatWasProved(uint256[PARTS] memory counts) public {
        uint256 sum;
        for (uint256 i = 0; i < PARTS; ++i) {
            uint32 proved = uint32(bound(counts[i], 0, circuits.gateOf(parts[i]).samples));
            if (proved != 0) _claim(parts[i], proved);
            sum += proved;
        }
        (uint256 count, uint256 samples, bool known) = accuracy.totalOf(modelId, parts);
        assertEq(count, sum);
        assertEq(samples, uint256(SAMPLES) * (PARTS - 1) + 37);
        assertTrue(known == (sum != 0));
    }

    function test_PartWithoutAClaimCountsWithItsSamples() public {
        _claim(parts[2], 30);
        (uint256 count, uint256 samples,) = accuracy.totalOf(modelId, parts);
        assertEq(count, 30);
        assertEq(samples, 437);
    }

    function test_RaisedClaimRaisesTheTotal() public {
        _claim(parts[0], 10);
        _claim(parts[1], 20);
        _claim(parts[0], 30);
        (uint256 count,,) = accuracy.totalOf(modelId, parts);
        assertEq(count, 50);
    }

    function test_NothingAddsUpToNothing() public view {
        (uint256 count, uint256 samples, bool known) = accuracy.totalOf(modelId, new bytes32[](0));
        assertEq(count, 0);
        assertEq(samples, 0);
        assertFalse(known);
    }

    function test_AnotherModelsClaimsAreNotCounted() public {
        _claim(parts[0], 30);
        bytes32 other = registerModel(STRANGER, "other", 3);
        (uint256 count, uint256 samples,) = accuracy.totalOf(other, parts);
        assertEq(count, 0);
        assertEq(samples, 437);
    }

    /// @dev One sealed part among others that were known does not make the total one on an unknown set.
    function test_SetIsKnownIfOnePartsWas() public {
        address publisher = address(0x9B);
        ICircuitRegistry.Circuit memory circuit = _part(PARTS);
        bytes32 seal = keccak256(abi.encode(publisher, circuit.datasetDigest, bytes32("salt")));
        vm.prank(publisher);
        circuits.sealSet(seal, 1100);
        vm.roll(1300);
        vm.prank(publisher);
        bytes32 sealedPart = circuits.registerSealed(circuit, "salt");
        bytes32 knownPart = parts[0];
        delete parts;
        _insert(sealedPart);
        _insert(knownPart);
        _claim(sealedPart, 30);
        (,, bool known) = accuracy.totalOf(modelId, parts);
        assertFalse(known);
        _claim(knownPart, 30);
        (,, known) = accuracy.totalOf(modelId, parts);
        assertTrue(known);
    }

    function test_AddsUpAsManyAsItMay() public {
        uint256 maximum = accuracy.MAX_CIRCUITS();
        for (uint256 i = PARTS; i < maximum; ++i) {
            _insert(circuits.register(_part(i)));
        }
        (, uint256 samples,) = accuracy.totalOf(modelId, parts);
        assertEq(samples, uint256(SAMPLES) * (maximum - 1) + 37);
    }

    // Refusals

    function testFuzz_RevertWhen_CircuitIsListedTwice(uint256 index) public {
        index %= PARTS - 1;
        _claim(parts[index], 30);
        bytes32 twice = parts[index];
        parts[index + 1] = twice;
        _refuses(_notAscending(twice, twice), parts);
    }

    function testFuzz_RevertWhen_CircuitsAreNotAscending(uint256 index) public {
        index %= PARTS - 1;
        (parts[index], parts[index + 1]) = (parts[index + 1], parts[index]);
        _refuses(_notAscending(parts[index], parts[index + 1]), parts);
    }

    function test_RevertWhen_FirstIdIsZero() public {
        parts[0] = 0;
        _refuses(_notAscending(0, 0), parts);
    }

    function testFuzz_RevertWhen_CircuitIsUnknown(bytes32 unknown) public {
        vm.assume(unknown > parts[PARTS - 1]);
        parts.push(unknown);
        _refuses(abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, unknown), parts);
    }

    function testFuzz_RevertWhen_ModelIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != modelId);
        modelId = unknown;
        _refuses(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown), parts);
        _refuses(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown), new bytes32[](0));
    }

    function test_RevertWhen_ModelIsRevoked() public {
        _claim(parts[0], 30);
        vm.prank(OWNER);
        models.revoke(modelId);
        _refuses(abi.encodeWithSelector(IAccuracyRegistry.ModelIsRevoked.selector, modelId), parts);
        _refuses(abi.encodeWithSelector(IAccuracyRegistry.ModelIsRevoked.selector, modelId), new bytes32[](0));
    }

    function test_RevertWhen_ListIsTooLong() public {
        uint256 maximum = accuracy.MAX_CIRCUITS();
        bytes4 selector = IAccuracyRegistry.TooManyCircuits.selector;
        _refuses(abi.encodeWithSelector(selector, maximum + 1, maximum), new bytes32[](maximum + 1));
    }
}
