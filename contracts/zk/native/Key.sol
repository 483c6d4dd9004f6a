// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Column} from "./Column.sol";
import {Words} from "./Words.sol";

/// @title The constants of one circuit
/// @notice What `pyml/zk/native/solidity.py` derives from the public parameters: a header of one word a field, then tables.
/// Names are those of the protocol, section 3.
/// @dev Tables, in words: layers 1 … L+1; columns in the order of `Tables`; points of the
/// data, two words each. A layer is, from the low end, | outputs nh_l 8 | inputs nk_l 8 | inputs without bias 8 | shift s_l 8
/// | width d_{l-1} 32 | bias unit u_l 192 |. Polynomials are numbered
/// in the order of section 6: stage 1, S, stage 2, W, data.
library Key {
    /// @notice Columns of a hidden layer: G_l, L0_l, L1_l, R_l.
    uint256 internal constant LAYER_COLUMNS = 4;

    /// @param digest vk.
    /// @param architecture what `WeightRanges` files proved commitments under.
    /// @param tau0, tau1, tau2, tau3 [τ]_2.
    /// @param proofWords length of a proof.
    /// @param isInference 1 if the sample is in the witness (section 10).
    /// @param samples N.
    /// @param degree n.
    /// @param layers L.
    /// @param roundsA v.
    /// @param roundsB nk.
    /// @param limbBits B.
    /// @param margins m.
    /// @param classes C.
    /// @param sampleVariables ni.
    /// @param classVariables nc.
    /// @param marginVariables nq.
    /// @param featureVariables nx.
    /// @param chunkVariables nlow.
    /// @param chunks columns of X.
    /// @param witnessPoints polynomials of stage 1.
    /// @param helperPoints polynomials of stage 2.
    /// @param dataPoints polynomials of the data.
    struct Header {
        bytes32 digest;
        bytes32 architecture;
        uint256 tau0;
        uint256 tau1;
        uint256 tau2;
        uint256 tau3;
        uint256 proofWords;
        uint256 isInference;
        uint256 samples;
        uint256 degree;
        uint256 layers;
        uint256 roundsA;
        uint256 roundsB;
        uint256 limbBits;
        uint256 margins;
        uint256 classes;
        uint256 sampleVariables;
        uint256 classVariables;
        uint256 marginVariables;
        uint256 featureVariables;
        uint256 chunkVariables;
        uint256 chunks;
        uint256 witnessPoints;
        uint256 helperPoints;
        uint256 dataPoints;
    }

    uint256 private constant HEADER_WORDS = 25;
    // GM, ML, GT, M, c, Y.
    uint256 private constant OTHER_COLUMNS = 6;

    /// @param outputs nh_l, or nc for the last layer.
    /// @param inputs nk_l.
    /// @param activations nx, or nh_{l-1}.
    /// @param shift s_l; zero for the last layer.
    /// @param width d_{l-1}.
    /// @param biasUnit u_l.
    struct Layer {
        uint256 outputs;
        uint256 inputs;
        uint256 activations;
        uint256 shift;
        uint256 width;
        uint256 biasUnit;
    }

    /// @param layers layer l is at l-1.
    /// @param columns those of message 5 in its order, Z left out: G_l, L0_l, L1_l, R_l for each l; GM, ML, GT, M, c, Y.
    /// @param weights W_1, W_2, …
    /// @param masks K.
    /// @param chunks X_0, X_1, …; for inference XI alone.
    /// @param data the points of the data polynomials.
    struct Tables {
        Layer[] layers;
        Words columns;
        Words weights;
        Column masks;
        Words chunks;
        Words data;
    }

    /// @notice Reads constants where they are. They outlive nothing else than the call that made them.
    function load(bytes memory constants) internal pure returns (Header memory key) {
        // A struct of value types is its words in order, and the bytes follow their length.
        assembly ("memory-safe") {
            key := add(constants, 0x20)
        }
    }

    /// @notice [τ]_2.
    function tauOf(Header memory key) internal pure returns (Words tau) {
        return _from(key, 2);
    }

    /// @notice The tables behind the header.
    function tablesOf(Header memory key) internal pure returns (Tables memory tables) {
        uint256 layers = key.layers + 1;
        tables.layers = new Layer[](layers);
        Words packed = _from(key, HEADER_WORDS);
        for (uint256 i = 0; i < layers; ++i) {
            tables.layers[i] = _unpack(packed.wordAt(i));
        }
        tables.columns = packed.from(layers);
        tables.weights = tables.columns.from(LAYER_COLUMNS * key.layers + OTHER_COLUMNS);
        tables.masks = Column.wrap(tables.weights.wordAt(layers));
        tables.chunks = tables.weights.from(layers + 1);
        tables.data = tables.chunks.from(key.chunks);
    }

    function _unpack(uint256 packed) private pure returns (Layer memory layer) {
        layer.outputs = packed & 0xff;
        layer.inputs = (packed >> 8) & 0xff;
        layer.activations = (packed >> 16) & 0xff;
        layer.shift = (packed >> 24) & 0xff;
        layer.width = (packed >> 32) & 0xffffffff;
        layer.biasUnit = packed >> 64;
    }

    function _from(Header memory key, uint256 word) private pure returns (Words words) {
        assembly ("memory-safe") {
            words := add(key, shl(5, word))
        }
    }
}
