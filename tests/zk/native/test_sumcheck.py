"""Terms of every size in one sum-check: the rounds add up, and end in the summand's value."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.masks import Libra
from pyml.zk.native.reference.multilinear import evaluate
from pyml.zk.native.reference.sumcheck import Outcome, Term, run_sumcheck
from pyml.zk.native.reference.univariate import horner
from pyml.zk.native.transcript import Messages, Transcript

ROUNDS = 4
DEGREES = [3] * (ROUNDS - 1) + [6]


def product(entry: Sequence[int]) -> int:
    """a·b·c."""
    return entry[0] * entry[1] % R * entry[2]


def run(seed: int, sizes: list[int], lie: int = 0) -> tuple[Messages, Outcome, list[list[list[int]]], Libra, int]:
    rng = random.Random(seed)
    tables = [[[rng.randrange(R) for _ in range(1 << size)] for _ in range(3)] for size in sizes]
    masks = [rng.randrange(R) for _ in range(2)]
    libra = Libra(rng.randrange(R), tuple(tuple(rng.randrange(R) for _ in range(degree)) for degree in DEGREES))
    whole = sum(product(entry) for term in tables for entry in zip(*term, strict=True))
    claim = (whole + libra.cube_sum() + lie) % R
    messages = Messages(Transcript(bytes(32)))
    outcome = run_sumcheck(messages, "x", claim, [Term(product, term, masks) for term in tables], DEGREES, libra)
    value = libra.at(outcome.point)
    for size, term in zip(sizes, tables, strict=True):
        at = outcome.point[ROUNDS - size :]
        entry = [evaluate(table, at) for table in term]
        entry = [a + outcome.last_factor * b for a, b in zip(entry, [*masks, 0], strict=True)]
        value += pow(2, size - ROUNDS, R) * product(entry)
    return messages, outcome, tables, libra, value % R


def verified_claim(messages: Messages, claim: int) -> int:
    """What a verifier ends in: a round is sent without c_1."""
    words = iter(messages.words)
    for turn, degree in enumerate(DEGREES):
        sent = [next(words) for _ in range(degree)]
        first = claim - 2 * sent[0] - sum(sent[1:])
        claim = horner([sent[0], first, *sent[1:]], messages.challenges[f"x_{turn}"])
    return claim


@given(st.integers(0, 2**32), st.lists(st.integers(0, ROUNDS), min_size=1, max_size=4))
def test_a_true_claim_ends_in_the_value_of_the_summand(seed: int, sizes: list[int]) -> None:
    messages, outcome, tables, libra, value = run(seed, sizes)
    whole = sum(product(entry) for term in tables for entry in zip(*term, strict=True)) + libra.cube_sum()
    assert outcome.claim == outcome.value == value
    assert verified_claim(messages, whole % R) == value


@given(st.integers(0, 2**32), st.lists(st.integers(0, ROUNDS), min_size=1, max_size=4), st.integers(1, R - 1))
def test_a_false_claim_ends_in_another(seed: int, sizes: list[int], lie: int) -> None:
    _, outcome, _, _, value = run(seed, sizes, lie)
    assert outcome.value == value != outcome.claim


def test_rounds_have_the_words_of_their_degrees() -> None:
    messages, *_ = run(1, [4, 2, 0])
    assert len(messages.words) == sum(DEGREES)
