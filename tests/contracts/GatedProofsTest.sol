// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../contracts/zk/AccuracyRegistry.sol";
import {Challenge} from "../../contracts/zk/Challenge.sol";
import {CircuitRegistry} from "../../contracts/zk/CircuitRegistry.sol";
import {Features} from "../../contracts/zk/Features.sol";
import {ICircuitRegistry} from "../../contracts/zk/ICircuitRegistry.sol";
import {IDedicatedVerifier} from "../../contracts/zk/IDedicatedVerifier.sol";
import {IReusableVerifier} from "../../contracts/zk/IReusableVerifier.sol";
import {ModelRegistry} from "../../contracts/zk/ModelRegistry.sol";
import {PrivateInference} from "../../contracts/zk/PrivateInference.sol";
import {PrivateInput} from "../../contracts/zk/PrivateInput.sol";
import {ForgeTest} from "./Forge.sol";

interface IVkaRegistrar {
    function registerVka(bytes32[] calldata vka) external returns (bytes32 digest);
}

/// @notice The contracts over the verifiers that ezkl generates, and real proofs bound to these very addresses
/// (scripts/regenerate_vectors.py makes them).
abstract contract GatedProofsTest is ForgeTest {
    /// @dev `threshold` and `count` of a claim; or the label of an attestation or an answer as `count`, `features` of
    /// an answer alone.
    struct Case {
        uint256 rho;
        bytes proof;
        uint32 threshold;
        uint32 count;
        bytes features;
        bool valid;
        uint256[] instances;
    }

    // The order of the cases in the file, which setUp checks.
    uint256 internal constant REUSABLE = 0;
    uint256 internal constant DEDICATED = 1;
    uint256 internal constant FORGED_COUNT = 2;
    uint256 internal constant FORGED_ACTIVATION = 3;
    uint256 internal constant FORGED_MARGIN = 4;
    uint256 internal constant CHOSEN_RHO = 5;
    uint256 internal constant ATTEST = 6;
    uint256 internal constant FORGED_LABEL = 7;
    uint256 internal constant FORGED_INPUT = 8;
    uint256 internal constant INFER = 9;
    uint256 internal constant INFER_FORGED_LABEL = 10;
    uint256 internal constant INFER_FORGED_INPUT = 11;
    uint256 internal constant INFER_FORGED_ACTIVATION = 12;
    uint256 internal constant INFER_PADDED_INPUT = 13;
    uint256 internal constant INFER_OTHER_MODEL = 14;

    string internal json;
    address internal prover;
    bytes32 internal purpose;
    uint24 internal proofLimit;
    bytes32[] internal vka;
    bytes32[] internal inputVka;
    bytes32[] internal inferenceVka;
    bytes32[] internal noVka;
    IReusableVerifier internal reusable;
    IDedicatedVerifier internal dedicated;
    CircuitRegistry internal circuits;
    ModelRegistry internal models;
    AccuracyRegistry internal accuracy;
    PrivateInput internal inputs;
    PrivateInference internal inference;
    bytes32 internal modelId;
    bytes32 internal reusableId;
    bytes32 internal dedicatedId;
    bytes32 internal inputId;
    bytes32 internal inferenceId;
    Case[] internal cases;
    ICircuitRegistry.Circuit internal shape;

    function setUp() public virtual {
        json = vm.readFile("tests/vectors/gated_claims.json");
        prover = vm.parseJsonAddress(json, ".prover");
        purpose = vm.parseJsonBytes32(json, ".purpose");
        proofLimit = uint24(vm.parseJsonUint(json, ".proofLimit"));
        vka = vm.parseJsonBytes32Array(json, ".circuits.accuracy.vka");
        inputVka = vm.parseJsonBytes32Array(json, ".circuits.input.vka");
        inferenceVka = vm.parseJsonBytes32Array(json, ".circuits.inference.vka");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        _deploy(vm.parseJsonAddress(json, ".deployer"));
        _registerCircuits();
        modelId = registerModel(prover, vm.parseJsonBytes32(json, ".commitment"));
        _readCase(REUSABLE, "claim-reusable");
        _readCase(DEDICATED, "claim-dedicated");
        _readCase(FORGED_COUNT, "claim-forged-count");
        _readCase(FORGED_ACTIVATION, "claim-forged-activation");
        _readCase(FORGED_MARGIN, "claim-forged-margin");
        _readCase(CHOSEN_RHO, "claim-chosen-rho");
        _readCase(ATTEST, "attest");
        _readCase(FORGED_LABEL, "attest-forged-label");
        _readCase(FORGED_INPUT, "attest-forged-input");
        _readCase(INFER, "infer");
        _readCase(INFER_FORGED_LABEL, "infer-forged-label");
        _readCase(INFER_FORGED_INPUT, "infer-forged-input");
        _readCase(INFER_FORGED_ACTIVATION, "infer-forged-activation");
        _readCase(INFER_PADDED_INPUT, "infer-padded-input");
        _readCase(INFER_OTHER_MODEL, "infer-other-model");
    }

    function _deploy(address deployer) private {
        bytes memory reusableCode = vm.getCode("Halo2VerifierReusable.sol:Halo2VerifierReusable");
        bytes memory dedicatedCode = vm.parseJsonBytes(json, ".circuits.dedicated.initCode");
        vm.startPrank(deployer);
        reusable = IReusableVerifier(_create(reusableCode));
        dedicated = IDedicatedVerifier(_create(dedicatedCode));
        circuits = new CircuitRegistry(reusable);
        models = new ModelRegistry();
        accuracy = new AccuracyRegistry(models, circuits);
        inputs = new PrivateInput(circuits);
        inference = new PrivateInference(models, circuits);
        vm.stopPrank();
    }

    function _create(bytes memory code) private returns (address made) {
        // The dedicated verifier is known by its creation code only.
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0));
    }

    function _registerCircuits() private {
        IVkaRegistrar(address(reusable)).registerVka(vka);
        IVkaRegistrar(address(reusable)).registerVka(inputVka);
        IVkaRegistrar(address(reusable)).registerVka(inferenceVka);
        shape = describe(".circuits.accuracy", vka);
        reusableId = circuits.register(shape);
        ICircuitRegistry.Circuit memory circuit = shape;
        circuit.dedicatedVerifier = address(dedicated);
        circuit.verifierCodeHash = address(dedicated).codehash;
        dedicatedId = circuits.register(circuit);
        inputId = circuits.register(describe(".circuits.input", inputVka));
        inferenceId = circuits.register(describe(".circuits.inference", inferenceVka));
    }

    function _readCase(uint256 index, string memory id) private {
        string memory key = string.concat(".cases[", vm.toString(index), "]");
        assertEq(keccak256(bytes(vm.parseJsonString(json, string.concat(key, ".id")))), keccak256(bytes(id)));
        bool isClaim = index < ATTEST;
        cases.push(
            Case({
                rho: vm.parseJsonUint(json, string.concat(key, ".rho")),
                proof: vm.parseJsonBytes(json, string.concat(key, ".proof")),
                threshold: isClaim ? uint32(vm.parseJsonUint(json, string.concat(key, ".threshold"))) : 0,
                count: uint32(vm.parseJsonUint(json, string.concat(key, isClaim ? ".count" : ".label"))),
                features: index < INFER ? bytes("") : vm.parseJsonBytes(json, string.concat(key, ".features")),
                valid: keccak256(bytes(vm.parseJsonString(json, string.concat(key, ".result")))) == keccak256("valid"),
                instances: vm.parseJsonUintArray(json, string.concat(key, ".instances"))
            })
        );
    }

    function registerModel(address owner, bytes32 commitment) internal returns (bytes32) {
        address[] memory consumers = new address[](2);
        consumers[0] = address(accuracy);
        consumers[1] = address(inference);
        vm.prank(owner);
        return models.register(commitment, proofLimit, consumers);
    }

    function describe(string memory key, bytes32[] memory words)
        internal
        view
        returns (ICircuitRegistry.Circuit memory circuit)
    {
        circuit.vkaDigest = keccak256(abi.encodePacked(words));
        circuit.statementDigest = vm.parseJsonBytes32(json, string.concat(key, ".statementDigest"));
        circuit.datasetDigest = vm.parseJsonBytes32(json, string.concat(key, ".datasetDigest"));
        circuit.samples = uint32(vm.parseJsonUint(json, string.concat(key, ".samples")));
        circuit.proofLength = uint32(vm.parseJsonUint(json, string.concat(key, ".proofLength")));
        circuit.committedPoints = uint8(vm.parseJsonUint(json, string.concat(key, ".committedPoints")));
        circuit.witnessPoints = uint8(vm.parseJsonUint(json, string.concat(key, ".witnessPoints")));
        circuit.checks = uint8(vm.parseJsonUint(json, string.concat(key, ".checks")));
    }

    /// @dev The artefact that goes with a circuit.
    function wordsOf(bytes32 circuitId) internal view returns (bytes32[] memory) {
        if (circuitId == inputId) return inputVka;
        if (circuitId == inferenceId) return inferenceVka;
        return circuitId == dedicatedId ? noVka : vka;
    }

    function circuitOf(uint256 index) internal view returns (bytes32) {
        if (index >= INFER) return inferenceId;
        if (index >= ATTEST) return inputId;
        return index == DEDICATED ? dedicatedId : reusableId;
    }

    /// @dev The challenge of a claim, of an attestation for the vectors' purpose, or of an answer.
    function rhoOf(address sender, bytes32 circuitId, Case memory made) internal view returns (uint256) {
        bytes32 points = pointsOf(made.proof);
        if (made.threshold != 0) {
            return accuracy.challenge(sender, modelId, circuitId, made.threshold, made.count, points);
        }
        if (made.features.length == 0) return inputs.challenge(sender, circuitId, purpose, made.count, points);
        return inference.challenge(sender, modelId, circuitId, keccak256(made.features), made.count, points);
    }

    /// @dev The public inputs that a contract gives the verifier.
    function gatedInstances(Case memory made) internal view returns (uint256[] memory) {
        if (made.features.length == 0) return Challenge.instances(made.rho, shape.checks, made.count);
        uint256 evaluation = this.evaluate(made.features, made.rho);
        return Challenge.instances(made.rho, shape.checks, evaluation, made.count);
    }

    /// @dev Bit `i` of `failing` says that check `i` is not zero.
    function requireFailingChecks(Case memory made, uint256 failing) internal view {
        assertFalse(made.valid);
        assertEq(made.instances.length, gatedInstances(made).length);
        for (uint256 i = 0; i < shape.checks; ++i) {
            assertTrue((made.instances[1 + i] != 0) == (failing >> i & 1 == 1));
        }
    }

    /// @dev All circuits of the file have as many points of each kind, and as many checks.
    function pointsOf(bytes memory proof) internal view returns (bytes32) {
        return this.hashPoints(proof, 0, uint256(shape.committedPoints) + shape.witnessPoints);
    }

    function commitmentOf(bytes memory proof) internal view returns (bytes32) {
        return this.hashPoints(proof, 0, shape.committedPoints);
    }

    function witnessOf(bytes memory proof) internal view returns (bytes32) {
        return this.hashPoints(proof, shape.committedPoints, shape.witnessPoints);
    }

    function hashPoints(bytes calldata proof, uint256 first, uint256 count) external pure returns (bytes32) {
        return keccak256(proof[64 * first:64 * (first + count)]);
    }

    function evaluate(bytes calldata features, uint256 rho) external pure returns (uint256) {
        return Features.evaluate(features, rho);
    }

    /// @dev What a transaction of the prover costs: all addresses and slots cold, and its data paid for.
    /// bench/zk_gas.py measures real ones.
    function transactionGas(address to, bytes memory call_) internal returns (uint256) {
        vm.cool(address(accuracy));
        vm.cool(address(inference));
        vm.cool(address(circuits));
        vm.cool(address(models));
        vm.cool(address(reusable));
        vm.cool(address(dedicated));
        vm.prank(prover);
        uint256 before = gasleft();
        (bool success,) = to.call(call_);
        uint256 used = before - gasleft();
        assertTrue(success);
        return used + _intrinsicGas(call_);
    }

    function _intrinsicGas(bytes memory data) private pure returns (uint256 gas_) {
        gas_ = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas_ += data[i] == 0 ? 4 : 16;
        }
    }
}
