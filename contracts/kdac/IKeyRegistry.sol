// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Initial public keys of users
/// @notice Paper, section III-D, step 1: "each shares the public key, which cannot be changed after the initial key pair
/// is generated". An account registers one key, for good; it can revoke it, and nothing else can happen to it.
/// @dev Registration takes a proof of possession: a signature by the key itself over chain, contract and account, so that
/// nobody registers a key that is not his, nor copies a registration to another account, contract or chain. The account
/// that registers is linked to the key in public, and the key to a time; whoever minds registers from an account that is
/// known for nothing else. Messages never show the key.
interface IKeyRegistry {
    /// @notice A registered key.
    /// @param x the first coordinate.
    /// @param registeredBlock since when it has been registered.
    /// @param revokedBlock since when it has not been valid, for good; zero while it is.
    /// @param prefix `0x02` or `0x03`: with `x` the compressed form.
    // Layout, from the low end: | x 256 | registeredBlock 48 | revokedBlock 48 | prefix 8 | free 152 |
    struct Entry {
        uint256 x;
        uint48 registeredBlock;
        uint48 revokedBlock;
        uint8 prefix;
    }

    /// @notice `owner` registered `key`; `keyId` is its keccak256.
    event KeyRegistered(address indexed owner, bytes32 indexed keyId, bytes key);
    /// @notice The key is no longer valid.
    event KeyRevoked(address indexed owner, bytes32 indexed keyId);

    /// @notice A compressed key has 33 bytes and begins with 02 or 03.
    error KeyMalformed(bytes key);
    /// @notice The coordinates are not those of a point.
    error PointNotOnCurve(uint256 x, uint256 y);
    /// @notice The prefix is that of the other of the two points with this `x`.
    error ParityMismatch(uint8 prefix, uint256 y);
    /// @notice The account has registered a key before, perhaps one that it revoked.
    error OwnerHasKey(address owner);
    /// @notice Another account has registered this key.
    error KeyTaken(bytes32 keyId, address owner);
    /// @notice The signature is not one by the key; `recovered` is zero for one that is nobody's or has a high `s`.
    error ProofInvalid(address expected, address recovered);
    /// @notice The account has registered no key.
    error OwnerUnknown(address owner);
    /// @notice The account has revoked its key before.
    error KeyAlreadyRevoked(address owner);

    /// @notice Register the caller's key, for good.
    /// @param key compressed, 33 bytes.
    /// @param y the second coordinate, which the compressed form leaves out.
    /// @param v 27 or 28, with `r` and `s` the key's signature of `proofDigest(msg.sender, key)`.
    /// @return keyId its keccak256.
    function register(bytes calldata key, uint256 y, uint8 v, bytes32 r, bytes32 s) external returns (bytes32 keyId);

    /// @notice Say that the caller's key is not to be used any more. It cannot be taken back, and no other key follows.
    function revoke() external;

    /// @notice What the key must sign: `keccak256("KDAC/v1/register" ‖ chain id ‖ this contract ‖ owner ‖ key)`.
    function proofDigest(address owner, bytes calldata key) external view returns (bytes32 digest);

    /// @notice The key of an account, valid or revoked.
    function keyOf(address owner) external view returns (bytes memory key, Entry memory entry);

    /// @notice Whose key this is; zero if nobody's.
    function ownerOf(bytes32 keyId) external view returns (address owner);

    /// @notice Whether the key is registered and not revoked.
    function isValid(bytes32 keyId) external view returns (bool valid);
}
