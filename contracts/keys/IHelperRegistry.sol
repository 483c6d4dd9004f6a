// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Which helper files of an owner are the valid ones
/// @notice A helper file is public: with it, a similar image and the password, its owner recovers a key. It may lie
/// with anybody, because the digest here tells the owner on a new machine that it is his, complete, and not an older
/// one that he has revoked. Each enrolment gives a new version; re-enrolling revokes the old one and leads from it to
/// the new.
/// @dev An entry is its owner's: the same digest under another owner is another entry and worth nothing to whoever
/// trusts the owner, so copying a registration, or being first with it, harms nobody. Nothing here shows that the owner
/// knows the image, or that the file behind a digest is any good. Publishing links an account to a helper file; whoever
/// minds registers from an account that is known for nothing else.
interface IHelperRegistry {
    /// @notice A registered helper file.
    /// @param version counted from one for each owner.
    /// @param registeredBlock since when it has been valid.
    /// @param revokedBlock since when it has not been, for good; zero while it is.
    /// @param replacement the version that replaced it, always a later one; zero if none did.
    // Layout, from the low end: | version 48 | registeredBlock 48 | revokedBlock 48 | replacement 48 | free 64 |
    struct Helper {
        uint48 version;
        uint48 registeredBlock;
        uint48 revokedBlock;
        uint48 replacement;
    }

    /// @notice `owner` registered the helper file with this digest.
    event HelperRegistered(address indexed owner, bytes32 indexed digest, uint256 indexed version);
    /// @notice The helper file is no longer valid.
    event HelperRevoked(address indexed owner, bytes32 indexed digest);
    /// @notice The helper file is no longer valid; `replacement` is the digest of the one to use instead.
    event HelperReplaced(address indexed owner, bytes32 indexed digest, bytes32 indexed replacement);

    /// @notice The digest is zero.
    error NoDigest();
    /// @notice The owner has not registered this digest.
    error HelperUnknown(address owner, bytes32 digest);
    /// @notice The owner has registered this digest before; a revoked one cannot come back.
    error HelperAlreadyRegistered(address owner, bytes32 digest);
    /// @notice The helper file was revoked or replaced.
    error HelperIsRevoked(address owner, bytes32 digest, uint256 revokedBlock);
    /// @notice The owner has no such version: they are `[1, versions]`.
    error VersionUnknown(address owner, uint256 version, uint256 versions);
    /// @notice More versions than `maximum` were asked for at once.
    error PageTooLong(uint256 count, uint256 maximum);

    /// @notice Registers a helper file of the sender.
    /// @param digest SHA-256 of the file's canonical content, which the file names itself.
    function register(bytes32 digest) external returns (uint256 version);

    /// @notice Registers a helper file of the sender in place of an older one, which it revokes.
    /// @param digest the older one's.
    /// @param replacement the new one's, not registered before.
    function replace(bytes32 digest, bytes32 replacement) external returns (uint256 version);

    /// @notice Revokes a helper file of the sender for good, without a replacement.
    function revoke(bytes32 digest) external;

    /// @notice A helper file; reverts if the owner has not registered it.
    function helperOf(address owner, bytes32 digest) external view returns (Helper memory);

    /// @notice Whether the owner has registered this digest and not revoked it.
    function isValid(address owner, bytes32 digest) external view returns (bool valid);

    /// @notice How many helper files the owner has registered; the newest one's version.
    function versionsOf(address owner) external view returns (uint256 versions);

    /// @notice The digest of a version; reverts if there is none.
    function digestOf(address owner, uint256 version) external view returns (bytes32 digest);

    /// @notice Up to `count` helper files from version `first` on, revoked ones too; fewer where they end.
    /// @param count at most a hundred.
    function helpersOf(address owner, uint256 first, uint256 count)
        external
        view
        returns (bytes32[] memory digests, Helper[] memory helpers);
}
