// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The one function of ezkl's verifier for a single circuit
/// @dev The generated function is not declared `view`, but it writes no storage.
interface IDedicatedVerifier {
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool valid);
}
