// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IDeepCoin} from "./IDeepCoin.sol";

/// @title DeepCoin
/// @notice Nobody owns it; the supply never changes.
contract DeepCoin is ERC20, IDeepCoin {
    /// @inheritdoc IDeepCoin
    uint32 public immutable VALIDITY_ROUNDS;

    /// @param holders who get the coins of the genesis.
    /// @param amounts of each, in the smallest unit, 10^-18 coins.
    /// @param validityRounds how many rounds a staked coin counts in.
    constructor(address[] memory holders, uint256[] memory amounts, uint32 validityRounds) ERC20("DeepCoin", "DEEP") {
        if (holders.length != amounts.length) revert LengthMismatch(holders.length, amounts.length);
        if (holders.length == 0 || validityRounds == 0) revert EmptyDistribution();
        VALIDITY_ROUNDS = validityRounds;
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }

    /// @inheritdoc IDeepCoin
    function validityOf(uint32 renewedRound, uint32 round) external view returns (uint32) {
        uint256 end = uint256(renewedRound) + VALIDITY_ROUNDS;
        // At most VALIDITY_ROUNDS, as `renewedRound` is not after `round`.
        // forge-lint: disable-next-line(unsafe-typecast)
        return round < end ? uint32(end - round) : 0;
    }
}
