// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IImageVault} from "../../../contracts/keys/IImageVault.sol";
import {ImageVault} from "../../../contracts/keys/ImageVault.sol";
import {ForgeTest} from "../Forge.sol";
import {FalseToken} from "../tokens/FalseToken.sol";
import {FeeToken} from "../tokens/FeeToken.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {TestToken} from "../tokens/TestToken.sol";

/// @notice Drives payments in ether and four tokens through random calls, and counts the coins apart from them.
contract ImageVaultHandler is ForgeTest {
    uint256 public constant ACTORS = 3;
    uint256 public constant KINDS = 5;
    uint256 private constant FALSE = 2;
    uint256 private constant FEE = 3;
    uint256 private constant REENTRANT = 4;
    uint256 private constant FIRST_KEY = 0xA11CE0;
    address private constant RELAYER = address(0x4E1A);

    ImageVault private immutable vault;
    address[3] private actors;

    /// @dev Ether first.
    address[5] public kinds;

    // Coins by kind: arrived with deposits, given away to the contract, left.
    uint256[5] public paidIn;
    uint256[5] public donated;
    uint256[5] public paidOut;

    /// @notice What came of a deposit, as far as the calls that were accepted say.
    struct Ghost {
        IImageVault.Deposit deposit;
        uint256 kind;
        bool settled;
    }

    Ghost[] private ghosts;

    uint256 public disagreements;
    mapping(bytes32 outcome => uint256) public reached;

    constructor(ImageVault vault_, ReentrantToken hostile) payable {
        vault = vault_;
        kinds = [
            address(0), address(new TestToken()), address(new FalseToken()), address(new FeeToken()), address(hostile)
        ];
        for (uint256 actor = 0; actor < ACTORS; ++actor) {
            actors[actor] = vm.addr(FIRST_KEY + actor);
            for (uint256 kind = 1; kind < KINDS; ++kind) {
                TestToken(kinds[kind]).mint(actorOf(actor), 1e30);
                vm.prank(actorOf(actor));
                TestToken(kinds[kind]).approve(address(vault), type(uint256).max);
            }
            payable(actorOf(actor)).transfer(msg.value / ACTORS);
        }
    }

    function actorOf(uint256 actor) public view returns (address) {
        return actors[actor];
    }

    function heldOf(uint256 kind) public view returns (uint256) {
        return _balanceOf(address(vault), kind);
    }

    function ghostOf(uint256 depositId) external view returns (Ghost memory) {
        return ghosts[depositId];
    }

    // Actions

    function deposit(uint256 actor, uint256 to, uint256 kind, uint96 amount, uint32 lock_, uint8 oddity) public {
        kind %= KINDS;
        uint256 least = vault.MIN_LOCK();
        IImageVault.Deposit memory made = IImageVault.Deposit({
            sender: actorOf(actor % ACTORS),
            refundAfter: uint48(block.timestamp + (oddity % 16 == 2 ? uint256(lock_) : bound(lock_, least, 4 * least))),
            token: kinds[kind],
            recipient: oddity % 16 == 1 ? address(vault) : actorOf(to % ACTORS),
            amount: oddity % 16 == 0 ? 0 : bound(amount, 1, 1e18)
        });
        bytes32 expected = _whyNotDeposit(kind, made);
        uint256 before = heldOf(kind);
        (bool accepted, bytes memory answer) = _pay(made);
        // The re-entrant token's own call decides; only that nothing is lost matters then.
        if (kind == REENTRANT) expected = accepted ? bytes32(0) : bytes32(bytes4(answer));
        _note(expected, accepted ? bytes("") : answer);
        if (!accepted) return;
        if (kind == FEE) made.amount -= 1;
        if (heldOf(kind) - before != made.amount || abi.decode(answer, (uint256)) != ghosts.length) ++disagreements;
        paidIn[kind] += made.amount;
        ghosts.push(Ghost(made, kind, false));
    }

    function claim(uint256 depositId, uint8 sender, uint256 destination) public {
        (uint256 id, bool known) = _pick(depositId);
        address caller = !known || sender % 8 == 0 ? actorOf(sender / 8 % ACTORS) : ghosts[id].deposit.recipient;
        address to = _destination(destination);
        bytes32 expected = known ? _whyNotPayOut(ghosts[id], to) : bytes32(IImageVault.DepositUnknown.selector);
        if (known && !ghosts[id].settled && caller != ghosts[id].deposit.recipient) {
            expected = IImageVault.NotRecipient.selector;
        }
        uint256 before = known ? _balanceOf(to, ghosts[id].kind) : 0;
        vm.prank(caller);
        (bool paid, bytes memory answer) = address(vault).call(abi.encodeCall(IImageVault.claim, (id, to)));
        _settled(id, known, paid, expected, answer);
        if (paid && _balanceOf(to, ghosts[id].kind) - before != _received(id)) ++disagreements;
    }

    /// @dev Signed by the recipient or by another; sent as it was signed, or changed, or late.
    function claimFor(uint256 depositId, uint8 signer, uint256 destination, uint96 fee, uint8 oddity) public {
        (uint256 id, bool known) = _pick(depositId);
        if (!known || ghosts[id].settled) return;
        Ghost memory ghost = ghosts[id];
        IImageVault.Claim memory signed =
            IImageVault.Claim(id, _destination(destination), RELAYER, 0, block.timestamp + 1 hours);
        if (oddity % 2 == 1) signed.fee = uint256(fee) % (ghost.deposit.amount + 2);
        uint256 key = signer % 8 == 0 ? signer / 8 % ACTORS : _indexOf(ghost.deposit.recipient);
        bytes memory signature = _sign(key, signed);
        bytes32 expected = _whyNotPayOut(ghost, signed.destination);
        if (signed.fee >= ghost.deposit.amount) expected = IImageVault.FeeTooHigh.selector;
        if (oddity / 2 % 8 == 1) signed.relayer = address(0xBAD);
        if (signed.relayer != RELAYER || key != _indexOf(ghost.deposit.recipient)) {
            expected = IImageVault.NotRecipient.selector;
        }
        if (oddity / 2 % 8 == 2) {
            signed.deadline = block.timestamp - 1;
            expected = IImageVault.DeadlinePassed.selector;
        }
        _sendSigned(signed, signature, expected);
    }

    function refund(uint256 depositId, uint8 sender) public {
        (uint256 id, bool known) = _pick(depositId);
        address caller = !known || sender % 8 == 0 ? actorOf(sender / 8 % ACTORS) : ghosts[id].deposit.sender;
        bytes32 expected = IImageVault.DepositUnknown.selector;
        uint256 before;
        if (known) {
            Ghost memory ghost = ghosts[id];
            expected = _whyNotPayOut(ghost, caller);
            if (!ghost.settled && block.timestamp <= ghost.deposit.refundAfter) {
                expected = IImageVault.RefundTooEarly.selector;
            }
            if (!ghost.settled && caller != ghost.deposit.sender) expected = IImageVault.NotSender.selector;
            before = _balanceOf(caller, ghost.kind);
        }
        vm.prank(caller);
        (bool paid, bytes memory answer) = address(vault).call(abi.encodeCall(IImageVault.refund, (id)));
        _settled(id, known, paid, expected, answer);
        if (paid && _balanceOf(caller, ghosts[id].kind) - before != _received(id)) ++disagreements;
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time % 2 hours);
    }

    function lock(bool locked) external {
        FalseToken(kinds[FALSE]).lock(locked);
    }

    /// @dev Pays in, or takes out, re-entrant tokens, which call back meanwhile.
    function attack(uint256 actor, uint8 choice, uint256 depositId, bool insists, uint8 way) external {
        (uint256 id,) = _pick(depositId);
        ReentrantToken hostile = ReentrantToken(kinds[REENTRANT]);
        uint48 later = uint48(block.timestamp + 1 days);
        bytes memory message = abi.encodeCall(IImageVault.claim, (id, address(hostile)));
        if (choice % 3 == 1) {
            message = abi.encodeCall(IImageVault.depositToken, (address(hostile), 1e18, actorOf(0), later));
        }
        if (choice % 3 == 2) message = abi.encodeCall(IImageVault.refund, (id));
        hostile.mint(address(hostile), 1e18);
        hostile.arm(address(vault), message, insists);
        actor = 1 + actor % ACTORS;
        if (way % 4 == 0) deposit(actor, actor, REENTRANT, 1e18, 0, 3);
        else if (way % 4 == 1) claim(depositId, 1, actor);
        else if (way % 4 == 2) claimFor(depositId, 1, actor, 5, 1);
        else refund(depositId, 1);
    }

    function donate(uint256 kind, uint96 amount) external {
        kind = kind % KINDS;
        if (kind == FEE) return;
        donated[kind] += amount;
        if (kind == 0) vm.deal(address(vault), address(vault).balance + amount);
        else TestToken(kinds[kind]).mint(address(vault), amount);
    }

    // The model

    function _whyNotDeposit(uint256 kind, IImageVault.Deposit memory made) private view returns (bytes32) {
        if (made.recipient == address(vault)) return IImageVault.AccountInvalid.selector;
        uint256 time = made.refundAfter - block.timestamp;
        if (time < vault.MIN_LOCK() || time > vault.MAX_LOCK()) return IImageVault.RefundTimeOutOfRange.selector;
        if (_isLocked(kind)) return bytes4(keccak256("SafeERC20FailedOperation(address)"));
        if (made.amount == 0 || (kind == FEE && made.amount == 1)) return IImageVault.NothingDeposited.selector;
        return 0;
    }

    /// @dev Apart from who asks, and when.
    function _whyNotPayOut(Ghost memory ghost, address to) private view returns (bytes32) {
        if (ghost.settled) return IImageVault.DepositIsSettled.selector;
        if (to == address(vault)) return IImageVault.AccountInvalid.selector;
        if (_isLocked(ghost.kind)) return bytes4(keccak256("SafeERC20FailedOperation(address)"));
        return 0;
    }

    function _pay(IImageVault.Deposit memory made) private returns (bool accepted, bytes memory answer) {
        bytes memory message = made.token == address(0)
            ? abi.encodeCall(IImageVault.deposit, (made.recipient, made.refundAfter))
            : abi.encodeCall(IImageVault.depositToken, (made.token, made.amount, made.recipient, made.refundAfter));
        uint256 value = made.token == address(0) ? made.amount : 0;
        vm.prank(made.sender);
        return address(vault).call{value: value}(message);
    }

    function _sendSigned(IImageVault.Claim memory signed, bytes memory signature, bytes32 expected) private {
        uint256 kind = ghosts[signed.depositId].kind;
        uint256 before = _balanceOf(RELAYER, kind);
        (bool paid, bytes memory answer) =
            address(vault).call(abi.encodeCall(IImageVault.claimFor, (signed, signature)));
        _settled(signed.depositId, true, paid, expected, answer);
        uint256 due = !paid || signed.fee == 0 ? 0 : signed.fee - (kind == FEE ? 1 : 0);
        if (_balanceOf(RELAYER, kind) - before != due) ++disagreements;
    }

    function _settled(uint256 id, bool known, bool paid, bytes32 expected, bytes memory answer) private {
        if (!paid) {
            _note(known && ghosts[id].kind == REENTRANT ? bytes32(bytes4(answer)) : expected, answer);
            return;
        }
        _note(expected, "");
        ghosts[id].settled = true;
        paidOut[ghosts[id].kind] += ghosts[id].deposit.amount;
    }

    function _note(bytes32 expected, bytes memory refusal) private {
        bytes32 outcome = bytes32(bytes4(refusal));
        if (outcome != expected) ++disagreements;
        ++reached[outcome];
    }

    /// @dev Mostly a recent deposit that is not settled, so that most calls are not refused for that alone.
    function _pick(uint256 seed) private view returns (uint256 depositId, bool known) {
        uint256 count = ghosts.length;
        if (count == 0 || seed % 16 == 0) return (count + seed / 16 % 3, false);
        if (seed % 16 == 1) return (seed / 16 % count, true);
        for (uint256 id = count; id > 0 && id + 8 > count; --id) {
            if (!ghosts[id - 1].settled && (seed >> (count - id)) & 1 == 0) return (id - 1, true);
        }
        return (count - 1, true);
    }

    function _destination(uint256 seed) private view returns (address) {
        return seed % 16 == 0 ? address(vault) : actorOf(seed % ACTORS);
    }

    function _received(uint256 id) private view returns (uint256) {
        return ghosts[id].deposit.amount - (ghosts[id].kind == FEE ? 1 : 0);
    }

    function _isLocked(uint256 kind) private view returns (bool) {
        return kind == FALSE && FalseToken(kinds[FALSE]).locked();
    }

    function _indexOf(address account) private view returns (uint256 actor) {
        while (actorOf(actor) != account) ++actor;
    }

    function _sign(uint256 actor, IImageVault.Claim memory signed) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(FIRST_KEY + actor, vault.claimDigest(signed));
        return abi.encodePacked(r, s, v);
    }

    function _balanceOf(address account, uint256 kind) private view returns (uint256) {
        return kind == 0 ? account.balance : IERC20(kinds[kind]).balanceOf(account);
    }
}
