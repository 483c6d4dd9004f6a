// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";

/// @notice Tasks and verdicts that are never written: a theorem makes all that lies here a symbol, so that it holds of
/// any.
contract TaskOracle {
    mapping(uint256 taskId => ITaskRegistry.Task) private _tasks;
    mapping(address miner => IAccuracyVerifier.Verdict) private _verdicts;

    function taskOf(uint256 taskId) external view returns (ITaskRegistry.Task memory) {
        return _tasks[taskId];
    }

    function verdictOf(uint256, uint256, address miner) external view returns (IAccuracyVerifier.Verdict) {
        return _verdicts[miner];
    }
}
