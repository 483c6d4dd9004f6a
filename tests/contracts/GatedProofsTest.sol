// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../contracts/zk/AccuracyRegistry.sol";
import {CircuitRegistry} from "../../contracts/zk/CircuitRegistry.sol";
import {ICircuitRegistry} from "../../contracts/zk/ICircuitRegistry.sol";
import {IDedicatedVerifier} from "../../contracts/zk/IDedicatedVerifier.sol";
import {IReusableVerifier} from "../../contracts/zk/IReusableVerifier.sol";
import {ModelRegistry} from "../../contracts/zk/ModelRegistry.sol";
import {PrivateInput} from "../../contracts/zk/PrivateInput.sol";
import {ForgeTest} from "./Forge.sol";

interface IVkaRegistrar {
    function registerVka(bytes32[] calldata vka) external returns (bytes32 digest);
}

/// @notice The four contracts over the verifiers that ezkl generates, and real proofs bound to these very addresses
/// (scripts/regenerate_vectors.py makes them).
abstract contract GatedProofsTest is ForgeTest {
    /// @dev `threshold` and `count` of a claim, or the `label` of an attestation as `count`.
    struct Case {
        uint256 rho;
        bytes proof;
        uint32 threshold;
        uint32 count;
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

    string internal json;
    address internal prover;
    bytes32 internal purpose;
    uint24 internal proofLimit;
    bytes32[] internal vka;
    bytes32[] internal inputVka;
    bytes32[] internal noVka;
    IReusableVerifier internal reusable;
    IDedicatedVerifier internal dedicated;
    CircuitRegistry internal circuits;
    ModelRegistry internal models;
    AccuracyRegistry internal accuracy;
    PrivateInput internal inputs;
    bytes32 internal modelId;
    bytes32 internal reusableId;
    bytes32 internal dedicatedId;
    bytes32 internal inputId;
    Case[] internal cases;
    ICircuitRegistry.Circuit internal shape;

    function setUp() public virtual {
        json = vm.readFile("tests/vectors/gated_claims.json");
        prover = vm.parseJsonAddress(json, ".prover");
        purpose = vm.parseJsonBytes32(json, ".purpose");
        proofLimit = uint24(vm.parseJsonUint(json, ".proofLimit"));
        vka = vm.parseJsonBytes32Array(json, ".circuits.accuracy.vka");
        inputVka = vm.parseJsonBytes32Array(json, ".circuits.input.vka");
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
        shape = describe(".circuits.accuracy", vka);
        reusableId = circuits.register(shape);
        ICircuitRegistry.Circuit memory circuit = shape;
        circuit.dedicatedVerifier = address(dedicated);
        circuit.verifierCodeHash = address(dedicated).codehash;
        dedicatedId = circuits.register(circuit);
        inputId = circuits.register(describe(".circuits.input", inputVka));
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
                valid: keccak256(bytes(vm.parseJsonString(json, string.concat(key, ".result")))) == keccak256("valid"),
                instances: vm.parseJsonUintArray(json, string.concat(key, ".instances"))
            })
        );
    }

    function registerModel(address owner, bytes32 commitment) internal returns (bytes32) {
        address[] memory consumers = new address[](1);
        consumers[0] = address(accuracy);
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
}
