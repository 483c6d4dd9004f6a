// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BigModulus} from "../../../contracts/deepchain/BigModulus.sol";
import {Schoolbook} from "./Schoolbook.sol";

/// @notice `BigModulus` and its twin, callable from outside; with the gas that each takes by itself.
contract ArithmeticHarness {
    function isProduct(bytes memory c, bytes memory a, bytes memory b, bytes memory m)
        external
        view
        returns (bool right, uint256 used)
    {
        uint256 before = gasleft();
        right = BigModulus.isProduct(c, a, b, m);
        used = before - gasleft();
    }

    function isProductBySchoolbook(bytes memory c, bytes memory a, bytes memory b, bytes memory m, bytes memory q)
        external
        view
        returns (bool right, uint256 used)
    {
        uint256 before = gasleft();
        right = Schoolbook.isProduct(c, a, b, m, q);
        used = before - gasleft();
    }

    function square(bytes memory a, bytes memory m) external view returns (bytes memory result, uint256 used) {
        uint256 before = gasleft();
        result = BigModulus.square(a, m);
        used = before - gasleft();
    }

    function fourfoldProduct(bytes memory a, bytes memory b, bytes memory m) external view returns (bytes memory) {
        return BigModulus.fourfoldProduct(a, b, m);
    }

    function timesPowerOfTwo(bytes memory a, uint256 doublings, bytes memory m) external view returns (bytes memory) {
        return BigModulus.timesPowerOfTwo(a, doublings, m);
    }

    function add(bytes memory a, bytes memory b, bytes memory m) external pure returns (bytes memory) {
        return BigModulus.add(a, b, m);
    }

    function subtract(bytes memory a, bytes memory b, bytes memory m) external pure returns (bytes memory) {
        return BigModulus.subtract(a, b, m);
    }

    function reduce(bytes memory a, bytes memory m) external view returns (bytes memory) {
        return BigModulus.reduce(a, m);
    }

    function isBelow(bytes memory a, bytes memory b) external pure returns (bool) {
        return BigModulus.isBelow(a, b);
    }

    function isZero(bytes memory a) external pure returns (bool) {
        return BigModulus.isZero(a);
    }

    function one(uint256 length) external pure returns (bytes memory) {
        return BigModulus.one(length);
    }
}
