// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {PrivateInference} from "../../../contracts/zk/PrivateInference.sol";
import {ForgeTest} from "../Forge.sol";
import {VerifierStub} from "../VerifierStub.sol";

/// @notice Drives the registries through random calls and keeps, apart from them, what should have come of it.
contract RegistryHandler is ForgeTest {
    uint256 public constant OWNERS = 3;
    uint32 public constant SAMPLES = 200;
    uint256 public constant INPUTS = 4;

    struct Ghost {
        bool registered;
        bool revoked;
        bool approved;
        bool approvedForAnswers;
        uint256 registeredBlock;
        uint256 limit;
        // Claims and answers: they share the limit.
        uint256 accepted;
        uint256 answers;
        uint256 answersAtRevocation;
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
    PrivateInference private immutable inference;

    address public constant PUBLISHER = address(0x9B);
    uint48 public immutable closingBlock;
    bytes32[3] public circuitIds;
    mapping(uint256 owner => Ghost) private _ghosts;
    mapping(uint256 owner => mapping(uint256 witness => bool)) public witnessUsed;
    mapping(uint256 owner => mapping(uint256 witness => bool)) public answerWitnessUsed;

    struct Answered {
        uint256 label;
        uint256 blockNumber;
    }

    mapping(uint256 owner => mapping(uint256 circuit => Answered[INPUTS])) private _answered;

    uint256 public accepted;
    uint256 public refused;
    uint256 public disagreements;
    mapping(bytes32 reason => uint256) public refusedFor;

    constructor(
        VerifierStub stub_,
        CircuitRegistry circuits_,
        ModelRegistry models_,
        AccuracyRegistry accuracy_,
        PrivateInference inference_
    ) {
        stub = stub_;
        circuits = circuits_;
        models = models_;
        accuracy = accuracy_;
        inference = inference_;
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

    function answeredOf(uint256 owner, uint256 circuit) external view returns (Answered[INPUTS] memory) {
        return _answered[owner][circuit];
    }

    /// @dev Input 0 ends within a feature; the others have one.
    function inputOf(uint256 input) public pure returns (bytes memory) {
        return input == 0 ? bytes(hex"00") : abi.encodePacked(uint16(input));
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
        address[] memory consumers = new address[](approved ? 2 : 0);
        if (approved) (consumers[0], consumers[1]) = (address(accuracy), address(inference));
        vm.prank(ownerOf(owner));
        try models.register(keccak256(abi.encode(owner, owner)), limit % 16, consumers) {
            if (!shouldPass) ++disagreements;
            ghost.registered = true;
            (ghost.approved, ghost.approvedForAnswers) = (approved, approved);
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
            ghost.answersAtRevocation = ghost.answers;
        } catch {
            if (shouldPass) ++disagreements;
        }
    }

    function toggleApproval(uint256 ownerSeed, uint8 reluctance, bool forAnswers) external {
        uint256 owner = ownerSeed % OWNERS;
        Ghost storage ghost = _ghosts[owner];
        bool approved = forAnswers ? ghost.approvedForAnswers : ghost.approved;
        if (!ghost.registered || (approved && reluctance % 4 != 0)) return;
        bytes32 modelId = modelIdOf(owner);
        address consumer = forAnswers ? address(inference) : address(accuracy);
        vm.prank(ownerOf(owner));
        if (approved) models.withdrawConsumer(modelId, consumer);
        else models.approveConsumer(modelId, consumer);
        if (forAnswers) ghost.approvedForAnswers = !approved;
        else ghost.approved = !approved;
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
        bytes memory proof = _proof(attempt.owner, attempt.witness, attempt.otherModel);
        bytes32[] memory vka = _prepareVerifier(attempt.badProof);
        vm.prank(ownerOf(attempt.sender));
        try accuracy.claim(modelId, circuitId, attempt.threshold, attempt.count, proof, vka) {
            if (reason != 0) ++disagreements;
            _accept(attempt);
        } catch (bytes memory refusal) {
            _refuse(reason, refusal);
        }
    }

    struct AnswerAttempt {
        uint8 owner;
        uint8 sender;
        uint8 circuit;
        uint8 input;
        uint8 label;
        uint8 witness;
        uint8 otherModel;
        uint8 badProof;
    }

    /// @dev As `claim`.
    function answer(AnswerAttempt memory seed) external {
        seed.owner %= uint8(OWNERS);
        seed.sender = seed.sender % 8 == 0 ? (seed.owner + 1) % uint8(OWNERS) : seed.owner;
        seed.circuit %= 3;
        seed.input %= uint8(INPUTS);
        seed.otherModel = seed.otherModel % 8 == 0 ? 1 : 0;
        seed.badProof = seed.badProof % 8 == 0 ? 1 : 0;
        attemptAnswer(seed);
    }

    function attemptAnswer(AnswerAttempt memory attempt) public {
        bytes32 reason = _whyNot(attempt);
        bytes32 modelId = modelIdOf(attempt.owner);
        bytes32 circuitId = circuitIds[attempt.circuit];
        bytes memory input = inputOf(attempt.input);
        bytes memory proof = _proof(attempt.owner, attempt.witness, attempt.otherModel);
        bytes32[] memory vka = _prepareVerifier(attempt.badProof);
        vm.prank(ownerOf(attempt.sender));
        try inference.answer(modelId, circuitId, input, attempt.label, proof, vka) {
            if (reason != 0) ++disagreements;
            _accept(attempt);
        } catch (bytes memory refusal) {
            _refuse(reason, refusal);
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

    function _accept(AnswerAttempt memory attempt) private {
        Ghost storage ghost = _ghosts[attempt.owner];
        ++accepted;
        ++ghost.accepted;
        ++ghost.answers;
        _answered[attempt.owner][attempt.circuit][attempt.input] = Answered(attempt.label, block.number);
        answerWitnessUsed[attempt.owner][attempt.witness] = true;
    }

    function _refuse(bytes32 reason, bytes memory refusal) private {
        if (reason == 0 || reason != bytes32(bytes4(refusal))) ++disagreements;
        ++refused;
        ++refusedFor[reason];
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
        bytes32 reason = _whyNotModel(ghost, attempt.owner, attempt.sender, attempt.otherModel);
        if (reason != 0) return reason;
        if (witnessUsed[attempt.owner][attempt.witness]) return _selector("WitnessAlreadyUsed(bytes32,bytes32)");
        if (attempt.count <= ghost.count[attempt.circuit]) return _selector("CountNotRaised(uint256,uint256)");
        return _whyNotProof(ghost, ghost.approved, attempt.badProof);
    }

    /// @dev The same for an answer.
    function _whyNot(AnswerAttempt memory attempt) private view returns (bytes32) {
        Ghost memory ghost = _ghosts[attempt.owner];
        if (attempt.circuit == 2 && !isOpened()) return _selector("CircuitUnknown(bytes32)");
        if (attempt.input == 0) return _selector("InputLengthInvalid(uint256,uint256)");
        bytes32 reason = _whyNotModel(ghost, attempt.owner, attempt.sender, attempt.otherModel);
        if (reason != 0) return reason;
        if (answerWitnessUsed[attempt.owner][attempt.witness]) {
            return _selector("WitnessAlreadyUsed(bytes32,bytes32)");
        }
        if (_answered[attempt.owner][attempt.circuit][attempt.input].blockNumber != 0) {
            return _selector("AlreadyAnswered(bytes32,bytes32,bytes32)");
        }
        return _whyNotProof(ghost, ghost.approvedForAnswers, attempt.badProof);
    }

    function _whyNotModel(Ghost memory ghost, uint8 owner, uint8 sender, uint8 otherModel)
        private
        pure
        returns (bytes32)
    {
        if (!ghost.registered) return _selector("ModelUnknown(bytes32)");
        if (sender != owner) return _selector("NotModelOwner(bytes32,address,address)");
        if (ghost.revoked) return _selector("ModelIsRevoked(bytes32)");
        return otherModel == 1 ? _selector("NotThisModel(bytes32,bytes32)") : bytes32(0);
    }

    function _whyNotProof(Ghost memory ghost, bool approved, uint8 badProof) private pure returns (bytes32) {
        if (!approved) return _selector("ConsumerNotApproved(bytes32,address)");
        if (ghost.accepted >= ghost.limit) return _selector("ProofLimitReached(bytes32,uint256)");
        return badProof == 1 ? _selector("InvalidProof(bytes32,uint256)") : bytes32(0);
    }

    function _selector(string memory signature) private pure returns (bytes32) {
        return bytes32(bytes4(keccak256(bytes(signature))));
    }

    function _prepareVerifier(uint8 badProof) private returns (bytes32[] memory vka) {
        stub.set(badProof == 1 ? VerifierStub.Answer.EmptyRevert : VerifierStub.Answer.Valid);
        vka = new bytes32[](1);
        vka[0] = bytes32("vka");
    }

    function _proof(uint256 owner, uint256 witness, uint8 otherModel) private pure returns (bytes memory) {
        uint256 model = owner + (otherModel == 1 ? 100 : 0);
        return abi.encode(model, model, witness, witness);
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
