// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IModelRegistry} from "../../../contracts/zk/IModelRegistry.sol";
import {ModelRegistry} from "../../../contracts/zk/ModelRegistry.sol";
import {ForgeTest} from "../Forge.sol";

contract ModelRegistryTest is ForgeTest {
    address private constant OWNER = address(0xA11CE);
    address private constant STRANGER = address(0xBAD);
    address private constant CONSUMER = address(0xC0FFEE);
    bytes32 private constant COMMITMENT = keccak256("commitment");

    ModelRegistry private models;
    bytes32 private id;

    function setUp() public {
        vm.roll(500);
        models = new ModelRegistry();
        id = _register(OWNER, COMMITMENT, 3, 1);
    }

    function _register(address owner, bytes32 commitment, uint24 limit, uint256 consumers) private returns (bytes32) {
        address[] memory list = _list(consumers);
        vm.prank(owner);
        return models.register(commitment, limit, list);
    }

    function _list(uint256 consumers) private pure returns (address[] memory list) {
        list = new address[](consumers);
        for (uint256 i = 0; i < consumers; ++i) {
            list[i] = address(uint160(CONSUMER) + uint160(i));
        }
    }

    function _record() private returns (uint24) {
        vm.prank(CONSUMER);
        return models.recordProof(id);
    }

    // Registration

    function testFuzz_RegistersUnderOwnerAndCommitment(address owner, bytes32 commitment, uint24 limit, uint8 consumers)
        public
    {
        vm.assume(owner != address(0) && commitment != 0 && limit != 0 && (owner != OWNER || commitment != COMMITMENT));
        uint256 count = bound(consumers, 0, 8);
        bytes32 modelId = _register(owner, commitment, limit, count);
        assertEq(modelId, keccak256(abi.encode(owner, commitment)));
        assertEq(modelId, models.idOf(owner, commitment));
        IModelRegistry.Model memory model = models.modelOf(modelId);
        assertEq(model.owner, owner);
        assertEq(model.commitment, commitment);
        assertEq(model.registeredBlock, block.number);
        assertEq(model.proofLimit, limit);
        assertEq(model.proofs, 0);
        assertFalse(model.revoked);
        for (uint256 i = 0; i < 9; ++i) {
            assertTrue(models.isConsumer(modelId, address(uint160(CONSUMER) + uint160(i))) == (i < count));
        }
    }

    function test_EmitsRegistrationThenApprovals() public {
        bytes32 commitment = keccak256("other");
        bytes32 modelId = models.idOf(OWNER, commitment);
        vm.expectEmit(true, true, true, true, address(models));
        emit IModelRegistry.ModelRegistered(modelId, OWNER, commitment, 7);
        vm.expectEmit(true, true, true, true, address(models));
        emit IModelRegistry.ConsumerApproved(modelId, CONSUMER);
        _register(OWNER, commitment, 7, 1);
    }

    function test_CommitmentTakenByAStrangerStaysFreeForItsOwner() public {
        bytes32 commitment = keccak256("copied from the mempool");
        bytes32 strangers = _register(STRANGER, commitment, 1, 0);
        bytes32 owners = _register(OWNER, commitment, 5, 1);
        assertTrue(strangers != owners);
        assertEq(models.modelOf(owners).owner, OWNER);
        assertEq(models.modelOf(owners).proofLimit, 5);
    }

    /// @dev The layout drawn above `IModelRegistry.Model`.
    function test_StorageIsTwoSlots() public {
        _record();
        vm.prank(OWNER);
        models.revoke(id);
        bytes32 slot = keccak256(abi.encode(id, uint256(0)));
        uint256 packed = uint256(uint160(OWNER)) | 500 << 160 | 3 << 200 | 1 << 224 | 1 << 248;
        assertEq(uint256(vm.load(address(models), slot)), packed);
        assertEq(vm.load(address(models), bytes32(uint256(slot) + 1)), COMMITMENT);
        assertEq(vm.load(address(models), bytes32(uint256(slot) + 2)), 0);
    }

    function test_RevertWhen_CommitmentIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoCommitment.selector));
        models.register(0, 1, _list(0));
    }

    function test_RevertWhen_LimitIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoProofLimit.selector));
        models.register(COMMITMENT, 0, _list(0));
    }

    function test_RevertWhen_NineConsumers() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.TooManyConsumers.selector, 9, 8));
        models.register(COMMITMENT, 1, _list(9));
    }

    function test_RevertWhen_ConsumerIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoConsumer.selector));
        models.register(COMMITMENT, 1, new address[](1));
    }

    function test_RevertWhen_ConsumerIsListedTwice() public {
        address[] memory list = _list(2);
        list[1] = list[0];
        bytes32 modelId = models.idOf(address(this), COMMITMENT);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerAlreadyApproved.selector, modelId, list[0]));
        models.register(COMMITMENT, 1, list);
    }

    function test_RevertWhen_RegisteredTwice() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelAlreadyRegistered.selector, id));
        models.register(COMMITMENT, 9, _list(0));
    }

    function test_RevertWhen_RegisteredAgainAfterRevocation() public {
        vm.prank(OWNER);
        models.revoke(id);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelAlreadyRegistered.selector, id));
        models.register(COMMITMENT, 9, _list(0));
    }

    // Consumers

    function test_ApprovesAndWithdrawsConsumers() public {
        vm.expectEmit(true, true, true, true, address(models));
        emit IModelRegistry.ConsumerApproved(id, STRANGER);
        vm.prank(OWNER);
        models.approveConsumer(id, STRANGER);
        vm.prank(STRANGER);
        assertEq(models.recordProof(id), 1);

        vm.expectEmit(true, true, true, true, address(models));
        emit IModelRegistry.ConsumerWithdrawn(id, STRANGER);
        vm.prank(OWNER);
        models.withdrawConsumer(id, STRANGER);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerNotApproved.selector, id, STRANGER));
        models.recordProof(id);
    }

    function testFuzz_RevertWhen_StrangerChangesConsumers(address caller) public {
        vm.assume(caller != OWNER);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.NotModelOwner.selector, id, OWNER, caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        models.approveConsumer(id, caller);
        vm.expectRevert(refusal);
        models.withdrawConsumer(id, CONSUMER);
        vm.stopPrank();
        assertTrue(models.isConsumer(id, CONSUMER));
    }

    function test_RevertWhen_ApprovedTwice() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerAlreadyApproved.selector, id, CONSUMER));
        models.approveConsumer(id, CONSUMER);
    }

    function test_RevertWhen_WithdrawnConsumerWasNotApproved() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerNotApproved.selector, id, STRANGER));
        models.withdrawConsumer(id, STRANGER);
    }

    // Proof budget

    function test_CountsProofsUpToTheLimit() public {
        for (uint24 i = 1; i <= 3; ++i) {
            vm.expectEmit(true, true, true, true, address(models));
            emit IModelRegistry.ProofRecorded(id, CONSUMER, i);
            assertEq(_record(), i);
            assertEq(models.remainingProofs(id), 3 - i);
        }
    }

    function testFuzz_RevertWhen_LimitIsReached(uint8 limit) public {
        uint24 proofs = uint24(bound(limit, 1, 40));
        bytes32 modelId = _register(OWNER, keccak256("limited"), proofs, 1);
        vm.startPrank(CONSUMER);
        for (uint256 i = 0; i < proofs; ++i) {
            models.recordProof(modelId);
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ProofLimitReached.selector, modelId, proofs));
        models.recordProof(modelId);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_RecorderIsNotApproved(address caller) public {
        vm.assume(caller != CONSUMER);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerNotApproved.selector, id, caller));
        models.recordProof(id);
    }

    function test_RevertWhen_OwnerRecords() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsumerNotApproved.selector, id, OWNER));
        models.recordProof(id);
    }

    // Laws of one step from any state. They use `assert` and no cheat code but storage and prank, so that a symbolic
    // executor proves for every value what forge tries for some: halmos --contract ModelRegistryTest --function
    // testFuzz_FromAnyState

    function testFuzz_FromAnyStateRecordingCountsOneWithinTheLimit(uint256 packed, address other, bool approved)
        public
    {
        IModelRegistry.Model memory before = _put(packed);
        address caller = approved ? CONSUMER : other;
        vm.prank(caller);
        try models.recordProof(id) returns (uint24 proofs) {
            assert(caller == CONSUMER && !before.revoked);
            assert(proofs == uint256(before.proofs) + 1 && proofs <= before.proofLimit);
            before.proofs = proofs;
            _requireState(before);
        } catch {
            assert(caller != CONSUMER || before.revoked || before.proofs >= before.proofLimit);
            _requireState(before);
        }
    }

    function testFuzz_FromAnyStateRevocationIsTheOwnersAndForGood(uint256 packed, address other, bool owned) public {
        IModelRegistry.Model memory before = _put(packed);
        address caller = owned ? before.owner : other;
        vm.prank(caller);
        try models.revoke(id) {
            assert(caller == before.owner && !before.revoked);
            before.revoked = true;
            _requireState(before);
            assert(models.remainingProofs(id) == 0);
        } catch {
            assert(caller != before.owner || before.revoked);
            _requireState(before);
        }
    }

    function testFuzz_FromAnyStateWhatIsRegisteredStays(
        uint256 packed,
        address other,
        bytes32 otherCommitment,
        uint24 limit,
        uint8 same
    ) public {
        IModelRegistry.Model memory before = _put(packed);
        address caller = same & 1 == 0 ? other : OWNER;
        bytes32 commitment = same & 2 == 0 ? otherCommitment : COMMITMENT;
        bool taken = caller == OWNER && commitment == COMMITMENT;
        address[] memory none = new address[](0);
        vm.prank(caller);
        try models.register(commitment, limit, none) returns (bytes32 made) {
            assert(!taken && made != id && limit != 0 && commitment != 0);
            _requireState(before);
        } catch {
            assert(taken || limit == 0 || commitment == 0);
            _requireState(before);
        }
    }

    /// @dev The model's first slot set to a state that the contract can hold: an owner, and a boolean that is one.
    function _put(uint256 packed) private returns (IModelRegistry.Model memory) {
        packed &= (1 << 249) - 1;
        vm.assume(uint160(packed) != 0);
        vm.store(address(models), keccak256(abi.encode(id, uint256(0))), bytes32(packed));
        return models.modelOf(id);
    }

    function _requireState(IModelRegistry.Model memory model) private view {
        assert(keccak256(abi.encode(models.modelOf(id))) == keccak256(abi.encode(model)));
    }

    // Revocation

    function test_RevocationEndsTheBudget() public {
        vm.expectEmit(true, true, true, true, address(models));
        emit IModelRegistry.ModelRevoked(id);
        vm.prank(OWNER);
        models.revoke(id);
        assertTrue(models.modelOf(id).revoked);
        assertEq(models.remainingProofs(id), 0);
    }

    function test_RevertWhen_RevokedModelGetsAProof() public {
        vm.prank(OWNER);
        models.revoke(id);
        vm.prank(CONSUMER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelIsRevoked.selector, id));
        models.recordProof(id);
    }

    function test_RevertWhen_RevokedTwice() public {
        vm.startPrank(OWNER);
        models.revoke(id);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelIsRevoked.selector, id));
        models.revoke(id);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_StrangerRevokes(address caller) public {
        vm.assume(caller != OWNER);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotModelOwner.selector, id, OWNER, caller));
        models.revoke(id);
    }

    function testFuzz_RevertWhen_ModelIsUnknown(bytes32 unknown) public {
        vm.assume(unknown != id);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, unknown);
        vm.expectRevert(refusal);
        models.modelOf(unknown);
        vm.expectRevert(refusal);
        models.remainingProofs(unknown);
        vm.expectRevert(refusal);
        models.revoke(unknown);
        vm.expectRevert(refusal);
        models.approveConsumer(unknown, CONSUMER);
        vm.expectRevert(refusal);
        models.withdrawConsumer(unknown, CONSUMER);
        vm.expectRevert(refusal);
        models.recordProof(unknown);
    }
}
