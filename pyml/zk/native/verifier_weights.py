"""The messages of section 9: the weights are in range, and nothing lies beside them.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5 to 9.
"""

from __future__ import annotations

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import PointG2
from pyml.zk.native.verifier_claims import Claims, StageName, blinding, column, entries, libra_sum, libra_value
from pyml.zk.native.verifier_combination import Committed, end_with_opening
from pyml.zk.native.verifier_field import last
from pyml.zk.native.verifier_layout import WeightLayout
from pyml.zk.native.verifier_packing import ENTRIES_A_ROW, Place
from pyml.zk.native.verifier_sums import MainPoint, weights_summand
from pyml.zk.native.verifier_transcript import Messages, Transcript


def check_weights(layout: WeightLayout, start: bytes, messages: Messages, commitment: Point, tau_g2: PointG2) -> None:
    """Raises ``RefusedError`` at the first check that fails; the words of C_W have been read."""
    transcript = Transcript(start, messages)
    stage1 = transcript.absorb_points(layout.stage1.polynomials + 1)  # S is the last
    alpha, beta = transcript.challenge(), transcript.squeeze()  # beta has no use here
    stage2 = transcript.absorb_points(layout.stage2.polynomials)
    tau = [transcript.challenge()] + [transcript.squeeze() for _ in range(layout.v - 1)]
    lam = transcript.squeeze()
    (k_a,) = transcript.absorb_scalars(1)
    degrees = [3] * (layout.v - 1) + [5]
    left, rho = transcript.sumcheck(k_a, degrees)
    places: dict[str, tuple[StageName, Place]] = {
        "GW": ("stage 2", layout.stage2["GW"]),
        "W": ("W", Place(0, 0, layout.nw)),
        "GT": ("stage 2", layout.stage2["GT"]),
        "M": ("stage 1", layout.stage1["M"]),
    }
    values = dict(zip(places, transcript.absorb_scalars(len(places)), strict=True))
    p_a = left - weights_summand(layout, MainPoint(alpha, beta, tau, lam, rho), values)
    theta = transcript.challenge()
    k_s, k_t = transcript.absorb_scalars(2)
    claims, k, rows = Claims(transcript.challenge()), layout.stage1["K"], layout.masks
    for order, (name, (stage, place)) in enumerate(places.items()):
        mask = entries(k, {ENTRIES_A_ROW * rows.first_main_mask + order: (rho[-1] - rho[-1] ** 2) % R})
        claims.add(values[name], column(stage, place, last(rho, place.variables)), mask)
    claims.add(k_a, entries(k, libra_sum(0, degrees)))
    claims.add(p_a, entries(k, libra_value(0, degrees, rho)))
    claims.add(k_s, blinding(theta))
    claims.add(k_t, entries(k, {ENTRIES_A_ROW * rows.spare + e: 1 for e in range(ENTRIES_A_ROW)}))
    committed = Committed(stage1[:-1], stage1[-1], stage2, [], commitment)
    end_with_opening(layout.shape.degree, claims, committed, transcript, messages, tau_g2)
