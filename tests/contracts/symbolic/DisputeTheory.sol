// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {ILeafDemands} from "../../../contracts/freezenet/ILeafDemands.sol";
import {IOptimisticVerifier} from "../../../contracts/freezenet/IOptimisticVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {OptimisticVerifier} from "../../../contracts/freezenet/OptimisticVerifier.sol";
import {ForgeTest} from "../Forge.sol";
import {RoundsOracle} from "./RoundsOracle.sol";

/// @notice Disputes for halmos: bonds, turns, blocks, senders and what rounds say are symbols.
abstract contract DisputeTheory is ForgeTest {
    address internal constant MINER = address(0xA11CE);
    address internal constant CHALLENGER = address(0xC4A11);
    address internal constant STRANGER = address(0xBAD);
    uint48 internal constant FIRST = 1000;
    uint48 internal constant LAST = 2000;

    RoundsOracle internal oracle;
    OptimisticVerifier internal verifier;

    struct Run {
        uint96 bond;
        uint8 turn;
        uint48 laterBlock;
        bool closed;
        bool open;
    }

    function setUp() public {
        oracle = new RoundsOracle();
        verifier = new OptimisticVerifier(
            IRounds(address(oracle)), ITaskRegistry(address(oracle)), ILeafDemands(address(oracle))
        );
    }

    /// @dev Dispute 0, in any turn, and whatever the round has come to at a later block.
    function _dispute(Run memory run) internal {
        vm.assume(run.turn > 0 && run.turn < uint8(IOptimisticVerifier.Turn.Over) && run.laterBlock >= FIRST);
        _setRound(run, true, false);
        vm.roll(FIRST);
        _challenge(run.bond);
        _setTurn(run.turn);
        _setRound(run, run.open, run.closed);
        vm.roll(run.laterBlock);
    }

    function _challenge(uint96 bond) internal {
        vm.deal(CHALLENGER, bond);
        vm.prank(CHALLENGER);
        (bool made,) = address(verifier).call{value: bond}(
            abi.encodeCall(IOptimisticVerifier.challenge, (0, 0, MINER, 0, hex"01"))
        );
        vm.assume(made);
    }

    /// @dev One of the calls that any sender may try without knowing anything.
    function _call(address sender, uint8 call, uint96 value, bytes32 word) internal returns (bool success) {
        bytes memory message = abi.encodeCall(verifier.withdraw, ());
        if (call == 1) message = abi.encodeCall(IOptimisticVerifier.claimTimeout, (0));
        else if (call == 2) message = abi.encodeCall(IOptimisticVerifier.rejectHidden, (0, 0, MINER));
        else if (call == 3) message = abi.encodeCall(IOptimisticVerifier.challenge, (0, 0, MINER, 0, hex"01"));
        else if (call == 4) message = abi.encodeCall(IOptimisticVerifier.openLeaf, (0, word));
        else if (call == 5) message = abi.encodeCall(IOptimisticVerifier.operands, (0, uint256(word), 0));
        vm.prank(sender);
        (success,) = address(verifier).call{value: value}(message);
    }

    function _isMinersTurn(uint8 turn) internal pure returns (bool) {
        return turn % 2 == 1;
    }

    function _setRound(Run memory run, bool open, bool closed) private {
        IRounds.Round memory round;
        (round.minerBond, round.verifier) = (run.bond, IAccuracyVerifier(address(verifier)));
        round.status = open ? IRounds.Status.Open : IRounds.Status.Settled;
        (round.lastBlocks[2], round.lastBlocks[3]) = (FIRST - 1, LAST);
        oracle.setRound(round);
        IRounds.Entry memory entry;
        (entry.revealed, entry.closed, entry.answersHash) = (true, closed, keccak256(hex"01"));
        oracle.setEntry(entry);
    }

    /// @dev In the first slot of dispute 0, above challenger and deadline.
    function _setTurn(uint8 turn) private {
        bytes32 slot = keccak256(abi.encode(uint256(1)));
        uint256 word = uint256(vm.load(address(verifier), slot));
        word = (word & ~(uint256(0xff) << 208)) | uint256(turn) << 208;
        vm.store(address(verifier), slot, bytes32(word));
        assert(uint8(verifier.disputeOf(0).turn) == turn);
    }
}
