// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ORDER, Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title Reading a proof: every word is hashed before the next challenge, and checked
/// @notice state ← keccak256(state ‖ words); a challenge is the state modulo r. Section 5 of the protocol.
/// @dev A bad word makes the reader invalid and the reading goes on: a false proof ends in `false`, not in a revert. What
/// depends on a bad word is then worthless, and harmless, since nothing but the answer comes out.
library ProofReader {
    /// @param state of the transcript.
    /// @param cursor where the next word is in memory.
    /// @param isValid whether every scalar so far was below r and no point was (0, 0).
    struct Reader {
        uint256 state;
        uint256 cursor;
        bool isValid;
    }

    /// @notice A reader at the first word of `proof`.
    function open(bytes memory proof, bytes32 state) internal pure returns (Reader memory reader) {
        reader.state = uint256(state);
        reader.isValid = true;
        // The words follow the length.
        assembly ("memory-safe") {
            mstore(add(reader, 0x20), add(proof, 0x20))
        }
    }

    /// @notice A message of `count` points. That coordinates are canonical and points on the curve is left to the
    /// precompiles, which refuse others (EIP-196) and get every point; they take (0, 0), and this does not.
    function readPoints(Reader memory reader, uint256 count) internal pure returns (Words points) {
        points = _absorb(reader, 2 * count);
        _requirePoints(reader, points, count);
    }

    /// @notice A point that entered the first state of the transcript.
    function readAbsorbedPoint(Reader memory reader) internal pure returns (Words point) {
        point = Words.wrap(reader.cursor);
        reader.cursor += 0x40;
        _requirePoints(reader, point, 1);
    }

    /// @notice A message of `count` scalars.
    function readScalars(Reader memory reader, uint256 count) internal pure returns (Words scalars) {
        scalars = _absorb(reader, count);
        _requireScalars(reader, scalars, count);
    }

    /// @notice A message of one scalar.
    function readScalar(Reader memory reader) internal pure returns (Scalar) {
        return readScalars(reader, 1).get(0);
    }

    /// @notice Scalars on which no challenge depends.
    function readHints(Reader memory reader, uint256 count) internal pure returns (Words scalars) {
        scalars = Words.wrap(reader.cursor);
        reader.cursor += 0x20 * count;
        _requireScalars(reader, scalars, count);
    }

    /// @notice The challenge after a message.
    function challenge(Reader memory reader) internal pure returns (Scalar) {
        return Scalar.wrap(reader.state % ORDER);
    }

    /// @notice A further challenge after the same message.
    function squeeze(Reader memory reader) internal pure returns (Scalar) {
        uint256 state = reader.state;
        // `abi.encode` would allocate; the first two words of memory are for hashing.
        assembly ("memory-safe") {
            mstore(0, state)
            state := keccak256(0, 0x20)
        }
        reader.state = state;
        return Scalar.wrap(state % ORDER);
    }

    /// @notice `count` further challenges after the same message.
    function squeezeMany(Reader memory reader, Words challenges, uint256 count) internal pure {
        // As above.
        assembly ("memory-safe") {
            let r := ORDER
            let state := mload(reader)
            for { let end := add(challenges, shl(5, count)) } lt(challenges, end) {
                challenges := add(challenges, 0x20)
            } {
                mstore(0, state)
                state := keccak256(0, 0x20)
                mstore(challenges, mod(state, r))
            }
            mstore(reader, state)
        }
    }

    function _absorb(Reader memory reader, uint256 count) private pure returns (Words words) {
        // The words are hashed where they are: the state takes the place of the word before them, which is the proof's
        // length or an older word of it, and that word is put back.
        assembly ("memory-safe") {
            words := mload(add(reader, 0x20))
            let size := shl(5, count)
            let before := sub(words, 0x20)
            let kept := mload(before)
            mstore(before, mload(reader))
            mstore(reader, keccak256(before, add(size, 0x20)))
            mstore(before, kept)
            mstore(add(reader, 0x20), add(words, size))
        }
    }

    function _requireScalars(Reader memory reader, Words scalars, uint256 count) private pure {
        bool isValid = reader.isValid;
        // A loop over plain words of memory.
        assembly ("memory-safe") {
            let r := ORDER
            for { let end := add(scalars, shl(5, count)) } lt(scalars, end) { scalars := add(scalars, 0x20) } {
                isValid := and(isValid, lt(mload(scalars), r))
            }
        }
        reader.isValid = isValid;
    }

    function _requirePoints(Reader memory reader, Words points, uint256 count) private pure {
        bool isValid = reader.isValid;
        // As above; a bool is the word 1 or 0.
        assembly ("memory-safe") {
            for { let end := add(points, shl(6, count)) } lt(points, end) { points := add(points, 0x40) } {
                isValid := and(isValid, iszero(iszero(or(mload(points), mload(add(points, 0x20))))))
            }
        }
        reader.isValid = isValid;
    }
}
