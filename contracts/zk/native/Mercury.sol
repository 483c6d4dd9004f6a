// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PointSum} from "./PointSum.sol";
import {ProofReader} from "./ProofReader.sol";
import {ORDER, Scalar} from "./Scalar.sol";
import {Words} from "./Words.sol";

/// @title One evaluation of one multilinear polynomial, from a commitment to its table as coefficients
/// @notice Eagen and Gabizon, "MERCURY: A multilinear polynomial commitment scheme with constant proof size and no prover
/// FFTs" (ePrint 2025/385), with the batched opening of Boneh, Drake, Fisch and Gabizon (ePrint 2020/081, section 4). Section
/// 8 of the protocol.
library Mercury {
    using PointSum for PointSum.Sum;
    using ProofReader for ProofReader.Reader;

    Scalar private constant ZERO = Scalar.wrap(0);
    Scalar private constant ONE = Scalar.wrap(1);

    /// @param h, gq, sd, piOmega, last the points [h]; [g], [q]; [S_M], [D]; [π], [Ω]; [Ω'].
    /// @param values g(z), g(1/z), h(z), h(1/z), h(a), S_M(z), S_M(1/z).
    /// @param hints 1/z and 1/((z-1/z)(z-a)(1/z-a)).
    /// @param a, xi, z, delta, y, omega the challenges; `y` is y_M.
    /// @param zPower z^b.
    struct Opening {
        Words h;
        Words gq;
        Words sd;
        Words values;
        Words piOmega;
        Words last;
        Words hints;
        Scalar a;
        Scalar xi;
        Scalar z;
        Scalar delta;
        Scalar y;
        Scalar omega;
        Scalar zPower;
    }

    // Order of the seven values.
    uint256 private constant G = 0;
    uint256 private constant G_INVERSE = 1;
    uint256 private constant H = 2;
    uint256 private constant H_INVERSE = 3;
    uint256 private constant H_A = 4;
    uint256 private constant S = 5;
    uint256 private constant S_INVERSE = 6;

    /// @notice Reads an opening and says whether the polynomial behind `commitment` has `value` at `point`.
    /// @param commitment to 2^variables coefficients; used up.
    /// @param tau [τ]_2.
    function verify(
        ProofReader.Reader memory reader,
        PointSum.Sum memory commitment,
        Words point,
        uint256 variables,
        Scalar value,
        Words tau
    ) internal view returns (bool) {
        Opening memory opening = _read(reader);
        bool isConsistent = _isConsistent(opening, point, variables, value);
        (Scalar constantTerm, bool areInverses) = _constantTerm(opening);
        PointSum.Sum memory quotients = _combine(opening, commitment, constantTerm);
        // All of it is computed whatever fails, so that a verification costs the same for any well-formed proof.
        bool isPaired = commitment.arePaired(quotients, tau);
        return reader.isValid && isConsistent && areInverses && isPaired;
    }

    function _read(ProofReader.Reader memory reader) private pure returns (Opening memory opening) {
        opening.h = reader.readPoints(1);
        opening.a = reader.challenge();
        opening.gq = reader.readPoints(2);
        opening.xi = reader.challenge();
        opening.sd = reader.readPoints(2);
        opening.z = reader.challenge();
        opening.values = reader.readScalars(7);
        opening.delta = reader.challenge();
        opening.piOmega = reader.readPoints(2);
        opening.y = reader.challenge();
        opening.last = reader.readPoints(1);
        opening.omega = reader.challenge();
        opening.hints = reader.readHints(2);
    }

    /// @dev g(z)·E1(1/z) + g(1/z)·E1(z) + ξ·(h(z)·E2(1/z) + h(1/z)·E2(z)) = 2·(h(a) + ξ·value) + z·S_M(z) + S_M(1/z)/z: both
    /// inner products are the constant terms that they should be.
    function _isConsistent(Opening memory opening, Words point, uint256 variables, Scalar value)
        private
        pure
        returns (bool)
    {
        uint256 low = (variables + 1) / 2;
        Scalar left = _cross(opening, G, point, low);
        // g is of degree below b = 2^low; h has the other variables.
        Scalar inverse = opening.hints.get(0);
        left = left + opening.xi * _cross(opening, H, point.from(low), variables - low);
        Scalar right = opening.values.get(H_A) + opening.xi * value;
        right = right + right + opening.z * opening.values.get(S) + inverse * opening.values.get(S_INVERSE);
        opening.zPower = _power(opening.z, low);
        return left == right;
    }

    /// @dev f(z)·E(1/z) + f(1/z)·E(z), f(z) and f(1/z) being values `first` and the next.
    function _cross(Opening memory opening, uint256 first, Words u, uint256 count) private pure returns (Scalar) {
        (Scalar atZ, Scalar atInverse) = _eqPolynomial(u, count, opening.z, opening.hints.get(0));
        return opening.values.get(first) * atInverse + opening.values.get(first + 1) * atZ;
    }

    /// @dev E(x) = Π (1 - u_i + u_i·x^(2^i)) at two places.
    function _eqPolynomial(Words u, uint256 count, Scalar x, Scalar y) private pure returns (Scalar atX, Scalar atY) {
        // A loop over plain words of memory; sums stay below 3r.
        assembly ("memory-safe") {
            let r := ORDER
            atX := 1
            atY := 1
            for { let end := add(u, shl(5, count)) } lt(u, end) { u := add(u, 0x20) } {
                let part := mload(u)
                let rest := sub(add(r, 1), part)
                atX := mulmod(atX, add(rest, mulmod(part, x, r)), r)
                atY := mulmod(atY, add(rest, mulmod(part, y, r)), r)
                x := mulmod(x, x, r)
                y := mulmod(y, y, r)
            }
        }
    }

    /// @dev x^(2^squarings).
    function _power(Scalar x, uint256 squarings) private pure returns (Scalar) {
        for (uint256 i = 0; i < squarings; ++i) {
            x = x * x;
        }
        return x;
    }

    /// @dev What the openings' right-hand sides add up to: g(z) + ω·(r_h(y) + (y-a)·(δ·r_g(y) + δ²·r_S(y)) +
    /// δ³·(y-1/z)·(y-a)·D(z)), the r's being the interpolations of the values and D(z) = z^(b-1)·g(1/z). Divisions are by the
    /// hints, which must be 1/z and 1/((z-1/z)(z-a)(1/z-a)): so the nodes are distinct.
    function _constantTerm(Opening memory opening) private pure returns (Scalar term, bool areInverses) {
        Scalar inverse = opening.hints.get(0);
        Scalar zz = opening.z - inverse;
        Scalar za = opening.z - opening.a;
        Scalar ia = inverse - opening.a;
        Scalar all = opening.hints.get(1);
        areInverses = opening.z * inverse == ONE && all * zz * za * ia == ONE;
        Scalar ya = opening.y - opening.a;
        term = _remainderOfH(opening, all * za * ia, all * zz * ia, all * zz * za);
        term = term + ya * opening.delta * _otherRemainders(opening, all * za * ia);
        term = opening.values.get(G) + opening.omega * term;
    }

    /// @dev r_h(y), through its values at z, 1/z and a.
    /// @param byZz, byZa, byIa 1/(z-1/z), 1/(z-a), 1/(1/z-a).
    function _remainderOfH(Opening memory opening, Scalar byZz, Scalar byZa, Scalar byIa)
        private
        pure
        returns (Scalar value)
    {
        Words values = opening.values;
        Scalar yz = opening.y - opening.z;
        Scalar yi = opening.y - opening.hints.get(0);
        value = values.get(H) * yi * byZa - values.get(H_INVERSE) * yz * byIa;
        value = value * (opening.y - opening.a) * byZz;
        return value + values.get(H_A) * yz * yi * byZa * byIa;
    }

    /// @dev r_g(y) + δ·r_S(y), through values at z and 1/z, and δ²·(y-1/z)·D(z).
    function _otherRemainders(Opening memory opening, Scalar byZz) private pure returns (Scalar) {
        Words values = opening.values;
        Scalar delta = opening.delta;
        Scalar yi = opening.y - opening.hints.get(0);
        Scalar pair = (values.get(G) + delta * values.get(S)) * yi;
        Scalar atInverse = values.get(G_INVERSE) + delta * values.get(S_INVERSE);
        pair = pair - atInverse * (opening.y - opening.z);
        Scalar reversed = opening.zPower * opening.hints.get(0) * values.get(G_INVERSE);
        return pair * byZz + delta * delta * yi * reversed;
    }

    /// @dev Both KZG equations, the second times ω: [F] - (z^b-a)·[q] - g(z)·[1] + z·[π] and [L] + y·[Ω'] on the left, the
    /// quotients [π] and [Ω'] on the right.
    function _combine(Opening memory opening, PointSum.Sum memory left, Scalar constantTerm)
        private
        view
        returns (PointSum.Sum memory right)
    {
        Scalar yi = opening.y - opening.hints.get(0);
        Scalar byOmega = opening.omega;
        Scalar factor = byOmega * (opening.y - opening.a);
        left.add(1, 2, ZERO - constantTerm);
        left.add(opening.h, byOmega);
        left.add(opening.gq.from(2), opening.a - opening.zPower);
        left.add(opening.piOmega, opening.z);
        left.add(opening.piOmega.from(2), ZERO - factor * yi * (opening.y - opening.z));
        left.add(opening.last, byOmega * opening.y);
        factor = factor * opening.delta;
        left.add(opening.gq, factor);
        factor = factor * opening.delta;
        left.add(opening.sd, factor);
        left.add(opening.sd.from(2), factor * opening.delta * yi);
        right = PointSum.single(opening.piOmega);
        right.add(opening.last, byOmega);
    }
}
