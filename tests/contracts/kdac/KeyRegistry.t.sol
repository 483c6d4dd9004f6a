// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKeyRegistry} from "../../../contracts/kdac/IKeyRegistry.sol";
import {KeyRegistry} from "../../../contracts/kdac/KeyRegistry.sol";
import {Secp256k1} from "../../../contracts/kdac/Secp256k1.sol";
import {ForgeTest} from "../Forge.sol";

contract KeyRegistryTest is ForgeTest {
    address private constant OWNER = address(0xA11CE);
    address private constant RIVAL = address(0xB0B);
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    /// @dev The generator: the public key of the private key 1 (SEC 2 v2.0, section 2.4.1).
    uint256 private constant X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798;
    uint256 private constant Y = 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8;
    uint256 private constant SECRET = 1;
    /// @dev Twice the generator: the public key of the private key 2. Its y is even as well.
    uint256 private constant X2 = 0xC6047F9441ED7D6D3045406E95C07CD85C778E4B8CEF3CA7ABAC09B95C709EE5;
    uint256 private constant Y2 = 0x1AE168FEA63DC339A3C58419466CEAEEF7F632653266D0E1236431A950CFE52A;

    KeyRegistry private registry;
    bytes private key = abi.encodePacked(uint8(2), X);

    function setUp() public {
        vm.roll(500);
        registry = new KeyRegistry();
        assertEq(Secp256k1.addressOf(X, Y), vm.addr(1));
        assertEq(Secp256k1.addressOf(X2, Y2), vm.addr(2));
    }

    function testFuzz_RegistersOnceForGood(address owner) public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SECRET, registry.proofDigest(owner, key));
        vm.expectEmit(true, true, true, true, address(registry));
        emit IKeyRegistry.KeyRegistered(owner, keccak256(key), key);
        vm.prank(owner);
        assertEq(registry.register(key, Y, v, r, s), keccak256(key));
        (bytes memory found, IKeyRegistry.Entry memory entry) = registry.keyOf(owner);
        assertEq(keccak256(found), keccak256(key));
        assertEq(entry.registeredBlock, 500);
        assertEq(entry.revokedBlock, 0);
        assertEq(registry.ownerOf(keccak256(key)), owner);
        assertTrue(registry.isValid(keccak256(key)));
    }

    /// @dev The other point with this x: prefix 03, y negated, private key n - 1.
    function test_RegistersOddPoint() public {
        bytes memory odd = abi.encodePacked(uint8(3), X);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ORDER - 1, registry.proofDigest(OWNER, odd));
        vm.prank(OWNER);
        registry.register(odd, Secp256k1.P - Y, v, r, s);
        assertTrue(registry.isValid(keccak256(odd)));
        assertFalse(registry.isValid(keccak256(key)));
    }

    function test_RevokesForGood() public {
        _register(OWNER);
        vm.roll(600);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IKeyRegistry.KeyRevoked(OWNER, keccak256(key));
        vm.prank(OWNER);
        registry.revoke();
        (, IKeyRegistry.Entry memory entry) = registry.keyOf(OWNER);
        assertEq(entry.registeredBlock, 500);
        assertEq(entry.revokedBlock, 600);
        assertFalse(registry.isValid(keccak256(key)));
        assertEq(registry.ownerOf(keccak256(key)), OWNER);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.KeyAlreadyRevoked.selector, OWNER));
        registry.revoke();
        _expectRefusal(OWNER, key, Y, SECRET, abi.encodeWithSelector(IKeyRegistry.OwnerHasKey.selector, OWNER));
    }

    function test_RevertWhen_NobodyRevokes() public {
        _register(OWNER);
        vm.prank(RIVAL);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.OwnerUnknown.selector, RIVAL));
        registry.revoke();
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.OwnerUnknown.selector, RIVAL));
        registry.keyOf(RIVAL);
        assertTrue(registry.isValid(keccak256(key)));
    }

    function test_RevertWhen_OwnerOrKeyIsTaken() public {
        _register(OWNER);
        bytes memory second = abi.encodePacked(uint8(2), X2);
        _expectRefusal(OWNER, second, Y2, 2, abi.encodeWithSelector(IKeyRegistry.OwnerHasKey.selector, OWNER));
        bytes memory refusal = abi.encodeWithSelector(IKeyRegistry.KeyTaken.selector, keccak256(key), OWNER);
        _expectRefusal(RIVAL, key, Y, SECRET, refusal);
    }

    // Proofs of possession

    /// @dev Who copies a registration that he sees has a proof for another account.
    function testFuzz_RevertWhen_ProofIsForAnotherAccount(address rival) public {
        vm.assume(rival != OWNER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SECRET, registry.proofDigest(OWNER, key));
        _expectInvalid(rival, v, r, s);
    }

    function testFuzz_RevertWhen_ProofIsByAnotherKey(uint256 secret) public {
        secret = bound(secret, 2, ORDER - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, registry.proofDigest(OWNER, key));
        _expectInvalid(OWNER, v, r, s);
    }

    function testFuzz_RevertWhen_ProofIsAltered(uint8 v, bytes32 r, bytes32 s, uint8 which) public {
        (uint8 goodV, bytes32 goodR, bytes32 goodS) = vm.sign(SECRET, registry.proofDigest(OWNER, key));
        if (which % 3 != 0) v = goodV;
        if (which % 3 != 1) r = goodR;
        if (which % 3 != 2) s = goodS;
        vm.assume(v != goodV || r != goodR || s != goodS);
        _expectInvalid(OWNER, v, r, s);
    }

    function test_RevertWhen_ProofHasHighS() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SECRET, registry.proofDigest(OWNER, key));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.ProofInvalid.selector, vm.addr(SECRET), address(0)));
        registry.register(key, Y, 55 - v, r, bytes32(ORDER - uint256(s)));
    }

    function test_RevertWhen_ProofIsForAnotherChainOrRegistry() public {
        KeyRegistry other = new KeyRegistry();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SECRET, other.proofDigest(OWNER, key));
        _expectInvalid(OWNER, v, r, s);
        (v, r, s) = vm.sign(SECRET, registry.proofDigest(OWNER, key));
        vm.chainId(block.chainid + 1);
        _expectInvalid(OWNER, v, r, s);
    }

    // Keys

    function testFuzz_RevertWhen_KeyIsMalformed(uint8 prefix, uint8 length) public {
        vm.assume(length != 33 || (prefix != 2 && prefix != 3));
        bytes memory malformed = new bytes(length);
        if (length > 0) malformed[0] = bytes1(prefix);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.KeyMalformed.selector, malformed));
        registry.register(malformed, Y, 27, 0, 0);
    }

    function testFuzz_RevertWhen_PointIsNotOnCurve(uint256 x, uint256 y) public {
        vm.assume(!Secp256k1.isPoint(x, y));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.PointNotOnCurve.selector, x, y));
        registry.register(abi.encodePacked(uint8(2), x), y, 27, 0, 0);
    }

    /// @dev Numbers at or above the field's modulus are another way to write a point, and refused.
    function test_PointsHaveOneForm() public pure {
        assertTrue(Secp256k1.isPoint(X, Y));
        assertTrue(Secp256k1.isPoint(X, Secp256k1.P - Y));
        assertFalse(Secp256k1.isPoint(X, Y + 1));
        assertFalse(
            Secp256k1.isPoint(1 + Secp256k1.P, 0x4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE)
        );
        assertTrue(Secp256k1.isPoint(1, 0x4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE));
        assertFalse(Secp256k1.isPoint(0, 0));
    }

    function test_RevertWhen_PrefixIsTheOtherOne() public {
        bytes memory odd = abi.encodePacked(uint8(3), X);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.ParityMismatch.selector, 3, Y));
        registry.register(odd, Y, 27, 0, 0);
    }

    function _register(address owner) private {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SECRET, registry.proofDigest(owner, key));
        vm.prank(owner);
        registry.register(key, Y, v, r, s);
    }

    function _expectRefusal(address owner, bytes memory key_, uint256 y, uint256 secret, bytes memory refusal) private {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, registry.proofDigest(owner, key_));
        vm.prank(owner);
        vm.expectRevert(refusal);
        registry.register(key_, y, v, r, s);
    }

    function _expectInvalid(address owner, uint8 v, bytes32 r, bytes32 s) private {
        address recovered = Secp256k1.recover(registry.proofDigest(owner, key), v, r, s);
        assertTrue(recovered != vm.addr(SECRET));
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.ProofInvalid.selector, vm.addr(SECRET), recovered));
        registry.register(key, Y, v, r, s);
    }
}
