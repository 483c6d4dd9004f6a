// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ForgeTest} from "../Forge.sol";
import {ArithmeticHarness} from "./ArithmeticHarness.sol";
import {Schoolbook} from "./Schoolbook.sol";

contract BigModulusTest is ForgeTest {
    uint256 private constant LENGTH = 256;

    ArithmeticHarness private immutable harness = new ArithmeticHarness();

    struct Case {
        bytes a;
        bytes b;
        bytes m;
        bytes product;
        bytes quotient;
    }

    // What Python says (scripts/regenerate_deepchain_arithmetic.py)

    function test_ProductsAreThoseOfPython() public view {
        (string memory json, uint256 count) = _vectors();
        for (uint256 i = 0; i < count; ++i) {
            Case memory vector = _case(json, i);
            (bool right,) = harness.isProduct(vector.product, vector.a, vector.b, vector.m);
            assertTrue(right);
            (right,) = harness.isProduct(vector.product, vector.b, vector.a, vector.m);
            assertTrue(right);
            (right,) = harness.isProductBySchoolbook(vector.product, vector.a, vector.b, vector.m, vector.quotient);
            assertTrue(right);
        }
    }

    function test_OneBitMakesAProductFalse() public view {
        (string memory json, uint256 count) = _vectors();
        for (uint256 i = 0; i < count; ++i) {
            Case memory vector = _case(json, i);
            uint256 bit = (i * 257 + 3) % (8 * vector.product.length);
            vector.product[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
            if (!harness.isBelow(vector.product, vector.m)) continue;
            (bool right,) = harness.isProduct(vector.product, vector.a, vector.b, vector.m);
            assertFalse(right);
        }
    }

    function test_SumsAndDifferencesAreThoseOfPython() public view {
        (string memory json, uint256 count) = _vectors();
        for (uint256 i = 0; i < count; ++i) {
            Case memory vector = _case(json, i);
            string memory key = string.concat(".cases[", vm.toString(i), "]");
            bytes memory sum = vm.parseJsonBytes(json, string.concat(key, ".sum"));
            bytes memory difference = vm.parseJsonBytes(json, string.concat(key, ".difference"));
            assertEq(keccak256(harness.add(vector.a, vector.b, vector.m)), keccak256(sum));
            assertEq(keccak256(harness.subtract(vector.a, vector.b, vector.m)), keccak256(difference));
        }
    }

    // Beside the twin in plain Solidity

    function testDiff_SumsAreThoseOfTheSchoolbook(bytes32 seed) public view {
        (bytes memory a, bytes memory b, bytes memory m) = _drawn(seed);
        uint256[] memory sum = Schoolbook.add(Schoolbook.limbsOf(a), Schoolbook.limbsOf(b), Schoolbook.limbsOf(m));
        bytes memory found = harness.add(a, b, m);
        assertEq(keccak256(found), keccak256(Schoolbook.bytesOf(sum, LENGTH)));
        assertEq(keccak256(harness.subtract(found, b, m)), keccak256(a));
    }

    function testDiff_OrderIsThatOfTheSchoolbook(bytes32 seed, uint8 equalBytes) public view {
        bytes memory a = _number(seed, "a");
        bytes memory b = _number(seed, "b");
        for (uint256 i = 0; i < equalBytes; ++i) {
            b[i] = a[i];
        }
        bool below = Schoolbook.isBelow(Schoolbook.limbsOf(a), Schoolbook.limbsOf(b));
        assertTrue(harness.isBelow(a, b) == below);
        assertFalse(harness.isBelow(a, a));
    }

    /// @dev Numbers of half the length, so that their product needs no quotient.
    function testDiff_ShortProductsAreThoseOfTheSchoolbook(bytes32 seed) public view {
        bytes memory a = _number(seed, "a");
        bytes memory b = _number(seed, "b");
        bytes memory m = _number(seed, "m");
        for (uint256 i = 0; i < LENGTH / 2; ++i) {
            (a[i], b[i]) = (0, 0);
        }
        (m[0], m[LENGTH - 1]) = (0xff, m[LENGTH - 1] | 0x01);
        a[LENGTH / 2] &= 0x7f;
        uint256[] memory product = Schoolbook.multiply(Schoolbook.limbsOf(a), Schoolbook.limbsOf(b), new uint256[](0));
        bytes memory c = Schoolbook.bytesOf(product, LENGTH);
        (bool right,) = harness.isProduct(c, a, b, m);
        assertTrue(right);
        c[LENGTH - 1] ^= 0x01;
        (right,) = harness.isProduct(c, a, b, m);
        assertFalse(right);
    }

    // Laws

    function testFuzz_ProductsDistributeOverSums(bytes32 seed) public view {
        (bytes memory a, bytes memory b, bytes memory m) = _drawn(seed);
        bytes memory c = harness.reduce(_number(seed, "c"), m);
        bytes memory left = harness.fourfoldProduct(harness.add(a, c, m), b, m);
        bytes memory right = harness.add(harness.fourfoldProduct(a, b, m), harness.fourfoldProduct(c, b, m), m);
        assertEq(keccak256(left), keccak256(right));
    }

    function testFuzz_SquareIsTheProductWithItself(bytes32 seed) public view {
        (bytes memory a,, bytes memory m) = _drawn(seed);
        (bytes memory squared,) = harness.square(a, m);
        (bool right,) = harness.isProduct(squared, a, a, m);
        assertTrue(right);
        assertEq(keccak256(harness.timesPowerOfTwo(squared, 2, m)), keccak256(harness.fourfoldProduct(a, a, m)));
    }

    function testFuzz_PowersOfTwoAreDoublings(bytes32 seed, uint8 doublings) public view {
        (bytes memory a,, bytes memory m) = _drawn(seed);
        bytes memory expected = a;
        for (uint256 i = 0; i < doublings % 40; ++i) {
            expected = harness.add(expected, expected, m);
        }
        assertEq(keccak256(harness.timesPowerOfTwo(a, doublings % 40, m)), keccak256(expected));
    }

    function testFuzz_OneIsNeutral(bytes32 seed) public view {
        (bytes memory a,, bytes memory m) = _drawn(seed);
        (bool right,) = harness.isProduct(a, a, harness.one(LENGTH), m);
        assertTrue(right);
        assertFalse(harness.isZero(harness.one(LENGTH)));
        assertTrue(harness.isZero(new bytes(LENGTH)));
    }

    function _vectors() private view returns (string memory json, uint256 count) {
        json = vm.readFile("tests/vectors/deepchain_arithmetic.json");
        count = vm.parseJsonUint(json, ".count");
        assertTrue(count >= 60);
    }

    function _case(string memory json, uint256 index) private pure returns (Case memory vector) {
        string memory key = string.concat(".cases[", vm.toString(index), "]");
        vector.a = vm.parseJsonBytes(json, string.concat(key, ".a"));
        vector.b = vm.parseJsonBytes(json, string.concat(key, ".b"));
        vector.m = vm.parseJsonBytes(json, string.concat(key, ".m"));
        vector.product = vm.parseJsonBytes(json, string.concat(key, ".product"));
        vector.quotient = vm.parseJsonBytes(json, string.concat(key, ".quotient"));
    }

    /// @dev Two numbers below an odd modulus.
    function _drawn(bytes32 seed) private view returns (bytes memory a, bytes memory b, bytes memory m) {
        m = _number(seed, "m");
        m[LENGTH - 1] |= 0x01;
        (a, b) = (harness.reduce(_number(seed, "a"), m), harness.reduce(_number(seed, "b"), m));
    }

    function _number(bytes32 seed, string memory name) private pure returns (bytes memory number) {
        for (uint256 i = 0; i < LENGTH / 32; ++i) {
            number = bytes.concat(number, keccak256(abi.encode(seed, name, i)));
        }
    }
}
