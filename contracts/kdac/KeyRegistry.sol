// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKeyRegistry} from "./IKeyRegistry.sol";
import {Secp256k1} from "./Secp256k1.sol";

/// @title KeyRegistry
/// @notice Nobody has power over another's key; an entry never goes, and only its revocation is ever added.
contract KeyRegistry is IKeyRegistry {
    uint256 private constant KEY_BYTES = 33;

    mapping(address owner => Entry) private _entries;
    mapping(bytes32 keyId => address owner) private _owners;

    /// @inheritdoc IKeyRegistry
    function register(bytes calldata key, uint256 y, uint8 v, bytes32 r, bytes32 s) external returns (bytes32 keyId) {
        (uint8 prefix, uint256 x) = _parse(key);
        if (!Secp256k1.isPoint(x, y)) revert PointNotOnCurve(x, y);
        if (prefix != 2 + (y & 1)) revert ParityMismatch(prefix, y);
        if (_entries[msg.sender].prefix != 0) revert OwnerHasKey(msg.sender);
        keyId = keccak256(key);
        if (_owners[keyId] != address(0)) revert KeyTaken(keyId, _owners[keyId]);
        address expected = Secp256k1.addressOf(x, y);
        address recovered = Secp256k1.recover(proofDigest(msg.sender, key), v, r, s);
        if (recovered != expected) revert ProofInvalid(expected, recovered);
        _entries[msg.sender] = Entry(x, uint48(block.number), 0, prefix);
        _owners[keyId] = msg.sender;
        emit KeyRegistered(msg.sender, keyId, key);
    }

    /// @inheritdoc IKeyRegistry
    function revoke() external {
        Entry storage entry = _known(msg.sender);
        if (entry.revokedBlock != 0) revert KeyAlreadyRevoked(msg.sender);
        entry.revokedBlock = uint48(block.number);
        emit KeyRevoked(msg.sender, keccak256(abi.encodePacked(entry.prefix, entry.x)));
    }

    /// @inheritdoc IKeyRegistry
    function proofDigest(address owner, bytes calldata key) public view returns (bytes32 digest) {
        return keccak256(abi.encodePacked("KDAC/v1/register", block.chainid, address(this), owner, key));
    }

    /// @inheritdoc IKeyRegistry
    function keyOf(address owner) external view returns (bytes memory key, Entry memory entry) {
        entry = _known(owner);
        key = abi.encodePacked(entry.prefix, entry.x);
    }

    /// @inheritdoc IKeyRegistry
    function ownerOf(bytes32 keyId) external view returns (address owner) {
        return _owners[keyId];
    }

    /// @inheritdoc IKeyRegistry
    function isValid(bytes32 keyId) external view returns (bool valid) {
        Entry storage entry = _entries[_owners[keyId]];
        return entry.prefix != 0 && entry.revokedBlock == 0;
    }

    function _parse(bytes calldata key) private pure returns (uint8 prefix, uint256 x) {
        if (key.length != KEY_BYTES) revert KeyMalformed(key);
        prefix = uint8(key[0]);
        if (prefix != 2 && prefix != 3) revert KeyMalformed(key);
        x = uint256(bytes32(key[1:]));
    }

    function _known(address owner) private view returns (Entry storage entry) {
        entry = _entries[owner];
        if (entry.prefix == 0) revert OwnerUnknown(owner);
    }
}
