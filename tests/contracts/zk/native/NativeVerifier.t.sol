// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NativeVectors} from "./NativeVectors.sol";

contract NativeVerifierTest is NativeVectors {
    function test_AcceptsEveryVectorOfAccuracy() public {
        for (uint256 i = 0; i < ACCURACY_VECTORS; ++i) {
            assertTrue(isAccepted(accuracyVector(i)));
        }
    }

    function test_AcceptsEveryVectorOfInference() public {
        for (uint256 i = 0; i < INFERENCE_VECTORS; ++i) {
            assertTrue(isAccepted(inferenceVector(i)));
        }
    }
}
