"""The native engine behind the protocol that ezkl serves: the same calls, statements and claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from eth_utils.crypto import keccak

from pyml.errors import CircuitError, InputError, IntegrityError, PymlError, SrsError, ToolMissingError
from pyml.ml.integer import correct_of, hidden
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import LabelledSet, accuracy_statement, inference_statement
from pyml.zk.claims import AccuracyClaim, commit_model, prove_accuracy, prove_inference, verify_claim
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.native.circuit import data_writer, read_key, read_shape, settings_of, shape_of
from pyml.zk.native.core import load_core
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.engine import NativeEngine, blind_of
from pyml.zk.native.registration import require_experimental
from pyml.zk.native.shape import Shape
from pyml.zk.srs import Srs, open_srs
from pyml.zk.statement import Numerics, Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Keyed, Workspace
from tests.zk.native.toy_cases import random_network

CONTEXT = Context(31337, "0x" + "11" * 20, "0x" + "22" * 20)
SHAPE = Shape(
    samples=11, widths=(5, 4, 3), shifts=(2,), bias_units=(1, 2), limb_bits=9, margin_limbs=2, degree=12, weight_bits=6
)
NUMERICS = Numerics(lookup_bits=8, margin_limbs=2, committed_salts=8)


@dataclass(frozen=True)
class Small:
    """A network, a set, and their native circuit, keyed."""

    engine: NativeEngine
    keyed: Keyed
    model: SecretModel
    data: LabelledSet
    statement: Statement

    @property
    def entry(self) -> CircuitEntry:
        return self.keyed.entry(dedicated_verifier="0x" + "33" * 20, verifier_code_hash=keccak(b"code"))

    @property
    def count(self) -> int:
        return int(correct_of(hidden(self.model.network, self.data.inputs)[-1], self.data.labels).sum())

    def claim(self, ledger: ProofLedger) -> AccuracyClaim:
        return prove_accuracy(self.keyed, self.engine, self.entry, self.model, self.data, CONTEXT, ledger=ledger)

    def holds(self, claim: AccuracyClaim) -> bool:
        return verify_claim(self.keyed, self.engine, self.entry, claim)


@pytest.fixture(scope="module", autouse=True)
def _core() -> None:
    try:
        load_core()
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def srs(tmp_path_factory: pytest.TempPathFactory) -> Srs:
    path = tmp_path_factory.mktemp("srs") / "insecure-dev-k12.srs"
    write_insecure_powers(path, 12)
    return open_srs(path)


@pytest.fixture(scope="module")
def small(srs: Srs, tmp_path_factory: pytest.TempPathFactory) -> Small:
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(1)
    network = random_network(SHAPE, rng, 15)
    inputs = rng.integers(0, 16, size=(11, 5), dtype=np.int64)
    labels = np.where(rng.random(11) < 0.7, hidden(network, inputs)[-1].argmax(1), 0).astype(np.int64)
    data = LabelledSet("toy/test[0:11]", inputs, labels)
    statement = accuracy_statement(architecture_of(network), data, NUMERICS)
    engine = NativeEngine(home)
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, data_writer(statement, data))
    keyed = workspace.set_up(circuit, srs)
    model = SecretModel(network, tuple(range(1, 9)))
    return Small(engine, keyed, model, data, statement)


@pytest.fixture
def ledger(tmp_path: Path, small: Small) -> ProofLedger:
    return ProofLedger(tmp_path / "ledger", small.model.proof_limit)


def test_a_claim_holds_and_counts_what_the_integer_model_counts(small: Small, ledger: ProofLedger) -> None:
    claim = small.claim(ledger)
    assert claim.count == small.count > 0
    assert small.holds(claim)
    assert claim.commitment == commit_model(small.keyed, small.engine, small.model)
    assert ledger.used == 1


ELSEWHERE = "0x" + "44" * 20
CHANGES: dict[str, Callable[[AccuracyClaim], AccuracyClaim]] = {
    "one more correct": lambda claim: replace(claim, count=claim.count + 1),
    "one fewer": lambda claim: replace(claim, count=claim.count - 1, threshold=1),
    "another threshold": lambda claim: replace(claim, threshold=1),
    "another model": lambda claim: replace(claim, model=bytes(32)),
    "another circuit": lambda claim: replace(claim, circuit=bytes(32)),
    "another chain": lambda claim: replace(claim, context=replace(claim.context, chain_id=1)),
    "another prover": lambda claim: replace(claim, context=replace(claim.context, prover=ELSEWHERE)),
    "another contract": lambda claim: replace(claim, context=replace(claim.context, contract=ELSEWHERE)),
    "one bit": lambda claim: replace(claim, proof=claim.proof[:-1] + bytes([claim.proof[-1] ^ 1])),
    "a word less": lambda claim: replace(claim, proof=claim.proof[:-32]),
    "a word more": lambda claim: replace(claim, proof=claim.proof + bytes(32)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_claim_is_false(small: Small, ledger: ProofLedger, change: str) -> None:
    assert not small.holds(CHANGES[change](small.claim(ledger)))


def test_two_proofs_of_one_claim_share_nothing_but_the_commitment(small: Small, ledger: ProofLedger) -> None:
    first, second = small.claim(ledger).proof, small.claim(ledger).proof
    words = range(0, len(first), 32)
    assert [i for i in words if first[i : i + 32] == second[i : i + 32]] == [0, 32]


def test_an_answer_is_proved_under_the_same_commitment(
    small: Small, srs: Srs, ledger: ProofLedger, tmp_path: Path
) -> None:
    statement = inference_statement(small.statement, 12)
    workspace = Workspace(tmp_path, small.engine)
    keyed = workspace.set_up(workspace.build_circuit(statement, data_writer(statement, None)), srs)
    sample = small.data.inputs[0]
    entry = keyed.entry(dedicated_verifier="0x" + "33" * 20, verifier_code_hash=keccak(b"code"))
    claim = prove_inference(keyed, small.engine, entry, small.model, sample, CONTEXT, ledger=ledger)
    assert claim.label == hidden(small.model.network, sample.reshape(1, -1))[-1].argmax()
    assert claim.commitment == commit_model(small.keyed, small.engine, small.model)
    assert verify_claim(keyed, small.engine, entry, claim)
    assert not verify_claim(keyed, small.engine, entry, replace(claim, label=(claim.label + 1) % 3))
    other = bytes([claim.features[0], claim.features[1] ^ 1, *claim.features[2:]])
    assert not verify_claim(keyed, small.engine, entry, replace(claim, features=other))


def test_a_threshold_out_of_reach_is_not_proved(small: Small, ledger: ProofLedger) -> None:
    with pytest.raises(InputError, match="does not reach the threshold"):
        prove_accuracy(
            small.keyed, small.engine, small.entry, small.model, small.data, CONTEXT,
            threshold=small.count + 1, ledger=ledger,
        )  # fmt: skip
    assert ledger.used == 0


def test_powers_of_another_tau_are_refused(small: Small, tmp_path: Path, ledger: ProofLedger) -> None:
    path = tmp_path / "insecure-dev-k12.srs"
    write_insecure_powers(path, 12)
    other = replace(small, keyed=replace(small.keyed, srs=open_srs(path)))
    with pytest.raises(PymlError, match="powers of tau"):
        other.claim(ledger)
    with pytest.raises(CircuitError, match="powers of tau"):
        other.holds(small.claim(ledger))


def test_too_few_powers_are_refused(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "insecure-dev-k6.srs"
    write_insecure_powers(path, 6)
    with pytest.raises(SrsError, match="larger than the structured reference string"):
        Workspace(tmp_path, small.engine).set_up(small.keyed.circuit, open_srs(path))


def test_data_that_the_circuit_does_not_pin_are_refused(small: Small) -> None:
    inputs = small.data.inputs.copy()
    inputs[0, 0] ^= 1
    with pytest.raises(CircuitError, match="not the ones that the circuit pins"):
        data_writer(small.statement, replace(small.data, inputs=inputs))


def test_the_workspace_keeps_the_engines_apart_and_sees_altered_files(small: Small) -> None:
    assert small.keyed.circuit.files.folder.parent.name == "native"
    data = small.keyed.circuit.files.folder / "data.npy"
    kept = data.read_bytes()
    try:
        data.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(IntegrityError, match="missing or altered"):
            Workspace(small.keyed.circuit.files.folder.parents[3], small.engine).build_circuit(
                small.statement, data_writer(small.statement, small.data)
            )
    finally:
        data.write_bytes(kept)


def test_settings_and_keys_are_read_back_and_anything_else_is_refused(small: Small, tmp_path: Path) -> None:
    settings = small.keyed.circuit.files.settings
    assert read_shape(settings) == shape_of(small.statement)
    assert settings.read_bytes() == settings_of(small.statement)
    assert read_key(small.keyed.files.verifying_key).shape == shape_of(small.statement)
    broken = tmp_path / "settings.json"
    for old, new in (
        (b"11", b'"11"'),
        (b'"samples"', b'"sample"'),
        (b'"native"', b'"ezkl"'),
        (b"{", b"["),
        (b"5", b"0"),
    ):
        broken.write_bytes(settings.read_bytes().replace(old, new, 1))
        with pytest.raises(CircuitError):
            read_shape(broken)
    for old, new in ((b'"form"', b'"firm"'), (b"0x", b"zz"), (b'"data"', b'"date"')):
        broken.write_bytes(small.keyed.files.verifying_key.read_bytes().replace(old, new, 1))
        with pytest.raises(CircuitError):
            read_key(broken)


def test_statements_of_other_kinds_are_left_to_ezkl(small: Small) -> None:
    link = replace(inference_statement(small.statement, 12), kind="model_link")
    with pytest.raises(CircuitError, match="does not prove model_link") as caught:
        shape_of(link)
    assert "--engine ezkl" in str(caught.value.hint)


def test_the_blind_depends_on_every_salt_the_network_and_the_powers(small: Small) -> None:
    tau = (1, 2, 3, 4)
    other = random_network(SHAPE, np.random.default_rng(9), 15)
    blinds = {blind_of(small.model, tau), blind_of(SecretModel(other, small.model.salts), tau)}
    blinds |= {
        blind_of(small.model, tuple(number + (place == each) for place, number in enumerate(tau))) for each in range(4)
    }
    for place in range(len(small.model.salts)):
        salts = list(small.model.salts)
        salts[place] += 1
        blinds.add(blind_of(SecretModel(small.model.network, tuple(salts)), tau))
    assert len(blinds) == 6 + len(small.model.salts)


def test_a_circuit_folder_remembers_its_engine_and_its_verifiers(small: Small, tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path / "circuit", small.statement, native=True)
    assert CircuitFolder.open(folder.path).native
    assert not CircuitFolder.create(tmp_path / "other", small.statement).native
    with pytest.raises(CircuitError, match="no verifier on chain 31337") as caught:
        folder.entry(small.keyed, 31337)
    assert "pyml zk register" in str(caught.value.hint)
    folder.note_verifier(small.keyed, 31337, small.entry)
    assert folder.entry(small.keyed, 31337) == small.entry
    with pytest.raises(CircuitError, match="no verifier on chain 1"):
        folder.entry(small.keyed, 1)
    pins = folder.path / "digests.toml"
    honest = pins.read_text(encoding="utf-8")
    for old, new in (("0x" + "33" * 20, "0xEvil"), ('"code_hash"', '"hash"'), (keccak(b"code").hex(), "zz")):
        pins.write_text(honest.replace(old, new), encoding="utf-8")
        with pytest.raises(CircuitError, match="names no verifier"):
            folder.entry(small.keyed, 31337)


def test_a_folder_is_not_taken_over_by_the_other_engine(small: Small, tmp_path: Path) -> None:
    CircuitFolder.create(tmp_path, small.statement, native=True)
    with pytest.raises(CircuitError, match="another engine's"):
        CircuitFolder.create(tmp_path, small.statement)


@pytest.mark.parametrize(("chain", "allowed", "refused"), [(31337, False, False), (1, True, False), (1, False, True)])
def test_other_chains_need_a_word_of_the_user(chain: int, allowed: bool, refused: bool) -> None:
    if not refused:
        require_experimental(chain, allowed=allowed)
        return
    with pytest.raises(InputError, match="experimental") as caught:
        require_experimental(chain, allowed=allowed)
    assert "--experimental" in str(caught.value.hint)
