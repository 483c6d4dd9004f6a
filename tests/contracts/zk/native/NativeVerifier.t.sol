// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NativeVectors} from "./NativeVectors.sol";

contract NativeVerifierTest is NativeVectors {
    uint256 private constant VECTORS = ACCURACY_VECTORS + INFERENCE_VECTORS;
    uint256 private constant FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    // True proofs

    function test_AcceptsEveryVectorOfAccuracy() public {
        for (uint256 i = 0; i < ACCURACY_VECTORS; ++i) {
            assertTrue(isAccepted(accuracyVector(i)));
        }
    }

    function test_AcceptsEveryVectorOfInference() public {
        for (uint256 i = 0; i < INFERENCE_VECTORS; ++i) {
            assertTrue(isAccepted(inferenceVector(i)));
        }
    }

    // Every word of the proof

    function test_RefusesEveryWordThatIsOneHigher() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            for (uint256 word = 0; word < vector.proof.length / 32; ++word) {
                _refuse(vector, word, wordOf(vector.proof, word) + 1);
            }
        }
    }

    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_RefusesAnyOtherWord(uint256 vector, uint256 word, uint256 value) public {
        Vector memory chosen = vectorOf(bound(vector, 0, VECTORS - 1));
        word = bound(word, 0, chosen.proof.length / 32 - 1);
        vm.assume(wordOf(chosen.proof, word) != value);
        _refuse(chosen, word, value);
    }

    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_RefusesAnyFlippedBit(uint256 vector, uint256 bit) public {
        Vector memory chosen = vectorOf(bound(vector, 0, VECTORS - 1));
        bit = bound(bit, 0, 8 * chosen.proof.length - 1);
        uint256 word = bit / 256;
        _refuse(chosen, word, wordOf(chosen.proof, word) ^ (1 << (bit % 256)));
    }

    /// @dev Every challenge and every sum is the same for a word and that word plus the modulus.
    function test_RefusesScalarsAtOrAboveTheModulus() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            for (uint256 word = 0; word < vector.proof.length / 32; ++word) {
                uint256 modulus = isCoordinate(vector, word) ? FIELD : ORDER;
                _refuse(vector, word, wordOf(vector.proof, word) + modulus);
            }
        }
    }

    function test_RefusesThePointAtInfinityAnywhere() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            for (uint256 word = 0; word + 1 < vector.proof.length / 32; ++word) {
                if (!isFirstCoordinate(vector, word)) continue;
                uint256 x = wordOf(vector.proof, word);
                setWord(vector.proof, word, 0);
                _refuse(vector, word + 1, 0);
                setWord(vector.proof, word, x);
            }
        }
    }

    /// @dev The negative of a point is on the curve.
    function test_RefusesNegativePoints() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            for (uint256 word = 0; word + 1 < vector.proof.length / 32; ++word) {
                if (isFirstCoordinate(vector, word)) _refuse(vector, word + 1, FIELD - wordOf(vector.proof, word + 1));
            }
        }
    }

    // What proves nothing

    function test_RefusesAnyOtherLength() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            bytes memory proof = vector.proof;
            uint256 length = proof.length;
            for (uint256 shorter = 1; shorter <= 64; shorter += 31) {
                _setLength(proof, length - shorter);
                assertFalse(isAccepted(vector));
            }
            _setLength(proof, 0);
            assertFalse(isAccepted(vector));
            _setLength(proof, length);
            vector.proof = bytes.concat(proof, hex"00");
            assertFalse(isAccepted(vector));
            vector.proof = bytes.concat(proof, bytes32(0));
            assertFalse(isAccepted(vector));
            vector.proof = proof;
            assertTrue(isAccepted(vector));
        }
    }

    function test_RefusesACommitmentThatIsNotProvedSmall() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            ranges.set(vector.architecture, commitmentOf(vector.proof), false);
            assertFalse(isAccepted(vector));
            ranges.set(bytes32(uint256(vector.architecture) ^ 1), commitmentOf(vector.proof), true);
            assertFalse(isAccepted(vector));
        }
    }

    function test_RefusesProofsOfOtherCircuits() public {
        Vector memory first = accuracyVector(0);
        for (uint256 i = 1; i < VECTORS; ++i) {
            Vector memory other = vectorOf(i);
            (other.verifier, first.verifier) = (first.verifier, other.verifier);
            ranges.set(first.architecture, commitmentOf(other.proof), true);
            assertFalse(isAccepted(other));
            assertFalse(isAccepted(first));
            first = accuracyVector(0);
        }
    }

    // Public values

    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_RefusesAnotherContext(uint256 vector, uint256 context) public {
        Vector memory chosen = vectorOf(bound(vector, 0, VECTORS - 1));
        vm.assume(context != chosen.instances[0]);
        chosen.instances[0] = context;
        assertFalse(isAccepted(chosen));
    }

    function test_RefusesAnotherCount() public {
        for (uint256 i = 0; i < ACCURACY_VECTORS; ++i) {
            Vector memory vector = accuracyVector(i);
            uint256 count = vector.instances[1];
            for (uint256 other = 0; other <= vector.samples + 1; ++other) {
                vector.instances[1] = other;
                assertTrue(isAccepted(vector) == (other == count));
            }
        }
    }

    function test_RefusesPublicValuesAtOrAboveTheModulus() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            for (uint256 j = 0; j < vector.instances.length; ++j) {
                vector.instances[j] += ORDER;
                assertFalse(isAccepted(vector));
                vector.instances[j] -= ORDER;
            }
        }
    }

    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 1000
    function testFuzz_RefusesAnotherEvaluation(uint256 vector, uint256 evaluation) public {
        Vector memory chosen = inferenceVector(bound(vector, 0, INFERENCE_VECTORS - 1));
        vm.assume(evaluation != chosen.instances[1]);
        chosen.instances[1] = evaluation;
        assertFalse(isAccepted(chosen));
    }

    function test_RefusesAnotherLabelAndOneThatDoesNotExist() public {
        for (uint256 i = 0; i < INFERENCE_VECTORS; ++i) {
            Vector memory vector = inferenceVector(i);
            uint256 label = vector.instances[2];
            for (uint256 other = 0; other <= 2 * vector.classes; ++other) {
                vector.instances[2] = other;
                assertTrue(isAccepted(vector) == (other == label));
            }
        }
    }

    function test_RefusesMoreOrFewerPublicValues() public {
        for (uint256 i = 0; i < VECTORS; ++i) {
            Vector memory vector = vectorOf(i);
            uint256[] memory given = vector.instances;
            for (uint256 length = 0; length <= 4; ++length) {
                vector.instances = new uint256[](length);
                for (uint256 j = 0; j < length && j < given.length; ++j) {
                    vector.instances[j] = given[j];
                }
                assertTrue(isAccepted(vector) == (length == given.length));
            }
        }
    }

    // Cheating provers

    function test_RefusesEveryForgery() public {
        string memory forgeries = vm.readFile("tests/vectors/native_forgeries.json");
        for (uint256 i = 0; i < ACCURACY_FORGERIES; ++i) {
            string memory path = string.concat(".accuracy[", vm.toString(i), "]");
            Vector memory vector = accuracyVector(vm.parseJsonUint(forgeries, string.concat(path, ".circuit")));
            vector.instances[1] = vm.parseJsonUint(forgeries, string.concat(path, ".count"));
            vector.proof = vm.parseJsonBytes(forgeries, string.concat(path, ".proof"));
            proveRanges(vector);
            assertFalse(isAccepted(vector));
        }
        for (uint256 i = 0; i < INFERENCE_FORGERIES; ++i) {
            string memory path = string.concat(".inference[", vm.toString(i), "]");
            Vector memory vector = inferenceVector(vm.parseJsonUint(forgeries, string.concat(path, ".circuit")));
            vector.instances[1] = vm.parseJsonUint(forgeries, string.concat(path, ".evaluation"));
            vector.instances[2] = vm.parseJsonUint(forgeries, string.concat(path, ".label"));
            vector.proof = vm.parseJsonBytes(forgeries, string.concat(path, ".proof"));
            proveRanges(vector);
            assertFalse(isAccepted(vector));
        }
    }

    /// @dev The verifier refuses the proof with this word, and takes it again with its own.
    function _refuse(Vector memory vector, uint256 word, uint256 value) private {
        uint256 kept = wordOf(vector.proof, word);
        setWord(vector.proof, word, value);
        // Else a changed commitment would be refused for being unknown.
        if (word < 2) proveRanges(vector);
        assertFalse(isAccepted(vector));
        setWord(vector.proof, word, kept);
    }

    function _setLength(bytes memory proof, uint256 length) private pure {
        assembly {
            mstore(proof, length)
        }
    }
}
