// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageQueue} from "../../../contracts/kdac/IMessageQueue.sol";
import {MessageQueue} from "../../../contracts/kdac/MessageQueue.sol";
import {ForgeTest} from "../Forge.sol";

contract MessageQueueTest is ForgeTest {
    MessageQueue private queue;

    function setUp() public {
        queue = new MessageQueue();
    }

    function testFuzz_OrdersEachPayloadOnce(bytes memory first, bytes memory second, address poster) public {
        vm.assume(first.length != 0 && second.length != 0 && keccak256(first) != keccak256(second));
        bytes[] memory payloads = new bytes[](3);
        (payloads[0], payloads[1], payloads[2]) = (first, second, first);
        vm.expectEmit(true, true, true, true, address(queue));
        emit IMessageQueue.MessagePosted(1, keccak256(first), first);
        vm.expectEmit(true, true, true, true, address(queue));
        emit IMessageQueue.MessagePosted(2, keccak256(second), second);
        vm.prank(poster);
        assertEq(queue.post(payloads), 2);
        assertEq(queue.post(payloads), 2);
        assertEq(queue.count(), 2);
        assertEq(queue.indexOf(keccak256(first)), 1);
        assertEq(queue.indexOf(keccak256(second)), 2);
        assertEq(queue.indexOf(bytes32(uint256(1))), 0);
    }

    function test_RevertWhen_BatchIsOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(IMessageQueue.BatchSizeOutOfRange.selector, 0));
        queue.post(new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(IMessageQueue.BatchSizeOutOfRange.selector, 65));
        queue.post(new bytes[](65));
    }

    function test_RevertWhen_APayloadIsOutOfRange() public {
        bytes[] memory payloads = new bytes[](2);
        payloads[0] = new bytes(65_536);
        vm.expectRevert(abi.encodeWithSelector(IMessageQueue.PayloadSizeOutOfRange.selector, 1, 0));
        queue.post(payloads);
        payloads[1] = new bytes(65_537);
        vm.expectRevert(abi.encodeWithSelector(IMessageQueue.PayloadSizeOutOfRange.selector, 1, 65_537));
        queue.post(payloads);
        assertEq(queue.count(), 0);
    }
}
