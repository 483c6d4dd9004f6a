// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageLog} from "../../../contracts/kdac/IMessageLog.sol";
import {MessageLog} from "../../../contracts/kdac/MessageLog.sol";
import {Secp256k1} from "../../../contracts/kdac/Secp256k1.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {ForgeTest} from "../Forge.sol";

/// @dev Certificates by Python (tests/vectors/kdac_certificates.json), and ones made here of keys for any set.
contract MessageLogTest is ForgeTest {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    string private json;
    MessageLog private log;

    function setUp() public {
        json = vm.readFile("tests/vectors/kdac_certificates.json");
        vm.chainId(vm.parseJsonUint(json, ".chain_id"));
        vm.roll(500);
        address[] memory replicas = new address[](4);
        for (uint256 i = 0; i < 4; ++i) {
            replicas[i] = vm.parseJsonAddress(json, string.concat(".replicas[", vm.toString(i), "]"));
        }
        vm.prank(vm.parseJsonAddress(json, ".deployer"));
        log = new MessageLog(replicas);
        assertEq(address(log), vm.parseJsonAddress(json, ".log"));
    }

    // The twin in Python

    function testDiff_Vectors() public {
        assertEq(log.network(), vm.parseJsonBytes32(json, ".network"));
        assertEq(log.quorum(), 3);
        assertEq(log.replicas().length, 4);
        uint256 count = vm.parseJsonUint(json, ".number_of_cases");
        assertTrue(count >= 20);
        for (uint256 i = 0; i < count; ++i) {
            (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(i);
            bytes memory refusal = vm.parseJsonBytes(json, string.concat(_path(i), ".revert"));
            if (refusal.length == 0) {
                assertEq(log.requireCertificate(header, round, signatures), vm.parseJsonBytes32(json, ".digest"));
            } else {
                vm.expectRevert(refusal);
                log.requireCertificate(header, round, signatures);
                vm.expectRevert(refusal);
                log.anchor(header, round, signatures);
            }
        }
        assertEq(log.latestHeight(), 0);
    }

    function test_AnchorsAndProvesMembers() public {
        bytes32 digest = _anchorFirstVector();
        IMessageLog.Anchor memory found = log.anchorOf(7);
        assertEq(found.digest, digest);
        assertEq(found.root, vm.parseJsonBytes32(json, ".cases[0].root"));
        assertEq(found.count, 5);
        assertEq(found.anchoredBlock, 500);
        assertEq(log.latestHeight(), 7);
        for (uint256 i = 0; i < 5; ++i) {
            (bytes memory payload, bytes32[] memory path) = _member(i);
            assertTrue(log.isIncluded(7, i, payload, path));
            payload[0] ^= 0x01;
            assertFalse(log.isIncluded(7, i, payload, path));
            payload[0] ^= 0x01;
            path[path.length - 1] ^= bytes32(uint256(1));
            assertFalse(log.isIncluded(7, i, payload, path));
        }
    }

    function test_RevertWhen_MemberIsOutOfRange() public {
        _anchorFirstVector();
        (bytes memory payload, bytes32[] memory path) = _member(0);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeavesOutOfRange.selector, 5, 1, 5));
        log.isIncluded(7, 5, payload, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.PathTooShort.selector, 0));
        log.isIncluded(7, 0, payload, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.HeightUnknown.selector, 6));
        log.isIncluded(6, 0, payload, path);
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.HeightUnknown.selector, 8));
        log.anchorOf(8);
    }

    // Heights

    function test_RevertWhen_HeightIsNotAbove() public {
        _anchorFirstVector();
        (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(0);
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.HeightNotAbove.selector, 7, 7));
        log.anchor(header, round, signatures);
        header.height = 0;
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.HeightNotAbove.selector, 0, 7));
        log.anchor(header, round, signatures);
    }

    /// @dev A valid certificate does not help a block that does not follow from the anchored one.
    function test_RevertWhen_NextBlockHasAnotherParent() public {
        (MessageLog own, uint256[] memory keys) = _logOf(4);
        IMessageLog.Header memory header = IMessageLog.Header(1, bytes32(0), keccak256("root"), 1);
        bytes32 first = own.anchor(header, 0, _certificate(own, header, 0, keys, 3));
        IMessageLog.Header memory next = IMessageLog.Header(2, keccak256("fork"), keccak256("root"), 1);
        bytes memory signatures = _certificate(own, next, 0, keys, 3);
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ParentMismatch.selector, first, next.parent));
        own.anchor(next, 0, signatures);
        next.parent = first;
        own.anchor(next, 1, _certificate(own, next, 1, keys, 3));
        IMessageLog.Header memory zero = IMessageLog.Header(1, keccak256("no genesis"), 0, 0);
        (MessageLog another, uint256[] memory others) = _logOf(4);
        signatures = _certificate(another, zero, 0, others, 3);
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ParentMismatch.selector, bytes32(0), zero.parent));
        another.anchor(zero, 0, signatures);
    }

    function testFuzz_AnchorsGrowAndStay(uint64 height, uint64 step, bytes32 root, uint32 count, uint32 round) public {
        (MessageLog own, uint256[] memory keys) = _logOf(7);
        height = uint64(bound(height, 2, type(uint64).max - 2));
        step = uint64(bound(step, 2, type(uint64).max - height));
        IMessageLog.Header memory header = IMessageLog.Header(height, keccak256("parent"), root, count);
        bytes memory signatures = _certificate(own, header, round, keys, 5);
        bytes32 digest = _digest(header);
        vm.expectEmit(true, true, true, true, address(own));
        emit IMessageLog.BlockAnchored(height, digest, root, count, round);
        assertEq(own.anchor(header, round, signatures), digest);
        header.height = height + step;
        own.anchor(header, round, _certificate(own, header, round, keys, 7));
        assertEq(own.latestHeight(), header.height);
        assertEq(own.anchorOf(height).digest, digest);
    }

    // Certificates

    /// @dev For every number of replicas: a quorum is enough, one less is not.
    function test_QuorumOfEverySet() public {
        for (uint256 n = 1; n <= 12; ++n) {
            (MessageLog own, uint256[] memory keys) = _logOf(n);
            uint256 quorum = (2 * n + 2) / 3;
            assertEq(own.quorum(), quorum);
            IMessageLog.Header memory header = IMessageLog.Header(3, keccak256("p"), keccak256("r"), 9);
            own.requireCertificate(header, 4, _certificate(own, header, 4, keys, quorum));
            bytes memory few = _certificate(own, header, 4, keys, quorum - 1);
            vm.expectRevert(
                abi.encodeWithSelector(IMessageLog.SignatureCountOutOfRange.selector, quorum - 1, quorum, n)
            );
            own.requireCertificate(header, 4, few);
        }
    }

    function testFuzz_RevertWhen_AnyBitIsFlipped(uint256 position, uint8 bit) public view {
        (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(0);
        position = bound(position, 0, signatures.length - 1);
        signatures[position] ^= bytes1(uint8(1) << uint8(bound(bit, 0, 7)));
        (bool accepted,) =
            address(log).staticcall(abi.encodeCall(IMessageLog.requireCertificate, (header, round, signatures)));
        assertFalse(accepted);
    }

    function testFuzz_RevertWhen_HeaderDiffers(uint64 height, bytes32 parent, bytes32 root, uint32 count, uint32 round)
        public
        view
    {
        (IMessageLog.Header memory header, uint32 signedRound, bytes memory signatures) = _vector(0);
        IMessageLog.Header memory other = IMessageLog.Header(height, parent, root, count);
        if (_digest(other) == _digest(header) && round == signedRound) return;
        (bool accepted,) =
            address(log).staticcall(abi.encodeCall(IMessageLog.requireCertificate, (other, round, signatures)));
        assertFalse(accepted);
    }

    function testFuzz_RevertWhen_SignatureIsHigh(uint256 which, bytes32 root) public {
        (MessageLog own, uint256[] memory keys) = _logOf(4);
        IMessageLog.Header memory header = IMessageLog.Header(2, keccak256("p"), root, 1);
        bytes memory signatures = _certificate(own, header, 0, keys, 4);
        which = bound(which, 0, 3);
        bytes32 s;
        assembly ("memory-safe") {
            let place := add(add(signatures, 64), mul(which, 65))
            s := mload(place)
            mstore(place, sub(ORDER, s))
        }
        assertTrue(uint256(s) <= Secp256k1.HALF_ORDER);
        signatures[which * 65 + 64] = bytes1(55 - uint8(signatures[which * 65 + 64]));
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.SignatureInvalid.selector, which));
        own.requireCertificate(header, 0, signatures);
    }

    /// @dev The same certificate, contract and set on a chain with another identifier: no signer is known there.
    function testFuzz_RevertWhen_ReplayedOnAnotherChain(uint64 chain) public {
        vm.assume(chain != 0 && chain != block.chainid);
        (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(0);
        log.requireCertificate(header, round, signatures);
        vm.chainId(chain);
        (bool accepted, bytes memory answer) =
            address(log).staticcall(abi.encodeCall(IMessageLog.requireCertificate, (header, round, signatures)));
        assertFalse(accepted);
        assertTrue(
            bytes4(answer) == IMessageLog.SignerUnknown.selector
                || bytes4(answer) == IMessageLog.SignersNotAscending.selector
        );
    }

    function test_RevertWhen_ReplayedAtAnotherLogOfTheSameSet() public {
        (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(0);
        MessageLog twin = new MessageLog(log.replicas());
        (bool accepted,) =
            address(twin).staticcall(abi.encodeCall(IMessageLog.requireCertificate, (header, round, signatures)));
        assertFalse(accepted);
    }

    // The set

    function test_RevertWhen_SetIsOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ReplicaCountOutOfRange.selector, 0));
        new MessageLog(new address[](0));
        address[] memory many = new address[](65);
        for (uint256 i = 0; i < 65; ++i) {
            many[i] = address(uint160(i + 1));
        }
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ReplicaCountOutOfRange.selector, 65));
        new MessageLog(many);
    }

    function testFuzz_RevertWhen_ReplicasAreNotAscending(uint8 position, bool twice) public {
        address[] memory set = new address[](5);
        for (uint256 i = 0; i < 5; ++i) {
            set[i] = address(uint160(10 * (i + 1)));
        }
        position = uint8(bound(position, 1, 4));
        set[position] = twice ? set[position - 1] : address(uint160(uint160(set[position - 1]) - 1));
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ReplicasNotAscending.selector, position));
        new MessageLog(set);
    }

    function test_RevertWhen_AReplicaIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IMessageLog.ReplicasNotAscending.selector, 0));
        new MessageLog(new address[](1));
    }

    // Making and reading

    function _anchorFirstVector() private returns (bytes32) {
        (IMessageLog.Header memory header, uint32 round, bytes memory signatures) = _vector(0);
        return log.anchor(header, round, signatures);
    }

    function _vector(uint256 i) private view returns (IMessageLog.Header memory header, uint32 round, bytes memory) {
        string memory path = _path(i);
        header = IMessageLog.Header(
            uint64(vm.parseJsonUint(json, string.concat(path, ".height"))),
            vm.parseJsonBytes32(json, string.concat(path, ".parent")),
            vm.parseJsonBytes32(json, string.concat(path, ".root")),
            uint32(vm.parseJsonUint(json, string.concat(path, ".count")))
        );
        round = uint32(vm.parseJsonUint(json, string.concat(path, ".round")));
        return (header, round, vm.parseJsonBytes(json, string.concat(path, ".signatures")));
    }

    function _path(uint256 i) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]");
    }

    function _member(uint256 i) private view returns (bytes memory payload, bytes32[] memory path) {
        string memory index = string.concat("[", vm.toString(i), "]");
        payload = vm.parseJsonBytes(json, string.concat(".payloads", index));
        path = vm.parseJsonBytes32Array(json, string.concat(".paths", index));
    }

    /// @dev A log of `n` replicas, and their keys in the order of their addresses.
    function _logOf(uint256 n) private returns (MessageLog own, uint256[] memory keys) {
        keys = new uint256[](n);
        address[] memory set = new address[](n);
        for (uint256 i = 0; i < n; ++i) {
            uint256 key = 1000 + i;
            uint256 j = i;
            for (; j > 0 && set[j - 1] > vm.addr(key); --j) {
                (set[j], keys[j]) = (set[j - 1], keys[j - 1]);
            }
            (set[j], keys[j]) = (vm.addr(key), key);
        }
        own = new MessageLog(set);
    }

    function _certificate(
        MessageLog own,
        IMessageLog.Header memory header,
        uint32 round,
        uint256[] memory keys,
        uint256 count
    ) private view returns (bytes memory signatures) {
        bytes32 signed = keccak256(abi.encodePacked(own.network(), uint8(3), header.height, round, _digest(header)));
        for (uint256 i = 0; i < count; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], signed);
            signatures = bytes.concat(signatures, r, s, bytes1(v));
        }
    }

    function _digest(IMessageLog.Header memory header) private pure returns (bytes32) {
        return keccak256(abi.encodePacked("KDAC/v1/block", header.height, header.parent, header.root, header.count));
    }
}
