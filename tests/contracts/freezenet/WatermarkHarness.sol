// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Watermark} from "../../../contracts/freezenet/Watermark.sol";

/// @notice The library's functions for callers from outside; tests/freezenet/test_contracts.py calls them too.
contract WatermarkHarness {
    function boundSeed(
        uint256 taskId,
        uint256 round,
        bytes32 beacon,
        address miner,
        uint256 length,
        bytes32 architectureHash
    ) external view returns (bytes32) {
        return Watermark.boundSeed(taskId, round, beacon, miner, length, architectureHash);
    }

    function tensorSeed(bytes32 seed, uint256 tensor) external pure returns (bytes32) {
        return Watermark.tensorSeed(seed, tensor);
    }

    function position(bytes32 seed, uint256 n, uint256 index) external pure returns (uint256) {
        return Watermark.position(seed, Watermark.domainOf(n), index);
    }

    function indexAt(bytes32 seed, uint256 n, uint256 place) external pure returns (uint256) {
        return Watermark.indexAt(seed, Watermark.domainOf(n), place);
    }

    function codeWord(bytes32 seed, uint256 index) external pure returns (uint256) {
        return Watermark.codeWord(seed, index);
    }

    function code(bytes32 seed, uint256 index) external pure returns (int8) {
        return Watermark.code(seed, index);
    }
}
