"""Why a proof of the native engine is refused: the first check that fails, in the order of the verifier."""

from __future__ import annotations

from enum import Enum, unique


@unique
class Refusal(Enum):
    """The value names the check and the section of ``circuits/native_accuracy/SPEC.md`` that asks for it."""

    STATEMENT = "count, label, evaluation or context is out of range (section 5)"
    LENGTH = "the proof has another length (section 5)"
    POINT = "a coordinate is not canonical, or a point is not on the curve (section 5)"
    SCALAR = "a scalar is not below r (section 5)"
    COMMITMENT = "the proof is for another commitment to the weights (section 5)"
    HINT_INVERSE_Z = "the first hint is not 1/z: some message is not what the challenges were drawn for (section 8)"
    HINT_DIFFERENCES = "the second hint is not the inverse of the three differences (section 8)"
    INNER_PRODUCTS = "the evaluations of the opening contradict the sumchecks (section 8)"
    PAIRING = "the evaluations are not those of the commitments (section 8)"


class RefusedError(Exception):
    """Carries a ``Refusal`` to the verifier's one entry, which answers it; never leaves ``pyml.zk.native``."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
