// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/deepchain/IDisputes.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {TraceProgram} from "../../../contracts/deepchain/TraceProgram.sol";
import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {ForgeTest} from "../Forge.sol";
import {VectorReader} from "./VectorReader.sol";

/// @notice Reads what Python computed: keys and ciphertexts, proofs, traces with steps of each kind. Traces stand in this
/// order: six of a group of four with an insecure key, six of a group of ten; the first four of each are "pk",
/// "pk replayed", "cd", "cd replayed".
abstract contract TraceVectors is ForgeTest {
    uint256 internal constant PK = 0;
    uint256 internal constant PK_REPLAYED = 1;
    uint256 internal constant CD = 2;
    uint256 internal constant CD_REPLAYED = 3;
    uint256 internal constant GROUP_CASES = 6;
    /// @dev Proofs: pk, replayed, with another vector, cd, replayed.
    uint256 internal constant PROOF_CASES = 5;

    string internal constant TRACES = "tests/vectors/deepchain_trace.json";
    string internal constant PROOFS = "tests/vectors/deepchain_proofs.json";
    string internal constant GROUPS = "tests/vectors/deepchain_paillier.json";

    VectorReader internal immutable reader = new VectorReader();

    function _key(string memory list, uint256 index) internal pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(index), "]");
    }

    function _case(uint256 index, string memory field) internal pure returns (string memory) {
        return string.concat(_key("cases", index), ".", field);
    }

    /// @dev Of trace `index`: whose statement it is; replays are of the third member's context.
    function _isOfShares(uint256 index) internal pure returns (bool) {
        return index % GROUP_CASES >= CD;
    }

    function _groupOf(uint256 index) internal pure returns (uint256) {
        return index / GROUP_CASES;
    }

    function _countOf(uint256 group) internal view returns (uint256) {
        return reader.numberAt(PROOFS, _case(PROOF_CASES * group, "elements"));
    }

    function _shape(uint256 index) internal view returns (TraceProgram.Shape memory shape) {
        uint256 group = _groupOf(index);
        shape.ofShares = _isOfShares(index);
        shape.count = _countOf(group);
        shape.width = reader.numberAt(GROUPS, _case(group, "modulusBytes"));
        shape.proofBytes = _proof(index).length;
    }

    function _proof(uint256 index) internal view returns (bytes memory) {
        return reader.bytesAt(TRACES, _case(index, "proof"));
    }

    /// @dev True statements only: proofs.json has their contexts.
    function _statement(uint256 index) internal view returns (TraceProgram.Statement memory statement) {
        uint256 group = _groupOf(index);
        bool ofShares = _isOfShares(index);
        uint256 proof = PROOF_CASES * group + (ofShares ? 3 : 0);
        statement.context = reader.hashAt(PROOFS, _case(proof, "contextDigest"));
        statement.keyRoot = reader.hashAt(PROOFS, _case(proof, "keyRoot"));
        statement.vectorRoot = reader.hashAt(PROOFS, _case(proof, "root"));
        if (ofShares) statement.aggregateRoot = reader.hashAt(PROOFS, _case(proof, "aggregateRoot"));
        statement.share = ofShares ? 2 : 1;
    }

    function _stepCount(uint256 index) internal pure returns (uint256 count) {
        count = _isOfShares(index) ? (index % GROUP_CASES == CD ? 23 : 2) : (index % GROUP_CASES == PK ? 15 : 1);
    }

    function _stepKey(uint256 index, uint256 step, string memory field) internal pure returns (string memory) {
        return string.concat(_case(index, "steps"), "[", vm.toString(step), "].", field);
    }

    function _place(uint256 index, uint256 step) internal view returns (uint256) {
        return reader.numberAt(TRACES, _stepKey(index, step, "place"));
    }

    function _keyElement(uint256 group, uint256 place) internal view returns (Vectors.Element memory element) {
        string memory suffix = string.concat("[", vm.toString(place), "]");
        element.content = reader.bytesAt(GROUPS, string.concat(_case(group, "keyNumbers"), suffix));
        element.path = reader.hashesAt(GROUPS, string.concat(_case(group, "keyPaths"), suffix));
    }

    /// @dev Element `place` of a list with a tree: `vectors[i]`, `shares[i]` or `aggregate`.
    function _element(uint256 group, string memory list, uint256 place)
        internal
        view
        returns (Vectors.Element memory element)
    {
        string memory suffix = string.concat("[", vm.toString(place), "]");
        element.content = reader.bytesAt(GROUPS, string.concat(_case(group, list), ".leaves", suffix));
        element.path = reader.hashesAt(GROUPS, string.concat(_case(group, list), ".paths", suffix));
    }

    function _rootOf(uint256 group, string memory list) internal view returns (bytes32) {
        return reader.hashAt(GROUPS, string.concat(_case(group, list), ".root"));
    }

    function _justification(uint256 index, uint256 step, ITrading.Submission memory submission)
        internal
        view
        returns (IDisputes.Justification memory shown)
    {
        shown.submission = submission;
        shown.proof = _proof(index);
        shown.state = reader.bytesAt(TRACES, _stepKey(index, step, "before"));
        shown.next = reader.bytesAt(TRACES, _stepKey(index, step, "after"));
        shown.statesPath = reader.hashesAt(TRACES, _stepKey(index, step, "path"));
        shown.modulus = _keyElement(_groupOf(index), reader.numberAt(TRACES, _case(index, "modulusPlace")));
        shown.operand.content = reader.bytesAt(TRACES, _stepKey(index, step, "operand"));
        shown.operand.path = reader.hashesAt(TRACES, _stepKey(index, step, "operandPath"));
    }
}
