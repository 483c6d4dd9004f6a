"""A proof must not let anybody confirm a guess of what is private in it.

The engine's lookup argument commits to how often each table entry is looked up, and blinds neither that commitment nor
what it opens. With an input that can be guessed (an age, a salary band), or a model that is known but for a weight, one
would prove every candidate oneself and compare. Random entries that are looked up as well, fresh in every proof, stand
against it. The commitments to private tensors are not blinded either: there it is the salts behind the tensor.

An observer knows circuit, key, public input and challenge, and has a prover of his own. What he lacks is the salts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.crypto.bn254 import POINT_BYTES, Point, decode_point
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.circuits import inference_graph, input_graph, input_statement
from pyml.zk.engine import Tensors
from pyml.zk.ezkl import EzklEngine, read_settings
from pyml.zk.statement import ANY_INPUT, Numerics, Statement
from pyml.zk.witness import PrivateTensors, architecture_of, inference_tensors, input_tensors, link_tensors, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_links import link_circuit

AGE_LIMIT = IntegerNetwork((IntegerLayer(np.array([[1, -1]]), np.array([-5, 6]), 1),), 5, 15)
"""Says 0 from 6 on: a public model of one private number in 0 … 15."""
SECRET, CANDIDATES = 11, (10, 11, 12)
PUBLIC_INPUT = np.array([3])
NUMERICS = Numerics(lookup_bits=8, committed_salts=4)
DEGREE = 10

Felts = Callable[[], int]
Fill = Callable[[Statement, int, tuple[int, ...], Felts], PrivateTensors]
"""A candidate's tensors, with these salts behind the committed one and lookup salts from a source."""


def model(weight: int) -> IntegerNetwork:
    """Private, and all of it known but this weight."""
    first = IntegerLayer(np.array([[weight, -1]]), np.array([0, 3]), 1)
    return IntegerNetwork((first, IntegerLayer(np.array([[1, -1], [-1, 1]]), np.array([0, 0]), 1)), 5, 15)


def input_of(statement: Statement, number: int, salts: tuple[int, ...], felt: Felts) -> PrivateTensors:
    return input_tensors(statement, AGE_LIMIT, np.array([number]), input_salts=salts, random_felt=felt)


def answer_of(statement: Statement, weight: int, salts: tuple[int, ...], felt: Felts) -> PrivateTensors:
    return inference_tensors(statement, model(weight), PUBLIC_INPUT, model_salts=salts, random_felt=felt)


def fresh_salts(count: int) -> tuple[int, ...]:
    return tuple(secure_felt() for _ in range(count))


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves candidates; the observer's is like the honest one."""

    engine: EzklEngine
    keyed: Keyed
    fill: Fill

    def points(
        self, candidate: int, lookup_felt: Felts = secure_felt, *, salts: tuple[int, ...] | None = None
    ) -> list[bytes]:
        """The commitments in a proof; everything but the lookup salts, and the salts if given, is always fresh."""
        statement = self.keyed.circuit.statement
        committed_salts = fresh_salts(statement.numerics.committed_salts) if salts is None else salts
        tensors = self.fill(statement, candidate, committed_salts, lookup_felt)
        count = statement.numerics.witness_salts
        witness = (*tensors.witness[:-count], *fresh_salts(count))
        return proof_points(self.engine, self.keyed, Tensors(tensors.committed, witness), secure_felt())

    @property
    def columns(self) -> int:
        """Inner columns: each has a lookup of its own."""
        return int(read_settings(self.keyed.circuit.files.settings)["run_args"]["num_inner_cols"])


def proof_points(engine: EzklEngine, keyed: Keyed, tensors: Tensors, rho: int) -> list[bytes]:
    proof = engine.prove(keyed.circuit.files, keyed.files, keyed.srs, tensors, lambda _: rho).data
    evaluations = int.from_bytes(keyed.artefact[3], "big")
    end = len(proof) - 32 * evaluations - 2 * POINT_BYTES
    return [proof[start : start + POINT_BYTES] for start in range(0, end, POINT_BYTES)]


def answering(engine: EzklEngine, srs_of: SrsOf, home: Path, numerics: Numerics = NUMERICS) -> Prover:
    statement = Statement(
        "private_model_inference", architecture_of(model(SECRET)), 1, ANY_INPUT, "any input", DEGREE, numerics
    )
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, inference_graph(statement))
    return Prover(engine, workspace.set_up(circuit, srs_of(circuit.degree)), answer_of)


def attesting(engine: EzklEngine, srs_of: SrsOf, home: Path) -> Prover:
    statement = input_statement(AGE_LIMIT, "age limit", NUMERICS)
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, input_graph(statement, AGE_LIMIT))
    return Prover(engine, workspace.set_up(circuit, srs_of(circuit.degree)), input_of)


@pytest.fixture(scope="module")
def attests(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Prover:
    return attesting(quick_engine, srs_of, tmp_path_factory.mktemp("attests"))


@pytest.fixture(scope="module")
def answers(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Prover:
    return answering(quick_engine, srs_of, tmp_path_factory.mktemp("answers"))


@pytest.fixture(params=["attests", "answers"])
def prover(request: pytest.FixtureRequest) -> Prover:
    return request.getfixturevalue(request.param)


def shared(first: list[bytes], second: list[bytes]) -> set[int]:
    assert len(first) == len(second)
    return {index for index, (one, other) in enumerate(zip(first, second, strict=True)) if one == other}


def test_no_candidate_agrees_with_a_proof_more_than_another(prover: Prover) -> None:
    seen = prover.points(SECRET)
    agreement = {candidate: shared(seen, prover.points(candidate)) for candidate in CANDIDATES}
    assert agreement[SECRET] == agreement[SECRET - 1]
    assert len({frozenset(indices) for indices in agreement.values()}) == 1


def test_what_all_proofs_share_is_the_tables_that_nothing_looks_up(prover: Prover) -> None:
    """Two range-check tables come with the engine, with one commitment for each inner column."""
    settings = read_settings(prover.keyed.circuit.files.settings)
    assert settings["required_range_checks"] == [[-1, 1], [0, 127]]
    assert len(shared(prover.points(SECRET), prover.points(SECRET))) == 2 * prover.columns


def test_without_fresh_lookup_salts_the_secret_is_found_by_comparing(prover: Prover) -> None:
    """Not a property that we want: it shows that the tests above can fail, and what the salts are for."""
    seen = prover.points(SECRET, lambda: 7)
    agreement = {candidate: len(shared(seen, prover.points(candidate, lambda: 7))) for candidate in CANDIDATES}
    best = max(agreement, key=lambda candidate: agreement[candidate])
    assert best == SECRET
    assert agreement[SECRET] > max(count for candidate, count in agreement.items() if candidate != SECRET)


def test_each_proof_differs_in_every_inner_column(prover: Prover) -> None:
    """The salts reach the commitment of each column of the lookup, not of the first alone."""
    plain = shared(prover.points(SECRET, lambda: 7), prover.points(SECRET, lambda: 7))
    salted = shared(prover.points(SECRET), prover.points(SECRET))
    assert salted < plain
    assert len(plain - salted) == prover.columns


# --- a model that answers again and again, under one commitment


def test_answers_of_one_model_share_its_commitment_and_nothing_else(answers: Prover) -> None:
    """The same question twice: what hides in one answer is not found by holding it against another."""
    salts = fresh_salts(NUMERICS.committed_salts)
    same = shared(answers.points(SECRET, salts=salts), answers.points(SECRET, salts=salts))
    strangers = shared(answers.points(SECRET), answers.points(SECRET))
    assert same - strangers == {0}


def test_a_model_whose_salts_are_known_is_found_by_its_commitment(answers: Prover) -> None:
    """Whatever the lookup salts do: they are fresh here. Of an owner who wrote zeros there, say."""
    salts = (0,) * NUMERICS.committed_salts
    seen = answers.points(SECRET, salts=salts)
    found = {candidate for candidate in CANDIDATES if 0 in shared(seen, answers.points(candidate, salts=salts))}
    assert found == {SECRET}


def test_one_fresh_lookup_salt_is_found_by_trying_all(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    """That salts are fresh is not enough, there must be more of them than can be tried.

    The commitment to the multiplicities is linear in them: a proof of the same candidate with salt 7 differs from the
    one that was seen by the table's rows of both salts, [L_s(τ)] - [L_7(τ)], whatever else is in it.
    """
    bn128: Any = pytest.importorskip("py_ecc.bn128")
    prover = answering(quick_engine, srs_of, tmp_path, Numerics(lookup_bits=8, committed_salts=4, lookup_salts=1))
    keyed, fresh, tried = prover.keyed, 23, range(30)
    low, _ = read_settings(keyed.circuit.files.settings)["run_args"]["lookup_range"]

    def on_curve(point: Point) -> Any:
        return bn128.FQ(point.x), bn128.FQ(point.y)

    def row(value: int) -> Any:
        unit = [0] * (value - low) + [1]
        return on_curve(prover.engine.commit(keyed.circuit.files, keyed.files, keyed.srs, unit)[0])

    rows = {value: row(value) for value in tried}
    seen, again = prover.points(SECRET, lambda: fresh), prover.points(SECRET, lambda: 7)
    own = {candidate: prover.points(candidate, lambda: 7) for candidate in CANDIDATES}
    (place,) = shared(own[SECRET], again) - shared(own[SECRET], seen)
    explained: dict[int, list[int]] = {}
    for candidate, points in own.items():
        without = bn128.add(on_curve(decode_point(points[place])), bn128.neg(rows[7]))
        salt = bn128.add(on_curve(decode_point(seen[place])), bn128.neg(without))
        explained[candidate] = [value for value in tried if rows[value] == salt]
    assert explained == {candidate: [fresh] if candidate == SECRET else [] for candidate in CANDIDATES}


# --- a link between two commitments


@pytest.fixture(scope="module")
def link(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Keyed:
    return link_circuit(tmp_path_factory.mktemp("link"), quick_engine, srs_of, model(SECRET), DEGREE, NUMERICS)


def link_points(engine: EzklEngine, keyed: Keyed, weight: int, salts: tuple[int, ...]) -> tuple[list[bytes], int]:
    """The commitments in a proof, and the fingerprint beside it; ρ is public, and here always the same."""
    tensors = link_tensors(keyed.circuit.statement, model(weight), 12345, model_salts=salts)
    points = proof_points(engine, keyed, Tensors(tensors.committed, tensors.witness), 12345)
    return points, tensors.result


def test_a_link_looks_nothing_up(link: Keyed) -> None:
    """Nothing is counted of the weights, so nothing needs lookup salts; there is no witness to put them in either."""
    settings = read_settings(link.circuit.files.settings)
    assert settings["required_lookups"] == []
    assert settings["module_sizes"]["polycommit"] == [len(link_tensors_of(link)), 1]


def link_tensors_of(link: Keyed) -> tuple[int, ...]:
    return link_tensors(link.circuit.statement, model(SECRET), 1, model_salts=(0,) * NUMERICS.committed_salts).committed


def test_no_candidate_agrees_with_a_link_more_than_another(link: Keyed, quick_engine: EzklEngine) -> None:
    seen, fingerprint = link_points(quick_engine, link, SECRET, fresh_salts(NUMERICS.committed_salts))
    agreement: set[frozenset[int]] = set()
    for candidate in CANDIDATES:
        points, found = link_points(quick_engine, link, candidate, fresh_salts(NUMERICS.committed_salts))
        assert found != fingerprint
        agreement.add(frozenset(shared(seen, points)))
    (constant,) = agreement
    assert 0 not in constant


def test_two_proofs_of_one_link_share_its_commitment_and_nothing_secret_else(
    link: Keyed, quick_engine: EzklEngine
) -> None:
    salts = fresh_salts(NUMERICS.committed_salts)
    same = shared(*(link_points(quick_engine, link, SECRET, salts)[0] for _ in range(2)))
    strangers = shared(
        *(link_points(quick_engine, link, SECRET, fresh_salts(NUMERICS.committed_salts))[0] for _ in range(2))
    )
    assert same - strangers == {0}


def test_a_link_of_a_model_whose_salts_are_known_confirms_a_guess(link: Keyed, quick_engine: EzklEngine) -> None:
    """By its commitment, and by its fingerprint without any curve: what the salts are for, in both."""
    salts = (0,) * NUMERICS.committed_salts
    seen, fingerprint = link_points(quick_engine, link, SECRET, salts)
    by_point, by_fingerprint = set[int](), set[int]()
    for candidate in CANDIDATES:
        points, found = link_points(quick_engine, link, candidate, salts)
        by_point |= {candidate} if 0 in shared(seen, points) else set()
        by_fingerprint |= {candidate} if found == fingerprint else set()
    assert by_point == by_fingerprint == {SECRET}
