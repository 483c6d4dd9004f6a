// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";

/// @notice Says what it was told, in tests of the rounds' own bookkeeping. It judges nothing and claims no security.
contract VerdictStub is IAccuracyVerifier {
    mapping(uint256 taskId => mapping(uint256 round => mapping(address miner => Verdict))) public verdictOf;

    function decide(uint256 taskId, uint256 round, address miner, Verdict verdict) external {
        verdictOf[taskId][round][miner] = verdict;
    }

    function forfeit(IRounds rounds, uint256 taskId, uint256 round, address miner, address challenger) external {
        rounds.forfeit(taskId, round, miner, challenger);
    }
}
