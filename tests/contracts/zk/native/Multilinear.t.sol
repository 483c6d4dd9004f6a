// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../../contracts/shared/BN254.sol";
import {MaskColumn} from "../../../../contracts/zk/native/MaskColumn.sol";
import {Multilinear} from "../../../../contracts/zk/native/Multilinear.sol";
import {PublicInput} from "../../../../contracts/zk/native/PublicInput.sol";
import {ORDER, Scalar, inversePowerOfTwo, powerOfTwo} from "../../../../contracts/zk/native/Scalar.sol";
import {Words, zeros} from "../../../../contracts/zk/native/Words.sol";
import {ForgeTest} from "../../Forge.sol";

/// @notice The assembly of the verifier's libraries against definitions in plain Solidity, on the same random points.
contract MultilinearTest is ForgeTest {
    using MaskColumn for MaskColumn.Form;

    // Definitions

    function _add(uint256 a, uint256 b) private pure returns (uint256) {
        return addmod(a, b, BN254.SCALAR_FIELD);
    }

    function _mul(uint256 a, uint256 b) private pure returns (uint256) {
        return mulmod(a, b, BN254.SCALAR_FIELD);
    }

    function _not(uint256 a) private pure returns (uint256) {
        return addmod(1, BN254.SCALAR_FIELD - a, BN254.SCALAR_FIELD);
    }

    /// @dev Π (a_i·b_i + (1-a_i)·(1-b_i)).
    function _eq(uint256[] memory a, uint256[] memory b) private pure returns (uint256 product) {
        product = 1;
        for (uint256 i = 0; i < a.length; ++i) {
            product = _mul(product, _add(_mul(a[i], b[i]), _mul(_not(a[i]), _not(b[i]))));
        }
    }

    function _bits(uint256 k, uint256 count) private pure returns (uint256[] memory bits) {
        bits = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            bits[i] = (k >> i) & 1;
        }
    }

    function _power(uint256 x, uint256 exponent) private pure returns (uint256 power) {
        power = 1;
        for (uint256 i = 0; i < exponent; ++i) {
            power = _mul(power, x);
        }
    }

    /// @dev `count` scalars out of a seed.
    function _point(uint256 seed, uint256 count) private pure returns (uint256[] memory plain, Words words) {
        plain = new uint256[](count);
        words = zeros(count);
        for (uint256 i = 0; i < count; ++i) {
            plain[i] = uint256(keccak256(abi.encode(seed, i))) % BN254.SCALAR_FIELD;
            // Corners too, where a reduction that is missing shows.
            if (seed % 7 == 0) plain[i] = BN254.SCALAR_FIELD - 1;
            if (seed % 7 == 1) plain[i] = 0;
            words.set(i, Scalar.wrap(plain[i]));
        }
    }

    function _same(Scalar value, uint256 expected) private pure {
        assertEq(Scalar.unwrap(value), expected);
    }

    // Scalars

    function test_OrderIsThatOfTheField() public pure {
        assertEq(ORDER, BN254.SCALAR_FIELD);
    }

    function testDiff_Arithmetic(uint256 a, uint256 b) public pure {
        a %= ORDER;
        b %= ORDER;
        _same(Scalar.wrap(a) + Scalar.wrap(b), _add(a, b));
        _same(Scalar.wrap(a) * Scalar.wrap(b), _mul(a, b));
        _same(Scalar.wrap(a) - Scalar.wrap(b) + Scalar.wrap(b), a);
    }

    function test_InversesOfPowersOfTwo() public pure {
        for (uint256 i = 0; i <= 28; ++i) {
            _same(inversePowerOfTwo(i) * powerOfTwo(i), 1);
        }
    }

    // Sums over the cube

    function testDiff_Eq(uint256 seed, uint256 count) public pure {
        count = bound(count, 0, 24);
        (uint256[] memory a, Words aWords) = _point(seed, count);
        (uint256[] memory b, Words bWords) = _point(seed / 7, count);
        uint256 expected = _eq(a, b);
        _same(Multilinear.eq(aWords, bWords, count), expected);
        Words suffixes = Multilinear.eqOfSuffixes(aWords, bWords, count);
        _same(suffixes.get(0), expected);
        _same(suffixes.get(count), 1);
        for (uint256 k = 0; k < count; ++k) {
            _same(suffixes.get(k), Scalar.unwrap(Multilinear.eq(aWords.from(k), bWords.from(k), count - k)));
        }
    }

    function testDiff_TableAndIndex(uint256 seed, uint256 count) public pure {
        count = bound(count, 0, 6);
        (uint256[] memory point, Words words) = _point(seed, count);
        Words table = Multilinear.eqTable(words, count);
        uint256 sum = 0;
        for (uint256 k = 0; k < 1 << count; ++k) {
            uint256 expected = _eq(_bits(k, count), point);
            _same(table.get(k), expected);
            _same(Multilinear.eqOfIndex(k, words, count), expected);
            sum = _add(sum, _mul(k, expected));
        }
        _same(Multilinear.index(words, count), sum);
    }

    function testDiff_Below(uint256 seed, uint256 count, uint256 limit) public pure {
        count = bound(count, 0, 6);
        limit = bound(limit, 0, 1 << count);
        (uint256[] memory a, Words aWords) = _point(seed, count);
        (uint256[] memory b, Words bWords) = _point(seed / 7, count);
        uint256[] memory ones = new uint256[](count);
        _same(Multilinear.isBelow(limit, aWords, count), _eqBelow(limit, a, ones, false));
        _same(Multilinear.eqBelow(limit, aWords, bWords, count), _eqBelow(limit, a, b, true));
    }

    /// @dev Σ_{k < limit} eq(k, a), each times eq(k, b) or not.
    function _eqBelow(uint256 limit, uint256[] memory a, uint256[] memory b, bool both)
        private
        pure
        returns (uint256 sum)
    {
        for (uint256 k = 0; k < limit; ++k) {
            uint256[] memory bits = _bits(k, a.length);
            uint256 part = _eq(bits, a);
            if (both) part = _mul(part, _eq(bits, b));
            sum = _add(sum, part);
        }
    }

    function testDiff_InnerAndPowers(uint256 seed, uint256 x, uint256 count) public pure {
        count = bound(count, 1, 24);
        x %= ORDER;
        (uint256[] memory a, Words aWords) = _point(seed, count);
        Words powers = Multilinear.powers(Scalar.wrap(x), count);
        uint256 expected = 0;
        for (uint256 i = 0; i < count; ++i) {
            _same(powers.get(i), _power(x, i));
            expected = _add(expected, _mul(a[i], _power(x, i)));
        }
        _same(Multilinear.inner(aWords, powers, count), expected);
    }

    // Forms

    function testDiff_FormsOnAPublicInput(uint256 seed, uint256 rho, uint256 variables, uint256 d) public pure {
        variables = bound(variables, 0, 6);
        d = bound(d, 1, 1 << variables);
        rho %= ORDER;
        (uint256[] memory sigma, Words words) = _point(seed, variables);
        uint256 all = 0;
        uint256 expected = 0;
        for (uint256 k = 0; k < 1 << variables; ++k) {
            uint256 weight = _mul(_power(rho, k), _eq(_bits(k, variables), sigma));
            all = _add(all, weight);
            if (k >= d) expected = _add(expected, weight);
        }
        (Scalar whole, Scalar beyond) = PublicInput.forms(Scalar.wrap(rho), words, variables, d);
        _same(whole, all);
        _same(beyond, expected);
        _same(PublicInput.lowerPart(Scalar.wrap(7), Scalar.wrap(rho), d) + Scalar.wrap(_power(rho, d)), 7);
    }

    function testDiff_FormOfALibraMask(uint256 seed, uint256 rounds, uint256 degree, uint256 lastDegree) public pure {
        rounds = bound(rounds, 1, 5);
        degree = bound(degree, 2, 5);
        lastDegree = bound(lastDegree, degree, 9);
        uint256 variables = 4 + 3;
        (uint256[] memory sigma, Words words) = _point(seed, variables);
        (uint256[] memory point, Words pointWords) = _point(seed / 7, rounds);
        MaskColumn.Form memory form = MaskColumn.zero(words, variables);
        MaskColumn.Libra memory mask =
            MaskColumn.Libra({row: 2, rounds: rounds, degree: degree, lastDegree: lastDegree});
        form.addLibra(mask, pointWords, Scalar.wrap(3), Scalar.wrap(5));

        _same(form.weight, _libra(sigma, point, degree, lastDegree));
    }

    /// @dev 3·(2^rounds·a + 2^(rounds-1)·Σ p) + 5·(a + Σ p·x^e), entry e of variable t at e + 16·(2 + t).
    function _libra(uint256[] memory sigma, uint256[] memory point, uint256 degree, uint256 lastDegree)
        private
        pure
        returns (uint256 expected)
    {
        uint256 rounds = point.length;
        expected = _mul((3 << rounds) + 5, _eq(_bits(32, sigma.length), sigma));
        for (uint256 t = 0; t < rounds; ++t) {
            for (uint256 e = 1; e <= (t + 1 == rounds ? lastDegree : degree); ++e) {
                uint256 weight = _add(3 << (rounds - 1), _mul(5, _power(point[t], e)));
                expected = _add(expected, _mul(weight, _eq(_bits(e + 16 * (2 + t), sigma.length), sigma)));
            }
        }
    }

    function testDiff_FormOfEntriesAndOfARow(uint256 seed, uint256 count) public pure {
        count = bound(count, 1, 40);
        (uint256[] memory sigma, Words words) = _point(seed, 7);
        (uint256[] memory weights, Words weightWords) = _point(seed / 7, count);
        MaskColumn.Form memory form = MaskColumn.zero(words, 7);
        form.addEntries(1, weightWords, count, Scalar.wrap(11));
        form.addRow(6, Scalar.wrap(13));
        uint256 expected = 0;
        for (uint256 j = 0; j < count; ++j) {
            expected = _add(expected, _mul(11, _mul(weights[j], _eq(_bits(16 + j, 7), sigma))));
        }
        for (uint256 j = 0; j < 16; ++j) {
            expected = _add(expected, _mul(13, _eq(_bits(96 + j, 7), sigma)));
        }
        _same(form.weight, expected);
    }

    function testDiff_FormOnTheCover(uint256 seed, uint256 theta, uint256 count) public pure {
        count = bound(count, 0, 24);
        theta %= ORDER;
        (uint256[] memory sigma, Words words) = _point(seed, count);
        uint256 expected = 1;
        for (uint256 t = 0; t < count; ++t) {
            expected = _add(expected, _mul(_power(theta, t + 1), sigma[t]));
        }
        _same(MaskColumn.cover(Scalar.wrap(theta), words, count), expected);
    }
}
