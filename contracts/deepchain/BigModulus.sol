// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Multiplication modulo a number of hundreds of bytes
/// @notice Numbers are big-endian, and all of a call are as long as the modulus, a multiple of 32 bytes.
/// @dev The EVM has a precompile for powers (EIP-198), and none for products; so a product is taken from two squares:
///
///     4·a·b = (a + b)² − (a − b)²        modulo an odd number
///
/// bench/results/deepchain_gas.json has it beside a schoolbook check of q·m + r = a·b with a claimed quotient, which is
/// dearer. Loops run over words of memory that Solidity cannot reach without bounds checks; the twin in plain
/// Solidity is `tests/contracts/deepchain/Schoolbook.sol`.
library BigModulus {
    /// @notice The precompile did not answer: too little gas.
    error PowerFailed();

    /// @notice Whether a < b.
    function isBelow(bytes memory a, bytes memory b) internal pure returns (bool below) {
        // Reads `a.length` bytes of both, which are as long.
        assembly ("memory-safe") {
            let end := add(a, mload(a))
            for { let left := a } lt(left, end) {} {
                left := add(left, 0x20)
                let x := mload(left)
                let y := mload(add(b, sub(left, a)))
                if xor(x, y) {
                    below := lt(x, y)
                    left := end
                }
            }
        }
    }

    /// @notice Whether a = 0.
    function isZero(bytes memory a) internal pure returns (bool) {
        uint256 seen = 0;
        // Reads `a.length` bytes.
        assembly ("memory-safe") {
            let end := add(a, mload(a))
            for { let at := a } lt(at, end) {} {
                at := add(at, 0x20)
                seen := or(seen, mload(at))
            }
        }
        return seen == 0;
    }

    /// @notice 1, as long as `length`.
    function one(uint256 length) internal pure returns (bytes memory number) {
        number = new bytes(length);
        number[length - 1] = 0x01;
    }

    /// @notice a² modulo m.
    function square(bytes memory a, bytes memory m) internal view returns (bytes memory) {
        return _power(a, 2, m);
    }

    /// @notice The rest of a modulo m.
    function reduce(bytes memory a, bytes memory m) internal view returns (bytes memory) {
        return isBelow(a, m) ? a : _power(a, 1, m);
    }

    /// @notice Whether c = a·b modulo m, for a, b, c < m and odd m.
    function isProduct(bytes memory c, bytes memory a, bytes memory b, bytes memory m) internal view returns (bool) {
        return keccak256(fourfoldProduct(a, b, m)) == keccak256(timesPowerOfTwo(c, 2, m));
    }

    /// @notice 4·a·b modulo m, for a, b < m.
    function fourfoldProduct(bytes memory a, bytes memory b, bytes memory m) internal view returns (bytes memory) {
        return subtract(square(add(a, b, m), m), square(subtract(a, b, m), m), m);
    }

    /// @notice 2^doublings · a modulo m, for a < m.
    function timesPowerOfTwo(bytes memory a, uint256 doublings, bytes memory m) internal view returns (bytes memory) {
        // Eight at once, by a byte of zeros behind the number.
        if (doublings >= 8) a = _power(bytes.concat(a, new bytes(doublings / 8)), 1, m);
        for (uint256 i = 0; i < doublings % 8; ++i) {
            a = add(a, a, m);
        }
        return a;
    }

    /// @notice a + b modulo m, for a, b < m.
    function add(bytes memory a, bytes memory b, bytes memory m) internal pure returns (bytes memory sum) {
        sum = new bytes(m.length);
        if (_add(sum, a, b) != 0 || !isBelow(sum, m)) _subtract(sum, sum, m);
    }

    /// @notice a − b modulo m, for a, b < m.
    function subtract(bytes memory a, bytes memory b, bytes memory m) internal pure returns (bytes memory difference) {
        difference = new bytes(m.length);
        if (_subtract(difference, a, b) != 0) _add(difference, difference, m);
    }

    /// @dev Writes a + b to `sum`, modulo 2^(8·length); wraps word by word, which the carries make up for.
    function _add(bytes memory sum, bytes memory a, bytes memory b) private pure returns (uint256 carry) {
        // Reads and writes `sum.length` bytes of each, from the last word to the first.
        assembly ("memory-safe") {
            for { let at := mload(sum) } at { at := sub(at, 0x20) } {
                let x := mload(add(a, at))
                let y := add(x, mload(add(b, at)))
                let z := add(y, carry)
                carry := or(lt(y, x), lt(z, y))
                mstore(add(sum, at), z)
            }
        }
    }

    /// @dev Writes a − b to `difference`, modulo 2^(8·length).
    function _subtract(bytes memory difference, bytes memory a, bytes memory b) private pure returns (uint256 borrow) {
        // Reads and writes `difference.length` bytes of each, from the last word to the first.
        assembly ("memory-safe") {
            for { let at := mload(difference) } at { at := sub(at, 0x20) } {
                let x := mload(add(a, at))
                let y := mload(add(b, at))
                let z := sub(x, y)
                mstore(add(difference, at), sub(z, borrow))
                borrow := or(lt(x, y), lt(z, borrow))
            }
        }
    }

    /// @dev base^exponent modulo m, for an exponent of one byte.
    function _power(bytes memory base, uint8 exponent, bytes memory m) private view returns (bytes memory result) {
        bytes memory input = abi.encodePacked(base.length, uint256(1), m.length, base, exponent, m);
        result = new bytes(m.length);
        bool answered = false;
        // Precompile 5 computes powers. Reads `input`, and writes the `m.length` bytes of `result`.
        assembly ("memory-safe") {
            answered := staticcall(gas(), 5, add(input, 0x20), mload(input), add(result, 0x20), mload(result))
        }
        if (!answered) revert PowerFailed();
    }
}
