"""The challenge and the identifiers against an ABI encoding written out by hand, field by field.

The contracts' own view of the same bytes is in ``tests/contracts`` and ``tests/e2e``.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError
from pyml.zk.challenge import (
    ATTEST_DOMAIN,
    CIRCUIT_DOMAIN,
    CLAIM_DOMAIN,
    INFER_DOMAIN,
    LINK_DOMAIN,
    MAX_FEATURE_BYTES,
    NO_ADDRESS,
    CircuitEntry,
    Context,
    attest_challenge,
    circuit_entry,
    claim_challenge,
    commitment_of,
    encode_features,
    evaluate_features,
    infer_challenge,
    link_challenge,
    model_id,
)
from pyml.zk.statement import ANY_INPUT, Architecture, Kind, Numerics, Statement

ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"
BOB = "0xde709f2102306220921060314715629080e2fb77"
CAROL = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's own example
DAVE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"

words = st.binary(min_size=32, max_size=32)
uint32s = st.integers(0, 2**32 - 1)


def sponge(data: bytes, padding: int) -> bytes:
    """Keccak[512] after FIPS 202, lane by lane: padding 1 gives keccak-256, 6 gives SHA3-256."""
    rate, mask = 136, (1 << 64) - 1
    padded = bytearray(data + bytes([padding]) + bytes(-(len(data) + 1) % rate))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]  # lanes[x][y]
    for start in range(0, len(padded), rate):
        for place in range(rate // 8):
            word = int.from_bytes(padded[start + 8 * place : start + 8 * place + 8], "little")
            lanes[place % 5][place // 5] ^= word
        register = 1
        for _ in range(24):
            parity = [lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ lane[4] for lane in lanes]
            turned = [(word << 1 | word >> 63) & mask for word in parity]
            lanes = [[word ^ parity[x - 1] ^ turned[(x + 1) % 5] for word in lanes[x]] for x in range(5)]
            x, y, moving = 1, 0, lanes[1][0]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                shift = (step + 1) * (step + 2) // 2 % 64
                moving, lanes[x][y] = lanes[x][y], (moving << shift | moving >> 64 - shift) & mask
            lanes = [
                [lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)
            ]
            for power in range(7):
                register = (register << 1 ^ (register >> 7) * 0x71) % 256
                if register & 2:
                    lanes[0][0] ^= 1 << (1 << power) - 1
    return b"".join(lanes[place % 5][place // 5].to_bytes(8, "little") for place in range(4))


def keccak(data: bytes) -> bytes:
    """Not the implementation under test."""
    return sponge(data, 1)


@given(st.binary(max_size=300))
def test_the_sponge_of_this_file_is_keccak(data: bytes) -> None:
    assert sponge(data, 6) == hashlib.sha3_256(data).digest()


def test_empty_keccak() -> None:
    """The code hash of an account without code, on every EVM chain."""
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def checksummed(address: bytes) -> str:
    """EIP-55, by its text: a digit is upper case where the hash of the lower-case digits has eight or more."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False)
    )


addresses = st.binary(min_size=20, max_size=20).map(checksummed)
contexts = st.builds(Context, st.integers(1, 2**256 - 1), addresses, addresses)


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def address(text: str) -> bytes:
    return bytes(12) + bytes.fromhex(text[2:])


CONTEXT = Context(31337, CAROL, DAVE)
CLAIM: dict[str, Any] = {
    "model": bytes(range(32)),
    "circuit": bytes(range(32, 64)),
    "threshold": 90,
    "count": 95,
    "points": bytes(range(128)),
}
ATTESTATION: dict[str, Any] = {
    "circuit": bytes(range(32)),
    "purpose": bytes(range(64, 96)),
    "label": 7,
    "points": bytes(range(128)),
}
ANSWER: dict[str, Any] = {
    "model": bytes(range(32)),
    "circuit": bytes(range(32, 64)),
    "features": bytes(range(128, 192)),
    "label": 7,
    "points": bytes(range(128)),
}
LINK: dict[str, Any] = {
    "first": (bytes(range(32)), bytes(range(32, 64))),
    "second": (bytes(range(64, 96)), bytes(range(96, 128))),
    "points": (bytes(range(64)), bytes(range(64, 128))),
}
ENTRY = CircuitEntry(
    vka_digest=b"\x01" * 32,
    verifier_code_hash=b"\x02" * 32,
    statement_digest=b"\x03" * 32,
    dataset_digest=b"\x04" * 32,
    dedicated_verifier=CAROL,
    samples=100,
    proof_length=4_000,
    committed_points=1,
    witness_points=1,
    checks=5,
)


def hand_made_claim(context: Context, claim: dict[str, Any]) -> int:
    encoded = (
        keccak(b"pyml.zk.AccuracyRegistry.claim.v1")
        + number(context.chain_id)
        + address(context.contract)
        + address(context.prover)
        + claim["model"]
        + claim["circuit"]
        + number(claim["threshold"])
        + number(claim["count"])
        + keccak(claim["points"])
    )
    assert len(encoded) == 9 * 32
    return int.from_bytes(keccak(encoded), "big") % SCALAR_MODULUS


def hand_made_attestation(context: Context, attestation: dict[str, Any]) -> int:
    encoded = (
        keccak(b"pyml.zk.PrivateInput.attest.v1")
        + number(context.chain_id)
        + address(context.contract)
        + address(context.prover)
        + attestation["circuit"]
        + attestation["purpose"]
        + number(attestation["label"])
        + keccak(attestation["points"])
    )
    assert len(encoded) == 8 * 32
    return int.from_bytes(keccak(encoded), "big") % SCALAR_MODULUS


def hand_made_answer(context: Context, answer: dict[str, Any]) -> int:
    encoded = (
        keccak(b"pyml.zk.PrivateInference.infer.v1")
        + number(context.chain_id)
        + address(context.contract)
        + address(context.prover)
        + answer["model"]
        + answer["circuit"]
        + keccak(answer["features"])
        + number(answer["label"])
        + keccak(answer["points"])
    )
    assert len(encoded) == 9 * 32
    return int.from_bytes(keccak(encoded), "big") % SCALAR_MODULUS


def hand_made_link(context: Context, link: dict[str, Any]) -> int:
    encoded = (
        keccak(b"pyml.zk.ModelLinks.link.v1")
        + number(context.chain_id)
        + address(context.contract)
        + address(context.prover)
        + b"".join(link["first"])
        + b"".join(link["second"])
        + keccak(keccak(link["points"][0]) + keccak(link["points"][1]))
    )
    assert len(encoded) == 9 * 32
    return int.from_bytes(keccak(encoded), "big") % SCALAR_MODULUS


def hand_made_identifier(entry: CircuitEntry, publisher: str) -> bytes:
    """The struct has no dynamic member, so its fields stand inline."""
    return keccak(
        keccak(b"pyml.zk.CircuitRegistry.circuit.v1")
        + entry.vka_digest
        + entry.verifier_code_hash
        + entry.statement_digest
        + entry.dataset_digest
        + address(entry.dedicated_verifier)
        + number(entry.samples)
        + number(entry.proof_length)
        + number(entry.committed_points)
        + number(entry.witness_points)
        + number(entry.checks)
        + address(publisher)
    )


def test_domains_are_apart() -> None:
    assert keccak(b"pyml.zk.AccuracyRegistry.claim.v1") == CLAIM_DOMAIN
    assert keccak(b"pyml.zk.PrivateInput.attest.v1") == ATTEST_DOMAIN
    assert keccak(b"pyml.zk.PrivateInference.infer.v1") == INFER_DOMAIN
    assert keccak(b"pyml.zk.ModelLinks.link.v1") == LINK_DOMAIN
    assert keccak(b"pyml.zk.CircuitRegistry.circuit.v1") == CIRCUIT_DOMAIN
    assert len({CLAIM_DOMAIN, ATTEST_DOMAIN, INFER_DOMAIN, LINK_DOMAIN, CIRCUIT_DOMAIN}) == 5


CLAIM_PIN = 0x08DC396308CC3FF78538B7C4ECE06621006C244EF0C57556502BBA2501FB4A2B
ATTEST_PIN = 0x0071248BDDD8C6649371F6CC080A89A3D5F17B4F6A102EF83ED7EB9A419861EB
ANSWER_PIN = 0x26EFB74B63967260C85F51ABD9B90B253FB8E67199E729736F927691F1EA49B7
LINK_PIN = 0x2CFA1E028DC022F419C5334C69274D8EB8A3D9C714B669B4A12865BA66AF7BBF
ENTRY_PIN = "21c8294ce519b709f52d816e100c368e2dead1364e4bdd141f53400338255780"


def test_pinned_values() -> None:
    """A change of encoding is a change of protocol: every registered claim would stop verifying."""
    assert claim_challenge(CONTEXT, **CLAIM) == hand_made_claim(CONTEXT, CLAIM) == CLAIM_PIN
    assert attest_challenge(CONTEXT, **ATTESTATION) == hand_made_attestation(CONTEXT, ATTESTATION) == ATTEST_PIN
    assert infer_challenge(CONTEXT, **ANSWER) == hand_made_answer(CONTEXT, ANSWER) == ANSWER_PIN
    assert link_challenge(CONTEXT, **LINK) == hand_made_link(CONTEXT, LINK) == LINK_PIN
    assert ENTRY.identifier().hex() == hand_made_identifier(ENTRY, NO_ADDRESS).hex() == ENTRY_PIN


@given(contexts, words, words, uint32s, uint32s, st.binary(max_size=300))
def test_claim_challenge_is_the_hand_made_one(
    context: Context, model: bytes, circuit: bytes, threshold: int, count: int, points: bytes
) -> None:
    claim: dict[str, Any] = {
        "model": model,
        "circuit": circuit,
        "threshold": threshold,
        "count": count,
        "points": points,
    }
    assert claim_challenge(context, **claim) == hand_made_claim(context, claim) < SCALAR_MODULUS


@given(contexts, words, words, st.integers(0, 2**256 - 1), st.binary(max_size=300))
def test_attest_challenge_is_the_hand_made_one(
    context: Context, circuit: bytes, purpose: bytes, label: int, points: bytes
) -> None:
    attestation: dict[str, Any] = {"circuit": circuit, "purpose": purpose, "label": label, "points": points}
    assert attest_challenge(context, **attestation) == hand_made_attestation(context, attestation) < SCALAR_MODULUS


@given(contexts, words, words, st.binary(max_size=300), st.integers(0, 2**256 - 1), st.binary(max_size=300))
def test_infer_challenge_is_the_hand_made_one(
    context: Context, model: bytes, circuit: bytes, features: bytes, label: int, points: bytes
) -> None:
    answer: dict[str, Any] = {
        "model": model, "circuit": circuit, "features": features, "label": label, "points": points,
    }  # fmt: skip
    assert infer_challenge(context, **answer) == hand_made_answer(context, answer) < SCALAR_MODULUS


@given(
    st.tuples(words, words, words, words, addresses, uint32s, uint32s, *[st.integers(0, 255)] * 3),
    addresses,
)
def test_circuit_id_is_the_hand_made_one(values: tuple[Any, ...], publisher: str) -> None:
    entry = CircuitEntry(*values)
    assert entry.identifier(publisher) == hand_made_identifier(entry, publisher)
    assert entry.as_tuple() == astuple(entry) == values


@given(addresses, words)
def test_model_id_is_the_hand_made_one(owner: str, commitment: bytes) -> None:
    assert model_id(owner, commitment) == keccak(address(owner) + commitment)


OTHER_CONTEXT = {"chain_id": 1, "contract": ALICE, "prover": ALICE}
OTHER_CLAIM: dict[str, Any] = {
    "model": bytes(32),
    "circuit": bytes(32),
    "threshold": 91,
    "count": 94,
    "points": bytes(range(127)) + b"\xff",
}
OTHER_ATTESTATION: dict[str, Any] = {
    "circuit": bytes(32),
    "purpose": bytes(32),
    "label": 8,
    "points": bytes(range(127)) + b"\xff",
}
OTHER_ANSWER: dict[str, Any] = {
    "model": bytes(32),
    "circuit": bytes(32),
    "features": bytes(range(128, 191)) + b"\xff",
    "label": 8,
    "points": bytes(range(127)) + b"\xff",
}
OTHER_ENTRY: dict[str, Any] = {
    "vka_digest": bytes(32),
    "verifier_code_hash": bytes(32),
    "statement_digest": bytes(32),
    "dataset_digest": bytes(32),
    "dedicated_verifier": DAVE,
    "samples": 101,
    "proof_length": 4_001,
    "committed_points": 2,
    "witness_points": 2,
    "checks": 6,
}


def test_the_fields_changed_below_are_all_there_are() -> None:
    assert list(OTHER_CONTEXT) == [field.name for field in fields(Context)]
    assert list(OTHER_ENTRY) == [field.name for field in fields(CircuitEntry)]
    assert list(OTHER_CLAIM) == list(CLAIM)
    assert list(OTHER_ATTESTATION) == list(ATTESTATION)
    assert list(OTHER_ANSWER) == list(ANSWER)


@pytest.mark.parametrize("name", OTHER_CONTEXT)
def test_another_chain_contract_or_prover_gives_another_challenge(name: str) -> None:
    other = replace(CONTEXT, **{name: OTHER_CONTEXT[name]})
    assert claim_challenge(other, **CLAIM) != claim_challenge(CONTEXT, **CLAIM)
    assert attest_challenge(other, **ATTESTATION) != attest_challenge(CONTEXT, **ATTESTATION)
    assert infer_challenge(other, **ANSWER) != infer_challenge(CONTEXT, **ANSWER)
    assert link_challenge(other, **LINK) != link_challenge(CONTEXT, **LINK)


@pytest.mark.parametrize("name", OTHER_CLAIM)
def test_another_claim_gives_another_challenge(name: str) -> None:
    assert claim_challenge(CONTEXT, **CLAIM | {name: OTHER_CLAIM[name]}) != claim_challenge(CONTEXT, **CLAIM)


@pytest.mark.parametrize("name", OTHER_ATTESTATION)
def test_another_attestation_gives_another_challenge(name: str) -> None:
    changed = ATTESTATION | {name: OTHER_ATTESTATION[name]}
    assert attest_challenge(CONTEXT, **changed) != attest_challenge(CONTEXT, **ATTESTATION)


@pytest.mark.parametrize("name", OTHER_ANSWER)
def test_another_answer_gives_another_challenge(name: str) -> None:
    changed = ANSWER | {name: OTHER_ANSWER[name]}
    assert infer_challenge(CONTEXT, **changed) != infer_challenge(CONTEXT, **ANSWER)


def test_a_zero_feature_more_is_another_input() -> None:
    for longer in (ANSWER["features"] + bytes(2), bytes(2) + ANSWER["features"]):
        assert evaluate_features(longer, 5) != evaluate_features(ANSWER["features"], 5)
        assert infer_challenge(CONTEXT, **ANSWER | {"features": longer}) != infer_challenge(CONTEXT, **ANSWER)


@pytest.mark.parametrize("name", OTHER_ENTRY)
def test_another_circuit_has_another_id(name: str) -> None:
    assert replace(ENTRY, **{name: OTHER_ENTRY[name]}).identifier() != ENTRY.identifier()


@given(st.integers(0, 127), st.integers(0, 7))
def test_any_bit_of_the_points_changes_the_challenge(place: int, bit: int) -> None:
    points = bytearray(CLAIM["points"])
    points[place] ^= 1 << bit
    flipped: dict[str, Any] = {**CLAIM, "points": bytes(points)}
    assert claim_challenge(CONTEXT, **flipped) != claim_challenge(CONTEXT, **CLAIM)


def test_fields_cannot_change_places() -> None:
    swapped = replace(CONTEXT, contract=CONTEXT.prover, prover=CONTEXT.contract)
    assert claim_challenge(swapped, **CLAIM) != claim_challenge(CONTEXT, **CLAIM)
    for one, other in (("model", "circuit"), ("threshold", "count")):
        claim = {**CLAIM, one: CLAIM[other], other: CLAIM[one]}
        assert claim_challenge(CONTEXT, **claim) != claim_challenge(CONTEXT, **CLAIM)
    answer = ANSWER | {"model": ANSWER["circuit"], "circuit": ANSWER["model"]}
    assert infer_challenge(CONTEXT, **answer) != infer_challenge(CONTEXT, **ANSWER)
    for link in (
        LINK | {"first": LINK["second"], "second": LINK["first"]},
        LINK | {"points": LINK["points"][::-1]},
        LINK | {"first": LINK["first"][::-1]},
    ):
        assert link_challenge(CONTEXT, **link) != link_challenge(CONTEXT, **LINK)
    attestation = ATTESTATION | {"circuit": ATTESTATION["purpose"], "purpose": ATTESTATION["circuit"]}
    assert attest_challenge(CONTEXT, **attestation) != attest_challenge(CONTEXT, **ATTESTATION)


def test_publisher_of_a_sealed_set_is_part_of_the_id() -> None:
    assert ENTRY.identifier() == ENTRY.identifier(NO_ADDRESS)
    assert len({ENTRY.identifier(publisher) for publisher in (NO_ADDRESS, CAROL, DAVE)}) == 3


def test_model_id_belongs_to_its_owner() -> None:
    ids = {model_id(owner, commitment) for owner in (CAROL, DAVE) for commitment in (bytes(32), b"\x01" * 32)}
    assert len(ids) == 4


def test_commitment_is_the_hash_of_the_points() -> None:
    assert commitment_of(b"") == keccak(b"")
    assert commitment_of(bytes(range(64))) == keccak(bytes(range(64)))


@pytest.mark.parametrize("chain_id", [0, -1, 2**256])
def test_chain_id_out_of_range_is_refused(chain_id: int) -> None:
    with pytest.raises(InputError) as caught:
        Context(chain_id, CAROL, DAVE)
    assert str(caught.value) == f"a chain id is not a positive 256-bit number; got {chain_id}"


@pytest.mark.parametrize("chain_id", [1, 2**256 - 1])
def test_chain_id_at_the_ends_of_its_range(chain_id: int) -> None:
    assert Context(chain_id, CAROL, DAVE).chain_id == chain_id


@pytest.mark.parametrize(
    "wrong",
    [
        CAROL.lower(),
        CAROL.upper(),
        CAROL[:-1] + "D",  # the case of one digit
        CAROL[:-1],
        CAROL + "0",
        CAROL[2:],
        "0x",
        "",
        " " + CAROL,
        "\ud800",
        "x" * 10_000,
    ],
)
@pytest.mark.parametrize("name", ["contract", "prover"])
def test_address_without_its_checksum_is_refused(name: str, wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(CONTEXT, **{name: wrong})
    assert caught.value.problem == f"the {name} is not an EIP-55 address"
    assert len(str(caught.value.got)) <= 80


@given(st.binary(min_size=20, max_size=20))
def test_every_checksummed_address_is_accepted(raw: bytes) -> None:
    made = checksummed(raw)
    assert Context(1, made, made).prover == made


# Public features


samples = st.lists(st.integers(0, 2**16 - 1), max_size=40)


@given(samples)
def test_features_are_two_bytes_each_high_byte_first(sample: list[int]) -> None:
    features = encode_features(sample)
    assert features == b"".join(bytes([value // 256, value % 256]) for value in sample)
    assert encode_features(np.array(sample, dtype=np.uint16)) == features  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("sample", [[-1], [0, 1 << 16], [1, 2, 1 << 64], [65535, -(1 << 70)]])
def test_features_that_do_not_fit_two_bytes_are_refused(sample: list[int]) -> None:
    with pytest.raises(InputError) as caught:
        encode_features(sample)
    assert str(caught.value) == "a feature does not fit two bytes; expected 0 to 65535"


@given(samples, st.integers(0, SCALAR_MODULUS - 1))
def test_evaluation_is_the_polynomials(sample: list[int], rho: int) -> None:
    expected = sum(value * pow(rho, index, SCALAR_MODULUS) for index, value in enumerate([*sample, 1]))
    assert evaluate_features(encode_features(sample), rho) == expected % SCALAR_MODULUS


few = st.lists(st.integers(0, 2**16 - 1), max_size=12)


@given(few, few)
@example([1, 2], [1, 2, 0])
@example([0], [0, 0])
def test_two_inputs_agree_at_few_challenges(sample: list[int], other: list[int]) -> None:
    """No more than the longer one has features, and one fewer if they are of one length: the polynomials are monic."""
    if other == sample:
        return
    first, second = encode_features(sample), encode_features(other)
    agreeing = [rho for rho in range(40) if evaluate_features(first, rho) == evaluate_features(second, rho)]
    assert len(agreeing) <= max(len(sample), len(other)) - (len(sample) == len(other))


def test_the_longest_input_is_the_contracts() -> None:
    source = (Path(__file__).parents[2] / "contracts" / "zk" / "Features.sol").read_text(encoding="utf-8")
    assert "MAX_BYTES = 1 << 14;" in source
    assert MAX_FEATURE_BYTES == 1 << 14


# Circuits


def _statement(kind: Kind) -> Statement:
    shape = Architecture((4, 3, 2), (1, 2), (1,), 6, 15)
    any_input = kind in ("private_model_inference", "model_link")
    return Statement(
        kind,
        shape,
        9 if kind == "private_model_accuracy" else 1,
        ANY_INPUT if any_input else "ab" * 32,
        "a name",
        15 if any_input else 0,
        Numerics(),
    )


def test_entry_of_an_accuracy_circuit() -> None:
    statement = _statement("private_model_accuracy")
    entry = circuit_entry(statement, vka_digest=b"\x09" * 32, proof_length=1234)
    assert entry == CircuitEntry(
        vka_digest=b"\x09" * 32,
        verifier_code_hash=bytes(32),
        statement_digest=bytes.fromhex(statement.digest),
        dataset_digest=b"\xab" * 32,
        dedicated_verifier=NO_ADDRESS,
        samples=9,
        proof_length=1234,
        committed_points=1,
        witness_points=1,
        checks=4,
    )
    assert not entry.dedicated
    assert entry.gate_points == 2


def test_entry_of_an_input_circuit_has_no_data_set() -> None:
    entry = circuit_entry(
        _statement("private_input"),
        vka_digest=bytes(32),
        proof_length=1,
        dedicated_verifier=CAROL,
        verifier_code_hash=b"\x05" * 32,
    )
    assert (entry.dataset_digest, entry.samples) == (bytes(32), 1)
    assert entry.dedicated
    assert (entry.dedicated_verifier, entry.verifier_code_hash) == (CAROL, b"\x05" * 32)


@pytest.mark.parametrize(
    ("kind", "witness_points", "checks"), [("private_model_inference", 1, 4), ("model_link", 0, 0)]
)
def test_entry_of_a_circuit_about_any_input(kind: Kind, witness_points: int, checks: int) -> None:
    statement = _statement(kind)
    entry = circuit_entry(statement, vka_digest=b"\x09" * 32, proof_length=1234)
    assert entry == CircuitEntry(
        vka_digest=b"\x09" * 32,
        verifier_code_hash=bytes(32),
        statement_digest=bytes.fromhex(statement.digest),
        dataset_digest=bytes(32),
        dedicated_verifier=NO_ADDRESS,
        samples=1,
        proof_length=1234,
        committed_points=1,
        witness_points=witness_points,
        checks=checks,
    )
    assert entry.gate_points == 1 + witness_points


def test_accuracy_and_inference_of_one_model_are_two_circuits() -> None:
    entries = [
        circuit_entry(_statement(kind), vka_digest=bytes(32), proof_length=1)
        for kind in ("private_model_accuracy", "private_model_inference")
    ]
    assert entries[0].checks == entries[1].checks
    assert len({entry.identifier() for entry in entries}) == 2
