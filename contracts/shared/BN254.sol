// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The scalar field of BN254, in which circuits compute
/// @notice A public input is an element of this field. Two integers that differ by the modulus are the same input to
/// a circuit and different values to a contract, so nothing at or above the modulus may reach a verifier.
library BN254 {
    /// @notice The order of the group G1: EIP-196's curve order, 36u^4 + 36u^3 + 18u^2 + 6u + 1 for u =
    /// 4965661367192848881.
    uint256 internal constant SCALAR_FIELD =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice `value` is at or above the modulus.
    error NotInScalarField(uint256 value);

    /// @notice Reverts unless `value` is the canonical representative of a field element.
    function requireScalar(uint256 value) internal pure {
        if (value >= SCALAR_FIELD) revert NotInScalarField(value);
    }

    /// @notice A digest as a field element. An element has five or six preimages among 2^256 digests, so its
    /// probability is at most 6/2^256 < 1.14/SCALAR_FIELD.
    function toScalar(bytes32 digest) internal pure returns (uint256) {
        return uint256(digest) % SCALAR_FIELD;
    }
}
