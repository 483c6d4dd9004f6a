"""A proof says nothing that its statement does not: it can be made without the weights, by whoever chooses challenges.

So can a proof of a false statement. What keeps it from being accepted is that challenges are hashes of messages.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pyml.zk.native.refusal import Refusal
from tests.zk.native.proved_cases import Proved, proved_cases
from tests.zk.native.simulator import Program, programmed, simulate

FIRST = next(case for case in proved_cases() if case.kind == "accuracy")


def one_of_each_kind() -> list[Proved]:
    return [next(case for case in proved_cases() if case.kind == kind) for kind in ("accuracy", "inference", "weights")]


@pytest.mark.parametrize("case", one_of_each_kind(), ids=lambda case: case.kind)
def test_the_simulator_is_accepted_where_it_programs_the_hash(case: Proved) -> None:
    program = Program(7)
    simulated = simulate(case, program, random.Random(1))
    with programmed(program):
        assert simulated.refusal is None
    assert simulated.refusal is Refusal.HINT_INVERSE_Z


def test_it_simulates_false_statements_too() -> None:
    case, program = replace(FIRST, public=(FIRST.key.shape.samples,)), Program(8)
    assert case.public != FIRST.public
    simulated = simulate(case, program, random.Random(2))
    with programmed(program):
        assert simulated.refusal is None
    assert simulated.with_hints().refusal is Refusal.INNER_PRODUCTS


def test_a_simulated_proof_is_for_its_challenges() -> None:
    simulated = simulate(FIRST, Program(9), random.Random(3))
    with programmed(Program(10)):
        assert simulated.refusal is not None
