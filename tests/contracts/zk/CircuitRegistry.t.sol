// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IReusableVerifier} from "../../../contracts/zk/IReusableVerifier.sol";
import {RegistryTest} from "../RegistryTest.sol";
import {VerifierStub} from "../VerifierStub.sol";

contract CircuitRegistryTest is RegistryTest {
    address private constant PUBLISHER = address(0x9B);
    bytes32 private constant SALT = keccak256("salt");
    uint48 private constant CLOSING = 1010;

    function _seal() private returns (bytes32 seal) {
        seal = keccak256(abi.encode(PUBLISHER, reusableCircuit().datasetDigest, SALT));
        vm.prank(PUBLISHER);
        circuits.sealSet(seal, CLOSING);
    }

    function _proof() private pure returns (bytes memory) {
        return proofBytes("model", "witness");
    }

    function _reusable() private returns (bytes32) {
        return circuits.register(reusableCircuit());
    }

    function _dedicated() private returns (bytes32) {
        return circuits.register(dedicatedCircuit());
    }

    function _expectRefusal(ICircuitRegistry.Circuit memory circuit, bytes memory refusal) private {
        vm.expectRevert(refusal);
        circuits.register(circuit);
    }

    // Registration

    function testFuzz_RegistersAnyWellFormedCircuit(ICircuitRegistry.Circuit memory circuit, address caller) public {
        vm.assume(circuit.vkaDigest != 0 && circuit.statementDigest != 0 && circuit.samples != 0);
        circuit.dedicatedVerifier = address(0);
        circuit.verifierCodeHash = 0;
        circuit.committedPoints = uint8(bound(circuit.committedPoints, 1, 32));
        circuit.witnessPoints = uint8(bound(circuit.witnessPoints, 0, 32));
        circuit.checks = uint8(bound(circuit.checks, 0, 64));
        uint256 points = uint256(circuit.committedPoints) + circuit.witnessPoints;
        circuit.proofLength = uint32(bound(circuit.proofLength, 2 * points, 2048) * 32);
        vm.prank(caller);
        bytes32 id = circuits.register(circuit);
        assertEq(id, keccak256(abi.encode(circuits.CIRCUIT_DOMAIN(), circuit, address(0))));
        assertEq(id, circuits.idOf(circuit, address(0)));
        assertEq(keccak256(abi.encode(circuits.circuitOf(id))), keccak256(abi.encode(circuit)));
        assertEq(circuits.registrationOf(id).publisher, address(0));
        assertEq(circuits.registrationOf(id).registeredBlock, block.number);
        ICircuitRegistry.Gate memory gate = circuits.gateOf(id);
        assertEq(gate.samples, circuit.samples);
        assertEq(gate.committedPoints, circuit.committedPoints);
        assertEq(gate.witnessPoints, circuit.witnessPoints);
        assertEq(gate.checks, circuit.checks);
        assertEq(gate.closingBlock, 0);
    }

    function test_EmitsTheDescription() public {
        ICircuitRegistry.Circuit memory circuit = dedicatedCircuit();
        bytes32 id = circuits.idOf(circuit, address(0));
        vm.expectEmit(true, true, true, true, address(circuits));
        emit ICircuitRegistry.CircuitRegistered(id, circuit.datasetDigest, address(0), circuit);
        assertEq(circuits.register(circuit), id);
    }

    /// @dev The layouts drawn above `ICircuitRegistry.Circuit`, `Registration` and `Seal`.
    function test_StorageIsPacked() public {
        bytes32 seal = _seal();
        vm.roll(CLOSING + 1);
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.dedicatedVerifier = address(stub);
        circuit.verifierCodeHash = address(stub).codehash;
        vm.prank(PUBLISHER);
        bytes32 id = circuits.registerSealed(circuit, SALT);
        uint256 slot = uint256(keccak256(abi.encode(id, uint256(0))));
        assertEq(vm.load(address(circuits), bytes32(slot)), circuit.vkaDigest);
        assertEq(vm.load(address(circuits), bytes32(slot + 1)), circuit.verifierCodeHash);
        assertEq(vm.load(address(circuits), bytes32(slot + 2)), circuit.statementDigest);
        assertEq(vm.load(address(circuits), bytes32(slot + 3)), circuit.datasetDigest);
        uint256 packed = uint256(uint160(address(stub))) | 100 << 160 | 320 << 192 | 1 << 224 | 2 << 232 | 4 << 240;
        assertEq(uint256(vm.load(address(circuits), bytes32(slot + 4))), packed);
        assertEq(vm.load(address(circuits), bytes32(slot + 5)), 0);

        packed = uint256(uint160(PUBLISHER)) | uint256(CLOSING + 1) << 160 | uint256(CLOSING) << 208;
        assertEq(uint256(vm.load(address(circuits), keccak256(abi.encode(id, uint256(1))))), packed);
        bytes32 inner = keccak256(abi.encode(PUBLISHER, uint256(2)));
        packed = 1000 | uint256(CLOSING) << 48;
        assertEq(uint256(vm.load(address(circuits), keccak256(abi.encode(seal, inner)))), packed);
    }

    function test_RevertWhen_RegisteredTwice() public {
        bytes32 id = _reusable();
        _expectRefusal(
            reusableCircuit(), abi.encodeWithSelector(ICircuitRegistry.CircuitAlreadyRegistered.selector, id)
        );
    }

    function test_RevertWhen_DigestIsMissing() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.vkaDigest = 0;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.NoVkaDigest.selector));
        circuit = reusableCircuit();
        circuit.statementDigest = 0;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.NoStatementDigest.selector));
    }

    function test_RevertWhen_NothingIsCommittedOrAsked() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.samples = 0;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.NoSamples.selector));
        circuit = reusableCircuit();
        circuit.committedPoints = 0;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.NoCommittedPoints.selector));
    }

    function test_RevertWhen_BoundsAreExceeded() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.committedPoints = 33;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.TooManyPoints.selector, 33, 2, 32));
        circuit = reusableCircuit();
        circuit.witnessPoints = 255;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.TooManyPoints.selector, 1, 255, 32));
        circuit = reusableCircuit();
        circuit.checks = 65;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.TooManyChecks.selector, 65, 64));
    }

    function testFuzz_RevertWhen_ProofLengthCannotBe(uint32 length) public {
        vm.assume(length % 32 != 0 || length < 192 || length > 65536);
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.proofLength = length;
        _expectRefusal(
            circuit, abi.encodeWithSelector(ICircuitRegistry.ProofLengthInvalid.selector, length, 192, 65536)
        );
    }

    function test_RevertWhen_ProofLengthIsOneWordOff() public {
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.proofLength = 160;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.ProofLengthInvalid.selector, 160, 192, 65536));
        circuit.proofLength = 65568;
        bytes4 selector = ICircuitRegistry.ProofLengthInvalid.selector;
        _expectRefusal(circuit, abi.encodeWithSelector(selector, 65568, 192, 65536));
    }

    function test_RevertWhen_VerifierHasNoCode() public {
        ICircuitRegistry.Circuit memory circuit = dedicatedCircuit();
        circuit.dedicatedVerifier = STRANGER;
        circuit.verifierCodeHash = STRANGER.codehash;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.VerifierWithoutCode.selector, STRANGER));
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VerifierWithoutCode.selector, address(0)));
        new CircuitRegistry(IReusableVerifier(address(0)));
    }

    function testFuzz_RevertWhen_CodeHashIsNotTheVerifiers(bytes32 codeHash) public {
        ICircuitRegistry.Circuit memory circuit = dedicatedCircuit();
        vm.assume(codeHash != circuit.verifierCodeHash);
        circuit.verifierCodeHash = codeHash;
        bytes4 selector = ICircuitRegistry.VerifierCodeMismatch.selector;
        _expectRefusal(circuit, abi.encodeWithSelector(selector, address(stub), codeHash, address(stub).codehash));
    }

    function testFuzz_RevertWhen_CodeHashHasNoVerifier(bytes32 codeHash) public {
        vm.assume(codeHash != 0);
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        circuit.verifierCodeHash = codeHash;
        _expectRefusal(circuit, abi.encodeWithSelector(ICircuitRegistry.CodeHashWithoutVerifier.selector, codeHash));
    }

    // Sealed sets

    function test_SealedSetNamesItsPublisher() public {
        bytes32 seal = keccak256(abi.encode(PUBLISHER, reusableCircuit().datasetDigest, SALT));
        vm.expectEmit(true, true, true, true, address(circuits));
        emit ICircuitRegistry.SetSealed(PUBLISHER, seal, CLOSING);
        _seal();
        assertEq(circuits.sealOf(PUBLISHER, seal).sealedBlock, 1000);
        assertEq(circuits.sealOf(PUBLISHER, seal).closingBlock, CLOSING);
        vm.roll(CLOSING + 1);
        vm.prank(PUBLISHER);
        bytes32 id = circuits.registerSealed(reusableCircuit(), SALT);
        assertEq(id, circuits.idOf(reusableCircuit(), PUBLISHER));
        assertEq(circuits.registrationOf(id).publisher, PUBLISHER);
        assertEq(circuits.gateOf(id).closingBlock, CLOSING);
        assertEq(circuits.registrationOf(id).registeredBlock, CLOSING + 1);
    }

    function test_OneSealServesSeveralCircuitsOfTheSet() public {
        _seal();
        vm.roll(CLOSING + 1);
        vm.startPrank(PUBLISHER);
        bytes32 first = circuits.registerSealed(reusableCircuit(), SALT);
        bytes32 second = circuits.registerSealed(dedicatedCircuit(), SALT);
        vm.stopPrank();
        assertTrue(first != second);
        assertEq(circuits.gateOf(second).closingBlock, CLOSING);
    }

    function test_CopyOfTheDescriptionDoesNotBlockItsPublisher() public {
        _seal();
        vm.roll(CLOSING + 1);
        vm.prank(STRANGER);
        bytes32 copied = circuits.register(reusableCircuit());
        vm.prank(PUBLISHER);
        bytes32 id = circuits.registerSealed(reusableCircuit(), SALT);
        assertTrue(copied != id);
        assertEq(circuits.registrationOf(copied).publisher, address(0));
    }

    function test_CopyOfTheSealDoesNotBlockItsPublisher() public {
        bytes32 seal = keccak256(abi.encode(PUBLISHER, reusableCircuit().datasetDigest, SALT));
        vm.prank(STRANGER);
        circuits.sealSet(seal, 5000);
        assertEq(circuits.sealOf(PUBLISHER, _seal()).closingBlock, CLOSING);
    }

    function test_RevertWhen_StrangerOpensACopiedSeal() public {
        bytes32 seal = _seal();
        vm.prank(STRANGER);
        circuits.sealSet(seal, CLOSING);
        vm.roll(CLOSING + 1);
        bytes32 own = keccak256(abi.encode(STRANGER, reusableCircuit().datasetDigest, SALT));
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.SealUnknown.selector, STRANGER, own));
        circuits.registerSealed(reusableCircuit(), SALT);
    }

    function testFuzz_RevertWhen_SaltOrSetIsAnother(bytes32 salt, bytes32 digest) public {
        _seal();
        vm.roll(CLOSING + 1);
        ICircuitRegistry.Circuit memory circuit = reusableCircuit();
        vm.assume(salt != SALT || digest != circuit.datasetDigest);
        circuit.datasetDigest = digest;
        bytes32 seal = keccak256(abi.encode(PUBLISHER, digest, salt));
        vm.prank(PUBLISHER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.SealUnknown.selector, PUBLISHER, seal));
        circuits.registerSealed(circuit, salt);
    }

    function testFuzz_RevertWhen_OpenedBeforeItCloses(uint48 height_) public {
        uint256 height = bound(height_, 1000, CLOSING);
        _seal();
        vm.roll(height);
        vm.prank(PUBLISHER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.StillSealed.selector, CLOSING, height));
        circuits.registerSealed(reusableCircuit(), SALT);
    }

    function test_RevertWhen_SealedTwice() public {
        bytes32 seal = _seal();
        vm.prank(PUBLISHER);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.AlreadySealed.selector, PUBLISHER, seal));
        circuits.sealSet(seal, CLOSING + 100);
    }

    function test_SealMayCloseInItsOwnBlockAndNotBefore() public {
        circuits.sealSet(SALT, 1000);
        assertEq(circuits.sealOf(address(this), SALT).closingBlock, 1000);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.ClosingBlockPassed.selector, 999, 1000));
        circuits.sealSet(keccak256("other"), 999);
    }

    function testFuzz_RevertWhen_SealClosesInThePast(uint48 closing) public {
        closing = uint48(bound(closing, 0, 999));
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.ClosingBlockPassed.selector, closing, 1000));
        circuits.sealSet(SALT, closing);
    }

    // Verification

    function testFuzz_HandsExactlyTheArgumentsToTheVerifier(uint256 rho, uint256 result, uint8 flip) public {
        uint256[] memory instances = gatedInstances(_scalar(rho), _scalar(result));
        bytes memory proof = _proof();
        bytes32 reusable = _reusable();
        bytes32 dedicated = _dedicated();
        stub.expectCall(proof, instances);
        assertTrue(circuits.verify(reusable, proof, instances, vka));
        assertTrue(circuits.verify(dedicated, proof, instances, noVka));
        proof[uint256(flip)] ^= 0x01;
        assertFalse(circuits.verify(reusable, proof, instances, vka));
        assertFalse(circuits.verify(dedicated, proof, instances, noVka));
        proof[uint256(flip)] ^= 0x01;
        instances[flip % 6] = addmod(instances[flip % 6], 1, BN254.SCALAR_FIELD);
        assertFalse(circuits.verify(reusable, proof, instances, vka));
        assertFalse(circuits.verify(dedicated, proof, instances, noVka));
    }

    function _scalar(uint256 value) private pure returns (uint256) {
        return value % BN254.SCALAR_FIELD;
    }

    /// @dev The stub answers in the generated code's malformed encoding.
    function test_AnythingButAValidAnswerIsFalse() public {
        bytes32 reusable = _reusable();
        bytes32 dedicated = _dedicated();
        VerifierStub.Answer[4] memory answers = [
            VerifierStub.Answer.Invalid,
            VerifierStub.Answer.EmptyRevert,
            VerifierStub.Answer.Short,
            VerifierStub.Answer.NotBoolean
        ];
        for (uint256 i = 0; i < answers.length; ++i) {
            stub.set(answers[i]);
            assertFalse(circuits.verify(reusable, _proof(), gatedInstances(1, 2), vka));
            assertFalse(circuits.verify(dedicated, _proof(), gatedInstances(1, 2), noVka));
        }
        stub.set(VerifierStub.Answer.OtherDigest);
        assertFalse(circuits.verify(reusable, _proof(), gatedInstances(1, 2), vka));
        stub.set(VerifierStub.Answer.RevertWithData);
        assertFalse(circuits.verify(dedicated, _proof(), gatedInstances(1, 2), noVka));
        stub.set(VerifierStub.Answer.Valid);
        assertTrue(circuits.verify(reusable, _proof(), gatedInstances(1, 2), vka));
        assertTrue(circuits.verify(dedicated, _proof(), gatedInstances(1, 2), noVka));
    }

    function test_RevertWhen_ArtefactIsNotRegisteredWithTheVerifier() public {
        bytes32 id = _reusable();
        stub.set(VerifierStub.Answer.RevertWithData);
        bytes32 digest = reusableCircuit().vkaDigest;
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaNotRegistered.selector, digest));
        circuits.verify(id, _proof(), gatedInstances(1, 2), vka);
    }

    function testFuzz_RevertWhen_ArtefactIsAnother(bytes32[] memory other) public {
        bytes32 expected = reusableCircuit().vkaDigest;
        bytes32 actual = keccak256(abi.encodePacked(other));
        vm.assume(actual != expected);
        bytes32 id = _reusable();
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaMismatch.selector, expected, actual));
        circuits.verify(id, _proof(), gatedInstances(1, 2), other);
    }

    function test_RevertWhen_DedicatedVerifierIsGivenAnArtefact() public {
        bytes32 id = _dedicated();
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaNotExpected.selector, 2));
        circuits.verify(id, _proof(), gatedInstances(1, 2), vka);
    }

    function test_RevertWhen_VerifierChangesAfterRegistration() public {
        bytes32 id = _dedicated();
        bytes32 expected = address(stub).codehash;
        vm.etch(address(stub), hex"600160005260206000f3");
        bytes4 selector = ICircuitRegistry.VerifierCodeMismatch.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, address(stub), expected, address(stub).codehash));
        circuits.verify(id, _proof(), gatedInstances(1, 2), noVka);
        vm.etch(address(stub), "");
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VerifierWithoutCode.selector, address(stub)));
        circuits.verify(id, _proof(), gatedInstances(1, 2), noVka);
    }

    function testFuzz_RevertWhen_ProofHasAnotherLength(uint16 length) public {
        vm.assume(length != 320);
        bytes32 id = _reusable();
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.ProofLengthMismatch.selector, 320, length));
        circuits.verify(id, new bytes(length), gatedInstances(1, 2), vka);
    }

    function testFuzz_RevertWhen_InstanceIsNotCanonical(uint8 index, uint256 value) public {
        bytes32 id = _reusable();
        value = bound(value, BN254.SCALAR_FIELD, type(uint256).max);
        uint256[] memory instances = gatedInstances(1, 2);
        instances[index % 6] = value;
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, value));
        circuits.verify(id, _proof(), instances, vka);
    }

    function testFuzz_RevertWhen_CircuitIsUnknown(bytes32 id) public {
        bytes memory refusal = abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, id);
        vm.expectRevert(refusal);
        circuits.circuitOf(id);
        vm.expectRevert(refusal);
        circuits.registrationOf(id);
        vm.expectRevert(refusal);
        circuits.gateOf(id);
        vm.expectRevert(refusal);
        circuits.verify(id, _proof(), gatedInstances(1, 2), vka);
    }
}
