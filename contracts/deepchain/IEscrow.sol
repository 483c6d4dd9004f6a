// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeepCoin} from "./IDeepCoin.sol";

/// @title The one contract that holds coins
/// @notice Accounts put coins in and take them out again. A contract that an account trusts, a *controller*, may lock
/// free coins of the account into the controller's pot, and pays only out of its own pot. So a controller can lose the
/// coins of those who trusted it, and nobody else's.
///
/// Coins held = free coins of all accounts + pots of all controllers + treasury. The treasury is what division leaves,
/// and what nobody has earned. It stays here for ever: whoever could take it would gain by the faults of others.
/// @dev Nobody owns it, and there is no list of controllers: trust is given, and taken back, by each account. A coin
/// sent here by a plain transfer belongs to nobody.
interface IEscrow {
    /// @notice `account` put coins in.
    event Deposited(address indexed account, uint256 amount);
    /// @notice `account` took coins out.
    event Withdrawn(address indexed account, uint256 amount);
    /// @notice `account` lets `controller` lock its free coins, or no longer.
    event TrustChanged(address indexed account, address indexed controller, bool trusted);
    /// @notice Free coins of `account` went into the controller's pot.
    event Locked(address indexed controller, address indexed account, uint256 amount);
    /// @notice Coins of the controller's pot are free coins of `account`.
    event Credited(address indexed controller, address indexed account, uint256 amount);
    /// @notice Coins of one controller's pot are another's.
    event Moved(address indexed controller, address indexed recipient, uint256 amount);
    /// @notice Coins of the controller's pot are the treasury's.
    event Forfeited(address indexed controller, uint256 amount);

    /// @notice The amount is zero.
    error NoAmount();
    /// @notice The account has not so many free coins.
    error NotEnoughCoins(address account, uint256 free, uint256 amount);
    /// @notice The controller has not so many coins in its pot.
    error NotEnoughInPot(address controller, uint256 pot, uint256 amount);
    /// @notice The account has not trusted this contract.
    error NotTrusted(address account, address controller);

    /// @notice The coin.
    function COIN() external view returns (IDeepCoin);

    /// @notice Puts coins in that the sender has approved.
    function deposit(uint256 amount) external;

    /// @notice Puts coins in, and trusts a controller: what a newcomer does.
    function depositAndTrust(uint256 amount, address controller) external;

    /// @notice Pays free coins out to the sender.
    function withdraw(uint256 amount) external;

    /// @notice Lets `controller` lock free coins of the sender, or no longer. What is locked stays locked.
    function trust(address controller, bool trusted) external;

    /// @notice Locks coins of an account that trusts the sender.
    function lock(address account, uint256 amount) external;

    /// @notice Pays from the sender's pot to an account; zero is nothing.
    function credit(address account, uint256 amount) external;

    /// @notice Pays `amount` from the sender's pot to each of these.
    function creditEach(address[] calldata accounts, uint256 amount) external;

    /// @notice Moves coins from the sender's pot to another controller's.
    function move(address recipient, uint256 amount) external;

    /// @notice Gives coins of the sender's pot up for ever.
    function forfeit(uint256 amount) external;

    /// @notice Free coins of an account.
    function freeOf(address account) external view returns (uint256);

    /// @notice Coins in a controller's pot.
    function potOf(address controller) external view returns (uint256);

    /// @notice Whether the account lets the controller lock its coins.
    function isTrusted(address account, address controller) external view returns (bool);

    /// @notice Coins that are nobody's.
    function treasury() external view returns (uint256);
}
