// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Architecture} from "../../../contracts/freezenet/Architecture.sol";
import {IAccuracyVerifier} from "../../../contracts/freezenet/IAccuracyVerifier.sol";
import {ITaskRegistry} from "../../../contracts/freezenet/ITaskRegistry.sol";
import {IntegerInference} from "../../../contracts/freezenet/IntegerInference.sol";
import {TaskRegistry} from "../../../contracts/freezenet/TaskRegistry.sol";
import {ForgeTest} from "../Forge.sol";

contract TaskRegistryTest is ForgeTest {
    address private constant SPONSOR = address(0xA11CE);
    uint256 private constant MAX_PHASE = 2_628_000;

    event TaskRegistered(
        uint256 indexed taskId,
        address indexed sponsor,
        bytes32 indexed architectureHash,
        ITaskRegistry.Terms terms,
        IntegerInference.Layer[] layers
    );

    TaskRegistry private registry;

    function setUp() public {
        registry = new TaskRegistry();
    }

    function test_TaskIsKeptAsItWasDescribed() public {
        ITaskRegistry.Terms memory terms = _terms();
        IntegerInference.Layer[] memory layers = _layers();
        bytes32 architecture = keccak256(abi.encode(layers));
        vm.expectEmit(true, true, true, true, address(registry));
        emit TaskRegistered(0, SPONSOR, architecture, terms, layers);
        vm.prank(SPONSOR);
        assertEq(registry.register(terms, layers), 0);
        ITaskRegistry.Task memory task = registry.taskOf(0);
        assertEq(task.sponsor, SPONSOR);
        assertEq(task.architectureHash, architecture);
        // 0.3 of 36 and of 128 weights, rounded down each; nothing of the last layer.
        assertEq(task.length, 10 + 38);
        assertEq(keccak256(abi.encode(task.terms)), keccak256(abi.encode(terms)));
        assertEq(registry.taskCount(), 1);
    }

    function test_IdsCountUpAndAnybodyMayRegisterTheSame() public {
        assertEq(registry.register(_terms(), _layers()), 0);
        vm.prank(SPONSOR);
        assertEq(registry.register(_terms(), _layers()), 1);
        assertEq(registry.taskOf(0).sponsor, address(this));
        assertEq(registry.taskOf(1).sponsor, SPONSOR);
    }

    /// @dev The interface draws the layout: six slots, packed from the low end.
    function test_TaskLiesInItsSlotsAsDrawn() public {
        ITaskRegistry.Terms memory terms = _terms();
        vm.prank(SPONSOR);
        registry.register(terms, _layers());
        uint256 first = uint256(keccak256(abi.encode(0, 1)));
        assertEq(_slot(first), uint256(uint160(SPONSOR)) | 48 << 160);
        assertEq(bytes32(_slot(first + 1)), keccak256(abi.encode(_layers())));
        assertEq(bytes32(_slot(first + 2)), terms.trainingRoot);
        assertEq(
            _slot(first + 3),
            uint256(uint160(address(terms.verifier))) | uint256(terms.fractionPpm) << 160 | uint256(terms.samples)
                << 192 | uint256(terms.threshold) << 224
        );
        assertEq(
            _slot(first + 4),
            uint256(terms.thresholdFloor) | uint256(terms.thresholdStep) << 32 | uint256(terms.targetSolutions) << 64
                | uint256(terms.minerBond) << 96
        );
        assertEq(
            _slot(first + 5),
            uint256(terms.sponsorBond) | uint256(terms.commitBlocks) << 96 | uint256(terms.testBlocks) << 128
                | uint256(terms.revealBlocks) << 160 | uint256(terms.challengeBlocks) << 192
        );
        assertEq(_slot(first + 6), 0);
    }

    function testFuzz_WatermarkIsTheSameShareOfEachKernel(uint32 fractionPpm) public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.fractionPpm = uint32(bound(fractionPpm, 1, 1_000_000));
        uint256 length = 36 * uint256(terms.fractionPpm) / 1e6 + 128 * uint256(terms.fractionPpm) / 1e6;
        if (length == 0) {
            vm.expectRevert(
                abi.encodeWithSelector(ITaskRegistry.FractionOutOfRange.selector, terms.fractionPpm, 1_000_000)
            );
            registry.register(terms, _layers());
        } else {
            assertEq(registry.taskOf(registry.register(terms, _layers())).length, length);
        }
    }

    function testFuzz_ThresholdsInOrderAreTaken(uint32 floor, uint32 threshold, uint32 samples) public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.samples = uint32(bound(samples, 1, 1 << 16));
        terms.threshold = uint32(bound(threshold, 1, terms.samples));
        terms.thresholdFloor = uint32(bound(floor, 1, terms.threshold));
        registry.register(terms, _layers());
    }

    function testFuzz_RevertWhen_TaskIsUnknown(uint256 taskId) public {
        registry.register(_terms(), _layers());
        taskId = bound(taskId, 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ITaskRegistry.TaskUnknown.selector, taskId));
        registry.taskOf(taskId);
    }

    function test_RevertWhen_ThereIsNoTrainingSet() public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.trainingRoot = 0;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.NoTrainingSet.selector));
    }

    function testFuzz_RevertWhen_VerifierHasNoCode(address verifier) public {
        vm.assume(verifier.code.length == 0);
        ITaskRegistry.Terms memory terms = _terms();
        terms.verifier = IAccuracyVerifier(verifier);
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.VerifierWithoutCode.selector, verifier));
    }

    function testFuzz_RevertWhen_FractionIsNoneOrMoreThanAll(uint32 fractionPpm) public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.fractionPpm = uint32(bound(fractionPpm, 1_000_001, type(uint32).max));
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.FractionOutOfRange.selector, terms.fractionPpm, 1_000_000));
        terms.fractionPpm = 0;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.FractionOutOfRange.selector, 0, 1_000_000));
    }

    function testFuzz_RevertWhen_SamplesAreNoneOrTooMany(uint32 samples) public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.samples = uint32(bound(samples, (1 << 16) + 1, type(uint32).max));
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.SamplesOutOfRange.selector, terms.samples, 1 << 16));
        terms.samples = 0;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.SamplesOutOfRange.selector, 0, 1 << 16));
    }

    function test_RevertWhen_ThresholdsAreOutOfOrder() public {
        uint32[3][4] memory wrong =
            [[uint32(50), 101, 100], [uint32(0), 80, 100], [uint32(81), 80, 100], [uint32(0), 0, 100]];
        for (uint256 i = 0; i < wrong.length; ++i) {
            ITaskRegistry.Terms memory terms = _terms();
            (terms.thresholdFloor, terms.threshold, terms.samples) = (wrong[i][0], wrong[i][1], wrong[i][2]);
            bytes4 selector = ITaskRegistry.ThresholdOutOfRange.selector;
            _refuse(terms, abi.encodeWithSelector(selector, wrong[i][0], wrong[i][1], wrong[i][2]));
        }
    }

    function test_RevertWhen_ABondIsMissing() public {
        ITaskRegistry.Terms memory terms = _terms();
        terms.minerBond = 0;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.NoBond.selector, 0, terms.sponsorBond));
        terms = _terms();
        terms.sponsorBond = 0;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.NoBond.selector, terms.minerBond, 0));
    }

    function testFuzz_RevertWhen_APhaseIsTooShortOrTooLong(uint32 blocks, uint8 phase) public {
        if (blocks >= 5 && blocks <= MAX_PHASE) blocks = uint32(MAX_PHASE + blocks);
        ITaskRegistry.Terms memory terms = _terms();
        if (phase % 4 == 0) terms.commitBlocks = blocks;
        if (phase % 4 == 1) terms.testBlocks = blocks;
        if (phase % 4 == 2) terms.revealBlocks = blocks;
        if (phase % 4 == 3) terms.challengeBlocks = blocks;
        _refuse(terms, abi.encodeWithSelector(ITaskRegistry.PhaseOutOfRange.selector, blocks, 5, MAX_PHASE));
    }

    // Architectures

    function test_RevertWhen_LayersAreTooFewOrTooMany() public {
        uint256[3] memory counts = [uint256(0), 1, 65];
        for (uint256 i = 0; i < counts.length; ++i) {
            IntegerInference.Layer[] memory layers = new IntegerInference.Layer[](counts[i]);
            for (uint256 k = 0; k < layers.length; ++k) {
                layers[k] = _dense(8, 8);
            }
            _refuse(layers, abi.encodeWithSelector(Architecture.LayerCountOutOfRange.selector, counts[i], 64));
        }
    }

    function test_RevertWhen_ALayerDoesNotReadWhatComes() public {
        for (uint256 fault = 0; fault < 5; ++fault) {
            IntegerInference.Layer[] memory layers = _layers();
            if (fault == 0) layers[1].channels = 32;
            if (fault == 1) (layers[1].channels, layers[1].height) = (32, 2);
            if (fault == 2) layers[0].pool = 0;
            if (fault == 3) layers[0].outputs = 5;
            if (fault == 4) layers[2].channels = 9;
            bytes4 selector = Architecture.LayerMismatch.selector;
            _refuse(layers, abi.encodeWithSelector(selector, fault == 4 ? 2 : 1));
        }
    }

    function test_RevertWhen_ALayerIsNone() public {
        for (uint256 fault = 0; fault < 3; ++fault) {
            IntegerInference.Layer[] memory layers = _layers();
            layers[fault].strideDown = 0;
            _refuse(layers, abi.encodeWithSelector(IntegerInference.LayerInvalid.selector));
        }
    }

    function test_RevertWhen_TheLastLayerGivesNoLogits() public {
        for (uint256 fault = 0; fault < 3; ++fault) {
            IntegerInference.Layer[] memory layers = _layers();
            if (fault == 0) layers[2].shift = 1;
            if (fault == 1) layers[2].relu = true;
            if (fault == 2) layers[2].pool = 1;
            _refuse(layers, abi.encodeWithSelector(Architecture.LastLayerInvalid.selector));
        }
    }

    /// @dev An image may be read as one, or flat.
    function test_ConvolutionMayFollowAConvolution() public {
        IntegerInference.Layer[] memory layers = _layers();
        layers[1] = _dense(4, 2);
        (layers[1].height, layers[1].width, layers[1].kernelHeight, layers[1].kernelWidth) = (2, 2, 2, 1);
        layers[2].channels = 4;
        registry.register(_terms(), layers);
    }

    function _refuse(ITaskRegistry.Terms memory terms, bytes memory reason) private {
        vm.expectRevert(reason);
        registry.register(terms, _layers());
    }

    function _refuse(IntegerInference.Layer[] memory layers, bytes memory reason) private {
        vm.expectRevert(reason);
        registry.register(_terms(), layers);
    }

    function _slot(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(registry), bytes32(slot)));
    }

    function _terms() private view returns (ITaskRegistry.Terms memory) {
        return ITaskRegistry.Terms({
            trainingRoot: keccak256("training set"),
            verifier: IAccuracyVerifier(address(this)),
            fractionPpm: 300_000,
            samples: 100,
            threshold: 80,
            thresholdFloor: 50,
            thresholdStep: 5,
            targetSolutions: 3,
            minerBond: 1 ether,
            sponsorBond: 2 ether,
            commitBlocks: 100,
            testBlocks: 10,
            revealBlocks: 20,
            challengeBlocks: 50
        });
    }

    /// @dev A padded convolution of 4 by 4 to 4 channels, pooled to 2 by 2, and two dense layers: 36, 128, 80 weights.
    function _layers() private pure returns (IntegerInference.Layer[] memory layers) {
        layers = new IntegerInference.Layer[](3);
        IntegerInference.Layer memory first = _dense(1, 4);
        (first.height, first.width, first.kernelHeight, first.kernelWidth) = (4, 4, 3, 3);
        (first.paddingTop, first.paddingSide, first.pool) = (1, 1, 2);
        (layers[0], layers[1], layers[2]) = (first, _dense(16, 8), _dense(8, 10));
        (layers[2].shift, layers[2].relu) = (0, false);
    }

    function _dense(uint16 inputs, uint16 outputs) private pure returns (IntegerInference.Layer memory layer) {
        (layer.channels, layer.height, layer.width, layer.outputs) = (inputs, 1, 1, outputs);
        (layer.kernelHeight, layer.kernelWidth, layer.strideDown, layer.strideRight) = (1, 1, 1, 1);
        (layer.shift, layer.relu) = (7, true);
    }
}
