// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bounty} from "../../contracts/zk/Bounty.sol";
import {IBounty} from "../../contracts/zk/IBounty.sol";
import {ICircuitRegistry} from "../../contracts/zk/ICircuitRegistry.sol";
import {RegistryTest} from "./RegistryTest.sol";
import {TestToken} from "./tokens/TestToken.sol";

/// @notice A bounty over the registries, a template circuit on a public set, and a sealed set of the same shape.
abstract contract BountyTest is RegistryTest {
    uint48 internal constant CLOSING = 1010;
    uint48 internal constant REVEAL_DEADLINE = 1020;
    uint48 internal constant PROOF_DEADLINE = 1040;
    uint32 internal constant THRESHOLD = 90;
    uint256 internal constant REWARD = 7 ether;
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant SEALED_DIGEST = keccak256("sealed set");

    address internal constant SPONSOR = address(0x5905);
    address internal constant PUBLISHER = address(0x9B);
    address internal constant ENTRANT = OWNER;
    address internal constant RIVAL = address(0xB0B);
    address internal constant ETHER = address(0);

    Bounty internal bounty;
    TestToken internal token;
    bytes32 internal templateId;
    bytes32 internal seal;
    bytes32 internal modelId;

    function setUp() public virtual override {
        super.setUp();
        bounty = new Bounty(accuracy);
        token = new TestToken();
        templateId = circuits.register(reusableCircuit());
        seal = keccak256(abi.encode(PUBLISHER, SEALED_DIGEST, SALT));
        vm.prank(PUBLISHER);
        circuits.sealSet(seal, CLOSING);
        modelId = registerModel(ENTRANT, "model", 100);
        payable(SPONSOR).transfer(100 ether);
        payable(RIVAL).transfer(100 ether);
        token.mint(SPONSOR, 100 ether);
        vm.prank(SPONSOR);
        token.approve(address(bounty), type(uint256).max);
    }

    function sealedCircuit() internal view returns (ICircuitRegistry.Circuit memory circuit) {
        circuit = reusableCircuit();
        circuit.datasetDigest = SEALED_DIGEST;
    }

    function termsIn(address rewardToken) internal view returns (IBounty.Terms memory) {
        return IBounty.Terms({
            token: rewardToken,
            publisher: PUBLISHER,
            seal: seal,
            templateId: templateId,
            threshold: THRESHOLD,
            revealDeadline: REVEAL_DEADLINE,
            proofDeadline: PROOF_DEADLINE
        });
    }

    function openEther() internal returns (uint256 bountyId) {
        vm.prank(SPONSOR);
        return bounty.open{value: REWARD}(termsIn(ETHER), REWARD);
    }

    function openTokens() internal returns (uint256 bountyId) {
        vm.prank(SPONSOR);
        return bounty.open(termsIn(address(token)), REWARD);
    }

    function registerSealed() internal returns (bytes32 circuitId) {
        vm.roll(CLOSING + 1);
        vm.prank(PUBLISHER);
        return circuits.registerSealed(sealedCircuit(), SALT);
    }

    function reveal(uint256 bountyId) internal returns (bytes32 circuitId) {
        circuitId = registerSealed();
        vm.prank(PUBLISHER);
        bounty.reveal(bountyId, circuitId, SALT);
    }

    function claim(address owner, bytes32 model, bytes32 circuitId, uint32 count) internal {
        bytes32 id = models.idOf(owner, commitmentOf(model));
        vm.prank(owner);
        accuracy.claim(id, circuitId, count, count, proofBytes(model, bytes32(uint256(count))), vka);
    }

    function take(uint256 bountyId) internal {
        vm.prank(ENTRANT);
        bounty.take(bountyId, modelId);
    }

    /// @dev Opened, revealed, proved and taken by the entrant.
    function win(uint256 bountyId) internal {
        claim(ENTRANT, "model", reveal(bountyId), THRESHOLD);
        take(bountyId);
    }
}
