// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BN254} from "../shared/BN254.sol";

/// @title The Fiat-Shamir challenge of a gated proof
/// @notice The circuits check their matrix products at one random point rho, a public input. The contract recomputes
/// rho from the commitments that the proof opens, so it cannot be chosen after or together with the tensors, and from
/// the whole statement, so the proof serves one prover, one purpose, one contract and one chain.
library Challenge {
    /// @notice `keccak256(abi.encode(domain, block.chainid, address(this), prover, ...statement, pointsHash))` as a
    /// scalar.
    /// @param statement `abi.encode` of static fields, so that the concatenation is the flat encoding above.
    /// @param pointsHash keccak256 of the proof's committed and witness points.
    function derive(bytes32 domain, address prover, bytes memory statement, bytes32 pointsHash)
        internal
        view
        returns (uint256 rho)
    {
        bytes memory context = abi.encode(domain, block.chainid, address(this), prover);
        return BN254.toScalar(keccak256(bytes.concat(context, statement, pointsHash)));
    }

    /// @notice The public inputs of a gated circuit: rho, `checks` zeros, and the result. A circuit's checks are
    /// differences that vanish exactly when the claimed products are right; a caller cannot supply anything else.
    function instances(uint256 rho, uint256 checks, uint256 result) internal pure returns (uint256[] memory inputs) {
        inputs = new uint256[](checks + 2);
        inputs[0] = rho;
        inputs[checks + 1] = result;
    }

    /// @notice The public inputs of a circuit that also shows a public input's polynomial at rho.
    function instances(uint256 rho, uint256 checks, uint256 evaluation, uint256 result)
        internal
        pure
        returns (uint256[] memory inputs)
    {
        inputs = new uint256[](checks + 3);
        inputs[0] = rho;
        inputs[checks + 1] = evaluation;
        inputs[checks + 2] = result;
    }
}
