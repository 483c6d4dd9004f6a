// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The groups of BN254, by the precompiles of EIP-196 and EIP-197
/// @notice Points of G1 are two words, points of G2 four: imaginary part first, x before y. The point at infinity is zeros.
library BN254Group {
    /// @notice Modulus of coordinates: 36u^4 + 36u^3 + 24u^2 + 6u + 1 for u = 4965661367192848881 (EIP-196).
    uint256 internal constant FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    /// @notice At how many counters a hash may become a point; all of them fail with probability 2^-256.
    uint256 internal constant MAX_COUNTER = 256;

    /// @notice A precompile refused its input: no point of the group, or too little gas.
    error PointInvalid();
    /// @notice The hint is not that of a point.
    error HintInvalid(uint256 counter, uint256 y);

    /// @notice g1.
    function generator() internal pure returns (uint256[2] memory) {
        return [uint256(1), 2];
    }

    /// @notice The point with x = keccak256(seed ‖ counter) mod q and even y, if that lies on the curve. Nobody knows its
    /// logarithm. `counter` should be the least that leads to a point; another names another such point.
    /// @param hint counter, and y: a root that is checked is cheaper than one that is taken.
    function pointOf(bytes32 seed, uint256[2] calldata hint) internal pure returns (uint256[2] memory point) {
        uint256 y = hint[1];
        uint256 x = uint256(keccak256(abi.encode(seed, hint[0]))) % FIELD;
        bool isOnCurve = mulmod(y, y, FIELD) == addmod(mulmod(mulmod(x, x, FIELD), x, FIELD), 3, FIELD);
        if (hint[0] >= MAX_COUNTER || y >= FIELD || y % 2 == 1 || !isOnCurve) revert HintInvalid(hint[0], y);
        return [x, y];
    }

    /// @notice a + b.
    function add(uint256[2] memory a, uint256[2] memory b) internal view returns (uint256[2] memory) {
        (bool done, bytes memory sum) = address(6).staticcall(abi.encode(a, b));
        if (!done || sum.length != 64) revert PointInvalid();
        return abi.decode(sum, (uint256[2]));
    }

    /// @notice scalar · a.
    function multiply(uint256[2] memory a, uint256 scalar) internal view returns (uint256[2] memory) {
        (bool done, bytes memory product) = address(7).staticcall(abi.encode(a, scalar));
        if (!done || product.length != 64) revert PointInvalid();
        return abi.decode(product, (uint256[2]));
    }

    /// @notice Whether e(a, g2) = e(b, key).
    function arePaired(uint256[2] memory a, uint256[2] memory b, uint256[4] memory key) internal view returns (bool) {
        uint256[2] memory negative = [b[0], (FIELD - b[1]) % FIELD];
        return _isOne(abi.encode(a, _generator2(), negative, key));
    }

    /// @notice Whether this is an element of G2, and not the point at infinity.
    function isKey(uint256[4] memory key) internal view returns (bool) {
        if (key[0] | key[1] | key[2] | key[3] == 0) return false;
        (bool done, bytes memory result) = address(8).staticcall(abi.encode(uint256(0), uint256(0), key));
        return done && result.length == 32;
    }

    function _isOne(bytes memory pairs) private view returns (bool) {
        (bool done, bytes memory result) = address(8).staticcall(pairs);
        if (!done || result.length != 32) revert PointInvalid();
        return abi.decode(result, (uint256)) == 1;
    }

    /// @dev g2 of EIP-197.
    function _generator2() private pure returns (uint256[4] memory) {
        return [
            11559732032986387107991004021392285783925812861821192530917403151452391805634,
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            4082367875863433681332203403145435568316851327593401208105741076214120093531,
            8495653923123431417604973247489272438418190587263600148770280649306958101930
        ];
    }
}
