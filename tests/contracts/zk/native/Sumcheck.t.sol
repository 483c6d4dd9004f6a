// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254Group} from "../../../../contracts/deepchain/BN254Group.sol";
import {BN254} from "../../../../contracts/shared/BN254.sol";
import {BlindGenerator} from "../../../../contracts/zk/native/BlindGenerator.sol";
import {PointSum} from "../../../../contracts/zk/native/PointSum.sol";
import {ProofReader} from "../../../../contracts/zk/native/ProofReader.sol";
import {Scalar} from "../../../../contracts/zk/native/Scalar.sol";
import {Sumcheck} from "../../../../contracts/zk/native/Sumcheck.sol";
import {Words, zeros} from "../../../../contracts/zk/native/Words.sol";
import {ForgeTest} from "../../Forge.sol";

contract BlindGeneratorHarness {
    function pointOf(bytes32 seed, uint256[2] calldata hint) external pure returns (uint256[2] memory) {
        return BN254Group.pointOf(seed, hint);
    }
}

/// @notice Reading a proof, rounds and sums of points, each against the same in plain Solidity.
contract SumcheckTest is ForgeTest {
    using PointSum for PointSum.Sum;
    using ProofReader for ProofReader.Reader;

    uint256 private constant FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    function _words(uint256 seed, uint256 count) private pure returns (bytes memory words) {
        for (uint256 i = 0; i < count; ++i) {
            words = abi.encodePacked(words, uint256(keccak256(abi.encode(seed, i))) % BN254.SCALAR_FIELD);
        }
    }

    function _word(bytes memory words, uint256 index) private pure returns (uint256 word) {
        assembly {
            word := mload(add(add(words, 32), mul(index, 32)))
        }
    }

    /// @dev One round by its definition: c_1 from the claim, then Σ c_k·x^k.
    function _round(bytes memory proof, uint256 first, uint256 degree, uint256 claim, uint256 x)
        private
        pure
        returns (uint256 value)
    {
        uint256 q = BN254.SCALAR_FIELD;
        uint256 linear = addmod(claim, 2 * (q - _word(proof, first)), q);
        uint256 power = x;
        value = _word(proof, first);
        for (uint256 k = 2; k <= degree; ++k) {
            uint256 c = _word(proof, first + k - 1);
            linear = addmod(linear, q - c, q);
            power = mulmod(power, x, q);
            value = addmod(value, mulmod(c, power, q), q);
        }
        return addmod(value, mulmod(linear, x, q), q);
    }

    function testDiff_Rounds(uint256 seed, uint256 degree, uint256 rounds, uint256 claim) public pure {
        degree = bound(degree, 2, 8);
        rounds = bound(rounds, 0, 5);
        claim %= BN254.SCALAR_FIELD;
        bytes memory proof = _words(seed, degree * rounds);
        bytes32 hash = keccak256(proof);
        bytes32 state = keccak256(abi.encode(seed));
        ProofReader.Reader memory reader = ProofReader.open(proof, state);
        Words point = zeros(rounds);
        Scalar value = Sumcheck.run(reader, Scalar.wrap(claim), rounds, degree, point);

        for (uint256 i = 0; i < rounds; ++i) {
            bytes memory message;
            for (uint256 j = 0; j < degree; ++j) {
                message = abi.encodePacked(message, _word(proof, i * degree + j));
            }
            state = keccak256(abi.encodePacked(state, message));
            uint256 x = uint256(state) % BN254.SCALAR_FIELD;
            assertEq(Scalar.unwrap(point.get(i)), x);
            claim = _round(proof, i * degree, degree, claim, x);
        }
        assertEq(Scalar.unwrap(value), claim);
        assertEq(reader.state, uint256(state));
        assertTrue(reader.isValid);
        // The proof is as it was, its length too.
        assertEq(keccak256(proof), hash);
    }

    function testFuzz_AnyCoefficientAtOrAboveTheModulusIsInvalid(uint256 degree, uint256 place, uint256 word)
        public
        pure
    {
        degree = bound(degree, 2, 8);
        place = bound(place, 0, 3 * degree - 1);
        word = bound(word, BN254.SCALAR_FIELD, type(uint256).max);
        bytes memory proof = _words(1, 3 * degree);
        assembly {
            mstore(add(add(proof, 32), mul(place, 32)), word)
        }
        ProofReader.Reader memory reader = ProofReader.open(proof, 0);
        Sumcheck.run(reader, Scalar.wrap(0), 3, degree, zeros(3));
        assertFalse(reader.isValid);
    }

    function testDiff_MessagesAreHashedInOrder(uint256 seed) public pure {
        bytes memory proof = _words(seed, 9);
        ProofReader.Reader memory reader = ProofReader.open(proof, bytes32(seed));
        bytes32 state = bytes32(seed);
        Words points = reader.readPoints(2);
        assertEq(points.wordAt(3), _word(proof, 3));
        state = keccak256(abi.encodePacked(state, _word(proof, 0), _word(proof, 1), _word(proof, 2), _word(proof, 3)));
        assertEq(Scalar.unwrap(reader.challenge()), uint256(state) % BN254.SCALAR_FIELD);
        state = keccak256(abi.encodePacked(state));
        assertEq(Scalar.unwrap(reader.squeeze()), uint256(state) % BN254.SCALAR_FIELD);
        Words more = zeros(2);
        reader.squeezeMany(more, 2);
        state = keccak256(abi.encodePacked(keccak256(abi.encodePacked(state))));
        assertEq(Scalar.unwrap(more.get(1)), uint256(state) % BN254.SCALAR_FIELD);
        assertEq(Scalar.unwrap(reader.readScalars(3).get(2)), _word(proof, 6));
        state = keccak256(abi.encodePacked(state, _word(proof, 4), _word(proof, 5), _word(proof, 6)));
        reader.readHints(2);
        assertEq(reader.state, uint256(state));
        assertTrue(reader.isValid);
    }

    function test_APointMayHaveOneZeroButNotTwo() public pure {
        bytes memory proof = abi.encode(uint256(0), uint256(1), uint256(1), uint256(0), uint256(0), uint256(0));
        ProofReader.Reader memory reader = ProofReader.open(proof, 0);
        reader.readPoints(2);
        assertTrue(reader.isValid);
        reader.readPoints(1);
        assertFalse(reader.isValid);
    }

    // Points

    function test_BlindGeneratorIsTheHashOfItsName() public {
        BlindGeneratorHarness harness = new BlindGeneratorHarness();
        bytes32 seed = keccak256("pyml.zk.native.generator.v1");
        uint256 counter = 0;
        while (uint256(keccak256(abi.encode(seed, counter))) % FIELD != BlindGenerator.X) ++counter;
        uint256[2] memory point = harness.pointOf(seed, [counter, BlindGenerator.Y]);
        assertEq(point[0], BlindGenerator.X);
        // No lower counter leads to a point: the cube plus three is no square.
        for (uint256 lower = 0; lower < counter; ++lower) {
            uint256 x = uint256(keccak256(abi.encode(seed, lower))) % FIELD;
            assertTrue(_power(addmod(mulmod(mulmod(x, x, FIELD), x, FIELD), 3, FIELD), (FIELD - 1) / 2) == FIELD - 1);
        }
    }

    function testDiff_SumsOfMultiples(uint256 a, uint256 b) public view {
        PointSum.Sum memory sum = PointSum.empty();
        sum.add(1, 2, Scalar.wrap(a % BN254.SCALAR_FIELD));
        sum.add(BlindGenerator.X, BlindGenerator.Y, Scalar.wrap(b % BN254.SCALAR_FIELD));
        uint256[2] memory h = [BlindGenerator.X, BlindGenerator.Y];
        uint256[2] memory expected = BN254Group.add(
            BN254Group.multiply([uint256(1), 2], a % BN254.SCALAR_FIELD), BN254Group.multiply(h, b % BN254.SCALAR_FIELD)
        );
        assertTrue(sum.isValid);
        assertEq(sum.x, expected[0]);
        assertEq(sum.y, expected[1]);
    }

    /// @dev Coordinates above the modulus and points off the curve: EIP-196 has the precompiles refuse both.
    function test_ASumWithAWrongPointIsInvalidForGood() public view {
        uint256[2][4] memory wrong = [[uint256(1), 3], [FIELD + 1, 2], [uint256(1), FIELD + 2], [uint256(0), 1]];
        for (uint256 i = 0; i < 4; ++i) {
            PointSum.Sum memory sum = PointSum.empty();
            sum.add(wrong[i][0], wrong[i][1], Scalar.wrap(i));
            assertFalse(sum.isValid);
            sum.add(1, 2, Scalar.wrap(1));
            assertFalse(sum.isValid);
        }
    }

    function _power(uint256 x, uint256 exponent) private pure returns (uint256 power) {
        power = 1;
        for (; exponent != 0; exponent >>= 1) {
            if (exponent & 1 == 1) power = mulmod(power, x, FIELD);
            x = mulmod(x, x, FIELD);
        }
    }
}
