// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageLog} from "../../../contracts/kdac/IMessageLog.sol";
import {KeyRegistry} from "../../../contracts/kdac/KeyRegistry.sol";
import {MessageLog} from "../../../contracts/kdac/MessageLog.sol";
import {ForgeTest} from "../Forge.sol";

/// @notice Anchors blocks with good and bad certificates, registers and revokes keys, and remembers what was accepted.
contract KdacHandler is ForgeTest {
    uint256 private constant X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798;
    uint256 private constant Y = 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8;

    MessageLog public immutable LOG;
    KeyRegistry public immutable REGISTRY;
    uint256[] private _keys;

    uint64[] public heights;
    mapping(uint64 height => bytes32 digest) public digestAt;
    uint256 public refused;
    uint256 public wronglyAccepted;
    address public keyOwner;
    uint256 public revokedBlock;

    constructor(uint256 replicas) {
        address[] memory set = new address[](replicas);
        _keys = new uint256[](replicas);
        for (uint256 i = 0; i < replicas; ++i) {
            uint256 j = i;
            for (; j > 0 && set[j - 1] > vm.addr(5000 + i); --j) {
                (set[j], _keys[j]) = (set[j - 1], _keys[j - 1]);
            }
            (set[j], _keys[j]) = (vm.addr(5000 + i), 5000 + i);
        }
        LOG = new MessageLog(set);
        REGISTRY = new KeyRegistry();
    }

    /// @dev `spoil`: 0 nothing, 1 one signature too few, 2 a signature twice, 3 another round, 4 a bit of a signature.
    function anchor(uint8 step, bytes32 root, uint32 count, uint32 round, uint8 spoil) external {
        uint64 latest = LOG.latestHeight();
        bytes32 parent = latest == 0 ? bytes32(0) : LOG.anchorOf(latest).digest;
        step = uint8(bound(step, 0, 3));
        IMessageLog.Header memory header = IMessageLog.Header(latest + step, parent, root, count);
        spoil = uint8(bound(spoil, 0, 4));
        bytes memory signatures = _certificate(header, round, spoil);
        if (spoil == 3) round = round == 0 ? 1 : round - 1;
        try LOG.anchor(header, round, signatures) returns (bytes32 digest) {
            if (step == 0 || spoil != 0) ++wronglyAccepted;
            heights.push(header.height);
            digestAt[header.height] = digest;
        } catch {
            if (step != 0 && spoil == 0) ++wronglyAccepted;
            ++refused;
        }
    }

    function register(address owner, bool withProof) external {
        bytes memory key = abi.encodePacked(uint8(2), X);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(withProof ? 1 : 2, REGISTRY.proofDigest(owner, key));
        vm.prank(owner);
        try REGISTRY.register(key, Y, v, r, s) {
            if (!withProof || keyOwner != address(0)) ++wronglyAccepted;
            keyOwner = owner;
        } catch {
            ++refused;
        }
    }

    function revoke(address caller, bool byOwner) external {
        if (byOwner) caller = keyOwner;
        vm.roll(block.number + 1);
        vm.prank(caller);
        try REGISTRY.revoke() {
            if (caller != keyOwner || revokedBlock != 0) ++wronglyAccepted;
            revokedBlock = block.number;
        } catch {
            ++refused;
        }
    }

    function count() external view returns (uint256) {
        return heights.length;
    }

    function _certificate(IMessageLog.Header memory header, uint32 round, uint8 spoil)
        private
        view
        returns (bytes memory signatures)
    {
        bytes32 digest =
            keccak256(abi.encodePacked("KDAC/v1/block", header.height, header.parent, header.root, header.count));
        bytes32 signed = keccak256(abi.encodePacked(LOG.network(), uint8(3), header.height, round, digest));
        uint256 quorum = LOG.quorum();
        for (uint256 i = 0; i < (spoil == 1 ? quorum - 1 : quorum); ++i) {
            uint256 key = spoil == 2 && i == 1 ? _keys[0] : _keys[i];
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, signed);
            if (spoil == 4 && i == 1) r ^= bytes32(uint256(1));
            signatures = bytes.concat(signatures, r, s, bytes1(v));
        }
    }
}
