// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITrading} from "./ITrading.sol";

/// @title Sets of at most 64 members, a bit each
library Members {
    /// @notice The set of one member; empty for a number that no member has.
    function bit(uint256 member) internal pure returns (uint64) {
        // Ones are shifted out of a member's 64 bits from 64 on.
        // forge-lint: disable-next-line(unsafe-typecast, incorrect-shift)
        return member < 64 ? uint64(1 << member) : 0;
    }

    /// @notice The set of the first `members`, at most 64.
    function first(uint256 members) internal pure returns (uint64) {
        // 2^64 - 1 for 64 members.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64((uint256(1) << members) - 1);
    }

    /// @notice How many members a set has.
    function count(uint64 members) internal pure returns (uint256 found) {
        // Each turn takes the lowest member away.
        for (; members != 0; members &= members - 1) {
            ++found;
        }
    }

    /// @notice Reverts if a member is zero or stands twice in the list.
    function requireDistinct(address[] calldata members) internal pure {
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == address(0)) revert ITrading.MemberRepeated(address(0));
            for (uint256 j = 0; j < i; ++j) {
                if (members[i] == members[j]) revert ITrading.MemberRepeated(members[i]);
            }
        }
    }
}
