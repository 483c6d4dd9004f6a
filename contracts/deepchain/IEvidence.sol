// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITrading} from "./ITrading.sol";
import {Vectors} from "./Vectors.sol";

/// @title Faults that are shown at once, and bytes that are demanded
/// @notice No dispute is needed to show that a number is not reduced or has no inverse (`proveMalformed`), that a proof has
/// the wrong form (`proveMalformedProof`), or that an aggregate is not the product of the ciphertexts
/// (`proveWrongAggregate`). Whoever shows it gets the bounty.
///
/// Bytes that cannot be had are demanded for a fee, the bond: whoever posted their root shows them here in time and keeps
/// the fee, or is convicted, and the fee goes back. One element is demanded at a time, because a member who withholds
/// a thousand has to pay for showing them here, a thousand times.
interface IEvidence {
    /// @notice A demand of bytes.
    /// @param challenger who pays for it.
    /// @param deadline last block to show them.
    /// @param subject what they are of.
    /// @param open whether they are still due.
    /// @param accused member; or the aggregate's attempt.
    /// @param index of the element, or the proof's.
    /// @param collected of the aggregate's block.
    /// @param groupId of the group.
    struct Demand {
        address challenger;
        uint48 deadline;
        ITrading.Subject subject;
        bool open;
        uint8 accused;
        uint32 index;
        uint48 collected;
        uint128 groupId;
    }

    /// @notice What makes a number malformed.
    /// @param submission that it belongs to.
    /// @param modulus the key's n² if a number of gradients is not reduced, else its n.
    /// @param cofactor 2·width bytes, q: 0 < q < n and q·number ≡ 0 modulo n; empty if the number is not reduced.
    struct Fault {
        ITrading.Submission submission;
        Vectors.Element modulus;
        bytes cofactor;
    }

    /// @notice One ciphertext of a member, to be multiplied.
    /// @param party whose it is.
    /// @param submission that the member posted.
    /// @param ciphertext under the submission's root.
    struct Factor {
        uint256 party;
        ITrading.Submission submission;
        Vectors.Element ciphertext;
    }

    /// @notice Element `index` is to be shown by block `deadline`.
    event Demanded(
        uint256 indexed demandId,
        uint256 indexed groupId,
        ITrading.Subject indexed subject,
        uint256 accused,
        uint256 index,
        uint256 deadline
    );
    /// @notice The element that was demanded.
    event Served(uint256 indexed demandId, bytes content);
    /// @notice It was not shown in time.
    event Unserved(uint256 indexed demandId, bool convicted);
    /// @notice A fault was shown at once.
    event FaultProved(
        uint256 indexed groupId, uint256 indexed party, ITrading.Subject subject, address indexed challenger
    );
    /// @notice The aggregate was wrong.
    event AggregateProvedWrong(uint256 indexed groupId, uint256 index, address indexed challenger);

    /// @notice Another contract is named in the group's terms.
    error NotThisEvidence(uint256 groupId, address named);
    /// @notice Nothing is demanded under this id, or not any more.
    error NotDemanded(uint256 demandId);
    /// @notice The time for it is over.
    error DeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The time for it is not over yet.
    error DeadlineNotPassed(uint256 deadline, uint256 currentBlock);
    /// @notice The index names nothing.
    error IndexOutOfRange(uint256 index, uint256 count);
    /// @notice An aggregate is proved wrong by its factors.
    error NotAVector(ITrading.Subject subject);
    /// @notice What is shown is not what was posted.
    error NotPosted(bytes32 expected, bytes32 actual);
    /// @notice Not every accepted member's ciphertext is shown, in their order.
    error FactorsMismatch(uint256 expected, uint256 actual);
    /// @notice The member is not in this round, or stands twice.
    error NotAFactor(uint256 groupId, uint256 party);
    /// @notice The product is what was claimed.
    error AggregateIsRight(uint256 groupId, uint256 index);
    /// @notice What is shown has no fault.
    error NoFault();

    /// @notice Proves that an element is not reduced modulo n² (gradients) or n (shares), or has no inverse. The sender
    /// gets the bounty.
    /// @param index of the element.
    function proveMalformed(
        uint256 groupId,
        uint256 party,
        ITrading.Subject subject,
        uint256 index,
        Vectors.Element calldata element,
        Fault calldata fault
    ) external;

    /// @notice Proves that a proof has the wrong length; or that its number 0, `a`, is not reduced or has no inverse; or the
    /// same of number 1, `b`, for shares; or that number 1, z1, is not below n, for gradients. The sender gets the bounty.
    /// @param number 0 or 1; of no meaning if the length is wrong.
    function proveMalformedProof(
        uint256 groupId,
        uint256 party,
        ITrading.Subject subject,
        uint256 number,
        bytes calldata proof,
        Fault calldata fault
    ) external;

    /// @notice Demands element `index`; of a member's vector, `count` is the proof. Locks the fee, as much as a bond.
    /// @param party whose it is; of no meaning for the aggregate.
    function demand(uint256 groupId, ITrading.Subject subject, uint256 party, uint256 index)
        external
        returns (uint256 demandId);

    /// @notice Shows what was demanded; the fee is then the accused's. Anyone may do it.
    /// @param submission the member's; of no meaning for the aggregate.
    /// @param element with its path; the proof has none.
    function serve(uint256 demandId, ITrading.Submission calldata submission, Vectors.Element calldata element) external;

    /// @notice Convicts whoever did not serve in time. Anyone may do it.
    function claimUnserved(uint256 demandId) external;

    /// @notice Proves that element `index` of the aggregate is not the product of the members' ciphertexts. The sender gets
    /// the bounty.
    /// @param modulus the key's n².
    /// @param claimed the element of the aggregate.
    /// @param factors of all accepted members, each once.
    function proveWrongAggregate(
        uint256 groupId,
        uint256 index,
        Vectors.Element calldata modulus,
        Vectors.Element calldata claimed,
        Factor[] calldata factors
    ) external;

    /// @notice A demand; reverts if there is none.
    function demandOf(uint256 demandId) external view returns (Demand memory);

    /// @notice How many demands were made; the next one's id.
    function demandCount() external view returns (uint256);
}
