// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Points and signatures of secp256k1, as far as the EVM's `ecrecover` goes
/// @notice Curve: SEC 2 v2.0, section 2.4.1. Signatures with a high `s` are refused (EIP-2), so that one signature has
/// one form. `pyml.crypto.secp256k1` is the twin.
library Secp256k1 {
    /// @notice The field's modulus, `2**256 - 2**32 - 977`.
    uint256 internal constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    /// @notice Half of the group's order, rounded down: the greatest `s` that is accepted.
    uint256 internal constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Whether the numbers are the coordinates of a point of the curve.
    function isPoint(uint256 x, uint256 y) internal pure returns (bool) {
        return x < P && y < P && mulmod(y, y, P) == addmod(mulmod(mulmod(x, x, P), x, P), 7, P);
    }

    /// @notice The address of the account whose public key this point is.
    function addressOf(uint256 x, uint256 y) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    /// @notice The account whose signature of the digest this is; zero if it is nobody's, `v` is neither 27 nor 28, or
    /// `s` is high.
    function recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s) internal pure returns (address) {
        if ((v != 27 && v != 28) || uint256(s) > HALF_ORDER) return address(0);
        return ecrecover(digest, v, r, s);
    }
}
