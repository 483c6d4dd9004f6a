// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeStorage} from "../../../contracts/freezenet/CodeStorage.sol";
import {ForgeTest} from "../Forge.sol";

contract CodeStorageTest is ForgeTest {
    function testFuzz_WhatIsWrittenIsRead(bytes calldata content, uint16 start, uint16 length) public {
        address source = CodeStorage.write(content);
        assertEq(keccak256(CodeStorage.read(source, 0, content.length)), keccak256(content));
        bytes memory part = CodeStorage.read(source, start, length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 place = uint256(start) + i;
            assertTrue(part[i] == (place < content.length ? content[place] : bytes1(0)));
        }
    }

    function testFuzz_WordsAreRead(uint256[] calldata words, uint8 skipped) public {
        bytes memory before = new bytes(skipped);
        address source = CodeStorage.write(bytes.concat(before, abi.encodePacked(words)));
        uint256[] memory found = CodeStorage.readWords(source, skipped, words.length);
        assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(words)));
    }

    function test_WhatWasNeverWrittenIsZeros() public view {
        assertEq(CodeStorage.readWords(address(0), 0, 2)[1], 0);
        assertEq(keccak256(CodeStorage.read(address(0), 5, 7)), keccak256(new bytes(7)));
    }

    /// @dev Nobody can run it, and a first byte of 0xEF does not hinder.
    function test_ContentCannotRun() public {
        // SELFDESTRUCT to the caller.
        address source = CodeStorage.write(hex"33ff");
        (bool success, bytes memory answer) = source.call("");
        assertTrue(success && answer.length == 0);
        assertEq(source.code.length, 3);
        assertEq(CodeStorage.write(hex"ef00").code.length, 3);
    }

    function test_ContractsAreFilledToTheEnd() public {
        bytes memory content = new bytes(CodeStorage.MAX_LENGTH);
        content[content.length - 1] = 0x01;
        address source = CodeStorage.write(content);
        assertEq(source.code.length, 24_576);
        assertEq(keccak256(CodeStorage.read(source, 0, content.length)), keccak256(content));
    }

    function test_RevertWhen_ContentIsTooLong() public {
        vm.expectRevert(abi.encodeWithSelector(CodeStorage.ContentTooLong.selector, 24_576, 24_575));
        this.write(new bytes(24_576));
    }

    /// @dev Creation runs out of what it is given: nothing is written, and nothing is returned.
    function test_RevertWhen_TheContractCannotBeMade() public {
        vm.expectRevert(abi.encodeWithSelector(CodeStorage.ContentNotWritten.selector));
        this.write{gas: 200_000}(new bytes(1_000));
    }

    function write(bytes calldata content) external returns (address) {
        return CodeStorage.write(content);
    }
}
