// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Multiplication as it is taught, in plain Solidity: the twin of `BigModulus`, and the other way to check a
/// product on chain. Numbers are big-endian; limbs have 128 bits, the lowest first.
library Schoolbook {
    uint256 private constant LIMB = 1 << 128;

    /// @dev Whether quotient·m + c = a·b and c < m.
    function isProduct(bytes memory c, bytes memory a, bytes memory b, bytes memory m, bytes memory quotient)
        internal
        pure
        returns (bool)
    {
        uint256[] memory left = multiply(limbsOf(quotient), limbsOf(m), limbsOf(c));
        uint256[] memory right = multiply(limbsOf(a), limbsOf(b), new uint256[](0));
        return isBelow(limbsOf(c), limbsOf(m)) && keccak256(abi.encode(left)) == keccak256(abi.encode(right));
    }

    /// @dev x·y + z, for x and y with as many limbs.
    function multiply(uint256[] memory x, uint256[] memory y, uint256[] memory z)
        internal
        pure
        returns (uint256[] memory sum)
    {
        sum = new uint256[](x.length + y.length + 1);
        for (uint256 i = 0; i < z.length; ++i) {
            sum[i] = z[i];
        }
        for (uint256 i = 0; i < x.length; ++i) {
            uint256 carry = 0;
            for (uint256 j = 0; j < y.length; ++j) {
                // (2^128 - 1)^2 + 2·(2^128 - 1) is below 2^256.
                uint256 value = x[i] * y[j] + sum[i + j] + carry;
                (sum[i + j], carry) = (value % LIMB, value / LIMB);
            }
            for (uint256 k = i + y.length; carry != 0; ++k) {
                uint256 value = sum[k] + carry;
                (sum[k], carry) = (value % LIMB, value / LIMB);
            }
        }
    }

    /// @dev (x + y) mod m for x, y < m, limb by limb.
    function add(uint256[] memory x, uint256[] memory y, uint256[] memory m) internal pure returns (uint256[] memory) {
        uint256[] memory sum = new uint256[](x.length + 1);
        uint256 carry = 0;
        for (uint256 i = 0; i < x.length; ++i) {
            uint256 value = x[i] + y[i] + carry;
            (sum[i], carry) = (value % LIMB, value / LIMB);
        }
        sum[x.length] = carry;
        return carry == 0 && isBelow(sum, m) ? sum : subtract(sum, m);
    }

    /// @dev x - y, which is not negative; the shorter of the two is filled up.
    function subtract(uint256[] memory x, uint256[] memory y) internal pure returns (uint256[] memory difference) {
        difference = new uint256[](x.length);
        uint256 borrow = 0;
        for (uint256 i = 0; i < x.length; ++i) {
            uint256 taken = (i < y.length ? y[i] : 0) + borrow;
            borrow = x[i] < taken ? 1 : 0;
            difference[i] = x[i] + borrow * LIMB - taken;
        }
    }

    function isBelow(uint256[] memory x, uint256[] memory y) internal pure returns (bool) {
        uint256 length = x.length > y.length ? x.length : y.length;
        for (uint256 i = length; i > 0; --i) {
            uint256 left = i <= x.length ? x[i - 1] : 0;
            uint256 right = i <= y.length ? y[i - 1] : 0;
            if (left != right) return left < right;
        }
        return false;
    }

    function limbsOf(bytes memory number) internal pure returns (uint256[] memory limbs) {
        limbs = new uint256[](number.length / 16);
        for (uint256 i = 0; i < number.length; ++i) {
            uint256 place = number.length - 1 - i;
            limbs[place / 16] |= uint256(uint8(number[i])) << (8 * (place % 16));
        }
    }

    function bytesOf(uint256[] memory limbs, uint256 length) internal pure returns (bytes memory number) {
        number = new bytes(length);
        for (uint256 place = 0; place < length; ++place) {
            number[length - 1 - place] = bytes1(uint8(limbs[place / 16] >> (8 * (place % 16))));
        }
    }
}
