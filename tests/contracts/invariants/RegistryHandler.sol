// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {VerifierStub} from "../VerifierStub.sol";

/// @notice Drives the registries through random calls and keeps, apart from them, what should have come of it.
contract RegistryHandler is ForgeTest {
    uint256 public constant OWNERS = 3;
    uint32 public constant SAMPLES = 200;

    struct Ghost {
        bool registered;
        bool revoked;
        bool approved;
        uint256 registeredBlock;
        uint256 limit;
        uint256 accepted;
        // Per circuit: the last accepted count and threshold, and the count when the model was revoked.
        uint256[3] count;
        uint256[3] threshold;
        uint256[3] countAtRevocation;
        bool[3] knownInAdvance;
    }

    VerifierStub private immutable stub;
    CircuitRegistry private immutable circuits;
    ModelRegistry private immutable models;
    AccuracyRegistry private immutable accuracy;

    address public constant PUBLISHER = address(0x9B);
    uint48 public immutable closingBlock;
    bytes32[3] public circuitIds;
    mapping(uint256 owner => Ghost) private _ghosts;
    mapping(uint256 owner => mapping(uint256 witness => bool)) public witnessUsed;

    uint256 public accepted;
    uint256 public refused;
    uint256 public disagreements;
    mapping(bytes32 reason => uint256) public refusedFor;

    constructor(VerifierStub stub_, CircuitRegistry circuits_, ModelRegistry models_, AccuracyRegistry accuracy_) {
        stub = stub_;
        circuits = circuits_;
        models = models_;
        accuracy = accuracy_;
        closingBlock = uint48(block.number + 20);
        circuitIds[0] = circuits.register(_circuit("first"));
        circuitIds[1] = circuits.register(_circuit("second"));
        circuitIds[2] = circuits.idOf(_circuit("sealed"), PUBLISHER);
        vm.prank(PUBLISHER);
        circuits.sealSet(keccak256(abi.encode(PUBLISHER, bytes32("sealed"), bytes32("salt"))), closingBlock);
    }

    function ghostOf(uint256 owner) external view returns (Ghost memory) {
        return _ghosts[owner];
    }

    function ownerOf(uint256 owner) public pure returns (address) {
        return address(uint160(0xA11CE0 + owner));
    }

    function modelIdOf(uint256 owner) public view returns (bytes32) {
        return models.idOf(ownerOf(owner), keccak256(abi.encode(owner, owner)));
    }

    function isOpened() public view returns (bool) {
        try circuits.gateOf(circuitIds[2]) {
            return true;
        } catch {
            return false;
        }
    }

    // Actions

    function registerModel(uint256 ownerSeed, uint8 limit, bool approved) external {
        uint256 owner = ownerSeed % OWNERS;
        Ghost storage ghost = _ghosts[owner];
        bool shouldPass = !ghost.registered && limit % 16 != 0;
        address[] memory consumers = new address[](approved ? 1 : 0);
        if (approved) consumers[0] = address(accuracy);
        vm.prank(ownerOf(owner));
        try models.register(keccak256(abi.encode(owner, owner)), limit % 16, consumers) {
            if (!shouldPass) ++disagreements;
            ghost.registered = true;
            ghost.approved = approved;
            ghost.limit = limit % 16;
            ghost.registeredBlock = block.number;
        } catch {
            if (shouldPass) ++disagreements;
        }
    }

    function revoke(uint256 ownerSeed, uint256 senderSeed, uint8 reluctance) external {
        if (reluctance % 16 != 0) return;
        uint256 owner = ownerSeed % OWNERS;
        Ghost storage ghost = _ghosts[owner];
        uint256 sender = senderSeed % OWNERS;
        bool shouldPass = ghost.registered && !ghost.revoked && sender == owner;
        bytes32 modelId = modelIdOf(owner);
        vm.prank(ownerOf(sender));
        try models.revoke(modelId) {
            if (!shouldPass) ++disagreements;
            ghost.revoked = true;
            ghost.countAtRevocation = ghost.count;
        } catch {
            if (shouldPass) ++disagreements;
        }
    }

    function toggleApproval(uint256 ownerSeed, uint8 reluctance) external {
        if (_ghosts[ownerSeed % OWNERS].approved && reluctance % 4 != 0) return;
        uint256 owner = ownerSeed % OWNERS;
        Ghost storage ghost = _ghosts[owner];
        if (!ghost.registered) return;
        bytes32 modelId = modelIdOf(owner);
        vm.prank(ownerOf(owner));
        if (ghost.approved) models.withdrawConsumer(modelId, address(accuracy));
        else models.approveConsumer(modelId, address(accuracy));
        ghost.approved = !ghost.approved;
    }

    function recordProofDirectly(uint256 ownerSeed, uint256 senderSeed) external {
        bytes32 modelId = modelIdOf(ownerSeed % OWNERS);
        vm.prank(ownerOf(senderSeed % OWNERS));
        try models.recordProof(modelId) {
            ++disagreements;
        } catch {}
    }

    function openSealedSet() external {
        bool shouldPass = block.number > closingBlock && !isOpened();
        vm.prank(PUBLISHER);
        try circuits.registerSealed(_circuit("sealed"), "salt") {
            if (!shouldPass) ++disagreements;
        } catch {
            if (shouldPass) ++disagreements;
        }
    }

    function mine(uint8 blocks) external {
        vm.roll(block.number + blocks % 16);
    }

    struct Attempt {
        uint8 owner;
        uint8 sender;
        uint8 circuit;
        uint8 threshold;
        uint8 count;
        uint8 witness;
        uint8 otherModel;
        uint8 badProof;
    }

    /// @dev Random claims in which each thing that can be wrong is wrong about one time in eight.
    function claim(Attempt memory seed) external {
        seed.owner %= uint8(OWNERS);
        seed.sender = seed.sender % 8 == 0 ? (seed.owner + 1) % uint8(OWNERS) : seed.owner;
        seed.circuit %= 3;
        if (seed.threshold % 8 != 0) seed.threshold = 1 + seed.threshold % 10;
        // Mostly a little above the last claim, so that there is room to rise.
        uint256 last = _ghosts[seed.owner].count[seed.circuit];
        if (seed.count % 8 != 0) seed.count = uint8(last + seed.count % 10);
        seed.otherModel = seed.otherModel % 8 == 0 ? 1 : 0;
        seed.badProof = seed.badProof % 8 == 0 ? 1 : 0;
        attemptClaim(seed);
    }

    function attemptClaim(Attempt memory attempt) public {
        bytes32 reason = _whyNot(attempt);
        bytes32 modelId = modelIdOf(attempt.owner);
        bytes32 circuitId = circuitIds[attempt.circuit];
        bytes memory proof = _proof(attempt);
        stub.set(attempt.badProof == 1 ? VerifierStub.Answer.EmptyRevert : VerifierStub.Answer.Valid);
        bytes32[] memory vka = new bytes32[](1);
        vka[0] = bytes32("vka");
        vm.prank(ownerOf(attempt.sender));
        try accuracy.claim(modelId, circuitId, attempt.threshold, attempt.count, proof, vka) {
            if (reason != 0) ++disagreements;
            _accept(attempt);
        } catch (bytes memory refusal) {
            if (reason == 0 || reason != bytes32(bytes4(refusal))) ++disagreements;
            ++refused;
            ++refusedFor[reason];
        }
    }

    // The model

    function _accept(Attempt memory attempt) private {
        Ghost storage ghost = _ghosts[attempt.owner];
        ++accepted;
        ++ghost.accepted;
        ghost.count[attempt.circuit] = attempt.count;
        ghost.threshold[attempt.circuit] = attempt.threshold;
        ghost.knownInAdvance[attempt.circuit] = attempt.circuit != 2 || ghost.registeredBlock > closingBlock;
        witnessUsed[attempt.owner][attempt.witness] = true;
    }

    /// @dev The selector of the error that the claim should end in, or zero.
    function _whyNot(Attempt memory attempt) private view returns (bytes32) {
        Ghost memory ghost = _ghosts[attempt.owner];
        if (attempt.circuit == 2 && !isOpened()) return _selector("CircuitUnknown(bytes32)");
        if (attempt.threshold == 0 || attempt.threshold > SAMPLES) {
            return _selector("ThresholdOutOfRange(uint256,uint256)");
        }
        if (attempt.count < attempt.threshold || attempt.count > SAMPLES) {
            return _selector("CountOutOfRange(uint256,uint256,uint256)");
        }
        if (!ghost.registered) return _selector("ModelUnknown(bytes32)");
        if (attempt.sender != attempt.owner) return _selector("NotModelOwner(bytes32,address,address)");
        if (ghost.revoked) return _selector("ModelIsRevoked(bytes32)");
        if (attempt.otherModel == 1) return _selector("NotThisModel(bytes32,bytes32)");
        if (witnessUsed[attempt.owner][attempt.witness]) return _selector("WitnessAlreadyUsed(bytes32,bytes32)");
        if (attempt.count <= ghost.count[attempt.circuit]) return _selector("CountNotRaised(uint256,uint256)");
        if (!ghost.approved) return _selector("ConsumerNotApproved(bytes32,address)");
        if (ghost.accepted >= ghost.limit) return _selector("ProofLimitReached(bytes32,uint256)");
        if (attempt.badProof == 1) return _selector("InvalidProof(bytes32,uint256)");
        return 0;
    }

    function _selector(string memory signature) private pure returns (bytes32) {
        return bytes32(bytes4(keccak256(bytes(signature))));
    }

    function _proof(Attempt memory attempt) private pure returns (bytes memory) {
        uint256 model = attempt.owner + (attempt.otherModel == 1 ? 100 : 0);
        return abi.encode(model, model, uint256(attempt.witness), uint256(attempt.witness));
    }

    function _circuit(bytes32 dataset) private pure returns (ICircuitRegistry.Circuit memory circuit) {
        circuit.vkaDigest = keccak256(abi.encodePacked(bytes32("vka")));
        circuit.statementDigest = "statement";
        circuit.datasetDigest = dataset;
        circuit.samples = SAMPLES;
        circuit.proofLength = 128;
        circuit.committedPoints = 1;
        circuit.witnessPoints = 1;
        circuit.checks = 4;
    }
}
