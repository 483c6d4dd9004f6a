"""From SC-C to the end: all claims become one value of one commitment, and that is opened.

Source: ``circuits/native_accuracy/SPEC.md``, section 5 (messages 10 to 12), section 6 (SC-C) and section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import PointG2
from pyml.zk.native.generator import H
from pyml.zk.native.verifier_claims import Claims, Source
from pyml.zk.native.verifier_opening import read_opening, require_inner_products, require_pairing
from pyml.zk.native.verifier_transcript import Messages, Transcript


@dataclass(frozen=True, slots=True)
class Committed:
    """The points of all polynomials; those of data may be infinite."""

    stage1: Sequence[Point]
    s: Point
    stage2: Sequence[Point]
    data: Sequence[Point | None]
    weights: Point

    def __getitem__(self, source: Source) -> Point | None:
        stage, index = source
        match stage:
            case "stage 1":
                return self.stage1[index]
            case "S":
                return self.s
            case "stage 2":
                return self.stage2[index]
            case "data":
                return self.data[index]
            case "W":
                return self.weights


def end_with_opening(
    n: int, claims: Claims, committed: Committed, transcript: Transcript, messages: Messages, tau_g2: PointG2
) -> None:
    """SC-C, b_F and the opening of F = Σ_p w_p(σ)·P_p, whose commitment is Σ_p w_p(σ)·[P_p] − b_F·H."""
    y, sigma = transcript.sumcheck(claims.total, [2] * n)
    (b_f,) = transcript.absorb_scalars(1)
    opening = read_opening(transcript, messages)
    require_inner_products(opening, sigma, y)
    terms = [(committed[source], weight) for source, weight in claims.weights(sigma).items()]
    finite = [(point, weight) for point, weight in terms if point is not None]
    require_pairing(opening, n, [*finite, (H, -b_f)], tau_g2)
