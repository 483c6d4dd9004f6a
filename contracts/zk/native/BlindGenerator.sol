// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title H, the generator that blinds commitments
/// @notice `hash_to_g1(keccak256("pyml.zk.native.generator.v1"))` of `pyml/crypto/bn254_group.py`: its logarithm is unknown to
/// all, and a test derives it again. `BN254Group.pointOf` is the same map.
library BlindGenerator {
    /// @notice Its affine coordinates.
    uint256 internal constant X = 0x01b49e556779635d9d1ce750062402a58fa8207c4eb67ede758f2ef256e79e22;
    uint256 internal constant Y = 0x0981e932133a07af8b3684e69894a705bcfded18879bf79729931a4da2fa5a00;
}
