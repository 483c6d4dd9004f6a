// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageQueue} from "./IMessageQueue.sol";

/// @title MessageQueue
/// @notice A counter, and who came when.
contract MessageQueue is IMessageQueue {
    /// @notice Most payloads that are posted at once.
    uint256 public constant MAX_BATCH = 64;
    /// @notice Longest payload.
    uint256 public constant MAX_PAYLOAD_BYTES = 65_536;

    /// @inheritdoc IMessageQueue
    uint256 public count;
    /// @inheritdoc IMessageQueue
    mapping(bytes32 digest => uint256 index) public indexOf;

    /// @inheritdoc IMessageQueue
    function post(bytes[] calldata payloads) external returns (uint256 last) {
        if (payloads.length == 0 || payloads.length > MAX_BATCH) revert BatchSizeOutOfRange(payloads.length);
        last = count;
        for (uint256 i = 0; i < payloads.length; ++i) {
            bytes calldata payload = payloads[i];
            if (payload.length == 0 || payload.length > MAX_PAYLOAD_BYTES) {
                revert PayloadSizeOutOfRange(i, payload.length);
            }
            bytes32 digest = keccak256(payload);
            if (indexOf[digest] != 0) continue;
            indexOf[digest] = ++last;
            emit MessagePosted(last, digest, payload);
        }
        count = last;
    }
}
