"""The aggregate of a round: the product of what its accepted members posted. Everybody multiplies for itself.

Source: DeepChain, section 4.2.4: C(ΔW_1) · … · C(ΔW_N), without the factor 1/N, which does not act on ciphertexts.
"""

from __future__ import annotations

from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.contents import multiply, read_ciphertexts
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
    return multiply(key, vectors)
