// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/deepchain/IDisputes.sol";
import {IEscrow} from "../../../contracts/deepchain/IEscrow.sol";
import {IEvidence} from "../../../contracts/deepchain/IEvidence.sol";
import {IProcessing} from "../../../contracts/deepchain/IProcessing.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Members} from "../../../contracts/deepchain/Members.sol";
import {Payoff} from "../../../contracts/deepchain/Payoff.sol";
import {ForgeTest} from "../Forge.sol";
import {DeepchainHandler} from "./DeepchainHandler.sol";

/// @notice What holds of the coins after any sequence of calls. Few long runs, because a round takes many calls.
/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: default.invariant.runs = 21
/// forge-config: default.invariant.depth = 500
/// forge-config: long.invariant.runs = 64
/// forge-config: long.invariant.depth = 2048
contract DeepchainInvariants is ForgeTest {
    using Members for uint64;

    DeepchainHandler private handler;
    IEscrow private escrow;
    ITrading private trading;
    IProcessing private processing;
    IDisputes private disputes;
    IEvidence private evidence;

    function setUp() public {
        handler = new DeepchainHandler();
        handler.setUp();
        address[5] memory found = handler.contracts();
        (escrow, trading, processing) = (IEscrow(found[0]), ITrading(found[1]), IProcessing(found[2]));
        (disputes, evidence) = (IDisputes(found[3]), IEvidence(found[4]));
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: _selectors()});
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev 21 · 500 = 10,500 calls. All that can be asked of a state is asked at once: each further invariant would be as
    /// many calls again.
    function invariant_CoinsInAreCoinsOutAndCoinsHeldAndEachIsOwed() public view {
        assertEq(handler.paidIn(), handler.paidOut() + handler.held());
        assertEq(handler.held(), handler.owned());
        assertEq(escrow.potOf(address(trading)), _owedByTrading());
        assertEq(escrow.potOf(address(processing)), _owedByProcessing());
        assertEq(escrow.potOf(address(disputes)), _openDisputes() * 101);
        assertEq(escrow.potOf(address(evidence)), _openDemands() * 101);
        assertEq(handler.disagreements(), 0);
    }

    /// @dev The handler can end everything in every way: the invariant is not about an empty world.
    function test_HandlerReachesEveryState() public {
        bytes4[] memory selectors = _selectors();
        // A dispute down to the leaves, and one that is justified; the rest comes by chance.
        handler.begin(3);
        handler.leave(0, 8);
        handler.leave(0, 2);
        handler.begin(0);
        for (uint8 party = 0; party < 4; ++party) {
            handler.submit(party, 1);
        }
        handler.dispute(1, false);
        handler.answer(0, 0);
        handler.wait(6);
        handler.claimTimeout(0);
        handler.dispute(2, false);
        handler.answer(0, 4);
        bytes32 seed = "seed";
        for (uint256 i = 0; i < 6000; ++i) {
            seed = keccak256(abi.encode(seed));
            bytes4 selector = selectors[uint256(seed) % selectors.length];
            (bool done,) = address(handler).call(_message(selector, seed));
            assertTrue(done);
        }
        bytes32[32] memory names = [
            bytes32("begun"),
            "joined",
            "enlisted",
            "cancelled",
            "started",
            "submitted",
            "collected",
            "rerun",
            "updated",
            "signed",
            "appended",
            "expired",
            "shared",
            "accepted",
            "over",
            "disputed",
            "shares disputed",
            "traced",
            "descended",
            "picked",
            "justified",
            "convicted by dispute",
            "gradients demanded",
            "aggregate demanded",
            "served",
            "aggregate unserved",
            "vector unserved",
            "malformed",
            "proved wrong",
            "claimed",
            "worker claimed",
            "stake withdrawn"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            // Named in the failure.
            if (handler.reached(names[i]) == 0) revert NotEqual(names[i], 0);
        }
        assertTrue(handler.reached("withdrawn") > 0 && handler.reached("deposited") > 0);
        assertTrue(handler.reached("shares demanded") > 0 && handler.reached("retired") > 0);
        invariant_CoinsInAreCoinsOutAndCoinsHeldAndEachIsOwed();
    }

    function _selectors() private pure returns (bytes4[] memory selectors) {
        bytes4[22] memory listed = [
            DeepchainHandler.begin.selector,
            DeepchainHandler.wait.selector,
            DeepchainHandler.submit.selector,
            DeepchainHandler.collect.selector,
            DeepchainHandler.update.selector,
            DeepchainHandler.lodge.selector,
            DeepchainHandler.append.selector,
            DeepchainHandler.expire.selector,
            DeepchainHandler.share.selector,
            DeepchainHandler.settle.selector,
            DeepchainHandler.dispute.selector,
            DeepchainHandler.answer.selector,
            DeepchainHandler.claimTimeout.selector,
            DeepchainHandler.demand.selector,
            DeepchainHandler.serve.selector,
            DeepchainHandler.claimUnserved.selector,
            DeepchainHandler.proveMalformed.selector,
            DeepchainHandler.proveWrong.selector,
            DeepchainHandler.claim.selector,
            DeepchainHandler.leave.selector,
            DeepchainHandler.move.selector,
            DeepchainHandler.play.selector
        ];
        // Steps with deadlines come more often.
        selectors = new bytes4[](40);
        for (uint256 i = 0; i < 40; ++i) {
            if (i < 22) selectors[i] = listed[i];
            else if (i < 24) selectors[i] = DeepchainHandler.play.selector;
            else if (i < 27) selectors[i] = DeepchainHandler.submit.selector;
            else if (i < 30) selectors[i] = DeepchainHandler.share.selector;
            else if (i < 32) selectors[i] = DeepchainHandler.lodge.selector;
            else if (i < 34) selectors[i] = DeepchainHandler.update.selector;
            else if (i < 38) selectors[i] = DeepchainHandler.answer.selector;
            else selectors[i] = i == 38 ? DeepchainHandler.dispute.selector : DeepchainHandler.claimTimeout.selector;
        }
    }

    /// @dev Three words, of which each action takes what it needs.
    function _message(bytes4 selector, bytes32 seed) private pure returns (bytes memory) {
        uint256 word = uint256(seed) >> 8;
        if (selector == DeepchainHandler.play.selector) return abi.encodeWithSelector(selector);
        if (selector == DeepchainHandler.move.selector) {
            return abi.encodeWithSelector(selector, word & 255, (word >> 8) & 0xffff, (word >> 40) & 1);
        }
        bool second = selector == DeepchainHandler.dispute.selector || selector == DeepchainHandler.claim.selector;
        bool first = selector == DeepchainHandler.proveMalformed.selector;
        return
            abi.encodeWithSelector(
                selector, first ? word & 1 : word & 255, second ? (word >> 8) & 1 : (word >> 8) & 255
            );
    }

    function _owedByTrading() private view returns (uint256 owed) {
        for (uint256 group = 0; group < trading.groupCount(); ++group) {
            ITrading.Account memory account = trading.accountOf(group);
            uint256 deposit = trading.termsOf(group).deposit;
            uint64 active = trading.masksOf(group).active;
            if (trading.clockOf(group).phase != ITrading.Phase.Over) {
                owed += active.count() * deposit + account.slashed + account.reward;
                continue;
            }
            for (uint256 party = 0; party < trading.clockOf(group).parties; ++party) {
                bool waits = !trading.partyOf(group, party).claimed && active & Members.bit(party) != 0;
                if (waits) owed += deposit;
            }
            if (account.unclaimed != 0) owed += account.reward - account.paid;
        }
    }

    function _owedByProcessing() private view returns (uint256 owed) {
        for (uint256 group = 0; group < trading.groupCount(); ++group) {
            uint256 total = processing.contributionsOf(group);
            uint128 pool = trading.accountOf(group).workerPool;
            (uint256 paid, bool allClaimed) = (0, true);
            for (uint256 worker = 0; worker < processing.workerCount(group); ++worker) {
                IProcessing.Worker memory found = processing.workerOf(group, worker);
                owed += found.stake;
                if (found.claimed) paid += Payoff.earned(pool, found.blocks, total);
                else allClaimed = false;
            }
            if (!allClaimed) owed += pool - paid;
        }
    }

    function _openDisputes() private view returns (uint256 open) {
        for (uint256 id = 0; id < disputes.disputeCount(); ++id) {
            if (disputes.disputeOf(id).turn != IDisputes.Turn.Over) ++open;
        }
    }

    function _openDemands() private view returns (uint256 open) {
        for (uint256 id = 0; id < evidence.demandCount(); ++id) {
            if (evidence.demandOf(id).open) ++open;
        }
    }
}
