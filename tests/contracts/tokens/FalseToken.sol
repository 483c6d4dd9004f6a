// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestToken} from "./TestToken.sol";

/// @notice Answers false instead of reverting, and moves nothing, while it is locked.
contract FalseToken is TestToken {
    bool public locked;

    function lock(bool locked_) external {
        locked = locked_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return locked ? false : super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return locked ? false : super.transferFrom(from, to, value);
    }
}
