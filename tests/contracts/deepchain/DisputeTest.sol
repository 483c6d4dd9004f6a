// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/deepchain/IDisputes.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {DeepchainTest} from "./DeepchainTest.sol";
import {TraceVectors} from "./TraceVectors.sol";

/// @notice A group with the vectors' key, ciphertexts, shares and proofs. Only the context of proofs is put in: the
/// vectors' is of another address. `Trading.t.sol` compares contexts with Python's.
abstract contract DisputeTest is DeepchainTest, TraceVectors {
    ITrading.Subject internal constant GRADIENTS = ITrading.Subject.Gradients;
    ITrading.Subject internal constant SHARES = ITrading.Subject.Shares;

    function setUp() public override {
        super.setUp();
        _start();
        _setContext(0, 0);
        _setContext(1, 3);
    }

    function _terms() internal view override returns (ITrading.Terms memory terms) {
        terms = super._terms();
        terms.keyRoot = reader.hashAt(GROUPS, _case(0, "keyRoot"));
        terms.pkProofBytes = uint16(_proof(PK).length);
        terms.cdProofBytes = uint16(_proof(CD).length);
    }

    function _gradients(uint256 party) internal view override returns (ITrading.Submission memory) {
        string memory list = string.concat("vectors[", vm.toString(party), "]");
        return ITrading.Submission(_rootOf(0, list), keccak256(_proof(PK)), "content");
    }

    function _shares(uint256 party) internal view override returns (ITrading.Submission memory) {
        string memory list = string.concat("shares[", vm.toString(party < 3 ? party : 0), "]");
        return ITrading.Submission(_rootOf(0, list), keccak256(_proof(CD)), "content");
    }

    function _aggregateRoot() internal view override returns (bytes32) {
        return _rootOf(0, "aggregate");
    }

    /// @dev That of a proof in proofs.json.
    function _setContext(uint256 party, uint256 proof) internal {
        bytes32 context = reader.hashAt(PROOFS, _case(proof, "contextDigest"));
        vm.mockCall(address(trading), abi.encodeCall(ITrading.contextOf, (0, party)), abi.encode(context));
    }

    function _toDecryption() internal {
        _submitFirst(PARTIES);
        _collect();
        _aggregate();
        _shareFirst(PARTIES);
        _toSharesDue();
    }

    function _dispute(uint256 party, ITrading.Subject subject) internal returns (uint256) {
        vm.prank(CHALLENGER);
        return disputes.dispute(0, party, subject);
    }

    /// @dev A dispute of the statement whose trace this is, with its trace posted.
    function _disputeTrace(uint256 index) internal returns (uint256 id, uint256 party) {
        party = _isOfShares(index) ? 1 : 0;
        id = _dispute(party, _isOfShares(index) ? SHARES : GRADIENTS);
        bytes32 root = reader.hashAt(TRACES, _case(index, "root"));
        vm.prank(_member(party));
        disputes.trace(id, root);
    }

    function _pick(uint256 id, uint256 step) internal {
        vm.prank(CHALLENGER);
        disputes.pick(id, step);
    }

    function _shownOf(uint256 index, uint256 step) internal view returns (IDisputes.Justification memory) {
        return _justification(index, step, _isOfShares(index) ? _shares(1) : _gradients(0));
    }

    /// @dev To the step itself.
    function _disputeStep(uint256 index, uint256 step)
        internal
        returns (uint256 id, IDisputes.Justification memory shown)
    {
        (id,) = _disputeTrace(index);
        _pick(id, _place(index, step));
        shown = _shownOf(index, step);
    }
}
