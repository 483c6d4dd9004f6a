"""The simulator of ``docs/zk-native-security.md``: proofs from the statement alone, if challenges may be chosen first.

It knows the verifying key, C_W and the count, and nothing of the weights. The order in which it draws is that of the
document: challenges; scalars of messages 3 to 11; F with the value that SC-C ends in; points; the point of S last, so
that the combination is F's commitment. ``Program`` is the random oracle that it programs.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import G1, PointG2, combine_g1, multiply_g1
from pyml.zk.native import verifier_accuracy, verifier_weights
from pyml.zk.native.generator import H
from pyml.zk.native.reference.opening import send_opening
from pyml.zk.native.transcript import Messages as Sent
from pyml.zk.native.transcript import Transcript as ProverTranscript
from pyml.zk.native.verifier_claims import Claims
from pyml.zk.native.verifier_combination import Committed
from pyml.zk.native.verifier_field import eq_table, inner
from pyml.zk.native.verifier_transcript import Messages, Transcript
from tests.zk.native.proved_cases import Proved
from tests.zk.native.toy_cases import POWERS


@dataclass(frozen=True, slots=True)
class Program:
    """Challenges by the number of updates of the state, whatever was absorbed."""

    seed: int

    def challenge(self, updates: int) -> int:
        return random.Random(f"{self.seed} {updates}").randrange(R)


@dataclass(slots=True)
class _Seen:
    """Where the verifier stood when only the opening was left."""

    updates: int = 0
    sigma: Sequence[int] = ()
    y: int = 0
    b_f: int = 0
    terms: Sequence[tuple[Point, int]] = ()
    """All points but S, and what they weigh."""
    weight_of_s: int = 0


@contextmanager
def programmed(program: Program, seen: _Seen | None = None) -> Generator[None]:
    """The verifier under the programmed oracle; with ``seen`` it stops before the opening."""

    class Programmed(Transcript):
        def __init__(self, start: bytes, messages: Messages) -> None:
            super().__init__(start, messages)
            self.updates = 0

        def absorb_scalars(self, count: int) -> list[int]:
            self.updates += 1
            return super().absorb_scalars(count)

        def absorb_points(self, count: int) -> list[Point]:
            self.updates += 1
            return super().absorb_points(count)

        def squeeze(self) -> int:
            self.updates += 1
            return self.challenge()

        def challenge(self) -> int:
            return program.challenge(self.updates)

    def stop(
        n: int, claims: Claims, committed: Committed, transcript: Programmed, messages: Messages, tau_g2: PointG2
    ) -> None:
        del messages, tau_g2
        assert seen is not None
        seen.y, seen.sigma = transcript.sumcheck(claims.total, [2] * n)
        (seen.b_f,) = transcript.absorb_scalars(1)
        weights = claims.weights(seen.sigma)
        seen.weight_of_s = weights.pop(("S", 0))
        points = [(committed[source], weight) for source, weight in weights.items()]
        seen.terms = [(point, weight) for point, weight in points if point is not None]
        seen.updates = transcript.updates

    with ExitStack() as patches:
        for module in (verifier_accuracy, verifier_weights):
            patches.enter_context(patch.object(module, "Transcript", Programmed))
            if seen is not None:
                patches.enter_context(patch.object(module, "end_with_opening", stop))
        yield


def simulate(case: Proved, program: Program, rng: random.Random) -> Proved:
    """A proof of the case's statement that the verifier accepts under ``program``; the case's own is not read."""
    words = [case.commitment.x, case.commitment.y]
    for message, size in enumerate(case.sizes[:-6]):  # up to b_F
        words += random_points(size // 2, rng) if message < 2 else [rng.randrange(R) for _ in range(size)]
    draft = case.with_words(words + [0] * (len(case.words) - len(words)))
    seen = _Seen()
    with programmed(program, seen):
        assert draft.refusal is None
    table = [rng.randrange(R) for _ in range(1 << case.key.shape.degree)]
    shift = seen.y - inner(table, eq_table(seen.sigma))
    table = [(entry + shift) % R for entry in table]  # eq sums to 1: now the extension is y at σ
    f_x, f_y = POWERS.commit(table, 0)
    inverse = pow(seen.weight_of_s, -1, R)
    terms = [(Point(f_x, f_y), inverse), (H, seen.b_f * inverse)]
    terms += [(point, -weight * inverse) for point, weight in seen.terms]
    s = combine_g1([point for point, _ in terms], [factor for _, factor in terms])
    assert s is not None
    words[case.starts[1] - 2 : case.starts[1]] = s.x, s.y  # the last point of message 1
    sent = Sent(_Continued(program, seen.updates))
    send_opening(sent, POWERS, table, seen.sigma)
    return case.with_words(words + sent.words)


def random_points(count: int, rng: random.Random) -> list[int]:
    points = [multiply_g1(G1, rng.randrange(1, R)) for _ in range(count)]
    return [coordinate for point in points if point is not None for coordinate in (point.x, point.y)]


class _Continued(ProverTranscript):
    """The programmed oracle on the opening's side."""

    def __init__(self, program: Program, updates: int) -> None:
        super().__init__(bytes(32))
        self._program, self._updates = program, updates

    def absorb(self, words: Sequence[int]) -> None:
        del words
        self._updates += 1

    def challenge(self) -> int:
        return self._program.challenge(self._updates)
