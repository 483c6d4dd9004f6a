// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge} from "./Challenge.sol";
import {ICircuitRegistry} from "./ICircuitRegistry.sol";
import {IModelLinks} from "./IModelLinks.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {ProofPoints} from "./ProofPoints.sol";

/// @title ModelLinks
/// @notice Nobody owns it; a link never goes.
contract ModelLinks is IModelLinks {
    using ProofPoints for bytes;

    /// @notice Begins the challenge of every link.
    bytes32 public constant LINK_DOMAIN = keccak256("pyml.zk.ModelLinks.link.v1");

    /// @notice Where models are registered and their proofs counted.
    IModelRegistry public immutable MODELS;
    /// @notice Where circuits are registered and proofs verified.
    ICircuitRegistry public immutable CIRCUITS;

    mapping(bytes32 pair => uint256 blockNumber) private _linked;

    constructor(IModelRegistry models, ICircuitRegistry circuits) {
        MODELS = models;
        CIRCUITS = circuits;
    }

    /// @inheritdoc IModelLinks
    function link(Side calldata first, Side calldata second, uint256 fingerprint) external {
        if (first.modelId == second.modelId) revert SameModel(first.modelId);
        bytes32 pair = _pairOf(first.modelId, first.circuitId, second.modelId, second.circuitId);
        if (_linked[pair] != 0) revert AlreadyLinked(first.modelId, second.modelId);
        bytes32 points = keccak256(abi.encode(_requireModel(first), _requireModel(second)));
        _linked[pair] = block.number;
        emit ModelsLinked(first.modelId, second.modelId, first.circuitId, second.circuitId);

        // slither-disable-next-line unused-return
        MODELS.recordProof(first.modelId);
        // slither-disable-next-line unused-return
        MODELS.recordProof(second.modelId);
        bytes memory statement = abi.encode(first.modelId, first.circuitId, second.modelId, second.circuitId);
        uint256 rho = Challenge.derive(LINK_DOMAIN, msg.sender, statement, points);
        uint256[] memory instances = Challenge.instances(rho, 0, fingerprint);
        _requireValid(first, instances);
        _requireValid(second, instances);
    }

    /// @inheritdoc IModelLinks
    function linkedBlock(bytes32 firstModelId, bytes32 firstCircuitId, bytes32 secondModelId, bytes32 secondCircuitId)
        external
        view
        returns (uint256)
    {
        return _linked[_pairOf(firstModelId, firstCircuitId, secondModelId, secondCircuitId)];
    }

    /// @inheritdoc IModelLinks
    function challenge(
        address prover,
        bytes32 firstModelId,
        bytes32 firstCircuitId,
        bytes32 secondModelId,
        bytes32 secondCircuitId,
        bytes32 pointsHash
    ) external view returns (uint256 rho) {
        bytes memory statement = abi.encode(firstModelId, firstCircuitId, secondModelId, secondCircuitId);
        return Challenge.derive(LINK_DOMAIN, prover, statement, pointsHash);
    }

    function _requireModel(Side calldata side) private view returns (bytes32 pointsHash) {
        ICircuitRegistry.Gate memory gate = CIRCUITS.gateOf(side.circuitId);
        if (gate.checks != 0) revert NotALinkCircuit(side.circuitId, gate.checks);
        IModelRegistry.Model memory model = MODELS.modelOf(side.modelId);
        if (model.owner != msg.sender) revert NotModelOwner(side.modelId, model.owner, msg.sender);
        if (model.revoked) revert ModelIsRevoked(side.modelId);
        bytes32 proved = side.proof.hashPoints(0, gate.committedPoints);
        if (proved != model.commitment) revert NotThisModel(model.commitment, proved);
        return side.proof.hashPoints(0, uint256(gate.committedPoints) + gate.witnessPoints);
    }

    function _requireValid(Side calldata side, uint256[] memory instances) private view {
        if (!CIRCUITS.verify(side.circuitId, side.proof, instances, side.vka)) {
            revert InvalidProof(side.circuitId, instances[0]);
        }
    }

    function _pairOf(bytes32 firstModelId, bytes32 firstCircuitId, bytes32 secondModelId, bytes32 secondCircuitId)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(firstModelId, firstCircuitId, secondModelId, secondCircuitId));
    }
}
