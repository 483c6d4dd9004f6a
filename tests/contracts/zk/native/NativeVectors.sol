// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IWeightRanges} from "../../../../contracts/zk/native/IWeightRanges.sol";
import {ForgeTest} from "../../Forge.sol";
import {KeyedVerifier, RangesStub} from "./KeyedVerifier.sol";

/// @notice The proofs of `native_accuracy.json`, each with a verifier for its circuit.
abstract contract NativeVectors is ForgeTest {
    struct Vector {
        KeyedVerifier verifier;
        bytes32 architecture;
        bytes proof;
        uint256[] instances;
        uint256 samples;
        uint256 classes;
        uint256 firstPoints;
    }

    uint256 internal constant ACCURACY_VECTORS = 5;
    uint256 internal constant INFERENCE_VECTORS = 2;
    uint256 internal constant WEIGHTS_VECTORS = 2;
    uint256 internal constant ACCURACY_FORGERIES = 22;
    uint256 internal constant INFERENCE_FORGERIES = 4;
    uint256 internal constant WEIGHTS_FORGERIES = 7;
    uint256 internal constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    string internal json = vm.readFile("tests/vectors/native_accuracy.json");
    string internal keys = vm.readFile("tests/vectors/native_constants.json");
    RangesStub internal ranges = new RangesStub();

    function accuracyVector(uint256 index) internal returns (Vector memory vector) {
        string memory path = string.concat(".accuracy[", vm.toString(index), "]");
        vector = _vector(path);
        vector.instances = new uint256[](2);
        vector.instances[0] = vm.parseJsonUint(json, ".context");
        vector.instances[1] = vm.parseJsonUint(json, string.concat(path, ".count"));
    }

    function inferenceVector(uint256 index) internal returns (Vector memory vector) {
        string memory path = string.concat(".inference[", vm.toString(index), "]");
        vector = _vector(path);
        vector.instances = new uint256[](3);
        vector.instances[0] = vm.parseJsonUint(json, ".context");
        vector.instances[1] = vm.parseJsonUint(json, string.concat(path, ".evaluation"));
        vector.instances[2] = vm.parseJsonUint(json, string.concat(path, ".label"));
    }

    function vectorOf(uint256 index) internal returns (Vector memory) {
        return index < ACCURACY_VECTORS ? accuracyVector(index) : inferenceVector(index - ACCURACY_VECTORS);
    }

    function isAccepted(Vector memory vector) internal view returns (bool) {
        return vector.verifier.verifyProof(vector.proof, vector.instances);
    }

    /// @dev Points are C_W, those of both stages and S, and at the end five, seven scalars, three, and two hints.
    function isCoordinate(Vector memory vector, uint256 word) internal pure returns (bool) {
        uint256 words = vector.proof.length / 32;
        if (word < 2 * vector.firstPoints) return true;
        return (word + 25 >= words && word + 15 < words) || (word + 8 >= words && word + 2 < words);
    }

    function isFirstCoordinate(Vector memory vector, uint256 word) internal pure returns (bool) {
        if (word < 2 * vector.firstPoints) return word % 2 == 0;
        uint256 fromEnd = vector.proof.length / 32 - word;
        return isCoordinate(vector, word) && (fromEnd > 8 ? fromEnd % 2 == 1 : fromEnd % 2 == 0);
    }

    /// @dev Says that the commitment of the proof, as it is now, is proved.
    function proveRanges(Vector memory vector) internal {
        ranges.set(vector.architecture, commitmentOf(vector.proof), true);
    }

    function commitmentOf(bytes memory proof) internal pure returns (bytes32 commitment) {
        assembly {
            commitment := keccak256(add(proof, 32), 64)
        }
    }

    function wordOf(bytes memory proof, uint256 index) internal pure returns (uint256 word) {
        assembly {
            word := mload(add(add(proof, 32), mul(index, 32)))
        }
    }

    function setWord(bytes memory proof, uint256 index, uint256 word) internal pure {
        assembly {
            mstore(add(add(proof, 32), mul(index, 32)), word)
        }
    }

    function _vector(string memory path) private returns (Vector memory vector) {
        bytes memory constants = vm.parseJsonBytes(keys, string.concat(path, ".constants"));
        vector.verifier = new KeyedVerifier(constants, IWeightRanges(address(ranges)));
        // Polynomials of stages 1 and 2 are words of the header; C_W and S come on top.
        vector.firstPoints = 2 + wordOf(constants, 22) + wordOf(constants, 23);
        vector.architecture = vm.parseJsonBytes32(keys, string.concat(path, ".architecture"));
        vector.proof = vm.parseJsonBytes(json, string.concat(path, ".proof"));
        vector.samples = vm.parseJsonUint(json, string.concat(path, ".shape.samples"));
        uint256[] memory widths = vm.parseJsonUintArray(json, string.concat(path, ".shape.widths"));
        vector.classes = widths[widths.length - 1];
        proveRanges(vector);
    }
}
