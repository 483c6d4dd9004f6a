// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

library Doubling {
    function twice(uint256 value) external pure returns (uint256) {
        return 2 * value;
    }
}

contract Linked {
    function fourfold(uint256 value) external pure returns (uint256) {
        return Doubling.twice(Doubling.twice(value));
    }
}

interface IShape {
    function area() external view returns (uint256);
}
