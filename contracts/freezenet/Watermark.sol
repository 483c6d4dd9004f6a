// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The watermark of a FreezeNet round
/// @notice A bound seed gives codes, and an invertible permutation P of a kernel's positions says where they lie:
/// position P(r) holds code r if r is below the kernel's share, and the miner's free weight r less that share
/// otherwise. Anybody can so tell what must stand at one position, without the rest.
/// @dev P is a generalised Feistel network of eight rounds on Z_a x Z_b, a = ceil(sqrt(n)), b = ceil(n / a), with
/// x = l * b + r, repeated while x is n or more:
///
///     round k even: l = (l + F_k(r)) mod a        F_k(v) = uint256(keccak256(seed ‖ uint256((k + 1) << 64 | v)))
///     round k odd:  r = (r + F_k(l)) mod b
///
/// The repetition ends: x runs through a cycle of a permutation of [0, a * b), which began below n and so returns
/// there, after at most a * b - n + 1 <= a passes. One pass suffices but for about one position in sqrt(n).
///
/// Words for other uses have other counters: 1 << 128 | i for codes, 2 << 128 | t for the seed of tensor t.
/// `pyml.freezenet` is the twin of this library.
library Watermark {
    /// @notice The positions [0, n) of a kernel, as part of a grid of `a` rows and `b` columns.
    struct Domain {
        uint256 n;
        uint256 a;
        uint256 b;
    }

    /// @notice Largest n.
    uint256 internal constant MAX_SIZE = (1 << 63) - 1;
    /// @notice Begins what a seed is the hash of.
    string internal constant DOMAIN = "freezenet/v1";

    uint256 private constant CODE_SPACE = 1 << 128;
    uint256 private constant TENSOR_SPACE = 2 << 128;

    /// @notice A permutation has from one to `maximum` positions.
    error SizeOutOfRange(uint256 n, uint256 maximum);
    /// @notice There are positions below `n` only.
    error PositionOutOfRange(uint256 position, uint256 n);
    /// @notice A network has tensors below `maximum` only.
    error TensorOutOfRange(uint256 tensor, uint256 maximum);

    /// @notice The seed of a miner's watermark in a round, bound to the chain and to the calling contract.
    /// @param beacon the hash of the block that opened the round.
    /// @param length codes of all kernels together.
    function boundSeed(
        uint256 taskId,
        uint256 round,
        bytes32 beacon,
        address miner,
        uint256 length,
        bytes32 architectureHash
    ) internal view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN, block.chainid, address(this), taskId, round, beacon, miner, length, architectureHash)
        );
    }

    /// @notice The seed of one tensor's permutation and codes.
    /// @param tensor counted from zero.
    function tensorSeed(bytes32 seed, uint256 tensor) internal pure returns (bytes32) {
        if (tensor >> 64 != 0) revert TensorOutOfRange(tensor, 1 << 64);
        return bytes32(_word(seed, TENSOR_SPACE | tensor));
    }

    /// @notice The domain of a permutation of `n` positions: worth keeping where several are asked for.
    function domainOf(uint256 n) internal pure returns (Domain memory domain) {
        if (n == 0 || n > MAX_SIZE) revert SizeOutOfRange(n, MAX_SIZE);
        domain.n = n;
        domain.a = Math.sqrt(n, Math.Rounding.Ceil);
        domain.b = Math.ceilDiv(n, domain.a);
    }

    /// @notice P(index), where code or free weight `index` lies.
    function position(bytes32 seed, Domain memory domain, uint256 index) internal pure returns (uint256 x) {
        (uint256 n, uint256 a, uint256 b) = _unpack(domain, index);
        x = index;
        // In Solidity each hash, remainder and sum of the eight rounds would be a call of a function of its own, which
        // doubles their price. Halves are below a and b, at most 2^32; `addmod` adds in full. Here k is (k + 1) << 64.
        assembly ("memory-safe") {
            mstore(0x00, seed)
            for {} 1 {} {
                let l := div(x, b)
                let r := mod(x, b)
                for { let k := shl(64, 1) } lt(k, shl(64, 9)) { k := add(k, shl(64, 2)) } {
                    mstore(0x20, or(k, r))
                    l := addmod(l, keccak256(0x00, 0x40), a)
                    mstore(0x20, or(add(k, shl(64, 1)), l))
                    r := addmod(r, keccak256(0x00, 0x40), b)
                }
                x := add(mul(l, b), r)
                if lt(x, n) { break }
            }
        }
    }

    /// @notice The index r with P(r) = `place`: below the kernel's share it is a code's, else a free weight's.
    function indexAt(bytes32 seed, Domain memory domain, uint256 place) internal pure returns (uint256 x) {
        (uint256 n, uint256 a, uint256 b) = _unpack(domain, place);
        x = place;
        // As above, backwards; a remainder is below its modulus, so no difference is negative.
        assembly ("memory-safe") {
            mstore(0x00, seed)
            for {} 1 {} {
                let l := div(x, b)
                let r := mod(x, b)
                for { let k := shl(64, 8) } k { k := sub(k, shl(64, 2)) } {
                    mstore(0x20, or(k, l))
                    r := addmod(r, sub(b, mod(keccak256(0x00, 0x40), b)), b)
                    mstore(0x20, or(sub(k, shl(64, 1)), r))
                    l := addmod(l, sub(a, mod(keccak256(0x00, 0x40), a)), a)
                }
                x := add(mul(l, b), r)
                if lt(x, n) { break }
            }
        }
    }

    /// @notice Codes 32 * `index` to 32 * `index` + 31, code i in bits 8 * (i % 32) and up.
    function codeWord(bytes32 seed, uint256 index) internal pure returns (uint256) {
        return _word(seed, CODE_SPACE | index);
    }

    /// @notice Code `index`, uniform over all 256 values.
    function code(bytes32 seed, uint256 index) internal pure returns (int8 value) {
        // The word's code, as `codeWord` and a shift would give it for half as much again. The counter is
        // CODE_SPACE | index >> 5.
        assembly ("memory-safe") {
            mstore(0x00, seed)
            mstore(0x20, or(shl(128, 1), shr(5, index)))
            value := signextend(0, shr(shl(3, and(index, 31)), keccak256(0x00, 0x40)))
        }
    }

    function _unpack(Domain memory domain, uint256 element) private pure returns (uint256 n, uint256 a, uint256 b) {
        (n, a, b) = (domain.n, domain.a, domain.b);
        if (element >= n) revert PositionOutOfRange(element, n);
    }

    function _word(bytes32 seed, uint256 counter) private pure returns (uint256 word) {
        // keccak256(abi.encode(seed, counter)) in scratch space: fresh memory would cost as much as the hash.
        assembly ("memory-safe") {
            mstore(0x00, seed)
            mstore(0x20, counter)
            word := keccak256(0x00, 0x40)
        }
    }
}
