// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelLinks} from "../../../contracts/zk/IModelLinks.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {IPrivateInference} from "../../../contracts/zk/IPrivateInference.sol";
import {IPrivateInput} from "../../../contracts/zk/IPrivateInput.sol";
import {ModelLinks} from "../../../contracts/zk/ModelLinks.sol";
import {GatedProofsTest, IVkaRegistrar} from "../GatedProofsTest.sol";

/// @notice One byte changed anywhere: in a proof, in its public inputs, or in a link between two commitments. The link
/// is that of scripts/regenerate_link_vectors.py.
/// @dev Every run verifies real proofs.
/// forge-config: default.fuzz.runs = 128
/// forge-config: long.fuzz.runs = 2000
contract MutationsTest is GatedProofsTest {
    uint256 private constant HONEST = 5;

    /// @dev An honest proof with the public inputs under which its verifier accepts it.
    struct Honest {
        bytes32 circuitId;
        bytes proof;
        uint256[] instances;
        bytes32[] vka;
    }

    ModelLinks private links;
    IModelLinks.Side private first;
    IModelLinks.Side private second;
    uint256 private fingerprint;
    uint256 private rho;

    function setUp() public override {
        super.setUp();
        string memory link = vm.readFile("tests/vectors/model_link.json");
        vm.prank(vm.parseJsonAddress(link, ".deployer"));
        links = new ModelLinks(models, circuits);
        assertEq(address(links), vm.parseJsonAddress(link, ".links"));
        assertEq(prover, vm.parseJsonAddress(link, ".prover"));
        fingerprint = vm.parseJsonUint(link, ".fingerprint");
        rho = vm.parseJsonUint(link, ".rho");
        first = _readSide(link, ".sides[0]");
        second = _readSide(link, ".sides[1]");
    }

    function _readSide(string memory link, string memory key) private returns (IModelLinks.Side memory side) {
        side.proof = vm.parseJsonBytes(link, string.concat(key, ".proof"));
        side.vka = vm.parseJsonBytes32Array(link, string.concat(key, ".vka"));
        IVkaRegistrar(address(reusable)).registerVka(side.vka);
        ICircuitRegistry.Circuit memory circuit;
        circuit.vkaDigest = keccak256(abi.encodePacked(side.vka));
        circuit.statementDigest = vm.parseJsonBytes32(link, string.concat(key, ".statementDigest"));
        circuit.samples = 1;
        circuit.proofLength = uint32(vm.parseJsonUint(link, string.concat(key, ".proofLength")));
        circuit.committedPoints = 1;
        side.circuitId = circuits.register(circuit);
        assertEq(side.circuitId, vm.parseJsonBytes32(link, string.concat(key, ".circuitId")));
        address[] memory consumers = new address[](1);
        consumers[0] = address(links);
        bytes32 commitment = vm.parseJsonBytes32(link, string.concat(key, ".commitment"));
        vm.prank(prover);
        side.modelId = models.register(commitment, proofLimit, consumers);
        assertEq(side.modelId, vm.parseJsonBytes32(link, string.concat(key, ".modelId")));
    }

    function _link(IModelLinks.Side memory one, IModelLinks.Side memory other, uint256 shown) private {
        vm.prank(prover);
        links.link(one, other, shown);
    }

    function _linkedBlock() private view returns (uint256) {
        return links.linkedBlock(first.modelId, first.circuitId, second.modelId, second.circuitId);
    }

    /// @dev One of the five verifiers' honest proofs.
    function _honest(uint256 which) private view returns (Honest memory honest) {
        which %= HONEST;
        if (which == 4) return Honest(second.circuitId, second.proof, _linkInstances(), second.vka);
        uint256[4] memory indices = [REUSABLE, DEDICATED, ATTEST, INFER];
        uint256 index = indices[which];
        bytes32 circuitId = circuitOf(index);
        return Honest(circuitId, cases[index].proof, cases[index].instances, wordsOf(circuitId));
    }

    function _linkInstances() private view returns (uint256[] memory instances) {
        instances = new uint256[](2);
        instances[0] = rho;
        instances[1] = fingerprint;
    }

    function _mutated(bytes memory data, uint256 position, uint8 xor) private pure returns (bytes memory) {
        data[position] ^= bytes1(uint8(bound(xor, 1, 255)));
        return data;
    }

    function _mutated(uint256 value, uint256 position, uint8 xor) private pure returns (uint256) {
        return value ^ (bound(xor, 1, 255) << (8 * (position % 32)));
    }

    // What is mutated is accepted as it is

    function test_TheHonestProofsAreAccepted() public view {
        for (uint256 i = 0; i < HONEST; ++i) {
            Honest memory honest = _honest(i);
            assertTrue(circuits.verify(honest.circuitId, honest.proof, honest.instances, honest.vka));
        }
    }

    function test_TheHonestLinkIsAccepted() public {
        vm.expectEmit(true, true, true, true, address(links));
        emit IModelLinks.ModelsLinked(first.modelId, second.modelId, first.circuitId, second.circuitId);
        _link(first, second, fingerprint);
        assertEq(_linkedBlock(), block.number);
        assertEq(models.modelOf(first.modelId).proofs, 1);
        assertEq(models.modelOf(second.modelId).proofs, 1);
    }

    // By each circuit's verifier

    function testFuzz_NoMutatedProofVerifies(uint8 which, uint16 position, uint8 xor) public view {
        Honest memory honest = _honest(which);
        bytes memory proof = _mutated(honest.proof, bound(position, 0, honest.proof.length - 1), xor);
        assertFalse(circuits.verify(honest.circuitId, proof, honest.instances, honest.vka));
    }

    function testFuzz_NoMutatedPublicInputVerifies(uint8 which, uint16 position, uint8 xor) public {
        Honest memory honest = _honest(which);
        uint256 index = position / 32 % honest.instances.length;
        uint256 value = _mutated(honest.instances[index], position, xor);
        honest.instances[index] = value;
        if (value >= BN254.SCALAR_FIELD) {
            vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, value));
            circuits.verify(honest.circuitId, honest.proof, honest.instances, honest.vka);
        } else {
            assertFalse(circuits.verify(honest.circuitId, honest.proof, honest.instances, honest.vka));
        }
    }

    function testFuzz_RevertWhen_APublicInputIsShownPlusTheModulus(uint8 which, uint8 place, uint8 times) public {
        Honest memory honest = _honest(which);
        uint256 index = place % honest.instances.length;
        uint256 most = (type(uint256).max - honest.instances[index]) / BN254.SCALAR_FIELD;
        honest.instances[index] += bound(times, 1, most) * BN254.SCALAR_FIELD;
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, honest.instances[index]));
        circuits.verify(honest.circuitId, honest.proof, honest.instances, honest.vka);
    }

    // By the contracts that take them

    function testFuzz_RevertWhen_AByteOfAnAnswersProofIsMutated(uint16 position, uint8 xor) public {
        Case memory made = cases[INFER];
        uint256 at_ = bound(position, 0, made.proof.length - 1);
        made.proof = _mutated(made.proof, at_, xor);
        bytes memory refusal = at_ < 64
            ? abi.encodeWithSelector(
                IPrivateInference.NotThisModel.selector, models.modelOf(modelId).commitment, commitmentOf(made.proof)
            )
            : abi.encodeWithSelector(
                IPrivateInference.InvalidProof.selector, inferenceId, rhoOf(prover, inferenceId, made)
            );
        vm.prank(prover);
        vm.expectRevert(refusal);
        inference.answer(modelId, inferenceId, made.features, made.count, made.proof, inferenceVka);
        assertEq(models.modelOf(modelId).proofs, 0);
    }

    function testFuzz_RevertWhen_AByteOfAnAttestationsProofIsMutated(uint16 position, uint8 xor) public {
        Case memory made = cases[ATTEST];
        made.proof = _mutated(made.proof, bound(position, 0, made.proof.length - 1), xor);
        uint256 challenge = rhoOf(prover, inputId, made);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IPrivateInput.InvalidProof.selector, inputId, challenge));
        inputs.attest(inputId, purpose, made.count, made.proof, inputVka);
        assertEq(inputs.attestationOf(prover, inputId, purpose).attestedBlock, 0);
    }

    function testFuzz_RevertWhen_AByteOfALinksProofIsMutated(bool ofSecond, uint16 position, uint8 xor) public {
        IModelLinks.Side[2] memory sides = [first, second];
        IModelLinks.Side memory side = sides[ofSecond ? 1 : 0];
        uint256 at_ = bound(position, 0, side.proof.length - 1);
        bytes32 commitment = commitmentOf(side.proof);
        side.proof = _mutated(side.proof, at_, xor);
        // The challenge covers the commitments alone: a link has no other private tensor.
        bytes memory refusal = at_ < 64
            ? abi.encodeWithSelector(IModelLinks.NotThisModel.selector, commitment, commitmentOf(side.proof))
            : abi.encodeWithSelector(IModelLinks.InvalidProof.selector, side.circuitId, rho);
        vm.prank(prover);
        vm.expectRevert(refusal);
        links.link(sides[0], sides[1], fingerprint);
        assertEq(_linkedBlock(), 0);
        assertEq(models.modelOf(first.modelId).proofs, 0);
    }

    function testFuzz_RevertWhen_AByteOfTheFingerprintIsMutated(uint8 position, uint8 xor) public {
        uint256 shown = _mutated(fingerprint, position, xor);
        vm.prank(prover);
        vm.expectRevert(
            shown < BN254.SCALAR_FIELD
                ? abi.encodeWithSelector(IModelLinks.InvalidProof.selector, first.circuitId, rho)
                : abi.encodeWithSelector(BN254.NotInScalarField.selector, shown)
        );
        links.link(first, second, shown);
        assertEq(_linkedBlock(), 0);
    }

    function testFuzz_RevertWhen_AByteOfALinksIdentifierIsMutated(uint8 which, uint8 position, uint8 xor) public {
        IModelLinks.Side[2] memory sides = [first, second];
        IModelLinks.Side memory side = sides[which % 2];
        bool ofModel = which / 2 % 2 == 0;
        bytes32 changed = bytes32(_mutated(uint256(ofModel ? side.modelId : side.circuitId), position, xor));
        if (ofModel) side.modelId = changed;
        else side.circuitId = changed;
        vm.prank(prover);
        vm.expectRevert(
            ofModel
                ? abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, changed)
                : abi.encodeWithSelector(ICircuitRegistry.CircuitUnknown.selector, changed)
        );
        links.link(sides[0], sides[1], fingerprint);
    }

    function testFuzz_RevertWhen_AByteOfALinksArtefactIsMutated(bool ofSecond, uint16 position, uint8 xor) public {
        IModelLinks.Side[2] memory sides = [first, second];
        IModelLinks.Side memory side = sides[ofSecond ? 1 : 0];
        bytes32 expected = keccak256(abi.encodePacked(side.vka));
        uint256 word = position / 32 % side.vka.length;
        side.vka[word] = bytes32(_mutated(uint256(side.vka[word]), position, xor));
        bytes32 actual = keccak256(abi.encodePacked(side.vka));
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(ICircuitRegistry.VkaMismatch.selector, expected, actual));
        links.link(sides[0], sides[1], fingerprint);
    }

    // A true link, used otherwise

    function test_RevertWhen_TheSidesAreExchanged() public {
        uint256 exchanged = links.challenge(
            prover,
            second.modelId,
            second.circuitId,
            first.modelId,
            first.circuitId,
            keccak256(abi.encode(commitmentOf(second.proof), commitmentOf(first.proof)))
        );
        assertTrue(exchanged != rho);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IModelLinks.InvalidProof.selector, second.circuitId, exchanged));
        links.link(second, first, fingerprint);
    }

    function test_RevertWhen_AModelIsLinkedToItself() public {
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IModelLinks.SameModel.selector, first.modelId));
        links.link(first, first, fingerprint);
    }

    function test_RevertWhen_TheLinkIsSentTwice() public {
        _link(first, second, fingerprint);
        vm.prank(prover);
        vm.expectRevert(abi.encodeWithSelector(IModelLinks.AlreadyLinked.selector, first.modelId, second.modelId));
        links.link(first, second, fingerprint);
        assertEq(models.modelOf(first.modelId).proofs, 1);
    }

    function test_RevertWhen_AStrangerSendsTheLink() public {
        address stranger = address(0xBAD);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IModelLinks.NotModelOwner.selector, first.modelId, prover, stranger));
        links.link(first, second, fingerprint);
    }

    function test_RevertWhen_ACircuitWithChecksIsPassedOffAsALinks() public {
        IModelLinks.Side memory side = first;
        side.circuitId = inferenceId;
        vm.prank(prover);
        vm.expectRevert(
            abi.encodeWithSelector(IModelLinks.NotALinkCircuit.selector, inferenceId, uint256(shape.checks))
        );
        links.link(side, second, fingerprint);
    }

    function test_RevertWhen_TheLinkWasMadeForAnotherChain() public {
        vm.chainId(1);
        vm.prank(prover);
        (bool success, bytes memory answer) =
            address(links).call(abi.encodeCall(IModelLinks.link, (first, second, fingerprint)));
        assertFalse(success);
        assertTrue(bytes4(answer) == IModelLinks.InvalidProof.selector);
    }
}
