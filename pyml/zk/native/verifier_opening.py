"""The opening: that the commitment [F] is to a table whose extension takes the value y at σ.

Source: ``circuits/native_accuracy/SPEC.md``, section 8 (Mercury, ePrint 2025/385; Boneh et al., ePrint 2020/081,
for the quotients at once). The names are the document's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import G1, PointG2, combine_g1, multiply_g2
from pyml.zk.native.pairing import pairings_agree
from pyml.zk.native.refusal import Refusal, RefusedError
from pyml.zk.native.verifier_field import geometric, invert
from pyml.zk.native.verifier_layout import OPENING_SCALARS
from pyml.zk.native.verifier_transcript import Messages, Transcript


@dataclass(frozen=True, slots=True)
class Opening:
    """All messages of section 8 and the challenges between them."""

    h: Point
    g: Point
    q: Point
    s: Point
    d: Point
    values: Sequence[int]
    """g(z), g(1/z), h(z), h(1/z), h(a), S_M(z), S_M(1/z)."""
    pi: Point
    omega_point: Point
    omega_prime: Point
    a: int
    xi: int
    z: int
    delta: int
    y_m: int
    omega: int
    by_z: int
    """Hint, checked: 1/z."""
    by_differences: int
    """Hint, checked: 1/((z − 1/z)(z − a)(1/z − a))."""


def read_opening(transcript: Transcript, messages: Messages) -> Opening:
    """Read message 12 and check the hints; nothing in it is taken for more than what was absorbed."""
    (h,) = transcript.absorb_points(1)
    a = transcript.challenge()
    g, q = transcript.absorb_points(2)
    xi = transcript.challenge()
    s, d = transcript.absorb_points(2)
    z = transcript.challenge()
    values = transcript.absorb_scalars(OPENING_SCALARS)
    delta = transcript.challenge()
    pi, omega_point = transcript.absorb_points(2)
    y_m = transcript.challenge()
    (omega_prime,) = transcript.absorb_points(1)
    omega = transcript.challenge()
    by_z, by_differences = messages.scalars(2)
    if messages.left:
        raise RefusedError(Refusal.LENGTH)
    if z * by_z % R != 1:
        raise RefusedError(Refusal.HINT_INVERSE_Z)
    if (z - by_z) * (z - a) * (by_z - a) * by_differences % R != 1:
        raise RefusedError(Refusal.HINT_DIFFERENCES)
    points = (h, g, q, s, d)
    return Opening(*points, values, pi, omega_point, omega_prime, a, xi, z, delta, y_m, omega, by_z, by_differences)


def require_inner_products(opening: Opening, sigma: Sequence[int], y: int) -> None:
    """⟨g, E1⟩ = h(a) and ⟨h, E2⟩ = y, folded by ξ into one equation at z."""
    half = (len(sigma) + 1) // 2
    u1, u2 = sigma[:half], sigma[half:]
    z, by_z, xi = opening.z, opening.by_z, opening.xi
    g_z, g_by_z, h_z, h_by_z, h_a, s_z, s_by_z = opening.values
    # E(x) = Π (1 − u_i + u_i·x^(2^i)) is the sum of x^k·eq(k, u): a geometric sum.
    left = g_z * geometric(by_z, u1) + g_by_z * geometric(z, u1)
    left += xi * (h_z * geometric(by_z, u2) + h_by_z * geometric(z, u2))
    if (left - 2 * (h_a + xi * y) - z * s_z - s_by_z * by_z) % R:
        raise RefusedError(Refusal.INNER_PRODUCTS)


def require_pairing(opening: Opening, n: int, committed: Sequence[tuple[Point, int]], tau: PointG2) -> None:
    """The KZG openings π at z and Ω' at y_M, joined by ω. ``committed`` are points and factors that sum to [F].

    With A = F − (z^b − a)·q − g(z) = (X − z)·π and L = (X − y_M)·Ω', the left side of the pairing is
    [A] + z·[π] + ω·([L] + y_M·[Ω']) and the right one [π] + ω·[Ω'].
    """
    z, a, delta, y, omega = opening.z, opening.a, opening.delta, opening.y_m, opening.omega
    g_z, g_by_z = opening.values[:2]
    z_b = pow(z, 1 << (n + 1) // 2, R)
    # What multiplies h, δ·g and δ²·S_M, δ³·D and Ω in L: the vanishing polynomials of the points that each lacks.
    lacks_a = y - a
    lacks_both = (y - opening.by_z) * lacks_a % R
    vanishing = (y - z) * lacks_both % R
    at_g, at_s, at_d = delta * lacks_a % R, delta**2 * lacks_a % R, delta**3 * lacks_both % R
    d_z = z_b * opening.by_z % R * g_by_z
    r_g, r_h, r_s = _interpolations_at_y(opening)
    constant = g_z + omega * (r_h + at_g * r_g + at_s * r_s + at_d * d_z)
    left = [
        *committed,
        (opening.q, a - z_b),
        (opening.pi, z),
        (opening.h, omega),
        (opening.g, omega * at_g),
        (opening.s, omega * at_s),
        (opening.d, omega * at_d),
        (opening.omega_point, -omega * vanishing),
        (opening.omega_prime, omega * y),
        (G1, -constant),
    ]
    right = combine_g1([opening.pi, opening.omega_prime], [1, omega])
    points, scalars = [point for point, _ in left], [scalar for _, scalar in left]
    if not _pair(combine_g1(points, scalars), right, tau):
        raise RefusedError(Refusal.PAIRING)


def _pair(left: Point | None, right: Point | None, tau: PointG2) -> bool:
    """e(left, [1]_2) = e(right, [τ]_2), where ``None`` is infinity and pairs to one."""
    if left is None or right is None:
        return left is right
    return pairings_agree((left.encode(), multiply_g2(1)), (right.encode(), tau))


def _interpolations_at_y(opening: Opening) -> tuple[int, int, int]:
    """r_g(y_M), r_h(y_M), r_S(y_M): Lagrange's form on {z, 1/z}, with a third point a for h."""
    z, by_z, a, y = opening.z, opening.by_z, opening.a, opening.y_m
    g_z, g_by_z, h_z, h_by_z, h_a, s_z, s_by_z = opening.values
    by_zz = opening.by_differences * (z - a) % R * (by_z - a) % R  # 1/(z − 1/z)
    r_g = (g_z * (y - by_z) - g_by_z * (y - z)) * by_zz
    r_s = (s_z * (y - by_z) - s_by_z * (y - z)) * by_zz
    r_h = h_z * (y - by_z) * (y - a) * invert((z - by_z) * (z - a))
    r_h += h_by_z * (y - z) * (y - a) * invert((by_z - z) * (by_z - a))
    r_h += h_a * (y - z) * (y - by_z) * invert((a - z) * (a - by_z))
    return r_g % R, r_h % R, r_s % R
