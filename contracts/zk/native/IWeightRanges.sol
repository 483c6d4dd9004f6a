// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Weight commitments whose entries are proved to be small
/// @notice A proof of accuracy computes with the weights behind a commitment as they are; that they are the integers of the
/// architecture, and nothing lies between or beyond the layers, is shown here once. Anyone may prove any commitment for any
/// architecture; a record says only that someone knew such weights.
interface IWeightRanges {
    /// @notice A network, up to what its numbers are used for.
    /// @param widths d_0 … d_{L+1}: features, hidden layers, classes.
    /// @param weightBits every weight is in [-2^(weightBits-1), 2^(weightBits-1)).
    /// @param tau [τ]_2 of the powers of tau behind the commitment: x imaginary, x real, y imaginary, y real.
    struct Architecture {
        uint32[] widths;
        uint8 weightBits;
        uint256[4] tau;
    }

    /// @notice `prover` showed that the weights behind `commitment` are in range.
    event WeightsProved(bytes32 indexed architecture, bytes32 indexed commitment, address indexed prover);

    /// @notice An architecture has `layers` hidden layers, at most `maximum`, and at least input and output.
    error LayersOutOfRange(uint256 layers, uint256 maximum);
    /// @notice A width is zero, too large, or there are fewer than two classes.
    error WidthOutOfRange(uint256 index, uint256 width);
    /// @notice Weights have 2 to `maximum` bits.
    error WeightBitsOutOfRange(uint256 weightBits, uint256 maximum);
    /// @notice The polynomials of a proof have 2^degree coefficients, `minimum` to `maximum` for this architecture.
    error DegreeOutOfRange(uint256 degree, uint256 minimum, uint256 maximum);
    /// @notice A proof for this architecture and degree has `expected` bytes.
    error ProofLengthMismatch(uint256 expected, uint256 actual);
    /// @notice The commitment is recorded.
    error AlreadyProved(bytes32 architecture, bytes32 commitment);
    /// @notice The proof is false for this sender.
    error InvalidRangeProof(bytes32 architecture, uint256 context);

    /// @notice Records the commitment that a proof begins with, its first 64 bytes.
    /// @param degree n: the proof's polynomials have 2^n coefficients. The record does not depend on it.
    /// @param proof made for `challenge(msg.sender, …)`.
    function prove(Architecture calldata architecture, uint256 degree, bytes calldata proof) external;

    /// @notice Whether a commitment is recorded under an architecture.
    /// @param architecture its `idOf`.
    /// @param commitment keccak256 of the point's 64 bytes, as `ModelRegistry` has it.
    function isProved(bytes32 architecture, bytes32 commitment) external view returns (bool);

    /// @notice The context that a proof by `prover` must carry: `keccak256(abi.encode(PROVE_DOMAIN, chainid, this, prover,
    /// architecture, degree, commitment))` mod the scalar field.
    function challenge(address prover, bytes32 architecture, uint256 degree, bytes32 commitment)
        external
        view
        returns (uint256 context);

    /// @notice `keccak256(abi.encode(ARCHITECTURE_DOMAIN, widths, weightBits, tau))`, all static but the widths.
    function idOf(Architecture calldata architecture) external pure returns (bytes32 id);
}
