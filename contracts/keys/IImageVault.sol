// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Payments to accounts that may never have been used
/// @notice A sender pays to the address that an image gives. Whoever can recover that account's key claims the payment
/// at any time, until the sender, once a time has passed, has taken it back: a payment to an image that nobody can open
/// is not lost.
///
/// Such an account owns no ether to pay for a transaction. Its claim may therefore be signed (EIP-712) and sent by
/// anybody; it names where the coins go, and may give some of them to a relayer.
/// @dev A signed claim cannot be used twice or elsewhere: it is bound to the chain and this contract by its domain, to
/// one deposit with its token and amount, each deposit is settled once, and its id, never given again, serves as the
/// nonce. Copying the transaction is of no use: the relayer is named in it, whoever sends it.
///
/// A signature is the recipient's own, by ECDSA: accounts of images are keys, so ERC-1271 is not asked. A contract may
/// be a recipient, and claims by itself.
///
/// What a deposit holds is what arrived, so a token that keeps a fee is measured. One whose balances shrink by
/// themselves, or whose code can change, is the risk of those who deal in it; other tokens are not touched.
interface IImageVault {
    /// @notice A payment that is neither claimed nor refunded.
    /// @param sender who paid, and may have it back after `refundAfter`.
    /// @param refundAfter Unix time, in seconds; the last one in which the sender must wait.
    /// @param token ERC-20; zero for ether.
    /// @param recipient who may claim it.
    /// @param amount what arrived, in the token's smallest unit, or wei.
    // Layout, from the low end: slot 0 | sender 160 | refundAfter 48 | free 48 |; slot 1 | token 160 | free 96 |;
    // slot 2 | recipient 160 | free 96 |; slot 3 amount. A settled deposit's slots are cleared.
    struct Deposit {
        address sender;
        uint48 refundAfter;
        address token;
        address recipient;
        uint256 amount;
    }

    /// @notice What a recipient signs, together with the deposit's token and amount:
    /// `Claim(uint256 depositId,address token,uint256 amount,address destination,address relayer,uint256 fee,
    /// uint256 deadline)`.
    /// @param destination who gets the amount less the fee.
    /// @param relayer who gets the fee; any value if there is none.
    /// @param fee in the deposit's token, less than its amount.
    /// @param deadline Unix time, in seconds; the last one in which the claim may be sent.
    struct Claim {
        uint256 depositId;
        address destination;
        address relayer;
        uint256 fee;
        uint256 deadline;
    }

    /// @notice `sender` paid to `recipient`.
    event Deposited(
        uint256 indexed depositId,
        address indexed sender,
        address indexed recipient,
        address token,
        uint256 amount,
        uint256 refundAfter
    );
    /// @notice The recipient's coins went to `destination`, less the `fee` that went to `relayer`.
    event Claimed(
        uint256 indexed depositId, address indexed recipient, address indexed destination, address relayer, uint256 fee
    );
    /// @notice The coins went back to `sender`.
    event Refunded(uint256 indexed depositId, address indexed sender);

    /// @notice Coins cannot go to this account: it is zero, or this contract.
    error AccountInvalid(address account);
    /// @notice Nothing arrived.
    error NothingDeposited();
    /// @notice There is no code at the token's address.
    error TokenWithoutCode(address token);
    /// @notice The sender must wait at least until `earliest`, and not beyond `latest`.
    error RefundTimeOutOfRange(uint256 refundAfter, uint256 earliest, uint256 latest);
    /// @notice No deposit has had this id yet.
    error DepositUnknown(uint256 depositId);
    /// @notice The deposit was claimed or refunded.
    error DepositIsSettled(uint256 depositId);
    /// @notice `caller`, or whoever signed, is not the recipient.
    error NotRecipient(uint256 depositId, address recipient, address caller);
    /// @notice `caller` did not pay.
    error NotSender(uint256 depositId, address sender, address caller);
    /// @notice The coins may go back only after `refundAfter`.
    error RefundTooEarly(uint256 refundAfter, uint256 currentTime);
    /// @notice The signed claim is too old.
    error DeadlinePassed(uint256 deadline, uint256 currentTime);
    /// @notice The fee would leave nothing.
    error FeeTooHigh(uint256 fee, uint256 amount);
    /// @notice The account does not accept ether.
    error EtherRefused(address account, uint256 amount);

    /// @notice Pays `msg.value`.
    /// @param refundAfter from an hour to five years from now.
    /// @return depositId counted from zero.
    function deposit(address recipient, uint48 refundAfter) external payable returns (uint256 depositId);

    /// @notice Pays tokens that the sender has approved.
    /// @param amount in the token's smallest unit; what arrives is what counts.
    /// @param refundAfter from an hour to five years from now.
    /// @return depositId counted from zero.
    function depositToken(address token, uint256 amount, address recipient, uint48 refundAfter)
        external
        returns (uint256 depositId);

    /// @notice Takes a deposit of which the caller is the recipient, before the refund time or after it.
    function claim(uint256 depositId, address destination) external;

    /// @notice Takes a deposit for the recipient who signed. Anyone may send it.
    /// @param signature `r ‖ s ‖ v`, 65 bytes, s in the lower half of the order, v 27 or 28.
    function claimFor(Claim calldata signed, bytes calldata signature) external;

    /// @notice Takes a deposit back after its time, unless it was claimed. Only for its sender: were it for anyone, a
    /// late recipient could be kept from his coins by a stranger.
    function refund(uint256 depositId) external;

    /// @notice How many deposits were made; the next one's id.
    function depositCount() external view returns (uint256);

    /// @notice A deposit; reverts if there is none, or none any more.
    function depositOf(uint256 depositId) external view returns (Deposit memory);

    /// @notice The EIP-712 digest that a recipient signs; reverts if there is no such deposit.
    function claimDigest(Claim calldata signed) external view returns (bytes32 digest);
}
