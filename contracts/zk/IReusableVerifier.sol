// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The one function used of ezkl's reusable verifier
/// @dev The generated function is declared to return `(bool, bytes32, int256[])`, but it returns the array without the
/// offset that the ABI asks for. Only the first two words are declared and read here. It writes no storage.
interface IReusableVerifier {
    function verifyProof(bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        view
        returns (bool valid, bytes32 vkaDigest);
}
