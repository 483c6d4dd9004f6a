// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The leading commitments of a proof
/// @notice A halo2 proof begins with curve points: point `i` is the 64 bytes `[64i, 64i + 64)`, x then y, big-endian.
/// The first ones commit to the circuit's private tensors. Their hash stands for those tensors on chain.
/// @dev Hashing raw bytes is sound because the verifier accepts canonical coordinates of points on the curve only, so
/// a point that it accepts has one encoding.
library ProofPoints {
    /// @notice Bytes of one uncompressed point.
    uint256 internal constant POINT_BYTES = 64;

    /// @notice The proof has `length` bytes, and the points asked for end at byte `required`.
    error ProofTooShort(uint256 length, uint256 required);

    /// @notice keccak256 of the points `[first, first + count)`.
    function hashPoints(bytes calldata proof, uint256 first, uint256 count) internal pure returns (bytes32) {
        uint256 end = (first + count) * POINT_BYTES;
        if (proof.length < end) revert ProofTooShort(proof.length, end);
        return keccak256(proof[first * POINT_BYTES:end]);
    }
}
