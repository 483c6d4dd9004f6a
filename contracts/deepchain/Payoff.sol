// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What contributions earn
/// @notice With reward Π, R rounds planned and A accepted, and α the members' part, in 1/10,000:
///
///     pool = ⌊Π·A/R⌋      members' pool = ⌊pool·α⌋      workers' pool = pool − members' pool
///     π(i) = ⌊own pool · ω(i) / Σω⌋
///
/// Both pools are 0 if the members' Σω or the workers' is 0: that is the paper's rule that nobody earns anything if one
/// side contributes nothing. π(i) never falls when ω(i) grows and the others' contributions stay, for x/(x + c) does not;
/// and the sum of all π is at most the pool. Everything is rounded down.
/// @dev Rewards have at most 128 bits, and contributions at most 128, so nothing overflows.
library Payoff {
    /// @notice 1, in the unit of `partyBps`.
    uint256 internal constant WHOLE = 10_000;

    /// @notice How much of the reward is for members, and how much for workers.
    function pools(uint128 reward, uint32 accepted, uint32 rounds, uint16 partyBps)
        internal
        pure
        returns (uint128 partyPool, uint128 workerPool)
    {
        uint256 pool = uint256(reward) * accepted / rounds;
        // Rounded down twice, as the formula says.
        // slither-disable-next-line divide-before-multiply
        uint256 part = pool * partyBps / WHOLE;
        // Neither is above the reward, as accepted <= rounds and partyBps <= WHOLE.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint128(part), uint128(pool - part));
    }

    /// @notice What `contribution` of `total` earns; zero if nobody contributed.
    function earned(uint128 pool, uint256 contribution, uint256 total) internal pure returns (uint256) {
        return total == 0 ? 0 : uint256(pool) * contribution / total;
    }
}
