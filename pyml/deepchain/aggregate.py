"""The aggregate of a round: the product of what its accepted members posted. Everybody multiplies for itself.

Source: DeepChain, section 4.2.4: C(ΔW_1) · … · C(ΔW_N), without the factor 1/N, which does not act on ciphertexts.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.contents import Remedy, examine_gradients, multiply, read_ciphertexts
from pyml.deepchain.records import members
from pyml.deepchain.view import RoundRecord
from pyml.store.blobs import BlobStore


def aggregate_of(blobs: BlobStore, key: ThresholdKey, record: RoundRecord, count: int) -> tuple[int, ...] | None:
    """The product of V's ciphertexts, computed from what they posted; ``None`` while a vector cannot be had."""
    vectors: list[tuple[int, ...]] = []
    for party in members(record.collected):
        numbers = read_ciphertexts(blobs, key, record.gradients[party], count)
        if numbers is None:
            return None
        vectors.append(numbers)
    return multiply(key, vectors) if vectors else None


def all_proved(
    blobs: BlobStore, key: ThresholdKey, record: RoundRecord, count: int, *, contexts: Mapping[int, bytes]
) -> bool:
    """Whether each of V's vectors has a true proof in its member's context.

    A vector without one may be made of another's, and to decrypt a product with it could tell that member's update.
    Disputes take such a vector out in time, if anybody watches; who gives a share looks for himself.
    """
    return all(
        examine_gradients(blobs, key, record.gradients[party], count, context=contexts[party]).remedy is Remedy.NONE
        for party in members(record.collected)
    )
