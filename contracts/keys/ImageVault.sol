// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IImageVault} from "./IImageVault.sol";

/// @title ImageVault
/// @notice Nobody owns it; every deposit goes where its recipient says or back to its sender, and no third way.
/// @dev Times are seconds, not blocks, because a lock is a duration on every chain; proposers can shift them by a few,
/// which does not matter here.
contract ImageVault is IImageVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Stands for ether where a token is named.
    address public constant ETHER = address(0);
    /// @notice Shortest time that a recipient has, in seconds.
    uint256 public constant MIN_LOCK = 1 hours;
    /// @notice Longest time that a sender may bind himself for, in seconds: a time in milliseconds is a mistake.
    uint256 public constant MAX_LOCK = 5 * 365 days;
    /// @notice EIP-712 type of what a recipient signs.
    bytes32 public constant CLAIM_TYPEHASH = keccak256(
        "Claim(uint256 depositId,address token,uint256 amount,"
        "address destination,address relayer,uint256 fee,uint256 deadline)"
    );

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("pyml ImageVault");
    bytes32 private constant VERSION_HASH = keccak256("1");

    /// @inheritdoc IImageVault
    uint256 public depositCount;

    mapping(uint256 depositId => Deposit) private _deposits;

    /// @inheritdoc IImageVault
    function deposit(address recipient, uint48 refundAfter) external payable nonReentrant returns (uint256 depositId) {
        _requireTerms(recipient, refundAfter);
        return _record(ETHER, msg.value, recipient, refundAfter);
    }

    /// @inheritdoc IImageVault
    function depositToken(address token, uint256 amount, address recipient, uint48 refundAfter)
        external
        nonReentrant
        returns (uint256 depositId)
    {
        _requireTerms(recipient, refundAfter);
        if (token.code.length == 0) revert TokenWithoutCode(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        // Recorded after the call: only now is known what arrived. The guard keeps others out of the difference.
        return _record(token, IERC20(token).balanceOf(address(this)) - before, recipient, refundAfter);
    }

    /// @inheritdoc IImageVault
    function claim(uint256 depositId, address destination) external nonReentrant {
        Deposit memory found = _held(depositId);
        _requireRecipient(depositId, found.recipient, msg.sender);
        _payOut(depositId, found, destination, address(0), 0);
    }

    /// @inheritdoc IImageVault
    function claimFor(Claim calldata signed, bytes calldata signature) external nonReentrant {
        if (_isAfter(signed.deadline)) revert DeadlinePassed(signed.deadline, block.timestamp);
        Deposit memory found = _held(signed.depositId);
        address signer = ECDSA.recoverCalldata(_claimDigest(signed, found), signature);
        _requireRecipient(signed.depositId, found.recipient, signer);
        if (signed.fee >= found.amount) revert FeeTooHigh(signed.fee, found.amount);
        _payOut(signed.depositId, found, signed.destination, signed.relayer, signed.fee);
    }

    /// @inheritdoc IImageVault
    function refund(uint256 depositId) external nonReentrant {
        Deposit memory found = _held(depositId);
        if (msg.sender != found.sender) revert NotSender(depositId, found.sender, msg.sender);
        if (!_isAfter(found.refundAfter)) revert RefundTooEarly(found.refundAfter, block.timestamp);
        delete _deposits[depositId];
        emit Refunded(depositId, found.sender);
        _send(found.token, found.sender, found.amount);
    }

    /// @inheritdoc IImageVault
    function depositOf(uint256 depositId) external view returns (Deposit memory) {
        return _held(depositId);
    }

    /// @inheritdoc IImageVault
    function claimDigest(Claim calldata signed) external view returns (bytes32 digest) {
        return _claimDigest(signed, _held(signed.depositId));
    }

    function _record(address token, uint256 amount, address recipient, uint48 refundAfter)
        private
        returns (uint256 depositId)
    {
        // Exact on purpose: whatever arrived counts.
        // slither-disable-next-line incorrect-equality
        if (amount == 0) revert NothingDeposited();
        depositId = depositCount++;
        _deposits[depositId] =
            Deposit({sender: msg.sender, refundAfter: refundAfter, token: token, recipient: recipient, amount: amount});
        emit Deposited(depositId, msg.sender, recipient, token, amount, refundAfter);
    }

    function _payOut(uint256 depositId, Deposit memory found, address destination, address relayer, uint256 fee)
        private
    {
        _requireAccount(destination);
        if (fee != 0) _requireAccount(relayer);
        delete _deposits[depositId];
        emit Claimed(depositId, found.recipient, destination, relayer, fee);
        _send(found.token, destination, found.amount - fee);
        if (fee != 0) _send(found.token, relayer, fee);
    }

    function _send(address token, address account, uint256 amount) private {
        if (token != ETHER) return IERC20(token).safeTransfer(account, amount);
        // Low level, because contract wallets need more gas than a transfer leaves them.
        (bool accepted,) = account.call{value: amount}("");
        if (!accepted) revert EtherRefused(account, amount);
    }

    function _claimDigest(Claim calldata signed, Deposit memory found) private view returns (bytes32) {
        // Not kept from construction: a chain that splits gives one side another id.
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32 message = keccak256(
            abi.encode(
                CLAIM_TYPEHASH,
                signed.depositId,
                found.token,
                found.amount,
                signed.destination,
                signed.relayer,
                signed.fee,
                signed.deadline
            )
        );
        return MessageHashUtils.toTypedDataHash(domain, message);
    }

    function _held(uint256 depositId) private view returns (Deposit memory found) {
        found = _deposits[depositId];
        if (found.recipient != address(0)) return found;
        if (depositId < depositCount) revert DepositIsSettled(depositId);
        revert DepositUnknown(depositId);
    }

    function _requireTerms(address recipient, uint256 refundAfter) private view {
        _requireAccount(recipient);
        uint256 earliest = block.timestamp + MIN_LOCK;
        uint256 latest = block.timestamp + MAX_LOCK;
        // slither-disable-next-line timestamp
        if (refundAfter < earliest || refundAfter > latest) {
            revert RefundTimeOutOfRange(refundAfter, earliest, latest);
        }
    }

    function _isAfter(uint256 time) private view returns (bool) {
        // slither-disable-next-line timestamp
        return block.timestamp > time; // forge-lint: disable-line(block-timestamp)
    }

    /// @dev Coins sent here would belong to nobody.
    function _requireAccount(address account) private view {
        if (account == address(0) || account == address(this)) revert AccountInvalid(account);
    }

    function _requireRecipient(uint256 depositId, address recipient, address caller) private pure {
        if (caller != recipient) revert NotRecipient(depositId, recipient, caller);
    }
}
