// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Messages ordered by the chain itself
/// @notice Where an EVM chain with a Byzantine fault tolerant consensus is there (Besu QBFT, GoQuorum), relays need no
/// consensus of their own: a message is posted here, and its index is its order.
/// @dev A payload is emitted, not stored; it is ciphertext, and its length is bounded. A payload is ordered once, ever:
/// posting it again does nothing, so that relays may repeat themselves after a crash. Anybody who pays for it may post;
/// who must not be able to is kept out by the chain's permissions.
interface IMessageQueue {
    /// @notice A message has its place; `index` counts from one.
    event MessagePosted(uint256 indexed index, bytes32 indexed digest, bytes payload);

    /// @notice 1 to 64 payloads are posted at once.
    error BatchSizeOutOfRange(uint256 count);
    /// @notice A payload has 1 to 65,536 bytes.
    error PayloadSizeOutOfRange(uint256 position, uint256 size);

    /// @notice Post payloads in this order; those that were posted before keep their place.
    /// @return last the index of the last message there is.
    function post(bytes[] calldata payloads) external returns (uint256 last);

    /// @notice The index of a payload by its keccak256; zero if it was not posted.
    function indexOf(bytes32 digest) external view returns (uint256 index);

    /// @notice How many messages there are.
    function count() external view returns (uint256 messages);
}
