"""Bounties short of proofs: salts and their files, shapes, phases, tokens, and that Python and the contract agree.

What needs proofs is in ``tests/e2e/test_bounty.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.erc20 import approve
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.errors import ChainError, ContractRevertedError, InputError, InsufficientFundsError, NotDeployedError
from pyml.zk.bounties import ETHER, Bounty, Offer, Status, Terms, open_bounty
from pyml.zk.challenge import CircuitEntry, tensor_points
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import CircuitFiles, KeyFiles
from pyml.zk.registries import ZkContracts, open_contracts
from pyml.zk.seals import SealSecret, require_same_shape, seal_set
from pyml.zk.srs import Srs
from pyml.zk.statement import Architecture, Numerics, Statement
from pyml.zk.workspace import Circuit, Keyed

ROOT = Path(__file__).parents[2]
QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
REWARD = 10**18
SAMPLES = 10
words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)


@pytest.fixture(scope="module")
def node() -> Iterator[Devnet]:
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        yield devnet


@pytest.fixture(scope="module")
def client(node: Devnet) -> Client:
    return Client.connect(node.url, policy=QUICK)


@pytest.fixture(scope="module")
def folder(client: Client, node: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployments")
    deploy_system(client, deployment_plan(), node.accounts[0], folder=folder, policy=QUICK)
    return folder


@pytest.fixture(scope="module")
def contracts(client: Client, folder: Path) -> ZkContracts:
    return open_contracts(client, folder)


@pytest.fixture(scope="module")
def bounty(client: Client, folder: Path) -> Bounty:
    return Bounty.find(client, folder)


@pytest.fixture(scope="module")
def tokens() -> dict[str, Artifact]:
    """The test tokens of the Solidity tests, compiled."""
    names = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "contracts" / "tokens").glob("*.sol")]
    found = compile_sources(find_solc(), read_with_imports(ROOT, names), wanted=names)
    return {artifact.name: artifact for artifact in found}


@pytest.fixture(scope="module")
def template(contracts: ZkContracts, node: Devnet) -> bytes:
    entry = circuit_on(bytes(32))
    contracts.circuits.register(entry, account=node.accounts[0])
    return entry.identifier()


@pytest.fixture
def terms(contracts: ZkContracts, template: bytes, node: Devnet) -> Terms:
    """Those of a fresh seal of account 0, which closes in thirty blocks."""
    publisher = node.accounts[0]
    secret = SealSecret(publisher.address, keccak(b"set"), keccak(str(contracts.client.block_number()).encode()))
    closing = seal_set(contracts, secret, contracts.client.block_number() + 30, publisher)
    return Terms(ETHER, publisher.address, secret.seal, template, 9, closing + 10, closing + 20)


def token_of(client: Client, node: Devnet, artifact: Artifact, *, minted: int = REWARD) -> Contract:
    """A deployed token, minted to account 0."""
    token = Contract.deploy(client, artifact=artifact, account=node.accounts[0])
    token.send("mint", node.accounts[0].address, minted, account=node.accounts[0])
    return token


def circuit_on(dataset_digest: bytes) -> CircuitEntry:
    """A description that the registry takes; no proof is made for it here."""
    return CircuitEntry(keccak(b"vka"), bytes(32), keccak(b"statement"), dataset_digest, ETHER, SAMPLES, 128, 1, 1, 4)


# Salts


@given(addresses, words, words)
def test_seal_is_opened_by_its_publisher_digest_and_salt_only(publisher: str, digest: bytes, salt: bytes) -> None:
    secret = SealSecret(publisher, digest, salt)
    flipped = bytes([digest[0] ^ 1]) + digest[1:]
    assert replace(secret, dataset_digest=flipped).seal != secret.seal
    assert replace(secret, salt=bytes([salt[0] ^ 1]) + salt[1:]).seal != secret.seal
    assert replace(secret, publisher="0x" + "11" * 20).seal != secret.seal or publisher == "0x" + "11" * 20


def test_seal_is_the_registrys(contracts: ZkContracts, node: Devnet) -> None:
    """The registry opens what Python sealed: after the closing block, and for no other salt."""
    publisher = node.accounts[0]
    entry = circuit_on(keccak(b"sealed"))
    secret = SealSecret(publisher.address, entry.dataset_digest, keccak(b"salt"))
    closing = seal_set(contracts, secret, contracts.client.block_number() + 3, publisher)
    assert seal_set(contracts, secret, closing + 50, publisher) == closing, "the first closing block stays"
    with pytest.raises(ContractRevertedError) as early:
        contracts.circuits.send("registerSealed", entry.as_tuple(), secret.salt, account=publisher)
    assert early.value.name == "StillSealed"
    mine(contracts.client, closing)
    with pytest.raises(ContractRevertedError) as unknown:
        contracts.circuits.send("registerSealed", entry.as_tuple(), bytes(32), account=publisher)
    assert unknown.value.name == "SealUnknown"
    contracts.circuits.send("registerSealed", entry.as_tuple(), secret.salt, account=publisher)
    assert contracts.circuits.is_registered(entry.identifier(publisher.address))


def test_only_the_publisher_seals(contracts: ZkContracts, node: Devnet) -> None:
    secret = SealSecret(node.accounts[1].address, bytes(32), bytes(32))
    with pytest.raises(InputError, match="only its publisher can seal the set"):
        seal_set(contracts, secret, contracts.client.block_number() + 5, node.accounts[0])


def test_salt_file_is_private_reads_back_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    secret = SealSecret.draw("0x" + "11" * 20, keyed(statement()))
    secret.write(path)
    assert SealSecret.read(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match="may hold the only copy of a salt"):
        SealSecret.draw("0x" + "11" * 20, keyed(statement())).write(path)
    assert SealSecret.read(path) == secret


def test_salts_are_fresh_and_stay_out_of_sight() -> None:
    first, second = (SealSecret.draw("0x" + "11" * 20, keyed(statement())) for _ in range(2))
    assert first.salt != second.salt
    assert first.seal != second.seal
    assert first.salt.hex() not in repr(first)
    assert repr(first.salt) not in repr(first)


GOOD = {"version": 1, "publisher": "0x" + "11" * 20, "dataset_digest": "22" * 32, "salt": "33" * 32}


@pytest.mark.parametrize(
    "table",
    [
        [],
        "seal",
        {},
        GOOD | {"version": 2},
        GOOD | {"publisher": 1},
        GOOD | {"publisher": "0x11"},
        GOOD | {"salt": "33" * 31},
        GOOD | {"salt": "zz" * 32},
        GOOD | {"salt": None},
        GOOD | {"dataset_digest": ["22"]},
    ],
)
def test_malformed_salt_file_is_refused_without_showing_it(table: Any, tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    path.write_text(json.dumps(table))
    with pytest.raises(InputError) as refused:
        SealSecret.read(path)
    assert "33" * 31 not in str(refused.value)


def test_huge_deep_or_missing_salt_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    for content in (b" " * 5000, b"[" * 4000, b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="is not a seal file"):
            SealSecret.read(path)
    with pytest.raises(InputError, match="is not a seal file"):
        SealSecret.read(tmp_path / "absent")


# Shapes


def statement(subject: str = "aa" * 32, samples: int = SAMPLES, **changes: Any) -> Statement:
    shape = Architecture((4, 3, 3), (2, 2), (2,), 4, 3)
    return Statement(
        "private_model_accuracy", replace(shape, **changes), samples, subject, "set/test[0:10]", numerics=Numerics(8)
    )


def keyed(about: Statement, *, degree: int = 10, srs: str = "00" * 32) -> Keyed:
    """What the engine would say of a circuit; nothing here looks at its files."""
    circuit = Circuit(about, CircuitFiles(Path()), degree, {})
    return Keyed(
        circuit, Srs(Path(), degree, srs, True), KeyFiles(Path()), (bytes(32),), 4192, {}, tensor_points(about)
    )


def test_circuit_of_the_templates_shape_on_another_set_is_accepted() -> None:
    require_same_shape(keyed(statement()), keyed(statement("bb" * 32)))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (keyed(statement("bb" * 32, shifts=(1,))), "differ in architecture"),
        (keyed(replace(statement("bb" * 32), numerics=Numerics(9))), "differ in numerics"),
        (keyed(statement("bb" * 32, 11)), "differ in number of samples; expected 10; got 11"),
        (keyed(statement("bb" * 32), degree=11), "differ in degree k; expected 10; got 11"),
        (keyed(statement("bb" * 32), srs="11" * 32), "differ in reference string"),
        (keyed(statement()), "the template is about the set that is to be sealed"),
    ],
)
def test_circuit_of_another_shape_or_the_same_set_is_refused(other: Keyed, words: str) -> None:
    with pytest.raises(InputError) as refused:
        require_same_shape(keyed(statement()), other)
    assert words in str(refused.value)


# The contract


def test_status_is_the_contracts(bounty: Bounty) -> None:
    source = (ROOT / "contracts" / "zk" / "IBounty.sol").read_text()
    names = source.split("enum Status {")[1].split("}")[0].replace(",", " ").split()
    assert [name.upper() for name in names] == [status.name for status in Status]
    assert bounty.call("ETHER") == ETHER


def test_contract_is_wired_to_the_registries(bounty: Bounty, contracts: ZkContracts) -> None:
    assert bounty.call("ACCURACY") == contracts.accuracy.address
    assert bounty.call("MODELS") == contracts.models.address
    assert bounty.call("CIRCUITS") == contracts.circuits.address


def test_ether_bounty_reads_back_as_it_was_opened(bounty: Bounty, terms: Terms, node: Devnet) -> None:
    number, receipt = open_bounty(bounty, terms, REWARD, node.accounts[1])
    offer = bounty.offer(number)
    assert offer.terms == terms
    assert (offer.sponsor, offer.reward, offer.status) == (node.accounts[1].address, REWARD, Status.OPEN)
    assert offer.closing_block == terms.reveal_deadline - 10
    assert (offer.circuit, offer.model) == (bytes(32), bytes(32))
    assert bounty.client.balance_wei(bounty.address, receipt.block_number) >= REWARD


def test_refund_goes_to_the_sponsor_whoever_asks(bounty: Bounty, terms: Terms, node: Devnet) -> None:
    sponsor, stranger = node.accounts[2], node.accounts[3]
    number, _ = open_bounty(bounty, terms, REWARD, sponsor)
    refused("RefundTooEarly", lambda: bounty.refund(number, account=sponsor))
    mine(bounty.client, terms.reveal_deadline)
    bounty.refund(number, account=stranger)
    assert bounty.offer(number).status is Status.REFUNDED
    assert bounty.credit_of(stranger.address, ETHER) == 0
    refused("NothingToWithdraw", lambda: bounty.withdraw(ETHER, account=stranger))
    before = bounty.client.balance_wei(sponsor.address)
    receipt = bounty.withdraw(ETHER, account=sponsor)
    paid = receipt.gas_used * receipt.effective_gas_price_wei
    assert bounty.client.balance_wei(sponsor.address) == before + REWARD - paid
    refused("NotInStatus", lambda: bounty.refund(number, account=sponsor))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"threshold": SAMPLES + 1}, "ThresholdOutOfRange"),
        ({"threshold": 0}, "ThresholdOutOfRange"),
        ({"seal": bytes(32)}, "SealUnknown"),
        ({"template": bytes(32)}, "CircuitUnknown"),
        ({"proof_deadline": 0}, "DeadlinesOutOfOrder"),
    ],
)
def test_impossible_terms_are_refused(
    change: dict[str, Any], error: str, bounty: Bounty, terms: Terms, node: Devnet
) -> None:
    refused(error, lambda: open_bounty(bounty, replace(terms, **change), REWARD, node.accounts[0]))


def test_zero_reward_is_refused(bounty: Bounty, terms: Terms, node: Devnet) -> None:
    refused("NoReward", lambda: open_bounty(bounty, terms, 0, node.accounts[0]))


def test_malformed_terms_are_refused(terms: Terms) -> None:
    with pytest.raises(InputError, match="not an Ethereum address"):
        replace(terms, token="0x12")
    with pytest.raises(InputError, match="not an Ethereum address"):
        replace(terms, publisher="nobody")
    with pytest.raises(InputError, match="32 bytes each"):
        replace(terms, seal=bytes(31))


def test_unknown_bounty_and_missing_deployment_are_refused(bounty: Bounty, client: Client, tmp_path: Path) -> None:
    assert refused("BountyUnknown", lambda: bounty.offer(10**6)).arguments == {"bountyId": 10**6}
    with pytest.raises(NotDeployedError, match="pyml deploy --system zk"):
        Bounty.find(client, tmp_path)


# Tokens


def test_token_bounty_approves_exactly_what_is_missing(
    bounty: Bounty, terms: Terms, client: Client, node: Devnet, tokens: dict[str, Artifact]
) -> None:
    token, sponsor = token_of(client, node, tokens["TestToken"], minted=2 * REWARD), node.accounts[0]
    number, _ = open_bounty(bounty, replace(terms, token=token.address), REWARD, sponsor)
    assert token.call("balanceOf", bounty.address) == REWARD
    assert token.call("allowance", sponsor.address, bounty.address) == 0
    assert bounty.offer(number).terms.token == token.address
    token.send("approve", bounty.address, 5, account=sponsor)
    approve(client, token.address, bounty.address, REWARD, sponsor)
    assert token.call("allowance", sponsor.address, bounty.address) == REWARD
    count = client.transaction_count(sponsor.address)
    approve(client, token.address, bounty.address, REWARD, sponsor)
    assert client.transaction_count(sponsor.address) == count, "it may already"


def test_unusable_tokens_are_refused(
    bounty: Bounty, terms: Terms, client: Client, node: Devnet, tokens: dict[str, Artifact]
) -> None:
    sponsor = node.accounts[0]

    def attempt(token: str) -> None:
        open_bounty(bounty, replace(terms, token=token), REWARD, sponsor)

    with pytest.raises(InputError, match="there is no token at"):
        attempt(sponsor.address)
    with pytest.raises(ContractRevertedError):
        attempt(bounty.address)
    with pytest.raises(InsufficientFundsError, match="has too few tokens"):
        attempt(token_of(client, node, tokens["TestToken"], minted=REWARD - 1).address)
    fee = token_of(client, node, tokens["FeeToken"])
    assert refused("RewardNotReceived", lambda: attempt(fee.address)).arguments == {
        "expected": REWARD,
        "received": REWARD - 1,
    }
    locked = token_of(client, node, tokens["FalseToken"])
    locked.send("lock", True, account=sponsor)
    refused("SafeERC20FailedOperation", lambda: attempt(locked.address))


def test_contract_that_is_no_token_is_refused(bounty: Bounty, client: Client, node: Devnet) -> None:
    """It has a fallback, so that no call to it fails."""
    answering = load_artifact("BN254")
    mute = replace(answering, bytecode="60015f8160095f39f3" + "00", deployed_bytecode="00", immutable_references=())
    token = Contract.deploy(client, artifact=mute, account=node.accounts[0])
    with pytest.raises(ChainError, match="does not answer balanceOf as an ERC-20 token does"):
        approve(client, token.address, bounty.address, 1, node.accounts[0])


def test_reentrant_token_is_refused(
    bounty: Bounty, terms: Terms, client: Client, node: Devnet, tokens: dict[str, Artifact]
) -> None:
    sponsor = node.accounts[0]
    hostile = token_of(client, node, tokens["ReentrantToken"])
    hostile.send("mint", hostile.address, REWARD, account=sponsor)
    wanted = replace(terms, token=hostile.address)
    again = bounty.encode("open", wanted.as_tuple(), REWARD)
    hostile.send("arm", bounty.address, again, True, account=sponsor)
    refused("ReentrancyGuardReentrantCall", lambda: open_bounty(bounty, wanted, REWARD, sponsor))
    assert hostile.call("balanceOf", bounty.address) == 0


# Phases


@settings(max_examples=100)
@given(
    st.sampled_from(Status),
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(0, 200),
)
def test_phase_says_what_the_next_block_allows(
    status: Status, closing: int, reveal: int, proof: int, block: int
) -> None:
    terms = Terms(ETHER, ETHER, bytes(32), bytes(32), 1, closing + reveal, closing + reveal + proof)
    phase = Offer(ETHER, closing, status, 1, terms, bytes(32), bytes(32)).phase(block)
    following = block + 1
    if status in (Status.TAKEN, Status.REFUNDED):
        assert phase == status.name.lower()
    elif status is Status.REVEALED:
        assert (phase == "refundable") == (following > terms.proof_deadline)
        assert (phase == "proving") == (following <= terms.proof_deadline)
    else:
        assert (phase == "entering") == (following <= closing)
        assert (phase == "revealing") == (closing < following <= terms.reveal_deadline)
        assert (phase == "refundable") == (following > terms.reveal_deadline)


def mine(client: Client, block: int) -> None:
    """Up to and including the block."""
    while client.block_number() < block:
        client.rpc.request("evm_mine")


def refused(name: str, attempt: Any) -> ContractRevertedError:
    with pytest.raises(ContractRevertedError) as caught:
        attempt()
    assert caught.value.name == name, caught.value
    return caught.value
