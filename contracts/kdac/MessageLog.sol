// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../shared/MerkleTree.sol";
import {IMessageLog} from "./IMessageLog.sol";
import {Secp256k1} from "./Secp256k1.sol";

/// @title MessageLog
/// @notice Believes nobody but a quorum of the replicas it was made with.
contract MessageLog is IMessageLog {
    /// @notice Most replicas; bounds the loop over signatures.
    uint256 public constant MAX_REPLICAS = 64;
    uint256 private constant SIGNATURE_BYTES = 65;
    /// @dev `pyml.kdac.pbft.votes.Kind.COMMIT`.
    uint8 private constant COMMIT = 3;

    bytes32 private immutable MEMBERS;
    uint256 private immutable QUORUM;

    /// @inheritdoc IMessageLog
    uint64 public latestHeight;
    address[] private _replicas;
    mapping(address account => bool) private _isReplica;
    mapping(uint64 height => Anchor) private _anchors;

    /// @param addresses of the replicas, ascending.
    constructor(address[] memory addresses) {
        uint256 count = addresses.length;
        if (count == 0 || count > MAX_REPLICAS) revert ReplicaCountOutOfRange(count);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (addresses[i] <= previous) revert ReplicasNotAscending(i);
            previous = addresses[i];
            _isReplica[previous] = true;
        }
        _replicas = addresses;
        MEMBERS = keccak256(abi.encodePacked(addresses));
        QUORUM = (2 * count + 2) / 3;
    }

    /// @inheritdoc IMessageLog
    function anchor(Header calldata header, uint32 round, bytes calldata signatures) external returns (bytes32 digest) {
        uint64 latest = latestHeight;
        if (header.height <= latest) revert HeightNotAbove(header.height, latest);
        if (header.height == latest + 1 && header.parent != _anchors[latest].digest) {
            revert ParentMismatch(_anchors[latest].digest, header.parent);
        }
        digest = requireCertificate(header, round, signatures);
        latestHeight = header.height;
        _anchors[header.height] = Anchor(digest, header.root, header.count, uint48(block.number));
        emit BlockAnchored(header.height, digest, header.root, header.count, round);
    }

    /// @inheritdoc IMessageLog
    function requireCertificate(Header calldata header, uint32 round, bytes calldata signatures)
        public
        view
        returns (bytes32 digest)
    {
        digest = keccak256(abi.encodePacked("KDAC/v1/block", header.height, header.parent, header.root, header.count));
        bytes32 signed = keccak256(abi.encodePacked(network(), COMMIT, header.height, round, digest));
        uint256 count = signatures.length / SIGNATURE_BYTES;
        if (signatures.length % SIGNATURE_BYTES != 0) revert CertificateMalformed(signatures.length);
        if (count < QUORUM || count > _replicas.length) {
            revert SignatureCountOutOfRange(count, QUORUM, _replicas.length);
        }
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address signer = _signer(signed, signatures[i * SIGNATURE_BYTES:(i + 1) * SIGNATURE_BYTES]);
            if (signer == address(0)) revert SignatureInvalid(i);
            if (signer <= previous) revert SignersNotAscending(i, previous, signer);
            if (!_isReplica[signer]) revert SignerUnknown(i, signer);
            previous = signer;
        }
    }

    /// @inheritdoc IMessageLog
    function isIncluded(uint64 height, uint256 index, bytes calldata payload, bytes32[] calldata path)
        external
        view
        returns (bool included)
    {
        Anchor storage found = _known(height);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = MerkleTree.leafOf(payload);
        return MerkleTree.rootOf(leaves, index, found.count, path) == found.root;
    }

    /// @inheritdoc IMessageLog
    function anchorOf(uint64 height) external view returns (Anchor memory found) {
        return _known(height);
    }

    /// @inheritdoc IMessageLog
    /// @dev Computed each time: after a fork of the chain, the two have different identifiers.
    function network() public view returns (bytes32 digest) {
        return keccak256(abi.encodePacked("KDAC/v1/network", block.chainid, uint256(uint160(address(this))), MEMBERS));
    }

    /// @inheritdoc IMessageLog
    function replicas() external view returns (address[] memory addresses) {
        return _replicas;
    }

    /// @inheritdoc IMessageLog
    function quorum() external view returns (uint256 count) {
        return QUORUM;
    }

    function _signer(bytes32 digest, bytes calldata signature) private pure returns (address) {
        return Secp256k1.recover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
    }

    function _known(uint64 height) private view returns (Anchor storage found) {
        found = _anchors[height];
        if (found.anchoredBlock == 0) revert HeightUnknown(height);
    }
}
