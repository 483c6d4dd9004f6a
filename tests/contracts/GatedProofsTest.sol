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
/// (tests/vectors/gated_claims.json says how they come about).
abstract contract GatedProofsTest is ForgeTest {
    struct Case {
        uint256 rho;
        bytes proof;
        uint32 threshold;
        uint32 count;
        uint256[] instances;
    }

    string internal json;
    address internal prover;
    bytes32[] internal vka;
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
    Case[] internal cases;
    ICircuitRegistry.Circuit internal shape;

    function setUp() public virtual {
        json = vm.readFile("tests/vectors/gated_claims.json");
        prover = vm.parseJsonAddress(json, ".prover");
        vka = vm.parseJsonBytes32Array(json, ".vka");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        _deploy(vm.parseJsonAddress(json, ".deployer"));
        IVkaRegistrar(address(reusable)).registerVka(vka);
        shape = describe(false);
        reusableId = circuits.register(shape);
        dedicatedId = circuits.register(describe(true));
        address[] memory consumers = new address[](1);
        consumers[0] = address(accuracy);
        bytes32 commitment = vm.parseJsonBytes32(json, ".commitment");
        vm.prank(prover);
        modelId = models.register(commitment, 256, consumers);
        for (uint256 i = 0; i < 6; ++i) {
            _readCase(string.concat(".cases[", vm.toString(i), "]"));
        }
    }

    function _deploy(address deployer) private {
        bytes memory reusableCode = vm.getCode("Halo2VerifierReusable.sol:Halo2VerifierReusable");
        bytes memory dedicatedCode = vm.parseJsonBytes(json, ".dedicatedInitCode");
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
        // The generated verifiers are compiled with settings of their own, so they are not imported.
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0));
    }

    function _readCase(string memory key) private {
        cases.push(
            Case({
                rho: vm.parseJsonUint(json, string.concat(key, ".rho")),
                proof: vm.parseJsonBytes(json, string.concat(key, ".proof")),
                threshold: uint32(vm.parseJsonUint(json, string.concat(key, ".threshold"))),
                count: uint32(vm.parseJsonUint(json, string.concat(key, ".count"))),
                instances: vm.parseJsonUintArray(json, string.concat(key, ".instances"))
            })
        );
    }

    function describe(bool isDedicated) internal view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit.vkaDigest = keccak256(abi.encodePacked(vka));
        circuit.statementDigest = vm.parseJsonBytes32(json, ".circuit.statementDigest");
        circuit.datasetDigest = vm.parseJsonBytes32(json, ".circuit.datasetDigest");
        circuit.samples = uint32(vm.parseJsonUint(json, ".circuit.samples"));
        circuit.proofLength = uint32(vm.parseJsonUint(json, ".circuit.proofLength"));
        circuit.committedPoints = uint8(vm.parseJsonUint(json, ".circuit.committedPoints"));
        circuit.witnessPoints = uint8(vm.parseJsonUint(json, ".circuit.witnessPoints"));
        circuit.checks = uint8(vm.parseJsonUint(json, ".circuit.checks"));
        if (isDedicated) {
            circuit.dedicatedVerifier = address(dedicated);
            circuit.verifierCodeHash = address(dedicated).codehash;
        }
    }
}
