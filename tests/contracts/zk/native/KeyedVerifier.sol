// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeStorage} from "../../../../contracts/freezenet/CodeStorage.sol";
import {IWeightRanges} from "../../../../contracts/zk/native/IWeightRanges.sol";
import {NativeVerifier} from "../../../../contracts/zk/native/NativeVerifier.sol";

/// @notice A verifier whose constants come from a file of test vectors; a circuit's own has them in its source.
contract KeyedVerifier is NativeVerifier {
    IWeightRanges private immutable RANGES;
    address private immutable SOURCE;
    uint256 private immutable LENGTH;

    constructor(bytes memory constants, IWeightRanges ranges) {
        SOURCE = CodeStorage.write(constants);
        LENGTH = constants.length;
        RANGES = ranges;
    }

    function _constants() internal view override returns (bytes memory) {
        return CodeStorage.read(SOURCE, 0, LENGTH);
    }

    function _ranges() internal view override returns (IWeightRanges) {
        return RANGES;
    }
}

/// @notice Answers as it was told to, so that verifiers can be tested apart from `WeightRanges`.
contract RangesStub {
    mapping(bytes32 architecture => mapping(bytes32 commitment => bool)) public isProved;

    function set(bytes32 architecture, bytes32 commitment, bool proved) external {
        isProved[architecture][commitment] = proved;
    }
}
