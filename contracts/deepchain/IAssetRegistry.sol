// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Statements of data, and their audit
/// @notice An owner states that it has data of `blocks` blocks. With a secret s for the data and m_j for block j, scalars
/// of BN254 that the owner derives by hashing, it publishes
///
///     pk = g2^s        σ_j = (H2(asset, j) · g1^{m_j})^s
///
/// The tags σ_j are the leaves of a Merkle tree whose root is registered. An audit asks for random blocks Q = {(j, ν_j)};
/// the owner answers with μ = Σ ν_j·m_j and the tags, and the contract checks
///
///     e(∏ σ_j^{ν_j}, g2) = e(∏ H2(asset, j)^{ν_j} · g1^μ, pk)
///
/// It shows that the owner still knows the m_j that the tags were made of. It does not show that the m_j are hashes of any
/// data, nor that data are good, new, or not somebody else's. H2 hashes pk and the owner's address as well: answers are
/// public, and after some audits whoever copied a statement could answer for it too. Where s is a hash of the data alone,
/// anybody who can guess the data can confirm the guess by pk: s must be blinded by a secret salt, and so must each m_j.
/// The paper has neither the salt nor the tags' root; without the root an owner would make the tags at the audit, of
/// anything.
/// @dev The request's block is hashed into the challenge, so it is not known when the audit is asked for. An answer has to
/// come within 256 blocks, while that hash can be read.
interface IAssetRegistry {
    /// @notice An asset.
    /// @param owner who stated it.
    /// @param blocks how many there are.
    /// @param samples how many training samples the owner declares.
    /// @param auditedBlock of the last audit that was passed; zero if there was none.
    /// @param requestedBlock of the audit that waits for its answer; zero if none does.
    /// @param tagRoot Merkle root of the tags.
    /// @param pk the owner's key in G2, as EIP-197 has it: x imaginary, x real, y imaginary, y real.
    // Layout, from the low end: slot 0 | owner 160 | blocks 32 | samples 32 | free 32 |; slot 1 | auditedBlock 48
    // | requestedBlock 48 | free 160 |; slot 2 tagRoot; slots 3-6 pk
    struct Asset {
        address owner;
        uint32 blocks;
        uint32 samples;
        uint48 auditedBlock;
        uint48 requestedBlock;
        bytes32 tagRoot;
        uint256[4] pk;
    }

    /// @notice What an owner shows of one block.
    /// @param tag σ_j.
    /// @param hint counter and ordinate with which H2(asset, j) is found (`BN254Group.pointOf`).
    /// @param path of the tag.
    struct Answer {
        uint256[2] tag;
        uint256[2] hint;
        bytes32[] path;
    }

    /// @notice `owner` stated an asset.
    event AssetStated(
        uint256 indexed assetId,
        address indexed owner,
        uint256 blocks,
        uint256 samples,
        bytes32 tagRoot,
        uint256[4] pk,
        string keywords
    );
    /// @notice Somebody wants an audit.
    event AuditRequested(uint256 indexed assetId, address indexed auditor, uint256 requestedBlock);
    /// @notice The owner knew what it was asked for.
    event AuditPassed(uint256 indexed assetId, uint256 requestedBlock, bytes32 seed);

    /// @notice No asset has this id.
    error AssetUnknown(uint256 assetId);
    /// @notice There are no blocks or no samples, or more samples than 32 bits hold, or no tags.
    error AssetEmpty();
    /// @notice The keywords are longer than `MAX_KEYWORDS_BYTES`.
    error KeywordsTooLong(uint256 length);
    /// @notice The key is no element of G2's group of prime order, or is its identity.
    error KeyInvalid();
    /// @notice No audit waits for an answer.
    error NoAuditRequested(uint256 assetId);
    /// @notice An audit waits for its answer.
    error AuditPending(uint256 assetId, uint256 requestedBlock);
    /// @notice The request's block cannot be hashed: it is this block, or more than 256 blocks old.
    error AuditUnanswerable(uint256 requestedBlock, uint256 currentBlock);
    /// @notice Another number of blocks was asked for.
    error AnswersMismatch(uint256 expected, uint256 actual);
    /// @notice The tag is not in the registered tree.
    error TagUnknown(uint256 assetId, uint256 index);
    /// @notice The equation does not hold.
    error AuditFailed(uint256 assetId);

    /// @notice States an asset of the sender's.
    /// @param keywords size, format, topic, description: for people.
    function state(uint32 blocks, uint32 samples, bytes32 tagRoot, uint256[4] calldata pk, string calldata keywords)
        external
        returns (uint256 assetId);

    /// @notice Asks for an audit. One that nobody could answer in time may be asked for again.
    function requestAudit(uint256 assetId) external;

    /// @notice Answers the audit. Anyone may do it.
    /// @param mu μ, below the order of the group.
    /// @param answers in the order of `challengeOf`.
    function answerAudit(uint256 assetId, uint256 mu, Answer[] calldata answers) external;

    /// @notice The blocks that are asked for, and their coefficients: from the block after the request on, for 256
    /// blocks.
    function challengeOf(uint256 assetId)
        external
        view
        returns (uint256[] memory indices, uint256[] memory coefficients);

    /// @notice How many assets there are; the next one's id.
    function assetCount() external view returns (uint256);

    /// @notice An asset; reverts if there is none.
    function assetOf(uint256 assetId) external view returns (Asset memory);
}
