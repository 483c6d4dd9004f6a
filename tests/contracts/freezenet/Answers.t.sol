// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../../../contracts/freezenet/Answers.sol";
import {ForgeTest} from "../Forge.sol";

contract AnswersTest is ForgeTest {
    /// @dev Against one bit after the other, for all lengths that end a word or do not.
    function testFuzz_CountsEveryBit(bytes calldata bits, uint8 short) public view {
        uint256 samples = bits.length * 8;
        uint256 unused = samples == 0 ? 0 : short % 8;
        bytes memory answers = bits;
        if (unused != 0) answers[answers.length - 1] &= bytes1(uint8(0xff >> unused));
        samples -= unused;
        uint256 expected = 0;
        for (uint256 i = 0; i < samples + 9; ++i) {
            bool answered = i < samples && uint8(answers[i / 8]) & 1 << (i % 8) != 0;
            assertTrue(this.isAnswered(answers, i) == answered);
            if (answered) ++expected;
        }
        assertEq(this.countOf(answers, samples), expected);
    }

    /// @dev A sum of 32 full bytes does not fit a byte.
    function test_CountsAFullTestSet() public view {
        for (uint256 length = 1; length <= 8192; length *= 2) {
            bytes memory answers = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                answers[i] = 0xff;
            }
            assertEq(this.countOf(answers, 8 * length), 8 * length);
        }
    }

    function testFuzz_RevertWhen_TheLengthIsAnother(uint16 samples, uint16 length) public {
        uint256 expected = (uint256(samples) + 7) / 8;
        vm.assume(length != expected);
        vm.expectRevert(abi.encodeWithSelector(Answers.AnswersLengthMismatch.selector, expected, length));
        this.countOf(new bytes(length), samples);
    }

    function testFuzz_RevertWhen_ABitBelongsToNoSample(uint16 samples, uint8 bit) public {
        uint256 used = samples % 8;
        vm.assume(used != 0);
        bytes memory answers = new bytes(samples / 8 + 1);
        answers[samples / 8] = bytes1(uint8(1 << (used + bit % (8 - used))));
        vm.expectRevert(abi.encodeWithSelector(Answers.AnswerBeyondSamples.selector, samples));
        this.countOf(answers, samples);
    }

    function countOf(bytes calldata answers, uint256 samples) external pure returns (uint256) {
        return Answers.countOf(answers, samples);
    }

    function isAnswered(bytes calldata answers, uint256 sample) external pure returns (bool) {
        return Answers.isAnswered(answers, sample);
    }
}
