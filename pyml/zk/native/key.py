"""Digest of a verifying key, and the transcript's first state.

Source: ``circuits/native_accuracy/SPEC.md``, sections 5, 9 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from pyml.crypto.challenges import domain
from pyml.zk.native.generator import H
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.transcript import PointWords, Transcript, point_words, words_of

ACCURACY_DOMAIN = domain("pyml.zk.native.accuracy.v1")
WEIGHTS_DOMAIN = domain("pyml.zk.native.weights.v1")


def key_digest(key: VerifyingKey) -> bytes:
    """vk of a proof of accuracy or inference."""
    shape = key.shape
    words = [shape.degree, shape.samples, shape.hidden_layers, *shape.widths, *shape.shifts, *shape.bias_units]
    words += [shape.limb_bits, shape.margin_limbs, int(shape.data_in_witness)]
    words += [coordinate for point in key.data for coordinate in point_words(point)]
    return keccak(ACCURACY_DOMAIN + words_of([*words, H.x, H.y, *key.tau_g2]))


def weights_key_digest(shape: Shape, tau_g2: Sequence[int]) -> bytes:
    """vk of a proof of weights."""
    words = [shape.degree, shape.hidden_layers, *shape.widths, shape.weight_bits]
    return keccak(WEIGHTS_DOMAIN + words_of([*words, H.x, H.y, *tau_g2]))


def first_transcript(digest: bytes, commitment: PointWords, public: Sequence[int]) -> Transcript:
    """state_0 = keccak256(vk ‖ C_W ‖ public words)."""
    return Transcript(keccak(digest + words_of([*commitment, *public])))
