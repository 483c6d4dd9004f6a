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

    /// @dev Gas of finding `count` positions, as many inverses and as many codes, one by one, without that of the loop.
    /// What is found is put out as well, or the compiler would leave it out.
    function measure(bytes32 seed, uint256 n, uint256 first, uint256 count)
        external
        view
        returns (uint256 positions, uint256 inverses, uint256 codes, uint256 all)
    {
        Watermark.Domain memory domain = Watermark.domainOf(n);
        unchecked {
            uint256 loop = gasleft();
            for (uint256 i = 0; i < count; ++i) {
                all ^= first + i;
            }
            positions = gasleft();
            for (uint256 i = 0; i < count; ++i) {
                all ^= Watermark.position(seed, domain, first + i);
            }
            inverses = gasleft();
            for (uint256 i = 0; i < count; ++i) {
                all ^= Watermark.indexAt(seed, domain, first + i);
            }
            codes = gasleft();
            for (uint256 i = 0; i < count; ++i) {
                all ^= uint8(Watermark.code(seed, first + i));
            }
            uint256 left = gasleft();
            loop -= positions;
            (positions, inverses, codes) = (positions - inverses - loop, inverses - codes - loop, codes - left - loop);
        }
    }
}
