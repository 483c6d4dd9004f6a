// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IHelperRegistry} from "./IHelperRegistry.sol";

/// @title HelperRegistry
/// @notice Nobody has power over another's helper files; an entry never goes.
contract HelperRegistry is IHelperRegistry {
    /// @notice Most helper files that one call returns.
    uint256 public constant MAX_PAGE = 100;

    mapping(address owner => mapping(bytes32 digest => Helper)) private _helpers;
    /// @dev By version less one. It grows by its owner's transactions only, and is read by pages.
    mapping(address owner => bytes32[]) private _digests;

    /// @inheritdoc IHelperRegistry
    function register(bytes32 digest) external returns (uint256 version) {
        return _register(digest);
    }

    /// @inheritdoc IHelperRegistry
    function replace(bytes32 digest, bytes32 replacement) external returns (uint256 version) {
        Helper storage helper = _revoke(digest);
        helper.replacement = _register(replacement);
        version = helper.replacement;
        emit HelperReplaced(msg.sender, digest, replacement);
    }

    /// @inheritdoc IHelperRegistry
    function revoke(bytes32 digest) external {
        _revoke(digest);
        emit HelperRevoked(msg.sender, digest);
    }

    /// @inheritdoc IHelperRegistry
    function helperOf(address owner, bytes32 digest) external view returns (Helper memory) {
        return _known(owner, digest);
    }

    /// @inheritdoc IHelperRegistry
    function isValid(address owner, bytes32 digest) external view returns (bool valid) {
        Helper storage helper = _helpers[owner][digest];
        return helper.version != 0 && helper.revokedBlock == 0;
    }

    /// @inheritdoc IHelperRegistry
    function versionsOf(address owner) external view returns (uint256 versions) {
        return _digests[owner].length;
    }

    /// @inheritdoc IHelperRegistry
    function digestOf(address owner, uint256 version) external view returns (bytes32 digest) {
        return _digests[owner][_requireVersion(owner, version) - 1];
    }

    /// @inheritdoc IHelperRegistry
    function helpersOf(address owner, uint256 first, uint256 count)
        external
        view
        returns (bytes32[] memory digests, Helper[] memory helpers)
    {
        if (count > MAX_PAGE) revert PageTooLong(count, MAX_PAGE);
        bytes32[] storage all = _digests[owner];
        uint256 left = all.length + 1 - _requireVersion(owner, first);
        if (count > left) count = left;
        digests = new bytes32[](count);
        helpers = new Helper[](count);
        for (uint256 i = 0; i < count; ++i) {
            digests[i] = all[first - 1 + i];
            helpers[i] = _helpers[owner][digests[i]];
        }
    }

    function _register(bytes32 digest) private returns (uint48 version) {
        if (digest == 0) revert NoDigest();
        if (_helpers[msg.sender][digest].version != 0) revert HelperAlreadyRegistered(msg.sender, digest);
        _digests[msg.sender].push(digest);
        // Each version costs a transaction.
        // forge-lint: disable-next-line(unsafe-typecast)
        version = uint48(_digests[msg.sender].length);
        _helpers[msg.sender][digest] =
            Helper({version: version, registeredBlock: uint48(block.number), revokedBlock: 0, replacement: 0});
        emit HelperRegistered(msg.sender, digest, version);
    }

    function _revoke(bytes32 digest) private returns (Helper storage helper) {
        helper = _known(msg.sender, digest);
        if (helper.revokedBlock != 0) revert HelperIsRevoked(msg.sender, digest, helper.revokedBlock);
        helper.revokedBlock = uint48(block.number);
    }

    function _known(address owner, bytes32 digest) private view returns (Helper storage helper) {
        helper = _helpers[owner][digest];
        if (helper.version == 0) revert HelperUnknown(owner, digest);
    }

    function _requireVersion(address owner, uint256 version) private view returns (uint256) {
        uint256 versions = _digests[owner].length;
        if (version == 0 || version > versions) revert VersionUnknown(owner, version, versions);
        return version;
    }
}
