"""Python against the Solidity of disputes and audits on the same random inputs, called on a devnet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.crypto.paillier import Encrypted
from pyml.crypto.proof_cd import encode_cd, prove_cd
from pyml.crypto.proof_pk import encode_pk, prove_pk, vector_root
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import partial_decryptions
from pyml.deepchain.assets import Answer, Statement, answer_challenge, state_asset
from pyml.deepchain.trace import Program
from pyml.deepchain.trace_programs import cd_program, pk_program
from pyml.errors import ContractRevertedError, ToolMissingError
from tests.crypto.insecure_group import CONTEXT, insecure_group

ROOT = Path(__file__).parents[2]
HARNESSES = [f"tests/contracts/deepchain/{name}.sol" for name in ("ArithmeticHarness", "TraceHarness")]
GROUP = insecure_group()
KEY = GROUP.key

few = settings(max_examples=25, deadline=None)
lengths = st.sampled_from([32, 64, 256, 512])


@dataclass(frozen=True)
class Chain:
    """A devnet with what is compared."""

    devnet: Devnet
    client: Client
    harnesses: dict[str, Contract]
    assets: Contract


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    try:
        solc = find_solc()
        with Devnet(DevnetOptions()) as devnet:
            client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=10, poll_s=0.01))
            compiled = compile_sources(solc, read_with_imports(ROOT, HARNESSES), wanted=HARNESSES)
            account = devnet.accounts[0]
            harnesses = {each.name: Contract.deploy(client, account=account, artifact=each) for each in compiled}
            assets = Contract.deploy(client, account=account, artifact=load_artifact("AssetRegistry"))
            yield Chain(devnet, client, harnesses, assets)
    except ToolMissingError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Numbers:
    """Two numbers below an odd modulus, all of one length."""

    length: int
    m: int
    a: int
    b: int

    def bytes_of(self, number: int) -> bytes:
        return number.to_bytes(self.length, "big")


@st.composite
def numbers(draw: st.DrawFn) -> Numbers:
    """Also with moduli and numbers at the ends of words, where carries run."""
    length = draw(lengths)
    full = 1 << 8 * length
    m = draw(st.one_of(st.integers(3, full - 1), st.integers(1, 99).map(lambda less: full - less))) | 1
    inside = st.one_of(st.integers(0, m - 1), st.integers(1, min(99, m)).map(lambda less: m - less))
    words = st.integers(0, length // 32).map(lambda word: ((1 << 256 * word) - 1) % m)
    return Numbers(length, m, draw(inside | words), draw(inside | words))


@few
@given(numbers())
@example(Numbers(512, (1 << 4096) - 1, (1 << 4096) - 2, (1 << 4096) - 2))
def test_sums_differences_and_products_are_pythons(chain: Chain, given_: Numbers) -> None:
    harness = chain.harnesses["ArithmeticHarness"]
    a, b, m = (given_.bytes_of(number) for number in (given_.a, given_.b, given_.m))
    assert harness.call("add", a, b, m) == given_.bytes_of((given_.a + given_.b) % given_.m)
    assert harness.call("subtract", a, b, m) == given_.bytes_of((given_.a - given_.b) % given_.m)
    assert harness.call("fourfoldProduct", a, b, m) == given_.bytes_of(4 * given_.a * given_.b % given_.m)
    assert harness.call("isBelow", a, b) == (given_.a < given_.b)
    assert harness.call("isZero", a) == (given_.a == 0)


@few
@given(numbers(), st.integers(0, 4095))
def test_a_product_is_taken_for_one_exactly_if_it_is(chain: Chain, given_: Numbers, bit: int) -> None:
    harness = chain.harnesses["ArithmeticHarness"]
    a, b, m = (given_.bytes_of(number) for number in (given_.a, given_.b, given_.m))
    right = given_.a * given_.b % given_.m
    wrong = (right ^ 1 << bit % (8 * given_.length)) % given_.m
    assert harness.call("isProduct", given_.bytes_of(right), a, b, m)[0]
    assert harness.call("isProduct", given_.bytes_of(wrong), a, b, m)[0] == (wrong == right)
    quotient = given_.bytes_of(given_.a * given_.b // given_.m)
    assert harness.call("isProductBySchoolbook", given_.bytes_of(right), a, b, m, quotient)[0]


@few
@given(numbers(), st.integers(0, 1 << 4096))
def test_a_square_and_a_rest_are_pythons(chain: Chain, given_: Numbers, large: int) -> None:
    harness = chain.harnesses["ArithmeticHarness"]
    m, unreduced = given_.bytes_of(given_.m), large % (1 << 8 * given_.length)
    assert harness.call("square", given_.bytes_of(given_.a), m)[0] == given_.bytes_of(given_.a**2 % given_.m)
    assert harness.call("reduce", given_.bytes_of(unreduced), m) == given_.bytes_of(unreduced % given_.m)


@settings(max_examples=6, deadline=None)
@given(count=st.integers(1, 6), data=st.data())
def test_the_steps_of_an_encryptions_proof_are_those_of_the_contract(
    chain: Chain, count: int, data: st.DataObject
) -> None:
    made: Encrypted = GROUP.encryptor.encrypt(list(range(count)))
    proof = prove_pk(KEY, made, list(range(count)), context=CONTEXT)
    program = pk_program(KEY, made.ciphertexts, proof, context=CONTEXT)
    root = vector_root(KEY.public, made.ciphertexts)
    encoded = encode_pk(KEY.public, proof)
    same_steps(chain, program, (False, count), (bytes(32), root, 1), encoded, data)


@settings(max_examples=6, deadline=None)
@given(count=st.integers(1, 3), index=st.integers(1, 4), data=st.data())
def test_the_steps_of_a_shares_proof_are_those_of_the_contract(
    chain: Chain, count: int, index: int, data: st.DataObject
) -> None:
    ciphertexts = GROUP.aggregate[:count]
    share = GROUP.shares[index - 1]
    partials = partial_decryptions(KEY, share, ciphertexts)
    proof = prove_cd(KEY, share, ciphertexts, partials, context=CONTEXT)
    program = cd_program(KEY, index, ciphertexts, partials, proof, context=CONTEXT)
    roots = vector_root(KEY.public, ciphertexts), vector_root(KEY.public, partials)
    same_steps(chain, program, (True, count), (*roots, index), encode_cd(KEY, proof), data)


def same_steps(
    chain: Chain,
    program: Program,
    shape: tuple[bool, int],
    posted: tuple[bytes, bytes, int],
    proof: bytes,
    data: st.DataObject,
) -> None:
    """Length, depth, and some steps: kind, origin and place."""
    harness = chain.harnesses["TraceHarness"]
    aggregate_root, root, share = posted
    verification = (*shape, KEY.public.width, len(proof))
    statement = (CONTEXT, key_tree(KEY).root, aggregate_root, root, share)
    assert harness.call("length", verification) == program.length
    assert harness.call("depth", verification) == program.depth
    ends, start = list[int](), 0
    for segment in program.segments:
        start += segment.length
        ends += [start - 1, start]
    drawn = data.draw(st.lists(st.integers(0, (1 << program.depth) - 2), min_size=8, max_size=8))
    for place in {0, 1, *ends, *drawn}:
        step = program.step(place)
        found: dict[str, int] = harness.call("stepAt", verification, statement, proof, place)
        expected = {"kind": int(step.kind), "origin": int(step.source.origin), "place": step.source.place}
        assert found == expected


def test_an_audit_is_passed_by_the_owner_and_by_no_copy(chain: Chain) -> None:
    owner, copier = chain.devnet.accounts[1], chain.devnet.accounts[2]
    blocks = [keccak(text=f"block {place}") for place in range(7)]
    statement = state_asset(blocks, bytes(32), owner=bytes.fromhex(owner.address[2:]))
    copied = replace(statement, owner=bytes.fromhex(copier.address[2:]))  # same tags, and the numbers are known
    for number, account in enumerate((owner, copier)):
        state_in_registry(chain, statement, account)
        chain.assets.send("requestAudit", number, account=copier)
        chain.devnet.rpc.request("evm_mine")
        indices, factors = chain.assets.call("challengeOf", number)
        challenge = [(int(place), int(factor)) for place, factor in zip(indices, factors, strict=True)]
        answer = answer_challenge(statement if account is owner else copied, blocks, bytes(32), challenge)
        if account is owner:
            with pytest.raises(ContractRevertedError) as caught:
                chain.assets.send("answerAudit", number, answer.mu ^ 1, shown(answer), account=account)
            assert (caught.value.name, caught.value.arguments) == ("AuditFailed", {"assetId": number})
            chain.assets.send("answerAudit", number, answer.mu, shown(answer), account=account)
            assert chain.assets.call("assetOf", number)["auditedBlock"] > 0
        else:
            with pytest.raises(ContractRevertedError) as caught:
                chain.assets.send("answerAudit", number, answer.mu, shown(answer), account=account)
            assert (caught.value.name, caught.value.arguments) == ("AuditFailed", {"assetId": number})


def state_in_registry(chain: Chain, statement: Statement, account: Signer) -> None:
    data = statement.key.encode()
    key = [int.from_bytes(data[start : start + 32], "big") for start in range(0, 128, 32)]
    chain.assets.send("state", len(statement.tags), 100, statement.tree.root, key, "seven blocks", account=account)


def shown(answer: Answer) -> list[Any]:
    """As ``IAssetRegistry.Answer`` has it."""
    rows = zip(answer.tags, answer.hints, answer.paths, strict=True)
    return [([tag.x, tag.y], list(hint), list(path)) for tag, hint, path in rows]
