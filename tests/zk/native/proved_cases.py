"""The proofs of ``tests/vectors/native_accuracy.json``, and what a forger can do to one without new pairings.

A forger here knows the protocol: after changing a message it can bring the hints in order (``with_hints``), and choose
the last evaluation so that the inner products agree (``with_inner_products``). Only the pairing is then left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest.mock import patch

from eth_utils.crypto import keccak

from pyml.crypto.bn254 import FELT_BYTES, Point
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.challenges import word
from pyml.zk.native import verifier_combination
from pyml.zk.native.refusal import Refusal, RefusedError
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.verifier import explain, explain_inference, explain_weights
from pyml.zk.native.verifier_field import geometric
from pyml.zk.native.verifier_key import accuracy_digest, weights_digest
from pyml.zk.native.verifier_layout import layout_of, weight_layout_of
from pyml.zk.native.verifier_opening import Opening

VECTORS = Path(__file__).parents[2] / "vectors" / "native_accuracy.json"


@dataclass(frozen=True, slots=True)
class Proved:
    """A statement and its proof. ``public`` is the count, or evaluation and label, or nothing."""

    name: str
    kind: str
    key: VerifyingKey
    commitment: Point
    context: int
    public: tuple[int, ...]
    proof: bytes

    @property
    def refusal(self) -> Refusal | None:
        """What the verifier says."""
        if self.kind == "accuracy":
            return explain(self.key, self.commitment, self.context, self.public[0], self.proof)
        if self.kind == "inference":
            evaluation, label = self.public
            return explain_inference(self.key, self.commitment, self.context, evaluation, label, self.proof)
        return explain_weights(self.key, self.commitment, self.context, self.proof)

    @property
    def words(self) -> list[int]:
        return words_of(self.proof)

    def with_words(self, words: list[int]) -> Proved:
        return replace(self, proof=b"".join(map(word, words)))

    @property
    def sizes(self) -> list[int]:
        """Words of each message that is absorbed, section 5, counted apart from the verifier."""
        shape = self.key.shape
        layers, opening = shape.hidden_layers, [1, 2, 4, 4, 7, 4, 2]
        if self.kind == "weights":
            layout = weight_layout_of(shape)
            sizes = [2 * (layout.stage1.polynomials + 1), 2 * layout.stage2.polynomials, 1]
            return [*sizes, *[3] * (layout.v - 1), 5, 4, 2, *[2] * shape.degree, *opening]
        full, label = layout_of(shape), self.kind == "accuracy"
        sizes = [2 * (full.stage1.polynomials + 1), 2 * full.stage2.polynomials, 1]
        sizes += [*[4] * (full.v - 1), 7, 4 * layers + 6 + label, 1]
        sizes += [*[2] * (max(full.nk) - 1), 4, 2 * layers + 2, 2, *[2] * shape.degree]
        return [*sizes, *opening]

    @property
    def starts(self) -> list[int]:
        """Place of each message's first word."""
        return list(accumulate(self.sizes, initial=2))

    def with_hints(self) -> Proved:
        """The same messages with the two hints that belong to them."""
        states, words = self._states(), self.words
        a, z = (int.from_bytes(states[place], "big") % R for place in (-6, -4))
        by_z = pow(z, -1, R)
        words[-2:] = [by_z, pow((z - by_z) * (z - a) * (by_z - a), -1, R)]
        return self.with_words(words)

    def with_inner_products(self) -> Proved:
        """Hints in order, and S_M(1/z) such that the equation of section 8 holds."""
        forged, seen = self.with_hints(), list[tuple[Opening, list[int], int]]()

        def watch(opening: Opening, sigma: list[int], y: int) -> None:
            seen.append((opening, sigma, y))
            raise RefusedError(Refusal.INNER_PRODUCTS)

        with patch.object(verifier_combination, "require_inner_products", watch):
            _ = forged.refusal
        ((opening, sigma, y),) = seen
        half, (g, g_by, h, h_by, h_a, s, _) = (len(sigma) + 1) // 2, opening.values
        z, by_z, xi = opening.z, opening.by_z, opening.xi
        left = g * geometric(by_z, sigma[:half]) + g_by * geometric(z, sigma[:half])
        left += xi * (h * geometric(by_z, sigma[half:]) + h_by * geometric(z, sigma[half:]))
        words = forged.words
        words[self.starts[-4] + 6] = (left - 2 * (h_a + xi * y) - z * s) * z % R
        return self.with_words(words).with_hints()

    def _states(self) -> list[bytes]:
        """The transcript's state after each message and its squeezes."""
        weights, shape = self.kind == "weights", self.key.shape
        v = weight_layout_of(shape).v if weights else layout_of(shape).v
        vk = weights_digest(shape, self.key.tau_g2) if weights else accuracy_digest(self.key)
        state = keccak(vk + self.commitment.encode() + b"".join(map(word, (self.context, *self.public))))
        states = list[bytes]()
        for place, (start, size) in enumerate(zip(self.starts, self.sizes, strict=False)):
            state = keccak(state + self.proof[FELT_BYTES * start : FELT_BYTES * (start + size)])
            for _ in range({0: 1, 1: v}.get(place, 0)):  # beta; the rest of tau, and lambda
                state = keccak(state)
            states.append(state)
        return states


def words_of(proof: bytes) -> list[int]:
    """A proof as words; a remainder is a word of its own."""
    return [int.from_bytes(proof[at : at + FELT_BYTES], "big") for at in range(0, len(proof), FELT_BYTES)]


@cache
def proved_cases() -> tuple[Proved, ...]:
    """All proofs of the file."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    found = list[Proved]()
    for kind in ("accuracy", "inference", "weights"):
        for case in vectors[kind]:
            data = tuple(_point(words) for words in case.get("data", ()))
            tau = tuple(int(part, 16) for part in vectors["tauG2"])
            key = VerifyingKey(_shape(case["shape"]), data, (tau[0], tau[1], tau[2], tau[3]))
            public = tuple(_number(case[name]) for name in ("count", "evaluation", "label") if name in case)
            commitment, proof = _point(case["commitment"]), bytes.fromhex(case["proof"][2:])
            assert commitment is not None
            context = _number(case.get("context", vectors["context"]))
            found.append(Proved(case["id"], kind, key, commitment, context, public, proof))
    return tuple(found)


def smallest() -> Proved:
    """The accuracy proof of fewest words."""
    return min((case for case in proved_cases() if case.kind == "accuracy"), key=lambda case: len(case.proof))


def _shape(fields: dict[str, Any]) -> Shape:
    lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("widths", "shifts", "bias_units")}
    return Shape(**fields | lists)


def _number(value: Any) -> int:
    return int(value, 16) if isinstance(value, str) else int(value)


def _point(words: list[str]) -> Point | None:
    x, y = (int(each, 16) for each in words)
    return None if x == y == 0 else Point(x, y)
