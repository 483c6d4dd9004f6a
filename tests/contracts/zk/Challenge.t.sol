// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../../../contracts/shared/BN254.sol";
import {Challenge} from "../../../contracts/zk/Challenge.sol";
import {ForgeTest} from "../Forge.sol";

contract ChallengeHarness {
    function derive(bytes32 domain, address prover, bytes memory statement, bytes32 points)
        external
        view
        returns (uint256)
    {
        return Challenge.derive(domain, prover, statement, points);
    }

    function instances(uint256 rho, uint256 checks, uint256 result) external pure returns (uint256[] memory) {
        return Challenge.instances(rho, checks, result);
    }

    function instances(uint256 rho, uint256 checks, uint256 evaluation, uint256 result)
        external
        pure
        returns (uint256[] memory)
    {
        return Challenge.instances(rho, checks, evaluation, result);
    }
}

contract ChallengeTest is ForgeTest {
    ChallengeHarness private immutable harness = new ChallengeHarness();

    function testFuzz_IsTheFlatEncodingsHash(bytes32 domain, address prover, bytes32 a, uint256 b, bytes32 points)
        public
        view
    {
        uint256 digest = uint256(keccak256(abi.encode(domain, block.chainid, address(harness), prover, a, b, points)));
        assertEq(harness.derive(domain, prover, abi.encode(a, b), points), digest % BN254.SCALAR_FIELD);
    }

    /// @dev Each part changes the challenge: domain, chain, contract, prover, statement, points.
    function testFuzz_EveryPartBinds(bytes32 domain, address prover, bytes32 statement, bytes32 points, uint8 part)
        public
    {
        part = part % 6;
        uint256 before = harness.derive(domain, prover, abi.encode(statement), points);
        ChallengeHarness other = part == 2 ? new ChallengeHarness() : harness;
        if (part == 0) domain = ~domain;
        if (part == 1) vm.chainId(block.chainid + 1);
        if (part == 3) prover = address(~uint160(prover));
        if (part == 4) statement = ~statement;
        if (part == 5) points = ~points;
        assertTrue(before != other.derive(domain, prover, abi.encode(statement), points));
    }

    function testFuzz_InstancesAreRhoZerosResult(uint256 rho, uint8 checks, uint256 result) public view {
        uint256[] memory built = harness.instances(rho, checks, result);
        assertEq(built.length, uint256(checks) + 2);
        assertEq(built[0], rho);
        for (uint256 i = 1; i <= checks; ++i) {
            assertEq(built[i], 0);
        }
        assertEq(built[uint256(checks) + 1], result);
    }

    function testFuzz_InstancesWithAnEvaluationHaveItBeforeTheResult(
        uint256 rho,
        uint8 checks,
        uint256 evaluation,
        uint256 result
    ) public view {
        uint256[] memory built = harness.instances(rho, checks, evaluation, result);
        assertEq(built.length, uint256(checks) + 3);
        assertEq(built[0], rho);
        for (uint256 i = 1; i <= checks; ++i) {
            assertEq(built[i], 0);
        }
        assertEq(built[uint256(checks) + 1], evaluation);
        assertEq(built[uint256(checks) + 2], result);
    }
}
