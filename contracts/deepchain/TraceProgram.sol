// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vectors} from "./Vectors.sol";

/// @title Which multiplication a step of a verification is
/// @notice A verification is a row of states, each made of the one before; docs/deepchain-disputes.md says which. The number
/// of a step determines what it does and where its operand is bound, given the proof's bytes. `pyml.deepchain.trace` and
/// `pyml.deepchain.trace_programs` are the twins.
library TraceProgram {
    /// @notice What a step does; the numbers are those of `pyml.deepchain.trace.Kind`.
    enum Kind {
        Reset,
        Square,
        Multiply,
        Keep,
        Equal
    }

    /// @notice Where an operand is bound; the numbers are those of `pyml.deepchain.trace.Origin`.
    enum Origin {
        None,
        Key,
        Vector,
        Aggregate,
        Share,
        Result,
        Proof,
        State
    }

    /// @notice A verification.
    /// @param ofShares of shares (Proof_CD), or of an encryption (Proof_PK).
    /// @param count elements of the vector: l.
    /// @param width bytes of n: W.
    /// @param proofBytes length of the proof.
    struct Shape {
        bool ofShares;
        uint256 count;
        uint256 width;
        uint256 proofBytes;
    }

    /// @notice A step.
    /// @param kind what it does.
    /// @param origin of the operand.
    /// @param place of the operand.
    struct Step {
        Kind kind;
        Origin origin;
        uint256 place;
    }

    /// @notice What a statement is about, for its challenges.
    /// @param context of the statement, `ITrading.contextOf`.
    /// @param keyRoot of the key.
    /// @param aggregateRoot of the round; zero for an encryption.
    /// @param vectorRoot of the ciphertexts, or of the shares.
    /// @param share number of the member's key share: 1 for member 0.
    struct Statement {
        bytes32 context;
        bytes32 keyRoot;
        bytes32 aggregateRoot;
        bytes32 vectorRoot;
        uint256 share;
    }

    /// @notice Bits of a challenge.
    uint256 internal constant CHALLENGE_BITS = 128;
    /// @notice keccak256 of the name of Proof_PK's first version.
    bytes32 internal constant PK = keccak256("pyml.deepchain.proof-pk.v1");
    /// @notice keccak256 of the name of Proof_CD's challenge.
    bytes32 internal constant CD = keccak256("pyml.deepchain.proof-cd.v1");
    /// @notice keccak256 of the name of Proof_CD's batch.
    bytes32 internal constant CD_BATCH = keccak256("pyml.deepchain.proof-cd.batch.v1");

    /// @notice How many steps there are: T. States are S_0 … S_T.
    function length(Shape memory shape) internal pure returns (uint256) {
        uint256 products = 1 + CHALLENGE_BITS * (1 + shape.count);
        uint256 bits = _longBits(shape);
        return shape.ofShares ? 1 + 3 * bits + 1 + 2 * products + 1 + 3 * (bits + 2) + 1 : 1 + 3 * bits + products + 2;
    }

    /// @notice Depth of the states' tree: the least d with 2^d > T.
    function depth(Shape memory shape) internal pure returns (uint8 levels) {
        for (uint256 rest = length(shape); rest != 0; rest >>= 1) {
            ++levels;
        }
    }

    /// @notice Step `t`; behind the last, steps keep the state.
    function stepAt(Shape memory shape, Statement memory statement, bytes memory proof, uint256 t)
        internal
        pure
        returns (Step memory)
    {
        return shape.ofShares ? _shareStep(shape, statement, proof, t) : _encryptionStep(shape, statement, proof, t);
    }

    /// @dev (1+n)^z1 · h^z2 · ∏ C_k^e_k = a.
    function _encryptionStep(Shape memory shape, Statement memory statement, bytes memory proof, uint256 t)
        private
        pure
        returns (Step memory)
    {
        uint256 width = shape.width;
        uint256 bits = _longBits(shape);
        uint256 hidden = 1 + 3 * bits;
        if (t < hidden) {
            (Kind kind, uint256 base, uint256 bit) = _power(t, bits, 2);
            if (kind != Kind.Multiply) return Step(kind, Origin.None, 0);
            // z1 has `width` bytes behind a; z2 is the rest.
            bool isSet = base == 0
                ? _isSet(proof, 3 * width, proof.length - 3 * width, bit)
                : _isSet(proof, 2 * width, width, bit);
            return _multiplyIf(isSet, Origin.Key, base == 0 ? Vectors.H : Vectors.ONE_PLUS_N);
        }
        t -= hidden;
        if (t < 1 + CHALLENGE_BITS * (1 + shape.count)) {
            bytes32 seed = keccak256(
                abi.encodePacked(
                    PK,
                    statement.context,
                    statement.keyRoot,
                    statement.vectorRoot,
                    shape.count,
                    _slice(proof, 0, 2 * width)
                )
            );
            return _productStep(t, shape.count, seed, Origin.Vector);
        }
        t -= 1 + CHALLENGE_BITS * (1 + shape.count);
        if (t == 0) return Step(Kind.Multiply, Origin.State, hidden);
        if (t == 1) return Step(Kind.Equal, Origin.Proof, 0);
        return Step(Kind.Keep, Origin.None, 0);
    }

    /// @dev v^r · v_i^c = b, and X^4r · Y^2c = a, for X = ∏ C_k^ε_k and Y = ∏ x_k^ε_k.
    function _shareStep(Shape memory shape, Statement memory statement, bytes memory proof, uint256 t)
        private
        pure
        returns (Step memory)
    {
        uint256 bits = _longBits(shape);
        uint256 owner = 1 + 3 * bits;
        if (t < owner) return _pairStep(t, bits, shape, statement, proof, true);
        t -= owner;
        if (t == 0) return Step(Kind.Equal, Origin.Proof, 1);
        t -= 1;
        uint256 products = 1 + CHALLENGE_BITS * (1 + shape.count);
        if (t < products) return _productStep(t, shape.count, _batchOf(shape, statement), Origin.Aggregate);
        t -= products;
        if (t < products) return _productStep(t, shape.count, _batchOf(shape, statement), Origin.Share);
        t -= products;
        if (t < 1 + 3 * (bits + 2)) return _pairStep(t, bits + 2, shape, statement, proof, false);
        t -= 1 + 3 * (bits + 2);
        return t == 0 ? Step(Kind.Equal, Origin.Proof, 0) : Step(Kind.Keep, Origin.None, 0);
    }

    /// @dev v^r · v_i^c, or X^4r · Y^2c: as exponents, twice and once doubled.
    function _pairStep(
        uint256 t,
        uint256 bits,
        Shape memory shape,
        Statement memory statement,
        bytes memory proof,
        bool ofKey
    ) private pure returns (Step memory) {
        (Kind kind, uint256 base, uint256 bit) = _power(t, bits, 2);
        if (kind != Kind.Multiply) return Step(kind, Origin.None, 0);
        uint256 doubled = ofKey ? 0 : 2 - base;
        bool isSet = bit >= doubled
            && (base == 0
                    ? _isSet(proof, 2 * shape.width, proof.length - 2 * shape.width, bit - doubled)
                    : _isSetIn(_shareChallenge(shape, statement, proof), bit - doubled));
        if (ofKey) return _multiplyIf(isSet, Origin.Key, base == 0 ? Vectors.V : Vectors.V + statement.share);
        // States behind X and behind Y.
        uint256 products = 1 + CHALLENGE_BITS * (1 + shape.count);
        uint256 end = 1 + 3 * (bits - 2) + 1 + products;
        return _multiplyIf(isSet, Origin.State, base == 0 ? end : end + products);
    }

    /// @dev One step of ∏ B_k^e_k.
    function _productStep(uint256 t, uint256 count, bytes32 seed, Origin origin) private pure returns (Step memory) {
        (Kind kind, uint256 base, uint256 bit) = _power(t, CHALLENGE_BITS, count);
        if (kind != Kind.Multiply) return Step(kind, Origin.None, 0);
        return _multiplyIf(_isSetIn(_challenge(seed, base), bit), origin, base);
    }

    /// @dev Place `t` in ∏ B_j^E_j: a reset; then for each bit from the highest a square, and each base once.
    function _power(uint256 t, uint256 bits, uint256 bases)
        private
        pure
        returns (Kind kind, uint256 base, uint256 bit)
    {
        if (t == 0) return (Kind.Reset, 0, 0);
        uint256 slot = (t - 1) % (1 + bases);
        if (slot == 0) return (Kind.Square, 0, 0);
        return (Kind.Multiply, slot - 1, bits - 1 - (t - 1) / (1 + bases));
    }

    function _multiplyIf(bool isSet, Origin origin, uint256 place) private pure returns (Step memory) {
        return isSet ? Step(Kind.Multiply, origin, place) : Step(Kind.Keep, Origin.None, 0);
    }

    function _batchOf(Shape memory shape, Statement memory statement) private pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                CD_BATCH,
                statement.context,
                statement.keyRoot,
                statement.aggregateRoot,
                statement.vectorRoot,
                shape.count,
                statement.share
            )
        );
    }

    function _shareChallenge(Shape memory shape, Statement memory statement, bytes memory proof)
        private
        pure
        returns (uint256)
    {
        bytes32 batch = _batchOf(shape, statement);
        bytes memory commitments = _slice(proof, 0, 2 * shape.width);
        return uint256(keccak256(abi.encodePacked(CD, batch, commitments))) >> (256 - CHALLENGE_BITS);
    }

    /// @dev The first 128 bits.
    function _challenge(bytes32 seed, uint256 index) private pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(seed, index))) >> (256 - CHALLENGE_BITS);
    }

    /// @dev Bits of the long exponents: those of z1 and z2, or of r.
    function _longBits(Shape memory shape) private pure returns (uint256) {
        if (shape.ofShares) return 8 * (shape.proofBytes - 2 * shape.width);
        uint256 tail = shape.proofBytes - 3 * shape.width;
        return 8 * (tail > shape.width ? tail : shape.width);
    }

    /// @dev Whether a bit of the number in `size` bytes from `start` is one.
    function _isSet(bytes memory content, uint256 start, uint256 size, uint256 bit) private pure returns (bool) {
        if (bit >= 8 * size) return false;
        return _isSetIn(uint8(content[start + size - 1 - bit / 8]), bit % 8);
    }

    function _isSetIn(uint256 number, uint256 bit) private pure returns (bool) {
        return (number >> bit) & 1 == 1;
    }

    function _slice(bytes memory content, uint256 start, uint256 size) private pure returns (bytes memory part) {
        part = new bytes(size);
        // Both ranges lie in their arrays: proofs are longer than what is cut out of them.
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(content, 0x20), start), size)
        }
    }
}
