"""Nothing is used that was not absorbed: each word moves every later challenge and no earlier one."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from unittest.mock import patch

import pytest

from pyml.crypto.bn254 import FELT_BYTES, FIELD_MODULUS
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254_group import G1
from pyml.zk.native import verifier_combination
from pyml.zk.native.refusal import Refusal, RefusedError
from pyml.zk.native.verifier_field import horner
from pyml.zk.native.verifier_transcript import Messages, Transcript, digest
from tests.zk.native.proved_cases import Proved, proved_cases

CASES = [next(case for case in proved_cases() if case.kind == kind) for kind in ("accuracy", "inference", "weights")]


def challenges_of(case: Proved) -> list[int]:
    """All challenges that the verifier draws, in order; the proof's hints need not be right."""
    drawn, challenge = list[int](), Transcript.challenge

    def watch(transcript: Transcript) -> int:
        drawn.append(challenge(transcript))
        return drawn[-1]

    def stop(*_: object) -> None:
        raise RefusedError(Refusal.INNER_PRODUCTS)  # no challenge is drawn after it, and the pairing takes its time

    with (
        patch.object(Transcript, "challenge", watch),
        patch.object(verifier_combination, "require_inner_products", stop),
    ):
        _ = case.refusal
    return drawn


def with_message_changed(case: Proved, word: int, is_point: bool) -> Proved:
    words = case.words
    if is_point:
        words[word + 1] = FIELD_MODULUS - words[word + 1]
    else:
        words[word] = (words[word] + 1) % R
    return case.with_words(words)


def drawn_before(case: Proved, total: int) -> list[int]:
    """Challenges before each message: none after K_A, K_B and b_F; α, β; all of τ and λ; one after every other."""
    silent = {2, len(case.sizes) - 7}
    if case.kind != "weights":
        silent.add(case.sizes.index(1, 3))  # K_B
    single = len(case.sizes) - 2 - len(silent)
    after = {0: 2, 1: total - 2 - single}
    drawn = [after.get(place, 0 if place in silent else 1) for place in range(len(case.sizes))]
    return list(accumulate(drawn, initial=0))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_every_word_of_every_message_moves_what_follows(case: Proved) -> None:
    honest, points = challenges_of(case), {0, 1, *(len(case.sizes) - place for place in (6, 5, 4, 2, 1))}
    counts = drawn_before(case, len(honest))
    for message, (start, size) in enumerate(zip(case.starts, case.sizes, strict=False)):
        before = counts[message]
        for word in range(start, start + size, 2 if message in points else 1):
            changed = challenges_of(with_message_changed(case, word, message in points))
            assert changed[:before] == honest[:before]
            assert all(new != old for new, old in zip(changed[before:], honest[before:], strict=True)), word
        assert before < len(honest)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_every_public_value_moves_every_challenge(case: Proved) -> None:
    honest = challenges_of(case)
    shape, tau = case.key.shape, case.key.tau_g2
    others = [
        replace(case, context=case.context ^ 1),
        replace(case, commitment=G1, proof=G1.encode() + case.proof[64:]),
    ]
    others += [
        replace(case, public=tuple(value - (place == at) for place, value in enumerate(case.public)))
        for at in range(len(case.public))
    ]
    if case.kind == "weights":
        shapes = [replace(shape, widths=(*shape.widths[:-1], shape.widths[-1] + 1))]
    else:
        shapes = [replace(shape, bias_units=(shape.bias_units[0] + 1, *shape.bias_units[1:]))]
        shapes.append(replace(shape, shifts=(shape.shifts[0] - 1, *shape.shifts[1:])))
    others += [replace(case, key=replace(case.key, shape=each)) for each in shapes]
    negative = (tau[0], tau[1], FIELD_MODULUS - tau[2], FIELD_MODULUS - tau[3])
    others.append(replace(case, key=replace(case.key, tau_g2=negative)))
    for other in others:
        assert all(new != old for new, old in zip(challenges_of(other), honest, strict=True))


def messages_of(*words: int) -> Messages:
    return Messages(b"".join(word.to_bytes(FELT_BYTES, "big") for word in words), len(words))


def test_a_message_is_one_hash_of_state_and_words() -> None:
    transcript = Transcript(bytes(32), messages_of(5, 6))
    assert transcript.absorb_scalars(2) == [5, 6]
    expected = digest([bytes(32), (5).to_bytes(32, "big"), (6).to_bytes(32, "big")])
    assert transcript.challenge() == int.from_bytes(expected, "big") % R
    assert transcript.squeeze() == int.from_bytes(digest([expected]), "big") % R


def test_a_round_leaves_its_value_and_its_sum_was_the_claim() -> None:
    transcript = Transcript(bytes(32), messages_of(3, 5, 7))
    value, (x,) = transcript.sumcheck(100, [3])
    c1 = 100 - 2 * 3 - 5 - 7
    assert value == horner([3, c1, 5, 7], x)
    assert horner([3, c1, 5, 7], 0) + horner([3, c1, 5, 7], 1) == 100


@pytest.mark.parametrize("length", [0, 31, 63, 65, 96])
def test_the_length_is_exact(length: int) -> None:
    with pytest.raises(RefusedError, match="another length"):
        Messages(bytes(length), 2)


def test_what_is_no_scalar_or_point_is_refused() -> None:
    assert messages_of(R - 1).scalars(1) == [R - 1]
    for word, words in ((R, 1), (2**256 - 1, 1)):
        with pytest.raises(RefusedError) as refused:
            messages_of(word).scalars(words)
        assert refused.value.refusal is Refusal.SCALAR
    assert messages_of(1, 2).points(1) == [G1]
    for pair in ((0, 0), (1, 3), (1 + FIELD_MODULUS, 2), (1, 2 + FIELD_MODULUS)):
        with pytest.raises(RefusedError) as refused:
            messages_of(*pair).points(1)
        assert refused.value.refusal is Refusal.POINT
