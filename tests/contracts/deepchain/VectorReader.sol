// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ForgeTest} from "../Forge.sol";

/// @notice Reads one value of a file of vectors, in memory of its own: that of a test would hold a copy for each value.
contract VectorReader is ForgeTest {
    function bytesAt(string calldata path, string calldata key) external view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(path), key);
    }

    function hashAt(string calldata path, string calldata key) external view returns (bytes32) {
        return vm.parseJsonBytes32(vm.readFile(path), key);
    }

    function hashesAt(string calldata path, string calldata key) external view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(vm.readFile(path), key);
    }

    function numberAt(string calldata path, string calldata key) external view returns (uint256) {
        return vm.parseJsonUint(vm.readFile(path), key);
    }
}
