"""What a proof opens of the columns that nothing blinds: each of them at one point, and at no other.

The budget of salts rests on it (``circuits/model_link/SPEC.md``): a private tensor's column is committed to without
blinding, and each opening is one relation on it. Here the verifier's transcript is replayed, the column's polynomial
computed from the secret tensor, and both compared with the evaluations in the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import FELT_BYTES, POINT_BYTES, SCALAR_MODULUS
from pyml.ml.integer import IntegerNetwork, predict
from pyml.zk.engine import Proof, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.statement import KINDS
from pyml.zk.witness import link_tensors
from pyml.zk.workspace import Keyed
from tests.zk.conftest import SrsOf
from tests.zk.domain import lagrange_row, root_of_unity
from tests.zk.small_circuits import Small, random_network, random_set, small_accuracy, small_inference, small_input
from tests.zk.small_links import LINKABLE, link_circuit

RHO = 12345
LAST_ROWS = 6
"""Where halo2 puts its blinding factors and the engine, in a column that it does not blind, a one each."""
Proved = tuple[Keyed, Proof, Sequence[Sequence[int]]]
"""A proof with the private tensors in it, in the order of its points."""


def network() -> IntegerNetwork:
    return random_network(np.random.default_rng(4), (3, 4, 3), (2,))


def sample() -> np.ndarray:
    samples = np.random.default_rng(5).integers(0, network().input_max + 1, (20, 3))
    return next(each for each in samples if predict(network(), each[None])[0] >= 0)


def about(small: Small) -> Proved:
    return small.keyed, small.prove(small.honest), (small.honest.committed, small.honest.witness)


def accuracy(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Proved:
    data = random_set(np.random.default_rng(6), network(), 6)
    return about(small_accuracy(home, engine, srs_of, network(), data))


def answer(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Proved:
    return about(small_inference(home, engine, srs_of, network(), sample()))


def attestation(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Proved:
    return about(small_input(home, engine, srs_of, network(), sample()))


def link(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Proved:
    keyed = link_circuit(home, engine, srs_of, network(), 9)
    salts = tuple(3**each for each in range(LINKABLE.committed_salts))
    made = link_tensors(keyed.circuit.statement, network(), RHO, model_salts=salts)
    tensors = Tensors(made.committed, made.witness)
    proof = engine.prove(keyed.circuit.files, keyed.files, keyed.srs, tensors, lambda _: RHO)
    return keyed, proof, (made.committed,)


@pytest.fixture(scope="module", params=KINDS)
def proved(
    request: pytest.FixtureRequest, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Proved:
    make: Callable[[Path, EzklEngine, SrsOf], Proved] = {
        "private_model_accuracy": accuracy,
        "private_model_inference": answer,
        "private_input": attestation,
        "model_link": link,
    }[request.param]
    return make(tmp_path_factory.mktemp("openings"), quick_engine, srs_of)


def phases(artefact: Sequence[bytes]) -> list[tuple[int, int]]:
    """Bytes of commitments and number of challenges of each phase, as ``pyml.zk.ezkl.proof_length`` reads them."""
    words = [int.from_bytes(word, "big") for word in artefact]
    found: list[tuple[int, int]] = []
    table = words[33] >> 8
    for index in range(words[33] & 0xFF):
        while table:
            found.append((table & 0xFFFF, table >> 16 & 0xFF))
            table >>= 24
        table = words[34 + index]
    return found


def evaluations(keyed: Keyed, proof: Proof) -> tuple[int, list[int]]:
    """The point x at which the proof opens, and all the values that it says: the generated verifier's transcript."""
    state = keyed.artefact[0] + b"".join(value.to_bytes(FELT_BYTES, "big") for value in proof.outputs)
    place, x = 0, 0
    for length, challenges in phases(keyed.artefact):
        state = keccak(state + proof.data[place : place + length])
        x = int.from_bytes(state, "big") % SCALAR_MODULUS
        for _ in range(challenges - 1):
            state = keccak(state + b"\x01")
        place += length
    end = len(proof.data) - 2 * POINT_BYTES
    assert end - place == FELT_BYTES * int.from_bytes(keyed.artefact[3], "big")
    words = [proof.data[start : start + FELT_BYTES] for start in range(place, end, FELT_BYTES)]
    return x, [int.from_bytes(word, "big") for word in words]


def value_at(keyed: Keyed, tensor: Sequence[int], x: int) -> int:
    """Of the column that has the tensor in its first rows, then zeros, then ones in the last rows."""
    size = 1 << keyed.circuit.degree
    column = [*tensor, *[0] * (size - len(tensor) - LAST_ROWS), *[1] * LAST_ROWS]
    row = lagrange_row(keyed.circuit.degree, x, size)
    return sum(value * weight for value, weight in zip(column, row, strict=True)) % SCALAR_MODULUS


def test_the_domain_is_the_keys(proved: Proved) -> None:
    keyed, _, _ = proved
    degree = keyed.circuit.degree
    inverse, omega = (int.from_bytes(keyed.artefact[index], "big") for index in (6, 7))
    assert (inverse << degree) % SCALAR_MODULUS == 1
    assert omega == root_of_unity(degree)
    assert pow(omega, 1 << (degree - 1), SCALAR_MODULUS) == SCALAR_MODULUS - 1


def test_a_proof_opens_each_private_column_once(proved: Proved) -> None:
    """The value at x is among the evaluations, once, and none at any rotation of x: those are where gates look."""
    keyed, proof, tensors = proved
    x, said = evaluations(keyed, proof)
    omega = root_of_unity(keyed.circuit.degree)
    for tensor in tensors:
        assert said.count(value_at(keyed, tensor, x)) == 1
        for rotation in (*range(-LAST_ROWS - 2, 0), *range(1, LAST_ROWS + 3)):
            elsewhere = x * pow(omega, rotation, SCALAR_MODULUS) % SCALAR_MODULUS
            assert value_at(keyed, tensor, elsewhere) not in said


def test_another_tensor_has_another_value_there(proved: Proved) -> None:
    """So that the test above compares something: one salt more or less and the value is gone."""
    keyed, proof, tensors = proved
    x, said = evaluations(keyed, proof)
    for tensor in tensors:
        assert value_at(keyed, [*tensor[:-1], tensor[-1] + 1], x) not in said
        assert value_at(keyed, tensor, x + 1) not in said
