// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Stands in for a generated verifier in tests of the registries' own bookkeeping. It checks no proof and
/// claims no security; every test about soundness uses the generated verifiers (zk/GatedProofs.t.sol).
contract VerifierStub {
    enum Answer {
        Valid,
        Invalid,
        EmptyRevert,
        RevertWithData,
        Short,
        OtherDigest,
        NotBoolean,
        ExpectedCallOnly
    }

    Answer public answer;
    bytes32 public expectedCall;

    /// @dev As the generated code answers: valid, digest, and a word that is no offset.
    function set(Answer answer_) external {
        answer = answer_;
    }

    /// @dev Accept one call only: the hash of `abi.encode(proof, instances)`.
    function expectCall(bytes calldata proof, uint256[] calldata instances) external {
        answer = Answer.ExpectedCallOnly;
        expectedCall = keccak256(abi.encode(proof, instances));
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {
        _answer(proof, instances, 0);
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        view
        returns (bool, bytes32, int256[] memory)
    {
        _answer(proof, instances, keccak256(abi.encodePacked(vka)));
    }

    function _answer(bytes calldata proof, uint256[] calldata instances, bytes32 digest) private view {
        Answer chosen = answer;
        uint256 valid = 1;
        uint256 size = 96;
        if (chosen == Answer.EmptyRevert) size = type(uint256).max;
        if (chosen == Answer.RevertWithData) revert("VKA not registered");
        if (chosen == Answer.Invalid) valid = 0;
        if (chosen == Answer.Short) size = 31;
        if (chosen == Answer.OtherDigest) digest = keccak256(abi.encode(digest));
        if (chosen == Answer.NotBoolean) valid = 2;
        if (chosen == Answer.ExpectedCallOnly && keccak256(abi.encode(proof, instances)) != expectedCall) valid = 0;
        // Ends the call with an exact byte string, as the generated code does; scratch memory only.
        assembly ("memory-safe") {
            if eq(size, not(0)) { revert(0, 0) }
            mstore(0x00, valid)
            mstore(0x20, digest)
            return(0x00, size)
        }
    }
}
