// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {DeepchainTest} from "./DeepchainTest.sol";

/// @notice Whole rounds, and who is richer or poorer for them.
contract DeepchainRoundsTest is DeepchainTest {
    function test_HonestGroupEarnsTheRewardAndLosesNothing() public {
        _start();
        for (uint256 i = 0; i < ROUNDS; ++i) {
            _round();
        }
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Over);
        assertEq(trading.accountOf(0).acceptedRounds, ROUNDS);
        uint256 partyPool = uint256(REWARD) * 7000 / 10_000;
        assertEq(trading.accountOf(0).reward, partyPool);
        for (uint256 i = 0; i < PARTIES; ++i) {
            trading.claim(0, i);
            assertEq(_free(_member(i)), GRANT + partyPool / PARTIES);
        }
        uint256 workerPool = REWARD - partyPool;
        uint256 total = processing.contributionsOf(0);
        assertEq(total, ROUNDS * 6);
        for (uint256 i = 0; i < WORKERS; ++i) {
            uint256 blocks = processing.workerOf(0, i).blocks;
            processing.claim(0, i);
            assertEq(_free(_worker(i)), GRANT + workerPool * blocks / total);
        }
        assertEq(_free(SPONSOR), GRANT - REWARD);
        _assertBalanced();
        _assertEmptied();
    }

    function test_LateGradientPaysTheOthers() public {
        _start();
        _submitFirst(3);
        _collect();
        // |B| = 1: its deposit is split over the three of V, and division leaves two coins.
        assertEq(_free(_member(0)), GRANT - DEPOSIT + DEPOSIT / 3);
        assertEq(_free(_member(3)), GRANT - DEPOSIT);
        assertEq(escrow.treasury(), DEPOSIT % 3);
        assertEq(trading.masksOf(0).active, 7);
        assertEq(trading.masksOf(0).accepted, 7);
        _aggregate();
        _shareFirst(3);
        _settle();
        assertEq(trading.accountOf(0).acceptedRounds, 1);
        assertEq(trading.clockOf(0).round, 2);
        _assertBalanced();
    }

    function test_WhoLostADepositComesBackWithAnother() public {
        _start();
        _submitFirst(3);
        _collect();
        _aggregate();
        _shareFirst(3);
        _settle();
        _submit(3);
        assertEq(_free(_member(3)), GRANT - 2 * DEPOSIT);
        assertEq(trading.masksOf(0).active, 15);
    }

    function test_TooFewGradientsRerunTheRound() public {
        _start();
        bytes32 seed = trading.accountOf(0).seed;
        _submitFirst(2);
        _collect();
        // Two deposits for two members of V: each gets its deposit's worth, and keeps its own locked.
        assertEq(_free(_member(0)), GRANT);
        assertEq(_free(_member(2)), GRANT - DEPOSIT);
        ITrading.Clock memory clock = trading.clockOf(0);
        assertTrue(clock.phase == ITrading.Phase.Collecting);
        assertEq(clock.round, 1);
        assertEq(clock.reruns, 1);
        assertEq(clock.base, block.number);
        assertTrue(trading.accountOf(0).seed == keccak256(abi.encode(seed)));
        _round();
        assertEq(trading.clockOf(0).reruns, 0);
        assertEq(trading.clockOf(0).round, 2);
        _assertBalanced();
    }

    function test_NobodyAtAllForfeitsAllToTheTreasury() public {
        _start();
        _collect();
        assertEq(escrow.treasury(), PARTIES * uint256(DEPOSIT));
        assertEq(trading.masksOf(0).active, 0);
        _collect();
        _collect();
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Over);
        assertEq(_free(SPONSOR), GRANT);
        for (uint256 i = 0; i < PARTIES; ++i) {
            trading.claim(0, i);
            assertEq(_free(_member(i)), GRANT - DEPOSIT);
        }
        _assertBalanced();
        assertEq(escrow.potOf(address(trading)), 0);
    }

    function test_WithheldSharePaysTheOthers() public {
        _start();
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        _shareFirst(3);
        _settle();
        assertEq(_free(_member(0)), GRANT - DEPOSIT + DEPOSIT / 3);
        assertEq(_free(_member(3)), GRANT - DEPOSIT);
        assertEq(trading.accountOf(0).acceptedRounds, 1);
        assertEq(trading.partyOf(0, 0).missedRounds, 0);
        assertEq(trading.partyOf(0, 3).missedRounds, 1);
        _assertBalanced();
    }

    function test_TooFewSharesRerunTheRoundWithANewSeed() public {
        _start();
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        bytes32 next = trading.accountOf(0).nextSeed;
        _shareFirst(2);
        _settle();
        assertEq(trading.clockOf(0).reruns, 1);
        assertEq(trading.clockOf(0).round, 1);
        assertTrue(trading.accountOf(0).seed == next);
        assertEq(trading.accountOf(0).acceptedRounds, 0);
        assertEq(_free(_member(0)), GRANT);
        _assertBalanced();
    }

    function test_UnfinishedRoundsAreNotPaidFor() public {
        _start();
        _round();
        for (uint256 i = 0; i < 3; ++i) {
            _collect();
        }
        assertTrue(trading.clockOf(0).phase == ITrading.Phase.Over);
        uint256 pool = uint256(REWARD) / ROUNDS;
        assertEq(_free(SPONSOR), GRANT - pool);
        assertEq(trading.accountOf(0).reward, pool * 7000 / 10_000);
        assertEq(escrow.potOf(address(processing)), _stakes() + pool - pool * 7000 / 10_000);
        _assertBalanced();
    }

    function test_SeedOfTheNextRoundIsMadeOfTheLeadersLink() public {
        _start();
        bytes32 seed = trading.accountOf(0).seed;
        _submitFirst(PARTIES);
        _collect();
        uint256 leader = _aggregate();
        _shareFirst(PARTIES);
        _settle();
        assertTrue(trading.accountOf(0).seed == keccak256(abi.encode(seed, _link(leader, 1))));
    }

    function _stakes() private pure returns (uint256 sum) {
        for (uint256 i = 0; i < WORKERS; ++i) {
            sum += _stake(i);
        }
    }
}
