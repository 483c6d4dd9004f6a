"""Links between two commitments: what they reveal of the salts is counted, and the count is what hides the model.

What the contracts say of links is in ``tests/e2e/test_model_links.py``; mutated ones are in ``test_mutations.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import InputError, ProofError
from pyml.ml.integer import IntegerNetwork
from pyml.zk.challenge import Context, commitment_of, link_challenge, model_id
from pyml.zk.claims import prove_inference
from pyml.zk.engine import Proof, TensorEngine, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.ledger import ProofLedger
from pyml.zk.links import REVEALED, LinkSide, ModelLink, prove_link, verify_link
from pyml.zk.model_codec import SecretModel
from pyml.zk.statement import Numerics
from pyml.zk.witness import link_tensors
from pyml.zk.workspace import Keyed
from tests.zk.conftest import SrsOf
from tests.zk.domain import lagrange_row
from tests.zk.small_circuits import random_network, small_inference, small_numerics
from tests.zk.small_links import DEGREES, LINKABLE, SmallLink, link_circuit, small_link

CONTEXT = Context(31337, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")


def network() -> IntegerNetwork:
    return random_network(np.random.default_rng(4), (3, 4, 3), (2,))


def salts(numerics: Numerics = LINKABLE) -> tuple[int, ...]:
    return tuple(range(1, numerics.committed_salts + 1))


@pytest.fixture(scope="module")
def linking(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> SmallLink:
    model = SecretModel(network(), salts())
    return small_link(tmp_path_factory.mktemp("links"), quick_engine, srs_of, model)


@pytest.fixture
def ledger(linking: SmallLink, tmp_path: Path) -> ProofLedger:
    return ProofLedger(tmp_path / "proofs", linking.model.proof_limit)


def commitments(linking: SmallLink) -> list[bytes]:
    tensor = link_tensors(linking.first.circuit.statement, linking.model.network, 0, model_salts=linking.model.salts)
    return [
        commitment_of(linking.engine.commit(each.circuit.files, each.files, each.srs, tensor.committed)[0].encode())
        for each in (linking.first, linking.second)
    ]


# --- the circuit


@pytest.mark.parametrize("rho", [0, 1, 2, SCALAR_MODULUS - 1, 3**150 % SCALAR_MODULUS])
def test_the_fingerprint_is_the_polynomial_of_all_entries(linking: SmallLink, rho: int) -> None:
    """C1, at both k: in order, the salts too."""
    statement, model = linking.first.circuit.statement, linking.model
    made = link_tensors(statement, model.network, rho, model_salts=model.salts)
    expected = sum(value * pow(rho, place, SCALAR_MODULUS) for place, value in enumerate(made.committed))
    for keyed in (linking.first, linking.second):
        tensors = Tensors(made.committed, made.witness)
        proof = linking.engine.prove(keyed.circuit.files, keyed.files, keyed.srs, tensors, lambda _: rho)
        assert proof.outputs == (rho, expected % SCALAR_MODULUS) == (rho, made.result)
    assert made.committed[-len(model.salts) :] == model.salts


# --- the budget


def test_a_first_link_costs_two_proofs_the_fingerprint_and_the_other_commitment(
    linking: SmallLink, ledger: ProofLedger
) -> None:
    assert linking.holds(linking.prove(CONTEXT, ledger))
    assert ledger.used == REVEALED == 4
    assert ledger.after(0, commitments=commitments(linking)) == 4, "both commitments are known to it"


def test_another_link_of_the_same_commitments_costs_three(linking: SmallLink, ledger: ProofLedger) -> None:
    """On another chain: another ρ, hence another fingerprint, and two more evaluations."""
    linking.prove(CONTEXT, ledger)
    again = linking.prove(replace(CONTEXT, chain_id=1), ledger)
    assert linking.holds(again)
    assert ledger.used == 7 == ledger.limit
    with pytest.raises(ProofError) as refusal:
        linking.prove(replace(CONTEXT, chain_id=2), ledger)
    assert str(refusal.value) == "this commitment has too few proofs left for a link; expected at least 3; got 0"


def test_a_link_after_a_proof_under_either_commitment(linking: SmallLink, ledger: ProofLedger) -> None:
    """The second commitment is paid for once, by whatever shows it first."""
    first, second = commitments(linking)
    ledger.record_all([b"a claim of accuracy"], commitments=[first])
    assert ledger.used == 1
    ledger.record_all([b"an answer under the other k"], commitments=[second])
    assert ledger.used == 3
    linking.prove(CONTEXT, ledger)
    assert ledger.used == 6


def test_answers_under_another_k_pay_for_its_commitment(
    quick_engine: EzklEngine, srs_of: SrsOf, ledger: ProofLedger, tmp_path: Path
) -> None:
    """Linked or not, it is one more relation on the salts."""
    model, sample = SecretModel(network(), salts()), np.array([1, 2, 3])
    for degree, used in ((9, 1), (9, 2), (10, 4), (9, 5)):
        small = small_inference(tmp_path, quick_engine, srs_of, network(), sample, degree=degree, numerics=LINKABLE)
        entry = small.keyed.entry()
        prove_inference(small.keyed, quick_engine, entry, model, sample, CONTEXT, ledger=ledger)
        assert ledger.used == used


class Asked:
    """An engine that says what it was asked for."""

    name = "asked"

    def __init__(self, engine: TensorEngine) -> None:
        self.engine, self.proofs = engine, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.engine, name)

    def commit(self, *arguments: object) -> object:
        return self.engine.commit(*arguments)  # pyright: ignore[reportArgumentType]

    def prove(self, *arguments: object, **named: object) -> object:
        self.proofs += 1
        return self.engine.prove(*arguments, **named)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("spent", "room"), [(3, True), (4, False), (7, False)])
def test_without_room_for_all_of_it_nothing_is_proved(
    linking: SmallLink, ledger: ProofLedger, spent: int, room: bool
) -> None:
    for index in range(spent):
        ledger.record(bytes([index]) * 32)
    engine = Asked(linking.engine)
    asked = replace(linking, engine=cast("EzklEngine", engine))
    if room:
        asked.prove(CONTEXT, ledger)
        assert (engine.proofs, ledger.used) == (2, ledger.limit)
        return
    with pytest.raises(ProofError) as refusal:
        asked.prove(CONTEXT, ledger)
    left = ledger.limit - spent
    assert str(refusal.value) == f"this commitment has too few proofs left for a link; expected at least 4; got {left}"
    assert (engine.proofs, ledger.used) == (0, spent)


def test_a_place_taken_meanwhile_keeps_the_link_back(linking: SmallLink, ledger: ProofLedger) -> None:
    """Another process proves while this one does: all of a link is recorded, or none of it."""

    class Raced(Asked):
        def prove(self, *arguments: object, **named: object) -> object:
            ledger.record(bytes([self.proofs]) * 32)
            ledger.record(bytes([100 + self.proofs]) * 32)
            return super().prove(*arguments, **named)

    with pytest.raises(ProofError, match="this commitment has no proof left"):
        replace(linking, engine=cast("EzklEngine", Raced(linking.engine))).prove(CONTEXT, ledger)
    assert ledger.used == 4


def test_a_ledger_must_not_allow_more_than_the_salts_hide(linking: SmallLink, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        linking.prove(CONTEXT, ProofLedger(tmp_path / "wide", linking.model.proof_limit + 1))
    assert str(refusal.value) == "the ledger allows more proofs than the salts hide; expected 7; got 8"


# --- two circuits that are not of one model


def forged_link(engine: TensorEngine, sides: Sequence[tuple[Keyed, SecretModel]]) -> ModelLink:
    """Each side proved honestly about its own tensor, at the ρ of both."""
    made: list[tuple[bytes, bytes]] = []
    points: list[bytes] = []
    for keyed, model in sides:
        tensors = link_tensors(keyed.circuit.statement, model.network, 0, model_salts=model.salts)
        (point,) = engine.commit(keyed.circuit.files, keyed.files, keyed.srs, tensors.committed)
        points.append(point.encode())
        made.append((model_id(CONTEXT.prover, commitment_of(points[-1])), keyed.entry().identifier()))
    rho = link_challenge(CONTEXT, first=made[0], second=made[1], points=(points[0], points[1]))
    proofs: list[Proof] = []
    for keyed, model in sides:
        tensors = link_tensors(keyed.circuit.statement, model.network, rho, model_salts=model.salts)
        flat = Tensors(tensors.committed, tensors.witness)
        proofs.append(engine.prove(keyed.circuit.files, keyed.files, keyed.srs, flat, lambda _: rho))
        assert engine.verify(keyed.circuit.files, keyed.files, keyed.srs, proofs[-1])
    first, second = (LinkSide(*named, proof.data) for named, proof in zip(made, proofs, strict=True))
    return ModelLink(CONTEXT, first, second, proofs[0].outputs[1])


def test_the_honest_link_of_these_two_hands_holds(linking: SmallLink) -> None:
    link = forged_link(linking.engine, [(linking.first, linking.model), (linking.second, linking.model)])
    assert linking.holds(link)


def test_another_model_on_one_side_is_no_link(linking: SmallLink) -> None:
    """One weight apart; neither fingerprint is both."""
    first, *rest = linking.model.network.layers
    weight = first.weight.copy()
    weight[0, 0] += 1 if weight[0, 0] < 0 else -1
    other = SecretModel(
        replace(linking.model.network, layers=(replace(first, weight=weight), *rest)), linking.model.salts
    )
    for sides in (
        [(linking.first, linking.model), (linking.second, other)],
        [(linking.first, other), (linking.second, linking.model)],
    ):
        assert not linking.holds(forged_link(linking.engine, sides))


def test_a_tensor_with_zeros_behind_it_has_the_same_fingerprint_and_is_no_link(
    linking: SmallLink, srs_of: SrsOf, tmp_path: Path
) -> None:
    """Whose circuits they are is not in the fingerprint: both proofs hold, and what they are about differs."""
    longer_numerics = small_numerics(committed_salts=LINKABLE.committed_salts + 1)
    longer = link_circuit(tmp_path, linking.engine, srs_of, linking.model.network, DEGREES[1], longer_numerics)
    padded = SecretModel(linking.model.network, (*linking.model.salts, 0))
    link = forged_link(linking.engine, [(linking.first, linking.model), (longer, padded)])
    for keyed, side in ((linking.first, link.first), (longer, link.second)):
        rho = link_challenge(
            CONTEXT,
            first=(link.first.model, link.first.circuit),
            second=(link.second.model, link.second.circuit),
            points=(link.first.proof[:POINT_BYTES], link.second.proof[:POINT_BYTES]),
        )
        proof = Proof(side.proof, (rho, link.fingerprint))
        assert linking.engine.verify(keyed.circuit.files, keyed.files, keyed.srs, proof)
    assert not verify_link(linking.first, longer, linking.engine, link)


def test_circuits_that_differ_in_more_than_k_are_not_linked(
    linking: SmallLink, ledger: ProofLedger, srs_of: SrsOf, tmp_path: Path
) -> None:
    other_bits = replace(LINKABLE, lookup_bits=9)
    other = link_circuit(tmp_path, linking.engine, srs_of, linking.model.network, 11, other_bits)
    with pytest.raises(InputError, match="a link needs two link circuits that differ in k alone"):
        prove_link(linking.first, other, linking.engine, linking.model, CONTEXT, ledger=ledger)
    assert ledger.used == 0


# --- why this budget: circuits/model_link/SPEC.md, "One budget of salts"

WEIGHTS, SALTS, DEGREES_OF_LAW = 5, 9, (4, 5, 6)
Row = list[int]


def commitment_row(degree: int, x: int) -> Row:
    """What the value of the committed tensor's column at x weighs each entry by (``test_openings.py``: it does)."""
    return lagrange_row(degree, x, WEIGHTS + SALTS)


def fingerprint_row(rho: int) -> Row:
    return [pow(rho, place, SCALAR_MODULUS) for place in range(WEIGHTS + SALTS)]


def rank(rows: Sequence[Row]) -> int:
    """Over the scalar field, by elimination."""
    left = [list(row) for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((index for index in range(found, len(left)) if left[index][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        inverse = pow(left[found][column], -1, SCALAR_MODULUS)
        for index in range(found + 1, len(left)):
            factor = left[index][column] * inverse
            left[index] = [
                (one - factor * other) % SCALAR_MODULUS for one, other in zip(left[index], left[found], strict=True)
            ]
        found += 1
    return found


def of_salts(rows: Sequence[Row]) -> list[Row]:
    return [row[WEIGHTS:] for row in rows]


@dataclass
class Observer:
    """Collects every relation that an owner makes public, where the owner keeps the ledger as the library does."""

    ledger: ProofLedger
    random: np.random.Generator
    tau: int = 123456789
    rows: list[Row] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def felt(self) -> int:
        return int.from_bytes(self.random.bytes(40), "big") % SCALAR_MODULUS

    def see_commitment(self, degree: int) -> None:
        if degree not in self.seen:
            self.seen.add(degree)
            self.rows.append(commitment_row(degree, self.tau))

    def see(self, step: tuple[int, ...]) -> None:
        """A proof under one k, or a link between two."""
        if len(step) == 1:
            self.see_proof(step[0])
        else:
            self.see_link(step[0], step[1])

    def see_proof(self, degree: int) -> None:
        """Of accuracy, or an answer."""
        self.ledger.record_all([self.random.bytes(32)], commitments=[bytes([degree])])
        self.see_commitment(degree)
        self.rows.append(commitment_row(degree, self.felt()))

    def see_link(self, first: int, second: int) -> None:
        digests = [self.random.bytes(32) for _ in range(REVEALED - 1)]
        self.ledger.record_all(digests, commitments=[bytes([first]), bytes([second])])
        for degree in (first, second):
            self.see_commitment(degree)
            self.rows.append(commitment_row(degree, self.felt()))
        self.rows.append(fingerprint_row(self.felt()))


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(DEGREES_OF_LAW)),
        st.permutations(DEGREES_OF_LAW).map(lambda order: (order[0], order[1])),
    ),
    min_size=1,
    max_size=14,
)


@given(steps=steps, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_whatever_is_proved_the_salts_hide_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, ...]], seed: int
) -> None:
    """Every relation has a salt of its own to hide behind: the salts' part of what is public has full rank."""
    ledger = ProofLedger(tmp_path_factory.mktemp("law") / "proofs", SALTS - 1)
    observer = Observer(ledger, np.random.default_rng(seed))
    for step in steps:
        with contextlib.suppress(ProofError):  # refused: another step may still have room
            observer.see(step)
    assert len(observer.rows) == ledger.used + 1 <= SALTS
    assert rank(of_salts(observer.rows)) == len(observer.rows)


@pytest.mark.parametrize("last", ["commitment", "proof", "fingerprint"])
def test_one_relation_more_than_salts_is_one_on_the_weights(tmp_path: Path, last: str) -> None:
    """So that the budget is the largest: what the ledger refuses would let a guess of the model be tested."""
    observer = Observer(ProofLedger(tmp_path / "proofs", SALTS - 1), np.random.default_rng(1))
    observer.see_link(4, 5)
    while observer.ledger.used < observer.ledger.limit:
        observer.see_proof(4)
    assert len(observer.rows) == SALTS
    refused = {
        "commitment": lambda: observer.see_proof(6),
        "proof": lambda: observer.see_proof(5),
        "fingerprint": lambda: observer.see_link(4, 5),
    }[last]
    with pytest.raises(ProofError, match="this commitment has no proof left"):
        refused()
    one_more = {
        "commitment": commitment_row(6, observer.tau),
        "proof": commitment_row(5, observer.felt()),
        "fingerprint": fingerprint_row(observer.felt()),
    }[last]
    rows = [*observer.rows, one_more]
    assert rank(of_salts(rows)) == SALTS < len(rows) == rank(rows)


def test_if_the_second_commitment_were_free_the_budget_would_be_one_too_large() -> None:
    """What the ledger did before it knew commitments: t - 1 answers under another k than the registered one."""
    random = np.random.default_rng(2)

    def felt() -> int:
        return int.from_bytes(random.bytes(40), "big") % SCALAR_MODULUS

    rows = [commitment_row(4, 99), commitment_row(5, 99), *(commitment_row(5, felt()) for _ in range(SALTS - 1))]
    assert rank(of_salts(rows)) == SALTS < len(rows) == rank(rows)


def test_all_commitments_of_one_tensor_are_independent() -> None:
    """At one τ, for every k at once: consecutive salts make a Vandermonde matrix of the domains' roots."""
    rows = [commitment_row(degree, 987654321) for degree in range(4, 4 + SALTS)]
    assert rank(of_salts(rows)) == len(rows) == SALTS
