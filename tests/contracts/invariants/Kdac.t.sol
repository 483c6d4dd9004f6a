// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKeyRegistry} from "../../../contracts/kdac/IKeyRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {KdacHandler} from "./KdacHandler.sol";

contract KdacInvariants is ForgeTest {
    bytes32 private constant KEY_ID = keccak256(
        abi.encodePacked(uint8(2), uint256(0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798))
    );

    KdacHandler private handler;

    function setUp() public {
        vm.roll(100);
        handler = new KdacHandler(4);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_OnlyWhatMayBeIsAccepted() public view {
        assertEq(handler.wronglyAccepted(), 0);
    }

    function invariant_AnchorsGrowAndStay() public view {
        uint64 before = 0;
        for (uint256 i = 0; i < handler.count(); ++i) {
            uint64 height = handler.heights(i);
            assertTrue(height > before);
            assertEq(handler.LOG().anchorOf(height).digest, handler.digestAt(height));
            before = height;
        }
        assertEq(handler.LOG().latestHeight(), before);
    }

    function invariant_KeyStaysItsOwnersAndRevoked() public view {
        address owner = handler.keyOwner();
        assertEq(handler.REGISTRY().ownerOf(KEY_ID), owner);
        if (owner == address(0)) return;
        (, IKeyRegistry.Entry memory entry) = handler.REGISTRY().keyOf(owner);
        assertEq(entry.revokedBlock, handler.revokedBlock());
        assertTrue(handler.REGISTRY().isValid(KEY_ID) == (handler.revokedBlock() == 0));
    }

    /// @dev The handler reaches what the invariants are about.
    function test_HandlerReachesEveryState() public {
        for (uint8 spoil = 0; spoil <= 4; ++spoil) {
            handler.anchor(1, keccak256("root"), 3, 2, spoil);
        }
        handler.anchor(3, keccak256("root"), 3, 0, 0);
        handler.anchor(0, keccak256("root"), 3, 0, 0);
        assertEq(handler.count(), 2);
        assertEq(handler.refused(), 5);
        handler.register(address(0xA11CE), false);
        handler.register(address(0xA11CE), true);
        handler.register(address(0xB0B), true);
        handler.revoke(address(0xB0B), false);
        handler.revoke(address(0), true);
        handler.revoke(address(0), true);
        assertEq(handler.refused(), 9);
        assertTrue(handler.revokedBlock() != 0);
        invariant_OnlyWhatMayBeIsAccepted();
        invariant_AnchorsGrowAndStay();
        invariant_KeyStaysItsOwnersAndRevoked();
    }
}
