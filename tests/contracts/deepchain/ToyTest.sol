// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEvidence} from "../../../contracts/deepchain/IEvidence.sol";
import {ITrading} from "../../../contracts/deepchain/ITrading.sol";
import {Vectors} from "../../../contracts/deepchain/Vectors.sol";
import {DeepchainTest} from "./DeepchainTest.sol";
import {ToyKey} from "./ToyKey.sol";

/// @notice A group with the toy key, in which every vector is one number.
abstract contract ToyTest is DeepchainTest {
    ITrading.Subject internal constant GRADIENTS = ITrading.Subject.Gradients;
    ITrading.Subject internal constant SHARES = ITrading.Subject.Shares;
    ITrading.Subject internal constant AGGREGATE = ITrading.Subject.Aggregate;

    /// @dev What members post, unless a test says otherwise.
    mapping(uint256 party => bytes) internal numbers;
    mapping(uint256 party => bytes) internal proofs;
    uint256 internal claimed = 2 * 3 * 4 * 5;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < PARTIES; ++i) {
            (numbers[i], proofs[i]) = (ToyKey.residue(i + 2), new bytes(ToyKey.PK_BYTES));
        }
        _start();
    }

    function _terms() internal view override returns (ITrading.Terms memory terms) {
        terms = super._terms();
        (terms.keyRoot, terms.count, terms.width) = (ToyKey.keyRoot(), 1, uint16(ToyKey.WIDTH));
        (terms.pkProofBytes, terms.cdProofBytes) = (uint16(ToyKey.PK_BYTES), uint16(ToyKey.CD_BYTES));
    }

    function _gradients(uint256 party) internal view override returns (ITrading.Submission memory) {
        return ITrading.Submission(_rootOf(numbers[party]), keccak256(proofs[party]), "content");
    }

    function _shares(uint256 party) internal view override returns (ITrading.Submission memory) {
        return _gradients(party);
    }

    function _aggregateRoot() internal view override returns (bytes32) {
        return ToyKey.rootOf(claimed);
    }

    function _rootOf(bytes memory number) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", number));
    }

    function _element(bytes memory number) internal pure returns (Vectors.Element memory) {
        return Vectors.Element(number, new bytes32[](0));
    }

    function _factors() internal view returns (IEvidence.Factor[] memory factors) {
        factors = new IEvidence.Factor[](PARTIES);
        for (uint256 i = 0; i < PARTIES; ++i) {
            factors[i] = IEvidence.Factor(i, _gradients(i), _element(numbers[i]));
        }
    }

    function _fault(uint256 party, uint256 modulus, bytes memory cofactor)
        internal
        view
        returns (IEvidence.Fault memory)
    {
        return IEvidence.Fault(_gradients(party), ToyKey.element(modulus), cofactor);
    }
}
