// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDedicatedVerifier} from "../IDedicatedVerifier.sol";
import {ProofPoints} from "../ProofPoints.sol";
import {AccuracyProof} from "./AccuracyProof.sol";
import {IWeightRanges} from "./IWeightRanges.sol";
import {Key} from "./Key.sol";
import {ORDER} from "./Scalar.sol";

/// @title NativeVerifier
/// @notice Verifies the native engine's proofs for one circuit; experimental. A contract for a circuit adds nothing but the two
/// constants below, which `pyml/zk/native/solidity.py` writes. Nobody owns it and it has no state.
// A circuit's contract implements both.
// slither-disable-next-line unimplemented-functions
abstract contract NativeVerifier is IDedicatedVerifier {
    using ProofPoints for bytes;

    /// @inheritdoc IDedicatedVerifier
    /// @dev `instances` are (ρ, count) for a proof of accuracy and (ρ, evaluation, label) for one of inference. A false proof,
    /// or what is none, gets `false`: nothing here reverts for what a caller sends, but for want of gas.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool valid) {
        Key.Header memory key = Key.load(_constants());
        if (proof.length != 32 * key.proofWords || !_areInRange(key, instances)) return false;
        if (!_ranges().isProved(key.architecture, proof.hashPoints(0, 1))) return false;
        return AccuracyProof.verify(key, proof, instances);
    }

    /// @dev The circuit's constants, laid out as `Key` says.
    function _constants() internal view virtual returns (bytes memory);

    /// @dev Where commitments to weights are recorded.
    function _ranges() internal view virtual returns (IWeightRanges);

    /// @dev Each below r; count ≤ N, or label < C: count + r would satisfy every sum, and a class that does not exist has
    /// Z = 0.
    function _areInRange(Key.Header memory key, uint256[] calldata instances) private pure returns (bool) {
        if (instances.length != 2 + key.isInference) return false;
        if (instances[0] >= ORDER) return false;
        if (key.isInference == 0) return instances[1] <= key.samples;
        return instances[1] < ORDER && instances[2] < key.classes;
    }
}
