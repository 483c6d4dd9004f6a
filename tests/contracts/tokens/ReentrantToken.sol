// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestToken} from "./TestToken.sol";

/// @notice Calls somebody before a transfer moves anything, as ERC-777 hooks and malicious tokens do. A payment whose
/// call succeeded is not made at all: what the call paid in would be counted for both.
contract ReentrantToken is TestToken {
    address public target;
    bytes public message;
    bool public insists;
    bool public succeeded;
    uint256 public calls;

    /// @param insists_ whether the transfer fails when the call does.
    function arm(address target_, bytes calldata message_, bool insists_) external {
        (target, message, insists, calls) = (target_, message_, insists_, 0);
        _approve(address(this), target_, type(uint256).max);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        _callBack();
        return super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return _callBack() || super.transferFrom(from, to, value);
    }

    function _callBack() private returns (bool) {
        if (target == address(0)) return false;
        address called = target;
        target = address(0); // once
        ++calls;
        bytes memory answer;
        (succeeded, answer) = called.call(message);
        if (succeeded || !insists) return succeeded;
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}
