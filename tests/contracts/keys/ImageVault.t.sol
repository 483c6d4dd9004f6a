// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVault} from "../../../contracts/keys/ImageVault.sol";
import {ForgeTest} from "../Forge.sol";
import {FalseToken} from "../tokens/FalseToken.sol";
import {FeeToken} from "../tokens/FeeToken.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {SilentToken} from "../tokens/SilentToken.sol";
import {TestToken} from "../tokens/TestToken.sol";

/// @notice Pays, is paid, takes ether or not, and may call back when it comes.
contract EtherReceiver {
    IImageVault private immutable vault;
    bool private accepts = true;
    bytes private message;
    bool public succeeded;

    constructor(IImageVault vault_) {
        vault = vault_;
    }

    function set(bool accepts_, bytes calldata message_) external {
        (accepts, message) = (accepts_, message_);
    }

    function deposit(address recipient, uint48 refundAfter) external payable returns (uint256) {
        return vault.deposit{value: msg.value}(recipient, refundAfter);
    }

    function claim(uint256 depositId) external {
        vault.claim(depositId, address(this));
    }

    function refund(uint256 depositId) external {
        vault.refund(depositId);
    }

    receive() external payable {
        require(accepts);
        if (message.length != 0) (succeeded,) = address(vault).call(message);
    }
}

contract ImageVaultTest is ForgeTest {
    uint256 private constant NOW = 1_800_000_000;
    uint48 private constant REFUND_AFTER = uint48(NOW + 7 days);
    uint256 private constant AMOUNT = 7 ether;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @dev The recipient's key, as it comes of an image.
    uint256 private constant KEY = uint256(keccak256("image"));
    address private constant ETHER = address(0);
    address private constant SENDER = address(0x5E4D);
    address private constant DESTINATION = address(0xDE57);
    address private constant RELAYER = address(0x4E1A);
    address private constant STRANGER = address(0xBAD);

    ImageVault private vault;
    TestToken private token;
    address private recipient;

    function setUp() public {
        vm.warp(NOW);
        vault = new ImageVault();
        token = new TestToken();
        recipient = vm.addr(KEY);
        vm.deal(SENDER, 100 ether);
        _fund(token);
    }

    // Paying in

    function testFuzz_DepositHoldsTheEther(uint96 value, address to, uint48 refundAfter) public {
        vm.assume(to != address(0) && to != address(vault));
        uint256 amount = bound(value, 1, 100 ether);
        refundAfter = uint48(bound(refundAfter, NOW + vault.MIN_LOCK(), NOW + vault.MAX_LOCK()));
        vm.expectEmit(true, true, true, true, address(vault));
        emit IImageVault.Deposited(0, SENDER, to, ETHER, amount, refundAfter);
        vm.prank(SENDER);
        assertEq(vault.deposit{value: amount}(to, refundAfter), 0);
        assertEq(address(vault).balance, amount);
        assertEq(vault.depositCount(), 1);
        _requireDeposit(0, IImageVault.Deposit(SENDER, refundAfter, ETHER, to, amount));
    }

    function testFuzz_DepositHoldsTokens(uint96 amount_) public {
        uint256 amount = bound(amount_, 1, 100 ether);
        vm.expectEmit(true, true, true, true, address(vault));
        emit IImageVault.Deposited(0, SENDER, recipient, address(token), amount, REFUND_AFTER);
        vm.prank(SENDER);
        assertEq(vault.depositToken(address(token), amount, recipient, REFUND_AFTER), 0);
        assertEq(token.balanceOf(address(vault)), amount);
        _requireDeposit(0, IImageVault.Deposit(SENDER, REFUND_AFTER, address(token), recipient, amount));
    }

    /// @dev What arrives counts, coming and going.
    function testFuzz_TokenThatKeepsAFeeIsMeasured(uint96 amount_) public {
        FeeToken kept = new FeeToken();
        _fund(kept);
        uint256 amount = bound(amount_, 2, 100 ether);
        uint256 depositId = _depositTokens(address(kept), amount);
        assertEq(vault.depositOf(depositId).amount, amount - 1);
        assertEq(kept.balanceOf(address(vault)), amount - 1);
        vm.prank(recipient);
        vault.claim(depositId, DESTINATION);
        assertEq(kept.balanceOf(address(vault)), 0);
        assertEq(kept.balanceOf(DESTINATION), amount - 2);
    }

    function test_TokenThatReturnsNothingServes() public {
        SilentToken silent = new SilentToken();
        _fund(silent);
        uint256 depositId = _depositTokens(address(silent), AMOUNT);
        vm.prank(recipient);
        vault.claim(depositId, DESTINATION);
        assertEq(silent.balanceOf(DESTINATION), AMOUNT);
    }

    /// @dev The layout drawn above `IImageVault.Deposit`, and that a settled deposit leaves none of it.
    function test_StorageIsFourSlotsADepositAndNoneAfterwards() public {
        uint256 depositId = _depositTokens(address(token), AMOUNT);
        uint256 slot = uint256(keccak256(abi.encode(depositId, uint256(1))));
        assertEq(_word(slot), uint256(uint160(SENDER)) | uint256(REFUND_AFTER) << 160);
        assertEq(_word(slot + 1), uint160(address(token)));
        assertEq(_word(slot + 2), uint160(recipient));
        assertEq(_word(slot + 3), AMOUNT);
        assertEq(_word(slot + 4), 0);
        assertEq(_word(0), 1); // depositCount
        vm.prank(recipient);
        vault.claim(depositId, DESTINATION);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(_word(slot + i), 0);
        }
    }

    function test_RevertWhen_NothingIsDeposited() public {
        bytes memory refusal = abi.encodeWithSelector(IImageVault.NothingDeposited.selector);
        vm.startPrank(SENDER);
        vm.expectRevert(refusal);
        vault.deposit(recipient, REFUND_AFTER);
        vm.expectRevert(refusal);
        vault.depositToken(address(token), 0, recipient, REFUND_AFTER);
        FeeToken kept = new FeeToken();
        kept.mint(SENDER, 1);
        kept.approve(address(vault), 1);
        vm.expectRevert(refusal);
        vault.depositToken(address(kept), 1, recipient, REFUND_AFTER);
        vm.stopPrank();
        assertEq(vault.depositCount(), 0);
    }

    function test_RevertWhen_RecipientIsNobody() public {
        address[2] memory nobodies = [address(0), address(vault)];
        vm.startPrank(SENDER);
        for (uint256 i = 0; i < nobodies.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IImageVault.AccountInvalid.selector, nobodies[i]);
            vm.expectRevert(refusal);
            vault.deposit{value: AMOUNT}(nobodies[i], REFUND_AFTER);
            vm.expectRevert(refusal);
            vault.depositToken(address(token), AMOUNT, nobodies[i], REFUND_AFTER);
        }
        vm.stopPrank();
        assertEq(address(vault).balance, 0);
        assertEq(token.balanceOf(address(vault)), 0);
    }

    function test_RefundTimeMayBeAtEitherBound() public {
        vm.startPrank(SENDER);
        vault.deposit{value: 1}(recipient, uint48(NOW + 1 hours));
        vault.depositToken(address(token), 1, recipient, uint48(NOW + 1825 days));
        vm.stopPrank();
        assertEq(vault.depositCount(), 2);
    }

    function testFuzz_RevertWhen_RefundTimeIsOutOfRange(uint48 refundAfter) public {
        (uint256 earliest, uint256 latest) = (NOW + vault.MIN_LOCK(), NOW + vault.MAX_LOCK());
        vm.assume(refundAfter < earliest || refundAfter > latest);
        _expectOutOfRange(refundAfter, earliest, latest);
    }

    function test_RevertWhen_RefundTimeIsOneSecondOff() public {
        (uint256 earliest, uint256 latest) = (NOW + 1 hours, NOW + 1825 days);
        _expectOutOfRange(uint48(earliest - 1), earliest, latest);
        _expectOutOfRange(uint48(latest + 1), earliest, latest);
        _expectOutOfRange(uint48(NOW * 1000), earliest, latest); // milliseconds
    }

    function _expectOutOfRange(uint48 refundAfter, uint256 earliest, uint256 latest) private {
        bytes memory refusal =
            abi.encodeWithSelector(IImageVault.RefundTimeOutOfRange.selector, refundAfter, earliest, latest);
        vm.startPrank(SENDER);
        vm.expectRevert(refusal);
        vault.deposit{value: AMOUNT}(recipient, refundAfter);
        vm.expectRevert(refusal);
        vault.depositToken(address(token), AMOUNT, recipient, refundAfter);
        vm.stopPrank();
    }

    function test_RevertWhen_TokenHasNoCode() public {
        address[2] memory absent = [ETHER, STRANGER];
        for (uint256 i = 0; i < absent.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IImageVault.TokenWithoutCode.selector, absent[i]));
            vault.depositToken(absent[i], AMOUNT, recipient, REFUND_AFTER);
        }
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        FalseToken locked = new FalseToken();
        locked.lock(true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, locked));
        vault.depositToken(address(locked), AMOUNT, recipient, REFUND_AFTER);
    }

    function test_RevertWhen_TokensAreNotApproved() public {
        vm.startPrank(SENDER);
        token.approve(address(vault), AMOUNT - 1);
        vm.expectRevert(
            abi.encodeWithSignature("ERC20InsufficientAllowance(address,uint256,uint256)", vault, AMOUNT - 1, AMOUNT)
        );
        vault.depositToken(address(token), AMOUNT, recipient, REFUND_AFTER);
        vm.stopPrank();
    }

    function test_RevertWhen_EtherIsSentWithoutADeposit() public {
        (bool accepted,) = address(vault).call{value: 1}("");
        assertFalse(accepted);
    }

    // Claims by the recipient

    /// @dev Before the refund time and long after it.
    function testFuzz_RecipientClaimsAtAnyTime(uint48 time, address destination) public {
        vm.assume(uint160(destination) > 0xFFFF && destination.code.length == 0 && destination != SENDER);
        uint256 before = destination.balance;
        uint256 depositId = _depositEther();
        vm.warp(bound(time, NOW, type(uint48).max));
        vm.expectEmit(true, true, true, true, address(vault));
        emit IImageVault.Claimed(depositId, recipient, destination, address(0), 0);
        vm.prank(recipient);
        vault.claim(depositId, destination);
        assertEq(destination.balance - before, AMOUNT);
        assertEq(address(vault).balance, 0);
    }

    function testFuzz_RevertWhen_AnotherClaims(address caller) public {
        vm.assume(caller != recipient);
        uint256 depositId = _depositEther();
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IImageVault.NotRecipient.selector, depositId, recipient, caller));
        vault.claim(depositId, caller);
    }

    function test_RevertWhen_DestinationIsNobody() public {
        uint256 depositId = _depositEther();
        address[2] memory nobodies = [address(0), address(vault)];
        for (uint256 i = 0; i < nobodies.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IImageVault.AccountInvalid.selector, nobodies[i]);
            vm.prank(recipient);
            vm.expectRevert(refusal);
            vault.claim(depositId, nobodies[i]);
            IImageVault.Claim memory signed = _claimOf(depositId);
            signed.destination = nobodies[i];
            _expectNoClaim(refusal, signed, _sign(signed));
        }
    }

    /// @dev By each of the three ways, after each of the three ways.
    function testFuzz_RevertWhen_DepositIsSettled(uint8 first, uint8 second) public {
        uint256 depositId = _depositEther();
        _depositEther();
        bytes memory signature = _sign(_claimOf(depositId));
        vm.warp(uint256(REFUND_AFTER) + 1);
        _settle(first % 3, depositId, signature, "");
        _settle(
            second % 3, depositId, signature, abi.encodeWithSelector(IImageVault.DepositIsSettled.selector, depositId)
        );
        assertEq(address(vault).balance, AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(IImageVault.DepositIsSettled.selector, depositId));
        vault.depositOf(depositId);
    }

    function testFuzz_RevertWhen_DepositIsUnknown(uint256 unknown, uint8 way) public {
        uint256 depositId = _depositEther();
        vm.assume(unknown != depositId);
        bytes memory refusal = abi.encodeWithSelector(IImageVault.DepositUnknown.selector, unknown);
        _settle(way % 3, unknown, _sign(_claimOf(depositId)), refusal);
        vm.expectRevert(refusal);
        vault.depositOf(unknown);
        IImageVault.Claim memory signed = _claimOf(depositId);
        signed.depositId = unknown;
        vm.expectRevert(refusal);
        vault.claimDigest(signed);
    }

    function _settle(uint256 way, uint256 depositId, bytes memory signature, bytes memory refusal) private {
        IImageVault.Claim memory signed = _claimOf(depositId);
        vm.prank(way == 0 ? recipient : way == 1 ? RELAYER : SENDER);
        if (refusal.length != 0) vm.expectRevert(refusal);
        if (way == 0) vault.claim(depositId, DESTINATION);
        else if (way == 1) vault.claimFor(signed, signature);
        else vault.refund(depositId);
    }

    // Signed claims

    /// @dev The recipient has no ether at all, and anybody may send what he signed.
    function testFuzz_SignedClaimPaysDestinationAndRelayer(address caller, uint96 fee_, uint40 deadline, bool inTokens)
        public
    {
        uint256 depositId = inTokens ? _depositTokens(address(token), AMOUNT) : _depositEther();
        IImageVault.Claim memory signed = _claimOf(depositId);
        signed.fee = bound(fee_, 0, AMOUNT - 1);
        signed.deadline = bound(deadline, NOW, type(uint40).max);
        vm.warp(signed.deadline);
        bytes memory signature = _sign(signed);
        vm.expectEmit(true, true, true, true, address(vault));
        emit IImageVault.Claimed(depositId, recipient, DESTINATION, RELAYER, signed.fee);
        vm.prank(caller);
        vault.claimFor(signed, signature);
        assertEq(inTokens ? token.balanceOf(DESTINATION) : DESTINATION.balance, AMOUNT - signed.fee);
        assertEq(inTokens ? token.balanceOf(RELAYER) : RELAYER.balance, signed.fee);
        assertEq(inTokens ? token.balanceOf(address(vault)) : address(vault).balance, 0);
        assertEq(recipient.balance, 0);
    }

    /// @dev EIP-712, written out.
    function testFuzz_DigestIsTheStandards(IImageVault.Claim memory signed, uint96 amount_, bool inTokens) public {
        uint256 amount = bound(amount_, 1, 100 ether);
        if (inTokens) {
            signed.depositId = _depositTokens(address(token), amount);
        } else {
            vm.prank(SENDER);
            signed.depositId = vault.deposit{value: amount}(recipient, REFUND_AFTER);
        }
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("pyml ImageVault"),
                keccak256("1"),
                block.chainid,
                vault
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Claim(uint256 depositId,address token,uint256 amount,"
                    "address destination,address relayer,uint256 fee,uint256 deadline)"
                ),
                signed.depositId,
                inTokens ? address(token) : ETHER,
                amount,
                signed.destination,
                signed.relayer,
                signed.fee,
                signed.deadline
            )
        );
        assertEq(vault.claimDigest(signed), keccak256(abi.encodePacked(hex"1901", domain, message)));
    }

    function test_RevertWhen_OneBitOfTheSignatureIsAnother() public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes memory signature = _sign(signed);
        for (uint256 bit = 0; bit < 65 * 8; ++bit) {
            signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
            _expectNoClaim(_whyNot(signed, signature), signed, signature);
            signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        }
        vault.claimFor(signed, signature);
    }

    /// @dev Each field of what was signed, changed by whoever sends it.
    function testFuzz_RevertWhen_OneFieldIsAnother(uint8 field, uint256 change) public {
        uint256 depositId = _depositEther();
        uint256 other = _depositEther();
        IImageVault.Claim memory signed = _claimOf(depositId);
        signed.fee = 1 ether;
        bytes memory signature = _sign(signed);
        field %= 5;
        if (field == 0) signed.depositId = other;
        if (field == 1) signed.destination = STRANGER;
        if (field == 2) signed.relayer = STRANGER;
        if (field == 3) signed.fee = bound(change, 0, AMOUNT - 1);
        if (field == 4) signed.deadline = bound(change, NOW, type(uint256).max);
        vm.assume(signed.fee != 1 ether || field != 3);
        vm.assume(signed.deadline != _claimOf(depositId).deadline || field != 4);
        _expectNoClaim(_whyNot(signed, signature), signed, signature);
    }

    function testFuzz_RevertWhen_AnotherSigns(uint256 key) public {
        key = bound(key, 1, ORDER - 1);
        vm.assume(key != KEY);
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes memory refusal =
            abi.encodeWithSelector(IImageVault.NotRecipient.selector, signed.depositId, recipient, vm.addr(key));
        _expectNoClaim(refusal, signed, _signWith(key, signed));
    }

    /// @dev The other signature that the same key holder never made: s negated, v the other one.
    function testFuzz_RevertWhen_SignatureIsMalleated(uint96 fee) public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        signed.fee = bound(fee, 0, AMOUNT - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, vault.claimDigest(signed));
        bytes32 high = bytes32(ORDER - uint256(s));
        bytes memory refusal = abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high);
        _expectNoClaim(refusal, signed, abi.encodePacked(r, high, 55 - v));
    }

    function test_RevertWhen_SignatureHasAnotherForm() public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, vault.claimDigest(signed));
        bytes32 short = bytes32(uint256(s) | uint256(v - 27) << 255);
        bytes4 length = ECDSA.ECDSAInvalidSignatureLength.selector;
        _expectNoClaim(abi.encodeWithSelector(length, 0), signed, "");
        _expectNoClaim(abi.encodeWithSelector(length, 64), signed, abi.encodePacked(r, short));
        _expectNoClaim(abi.encodeWithSelector(length, 66), signed, abi.encodePacked(r, s, v, uint8(0)));
        bytes memory invalid = abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector);
        _expectNoClaim(invalid, signed, abi.encodePacked(r, s, v - 27));
        _expectNoClaim(invalid, signed, new bytes(65));
        _expectNoClaim(invalid, signed, abi.encodePacked(bytes32(0), s, v));
        _expectNoClaim(invalid, signed, abi.encodePacked(r, bytes32(0), v));
        _expectNoClaim(invalid, signed, abi.encodePacked(bytes32(ORDER), s, v));
    }

    function testFuzz_RevertWhen_ChainOrContractIsAnother(uint64 chainId) public {
        chainId = uint64(bound(chainId, 1, type(uint64).max - 1));
        vm.assume(chainId != block.chainid);
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes memory signature = _sign(signed);
        uint256 home = block.chainid;
        vm.chainId(chainId);
        _expectNoClaim(_whyNot(signed, signature), signed, signature);
        vm.chainId(home);
        vault = new ImageVault();
        assertEq(_depositEther(), signed.depositId);
        _expectNoClaim(_whyNot(signed, signature), signed, signature);
    }

    /// @dev As after a reorganisation: another payment has the id.
    function test_RevertWhen_TokenOrAmountIsAnother() public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes memory signature = _sign(signed);
        uint256 slot = uint256(keccak256(abi.encode(signed.depositId, uint256(1))));
        vm.store(address(vault), bytes32(slot + 3), bytes32(AMOUNT - 1));
        _expectNoClaim(_whyNot(signed, signature), signed, signature);
        vm.store(address(vault), bytes32(slot + 3), bytes32(AMOUNT));
        vm.store(address(vault), bytes32(slot + 1), bytes32(uint256(uint160(address(token)))));
        _expectNoClaim(_whyNot(signed, signature), signed, signature);
    }

    function testFuzz_RevertWhen_DeadlineHasPassed(uint48 time) public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes memory signature = _sign(signed);
        uint256 later = bound(time, signed.deadline + 1, type(uint48).max);
        vm.warp(later);
        bytes memory refusal = abi.encodeWithSelector(IImageVault.DeadlinePassed.selector, signed.deadline, later);
        _expectNoClaim(refusal, signed, signature);
    }

    function testFuzz_RevertWhen_FeeLeavesNothing(uint256 fee) public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        signed.fee = bound(fee, AMOUNT, type(uint256).max);
        bytes memory refusal = abi.encodeWithSelector(IImageVault.FeeTooHigh.selector, signed.fee, AMOUNT);
        _expectNoClaim(refusal, signed, _sign(signed));
    }

    function test_RevertWhen_FeeIsForNobody() public {
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        (signed.fee, signed.relayer) = (1, address(0));
        _expectNoClaim(abi.encodeWithSelector(IImageVault.AccountInvalid.selector, address(0)), signed, _sign(signed));
        signed.relayer = address(vault);
        _expectNoClaim(abi.encodeWithSelector(IImageVault.AccountInvalid.selector, vault), signed, _sign(signed));
        signed.fee = 0;
        vault.claimFor(signed, _sign(signed));
        assertEq(DESTINATION.balance, AMOUNT);
    }

    // Refunds

    function testFuzz_SenderIsRefundedAfterTheTimeOnly(uint48 early, uint48 late, bool inTokens) public {
        uint256 depositId = inTokens ? _depositTokens(address(token), AMOUNT) : _depositEther();
        uint256 time = bound(early, NOW, REFUND_AFTER);
        vm.warp(time);
        bytes memory refusal = abi.encodeWithSelector(IImageVault.RefundTooEarly.selector, REFUND_AFTER, time);
        _settle(2, depositId, "", refusal);
        vm.warp(bound(late, REFUND_AFTER + 1, type(uint48).max));
        vm.expectEmit(true, true, true, true, address(vault));
        emit IImageVault.Refunded(depositId, SENDER);
        _settle(2, depositId, "", "");
        assertEq(SENDER.balance, 100 ether);
        assertEq(token.balanceOf(SENDER), 100 ether);
    }

    function test_RevertWhen_RefundedInTheLastSecondOfTheLock() public {
        uint256 depositId = _depositEther();
        vm.warp(REFUND_AFTER);
        _settle(
            2, depositId, "", abi.encodeWithSelector(IImageVault.RefundTooEarly.selector, REFUND_AFTER, REFUND_AFTER)
        );
    }

    /// @dev The recipient neither: he claims.
    function testFuzz_RevertWhen_AnotherRefunds(address caller) public {
        vm.assume(caller != SENDER);
        uint256 depositId = _depositEther();
        vm.warp(uint256(REFUND_AFTER) + 1);
        bytes memory refusal = abi.encodeWithSelector(IImageVault.NotSender.selector, depositId, SENDER, caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        vault.refund(depositId);
    }

    // Receivers and tokens that misbehave

    function test_WhoRefusesEtherHarmsNobodyElse() public {
        EtherReceiver receiver = new EtherReceiver(vault);
        vm.startPrank(SENDER);
        uint256 paid = receiver.deposit{value: AMOUNT}(address(receiver), REFUND_AFTER);
        uint256 other = vault.deposit{value: AMOUNT}(recipient, REFUND_AFTER);
        vm.stopPrank();
        receiver.set(false, "");
        bytes memory refusal = abi.encodeWithSelector(IImageVault.EtherRefused.selector, receiver, AMOUNT);
        vm.expectRevert(refusal);
        receiver.claim(paid);
        vm.warp(uint256(REFUND_AFTER) + 1);
        vm.expectRevert(refusal);
        receiver.refund(paid);
        IImageVault.Claim memory signed = _claimOf(other);
        (signed.relayer, signed.fee) = (address(receiver), 1);
        refusal = abi.encodeWithSelector(IImageVault.EtherRefused.selector, receiver, 1);
        _expectNoClaim(refusal, signed, _sign(signed));
        vm.prank(recipient);
        vault.claim(other, DESTINATION);
        assertEq(DESTINATION.balance, AMOUNT);
        receiver.set(true, "");
        receiver.claim(paid);
        assertEq(address(receiver).balance, AMOUNT);
    }

    function test_RevertWhen_TokenAnswersFalseToTheClaimOrTheRefund() public {
        FalseToken locked = new FalseToken();
        _fund(locked);
        uint256 depositId = _depositTokens(address(locked), AMOUNT);
        locked.lock(true);
        vm.warp(uint256(REFUND_AFTER) + 1);
        bytes memory refusal = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, locked);
        for (uint256 way = 0; way < 3; ++way) {
            bytes memory signature = _sign(_claimOf(depositId));
            _settle(way, depositId, signature, refusal);
        }
        locked.lock(false);
        _settle(0, depositId, "", "");
        assertEq(locked.balanceOf(DESTINATION), AMOUNT);
    }

    function test_ForcedEtherBelongsToNobody() public {
        uint256 depositId = _depositEther();
        vm.deal(address(vault), AMOUNT + 5 ether); // as a self-destruction can
        _settle(0, depositId, "", "");
        assertEq(DESTINATION.balance, AMOUNT);
        assertEq(address(vault).balance, 5 ether);
    }

    function test_RevertWhen_TokenReentersTheDeposit() public {
        ReentrantToken hostile = new ReentrantToken();
        _fund(hostile);
        hostile.mint(address(hostile), AMOUNT);
        bytes[2] memory calls = [
            abi.encodeCall(IImageVault.depositToken, (address(hostile), AMOUNT, recipient, REFUND_AFTER)),
            abi.encodeCall(IImageVault.deposit, (recipient, REFUND_AFTER))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            hostile.arm(address(vault), calls[i], true);
            vm.prank(SENDER);
            vm.expectRevert(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
            vault.depositToken(address(hostile), AMOUNT, recipient, REFUND_AFTER);
        }
        assertEq(vault.depositCount(), 0);
    }

    /// @dev A token that hides that its call back was refused gains nothing by it, whichever call it is.
    function testFuzz_ReentrantTokenGainsNothing(uint8 choice) public {
        ReentrantToken hostile = new ReentrantToken();
        _fund(hostile);
        uint256 depositId = _depositTokens(address(hostile), AMOUNT);
        IImageVault.Claim memory signed = _claimOf(depositId);
        bytes[4] memory calls = [
            abi.encodeCall(IImageVault.claim, (depositId, address(hostile))),
            abi.encodeCall(IImageVault.refund, (depositId)),
            abi.encodeCall(IImageVault.claimFor, (signed, _sign(signed))),
            abi.encodeCall(IImageVault.depositToken, (address(hostile), 1, recipient, REFUND_AFTER))
        ];
        hostile.arm(address(vault), calls[choice % 4], false);
        vm.warp(uint256(REFUND_AFTER) + 1);
        _settle(choice / 4 % 3, depositId, _sign(signed), "");
        assertEq(hostile.calls(), 1);
        assertFalse(hostile.succeeded());
        assertEq(hostile.balanceOf(address(vault)), 0);
        assertEq(hostile.balanceOf(DESTINATION) + hostile.balanceOf(SENDER), 100 ether);
    }

    function testFuzz_ReentrantReceiverOfEtherGainsNothing(uint8 choice) public {
        EtherReceiver receiver = new EtherReceiver(vault);
        vm.startPrank(SENDER);
        uint256 paid = receiver.deposit{value: AMOUNT}(address(receiver), REFUND_AFTER);
        receiver.deposit{value: AMOUNT}(address(receiver), REFUND_AFTER);
        vm.stopPrank();
        IImageVault.Claim memory signed = _claimOf(_depositEther());
        bytes[5] memory calls = [
            abi.encodeCall(IImageVault.claim, (paid, address(receiver))),
            abi.encodeCall(IImageVault.claim, (paid + 1, address(receiver))),
            abi.encodeCall(IImageVault.refund, (paid)),
            abi.encodeCall(IImageVault.refund, (paid + 1)),
            abi.encodeCall(IImageVault.claimFor, (signed, _sign(signed)))
        ];
        vm.warp(uint256(REFUND_AFTER) + 1);
        receiver.set(true, calls[choice % 5]);
        if (choice & 8 == 0) receiver.claim(paid);
        else receiver.refund(paid);
        assertFalse(receiver.succeeded());
        assertEq(address(receiver).balance, AMOUNT);
        assertEq(address(vault).balance, 2 * AMOUNT);
    }

    // Tools

    function _fund(TestToken kind) private {
        kind.mint(SENDER, 100 ether);
        vm.prank(SENDER);
        kind.approve(address(vault), type(uint256).max);
    }

    function _depositEther() private returns (uint256 depositId) {
        vm.prank(SENDER);
        return vault.deposit{value: AMOUNT}(recipient, REFUND_AFTER);
    }

    function _depositTokens(address kind, uint256 amount) private returns (uint256 depositId) {
        vm.prank(SENDER);
        return vault.depositToken(kind, amount, recipient, REFUND_AFTER);
    }

    function _claimOf(uint256 depositId) private pure returns (IImageVault.Claim memory) {
        return IImageVault.Claim(depositId, DESTINATION, RELAYER, 0, uint256(REFUND_AFTER) + 30 days);
    }

    function _sign(IImageVault.Claim memory signed) private view returns (bytes memory signature) {
        return _signWith(KEY, signed);
    }

    function _signWith(uint256 key, IImageVault.Claim memory signed) private view returns (bytes memory signature) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, vault.claimDigest(signed));
        return abi.encodePacked(r, s, v);
    }

    /// @dev What a signature that is not the recipient's must end with: the library's refusal, or another signer.
    function _whyNot(IImageVault.Claim memory signed, bytes memory signature) private view returns (bytes memory) {
        (address signer, ECDSA.RecoverError wrong, bytes32 argument) =
            ECDSA.tryRecover(vault.claimDigest(signed), signature);
        assertTrue(signer != recipient);
        if (wrong == ECDSA.RecoverError.InvalidSignature) {
            return abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector);
        }
        if (wrong == ECDSA.RecoverError.InvalidSignatureS) {
            return abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, argument);
        }
        return abi.encodeWithSelector(IImageVault.NotRecipient.selector, signed.depositId, recipient, signer);
    }

    function _expectNoClaim(bytes memory refusal, IImageVault.Claim memory signed, bytes memory signature) private {
        uint256 held = address(vault).balance;
        vm.prank(RELAYER);
        vm.expectRevert(refusal);
        vault.claimFor(signed, signature);
        assertEq(address(vault).balance, held);
    }

    function _requireDeposit(uint256 depositId, IImageVault.Deposit memory expected) private view {
        assertEq(keccak256(abi.encode(vault.depositOf(depositId))), keccak256(abi.encode(expected)));
    }

    function _word(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(vault), bytes32(slot)));
    }
}
