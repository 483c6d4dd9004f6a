// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IDeepCoin} from "./IDeepCoin.sol";
import {IEscrow} from "./IEscrow.sol";

/// @title Escrow
/// @notice Nobody owns it.
contract Escrow is IEscrow {
    using SafeERC20 for IDeepCoin;

    /// @inheritdoc IEscrow
    IDeepCoin public immutable COIN;

    /// @inheritdoc IEscrow
    uint256 public treasury;

    mapping(address account => uint256) private _free;
    mapping(address controller => uint256) private _pots;
    mapping(address account => mapping(address controller => bool)) private _trusted;

    constructor(IDeepCoin coin) {
        COIN = coin;
    }

    /// @inheritdoc IEscrow
    function deposit(uint256 amount) external {
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function depositAndTrust(uint256 amount, address controller) external {
        _trust(controller, true);
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function withdraw(uint256 amount) external {
        if (amount == 0) revert NoAmount();
        _take(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        COIN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function trust(address controller, bool trusted) external {
        _trust(controller, trusted);
    }

    /// @inheritdoc IEscrow
    function lock(address account, uint256 amount) external {
        if (!_trusted[account][msg.sender]) revert NotTrusted(account, msg.sender);
        _take(account, amount);
        _pots[msg.sender] += amount;
        emit Locked(msg.sender, account, amount);
    }

    /// @inheritdoc IEscrow
    function credit(address account, uint256 amount) external {
        _spend(amount);
        _free[account] += amount;
        emit Credited(msg.sender, account, amount);
    }

    /// @inheritdoc IEscrow
    function creditEach(address[] calldata accounts, uint256 amount) external {
        _spend(amount * accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            _free[accounts[i]] += amount;
            emit Credited(msg.sender, accounts[i], amount);
        }
    }

    /// @inheritdoc IEscrow
    function move(address recipient, uint256 amount) external {
        _spend(amount);
        _pots[recipient] += amount;
        emit Moved(msg.sender, recipient, amount);
    }

    /// @inheritdoc IEscrow
    function forfeit(uint256 amount) external {
        _spend(amount);
        treasury += amount;
        emit Forfeited(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function freeOf(address account) external view returns (uint256) {
        return _free[account];
    }

    /// @inheritdoc IEscrow
    function potOf(address controller) external view returns (uint256) {
        return _pots[controller];
    }

    /// @inheritdoc IEscrow
    function isTrusted(address account, address controller) external view returns (bool) {
        return _trusted[account][controller];
    }

    /// @dev The coin is a plain ERC-20 that delivers what it is asked to, and calls nobody.
    function _deposit(uint256 amount) private {
        if (amount == 0) revert NoAmount();
        _free[msg.sender] += amount;
        emit Deposited(msg.sender, amount);
        COIN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _trust(address controller, bool trusted) private {
        _trusted[msg.sender][controller] = trusted;
        emit TrustChanged(msg.sender, controller, trusted);
    }

    function _take(address account, uint256 amount) private {
        uint256 free = _free[account];
        if (amount > free) revert NotEnoughCoins(account, free, amount);
        _free[account] = free - amount;
    }

    function _spend(uint256 amount) private {
        uint256 pot = _pots[msg.sender];
        if (amount > pot) revert NotEnoughInPot(msg.sender, pot, amount);
        _pots[msg.sender] = pot - amount;
    }
}
