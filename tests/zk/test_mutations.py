"""One byte changed, anywhere: no mutation of a proof, of its public inputs or of its claim is accepted.

An honest proof of each circuit is mutated ``RUNS`` times (10,000 with ``--long``). Two judges see every mutation that
concerns them: the engine's verifier, asked about proof bytes and public inputs, and the project's own verification of
what people hand around, read as untrusted input. A mutation is rejected by ``False`` or by one of our errors; anything
else, a crash of the engine among it, fails the test. What is drawn follows from ``SEED``.
"""

from __future__ import annotations

import bisect
import copy
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from eth_utils.address import to_checksum_address

from pyml.crypto.bn254 import FELT_BYTES, POINT_BYTES, SCALAR_MODULUS
from pyml.errors import PymlError
from pyml.ml.integer import IntegerNetwork, predict
from pyml.zk import ezkl
from pyml.zk.challenge import Context, link_challenge
from pyml.zk.claims import (
    Claim,
    claim_as_dict,
    claim_from_dict,
    prove_accuracy,
    prove_inference,
    prove_input,
    public_outputs,
    verify_claim,
)
from pyml.zk.engine import CircuitFiles, Engine, KeyFiles, Proof, TensorEngine
from pyml.zk.ezkl import EzklEngine
from pyml.zk.ledger import ProofLedger
from pyml.zk.links import link_as_dict, read_link
from pyml.zk.model_codec import SecretModel
from pyml.zk.srs import Srs
from pyml.zk.statement import KINDS, Kind
from pyml.zk.workspace import Keyed
from tests.zk.conftest import SrsOf
from tests.zk.engine_child import EngineChild
from tests.zk.small_circuits import random_network, random_set, small_accuracy, small_inference, small_input
from tests.zk.small_links import LINKABLE, small_link
from tests.zk.verifier_child import VerifierChild, verifier_child

RUNS, LONG_RUNS = 500, 10_000
SEED = 20_261_121
CONTEXT = Context(31337, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
ADDRESS_BYTES, INTEGER_BYTES = 20, 32
Holds = Callable[[Engine, dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a claim's JSON form as bytes."""

    path: tuple[str, ...]
    data: bytes

    @property
    def is_proof(self) -> bool:
        return self.path[-1] == "proof"


@dataclass(frozen=True, slots=True)
class Honest:
    """What is mutated: the proofs with their keys and public inputs, and the claim that carries them."""

    kind: Kind
    engine: EzklEngine
    proofs: tuple[tuple[Keyed, Proof], ...]
    table: dict[str, Any]
    holds: Holds
    """Reads the claim's JSON form and verifies it; may raise on what cannot be read."""

    @property
    def fields(self) -> list[bytes]:
        """All that can be mutated: proofs, public inputs of each, and what else the claim says."""
        proofs = [proof.data for _, proof in self.proofs]
        outputs = [_word(value) for _, proof in self.proofs for value in proof.outputs]
        return [*proofs, *outputs, *(leaf.data for leaf in leaves(self.table) if not leaf.is_proof)]

    def engine_says(self, engine: Engine, index: int, proof: Proof) -> bool:
        keyed = self.proofs[index][0]
        return engine.verify(keyed.circuit.files, keyed.files, keyed.srs, proof)


class Remembering(EzklEngine):
    """Knows its last answers: of most mutations both judges ask the same."""

    def __init__(self) -> None:
        self._verify = lru_cache(maxsize=4)(super().verify)

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        return self._verify(files, keys, srs, proof)


def leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """The values of a claim that are numbers, addresses or bytes; version and kind are words."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves(cast("dict[str, Any]", value), (*path, name))
        elif isinstance(value, int) and name != "version":
            yield Leaf((*path, name), _word(value))
        elif isinstance(value, str) and name != "kind":
            yield Leaf((*path, name), bytes.fromhex(value.removeprefix("0x")))


def with_leaf(table: dict[str, Any], path: tuple[str, ...], data: bytes) -> dict[str, Any]:
    """The claim that says this instead, well formed: an address has a right checksum again."""
    changed = copy.deepcopy(table)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    before = holder[path[-1]]
    if isinstance(before, int):
        holder[path[-1]] = int.from_bytes(data, "big")
    else:
        holder[path[-1]] = to_checksum_address(data) if before.startswith("0x") else data.hex()
    return changed


@dataclass(frozen=True, slots=True)
class Mutation:
    """One byte of one field, and what it is combined with."""

    field: int
    place: int
    xor: int

    def of(self, data: bytes) -> bytes:
        return data[: self.place] + bytes([data[self.place] ^ self.xor]) + data[self.place + 1 :]


def mutations(fields: list[bytes], runs: int) -> Iterator[Mutation]:
    """A byte of every 32-byte word first, in random order; then bytes from anywhere."""
    random = np.random.default_rng(SEED)
    ends = list(itertools.accumulate(map(len, fields)))
    words = [
        (index, start, min(FELT_BYTES, len(field) - start))
        for index, field in enumerate(fields)
        for start in range(0, len(field), FELT_BYTES)
    ]
    assert runs >= len(words), "not every word would be reached"
    for number in range(runs):
        if number < len(words):
            field, start, length = words[number]
            place = start + int(random.integers(length))
        else:
            position = int(random.integers(ends[-1]))
            field = bisect.bisect_right(ends, position)
            place = position - ends[field] + len(fields[field])
        yield Mutation(field, place, int(random.integers(1, 256)))


def rejected(judge: Callable[[], bool]) -> bool:
    """Whether it is false, or cannot be read as our errors say."""
    try:
        return not judge()
    except PymlError:
        return True


def accepted_by(honest: Honest, engine: Engine, mutation: Mutation) -> list[str]:
    """Which judges let the mutation pass."""
    proofs = [proof for _, proof in honest.proofs]
    outputs = [(index, place) for index, proof in enumerate(proofs) for place in range(len(proof.outputs))]
    said = list(leaves(honest.table))
    changed = mutation.of(honest.fields[mutation.field])
    judges: dict[str, Callable[[], bool]] = {}

    def claim(path: tuple[str, ...]) -> None:
        judges["claim"] = lambda: honest.holds(engine, with_leaf(honest.table, path, changed))

    field = mutation.field
    if field < len(proofs):
        judges["engine"] = lambda: honest.engine_says(engine, field, replace(proofs[field], data=changed))
        claim([leaf.path for leaf in said if leaf.is_proof][field])
    elif field < len(proofs) + len(outputs):
        index, place = outputs[field - len(proofs)]
        values = list(proofs[index].outputs)
        values[place] = int.from_bytes(changed, "big")
        judges["engine"] = lambda: honest.engine_says(engine, index, replace(proofs[index], outputs=tuple(values)))
    else:
        claim([leaf.path for leaf in said if not leaf.is_proof][field - len(proofs) - len(outputs)])
    return [name for name, judge in judges.items() if not rejected(judge)]


def require_none_accepted(honest: Honest, engine: Engine, runs: int) -> None:
    for number, mutation in enumerate(mutations(honest.fields, runs)):
        judges = accepted_by(honest, engine, mutation)
        assert not judges, f"seed {SEED}: mutation {number} of {honest.kind} was accepted: {mutation} by {judges}"


# --- an honest proof of each circuit


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VerifierChild]:
    with verifier_child(tmp_path_factory.mktemp("cache")) as process:
        yield process


@pytest.fixture(scope="module")
def engine(child: EngineChild, verifier: VerifierChild) -> Iterator[Remembering]:
    def step(name: str, **arguments: Any) -> Any:
        return (verifier if name == "verify" else child).step(name, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ezkl, "_step", step)
        yield Remembering()


@pytest.fixture(scope="module", params=KINDS)
def honest(
    request: pytest.FixtureRequest, engine: Remembering, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Honest:
    make = {
        "private_model_accuracy": honest_accuracy,
        "private_model_inference": honest_answer,
        "private_input": honest_attestation,
        "model_link": honest_link,
    }[request.param]
    return make(tmp_path_factory.mktemp("honest"), engine, srs_of)


def network() -> IntegerNetwork:
    return random_network(np.random.default_rng(4), (3, 4, 3), (2,))


def sample() -> np.ndarray:
    samples = np.random.default_rng(5).integers(0, network().input_max + 1, (20, 3))
    return next(each for each in samples if predict(network(), each[None])[0] > 0)


def honest_accuracy(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Honest:
    data = random_set(np.random.default_rng(6), network(), 6)
    small = small_accuracy(home, engine, srs_of, network(), data)
    model, ledger = SecretModel(network(), (1, 2, 3)), ProofLedger(home / "proofs", 2)
    made = prove_accuracy(small.keyed, engine, small.keyed.entry(), model, data, CONTEXT, threshold=1, ledger=ledger)
    assert 1 < made.count < len(data.labels)
    return about(small.keyed, engine, made)


def honest_answer(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Honest:
    small = small_inference(home, engine, srs_of, network(), sample())
    model, ledger = SecretModel(network(), (1, 2, 3)), ProofLedger(home / "proofs", 2)
    made = prove_inference(small.keyed, engine, small.keyed.entry(), model, sample(), CONTEXT, ledger=ledger)
    return about(small.keyed, engine, made)


def honest_attestation(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Honest:
    small = small_input(home, engine, srs_of, network(), sample())
    entry, purpose = small.keyed.entry(), b"\x07" * 32
    return about(
        small.keyed, engine, prove_input(small.keyed, engine, entry, network(), sample(), CONTEXT, purpose=purpose)
    )


def about(keyed: Keyed, engine: EzklEngine, claim: Claim) -> Honest:
    entry = keyed.entry()

    def holds(judge: Engine, table: dict[str, Any]) -> bool:
        return verify_claim(keyed, judge, entry, claim_from_dict(table))

    proof = Proof(claim.proof, public_outputs(claim, entry, claim.proof))
    return Honest(keyed.circuit.statement.kind, engine, ((keyed, proof),), claim_as_dict(claim), holds)


def honest_link(home: Path, engine: EzklEngine, srs_of: SrsOf) -> Honest:
    model = SecretModel(network(), tuple(range(1, LINKABLE.committed_salts + 1)))
    small = small_link(home, engine, srs_of, model)
    link, path = small.prove(CONTEXT, ProofLedger(home / "proofs", model.proof_limit)), home / "link.json"

    def holds(judge: Engine, table: dict[str, Any]) -> bool:
        path.write_text(json.dumps(table))
        return small.holds(read_link(path), cast("TensorEngine", judge))

    named = ((link.first.model, link.first.circuit), (link.second.model, link.second.circuit))
    points = (link.first.proof[:POINT_BYTES], link.second.proof[:POINT_BYTES])
    outputs = (link_challenge(CONTEXT, first=named[0], second=named[1], points=points), link.fingerprint)
    proofs = ((small.first, Proof(link.first.proof, outputs)), (small.second, Proof(link.second.proof, outputs)))
    return Honest("model_link", engine, proofs, link_as_dict(link), holds)


def test_the_honest_one_is_accepted(honest: Honest, engine: Remembering) -> None:
    for index, (_, proof) in enumerate(honest.proofs):
        assert honest.engine_says(engine, index, proof)
    assert honest.holds(engine, honest.table)


def test_no_mutated_byte_is_accepted(honest: Honest, engine: Remembering) -> None:
    require_none_accepted(honest, engine, RUNS)


@pytest.mark.long
def test_none_of_ten_thousand_mutated_bytes_is_accepted(honest: Honest, engine: Remembering) -> None:
    require_none_accepted(honest, engine, LONG_RUNS)


def test_public_inputs_have_one_form(honest: Honest, engine: Remembering) -> None:
    """Plus any multiple of the modulus, as far as 256 bits reach, and minus one."""
    for index, (_, proof) in enumerate(honest.proofs):
        for place, value in enumerate(proof.outputs):
            aliases = [*range(value + SCALAR_MODULUS, 1 << 256, SCALAR_MODULUS), value - SCALAR_MODULUS]
            assert len(aliases) >= 5
            for alias in aliases:
                outputs = (*proof.outputs[:place], alias, *proof.outputs[place + 1 :])
                aliased = replace(proof, outputs=outputs)
                assert rejected(partial(honest.engine_says, engine, index, aliased)), (index, place)


def test_numbers_of_a_claim_have_one_form(honest: Honest, engine: Remembering) -> None:
    """A count, a label or a fingerprint plus the modulus is congruent to the honest one."""
    numbers = [leaf for leaf in leaves(honest.table) if len(leaf.path) == 1 and len(leaf.data) == INTEGER_BYTES]
    results = [leaf for leaf in numbers if leaf.path[0] in ("threshold", "count", "label", "fingerprint")]
    assert results
    for leaf in results:
        alias = int.from_bytes(leaf.data, "big") + SCALAR_MODULUS
        aliased = with_leaf(honest.table, leaf.path, _word(alias))
        assert rejected(partial(honest.holds, engine, aliased)), leaf.path


# --- the judging can fail


class Credulous(EzklEngine):
    """Accepts every proof of the right length."""

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        return True


def test_a_mutation_that_is_accepted_is_seen(honest: Honest) -> None:
    with pytest.raises(AssertionError, match=f"seed {SEED}: mutation 0 of {honest.kind} was accepted"):
        require_none_accepted(honest, Credulous(), RUNS)


def test_every_word_and_every_field_is_reached(honest: Honest) -> None:
    fields = honest.fields
    reached = {(each.field, each.place // FELT_BYTES) for each in mutations(fields, RUNS)}
    assert reached == {(i, word) for i, field in enumerate(fields) for word in range(-(-len(field) // FELT_BYTES))}
    assert all(each.of(fields[each.field]) != fields[each.field] for each in mutations(fields, RUNS))
    assert list(mutations(fields, RUNS)) == list(mutations(fields, RUNS))


def _word(value: int) -> bytes:
    return value.to_bytes(INTEGER_BYTES, "big")
