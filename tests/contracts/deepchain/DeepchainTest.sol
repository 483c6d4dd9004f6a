// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AssetRegistry} from "../../../contracts/deepchain/AssetRegistry.sol";
import {DeepCoin} from "../../../contracts/deepchain/DeepCoin.sol";
import {Disputes} from "../../../contracts/deepchain/Disputes.sol";
import {Escrow} from "../../../contracts/deepchain/Escrow.sol";
import {Evidence} from "../../../contracts/deepchain/Evidence.sol";
import {IAssetRegistry} from "../../../contracts/deepchain/IAssetRegistry.sol";
import {IProcessing} from "../../../contracts/deepchain/IProcessing.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Processing} from "../../../contracts/deepchain/Processing.sol";
import {Trading} from "../../../contracts/deepchain/Trading.sol";
import {ForgeTest} from "../Forge.sol";

/// @notice All contracts, a group of four members with three needed to decrypt, five workers, and the steps of a round.
abstract contract DeepchainTest is ForgeTest {
    uint256 internal constant PARTIES = 4;
    uint256 internal constant WORKERS = 5;
    uint32 internal constant ROUNDS = 3;
    uint96 internal constant DEPOSIT = 1001;
    uint96 internal constant WORKER_DEPOSIT = 501;
    uint96 internal constant BOND = 101;
    uint128 internal constant REWARD = 1_000_003;
    uint256 internal constant GRANT = 1e12;
    uint256 internal constant OPENED = 1000;
    address internal constant SPONSOR = address(0x5901);
    address internal constant CHALLENGER = address(0xC4A1);
    address internal constant STRANGER = address(0xBAD);
    // Blocks of T1 … T9.
    uint16 internal constant T1 = 10;
    uint16 internal constant T2 = 40;
    uint16 internal constant T3 = 5;
    uint16 internal constant T4 = 6;
    uint16 internal constant T5 = 10;
    uint16 internal constant T6 = 40;
    uint16 internal constant T7 = 7;
    uint16 internal constant T8 = 8;
    uint16 internal constant T9 = 9;
    uint16 internal constant TURN = 4;

    DeepCoin internal coin;
    Escrow internal escrow;
    AssetRegistry internal assets;
    Trading internal trading;
    Processing internal processing;
    Disputes internal disputes;
    Evidence internal evidence;

    function setUp() public virtual {
        vm.roll(OPENED);
        address[] memory holders = new address[](3 + PARTIES + WORKERS);
        (holders[0], holders[1], holders[2]) = (SPONSOR, CHALLENGER, STRANGER);
        for (uint256 i = 0; i < PARTIES; ++i) {
            holders[3 + i] = _member(i);
        }
        for (uint256 i = 0; i < WORKERS; ++i) {
            holders[3 + PARTIES + i] = _worker(i);
        }
        uint256[] memory amounts = new uint256[](holders.length);
        for (uint256 i = 0; i < amounts.length; ++i) {
            amounts[i] = GRANT;
        }
        coin = new DeepCoin(holders, amounts, 10);
        escrow = new Escrow(coin);
        assets = new AssetRegistry();
        trading = new Trading(escrow);
        processing = new Processing(trading, escrow);
        disputes = new Disputes(trading, escrow);
        evidence = new Evidence(trading, escrow);
        for (uint256 i = 0; i < holders.length; ++i) {
            vm.startPrank(holders[i]);
            coin.approve(address(escrow), GRANT);
            escrow.depositAndTrust(GRANT, address(trading));
            escrow.trust(address(processing), true);
            escrow.trust(address(disputes), true);
            escrow.trust(address(evidence), true);
            vm.stopPrank();
        }
    }

    function _member(uint256 party) internal pure returns (address) {
        return address(uint160(0xA11CE0 + party));
    }

    function _workerKey(uint256 worker) internal pure returns (uint256) {
        return 0xB0B0 + worker;
    }

    function _worker(uint256 worker) internal pure returns (address) {
        return vm.addr(_workerKey(worker));
    }

    /// @dev Link `place` of a worker's chain; the tip is link 0.
    function _link(uint256 worker, uint256 place) internal pure returns (bytes32 link) {
        link = keccak256(abi.encode("secret", worker));
        for (uint256 i = place; i < 20; ++i) {
            link = keccak256(abi.encode(link));
        }
    }

    function _terms() internal view virtual returns (ITrading.Terms memory terms) {
        terms.processing = address(processing);
        terms.disputes = address(disputes);
        terms.evidence = address(evidence);
        (terms.keyRoot, terms.modelDigest, terms.weightsDigest) = ("key", "model", "weights");
        (terms.rounds, terms.count, terms.width) = (ROUNDS, 3, 128);
        (terms.threshold, terms.committee) = (3, 3);
        (terms.pkProofBytes, terms.cdProofBytes) = (500, 400);
        (terms.bountyBps, terms.partyBps, terms.turnBlocks) = (2500, 7000, TURN);
        (terms.deposit, terms.workerDeposit, terms.bond) = (DEPOSIT, WORKER_DEPOSIT, BOND);
        terms.windows = [T1, T2, T3, T4, T5, T6, T7, T8, T9];
    }

    function _members() internal pure returns (address[] memory members) {
        members = new address[](PARTIES);
        for (uint256 i = 0; i < PARTIES; ++i) {
            members[i] = _member(i);
        }
    }

    function _open() internal returns (uint256) {
        ITrading.Terms memory terms = _terms();
        vm.prank(SPONSOR);
        return trading.open(terms, _members(), REWARD);
    }

    function _join(uint256 party) internal {
        vm.prank(_member(party));
        trading.join(0, party, 0);
    }

    function _enlist(uint256 worker) internal {
        vm.prank(_worker(worker));
        processing.enlist(0, _stake(worker), _link(worker, 0));
    }

    function _stake(uint256 worker) internal pure returns (uint96) {
        return uint96(WORKER_DEPOSIT * (2 + worker));
    }

    /// @dev To the first round.
    function _start() internal {
        _open();
        for (uint256 i = 0; i < PARTIES; ++i) {
            _join(i);
        }
        for (uint256 i = 0; i < WORKERS; ++i) {
            _enlist(i);
        }
        trading.start(0);
    }

    function _gradients(uint256 party) internal view virtual returns (ITrading.Submission memory) {
        return ITrading.Submission(keccak256(abi.encode("gradients", party)), "proof", "content");
    }

    function _shares(uint256 party) internal view virtual returns (ITrading.Submission memory) {
        return ITrading.Submission(keccak256(abi.encode("shares", party)), "proof", "content");
    }

    function _aggregateRoot() internal view virtual returns (bytes32) {
        return "aggregate";
    }

    function _submit(uint256 party) internal {
        ITrading.Submission memory submission = _gradients(party);
        vm.prank(_member(party));
        trading.submit(0, party, submission);
    }

    function _submitFirst(uint256 parties) internal {
        for (uint256 i = 0; i < parties; ++i) {
            _submit(i);
        }
    }

    function _roll(uint256 blocks) internal {
        vm.roll(block.number + blocks);
    }

    function _collect() internal {
        vm.roll(uint256(trading.clockOf(0).base) + T1 + T2 + T3 + 1);
        trading.collect(0);
    }

    function _leader() internal view returns (uint256 leader) {
        (leader,) = processing.drawOf(0);
    }

    /// @dev How many links a worker has shown.
    mapping(uint256 worker => uint256) internal shown;

    function _update() internal returns (uint256 leader) {
        leader = _leader();
        bytes32 link = _link(leader, ++shown[leader]);
        bytes32 root = _aggregateRoot();
        vm.prank(_worker(leader));
        processing.update(0, root, "content", link);
    }

    function _signatureOf(uint256 worker, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_workerKey(worker), digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The first `count` of the committee sign.
    function _lodge(uint256 count) internal returns (uint64 signers) {
        uint64 committee = processing.blockOf(0).committee;
        bytes32 digest = processing.blockHash(0);
        uint256[] memory workers = new uint256[](count);
        bytes[] memory signatures = new bytes[](count);
        uint256 found = 0;
        for (uint256 i = 0; found < count; ++i) {
            if (committee >> i & 1 == 0) continue;
            (workers[found], signatures[found]) = (i, _signatureOf(i, digest));
            signers |= uint64(1 << i);
            ++found;
        }
        processing.lodge(0, workers, signatures);
    }

    function _append() internal {
        _roll(T8 + 1);
        processing.append(0);
    }

    /// @dev From the collection to decryption.
    function _aggregate() internal returns (uint256 leader) {
        leader = _update();
        _lodge(3);
        _append();
    }

    function _share(uint256 party) internal {
        ITrading.Submission memory submission = _shares(party);
        vm.prank(_member(party));
        trading.submitShares(0, party, submission);
    }

    function _shareFirst(uint256 parties) internal {
        for (uint256 i = 0; i < parties; ++i) {
            _share(i);
        }
    }

    /// @dev Behind T5: shares can be disputed.
    function _toSharesDue() internal {
        vm.roll(uint256(trading.clockOf(0).base) + T4 + T5 + 1);
    }

    function _settle() internal {
        vm.roll(uint256(trading.clockOf(0).base) + T4 + T5 + T6 + 1);
        trading.settle(0);
    }

    function _round() internal {
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        _shareFirst(PARTIES);
        _settle();
    }

    function _free(address account) internal view returns (uint256) {
        return escrow.freeOf(account);
    }

    /// @dev Every coin that the escrow holds is somebody's, or the treasury's.
    function _assertBalanced() internal view {
        uint256 sum = escrow.treasury() + escrow.potOf(address(trading)) + escrow.potOf(address(processing))
            + escrow.potOf(address(disputes)) + escrow.potOf(address(evidence));
        sum += _free(SPONSOR) + _free(CHALLENGER) + _free(STRANGER);
        for (uint256 i = 0; i < PARTIES; ++i) {
            sum += _free(_member(i));
        }
        for (uint256 i = 0; i < WORKERS; ++i) {
            sum += _free(_worker(i));
        }
        assertEq(coin.balanceOf(address(escrow)), sum);
    }

    /// @dev Nothing is left in any pot.
    function _assertEmptied() internal view {
        assertEq(escrow.potOf(address(trading)), 0);
        assertEq(escrow.potOf(address(processing)), 0);
        assertEq(escrow.potOf(address(disputes)), 0);
        assertEq(escrow.potOf(address(evidence)), 0);
    }
}
