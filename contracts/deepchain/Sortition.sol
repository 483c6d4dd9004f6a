// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Drawing by weight
/// @notice Each coin of a weight is drawn with the same probability, so nobody gains by having many accounts.
library Sortition {
    /// @notice Draws one index; `total` is the sum of the weights, and not zero.
    /// @dev A weight is below 2^96 and there are at most 64, so the rest of a hash favours none by more than 2^-150.
    function draw(bytes32 seed, uint256[] memory weights, uint256 total) internal pure returns (uint256 index) {
        uint256 target = uint256(seed) % total;
        while (target >= weights[index]) {
            target -= weights[index];
            ++index;
        }
    }

    /// @notice Draws a leader, and a committee of others without repetition. At least `size` + 1 weights are not zero.
    /// @param weights overwritten.
    /// @return leader who leads.
    /// @return committee who signs, a bit each.
    function drawAll(bytes32 seed, uint256[] memory weights, uint256 size)
        internal
        pure
        returns (uint8 leader, uint64 committee)
    {
        uint256 total = 0;
        for (uint256 i = 0; i < weights.length; ++i) {
            total += weights[i];
        }
        for (uint256 place = 0; place <= size; ++place) {
            uint256 index = draw(keccak256(abi.encode(seed, place)), weights, total);
            total -= weights[index];
            weights[index] = 0;
            // There are at most 64 workers.
            // forge-lint: disable-next-line(unsafe-typecast)
            if (place == 0) leader = uint8(index);
            // forge-lint: disable-next-line(unsafe-typecast, incorrect-shift)
            else committee |= uint64(1 << index);
        }
    }
}
