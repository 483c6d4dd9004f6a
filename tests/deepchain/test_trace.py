"""Traces: an honest one justifies every step; a false statement has no trace that does, and descending finds where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.merkle import MerkleTree, root_of
from pyml.crypto.proof_cd import ProofCD, prove_cd, verify_cd
from pyml.crypto.proof_pk import ProofPK, prove_pk, verify_pk
from pyml.crypto.threshold_paillier import Opening, combine_roots, deal, open_ciphertexts
from pyml.deepchain.trace import Kind, Origin, Program, Trace, first_difference, justify, run, verify_step
from pyml.deepchain.trace_programs import cd_program, modulus_place, pk_program, result_program
from pyml.errors import InputError
from tests.crypto.insecure_group import CONTEXT, OTHER_CONTEXT, insecure_group, primes

GROUP = insecure_group()
KEY = GROUP.key


@dataclass(frozen=True)
class Case:
    """A statement, whether it is true, and its trace."""

    holds: bool
    program: Program
    trace: Trace


@lru_cache(maxsize=16)
def case(kind: str) -> Case:
    name, _, false = kind.partition(" ")
    context = OTHER_CONTEXT if false else CONTEXT
    if name == "pk":
        row = GROUP.encrypted[0]
        pk = prove_pk(KEY, row, GROUP.plaintexts[0], context=CONTEXT)
        holds = verify_pk(KEY, row.ciphertexts, pk, context=context)
        program = pk_program(KEY, row.ciphertexts, pk, context=context)
    elif name == "cd":
        cd = prove_cd(KEY, GROUP.shares[1], GROUP.aggregate, GROUP.partials[2], context=CONTEXT)
        holds = verify_cd(KEY, 2, GROUP.aggregate, GROUP.partials[2], cd, context=context)
        program = cd_program(KEY, 2, GROUP.aggregate, GROUP.partials[2], cd, context=context)
    else:
        openings = open_ciphertexts(KEY, GROUP.aggregate, combine_roots(KEY, GROUP.partials))
        openings[1] = Opening(openings[1].plaintext ^ bool(false), openings[1].root)
        holds = openings[1].plaintext == GROUP.sums[1]
        program = result_program(KEY, 1, GROUP.aggregate, openings)
    return Case(holds, program, run(program))


KINDS = ["pk", "cd", "result"]
TRUE_AND_FALSE = [*KINDS, *(f"{kind} false" for kind in KINDS)]


@pytest.mark.parametrize("kind", TRUE_AND_FALSE)
def test_a_trace_ends_well_exactly_if_the_verification_does(kind: str) -> None:
    found = case(kind)
    assert found.holds == (not kind.endswith("false"))
    assert (found.trace.failed is None) == found.holds


@pytest.mark.parametrize("kind", KINDS)
def test_an_honest_trace_justifies_every_step(kind: str) -> None:
    found = case(kind)
    places = [*range(0, found.program.length, 37), found.program.length - 1, (1 << found.program.depth) - 2]
    for place in places:
        assert verify_step(found.program, found.trace.root, justify(found.trace, place))


@pytest.mark.parametrize("kind", KINDS)
def test_a_false_statement_cannot_be_justified_where_it_fails(kind: str) -> None:
    found = case(f"{kind} false")
    place = found.trace.failed
    assert place is not None
    assert found.program.step(place).kind is Kind.EQUAL
    assert not verify_step(found.program, found.trace.root, justify(found.trace, place))


@pytest.mark.parametrize("kind", KINDS)
def test_steps_follow_from_their_number(kind: str) -> None:
    program = case(kind).program
    assert [program.step(place) for place in range(program.length)] == list(program.steps())
    assert program.step(program.length).kind is Kind.KEEP
    assert program.length < 1 << program.depth <= 2 * program.length


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5)
@given(data=st.data())
def test_a_liar_is_found_at_the_step_where_it_departs(kind: str, data: st.DataObject) -> None:
    """The accused computes on from a false state; the challenger descends and picks the step before."""
    honest = case(kind)
    place = data.draw(st.integers(1, honest.program.length))
    liar = departed(honest.trace, place)
    found = first_difference(honest.trace, liar.children, liar.root)
    assert found == place
    shown = justify(liar, place - 1)
    assert not verify_step(honest.program, liar.root, shown)


def departed(trace: Trace, place: int) -> Trace:
    """The same trace with one state off by one, and nothing behind it changed."""
    states = list(trace.states)
    states[place] = (states[place] + 1) % trace.program.modulus
    size = trace.program.residue_bytes
    leaves = [int(value).to_bytes(size, "big") for value in states]
    leaves += [leaves[-1]] * ((1 << trace.program.depth) - len(leaves))
    return Trace(trace.program, tuple(states), trace.failed, MerkleTree.of(leaves))


def test_equal_traces_differ_nowhere() -> None:
    trace = case("pk").trace
    assert first_difference(trace, trace.children, trace.root) is None


def test_children_that_do_not_hash_to_their_node_are_refused() -> None:
    trace = case("pk").trace

    def made_up(_level: int, _position: int) -> tuple[bytes, bytes]:
        return bytes(32), bytes(32)

    with pytest.raises(InputError, match=r"^children do not hash to their node"):
        first_difference(trace, made_up, bytes(32))
    with pytest.raises(InputError, match=r"^a node is out of the trace's tree"):
        trace.children(0, 0)
    with pytest.raises(InputError, match=r"^a node is out of the trace's tree"):
        trace.children(1, 1 << trace.program.depth)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_justification_counts(kind: str) -> None:
    found = case(kind)
    place = next(
        place
        for place in range(found.program.length // 3, found.program.length)
        if found.program.step(place).kind is Kind.MULTIPLY
    )
    shown, root = justify(found.trace, place), found.trace.root
    assert verify_step(found.program, root, shown)
    path = (bytes(32), *shown.path[1:])
    for changed in (
        replace(shown, before=shown.before ^ 1),
        replace(shown, after=shown.after ^ 1),
        replace(shown, operand=shown.operand ^ 1),
        replace(shown, place=place + 1),
        replace(shown, path=path),
        replace(shown, path=shown.path[:-1]),
        replace(shown, before=found.program.modulus + shown.before),
        replace(shown, after=-1),
    ):
        assert not verify_step(found.program, root, changed)


def test_an_operand_from_an_earlier_state_needs_its_path() -> None:
    found = case("pk")
    place = next(p for p in range(found.program.length) if found.program.step(p).source.origin is Origin.STATE)
    shown = justify(found.trace, place)
    assert verify_step(found.program, found.trace.root, shown)
    assert not verify_step(found.program, found.trace.root, replace(shown, state_path=shown.state_path[::-1]))
    assert not verify_step(found.program, found.trace.root, replace(shown, state_path=()))


def test_a_trace_begins_with_one() -> None:
    found = case("pk")
    other = departed(found.trace, 0)
    assert not verify_step(found.program, other.root, justify(other, 0))
    leaf = (1).to_bytes(found.program.residue_bytes, "big")
    path = found.trace.tree.path(0)
    assert root_of([leaf], first=0, count=1 << found.program.depth, path=path) == found.trace.root


def test_moduli_are_leaves_of_the_key() -> None:
    assert modulus_place(case("pk").program.modulus, KEY) == 0
    assert modulus_place(case("cd").program.modulus, KEY) == 1


@pytest.mark.parametrize("place", [-1, 2**40])
def test_steps_that_are_not_there_are_refused(place: int) -> None:
    with pytest.raises(InputError, match=r"^a trace has no such step"):
        justify(case("pk").trace, place)


@pytest.mark.parametrize("place", [-1, 3])
def test_openings_that_are_not_there_are_refused(place: int) -> None:
    with pytest.raises(InputError, match=r"^there is no such opening"):
        result_program(KEY, place, GROUP.aggregate, [Opening(1, 1)] * 3)


def test_lengths_are_the_documented_ones() -> None:
    """docs/deepchain-disputes.md: 2048 bits, ten parties, 981 ciphertexts."""
    key, _ = deal(*primes(1024), parties=10, threshold=6, exponent_bits=448)
    row = list(range(2, 983))
    found = [
        pk_program(key, row, ProofPK(1, 0, 0), context=CONTEXT),
        cd_program(key, 1, row, row, ProofCD(1, 1, 0), context=CONTEXT),
        result_program(key, 0, row, [Opening(1, 1)] * 981),
    ]
    assert [(program.length, program.depth) for program in found] == [(131_844, 18), (265_372, 19), (10_756, 14)]
