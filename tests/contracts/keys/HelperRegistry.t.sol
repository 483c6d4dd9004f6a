// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HelperRegistry} from "../../../contracts/keys/HelperRegistry.sol";
import {IHelperRegistry} from "../../../contracts/keys/IHelperRegistry.sol";
import {ForgeTest} from "../Forge.sol";

contract HelperRegistryTest is ForgeTest {
    address private constant OWNER = address(0xA11CE);
    address private constant RIVAL = address(0xB0B);
    bytes32 private constant FIRST = keccak256("first helper file");
    bytes32 private constant SECOND = keccak256("second helper file");

    HelperRegistry private registry;

    function setUp() public {
        vm.roll(500);
        registry = new HelperRegistry();
        vm.prank(OWNER);
        assertEq(registry.register(FIRST), 1);
    }

    // Registration

    function testFuzz_RegistersUnderOwnerAndDigest(address owner, bytes32 digest, uint48 height) public {
        vm.assume(digest != 0 && (owner != OWNER || digest != FIRST));
        vm.roll(bound(height, 1, type(uint48).max));
        uint256 version = owner == OWNER ? 2 : 1;
        vm.expectEmit(true, true, true, true, address(registry));
        emit IHelperRegistry.HelperRegistered(owner, digest, version);
        vm.prank(owner);
        assertEq(registry.register(digest), version);
        _requireHelper(owner, digest, version, block.number, 0, 0);
        assertTrue(registry.isValid(owner, digest));
        assertEq(registry.versionsOf(owner), version);
        assertEq(registry.digestOf(owner, version), digest);
        _requireHelper(OWNER, FIRST, 1, 500, 0, 0);
    }

    /// @dev Whoever sees the digest and is first with it has an entry of his own, which says nothing about the owner's.
    function test_FrontRunnerHarmsNobody() public {
        vm.startPrank(RIVAL);
        registry.register(SECOND);
        registry.revoke(SECOND);
        vm.stopPrank();
        vm.prank(OWNER);
        assertEq(registry.register(SECOND), 2);
        assertTrue(registry.isValid(OWNER, SECOND));
        assertFalse(registry.isValid(RIVAL, SECOND));
        vm.prank(RIVAL);
        registry.register(FIRST);
        _requireHelper(OWNER, FIRST, 1, 500, 0, 0);
    }

    function test_RevertWhen_DigestIsZero() public {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.NoDigest.selector));
        registry.register(0);
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.NoDigest.selector));
        registry.replace(FIRST, 0);
        vm.stopPrank();
        _requireHelper(OWNER, FIRST, 1, 500, 0, 0);
    }

    function test_RevertWhen_RegisteredTwice() public {
        bytes memory refusal = abi.encodeWithSelector(IHelperRegistry.HelperAlreadyRegistered.selector, OWNER, FIRST);
        vm.roll(600);
        vm.startPrank(OWNER);
        vm.expectRevert(refusal);
        registry.register(FIRST);
        registry.revoke(FIRST);
        vm.expectRevert(refusal);
        registry.register(FIRST);
        vm.stopPrank();
        _requireHelper(OWNER, FIRST, 1, 500, 600, 0);
        assertEq(registry.versionsOf(OWNER), 1);
    }

    // Replacement

    function test_ReplacementRevokesTheOldAndLeadsToTheNew() public {
        vm.roll(600);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IHelperRegistry.HelperRegistered(OWNER, SECOND, 2);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IHelperRegistry.HelperReplaced(OWNER, FIRST, SECOND);
        vm.prank(OWNER);
        assertEq(registry.replace(FIRST, SECOND), 2);
        _requireHelper(OWNER, FIRST, 1, 500, 600, 2);
        _requireHelper(OWNER, SECOND, 2, 600, 0, 0);
        assertFalse(registry.isValid(OWNER, FIRST));
        assertEq(registry.digestOf(OWNER, registry.helperOf(OWNER, FIRST).replacement), SECOND);
    }

    function test_RevertWhen_ReplacedByItselfOrByAnOldOne() public {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.HelperAlreadyRegistered.selector, OWNER, FIRST));
        registry.replace(FIRST, FIRST);
        registry.replace(FIRST, SECOND);
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.HelperAlreadyRegistered.selector, OWNER, FIRST));
        registry.replace(SECOND, FIRST);
        vm.stopPrank();
        assertTrue(registry.isValid(OWNER, SECOND));
    }

    function testFuzz_RevertWhen_OldOneIsNotTheSenders(address sender, bytes32 digest) public {
        vm.assume(sender != OWNER || digest != FIRST);
        bytes memory refusal = abi.encodeWithSelector(IHelperRegistry.HelperUnknown.selector, sender, digest);
        vm.startPrank(sender);
        vm.expectRevert(refusal);
        registry.replace(digest, SECOND);
        vm.expectRevert(refusal);
        registry.revoke(digest);
        vm.stopPrank();
        vm.expectRevert(refusal);
        registry.helperOf(sender, digest);
        assertFalse(registry.isValid(sender, digest));
        _requireHelper(OWNER, FIRST, 1, 500, 0, 0);
    }

    // Revocation

    function test_RevocationIsFinal() public {
        vm.roll(600);
        vm.startPrank(OWNER);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IHelperRegistry.HelperRevoked(OWNER, FIRST);
        registry.revoke(FIRST);
        vm.roll(700);
        bytes memory refusal = abi.encodeWithSelector(IHelperRegistry.HelperIsRevoked.selector, OWNER, FIRST, 600);
        vm.expectRevert(refusal);
        registry.revoke(FIRST);
        vm.expectRevert(refusal);
        registry.replace(FIRST, SECOND);
        vm.stopPrank();
        _requireHelper(OWNER, FIRST, 1, 500, 600, 0);
        assertFalse(registry.isValid(OWNER, FIRST));
    }

    function test_RevertWhen_ReplacedOneIsRevokedOrReplacedAgain() public {
        vm.startPrank(OWNER);
        registry.replace(FIRST, SECOND);
        bytes memory refusal = abi.encodeWithSelector(IHelperRegistry.HelperIsRevoked.selector, OWNER, FIRST, 500);
        vm.expectRevert(refusal);
        registry.revoke(FIRST);
        vm.expectRevert(refusal);
        registry.replace(FIRST, keccak256("third helper file"));
        vm.stopPrank();
        _requireHelper(OWNER, FIRST, 1, 500, 500, 2);
    }

    // Views

    function testFuzz_PagesAreTheVersionsInOrder(uint8 registered, uint8 first, uint8 count) public {
        uint256 versions = bound(registered, 1, 150);
        vm.startPrank(OWNER);
        for (uint256 i = 2; i <= versions; ++i) {
            registry.register(keccak256(abi.encode(i)));
        }
        vm.stopPrank();
        uint256 from = bound(first, 1, versions);
        uint256 asked = bound(count, 0, registry.MAX_PAGE());
        (bytes32[] memory digests, IHelperRegistry.Helper[] memory helpers) = registry.helpersOf(OWNER, from, asked);
        uint256 left = versions + 1 - from;
        assertEq(digests.length, asked < left ? asked : left);
        assertEq(helpers.length, digests.length);
        for (uint256 i = 0; i < digests.length; ++i) {
            assertEq(digests[i], from + i == 1 ? FIRST : keccak256(abi.encode(from + i)));
            assertEq(digests[i], registry.digestOf(OWNER, from + i));
            assertEq(helpers[i].version, from + i);
        }
    }

    function testFuzz_RevertWhen_PageIsTooLong(uint256 count) public {
        uint256 most = registry.MAX_PAGE();
        count = bound(count, most + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.PageTooLong.selector, count, most));
        registry.helpersOf(OWNER, 1, count);
    }

    function testFuzz_RevertWhen_VersionIsUnknown(address owner, uint256 version) public {
        uint256 versions = owner == OWNER ? 1 : 0;
        if (version == 1 && owner == OWNER) version = 0;
        bytes4 selector = IHelperRegistry.VersionUnknown.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, owner, version, versions);
        vm.expectRevert(refusal);
        registry.digestOf(owner, version);
        vm.expectRevert(refusal);
        registry.helpersOf(owner, version, 1);
    }

    function test_RevertWhen_VersionIsOneBeyondTheLast() public {
        vm.expectRevert(abi.encodeWithSelector(IHelperRegistry.VersionUnknown.selector, OWNER, 2, 1));
        registry.digestOf(OWNER, 2);
    }

    /// @dev The layout drawn above `IHelperRegistry.Helper`.
    function test_StorageIsOneSlotAHelper() public {
        vm.roll(600);
        vm.prank(OWNER);
        registry.replace(FIRST, SECOND);
        uint256 slot = uint256(keccak256(abi.encode(FIRST, keccak256(abi.encode(OWNER, uint256(0))))));
        uint256 packed = 1 | uint256(500) << 48 | uint256(600) << 96 | uint256(2) << 144;
        assertEq(uint256(vm.load(address(registry), bytes32(slot))), packed);
        assertEq(uint256(vm.load(address(registry), bytes32(slot + 1))), 0);
    }

    // Sequences

    struct Ghost {
        uint256 version;
        uint256 registered;
        uint256 revoked;
        uint256 replacement;
    }

    mapping(address owner => mapping(bytes32 digest => Ghost)) private ghosts;
    mapping(address owner => uint256) private ghostVersions;

    /// @dev Two owners, three digests, every call either as the model says or without an effect.
    function testFuzz_AnySequenceOfCallsEndsAsTheModelSays(uint8[32] calldata calls) public {
        address[2] memory owners = [RIVAL, address(0xCAFE)];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.roll(1000 + i);
            uint256 choice = calls[i];
            address owner = owners[choice % 2];
            bytes32 digest = bytes32(choice / 2 % 4); // zero is among them
            _step(owner, digest, bytes32(choice / 8 % 4), choice / 32 % 3);
        }
        for (uint256 i = 0; i < 8; ++i) {
            address owner = owners[i % 2];
            Ghost memory ghost = ghosts[owner][bytes32(i / 2)];
            assertEq(registry.versionsOf(owner), ghostVersions[owner]);
            assertTrue(registry.isValid(owner, bytes32(i / 2)) == (ghost.version != 0 && ghost.revoked == 0));
            if (ghost.version == 0) continue;
            assertEq(registry.digestOf(owner, ghost.version), bytes32(i / 2));
            _requireHelper(owner, bytes32(i / 2), ghost.version, ghost.registered, ghost.revoked, ghost.replacement);
            assertTrue(ghost.replacement == 0 || ghost.replacement > ghost.version);
        }
        _requireHelper(OWNER, FIRST, 1, 500, 0, 0);
    }

    function _step(address owner, bytes32 digest, bytes32 other, uint256 kind) private {
        Ghost storage ghost = ghosts[owner][digest];
        Ghost storage next = ghosts[owner][other];
        bool held = ghost.version != 0 && ghost.revoked == 0;
        vm.prank(owner);
        if (kind == 0) {
            try registry.register(digest) {
                assertTrue(digest != 0 && ghost.version == 0);
                (ghost.version, ghost.registered) = (++ghostVersions[owner], block.number);
            } catch {
                assertTrue(digest == 0 || ghost.version != 0);
            }
        } else if (kind == 1) {
            try registry.replace(digest, other) {
                assertTrue(held && other != 0 && next.version == 0);
                (next.version, next.registered) = (++ghostVersions[owner], block.number);
                (ghost.revoked, ghost.replacement) = (block.number, next.version);
            } catch {
                assertTrue(!held || other == 0 || next.version != 0);
            }
        } else {
            try registry.revoke(digest) {
                assertTrue(held);
                ghost.revoked = block.number;
            } catch {
                assertFalse(held);
            }
        }
    }

    function _requireHelper(
        address owner,
        bytes32 digest,
        uint256 version,
        uint256 registered,
        uint256 revoked,
        uint256 replacement
    ) private view {
        IHelperRegistry.Helper memory helper = registry.helperOf(owner, digest);
        assertEq(helper.version, version);
        assertEq(helper.registeredBlock, registered);
        assertEq(helper.revokedBlock, revoked);
        assertEq(helper.replacement, replacement);
    }
}
