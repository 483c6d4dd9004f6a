// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {Bounty} from "../../../contracts/zk/Bounty.sol";
import {CircuitRegistry} from "../../../contracts/zk/CircuitRegistry.sol";
import {IBounty} from "../../../contracts/zk/IBounty.sol";
import {IReusableVerifier} from "../../../contracts/zk/IReusableVerifier.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {VerifierStub} from "../VerifierStub.sol";
import {ReentrantToken} from "../tokens/ReentrantToken.sol";
import {BountyHandler} from "./BountyHandler.sol";

/// @notice What holds of the coins after any sequence of calls. Few long runs, because a bounty takes many calls to be won.
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: default.invariant.runs = 4
/// forge-config: default.invariant.depth = 512
/// forge-config: long.invariant.runs = 64
/// forge-config: long.invariant.depth = 512
contract BountyInvariants is ForgeTest {
    Bounty private bounty;
    BountyHandler private handler;

    function setUp() public {
        vm.roll(1000);
        CircuitRegistry circuits = new CircuitRegistry(IReusableVerifier(address(new VerifierStub())));
        ModelRegistry models = new ModelRegistry();
        AccuracyRegistry accuracy = new AccuracyRegistry(models, circuits);
        bounty = new Bounty(accuracy);
        handler = new BountyHandler{value: 1e24}(circuits, models, accuracy, bounty, new ReentrantToken());
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = BountyHandler.enter.selector;
        selectors[1] = BountyHandler.open.selector;
        selectors[2] = BountyHandler.reveal.selector;
        selectors[3] = BountyHandler.prove.selector;
        selectors[4] = BountyHandler.take.selector;
        selectors[5] = BountyHandler.refund.selector;
        selectors[6] = BountyHandler.withdraw.selector;
        selectors[7] = BountyHandler.mine.selector;
        selectors[8] = BountyHandler.lock.selector;
        selectors[9] = BountyHandler.attack.selector;
        selectors[10] = BountyHandler.donate.selector;
        // To be taken, a bounty must be proved in time.
        selectors[11] = BountyHandler.prove.selector;
        selectors[12] = BountyHandler.take.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: selectors});
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev 20 · 512 = 10,240 calls.
    /// forge-config: default.invariant.runs = 20
    function invariant_CoinsInAreCoinsOutAndCoinsHeld() public view {
        for (uint256 kind = 0; kind < handler.KINDS(); ++kind) {
            assertEq(handler.paidIn(kind) + handler.donated(kind), handler.paidOut(kind) + handler.heldOf(kind));
        }
    }

    function invariant_CoinsHeldAreThoseOwed() public view {
        uint256[] memory owed = new uint256[](handler.KINDS());
        for (uint256 id = 0; id < bounty.bountyCount(); ++id) {
            IBounty.Offer memory offer = bounty.bountyOf(id);
            if (offer.status == IBounty.Status.Open || offer.status == IBounty.Status.Revealed) {
                owed[_kindOf(offer.token)] += offer.reward;
            }
        }
        for (uint256 kind = 0; kind < owed.length; ++kind) {
            for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
                owed[kind] += bounty.creditOf(handler.actorOf(actor), handler.kinds(kind));
            }
            assertEq(handler.heldOf(kind), owed[kind] + handler.donated(kind));
        }
    }

    /// @dev Nobody is credited but the first winner, or the sponsor of a bounty without one.
    function invariant_CreditsAndWithdrawalsAreTheSettledRewards() public view {
        uint256[5][3] memory settled = _settled();
        for (uint256 kind = 0; kind < handler.KINDS(); ++kind) {
            for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
                uint256 credit = bounty.creditOf(handler.actorOf(actor), handler.kinds(kind));
                assertEq(credit + handler.withdrawn(actor, kind), settled[actor][kind]);
            }
        }
    }

    function invariant_EveryCallEndsAsTheModelSays() public view {
        assertEq(handler.disagreements(), 0);
    }

    /// @dev The handler can end a call in every way: the invariants are not about an empty world.
    function test_HandlerReachesEveryState() public {
        handler.enter(1);
        handler.open(0, 0, 5, 4, 0, 0);
        handler.open(0, 0, 5, 4, 0, 1);
        handler.open(0, 1, 5, 4, 0, 1);
        handler.open(0, 3, 5, 4, 0, 2);
        handler.lock(true);
        handler.open(0, 2, 5, 4, 0, 2);
        handler.lock(false);
        handler.attack(0, 1, 0, true, true);
        handler.attack(0, 1, 0, false, true);
        handler.open(0, 0, 5, 4, 255, 2);
        uint256 id = bounty.bountyCount() - 1;
        handler.reveal(id * 8, 1);
        handler.mine(2);
        handler.mine(2);
        handler.reveal(id * 8, 0);
        handler.reveal(id * 8, 1);
        handler.enter(2);
        handler.take(id * 8, 1, 1);
        handler.prove(id * 8, 1, 9);
        handler.prove(id * 8, 2, 9);
        handler.take(id * 8, 1, 0);
        handler.take(id * 8, 2, 1);
        handler.refund(id * 8, 0);
        handler.take(id * 8, 1, 1);
        handler.take(id * 8, 1, 1);
        handler.withdraw(1, 0);
        handler.withdraw(1, 0);
        handler.donate(0, 3);
        for (uint8 i = 0; i < 8; ++i) {
            handler.mine(2);
        }
        handler.reveal(0, 1);
        handler.refund(0, 1);
        handler.withdraw(0, 1);
        string[13] memory outcomes = [
            "NoReward()",
            "RewardNotReceived(uint256,uint256)",
            "EtherNotExpected(uint256)",
            "SafeERC20FailedOperation(address)",
            "ReentrancyGuardReentrantCall()",
            "StillSealed(uint256,uint256)",
            "NotPublisher(uint256,address,address)",
            "RevealDeadlinePassed(uint256,uint256)",
            "BelowThreshold(uint256,uint256)",
            "NotModelOwner(bytes32,address,address)",
            "SetKnownInAdvance(bytes32,uint256)",
            "RefundTooEarly(uint256,uint256)",
            "NothingToWithdraw(address,address)"
        ];
        for (uint256 i = 0; i < outcomes.length; ++i) {
            assertTrue(handler.reached(bytes4(keccak256(bytes(outcomes[i])))) != 0);
        }
        assertEq(handler.disagreements(), 0);
        assertEq(handler.withdrawn(1, 0), 5);
        assertEq(handler.withdrawn(0, 1), 1e18);
        invariant_CoinsInAreCoinsOutAndCoinsHeld();
        invariant_CoinsHeldAreThoseOwed();
        invariant_CreditsAndWithdrawalsAreTheSettledRewards();
    }

    /// @dev By actor and kind: what was won, and what came back.
    function _settled() private view returns (uint256[5][3] memory sums) {
        for (uint256 id = 0; id < bounty.bountyCount(); ++id) {
            IBounty.Offer memory offer = bounty.bountyOf(id);
            if (offer.status == IBounty.Status.Taken) {
                sums[handler.winners(id) - 1][_kindOf(offer.token)] += offer.reward;
            }
            if (offer.status != IBounty.Status.Refunded) continue;
            for (uint256 actor = 0; actor < handler.ACTORS(); ++actor) {
                if (offer.sponsor == handler.actorOf(actor)) sums[actor][_kindOf(offer.token)] += offer.reward;
            }
        }
    }

    function _kindOf(address token) private view returns (uint256 kind) {
        while (handler.kinds(kind) != token) ++kind;
    }
}
