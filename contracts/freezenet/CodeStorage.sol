// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Content kept as the code of contracts that do nothing
/// @notice Once written it never changes; reading a word of it costs 3 gas and a look at an account, not 2,100.
/// @dev The code begins with a byte that stops whoever calls it, and that is not 0xEF, which EIP-3541 forbids.
library CodeStorage {
    /// @notice Most bytes of content: EIP-170's 24,576, less the first.
    uint256 internal constant MAX_LENGTH = 24_575;

    /// @notice There is more content than a contract can hold.
    error ContentTooLong(uint256 length, uint256 maximum);
    /// @notice The contract could not be made.
    error ContentNotWritten();

    /// @notice Makes a contract of `content`.
    function write(bytes memory content) internal returns (address source) {
        if (content.length > MAX_LENGTH) revert ContentTooLong(content.length, MAX_LENGTH);
        // PUSH2 length DUP1 PUSH1 10 RETURNDATASIZE CODECOPY RETURNDATASIZE RETURN, and behind these ten bytes the code.
        // The length fits: it is at most 24,576.
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory creation =
            bytes.concat(hex"61", bytes2(uint16(content.length + 1)), hex"80600a3d393df300", content);
        // Solidity makes contracts of its own only.
        assembly ("memory-safe") {
            source := create(0, add(creation, 0x20), mload(creation))
        }
        if (source == address(0)) revert ContentNotWritten();
    }

    /// @notice Bytes `start` to `start + length - 1` of what was written to `source`; zeros beyond its end.
    function read(address source, uint256 start, uint256 length) internal view returns (bytes memory content) {
        content = new bytes(length);
        // `source.code` would copy all of it, and the first byte too.
        assembly ("memory-safe") {
            extcodecopy(source, add(content, 0x20), add(start, 1), length)
        }
    }

    /// @notice `count` words from byte `start` on.
    function readWords(address source, uint256 start, uint256 count) internal view returns (uint256[] memory words) {
        words = new uint256[](count);
        // As above; words are as long as what they are read from.
        assembly ("memory-safe") {
            extcodecopy(source, add(words, 0x20), add(start, 1), mul(count, 0x20))
        }
    }
}
