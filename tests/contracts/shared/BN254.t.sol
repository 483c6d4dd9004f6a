// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {ForgeTest} from "../Forge.sol";

contract BN254Harness {
    function requireScalar(uint256 value) external pure {
        BN254.requireScalar(value);
    }

    function toScalar(bytes32 digest) external pure returns (uint256) {
        return BN254.toScalar(digest);
    }
}

contract BN254Test is ForgeTest {
    BN254Harness private immutable harness = new BN254Harness();

    function test_ModulusIsThatOfTheCurveFamily() public pure {
        uint256 u = 4965661367192848881;
        assertEq(36 * u ** 4 + 36 * u ** 3 + 18 * u ** 2 + 6 * u + 1, BN254.SCALAR_FIELD);
    }

    function test_ModulusIsTheOrderThatThePrecompileUses() public view {
        // (r - 1) * G = -G: the same x as G, the other y.
        (bool success, bytes memory point) =
            address(7).staticcall(abi.encode(uint256(1), uint256(2), BN254.SCALAR_FIELD - 1));
        assertTrue(success);
        (uint256 x, uint256 y) = abi.decode(point, (uint256, uint256));
        assertEq(x, 1);
        // The base field's modulus less 2.
        assertEq(y, 21888242871839275222246405745257275088696311157297823662689037894645226208583 - 2);
    }

    function test_AcceptsTheLargestScalar() public view {
        harness.requireScalar(BN254.SCALAR_FIELD - 1);
    }

    function test_RevertWhen_ValueIsTheModulus() public {
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, BN254.SCALAR_FIELD));
        harness.requireScalar(BN254.SCALAR_FIELD);
    }

    function testFuzz_RevertWhen_ValueIsAboveTheModulus(uint256 value) public {
        value = bound(value, BN254.SCALAR_FIELD, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, value));
        harness.requireScalar(value);
    }

    function testFuzz_ToScalarIsTheCanonicalResidue(bytes32 digest) public view {
        uint256 scalar = harness.toScalar(digest);
        harness.requireScalar(scalar);
        assertEq((uint256(digest) - scalar) % BN254.SCALAR_FIELD, 0);
    }
}
