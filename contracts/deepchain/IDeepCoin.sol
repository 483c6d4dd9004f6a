// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title DeepCoin: what deposits, bounties and rewards are paid in
/// @notice An ERC-20 with a fixed supply, handed out when it is deployed; nobody can make more of it.
///
/// A coin that is staked by a worker has a *validity value*: the number of rounds in which it still counts in the
/// sortition of leaders and committees. It is `VALIDITY_ROUNDS` when the coin is staked, falls by one each round, and is
/// full again when the worker has taken part in a block that was accepted. So stakes of workers who are gone stop to
/// count, and cannot stop a group. The paper names the value, and does not say how it is renewed.
/// @dev Coins are fungible, so the value belongs to a stake (`IProcessing.Worker`), not to a balance: a balance could be
/// made younger by sending it to oneself.
interface IDeepCoin is IERC20 {
    /// @notice There are not as many amounts as holders.
    error LengthMismatch(uint256 holders, uint256 amounts);
    /// @notice Coins would never be valid, or nobody would have any.
    error EmptyDistribution();

    /// @notice How many rounds a staked coin counts in.
    function VALIDITY_ROUNDS() external view returns (uint32);

    /// @notice In how many rounds, `round` among them, a coin still counts; zero once it has expired.
    /// @param renewedRound when it was staked, or last took part; not after `round`.
    function validityOf(uint32 renewedRound, uint32 round) external view returns (uint32);
}
