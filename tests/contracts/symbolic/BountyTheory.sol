// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuracyRegistry} from "../../../contracts/zk/AccuracyRegistry.sol";
import {Bounty} from "../../../contracts/zk/Bounty.sol";
import {IAccuracyRegistry} from "../../../contracts/zk/IAccuracyRegistry.sol";
import {IBounty} from "../../../contracts/zk/IBounty.sol";
import {ICircuitRegistry} from "../../../contracts/zk/ICircuitRegistry.sol";
import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {ForgeTest} from "../Forge.sol";
import {TestToken} from "../tokens/TestToken.sol";
import {RegistryOracle} from "./RegistryOracle.sol";

interface IBalances {
    function deal(address account, uint256 balance) external;
}

/// @notice A bounty for halmos: rewards, deadlines, blocks, accounts and what the registries say are symbols.
abstract contract BountyTheory is ForgeTest {
    address internal constant SPONSOR = address(0x5905);
    address internal constant WINNER = address(0xA11CE);
    address internal constant STRANGER = address(0xBAD);
    address internal constant PUBLISHER = address(0x9B);
    address internal constant ETHER = address(0);
    bytes32 internal constant SALT = "salt";

    RegistryOracle internal oracle;
    Bounty internal bounty;
    TestToken internal token;

    struct Run {
        uint256 reward;
        uint32 threshold;
        uint48 closingBlock;
        uint48 revealDeadline;
        uint48 proofDeadline;
        uint256 openBlock;
        uint256 revealBlock;
        uint256 laterBlock;
    }

    function setUp() public {
        oracle = new RegistryOracle();
        bounty = new Bounty(AccuracyRegistry(address(oracle)));
        token = new TestToken();
    }

    /// @dev One of five calls, the first with the `message` given; refused or not.
    function _call(address sender, uint8 call, uint96 value, bytes memory message) internal returns (bool success) {
        if (call == 1) message = abi.encodeCall(IBounty.reveal, (0, "circuit", SALT));
        else if (call == 2) message = abi.encodeCall(IBounty.take, (0, "model"));
        else if (call == 3) message = abi.encodeCall(IBounty.refund, (0));
        else if (call == 4) message = abi.encodeCall(IBounty.withdraw, (ETHER));
        vm.prank(sender);
        (success,) = address(bounty).call{value: value}(message);
    }

    function _win() internal {
        IModelRegistry.Model memory model;
        IAccuracyRegistry.Claim memory claim;
        (model.owner, claim.count) = (WINNER, type(uint32).max);
        oracle.setModel(model, claim);
        vm.prank(WINNER);
        try bounty.take(0, "model") {}
        catch {
            vm.assume(false);
        }
    }

    function _owed() internal view returns (uint256 sum) {
        sum = bounty.creditOf(SPONSOR, ETHER) + bounty.creditOf(WINNER, ETHER) + bounty.creditOf(STRANGER, ETHER);
        for (uint256 id = 0; id < bounty.bountyCount(); ++id) {
            IBounty.Offer memory offer = bounty.bountyOf(id);
            if (offer.status == IBounty.Status.Open || offer.status == IBounty.Status.Revealed) sum += offer.reward;
        }
    }

    function _assertSettled(uint256 anyBlock, address anybody) internal {
        vm.roll(anyBlock);
        vm.prank(anybody);
        (bool taken,) = address(bounty).call(abi.encodeCall(IBounty.take, (0, "model")));
        vm.prank(anybody);
        (bool refunded,) = address(bounty).call(abi.encodeCall(IBounty.refund, (0)));
        assert(!taken && !refunded);
    }

    function _open(Run memory run, address rewardToken) internal {
        vm.assume(run.reward != 0 && run.reward <= type(uint96).max);
        _prepare(run);
        vm.roll(run.openBlock);
        IBalances(address(vm)).deal(SPONSOR, rewardToken == ETHER ? run.reward : 0);
        if (rewardToken != ETHER) {
            token.mint(SPONSOR, run.reward);
            vm.prank(SPONSOR);
            token.approve(address(bounty), run.reward);
        }
        vm.prank(SPONSOR);
        try bounty.open{value: rewardToken == ETHER ? run.reward : 0}(_terms(run, rewardToken), run.reward) {}
        catch {
            vm.assume(false);
        }
    }

    function _openAnother(uint96 reward) internal {
        ICircuitRegistry.Seal memory seal = ICircuitRegistry.Seal({sealedBlock: 1, closingBlock: type(uint48).max - 2});
        oracle.setSeal(seal);
        IBounty.Terms memory terms = IBounty.Terms({
            token: ETHER,
            publisher: PUBLISHER,
            seal: _seal(),
            templateId: "template",
            threshold: 1,
            revealDeadline: type(uint48).max - 1,
            proofDeadline: type(uint48).max
        });
        IBalances(address(vm)).deal(PUBLISHER, reward);
        vm.prank(PUBLISHER);
        bounty.open{value: reward}(terms, reward);
    }

    function _prepare(Run memory run) internal {
        oracle.setSeal(ICircuitRegistry.Seal({sealedBlock: 1, closingBlock: run.closingBlock}));
        ICircuitRegistry.Circuit memory circuit;
        circuit.samples = type(uint32).max;
        circuit.datasetDigest = "set";
        oracle.setCircuit(
            circuit,
            ICircuitRegistry.Registration({publisher: PUBLISHER, registeredBlock: 1, closingBlock: run.closingBlock})
        );
    }

    function _reveal(Run memory run) internal {
        vm.assume(run.revealBlock <= run.laterBlock);
        vm.roll(run.revealBlock);
        vm.prank(PUBLISHER);
        try bounty.reveal(0, "circuit", SALT) {}
        catch {
            vm.assume(false);
        }
    }

    function _terms(Run memory run, address rewardToken) internal pure returns (IBounty.Terms memory) {
        return IBounty.Terms({
            token: rewardToken,
            publisher: PUBLISHER,
            seal: _seal(),
            templateId: "template",
            threshold: run.threshold,
            revealDeadline: run.revealDeadline,
            proofDeadline: run.proofDeadline
        });
    }

    function _seal() internal pure returns (bytes32) {
        return keccak256(abi.encode(PUBLISHER, bytes32("set"), SALT));
    }
}
