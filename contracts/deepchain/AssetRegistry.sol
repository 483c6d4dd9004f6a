// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../shared/BN254.sol";
import {MerkleTree} from "../shared/MerkleTree.sol";
import {BN254Group} from "./BN254Group.sol";
import {IAssetRegistry} from "./IAssetRegistry.sol";
import {MerklePath} from "./MerklePath.sol";

/// @title AssetRegistry
/// @notice Nobody owns it.
contract AssetRegistry is IAssetRegistry {
    /// @notice How many blocks an audit asks for; one may come twice. Whoever lacks a part f of them passes m audits with
    /// probability (1 - f)^(2·m): ask again for more.
    uint256 public constant CHALLENGED = 2;
    /// @notice How far back a contract can read hashes of blocks.
    uint256 public constant HASH_BLOCKS = 256;
    /// @notice Most bytes of keywords.
    uint256 public constant MAX_KEYWORDS_BYTES = 1024;
    /// @notice Domain of H2.
    bytes32 public constant POINT = keccak256("pyml.deepchain.asset.point.v1");
    /// @notice Domain of challenges.
    bytes32 public constant AUDIT = keccak256("pyml.deepchain.asset.audit.v1");

    Asset[] private _assets;

    /// @inheritdoc IAssetRegistry
    function state(uint32 blocks, uint32 samples, bytes32 tagRoot, uint256[4] calldata pk, string calldata keywords)
        external
        returns (uint256 assetId)
    {
        if (blocks == 0 || samples == 0 || tagRoot == 0) revert AssetEmpty();
        if (bytes(keywords).length > MAX_KEYWORDS_BYTES) revert KeywordsTooLong(bytes(keywords).length);
        if (!BN254Group.isKey(pk)) revert KeyInvalid();
        assetId = _assets.length;
        Asset storage stated = _assets.push();
        (stated.owner, stated.blocks, stated.samples) = (msg.sender, blocks, samples);
        (stated.tagRoot, stated.pk) = (tagRoot, pk);
        emit AssetStated(assetId, msg.sender, blocks, samples, tagRoot, pk, keywords);
    }

    /// @inheritdoc IAssetRegistry
    function requestAudit(uint256 assetId) external {
        Asset storage asset = _known(assetId);
        uint48 requested = asset.requestedBlock;
        if (requested != 0 && block.number <= requested + HASH_BLOCKS) revert AuditPending(assetId, requested);
        asset.requestedBlock = uint48(block.number);
        emit AuditRequested(assetId, msg.sender, block.number);
    }

    /// @inheritdoc IAssetRegistry
    function answerAudit(uint256 assetId, uint256 mu, Answer[] calldata answers) external {
        Asset storage asset = _known(assetId);
        BN254.requireScalar(mu);
        if (answers.length != CHALLENGED) revert AnswersMismatch(CHALLENGED, answers.length);
        uint48 requested = asset.requestedBlock;
        bytes32 seed = _seedOf(assetId, requested);
        (asset.requestedBlock, asset.auditedBlock) = (0, uint48(block.number));
        emit AuditPassed(assetId, requested, seed);
        uint256[4] memory key = asset.pk;
        // The point at infinity.
        uint256[2] memory tags = [uint256(0), 0];
        uint256[2] memory points = BN254Group.multiply(BN254Group.generator(), mu);
        for (uint256 i = 0; i < CHALLENGED; ++i) {
            (uint256 index, uint256 coefficient) = _drawn(seed, i, asset.blocks);
            _requireTag(assetId, asset, index, answers[i]);
            bytes32 named = keccak256(abi.encode(POINT, key, asset.owner, index));
            uint256[2] memory point = BN254Group.pointOf(named, answers[i].hint);
            tags = BN254Group.add(tags, BN254Group.multiply(answers[i].tag, coefficient));
            points = BN254Group.add(points, BN254Group.multiply(point, coefficient));
        }
        if (!BN254Group.arePaired(tags, points, key)) revert AuditFailed(assetId);
    }

    /// @inheritdoc IAssetRegistry
    function challengeOf(uint256 assetId)
        external
        view
        returns (uint256[] memory indices, uint256[] memory coefficients)
    {
        Asset storage asset = _known(assetId);
        bytes32 seed = _seedOf(assetId, asset.requestedBlock);
        (indices, coefficients) = (new uint256[](CHALLENGED), new uint256[](CHALLENGED));
        for (uint256 i = 0; i < CHALLENGED; ++i) {
            (indices[i], coefficients[i]) = _drawn(seed, i, asset.blocks);
        }
    }

    /// @inheritdoc IAssetRegistry
    function assetCount() external view returns (uint256) {
        return _assets.length;
    }

    /// @inheritdoc IAssetRegistry
    function assetOf(uint256 assetId) external view returns (Asset memory) {
        return _known(assetId);
    }

    function _known(uint256 assetId) private view returns (Asset storage) {
        if (assetId >= _assets.length) revert AssetUnknown(assetId);
        return _assets[assetId];
    }

    function _seedOf(uint256 assetId, uint256 requested) private view returns (bytes32) {
        if (requested == 0) revert NoAuditRequested(assetId);
        bytes32 hash = blockhash(requested);
        if (hash == 0) revert AuditUnanswerable(requested, block.number);
        return keccak256(abi.encode(address(this), assetId, requested, hash));
    }

    function _requireTag(uint256 assetId, Asset storage asset, uint256 index, Answer calldata answer) private view {
        bytes32 leaf = MerkleTree.leafOf(abi.encode(answer.tag));
        bytes32 root = MerklePath.rootOf(leaf, index, asset.blocks, answer.path);
        if (root != asset.tagRoot) revert TagUnknown(assetId, index);
    }

    /// @dev Index from the last 128 bits of a hash, coefficient from the first; 0 counts as 1.
    function _drawn(bytes32 seed, uint256 place, uint256 blocks)
        private
        pure
        returns (uint256 index, uint256 coefficient)
    {
        uint256 digest = uint256(keccak256(abi.encode(AUDIT, seed, place)));
        // A hash that nobody can choose once the request is mined; the rest of 128 bits by 32 is as good as even.
        // slither-disable-next-line weak-prng
        index = (digest & type(uint128).max) % blocks;
        coefficient = digest >> 128;
        if (coefficient == 0) coefficient = 1;
    }
}
