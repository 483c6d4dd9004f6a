"""A proof must not let anybody confirm a guess of the private input.

The engine's lookup argument commits to how often each table entry is looked up, and blinds neither that commitment nor
what it opens. With an input that can be guessed (an age, a salary band) one would prove every candidate oneself and
compare. Random entries that are looked up as well, fresh in every proof, stand against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from pyml.crypto.bn254 import POINT_BYTES
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.circuits import input_graph, input_statement
from pyml.zk.engine import Tensors
from pyml.zk.ezkl import EzklEngine, read_settings
from pyml.zk.statement import Numerics
from pyml.zk.witness import input_tensors, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from tests.zk.conftest import SrsOf

AGE_LIMIT = IntegerNetwork((IntegerLayer(np.array([[1, -1]]), np.array([-5, 6]), 1),), 5, 15)
"""Says 0 from 6 on: a public model of one private number in 0 … 15."""
SECRET, CANDIDATES = 11, (9, 10, 11, 12, 13)


@dataclass(frozen=True, slots=True)
class Prover:
    engine: EzklEngine
    keyed: Keyed

    def points(self, number: int, lookup_felt: Callable[[], int] = secure_felt) -> list[bytes]:
        """The commitments in a proof about ``number``; everything but the lookup salts is always fresh."""
        statement = self.keyed.circuit.statement
        salts = tuple(secure_felt() for _ in range(statement.numerics.committed_salts))
        tensors = input_tensors(statement, AGE_LIMIT, np.array([number]), input_salts=salts, random_felt=lookup_felt)
        witness = (*tensors.witness[: -statement.numerics.witness_salts],
                   *(secure_felt() for _ in range(statement.numerics.witness_salts)))  # fmt: skip
        keyed = self.keyed
        proof = self.engine.prove(
            keyed.circuit.files, keyed.files, keyed.srs, Tensors(tensors.committed, witness), lambda _: secure_felt()
        ).data
        evaluations = int.from_bytes(keyed.artefact[3], "big")
        end = len(proof) - 32 * evaluations - 2 * POINT_BYTES
        return [proof[start : start + POINT_BYTES] for start in range(0, end, POINT_BYTES)]


@pytest.fixture(scope="module")
def prover(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Prover:
    numerics = Numerics(lookup_bits=8, committed_salts=4)
    statement = input_statement(AGE_LIMIT, "age limit", numerics)
    workspace = Workspace(tmp_path_factory.mktemp("blinding"), quick_engine)
    circuit = workspace.build_circuit(statement, input_graph(statement, AGE_LIMIT))
    return Prover(quick_engine, workspace.set_up(circuit, srs_of(circuit.degree)))


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
    assert settings["run_args"]["num_inner_cols"] == 2
    assert len(shared(prover.points(SECRET), prover.points(SECRET))) == 4


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
    assert len(plain - salted) == 2
