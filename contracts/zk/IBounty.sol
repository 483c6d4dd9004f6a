// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Rewards for models that reach an accuracy on a set that nobody has seen
/// @notice A bounty has four phases, told apart by block numbers:
///
/// 1. up to the seal's closing block: entrants register their models with `IModelRegistry`;
/// 2. up to `revealDeadline`: the publisher opens the seal with `ICircuitRegistry.registerSealed`, then names that
///    circuit here, for good;
/// 3. up to `proofDeadline`: an entrant proves her count with `IAccuracyRegistry.claim`, then takes the reward. The
///    first valid take wins: a rule by the best count would pay at the deadline only, and whoever knows the labels wins
///    by either rule;
/// 4. afterwards, or after `revealDeadline` if nothing was revealed: the sponsor gets the reward back.
///
/// It pays for what a claim means, and a claim is worth as much as the publisher's secrecy: whoever knows the set
/// before it closes can register a model made for it, under any name. A sponsor who publishes the set himself can
/// therefore win his own reward back, and entrants need to trust him; with another publisher they need to trust that
/// one. Nothing here shows that the set is fair, that its samples were handed out, or that anybody can reach the
/// threshold. An unrevealed reward goes back instead of being forfeited, because a publisher who wants nobody to win
/// can reveal a set that nobody can classify; a penalty would only hit one who has lost his salt.
interface IBounty {
    /// @notice How far a bounty has come.
    enum Status {
        None,
        Open,
        Revealed,
        Taken,
        Refunded
    }

    /// @notice What a sponsor promises.
    /// @param token the reward's ERC-20 token; zero for ether.
    /// @param publisher who sealed the set; the sponsor or somebody whom both sides trust.
    /// @param seal the publisher's seal in `ICircuitRegistry`; its closing block ends the registration of models.
    /// @param templateId a registered circuit of the same shape on a public set, under which entrants commit: its id
    /// fixes architecture, numerics and reference string, all of which a model's commitment depends on.
    /// @param threshold the count of correct answers that wins, of as many samples as the template has.
    /// @param revealDeadline the last block in which the publisher may name the circuit.
    /// @param proofDeadline the last block in which the reward may be taken.
    struct Terms {
        address token;
        address publisher;
        bytes32 seal;
        bytes32 templateId;
        uint32 threshold;
        uint48 revealDeadline;
        uint48 proofDeadline;
    }

    /// @notice A bounty: its terms, and what has come of them.
    /// @param closingBlock the seal's: the last block in which an entrant could register a model.
    /// @param reward in the token's smallest unit, or wei.
    /// @param circuitId the circuit on the opened set; zero until it is revealed.
    /// @param modelId the model that won; zero until one has.
    // Layout, from the low end: slot 0 | sponsor 160 | closingBlock 48 | revealDeadline 48 |; slot 1
    // | token 160 | proofDeadline 48 | threshold 32 | status 8 | free 8 |; slot 2 | publisher 160 | free 96 |; slots 3-7
    // reward, seal, templateId, circuitId, modelId
    struct Offer {
        address sponsor;
        uint48 closingBlock;
        uint48 revealDeadline;
        address token;
        uint48 proofDeadline;
        uint32 threshold;
        Status status;
        address publisher;
        uint256 reward;
        bytes32 seal;
        bytes32 templateId;
        bytes32 circuitId;
        bytes32 modelId;
    }

    /// @notice `sponsor` put up a reward.
    event BountyOpened(
        uint256 indexed bountyId, address indexed sponsor, bytes32 indexed templateId, Terms terms, uint256 reward
    );
    /// @notice The set was opened; only claims under `circuitId` count.
    event BountyRevealed(uint256 indexed bountyId, bytes32 indexed circuitId);
    /// @notice The reward belongs to `winner`.
    event BountyTaken(uint256 indexed bountyId, address indexed winner, bytes32 indexed modelId);
    /// @notice The reward belongs to `sponsor` again.
    event BountyRefunded(uint256 indexed bountyId, address indexed sponsor);
    /// @notice `account` took out what belonged to it.
    event Withdrawn(address indexed account, address indexed token, uint256 amount);

    /// @notice The reward is zero.
    error NoReward();
    /// @notice What arrived is not the reward: another value was sent, or the token keeps a fee.
    error RewardNotReceived(uint256 expected, uint256 received);
    /// @notice Ether was sent along with a reward in tokens.
    error EtherNotExpected(uint256 value);
    /// @notice There is no code at the token's address.
    error TokenWithoutCode(address token);
    /// @notice The publisher never made this seal.
    error SealUnknown(address publisher, bytes32 seal);
    /// @notice No model can be registered in time any more.
    error SealClosed(uint256 closingBlock, uint256 currentBlock);
    /// @notice The deadlines do not follow one another.
    error DeadlinesOutOfOrder(uint256 closingBlock, uint256 revealDeadline, uint256 proofDeadline);
    /// @notice The threshold is not in `[1, samples]`.
    error ThresholdOutOfRange(uint256 threshold, uint256 samples);
    /// @notice No bounty has this id.
    error BountyUnknown(uint256 bountyId);
    /// @notice The bounty has not come so far yet, or is beyond it.
    error NotInStatus(uint256 bountyId, Status expected, Status actual);
    /// @notice Only the publisher of the bounty's set may do this.
    error NotPublisher(uint256 bountyId, address publisher, address caller);
    /// @notice The set may be shown only after `closingBlock`.
    error StillSealed(uint256 closingBlock, uint256 currentBlock);
    /// @notice The publisher is too late.
    error RevealDeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The circuit's set and this salt do not open the bounty's seal.
    error NotThisSeal(bytes32 expected, bytes32 actual);
    /// @notice The circuit was registered without the bounty's seal: by `publisher` (zero if it was not sealed at all),
    /// on a set that closed at `closingBlock`.
    error NotRegisteredByThisSeal(bytes32 circuitId, address publisher, uint256 closingBlock);
    /// @notice The circuit has not the samples, points, checks or proof length of the template.
    error ShapeMismatch(bytes32 templateId, bytes32 circuitId);
    /// @notice The reward can no longer be taken.
    error ProofDeadlinePassed(uint256 deadline, uint256 currentBlock);
    /// @notice The sender does not own the model.
    error NotModelOwner(bytes32 modelId, address owner, address caller);
    /// @notice The owner has withdrawn the model.
    error ModelIsRevoked(bytes32 modelId);
    /// @notice The model has not proved enough under the bounty's circuit; zero if it has proved nothing.
    error BelowThreshold(uint256 count, uint256 threshold);
    /// @notice The model was registered after the set could be known.
    error SetKnownInAdvance(bytes32 modelId, uint256 closingBlock);
    /// @notice The reward is the sponsor's only after `deadline`.
    error RefundTooEarly(uint256 deadline, uint256 currentBlock);
    /// @notice Nothing in this token belongs to the account.
    error NothingToWithdraw(address account, address token);
    /// @notice The account does not accept ether.
    error EtherRefused(address account, uint256 amount);

    /// @notice Puts up a reward: `msg.value`, or tokens that the sender has approved. A token that delivers less than it
    /// was asked to is refused; one whose balances change by themselves is the risk of those who deal in it.
    /// @param reward in wei, or in the token's smallest unit.
    /// @return bountyId counted from zero.
    function open(Terms calldata terms, uint256 reward) external payable returns (uint256 bountyId);

    /// @notice Names the circuit on the opened set, once and for all. Only for the publisher, who may have registered
    /// several circuits on it. A proof made before is made in vain if another circuit is named.
    /// @param circuitId registered by `ICircuitRegistry.registerSealed` with the bounty's seal.
    /// @param salt the seal's.
    function reveal(uint256 bountyId, bytes32 circuitId, bytes32 salt) external;

    /// @notice Wins the reward for the sender's model, which must have a claim of at least the threshold under the
    /// bounty's circuit and have been registered before the seal closed. Of no use to whoever copies the transaction.
    function take(uint256 bountyId, bytes32 modelId) external;

    /// @notice Gives the reward back to its sponsor after the deadline that was missed. Anyone may do it.
    function refund(uint256 bountyId) external;

    /// @notice Pays out all that belongs to the sender.
    /// @param token zero for ether.
    function withdraw(address token) external;

    /// @notice How many bounties were opened; the next one's id.
    function bountyCount() external view returns (uint256);

    /// @notice A bounty; reverts if there is none.
    function bountyOf(uint256 bountyId) external view returns (Offer memory);

    /// @notice What `account` may withdraw in a token.
    function creditOf(address account, address token) external view returns (uint256 amount);
}
