// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Blocks of messages that the relays' replicas have agreed on, anchored
/// @notice Relays order messages among themselves (paper, section III-C). Here anybody puts down what they agreed on: a
/// block's height and Merkle root, with signatures of at least ceil(2n / 3) of the n replicas, which are checked. From
/// then on nobody, not all replicas together, can show another block of that height, and whoever has a message of it can
/// prove that it was in.
/// @dev The set of replicas is fixed; another set is another contract. What replicas sign covers chain, contract and set
/// (`network`), so that nothing counts twice. Not every block need be anchored, but heights only grow, and where the next
/// one is, it must follow from the last. Fewer than a third of the replicas can neither anchor a false block nor keep a
/// true one out. No payload is on chain. `pyml.kdac.pbft` is the twin: `block`, `votes`, `merkle`.
interface IMessageLog {
    /// @notice What a certificate is about.
    /// @param parent digest of the block before; zero at height 1.
    /// @param root of the payloads, as `MerkleTree` has it; zero if there are none.
    /// @param count of payloads.
    struct Header {
        uint64 height;
        bytes32 parent;
        bytes32 root;
        uint32 count;
    }

    /// @notice An anchored block.
    /// @param anchoredBlock the chain's block in which it was anchored; zero if it was not.
    // Layout, from the low end: | digest 256 | root 256 | count 32 | anchoredBlock 48 | free 176 |
    struct Anchor {
        bytes32 digest;
        bytes32 root;
        uint32 count;
        uint48 anchoredBlock;
    }

    /// @notice A block was anchored.
    event BlockAnchored(uint64 indexed height, bytes32 indexed digest, bytes32 root, uint32 count, uint32 round);

    /// @notice There are 1 to 64 replicas.
    error ReplicaCountOutOfRange(uint256 count);
    /// @notice Replicas are given in ascending order of their addresses, none twice, none zero.
    error ReplicasNotAscending(uint256 index);
    /// @notice The height is not above the last one that is anchored.
    error HeightNotAbove(uint64 height, uint64 latest);
    /// @notice The block does not follow from the one before, which is anchored.
    error ParentMismatch(bytes32 expected, bytes32 parent);
    /// @notice A certificate is signatures of 65 bytes, one after the other.
    error CertificateMalformed(uint256 length);
    /// @notice Too few signatures for a quorum, or more than there are replicas.
    error SignatureCountOutOfRange(uint256 count, uint256 quorum, uint256 replicas);
    /// @notice The signature is nobody's, has a high `s`, or its `v` is neither 27 nor 28.
    error SignatureInvalid(uint256 index);
    /// @notice The signer is no replica: an account of another set, or what a false digest or signature gives.
    error SignerUnknown(uint256 index, address signer);
    /// @notice Signers are in ascending order of their addresses, none twice.
    error SignersNotAscending(uint256 index, address previous, address signer);
    /// @notice No block of this height is anchored.
    error HeightUnknown(uint64 height);

    /// @notice Anchor a block. Anybody may: the certificate speaks for itself.
    /// @param round in which it was decided; a certificate is of one round.
    /// @param signatures r ‖ s ‖ v each, v 27 or 28, in ascending order of their signers' addresses.
    /// @return digest the block's.
    function anchor(Header calldata header, uint32 round, bytes calldata signatures) external returns (bytes32 digest);

    /// @notice Whether a certificate would be accepted for a block, whatever is anchored. Reverts, as `anchor` does, if not.
    function requireCertificate(Header calldata header, uint32 round, bytes calldata signatures)
        external
        view
        returns (bytes32 digest);

    /// @notice Whether a payload is the one at `index` in an anchored block.
    /// @param path as `MerkleTree.rootOf` has it, from below.
    /// @dev Reverts for a height that is not anchored, and for an index or path that no payload of it can have.
    function isIncluded(uint64 height, uint256 index, bytes calldata payload, bytes32[] calldata path)
        external
        view
        returns (bool included);

    /// @notice An anchored block; reverts if there is none of this height.
    function anchorOf(uint64 height) external view returns (Anchor memory found);

    /// @notice The last height that is anchored; zero before the first.
    function latestHeight() external view returns (uint64 height);

    /// @notice What every signature of the replicas covers:
    /// `keccak256("KDAC/v1/network" ‖ chain id ‖ this contract ‖ keccak256(replicas))`.
    function network() external view returns (bytes32 digest);

    /// @notice The addresses of the replicas, ascending.
    function replicas() external view returns (address[] memory addresses);

    /// @notice How many of them must sign.
    function quorum() external view returns (uint256 count);
}
