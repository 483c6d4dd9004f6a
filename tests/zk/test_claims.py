"""Claims as files from anywhere, and as proofs: made under a ledger, judged off chain without believing a field.

Real proofs of circuits of a few weights; what the contracts say of claims is in ``tests/e2e``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import FIELD_MODULUS, POINT_BYTES, SCALAR_MODULUS, Point, decompress_point
from pyml.errors import InputError, ModelError, ProofError
from pyml.ml.integer import predict
from pyml.zk.challenge import (
    MAX_FEATURE_BYTES,
    CircuitEntry,
    Context,
    commitment_of,
    encode_features,
    evaluate_features,
    model_id,
)
from pyml.zk.circuits import LabelledSet
from pyml.zk.claims import (
    MAX_CLAIM_BYTES,
    AccuracyClaim,
    Claim,
    InferenceClaim,
    InputAttestation,
    claim_as_dict,
    claim_from_dict,
    commit_model,
    prove_accuracy,
    prove_inference,
    prove_input,
    public_outputs,
    read_claim,
    verify_claim,
    write_claim,
)
from pyml.zk.engine import Engine, Proof, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.layout import committed_layout
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.statement import Statement
from pyml.zk.witness import committed_model, salted
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import (
    Small,
    random_network,
    random_set,
    small_accuracy,
    small_inference,
    small_input,
)

CONTRACT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ALICE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
BOB = "0x52908400098527886E0F7030069857D2E4169EE7"
CONTEXT = Context(31337, CONTRACT, ALICE)
PURPOSE = b"\x07" * 32
G1 = Point(1, 2)


def point_near(x: int) -> Point:
    """The first point of the curve from ``x`` on."""
    while True:
        try:
            return decompress_point(x.to_bytes(32, "little"))
        except InputError:
            x += 1


words = st.binary(min_size=32, max_size=32)


def proof_of(first: int, second: int, rest: bytes) -> bytes:
    """Bytes that begin as every proof does, with two points."""
    return point_near(first).encode() + point_near(second).encode() + rest


proofs = st.builds(
    proof_of,
    st.integers(0, 2**200),
    st.integers(0, 2**200),
    st.binary(max_size=200),
)
contexts = st.builds(
    Context,
    st.integers(1, 2**256 - 1),
    st.sampled_from([CONTRACT, ALICE, BOB]),
    st.sampled_from([CONTRACT, ALICE, BOB]),
)
numbers = st.integers(0, 2**256 - 1)
claims: st.SearchStrategy[Claim] = st.one_of(
    st.builds(AccuracyClaim, contexts, words, words, numbers, numbers, proofs),
    st.builds(InputAttestation, contexts, words, words, numbers, proofs),
    st.builds(
        InferenceClaim,
        contexts,
        words,
        words,
        st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=40).map(encode_features),
        numbers,
        proofs,
    ),
)

TWO_POINTS = G1.encode() * 2
CLAIM = AccuracyClaim(CONTEXT, b"\x01" * 32, b"\x02" * 32, 3, 4, TWO_POINTS + b"\xff" * 32)
ATTESTATION = InputAttestation(CONTEXT, b"\x02" * 32, PURPOSE, 5, TWO_POINTS)
ANSWER = InferenceClaim(CONTEXT, b"\x01" * 32, b"\x02" * 32, b"\x00\x03\xff\xff", 5, TWO_POINTS + b"\xee" * 32)


# Files


@given(claims)
def test_json_round_trip(claim: Claim) -> None:
    table = claim_as_dict(claim)
    assert claim_from_dict(json.loads(json.dumps(table))) == claim
    assert claim_as_dict(claim_from_dict(table)) == table


@given(claim=claims)
@settings(max_examples=10)
def test_file_round_trip(tmp_path_factory: pytest.TempPathFactory, claim: Claim) -> None:
    path = tmp_path_factory.mktemp("claims") / "deep" / "claim.json"
    write_claim(claim, path)
    assert read_claim(path) == claim
    assert path.read_bytes().endswith(b"}\n")
    write_claim(replace(claim, proof=TWO_POINTS), path)
    assert read_claim(path).proof == TWO_POINTS
    assert [item.name for item in path.parent.iterdir()] == ["claim.json"]


def test_form_of_the_file() -> None:
    context = {"chain_id": 31337, "contract": CONTRACT, "prover": ALICE}
    assert claim_as_dict(CLAIM) == {
        "version": 1,
        "kind": "private_model_accuracy",
        "context": context,
        "circuit": "02" * 32,
        "model": "01" * 32,
        "threshold": 3,
        "count": 4,
        "proof": CLAIM.proof.hex(),
    }
    assert claim_as_dict(ATTESTATION) == {
        "version": 1,
        "kind": "private_input",
        "context": context,
        "circuit": "02" * 32,
        "purpose": "07" * 32,
        "label": 5,
        "proof": TWO_POINTS.hex(),
    }
    assert claim_as_dict(ANSWER) == {
        "version": 1,
        "kind": "private_model_inference",
        "context": context,
        "circuit": "02" * 32,
        "model": "01" * 32,
        "features": "0003ffff",
        "label": 5,
        "proof": ANSWER.proof.hex(),
    }


def refused(path: Path, content: bytes | str) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_claim(path)
    return str(caught.value)


def test_what_is_no_claim_file(tmp_path: Path) -> None:
    path = tmp_path / "claim.json"
    for content in ("", "[]", "1", "null", '"claim"', "[1, 2", "{", b"\xff\xfe{}", b"PK\x03\x04", "9" * 5000):
        assert " is not a claim file" in refused(path, content)
    assert refused(path, "{}") == "a claim is malformed: 'version'"
    for absent in (tmp_path / "absent.json", tmp_path, path / "below"):
        with pytest.raises(InputError, match="is not a claim file"):
            read_claim(absent)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert " is not a claim file" in refused(tmp_path / "claim.json", "[" * 100_000)
    assert " is not a claim file" in refused(tmp_path / "claim.json", '{"a":' * 100_000)


def test_size_limit(tmp_path: Path) -> None:
    path = tmp_path / "claim.json"
    text = json.dumps(claim_as_dict(CLAIM))
    path.write_text(text.ljust(MAX_CLAIM_BYTES))
    assert read_claim(path) == CLAIM
    assert "is not a claim file: larger than 1048576 bytes" in refused(path, text.ljust(MAX_CLAIM_BYTES + 1))
    with pytest.raises(InputError, match="is not a claim file: larger than 1048576 bytes"):
        read_claim(Path("/dev/zero"))


@pytest.mark.parametrize("claim", [CLAIM, ATTESTATION, ANSWER], ids=lambda claim: claim.KIND)
def test_every_truncation_is_refused(tmp_path: Path, claim: Claim) -> None:
    write_claim(claim, tmp_path / "whole.json")
    content = (tmp_path / "whole.json").read_bytes().rstrip()
    for end in range(0, len(content), 7):
        assert " is not a claim file" in refused(tmp_path / "cut.json", content[:end])


@given(st.data())
@settings(max_examples=200)
def test_mutated_files_are_refused_or_are_claims(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    claim = data.draw(st.sampled_from([CLAIM, ATTESTATION, ANSWER]))
    content = bytearray(json.dumps(claim_as_dict(claim)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 4))] = data.draw(
            st.sampled_from([b"", b"0", b"-", b"1e9", b'"', b"}", b"[", b",", b"null", b"\x00", b"\xff", b"99999999"])
        )
    path = tmp_path_factory.mktemp("mutated") / "claim.json"
    path.write_bytes(content)
    try:
        read = read_claim(path)
    except InputError:
        return
    assert claim_from_dict(claim_as_dict(read)) == read


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=200)
def test_wrong_types_anywhere_are_refused_or_are_claims(data: st.DataObject) -> None:
    table = copy.deepcopy(claim_as_dict(data.draw(st.sampled_from([CLAIM, ATTESTATION, ANSWER]))))
    holder = data.draw(st.sampled_from([table, table["context"]]))
    name = data.draw(st.sampled_from(sorted(holder)))
    if data.draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = data.draw(JSON_VALUES)
    try:
        read = claim_from_dict(table)
    except InputError:
        return
    assert claim_from_dict(claim_as_dict(read)) == read


WRONG: list[tuple[str, object, str]] = [
    ("version", 2, "a claim of an unknown version; expected 1; got 2"),
    ("version", "1", "a claim is malformed: a number is out of range"),
    ("version", True, "a claim is malformed: a number is out of range"),
    ("version", 1.0, "a claim is malformed: a number is out of range"),
    ("kind", "private", "a claim of an unknown kind; got private"),
    ("kind", ["private_input"], "a claim of an unknown kind; got ['private_input']"),
    ("context", [], "a claim is malformed: list indices must be integers"),
    ("context", None, "a claim is malformed: "),
    ("circuit", "02" * 31, "a claim is malformed: an identifier is not 32 bytes"),
    ("circuit", "02" * 33, "a claim is malformed: an identifier is not 32 bytes"),
    ("circuit", "0x" + "02" * 31, "a claim is malformed: non-hexadecimal"),
    ("circuit", 2, "a claim is malformed: fromhex() argument must be str, not int"),
    ("model", None, "a claim is malformed: fromhex() argument must be str, not None"),
    ("threshold", -1, "a claim is malformed: a number is out of range"),
    ("threshold", 2**256, "a claim is malformed: a number is out of range"),
    ("threshold", 3.0, "a claim is malformed: a number is out of range"),
    ("threshold", True, "a claim is malformed: a number is out of range"),
    ("threshold", "3", "a claim is malformed: a number is out of range"),
    ("count", None, "a claim is malformed: a number is out of range"),
    ("proof", "", "a point has the wrong length; expected 64 bytes; got 0"),
    ("proof", "00" * 128, "a point is not on the BN254 curve"),
    ("proof", TWO_POINTS.hex()[:-2], "a point has the wrong length; expected 64 bytes; got 63"),
    ("proof", TWO_POINTS.hex()[:-1], "a claim is malformed: non-hexadecimal"),
    ("proof", {}, "a claim is malformed: fromhex() argument must be str, not dict"),
    (
        "proof",
        TWO_POINTS[:POINT_BYTES].hex() + (1 + FIELD_MODULUS).to_bytes(32, "big").hex() + (2).to_bytes(32, "big").hex(),
        "a coordinate is not reduced modulo the BN254 base field",
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "words_of_error"), WRONG, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(WRONG)]
)
def test_wrong_fields_are_named(name: str, value: object, words_of_error: str) -> None:
    with pytest.raises(InputError) as caught:
        claim_from_dict(claim_as_dict(CLAIM) | {name: value})
    assert str(caught.value).startswith(words_of_error)


FEATURES = "a claim is malformed: the features are not two bytes each"
WRONG_ANSWERS: list[tuple[str, object, str]] = [
    ("features", "", FEATURES),
    ("features", "00", FEATURES),
    ("features", "0003ff", FEATURES),
    ("features", "00" * (MAX_FEATURE_BYTES + 2), FEATURES),
    ("features", "000", "a claim is malformed: non-hexadecimal"),
    ("features", "0x0003", "a claim is malformed: non-hexadecimal"),
    ("features", "00\u00b3", "a claim is malformed: non-hexadecimal"),
    ("features", None, "a claim is malformed: fromhex() argument must be str, not None"),
    ("features", [0, 3], "a claim is malformed: fromhex() argument must be str, not list"),
    ("features", {}, "a claim is malformed: fromhex() argument must be str, not dict"),
    ("label", -1, "a claim is malformed: a number is out of range"),
    ("label", 2**256, "a claim is malformed: a number is out of range"),
    ("label", True, "a claim is malformed: a number is out of range"),
    ("label", 5.0, "a claim is malformed: a number is out of range"),
    ("label", "5", "a claim is malformed: a number is out of range"),
    ("model", "01" * 31, "a claim is malformed: an identifier is not 32 bytes"),
    ("circuit", None, "a claim is malformed: fromhex() argument must be str, not None"),
    ("proof", "", "a point has the wrong length; expected 64 bytes; got 0"),
    ("proof", "00" * 128, "a point is not on the BN254 curve"),
]


@pytest.mark.parametrize(
    ("name", "value", "words_of_error"),
    WRONG_ANSWERS,
    ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(WRONG_ANSWERS)],
)
def test_wrong_fields_of_an_answer_are_named(name: str, value: object, words_of_error: str) -> None:
    with pytest.raises(InputError) as caught:
        claim_from_dict(claim_as_dict(ANSWER) | {name: value})
    assert str(caught.value).startswith(words_of_error)


def test_longest_input_that_contracts_take() -> None:
    longest = replace(ANSWER, features=bytes(MAX_FEATURE_BYTES))
    assert claim_from_dict(claim_as_dict(longest)) == longest


@pytest.mark.parametrize(
    ("claim", "name"), [(claim, name) for claim in (CLAIM, ATTESTATION, ANSWER) for name in claim_as_dict(claim)]
)
def test_no_field_may_be_missing(claim: Claim, name: str) -> None:
    table = claim_as_dict(claim)
    del table[name]
    with pytest.raises(InputError) as caught:
        claim_from_dict(table)
    assert str(caught.value) == f"a claim is malformed: '{name}'"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("chain_id", 0, "a chain id is not a positive 256-bit number"),
        ("chain_id", "31337", "a claim is malformed: a number is out of range"),
        ("chain_id", True, "a claim is malformed: a number is out of range"),
        ("contract", CONTRACT.lower(), "the contract is not an EIP-55 address"),
        ("prover", None, "the prover is not an EIP-55 address"),
        ("prover", "\ud800" * 200, "the prover is not an EIP-55 address"),
    ],
)
def test_wrong_context_is_named(name: str, value: object, problem: str) -> None:
    table = claim_as_dict(CLAIM)
    table["context"][name] = value
    with pytest.raises(InputError) as caught:
        claim_from_dict(table)
    assert str(caught.value).startswith(problem)
    assert len(str(caught.value)) < 200


def test_huge_unknown_kind_is_cut_short() -> None:
    with pytest.raises(InputError) as caught:
        claim_from_dict(claim_as_dict(CLAIM) | {"kind": "k" * 100_000})
    assert str(caught.value) == "a claim of an unknown kind; got " + "k" * 80


# Values


def test_results_and_commitment() -> None:
    assert (CLAIM.result, ATTESTATION.result, ANSWER.result) == (4, 5, 5)
    assert CLAIM.commitment == ANSWER.commitment == commitment_of(G1.encode())


@pytest.mark.parametrize(
    "changed",
    [
        replace(CLAIM, context=replace(CONTEXT, chain_id=1)),
        replace(CLAIM, context=replace(CONTEXT, contract=BOB)),
        replace(CLAIM, context=replace(CONTEXT, prover=BOB)),
        replace(CLAIM, model=bytes(32)),
        replace(CLAIM, circuit=bytes(32)),
        replace(CLAIM, threshold=4),
        replace(CLAIM, count=3),
    ],
)
def test_a_claims_challenge_covers_its_fields(changed: AccuracyClaim) -> None:
    assert changed.challenge(TWO_POINTS) != CLAIM.challenge(TWO_POINTS)


def test_kinds_have_challenges_of_their_own() -> None:
    made = (CLAIM, ATTESTATION, ANSWER)
    assert len({claim.challenge(points) for claim in made for points in (TWO_POINTS, b"")}) == 6


@pytest.mark.parametrize(
    "changed",
    [
        replace(ANSWER, context=replace(CONTEXT, chain_id=1)),
        replace(ANSWER, context=replace(CONTEXT, contract=BOB)),
        replace(ANSWER, context=replace(CONTEXT, prover=BOB)),
        replace(ANSWER, model=bytes(32)),
        replace(ANSWER, circuit=bytes(32)),
        replace(ANSWER, features=b"\x00\x03\xff\xfe"),
        replace(ANSWER, features=b"\x00\x03\xff\xff\x00\x00"),
        replace(ANSWER, label=4),
    ],
)
def test_an_answers_challenge_covers_its_fields(changed: InferenceClaim) -> None:
    assert changed.challenge(TWO_POINTS) != ANSWER.challenge(TWO_POINTS)


def test_public_outputs_are_what_contracts_build() -> None:
    word = bytes(32)
    entry = CircuitEntry(word, word, word, word, CONTRACT, 1, 160, 1, 1, 3)
    for claim in (CLAIM, ATTESTATION):
        rho = claim.challenge(TWO_POINTS)
        assert public_outputs(claim, entry, claim.proof) == (rho, 0, 0, 0, claim.result)
    rho = ANSWER.challenge(TWO_POINTS)
    evaluation = (3 + 65535 * rho + rho**2) % SCALAR_MODULUS
    assert public_outputs(ANSWER, entry, ANSWER.proof) == (rho, 0, 0, 0, evaluation, 5)


# Proofs


@dataclass(slots=True)
class Lying:
    """The real engine, but for what a test replaces; counts what is asked of it."""

    engine: EzklEngine
    commit_to: Callable[[Sequence[int]], Sequence[int]] = lambda tensor: tensor
    outputs: Callable[[tuple[int, ...]], tuple[int, ...]] = lambda outputs: outputs
    data: Callable[[bytes], bytes] = lambda data: data
    asked: list[str] = field(default_factory=list[str])

    def __getattr__(self, name: str) -> Any:  # what it prepares is the real engine's
        return getattr(self.engine, name)

    def commit_model(self, statement: Statement, *arguments: Any) -> tuple[Point, ...]:
        *files, model = arguments
        tensor = salted(committed_model(statement, model.network), model.salts, committed_layout(statement))
        return self.commit(*files, tensor)

    def commit(self, *arguments: Any) -> tuple[Point, ...]:
        self.asked.append("commit")
        *files, tensor = arguments
        return cast("Any", self.engine).commit(*files, self.commit_to(tensor))

    def prove(self, *arguments: Any, **named: Any) -> Proof:
        self.asked.append("prove")
        proof = self.engine.prove(*arguments, **named)
        return Proof(self.data(proof.data), self.outputs(proof.outputs))

    def verify(self, *arguments: Any) -> bool:
        self.asked.append("verify")
        return self.engine.verify(*arguments)


def as_engine(lying: Lying) -> Engine:
    return cast("Engine", lying)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A committed model and an honest claim about it."""

    small: Small
    model: SecretModel
    data: LabelledSet
    entry: CircuitEntry
    folder: Path

    def ledger(self, name: str, limit: int = 2) -> ProofLedger:
        return ProofLedger(self.folder / name, limit)

    def prove(self, ledger: ProofLedger, engine: Engine | None = None, **named: Any) -> AccuracyClaim:
        model, context = named.pop("model", self.model), named.pop("context", CONTEXT)
        return prove_accuracy(
            self.small.keyed, engine or self.small.engine, self.entry, model, self.data, context, ledger=ledger, **named
        )

    def holds(self, claim: Claim, *, engine: Engine | None = None, circuit: bytes | None = None) -> bool:
        return verify_claim(self.small.keyed, engine or self.small.engine, self.entry, claim, circuit=circuit)


@pytest.fixture(scope="module")
def accuracy(tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine, srs_of: SrsOf) -> Accuracy:
    random = np.random.default_rng(4)
    network = random_network(random, (3, 4, 3), (2,))
    data = random_set(random, network, 6)
    folder = tmp_path_factory.mktemp("accuracy")
    small = small_accuracy(folder, quick_engine, srs_of, network, data)
    return Accuracy(small, SecretModel(network, (1, 2, 3)), data, small.keyed.entry(), folder)


@pytest.fixture(scope="module")
def claim(accuracy: Accuracy) -> AccuracyClaim:
    return accuracy.prove(accuracy.ledger("honest"))


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine, srs_of: SrsOf) -> Small:
    random = np.random.default_rng(5)
    while True:
        network = random_network(random, (3, 4, 3), (2,))
        if predict(network, np.array([[1, 2, 3]]))[0] >= 0:
            return small_input(tmp_path_factory.mktemp("input"), quick_engine, srs_of, network, np.array([1, 2, 3]))


def attest(asking: Small, engine: Engine | None = None, **named: Any) -> InputAttestation:
    sample = named.pop("sample", np.array([1, 2, 3]))
    purpose = named.pop("purpose", PURPOSE)
    return prove_input(
        asking.keyed, engine or asking.engine, asking.keyed.entry(), asking.network, sample, CONTEXT, purpose=purpose,
        **named,
    )  # fmt: skip


@pytest.fixture(scope="module")
def attestation(asking: Small) -> InputAttestation:
    return attest(asking)


def test_honest_claim(accuracy: Accuracy, claim: AccuracyClaim, tmp_path: Path) -> None:
    expected = int((predict(accuracy.model.network, accuracy.data.inputs) == accuracy.data.labels).sum())
    assert (claim.count, claim.threshold) == (expected, expected)
    commitment = commit_model(accuracy.small.keyed, accuracy.small.engine, accuracy.model)
    assert claim.commitment == commitment
    assert claim.model == model_id(ALICE, commitment)
    assert claim.circuit == accuracy.entry.identifier()
    assert accuracy.ledger("honest").used == 1
    write_claim(claim, tmp_path / "claim.json")
    assert accuracy.holds(read_claim(tmp_path / "claim.json"))


def test_commitment_depends_on_weights_and_salts(accuracy: Accuracy) -> None:
    def commit(model: SecretModel) -> bytes:
        return commit_model(accuracy.small.keyed, accuracy.small.engine, model)

    other = random_network(np.random.default_rng(9), (3, 4, 3), (2,))
    made = {
        commit(accuracy.model),
        commit(SecretModel(accuracy.model.network, (1, 2, 4))),
        commit(SecretModel(other, (1, 2, 3))),
    }
    assert len(made) == 3
    assert commit(accuracy.model) in made
    with pytest.raises(InputError, match="a private tensor has the wrong length"):
        commit(SecretModel(accuracy.model.network, (1, 2)))
    wide = random_network(np.random.default_rng(9), (3, 5, 3), (2,))
    with pytest.raises(ModelError, match="not of the circuit's architecture"):
        commit(SecretModel(wide, (1, 2, 3)))


def test_lower_threshold_is_another_claim(accuracy: Accuracy) -> None:
    made = accuracy.prove(accuracy.ledger("lower"), threshold=1)
    assert made.threshold == 1 < made.count
    assert accuracy.holds(made)
    assert not accuracy.holds(replace(made, threshold=2))


def changed_claims(claim: AccuracyClaim, entry: CircuitEntry, samples: int) -> dict[str, AccuracyClaim]:
    """Each with one thing changed that can be seen without asking the engine."""
    other_point = point_near(1000).encode()
    return {
        "circuit": replace(claim, circuit=bytes(32)),
        "model": replace(claim, model=bytes(32)),
        "model of another owner": replace(claim, context=replace(claim.context, prover=BOB)),
        "commitment": replace(claim, proof=other_point + claim.proof[POINT_BYTES:]),
        "threshold 0": replace(claim, threshold=0),
        "threshold above count": replace(claim, threshold=claim.count + 1),
        "more than all": replace(claim, count=samples + 1),
        "count of 256 bits": replace(claim, count=2**256 - 1),
        "threshold of 256 bits": replace(claim, threshold=2**256 - 1),
        "count beyond the field": replace(claim, count=claim.count + SCALAR_MODULUS),
        "short": replace(claim, proof=claim.proof[:-1]),
        "long": replace(claim, proof=claim.proof + b"\x00"),
        "points only": replace(claim, proof=claim.proof[: 2 * POINT_BYTES]),
    }


def test_what_is_false_before_the_engine_is_asked(accuracy: Accuracy, claim: AccuracyClaim, asking: Small) -> None:
    engine = Lying(accuracy.small.engine)
    for name, changed in changed_claims(claim, accuracy.entry, len(accuracy.data.labels)).items():
        assert not accuracy.holds(changed, engine=as_engine(engine)), name
    keyed = accuracy.small.keyed
    foreign = InputAttestation(CONTEXT, claim.circuit, PURPOSE, claim.count, claim.proof)
    assert not verify_claim(keyed, as_engine(engine), accuracy.entry, foreign)
    assert not verify_claim(keyed, as_engine(engine), replace(accuracy.entry, vka_digest=bytes(32)), claim)
    assert not verify_claim(asking.keyed, as_engine(engine), asking.keyed.entry(), claim)
    assert not accuracy.holds(claim, engine=as_engine(engine), circuit=bytes(32))
    assert engine.asked == []
    assert accuracy.holds(claim, engine=as_engine(engine))
    assert engine.asked == ["verify"]


def test_what_only_the_proof_shows_to_be_false(accuracy: Accuracy, claim: AccuracyClaim) -> None:
    samples = len(accuracy.data.labels)
    assert 1 < claim.count < samples
    for changed in (
        replace(claim, count=claim.count + 1),
        replace(claim, threshold=claim.threshold - 1),
        replace(claim, count=claim.count - 1, threshold=1),
        replace(claim, context=replace(CONTEXT, chain_id=1)),
        replace(claim, context=replace(CONTEXT, contract=BOB)),
        replace(claim, context=replace(CONTEXT, prover=BOB), model=model_id(BOB, claim.commitment)),
    ):
        assert not accuracy.holds(changed)


@settings(max_examples=12)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_false(accuracy: Accuracy, claim: AccuracyClaim, place: int, bit: int) -> None:
    flipped = bytearray(claim.proof)
    flipped[place % len(flipped)] ^= 1 << bit
    assert not accuracy.holds(replace(claim, proof=bytes(flipped)))


def test_sealed_set_is_claimed_under_its_publishers_circuit(accuracy: Accuracy, claim: AccuracyClaim) -> None:
    sealed = accuracy.entry.identifier(BOB)
    made = accuracy.prove(accuracy.ledger("sealed"), publisher_circuit=sealed)
    assert made.circuit == sealed
    assert accuracy.holds(made, circuit=sealed)
    assert not accuracy.holds(made)
    assert not accuracy.holds(replace(claim, circuit=sealed), circuit=sealed)


@pytest.mark.parametrize("threshold", [0, -1, 7, 6])
def test_threshold_out_of_reach_is_not_proved(accuracy: Accuracy, threshold: int) -> None:
    engine, ledger = Lying(accuracy.small.engine), accuracy.ledger(f"reach{threshold}")
    with pytest.raises(InputError) as caught:
        accuracy.prove(ledger, as_engine(engine), threshold=threshold)
    assert caught.value.problem == "the model does not reach the threshold"
    assert caught.value.expected == f"at least {threshold} of 6 correct"
    assert (engine.asked, ledger.used) == ([], 0)


def test_model_of_another_shape_is_refused_before_any_work(accuracy: Accuracy) -> None:
    engine = Lying(accuracy.small.engine)
    wide = SecretModel(random_network(np.random.default_rng(1), (3, 5, 3), (2,)), (1, 2, 3))
    with pytest.raises(ModelError, match="not of the circuit's architecture"):
        accuracy.prove(accuracy.ledger("wide"), as_engine(engine), model=wide)
    assert engine.asked == []


def test_ledger_must_not_allow_more_than_the_salts_hide(accuracy: Accuracy) -> None:
    engine = Lying(accuracy.small.engine)
    with pytest.raises(InputError) as caught:
        accuracy.prove(accuracy.ledger("wide", 3), as_engine(engine))
    assert str(caught.value) == "the ledger allows more proofs than the salts hide; expected 2; got 3"
    assert engine.asked == []


def test_ledger_counts_to_its_limit_and_then_nothing_is_proved(accuracy: Accuracy) -> None:
    engine, ledger = Lying(accuracy.small.engine), accuracy.ledger("limit")
    for used in (1, 2):
        assert accuracy.holds(accuracy.prove(ledger, as_engine(engine)))
        assert ledger.used == used
    engine.asked.clear()
    with pytest.raises(ProofError, match="this commitment has no proof left"):
        accuracy.prove(ledger, as_engine(engine))
    assert "prove" not in engine.asked
    assert ledger.used == 2


def test_full_ledger_keeps_back_a_proof_that_is_already_made(accuracy: Accuracy) -> None:
    """Another process takes the last place while this one proves."""
    ledger = accuracy.ledger("raced", 1)

    def late(data: bytes) -> bytes:
        ledger.record(b"the other process's proof")
        return data

    with pytest.raises(ProofError, match="this commitment has no proof left"):
        accuracy.prove(ledger, as_engine(Lying(accuracy.small.engine, data=late)))
    assert ledger.used == 1


def test_engine_that_says_something_else_is_not_believed(accuracy: Accuracy) -> None:
    ledger = accuracy.ledger("lying")
    for liar in (
        Lying(accuracy.small.engine, outputs=lambda outputs: (outputs[0], 1, *outputs[2:])),
        Lying(accuracy.small.engine, outputs=lambda outputs: (*outputs[:-1], outputs[-1] + 1)),
        Lying(accuracy.small.engine, outputs=lambda outputs: (outputs[0] + 1, *outputs[1:])),
        Lying(accuracy.small.engine, data=lambda data: data + b"\x00"),
    ):
        with pytest.raises(ProofError) as caught:
            accuracy.prove(ledger, as_engine(liar))
        assert caught.value.problem == "the circuit's outputs are not the claim's"
    assert ledger.used == 0


def test_a_claim_is_about_the_model_that_its_proof_opens(accuracy: Accuracy) -> None:
    """Not about what the prover says it committed to: salts unlike those of a registered model give another model."""
    engine = Lying(accuracy.small.engine, commit_to=lambda tensor: [*tensor[:-1], tensor[-1] + 1])
    salted_anew = SecretModel(accuracy.model.network, (1, 2, 4))
    made = accuracy.prove(accuracy.ledger("anew"), as_engine(engine), model=salted_anew)
    assert engine.asked == ["prove"]
    assert made.model == model_id(ALICE, commitment_of(made.proof[:POINT_BYTES]))
    assert made.commitment == commit_model(accuracy.small.keyed, accuracy.small.engine, salted_anew)
    assert made.commitment != commit_model(accuracy.small.keyed, accuracy.small.engine, accuracy.model)
    assert accuracy.holds(made)


def test_honest_attestation(asking: Small, attestation: InputAttestation, tmp_path: Path) -> None:
    assert attestation.label == asking.honest.result
    write_claim(attestation, tmp_path / "answer.json")
    read = read_claim(tmp_path / "answer.json")
    assert verify_claim(asking.keyed, asking.engine, asking.keyed.entry(), read)
    for changed in (
        replace(attestation, label=(attestation.label + 1) % 3),
        replace(attestation, purpose=bytes(32)),
        replace(attestation, context=replace(CONTEXT, prover=BOB)),
        replace(attestation, circuit=bytes(32)),
        replace(attestation, proof=attestation.proof[:-1]),
    ):
        assert not verify_claim(asking.keyed, asking.engine, asking.keyed.entry(), changed)


def test_label_beyond_the_field_is_false(asking: Small) -> None:
    """The engine reduces public outputs modulo r: a prover who means label + r from the start must not pass."""
    entry = asking.keyed.entry()
    for excess in (SCALAR_MODULUS, 4 * SCALAR_MODULUS):
        draft = InputAttestation(CONTEXT, entry.identifier(), PURPOSE, asking.honest.result + excess, b"")
        tensors = Tensors(asking.honest.committed, asking.honest.witness)
        proof = asking.prove(tensors, challenge=draft.challenge)
        assert not verify_claim(asking.keyed, asking.engine, entry, replace(draft, proof=proof.data))


def test_input_commitment_is_fresh_unless_salts_last(
    asking: Small, attestation: InputAttestation, tmp_path: Path
) -> None:
    assert attest(asking).proof[:POINT_BYTES] != attestation.proof[:POINT_BYTES]
    ledger = ProofLedger(tmp_path / "input.proofs", 2)
    first, second = (attest(asking, input_salts=(4, 5, 6), ledger=ledger) for _ in range(2))
    assert first.proof[:POINT_BYTES] == second.proof[:POINT_BYTES]
    assert first.proof[POINT_BYTES : 2 * POINT_BYTES] != second.proof[POINT_BYTES : 2 * POINT_BYTES]
    assert ledger.used == 2
    with pytest.raises(ProofError, match="this commitment has no proof left"):
        attest(asking, input_salts=(4, 5, 6), ledger=ledger)


def test_attestation_refusals(asking: Small, tmp_path: Path) -> None:
    engine, ledger = Lying(asking.engine), ProofLedger(tmp_path / "input.proofs", 2)
    for named, line in (
        ({"purpose": b""}, "a purpose is 32 bytes; got 0"),
        ({"purpose": bytes(33)}, "a purpose is 32 bytes; got 33"),
        ({"input_salts": (1, 2, 3)}, "lasting input salts and a proof ledger go together"),
        ({"ledger": ledger}, "lasting input salts and a proof ledger go together"),
        (
            {"input_salts": (1, 2), "ledger": ledger},
            "a private tensor has the wrong length; expected (3, 3); got (3, 2)",
        ),
        (
            {"input_salts": (1, 2, 3), "ledger": ProofLedger(tmp_path / "wide", 3)},
            "the ledger allows more proofs than the salts hide; expected 2; got 3",
        ),
        ({"sample": np.array([1, 2])}, "inputs have the wrong shape; expected [samples, 3]; got [1, 2]"),
        ({"sample": np.array([1, 2, 4])}, "an input is out of range; expected [0, 3]; got [1, 4]"),
        ({"sample": np.array([1, 2, -1])}, "an input is out of range; expected [0, 3]; got [-1, 2]"),
    ):
        with pytest.raises(InputError) as caught:
            attest(asking, as_engine(engine), **cast("dict[str, Any]", named))
        assert str(caught.value) == line
    assert (engine.asked, ledger.used) == ([], 0)


# Answers to public inputs


SAMPLE = np.array([1, 2, 3])


@dataclass(frozen=True, slots=True)
class Answering:
    """The inference circuit for the models of ``Accuracy``, at its k or another."""

    small: Small
    model: SecretModel
    entry: CircuitEntry

    def prove(self, ledger: ProofLedger, engine: Engine | None = None, **named: Any) -> InferenceClaim:
        sample, context = named.pop("sample", SAMPLE), named.pop("context", CONTEXT)
        return prove_inference(
            self.small.keyed,
            engine or self.small.engine,
            self.entry,
            named.pop("model", self.model),
            sample,
            context,
            ledger=ledger,
        )

    def holds(self, claim: Claim, engine: Engine | None = None) -> bool:
        return verify_claim(self.small.keyed, engine or self.small.engine, self.entry, claim)


@pytest.fixture(scope="module")
def answering(
    accuracy: Accuracy, tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine, srs_of: SrsOf
) -> Answering:
    network, degree = accuracy.model.network, accuracy.small.keyed.circuit.degree
    folder = tmp_path_factory.mktemp("answers")
    small = small_inference(folder, quick_engine, srs_of, network, SAMPLE, degree=degree)
    return Answering(small, accuracy.model, small.keyed.entry())


@pytest.fixture(scope="module")
def answer(answering: Answering, accuracy: Accuracy) -> InferenceClaim:
    return answering.prove(accuracy.ledger("answer"))


def test_honest_answer(answering: Answering, answer: InferenceClaim, accuracy: Accuracy, tmp_path: Path) -> None:
    assert answer.label == predict(answering.model.network, SAMPLE[None])[0]
    assert answer.features == encode_features([1, 2, 3])
    assert answer.circuit == answering.entry.identifier()
    assert accuracy.ledger("answer").used == 1
    outputs = public_outputs(answer, answering.entry, answer.proof)
    assert len(outputs) == answering.small.statement.public_outputs
    assert outputs[-2] == evaluate_features(answer.features, outputs[0])
    write_claim(answer, tmp_path / "answer.json")
    assert answering.holds(read_claim(tmp_path / "answer.json"))


def test_the_model_that_answers_is_the_model_that_was_certified(
    answer: InferenceClaim, answering: Answering, claim: AccuracyClaim, accuracy: Accuracy
) -> None:
    commitment = commit_model(accuracy.small.keyed, accuracy.small.engine, accuracy.model)
    assert commit_model(answering.small.keyed, answering.small.engine, answering.model) == commitment
    assert answer.commitment == claim.commitment == commitment
    assert answer.model == claim.model == model_id(ALICE, commitment)


def test_under_another_k_it_is_another_model(
    answering: Answering, accuracy: Accuracy, answer: InferenceClaim, srs_of: SrsOf, tmp_path: Path
) -> None:
    """A true claim about a commitment that nobody registered: what the docstring of ``prove_inference`` warns of."""
    degree = accuracy.small.keyed.circuit.degree + 1
    small = small_inference(tmp_path, answering.small.engine, srs_of, answering.model.network, SAMPLE, degree=degree)
    larger = Answering(small, answering.model, small.keyed.entry())
    made = larger.prove(ProofLedger(tmp_path / "proofs", 2))
    assert larger.holds(made)
    assert made.label == answer.label
    assert made.model != answer.model
    assert not answering.holds(made)


def changed_answers(answer: InferenceClaim) -> dict[str, InferenceClaim]:
    """Each with one thing changed that can be seen without asking the engine."""
    return {
        "circuit": replace(answer, circuit=bytes(32)),
        "model": replace(answer, model=bytes(32)),
        "model of another owner": replace(answer, context=replace(answer.context, prover=BOB)),
        "commitment": replace(answer, proof=point_near(1000).encode() + answer.proof[POINT_BYTES:]),
        "no features": replace(answer, features=b""),
        "a byte less": replace(answer, features=answer.features[:-1]),
        "a feature less": replace(answer, features=answer.features[:-2]),
        "a zero feature more": replace(answer, features=answer.features + bytes(2)),
        "twice": replace(answer, features=answer.features * 2),
        "short": replace(answer, proof=answer.proof[:-1]),
        "long": replace(answer, proof=answer.proof + b"\x00"),
        "points only": replace(answer, proof=answer.proof[: 2 * POINT_BYTES]),
    }


def test_what_is_no_answer_before_the_engine_is_asked(
    answering: Answering, answer: InferenceClaim, accuracy: Accuracy, claim: AccuracyClaim, asking: Small
) -> None:
    engine = Lying(answering.small.engine)
    for name, changed in changed_answers(answer).items():
        assert not answering.holds(changed, as_engine(engine)), name
    keyed, entry = answering.small.keyed, answering.entry
    assert not verify_claim(keyed, as_engine(engine), replace(entry, vka_digest=bytes(32)), answer)
    assert not verify_claim(keyed, as_engine(engine), entry, answer, circuit=bytes(32))
    assert not verify_claim(accuracy.small.keyed, as_engine(engine), accuracy.entry, answer)
    assert not verify_claim(asking.keyed, as_engine(engine), asking.keyed.entry(), answer)
    about_count = AccuracyClaim(CONTEXT, answer.model, answer.circuit, 1, 1, answer.proof)
    about_input = InputAttestation(CONTEXT, answer.circuit, PURPOSE, answer.label, answer.proof)
    for confused in (about_count, about_input, claim, replace(claim, circuit=answer.circuit)):
        assert not answering.holds(confused, as_engine(engine))
    as_answer = InferenceClaim(CONTEXT, claim.model, claim.circuit, answer.features, claim.count, claim.proof)
    assert not accuracy.holds(as_answer, engine=as_engine(engine))
    assert engine.asked == []
    assert answering.holds(answer, as_engine(engine))
    assert engine.asked == ["verify"]


def test_what_only_the_proof_shows_to_be_no_answer(answering: Answering, answer: InferenceClaim) -> None:
    for changed in (
        *(replace(answer, label=label) for label in range(3) if label != answer.label),
        replace(answer, label=3),
        replace(answer, label=answer.label + SCALAR_MODULUS),
        replace(answer, label=2**256 - 1),
        replace(answer, features=encode_features([1, 2, 2])),
        replace(answer, features=encode_features([2, 1, 3])),
        replace(answer, features=encode_features([1, 2, 65535])),
        replace(answer, context=replace(CONTEXT, chain_id=1)),
        replace(answer, context=replace(CONTEXT, contract=BOB)),
        replace(answer, context=replace(CONTEXT, prover=BOB), model=model_id(BOB, answer.commitment)),
    ):
        assert not answering.holds(changed)


def test_a_proof_about_a_set_is_no_answer(
    answering: Answering, accuracy: Accuracy, claim: AccuracyClaim, answer: InferenceClaim
) -> None:
    """Under the other circuit's id and ρ, and of its length, it is the engine that refuses."""
    engine = Lying(answering.small.engine)
    for keyed, entry, wrong in (
        (
            answering.small.keyed,
            answering.entry,
            replace(answer, proof=(claim.proof + bytes(len(answer.proof)))[: len(answer.proof)]),
        ),
        (
            accuracy.small.keyed,
            accuracy.entry,
            replace(claim, proof=(answer.proof + bytes(len(claim.proof)))[: len(claim.proof)]),
        ),
    ):
        assert not verify_claim(keyed, as_engine(engine), entry, wrong)
    assert engine.asked == ["verify", "verify"]


@settings(max_examples=8)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_no_answer(answering: Answering, answer: InferenceClaim, place: int, bit: int) -> None:
    flipped = bytearray(answer.proof)
    flipped[place % len(flipped)] ^= 1 << bit
    assert not answering.holds(replace(answer, proof=bytes(flipped)))


def test_label_of_an_answer_beyond_the_field_is_false(answering: Answering, answer: InferenceClaim) -> None:
    """A prover who means label + r from the start: the engine would reduce it."""
    small = answering.small
    for excess in (SCALAR_MODULUS, 4 * SCALAR_MODULUS):
        draft = replace(answer, label=answer.label + excess)
        proof = small.prove(small.honest, challenge=draft.challenge)
        assert not answering.holds(replace(draft, proof=proof.data))


def test_an_input_above_the_models_range_is_not_proved_but_may_be_true(
    answering: Answering, accuracy: Accuracy
) -> None:
    """``input_max`` is what the model was made for. An honest prover stops there; the circuit takes any two bytes."""
    engine, ledger = Lying(answering.small.engine), accuracy.ledger("range")
    for sample, line in (
        (np.array([1, 2, 4]), "an input is out of range; expected [0, 3]; got [1, 4]"),
        (np.array([1, 2, 1 << 16]), "an input is out of range; expected [0, 3]; got [1, 65536]"),
        (np.array([1, 2, -1]), "an input is out of range; expected [0, 3]; got [-1, 2]"),
        (np.array([1, 2]), "inputs have the wrong shape; expected [samples, 3]; got [1, 2]"),
        (np.array([[1, 2, 3], [1, 2, 3]]), "inputs have the wrong shape; expected [samples, 3]; got [1, 6]"),
        (np.array([1.0, 2.0, 3.0]), "inputs must be integers; got float64"),
        (np.array([1.0, 2.0, np.nan]), "inputs must be integers; got float64"),
    ):
        with pytest.raises(InputError) as caught:
            answering.prove(ledger, as_engine(engine), sample=sample)
        assert str(caught.value) == line
    assert (engine.asked, ledger.used) == ([], 0)


def test_a_tie_is_not_answered(answering: Answering, accuracy: Accuracy) -> None:
    engine, ledger = Lying(answering.small.engine), accuracy.ledger("tie")
    flat = replace(
        answering.model.network,
        layers=tuple(
            replace(layer, weight=layer.weight * 0, bias=layer.bias * 0) for layer in answering.model.network.layers
        ),
    )
    with pytest.raises(InputError, match="the model's two greatest logits are equal for this input"):
        answering.prove(ledger, as_engine(engine), model=SecretModel(flat, (1, 2, 3)))
    assert (engine.asked, ledger.used) == ([], 0)


def test_models_that_cannot_answer_under_this_circuit(answering: Answering, accuracy: Accuracy) -> None:
    engine, ledger = Lying(answering.small.engine), accuracy.ledger("shape")
    wide = SecretModel(random_network(np.random.default_rng(1), (3, 5, 3), (2,)), (1, 2, 3))
    with pytest.raises(ModelError, match="not of the circuit's architecture"):
        answering.prove(ledger, as_engine(engine), model=wide)
    with pytest.raises(InputError, match="a private tensor has the wrong length"):
        answering.prove(ledger, as_engine(engine), model=replace(answering.model, salts=(1, 2)))
    with pytest.raises(InputError, match="the ledger allows more proofs than the salts hide"):
        answering.prove(accuracy.ledger("three", 3), as_engine(engine))
    assert (engine.asked, ledger.used) == ([], 0)


def test_an_engine_that_shows_something_else_is_not_believed(answering: Answering, accuracy: Accuracy) -> None:
    ledger = accuracy.ledger("lying answers")
    for liar in (
        Lying(answering.small.engine, outputs=lambda outputs: (*outputs[:-2], outputs[-2] + 1, outputs[-1])),
        Lying(answering.small.engine, outputs=lambda outputs: (*outputs[:-1], outputs[-1] + 1)),
        Lying(answering.small.engine, outputs=lambda outputs: (outputs[0], 1, *outputs[2:])),
    ):
        with pytest.raises(ProofError) as caught:
            answering.prove(ledger, as_engine(liar))
        assert caught.value.problem == "the circuit's outputs are not the claim's"
    assert ledger.used == 0


def test_claims_and_answers_share_one_budget(answering: Answering, accuracy: Accuracy) -> None:
    """Every proof of either circuit is one relation on the same salts: two of three proofs are all that they hide."""
    engine, ledger = Lying(answering.small.engine), accuracy.ledger("shared")
    assert accuracy.holds(accuracy.prove(ledger))
    assert answering.holds(answering.prove(ledger))
    assert ledger.used == accuracy.model.proof_limit == 2
    for attempt in (
        lambda: answering.prove(ledger, as_engine(engine)),
        lambda: accuracy.prove(ledger, as_engine(engine)),
    ):
        with pytest.raises(ProofError, match="this commitment has no proof left"):
            attempt()
    assert (engine.asked, ledger.used) == ([], 2)
