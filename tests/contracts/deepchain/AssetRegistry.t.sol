// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AssetRegistry} from "../../../contracts/deepchain/AssetRegistry.sol";
import {BN254Group} from "../../../contracts/deepchain/BN254Group.sol";
import {IAssetRegistry} from "../../../contracts/deepchain/IAssetRegistry.sol";
import {BN254} from "../../../contracts/shared/BN254.sol";
import {MerkleTree} from "../../../contracts/shared/MerkleTree.sol";
import {ForgeTest} from "../Forge.sol";
import {TreeBuilder} from "../shared/TreeBuilder.sol";
import {VectorReader} from "./VectorReader.sol";

/// @notice The asset of five blocks that Python stated, audited by challenges of the chain.
contract AssetRegistryTest is ForgeTest {
    string private constant ASSETS = "tests/vectors/deepchain_assets.json";
    string private constant CASE = ".cases[2]";
    uint256 private constant BLOCKS = 5;
    uint256 private constant ASKED = 1000;
    bytes32 private constant BLOCK_DOMAIN = keccak256("pyml.deepchain.asset.block.v1");

    VectorReader private immutable reader = new VectorReader();
    AssetRegistry private registry;
    address private owner;
    uint256[4] private key;
    bytes32[] private leaves;

    function setUp() public {
        vm.roll(ASKED);
        registry = new AssetRegistry();
        key = abi.decode(_bytes("key"), (uint256[4]));
        for (uint256 i = 0; i < BLOCKS; ++i) {
            leaves.push(MerkleTree.leafOf(_bytes(_at("tags", i))));
        }
        owner = address(bytes20(_bytes("owner")));
        bytes32 root = _tagRoot();
        vm.prank(owner);
        registry.state(uint32(BLOCKS), 100, root, key, "digits");
    }

    function test_OwnerPassesAudits() public {
        assertEq(registry.assetCount(), 1);
        assertEq(registry.assetOf(0).owner, owner);
        for (uint256 i = 0; i < 3; ++i) {
            registry.requestAudit(0);
            vm.roll(block.number + 1 + i);
            (uint256 mu, IAssetRegistry.Answer[] memory answers) = _answer();
            registry.answerAudit(0, mu, answers);
            assertEq(registry.assetOf(0).auditedBlock, block.number);
            assertEq(registry.assetOf(0).requestedBlock, 0);
        }
    }

    function test_RevertWhen_MuIsAnother() public {
        (uint256 mu, IAssetRegistry.Answer[] memory answers) = _asked();
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AuditFailed.selector, 0));
        registry.answerAudit(0, addmod(mu, 1, BN254.SCALAR_FIELD), answers);
        // The same scalar, written as another number.
        vm.expectRevert(abi.encodeWithSelector(BN254.NotInScalarField.selector, mu + BN254.SCALAR_FIELD));
        registry.answerAudit(0, mu + BN254.SCALAR_FIELD, answers);
    }

    function testFuzz_RevertWhen_TagOrPathIsChanged(uint8 which, uint8 bit) public {
        (uint256 mu, IAssetRegistry.Answer[] memory answers) = _asked();
        (uint256[] memory indices,) = registry.challengeOf(0);
        which = which % 2;
        if (bit % 2 == 0) answers[which].tag[bit / 2 % 2] ^= uint256(1) << bit;
        else answers[which].path[bit % answers[which].path.length] ^= bytes32(uint256(1) << bit);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.TagUnknown.selector, 0, indices[which]));
        registry.answerAudit(0, mu, answers);
    }

    function test_RevertWhen_HintIsNoPoint() public {
        (uint256 mu, IAssetRegistry.Answer[] memory answers) = _asked();
        uint256[2] memory hint = answers[0].hint;
        answers[0].hint = [hint[0], hint[1] + 2];
        vm.expectRevert(abi.encodeWithSelector(BN254Group.HintInvalid.selector, hint[0], hint[1] + 2));
        registry.answerAudit(0, mu, answers);
        // The other root.
        answers[0].hint = [hint[0], BN254Group.FIELD - hint[1]];
        vm.expectRevert(abi.encodeWithSelector(BN254Group.HintInvalid.selector, hint[0], BN254Group.FIELD - hint[1]));
        registry.answerAudit(0, mu, answers);
        answers[0].hint = [hint[0], hint[1] + BN254Group.FIELD];
        vm.expectRevert(abi.encodeWithSelector(BN254Group.HintInvalid.selector, hint[0], hint[1] + BN254Group.FIELD));
        registry.answerAudit(0, mu, answers);
    }

    function test_RevertWhen_AnswerIsOfAnotherChallenge() public {
        (uint256 mu, IAssetRegistry.Answer[] memory answers) = _asked();
        vm.roll(block.number + 300);
        registry.requestAudit(0);
        vm.roll(block.number + 1);
        (uint256[] memory indices,) = registry.challengeOf(0);
        (bool done, bytes memory refusal) =
            address(registry).call(abi.encodeCall(IAssetRegistry.answerAudit, (0, mu, answers)));
        assertFalse(done);
        bytes4 selector = bytes4(refusal);
        assertTrue(
            selector == IAssetRegistry.AuditFailed.selector || selector == IAssetRegistry.TagUnknown.selector
                || selector == MerkleTree.PathTooLong.selector || selector == MerkleTree.PathTooShort.selector
        );
        assertEq(indices.length, registry.CHALLENGED());
    }

    function test_RevertWhen_ThereIsNothingToAnswer() public {
        IAssetRegistry.Answer[] memory answers = new IAssetRegistry.Answer[](2);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.NoAuditRequested.selector, 0));
        registry.answerAudit(0, 0, answers);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetUnknown.selector, 1));
        registry.answerAudit(1, 0, answers);
        registry.requestAudit(0);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AuditPending.selector, 0, ASKED));
        registry.requestAudit(0);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AuditUnanswerable.selector, ASKED, ASKED));
        registry.answerAudit(0, 0, answers);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AnswersMismatch.selector, 2, 3));
        registry.answerAudit(0, 0, new IAssetRegistry.Answer[](3));
        vm.roll(ASKED + 257);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AuditUnanswerable.selector, ASKED, ASKED + 257));
        registry.answerAudit(0, 0, answers);
        registry.requestAudit(0);
    }

    function test_RevertWhen_StatementIsEmptyOrItsKeyNone() public {
        bytes32 root = _tagRoot();
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetEmpty.selector));
        registry.state(0, 1, root, key, "");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetEmpty.selector));
        registry.state(1, 0, root, key, "");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetEmpty.selector));
        registry.state(1, 1, 0, key, "");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.KeywordsTooLong.selector, 1025));
        registry.state(1, 1, root, key, string(new bytes(1025)));
        uint256[4] memory other;
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.KeyInvalid.selector));
        registry.state(1, 1, root, other, "");
        other = key;
        other[3] ^= 1;
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.KeyInvalid.selector));
        registry.state(1, 1, root, other, "");
    }

    /// @dev What Python's owner would answer to the challenge of the chain.
    function _answer() private view returns (uint256 mu, IAssetRegistry.Answer[] memory answers) {
        (uint256[] memory indices, uint256[] memory coefficients) = registry.challengeOf(0);
        answers = new IAssetRegistry.Answer[](indices.length);
        bytes memory blind = _bytes("blind");
        for (uint256 i = 0; i < indices.length; ++i) {
            bytes memory content = abi.encodePacked(BLOCK_DOMAIN, blind, indices[i], _bytes(_at("blocks", indices[i])));
            uint256 number = uint256(keccak256(content)) % BN254.SCALAR_FIELD;
            mu = addmod(mu, mulmod(coefficients[i], number, BN254.SCALAR_FIELD), BN254.SCALAR_FIELD);
            answers[i].tag = abi.decode(_bytes(_at("tags", indices[i])), (uint256[2]));
            answers[i].path = TreeBuilder.pathOf(leaves, indices[i], 1);
            answers[i].hint = _hint(indices[i]);
        }
    }

    function _asked() private returns (uint256, IAssetRegistry.Answer[] memory) {
        registry.requestAudit(0);
        vm.roll(ASKED + 1);
        return _answer();
    }

    /// @dev The least counter at which the hash is the abscissa that Python found.
    function _hint(uint256 index) private view returns (uint256[2] memory) {
        uint256[2] memory point = abi.decode(_bytes(_at("points", index)), (uint256[2]));
        bytes32 seed = keccak256(abi.encode(registry.POINT(), key, owner, index));
        for (uint256 counter = 0; counter < 256; ++counter) {
            if (uint256(keccak256(abi.encode(seed, counter))) % BN254Group.FIELD == point[0]) {
                return [counter, point[1]];
            }
        }
        revert NotTrue();
    }

    function _tagRoot() private view returns (bytes32) {
        return reader.hashAt(ASSETS, string.concat(CASE, ".tagRoot"));
    }

    function _at(string memory list, uint256 index) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function _bytes(string memory field) private view returns (bytes memory) {
        return reader.bytesAt(ASSETS, string.concat(CASE, ".", field));
    }
}
