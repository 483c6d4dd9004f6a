// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../contracts/zk/AccuracyRegistry.sol";
import {CircuitRegistry} from "../../contracts/zk/CircuitRegistry.sol";
import {ICircuitRegistry} from "../../contracts/zk/ICircuitRegistry.sol";
import {IReusableVerifier} from "../../contracts/zk/IReusableVerifier.sol";
import {ModelRegistry} from "../../contracts/zk/ModelRegistry.sol";
import {PrivateInference} from "../../contracts/zk/PrivateInference.sol";
import {PrivateInput} from "../../contracts/zk/PrivateInput.sol";
import {ForgeTest} from "./Forge.sol";
import {VerifierStub} from "./VerifierStub.sol";

/// @notice The contracts over a stub, and inputs that they accept.
abstract contract RegistryTest is ForgeTest {
    uint32 internal constant SAMPLES = 100;

    address internal constant OWNER = address(0xA11CE);
    address internal constant STRANGER = address(0xBAD);

    VerifierStub internal stub;
    CircuitRegistry internal circuits;
    ModelRegistry internal models;
    AccuracyRegistry internal accuracy;
    PrivateInput internal inputs;
    PrivateInference internal inference;
    bytes32[] internal vka;
    bytes32[] internal noVka;

    function setUp() public virtual {
        vm.roll(1000);
        stub = new VerifierStub();
        circuits = new CircuitRegistry(IReusableVerifier(address(stub)));
        models = new ModelRegistry();
        accuracy = new AccuracyRegistry(models, circuits);
        inputs = new PrivateInput(circuits);
        inference = new PrivateInference(models, circuits);
        vka.push(keccak256("first word"));
        vka.push(keccak256("second word"));
    }

    /// @dev One committed point, two witness points, four checks.
    function reusableCircuit() internal view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit.vkaDigest = keccak256(abi.encodePacked(vka));
        circuit.statementDigest = keccak256("statement");
        circuit.datasetDigest = keccak256("data set");
        circuit.samples = SAMPLES;
        circuit.proofLength = 320;
        circuit.committedPoints = 1;
        circuit.witnessPoints = 2;
        circuit.checks = 4;
    }

    function dedicatedCircuit() internal view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit = reusableCircuit();
        circuit.dedicatedVerifier = address(stub);
        circuit.verifierCodeHash = address(stub).codehash;
    }

    /// @dev A proof's length and points, and nothing else of one.
    function proofBytes(bytes32 model, bytes32 witness) internal pure returns (bytes memory) {
        return abi.encodePacked(model, model, witness, witness, witness, witness, new bytes(128));
    }

    function commitmentOf(bytes32 model) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(model, model));
    }

    function witnessOf(bytes32 witness) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(witness, witness, witness, witness));
    }

    function pointsHashOf(bytes32 model, bytes32 witness) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(model, model, witness, witness, witness, witness));
    }

    function registerModel(address owner, bytes32 model, uint24 proofLimit) internal returns (bytes32 modelId) {
        address[] memory consumers = new address[](2);
        consumers[0] = address(accuracy);
        consumers[1] = address(inference);
        vm.prank(owner);
        return models.register(commitmentOf(model), proofLimit, consumers);
    }

    /// @dev The public inputs that a gate must build.
    function gatedInstances(uint256 rho, uint256 result) internal pure returns (uint256[] memory instances) {
        instances = new uint256[](6);
        instances[0] = rho;
        instances[5] = result;
    }
}
