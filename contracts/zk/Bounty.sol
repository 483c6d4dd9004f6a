// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {AccuracyRegistry} from "./AccuracyRegistry.sol";
import {IAccuracyRegistry} from "./IAccuracyRegistry.sol";
import {IBounty} from "./IBounty.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title Bounty
/// @notice Nobody owns it; every reward goes to a winner or back to its sponsor, and no third way.
contract Bounty is IBounty, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Stands for ether where a token is named.
    address public constant ETHER = address(0);

    /// @notice Where accuracies are proved.
    IAccuracyRegistry public immutable ACCURACY;
    /// @notice Where models are registered.
    IModelRegistry public immutable MODELS;
    /// @notice Where sets are sealed and circuits registered.
    ICircuitRegistry public immutable CIRCUITS;

    /// @inheritdoc IBounty
    uint256 public bountyCount;

    mapping(uint256 bountyId => Offer) private _offers;
    mapping(address account => mapping(address token => uint256)) private _credits;

    /// @dev Models and circuits are those of the accuracy registry: others would decide about other claims.
    constructor(AccuracyRegistry accuracy) {
        ACCURACY = accuracy;
        MODELS = accuracy.MODELS();
        CIRCUITS = accuracy.CIRCUITS();
    }

    /// @inheritdoc IBounty
    function open(Terms calldata terms, uint256 reward) external payable nonReentrant returns (uint256 bountyId) {
        if (reward == 0) revert NoReward();
        uint48 closingBlock = _requireTerms(terms);
        bountyId = bountyCount++;
        _offers[bountyId] = Offer({
            sponsor: msg.sender,
            closingBlock: closingBlock,
            revealDeadline: terms.revealDeadline,
            token: terms.token,
            proofDeadline: terms.proofDeadline,
            threshold: terms.threshold,
            status: Status.Open,
            publisher: terms.publisher,
            reward: reward,
            seal: terms.seal,
            templateId: terms.templateId,
            circuitId: 0,
            modelId: 0
        });
        emit BountyOpened(bountyId, msg.sender, terms.templateId, terms, reward);
        _collect(terms.token, reward);
    }

    /// @inheritdoc IBounty
    function reveal(uint256 bountyId, bytes32 circuitId, bytes32 salt) external {
        Offer storage offer = _inStatus(bountyId, Status.Open);
        if (msg.sender != offer.publisher) revert NotPublisher(bountyId, offer.publisher, msg.sender);
        if (block.number <= offer.closingBlock) revert StillSealed(offer.closingBlock, block.number);
        if (block.number > offer.revealDeadline) revert RevealDeadlinePassed(offer.revealDeadline, block.number);
        _requireSealedCircuit(offer, circuitId, salt);
        offer.status = Status.Revealed;
        offer.circuitId = circuitId;
        emit BountyRevealed(bountyId, circuitId);
    }

    /// @inheritdoc IBounty
    function take(uint256 bountyId, bytes32 modelId) external {
        Offer storage offer = _inStatus(bountyId, Status.Revealed);
        if (block.number > offer.proofDeadline) revert ProofDeadlinePassed(offer.proofDeadline, block.number);
        _requireWinner(offer, modelId);
        offer.status = Status.Taken;
        offer.modelId = modelId;
        _credits[msg.sender][offer.token] += offer.reward;
        emit BountyTaken(bountyId, msg.sender, modelId);
    }

    /// @inheritdoc IBounty
    function refund(uint256 bountyId) external {
        Offer storage offer = _known(bountyId);
        bool revealed = offer.status == Status.Revealed;
        if (!revealed && offer.status != Status.Open) revert NotInStatus(bountyId, Status.Open, offer.status);
        uint256 deadline = revealed ? offer.proofDeadline : offer.revealDeadline;
        if (block.number <= deadline) revert RefundTooEarly(deadline, block.number);
        offer.status = Status.Refunded;
        _credits[offer.sponsor][offer.token] += offer.reward;
        emit BountyRefunded(bountyId, offer.sponsor);
    }

    /// @inheritdoc IBounty
    function withdraw(address token) external nonReentrant {
        uint256 amount = _credits[msg.sender][token];
        if (amount == 0) revert NothingToWithdraw(msg.sender, token);
        _credits[msg.sender][token] = 0;
        emit Withdrawn(msg.sender, token, amount);
        if (token != ETHER) return IERC20(token).safeTransfer(msg.sender, amount);
        // Low level, because contract wallets need more gas than a transfer leaves them.
        (bool accepted,) = msg.sender.call{value: amount}("");
        if (!accepted) revert EtherRefused(msg.sender, amount);
    }

    /// @inheritdoc IBounty
    function bountyOf(uint256 bountyId) external view returns (Offer memory) {
        return _known(bountyId);
    }

    /// @inheritdoc IBounty
    function creditOf(address account, address token) external view returns (uint256 amount) {
        return _credits[account][token];
    }

    /// @dev The last effect of `open`: the guard keeps other rewards out of the difference that it measures.
    function _collect(address token, uint256 reward) private {
        if (token == ETHER) {
            if (msg.value != reward) revert RewardNotReceived(reward, msg.value);
            return;
        }
        if (msg.value != 0) revert EtherNotExpected(msg.value);
        if (token.code.length == 0) revert TokenWithoutCode(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), reward);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != reward) revert RewardNotReceived(reward, received);
    }

    function _requireTerms(Terms calldata terms) private view returns (uint48 closingBlock) {
        ICircuitRegistry.Seal memory made = CIRCUITS.sealOf(terms.publisher, terms.seal);
        if (made.sealedBlock == 0) revert SealUnknown(terms.publisher, terms.seal);
        closingBlock = made.closingBlock;
        if (block.number > closingBlock) revert SealClosed(closingBlock, block.number);
        if (terms.revealDeadline <= closingBlock || terms.proofDeadline <= terms.revealDeadline) {
            revert DeadlinesOutOfOrder(closingBlock, terms.revealDeadline, terms.proofDeadline);
        }
        uint32 samples = CIRCUITS.gateOf(terms.templateId).samples;
        if (terms.threshold == 0 || terms.threshold > samples) revert ThresholdOutOfRange(terms.threshold, samples);
    }

    function _requireSealedCircuit(Offer storage offer, bytes32 circuitId, bytes32 salt) private view {
        ICircuitRegistry.Circuit memory circuit = CIRCUITS.circuitOf(circuitId);
        bytes32 seal = keccak256(abi.encode(msg.sender, circuit.datasetDigest, salt));
        if (seal != offer.seal) revert NotThisSeal(offer.seal, seal);
        // The closing block too: a publisher may seal one set twice, and claims name the block of the seal that was used.
        ICircuitRegistry.Registration memory registration = CIRCUITS.registrationOf(circuitId);
        if (registration.publisher != msg.sender || registration.closingBlock != offer.closingBlock) {
            revert NotRegisteredByThisSeal(circuitId, registration.publisher, registration.closingBlock);
        }
        ICircuitRegistry.Circuit memory template = CIRCUITS.circuitOf(offer.templateId);
        if (
            circuit.samples != template.samples || circuit.proofLength != template.proofLength
                || circuit.committedPoints != template.committedPoints
                || circuit.witnessPoints != template.witnessPoints || circuit.checks != template.checks
        ) revert ShapeMismatch(offer.templateId, circuitId);
    }

    function _requireWinner(Offer storage offer, bytes32 modelId) private view {
        IModelRegistry.Model memory model = MODELS.modelOf(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, model.owner, msg.sender);
        if (model.revoked) revert ModelIsRevoked(modelId);
        IAccuracyRegistry.Claim memory made = ACCURACY.claimOf(modelId, offer.circuitId);
        if (made.count < offer.threshold) revert BelowThreshold(made.count, offer.threshold);
        if (made.setKnownInAdvance) revert SetKnownInAdvance(modelId, offer.closingBlock);
    }

    function _inStatus(uint256 bountyId, Status expected) private view returns (Offer storage offer) {
        offer = _known(bountyId);
        if (offer.status != expected) revert NotInStatus(bountyId, expected, offer.status);
    }

    function _known(uint256 bountyId) private view returns (Offer storage offer) {
        offer = _offers[bountyId];
        if (offer.status == Status.None) revert BountyUnknown(bountyId);
    }
}
