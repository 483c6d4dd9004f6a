// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Which samples of a test set are answered
/// @notice One bit a sample, of as few bytes as hold them: sample i in bit i mod 8, counted from the lowest, of byte
/// i / 8. Bits beyond the last sample are zero. `pyml.freezenet.answers` is the twin.
library Answers {
    // Every second bit, the lower pair of four, the lower four of eight, the lowest of every byte. As numbers, because
    // derivations are computed at run time.
    uint256 private constant PAIRS = 0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 private constant FOURS = 0x3333333333333333333333333333333333333333333333333333333333333333;
    uint256 private constant EIGHTS = 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
    uint256 private constant BYTES = 0x0101010101010101010101010101010101010101010101010101010101010101;

    /// @notice The answers take another number of bytes.
    error AnswersLengthMismatch(uint256 expected, uint256 actual);
    /// @notice A bit beyond the last sample is set.
    error AnswerBeyondSamples(uint256 samples);

    /// @notice How many of `samples` samples are answered; reverts if the bits are of another number of samples.
    function countOf(bytes calldata answers, uint256 samples) internal pure returns (uint256 count) {
        uint256 length = (samples + 7) / 8;
        if (answers.length != length) revert AnswersLengthMismatch(length, answers.length);
        uint256 used = samples % 8;
        if (used != 0 && uint8(answers[length - 1]) >> used != 0) revert AnswerBeyondSamples(samples);
        for (uint256 start = 0; start < length; start += 32) {
            uint256 end = start + 32;
            // A slice that is shorter than a word is filled up with zeros.
            count += _bitsIn(uint256(bytes32(answers[start:end < length ? end : length])));
        }
    }

    /// @notice Whether a sample is answered; false beyond the last.
    function isAnswered(bytes calldata answers, uint256 sample) internal pure returns (bool) {
        return sample / 8 < answers.length && uint8(answers[sample / 8]) >> (sample % 8) & 1 == 1;
    }

    /// @dev Bits in pairs, in fours, in bytes; the product's top byte would be the sum of all, which 256 overflows, so
    /// one of 32 bytes is added by itself.
    function _bitsIn(uint256 word) private pure returns (uint256) {
        // No sum leaves its field: 2 bits hold 2, 4 hold 4, 8 hold 8, and the sum of 31 bytes is at most 248.
        unchecked {
            word -= (word >> 1) & PAIRS;
            word = (word & FOURS) + ((word >> 2) & FOURS);
            word = (word + (word >> 4)) & EIGHTS;
            return (((word >> 8) * BYTES) >> 248) + (word & 0xff);
        }
    }
}
