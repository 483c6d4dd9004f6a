// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TraceProgram} from "../../../contracts/deepchain/TraceProgram.sol";

/// @notice `TraceProgram`, callable from outside.
contract TraceHarness {
    function length(TraceProgram.Shape memory shape) external pure returns (uint256) {
        return TraceProgram.length(shape);
    }

    function depth(TraceProgram.Shape memory shape) external pure returns (uint8) {
        return TraceProgram.depth(shape);
    }

    function stepAt(
        TraceProgram.Shape memory shape,
        TraceProgram.Statement memory statement,
        bytes memory proof,
        uint256 t
    ) external pure returns (TraceProgram.Step memory) {
        return TraceProgram.stepAt(shape, statement, proof, t);
    }
}
