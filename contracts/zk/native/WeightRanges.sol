// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge} from "../Challenge.sol";
import {ProofPoints} from "../ProofPoints.sol";
import {BlindGenerator} from "./BlindGenerator.sol";
import {IWeightRanges} from "./IWeightRanges.sol";
import {WeightsLayout} from "./WeightsLayout.sol";
import {WeightsProof} from "./WeightsProof.sol";

/// @title WeightRanges
/// @notice Nobody owns it; a record never goes.
contract WeightRanges is IWeightRanges {
    using ProofPoints for bytes;
    using WeightsLayout for WeightsLayout.Places;

    /// @notice Begins every architecture's id.
    bytes32 public constant ARCHITECTURE_DOMAIN = keccak256("pyml.zk.WeightRanges.architecture.v1");
    /// @notice Begins the challenge of every proof.
    bytes32 public constant PROVE_DOMAIN = keccak256("pyml.zk.WeightRanges.prove.v1");
    /// @notice Most hidden layers.
    uint256 public constant MAX_HIDDEN_LAYERS = 15;
    /// @notice Widest layer: so that all weights of a layer have fewer indices than the largest polynomial.
    uint256 public constant MAX_WIDTH = 1 << 23;
    /// @notice Most bits of a weight.
    uint256 public constant MAX_WEIGHT_BITS = 16;
    /// @notice Largest n.
    uint256 public constant MAX_DEGREE = 24;

    bytes32 private constant KEY_DOMAIN = keccak256("pyml.zk.native.weights.v1");

    mapping(bytes32 architecture => mapping(bytes32 commitment => bool)) private _proved;

    /// @inheritdoc IWeightRanges
    function prove(Architecture calldata architecture, uint256 degree, bytes calldata proof) external {
        WeightsLayout.Places memory places = _layoutOf(architecture, degree);
        uint256 length = 32 * places.proofWords();
        if (proof.length != length) revert ProofLengthMismatch(length, proof.length);
        bytes32 id = _idOf(architecture);
        bytes32 commitment = proof.hashPoints(0, 1);
        if (_proved[id][commitment]) revert AlreadyProved(id, commitment);
        _proved[id][commitment] = true;
        emit WeightsProved(id, commitment, msg.sender);

        uint256 context = _challenge(msg.sender, id, degree, commitment);
        if (!WeightsProof.verify(places, _keyDigest(architecture, degree), context, proof, architecture.tau)) {
            revert InvalidRangeProof(id, context);
        }
    }

    /// @inheritdoc IWeightRanges
    function isProved(bytes32 architecture, bytes32 commitment) external view returns (bool) {
        return _proved[architecture][commitment];
    }

    /// @inheritdoc IWeightRanges
    function challenge(address prover, bytes32 architecture, uint256 degree, bytes32 commitment)
        external
        view
        returns (uint256 context)
    {
        return _challenge(prover, architecture, degree, commitment);
    }

    /// @inheritdoc IWeightRanges
    function idOf(Architecture calldata architecture) external pure returns (bytes32 id) {
        return _idOf(architecture);
    }

    function _challenge(address prover, bytes32 architecture, uint256 degree, bytes32 commitment)
        private
        view
        returns (uint256)
    {
        return Challenge.derive(PROVE_DOMAIN, prover, abi.encode(architecture, degree), commitment);
    }

    function _layoutOf(Architecture calldata architecture, uint256 degree)
        private
        pure
        returns (WeightsLayout.Places memory places)
    {
        _requireWellFormed(architecture);
        places = WeightsLayout.plan(architecture.widths, architecture.weightBits);
        uint256 least = places.leastDegree();
        if (degree < least || degree > MAX_DEGREE) revert DegreeOutOfRange(degree, least, MAX_DEGREE);
        places.place(degree);
    }

    function _requireWellFormed(Architecture calldata architecture) private pure {
        uint32[] calldata widths = architecture.widths;
        if (widths.length < 2 || widths.length > MAX_HIDDEN_LAYERS + 2) {
            revert LayersOutOfRange(widths.length, MAX_HIDDEN_LAYERS);
        }
        for (uint256 i = 0; i < widths.length; ++i) {
            uint256 least = i + 1 == widths.length ? 2 : 1;
            if (widths[i] < least || widths[i] > MAX_WIDTH) revert WidthOutOfRange(i, widths[i]);
        }
        uint256 bits = architecture.weightBits;
        if (bits < 2 || bits > MAX_WEIGHT_BITS) revert WeightBitsOutOfRange(bits, MAX_WEIGHT_BITS);
    }

    /// @dev vk of section 9: the domain, n, L, widths, w, H, [τ]_2.
    function _keyDigest(Architecture calldata architecture, uint256 degree) private pure returns (bytes32) {
        // An array packs to one word an element.
        bytes memory sizes = abi.encodePacked(
            degree, architecture.widths.length - 2, architecture.widths, uint256(architecture.weightBits)
        );
        return keccak256(abi.encodePacked(KEY_DOMAIN, sizes, BlindGenerator.X, BlindGenerator.Y, architecture.tau));
    }

    function _idOf(Architecture calldata architecture) private pure returns (bytes32) {
        return
            keccak256(abi.encode(ARCHITECTURE_DOMAIN, architecture.widths, architecture.weightBits, architecture.tau));
    }
}
