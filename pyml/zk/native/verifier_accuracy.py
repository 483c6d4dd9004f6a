"""Messages 1 to 12 of accuracy and of inference, in their order.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5, 6 and 10. Every claim ends in the one combination whose
opening is checked last; there is no other equation in between.
"""

from __future__ import annotations

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import PointG2
from pyml.zk.native.verifier_accuracy_claims import Inference, Sent, gather_claims, main_names, product_names
from pyml.zk.native.verifier_combination import Committed, end_with_opening
from pyml.zk.native.verifier_field import eq_at, last
from pyml.zk.native.verifier_layout import Layout
from pyml.zk.native.verifier_sums import MainPoint, main_summand, product_summand, product_targets
from pyml.zk.native.verifier_transcript import Messages, Transcript


def check_accuracy(  # one step a message of section 5: the order is the specification
    layout: Layout,
    start: bytes,
    messages: Messages,
    commitment: Point,
    data: list[Point | None],
    tau_g2: PointG2,
    count: int,
    inference: Inference | None,
) -> None:
    """Raises ``RefusedError`` at the first check that fails; the words of C_W have been read."""
    transcript, layers = Transcript(start, messages), layout.shape.hidden_layers
    stage1 = transcript.absorb_points(layout.stage1.polynomials + 1)  # S is the last
    alpha, beta = transcript.challenge(), transcript.squeeze()
    stage2 = transcript.absorb_points(layout.stage2.polynomials)
    tau = [transcript.challenge()] + [transcript.squeeze() for _ in range(layout.v - 1)]
    lam = transcript.squeeze()
    (k_a,) = transcript.absorb_scalars(1)
    main_degrees = [4] * (layout.v - 1) + [7]
    left, rho = transcript.sumcheck(pow(lam, layers + 5, R) * count + k_a, main_degrees)
    main = MainPoint(alpha, beta, tau, lam, rho)
    names = main_names(layers) + ([] if inference else ["Y"])
    values = dict(zip(names, transcript.absorb_scalars(len(names)), strict=True))
    if inference:
        values["Y"] = eq_at(inference.label, last(rho, layout.tz)[: layout.nc])
    mu = transcript.challenge()
    p_a = left - main_summand(layout, main, values)
    (k_b,) = transcript.absorb_scalars(1)
    product_degrees = [2] * (layout.rounds_b - 1) + [4]
    targets = sum(pow(mu, k, R) * target for k, target in enumerate(product_targets(layout, values)))
    left, r = transcript.sumcheck(targets + k_b, product_degrees)
    names = ["X", *product_names(layers)]
    values |= dict(zip(names, transcript.absorb_scalars(len(names)), strict=True))
    theta = transcript.challenge()
    p_b = left - product_summand(layout, mu, r, values)
    k_s, k_t = transcript.absorb_scalars(2)
    sent = Sent(main, values, mu, r, k_a, p_a, k_b, p_b, k_s, k_t, theta, main_degrees, product_degrees)
    claims = gather_claims(layout, sent, transcript.challenge(), inference)
    committed = Committed(stage1[:-1], stage1[-1], stage2, data, commitment)
    end_with_opening(layout.shape.degree, claims, committed, transcript, messages, tau_g2)
