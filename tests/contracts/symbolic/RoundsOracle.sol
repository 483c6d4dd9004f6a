// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILeafDemands} from "../../../contracts/freezenet/ILeafDemands.sol";
import {IRounds} from "../../../contracts/freezenet/IRounds.sol";

/// @notice Rounds and demands that answer whatever a theorem says, so that it holds of any.
contract RoundsOracle {
    IRounds.Round private _round;
    IRounds.Entry private _entry;
    address private _witness;
    uint256 public forfeits;

    function setRound(IRounds.Round memory round) external {
        _round = round;
    }

    function setEntry(IRounds.Entry memory entry) external {
        _entry = entry;
    }

    function setWitness(address witness) external {
        _witness = witness;
    }

    function forfeit(uint256, uint256, address, address) external {
        ++forfeits;
    }

    function roundOf(uint256, uint256) external view returns (IRounds.Round memory) {
        return _round;
    }

    function bondOf(uint256, uint256) external view returns (uint256) {
        return _round.minerBond;
    }

    function entryOf(uint256, uint256, address) external view returns (IRounds.Entry memory) {
        return _entry;
    }

    function standingOf(uint256, uint256, address) external view returns (ILeafDemands.Standing memory) {
        return ILeafDemands.Standing({witness: _witness, open: 0});
    }
}
