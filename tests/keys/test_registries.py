"""The keys contracts on a devnet: helper files published, replaced and revoked; payments claimed, also by an account
that owns no ether, and refunded. Python and the contracts agree on what is signed.

The contracts' own rules are tested in ``tests/contracts/keys/``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deploy import Plan, deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import find_solc
from pyml.chain.sources import read_with_imports
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import ContractRevertedError, InputError, InsufficientFundsError, NotDeployedError
from pyml.keys.addresses import ethereum
from pyml.keys.deployment import SYSTEM, deployment_plan
from pyml.keys.messages import sign_typed_data, verify_typed_data
from pyml.keys.registries import (
    ETHER,
    NO_ADDRESS,
    Claim,
    Deposit,
    HelperRegistry,
    ImageVault,
    KeysContracts,
    open_contracts,
    pay,
    publish_helper,
)

ROOT = Path(__file__).parents[2]
QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
AMOUNT = 10**18
DAY_S = 24 * 3600
addresses = st.binary(min_size=20, max_size=20).filter(any).map(to_checksum_address)
uint256s = st.integers(0, 2**256 - 1)


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
def contracts(client: Client, folder: Path) -> KeysContracts:
    return open_contracts(client, folder)


@pytest.fixture(scope="module")
def helpers(contracts: KeysContracts) -> HelperRegistry:
    return contracts.helpers


@pytest.fixture(scope="module")
def vault(contracts: KeysContracts) -> ImageVault:
    return contracts.vault


@pytest.fixture(scope="module")
def payer(node: Devnet) -> Signer:
    return node.accounts[0]


@pytest.fixture(scope="module")
def relayer(node: Devnet) -> Signer:
    return node.accounts[1]


@pytest.fixture
def key(request: pytest.FixtureRequest) -> SigningKey:
    """Another one for each test; it owns nothing."""
    return SigningKey.from_secret(sha256(request.node.name.encode()).digest())


@pytest.fixture(scope="module")
def token_artifact() -> Artifact:
    name = "tests/contracts/tokens/TestToken.sol"
    return compile_sources(find_solc(), read_with_imports(ROOT, [name]), wanted=[name])[0]


@pytest.fixture
def token(client: Client, payer: Signer, token_artifact: Artifact) -> Contract:
    """A new token of which the payer has twice the amount."""
    made = Contract.deploy(client, artifact=token_artifact, account=payer)
    made.send("mint", payer.address, 2 * AMOUNT, account=payer)
    return made


def digest_of(text: str) -> bytes:
    return sha256(text.encode()).digest()


def somebody(name: str) -> str:
    """An address without a history."""
    return to_checksum_address(keccak(text=name)[12:])


def owner_of(key: SigningKey) -> str:
    return ethereum(key.public)


def later(client: Client, seconds: int = DAY_S) -> int:
    return client.latest_block().timestamp + seconds


def pass_time(client: Client, seconds: int) -> None:
    client.rpc.request("evm_increaseTime", seconds)
    client.rpc.request("evm_mine")


# Deployment


def test_plan_has_two_contracts_that_ship() -> None:
    plan = deployment_plan()
    assert isinstance(plan, Plan)
    assert plan.system == SYSTEM == "keys"
    assert [(step.name, step.args) for step in plan.steps] == [("HelperRegistry", ()), ("ImageVault", ())]
    for step in plan.steps:
        assert step.artifact == load_artifact(step.name)
        assert step.artifact.insecure is None
        step.artifact.require_size()


def test_plan_needs_no_cryptography_of_ours() -> None:
    """Brownie's environment has no torch and no coincurve."""
    program = (
        "import sys; from pyml.keys.deployment import deployment_plan; deployment_plan(); "
        "print(sorted(name for name in sys.modules if name.startswith(('torch', 'onnx', 'pyml.crypto', 'pyml.ml'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_contracts_are_found_where_they_were_deployed(contracts: KeysContracts, client: Client, folder: Path) -> None:
    again = open_contracts(client, folder)
    assert (again.helpers.address, again.vault.address) == (contracts.helpers.address, contracts.vault.address)
    assert 0 < contracts.since_block <= client.block_number()


def test_nothing_is_found_where_nothing_was_deployed(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotDeployedError, match="pyml deploy --system keys"):
        open_contracts(client, tmp_path)
    assert list(tmp_path.iterdir()) == []


# Helper files


def test_publishing_registers_once(helpers: HelperRegistry, payer: Signer, client: Client) -> None:
    digest = digest_of("published once")
    assert helpers.find(payer.address, digest) is None
    entry = publish_helper(helpers, digest, payer)
    assert (entry.digest, entry.is_valid, entry.replacement) == (digest, True, 0)
    block = client.block_number()
    assert entry.registered_block == block
    assert publish_helper(helpers, digest, payer) == entry
    assert client.block_number() == block, "nothing was sent"
    assert helpers.call("isValid", payer.address, digest)


def test_re_enrolment_leads_from_the_old_to_the_newest(helpers: HelperRegistry, relayer: Signer) -> None:
    digests = [digest_of(f"enrolment {number}") for number in range(4)]
    publish_helper(helpers, digests[0], relayer)
    for old, new in pairwise(digests[:3]):
        entry = publish_helper(helpers, new, relayer, replaces=old)
        assert publish_helper(helpers, new, relayer, replaces=old) == entry, "it can be run again"
    publish_helper(helpers, digests[3], relayer)
    entries = helpers.entries(relayer.address)
    assert [entry.digest for entry in entries] == digests
    assert [entry.version for entry in entries] == [1, 2, 3, 4]
    assert [entry.replacement for entry in entries] == [2, 3, 0, 0]
    assert [entry.is_valid for entry in entries] == [False, False, True, True]
    for digest in digests[:3]:
        assert helpers.latest(relayer.address, digest) == entries[2]
    assert helpers.latest(relayer.address, digests[3]) == entries[3]
    assert helpers.latest(relayer.address, digest_of("never")) is None


def test_more_entries_than_a_page(helpers: HelperRegistry, node: Devnet) -> None:
    owner = node.accounts[2]
    helpers.client.rpc.request("evm_setAutomine", False)
    try:
        nonce = helpers.client.transaction_count(owner.address)
        for number in range(101):
            fields = {
                "to": helpers.address,
                "data": helpers.encode("register", digest_of(f"page {number}")),
                "nonce": nonce + number,
                "gas": 200_000,
                "gasPrice": 10**10,
                "chainId": helpers.client.chain_id,
            }
            helpers.client.rpc.request("eth_sendRawTransaction", "0x" + owner.sign(fields).raw.hex())
    finally:
        helpers.client.rpc.request("evm_setAutomine", True)
        helpers.client.rpc.request("evm_mine")
    entries = helpers.entries(owner.address)
    assert [entry.digest for entry in entries] == [digest_of(f"page {number}") for number in range(101)]
    assert [entry.version for entry in entries] == list(range(1, 102))


def test_the_same_digest_of_another_owner_is_another_entry(
    helpers: HelperRegistry, payer: Signer, relayer: Signer
) -> None:
    digest = digest_of("copied by a front-runner")
    publish_helper(helpers, digest, relayer)
    helpers.revoke(digest, account=relayer)
    entry = publish_helper(helpers, digest, payer)
    assert entry.is_valid
    copied = helpers.find(relayer.address, digest)
    assert copied is not None
    assert not copied.is_valid


def test_revocation_is_final(helpers: HelperRegistry, payer: Signer) -> None:
    digest = digest_of("revoked")
    publish_helper(helpers, digest, payer)
    helpers.revoke(digest, account=payer)
    with pytest.raises(InputError, match=f"this helper file was revoked; got 0x{digest.hex()}. Enrol again."):
        publish_helper(helpers, digest, payer)
    for refused in (helpers.register, helpers.revoke):
        with pytest.raises(ContractRevertedError):
            refused(digest, account=payer)
    with pytest.raises(ContractRevertedError) as error:
        helpers.replace(digest, digest_of("too late"), account=payer)
    assert error.value.name == "HelperIsRevoked"
    assert error.value.arguments["digest"] == digest


def test_only_what_is_the_senders_can_be_replaced(helpers: HelperRegistry, payer: Signer, relayer: Signer) -> None:
    mine, new = digest_of("mine"), digest_of("new")
    publish_helper(helpers, mine, payer)
    with pytest.raises(ContractRevertedError) as error:
        publish_helper(helpers, new, relayer, replaces=mine)
    assert error.value.name == "HelperUnknown"
    assert error.value.arguments == {"owner": relayer.address, "digest": mine}
    publish_helper(helpers, new, payer)
    with pytest.raises(InputError, match="this helper file is registered, but not in place of the one named"):
        publish_helper(helpers, new, payer, replaces=mine)


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)], ids=len)
def test_what_is_no_digest_is_refused(helpers: HelperRegistry, payer: Signer, digest: bytes) -> None:
    expected = f"not the digest of a helper file; expected 32 bytes; got {len(digest)}"
    for refused in (helpers.register, helpers.revoke):
        with pytest.raises(InputError, match=expected):
            refused(digest, account=payer)
    with pytest.raises(InputError, match=expected):
        helpers.find(payer.address, digest)


def test_zero_digest_is_refused(helpers: HelperRegistry, payer: Signer) -> None:
    with pytest.raises(ContractRevertedError, match=r"^HelperRegistry refused the call: NoDigest\(\)$"):
        publish_helper(helpers, bytes(32), payer)


# Payments


def test_account_without_ether_is_paid_by_its_signature(
    vault: ImageVault, payer: Signer, relayer: Signer, key: SigningKey, client: Client
) -> None:
    fee = AMOUNT // 100
    deposit, receipt = pay(vault, owner_of(key), AMOUNT, payer, lock_s=DAY_S)
    found = vault.deposit_of(deposit)
    assert (found.sender, found.token, found.recipient, found.amount) == (payer.address, ETHER, owner_of(key), AMOUNT)
    assert vault.deposits_to(owner_of(key), since_block=receipt.block_number) == (deposit,)
    claim = Claim(deposit, somebody("cold wallet"), later(client), relayer.address, fee)
    signature = sign_typed_data(key, vault.typed_data(claim))
    before = client.balance_wei(relayer.address)
    sent = vault.claim_for(claim, signature, account=relayer)
    (event,) = vault.events_in(sent, "Claimed")
    assert event.arguments == {
        "depositId": deposit,
        "recipient": owner_of(key),
        "destination": claim.destination,
        "relayer": relayer.address,
        "fee": fee,
    }
    assert client.balance_wei(claim.destination) == AMOUNT - fee
    assert client.balance_wei(relayer.address) == before + fee - sent.gas_used * sent.effective_gas_price_wei
    assert client.balance_wei(owner_of(key)) == 0
    with pytest.raises(ContractRevertedError) as error:
        vault.claim_for(claim, signature, account=relayer)
    assert error.value.name == "DepositIsSettled"


def test_recipient_claims_tokens_long_after_the_lock(
    vault: ImageVault, payer: Signer, relayer: Signer, token: Contract, client: Client
) -> None:
    deposit, _ = pay(vault, relayer.address, AMOUNT, payer, lock_s=DAY_S, token=token.address)
    assert vault.deposit_of(deposit).token == token.address
    pass_time(client, 3 * DAY_S)
    vault.claim(deposit, somebody("token wallet"), account=relayer)
    assert token.call("balanceOf", somebody("token wallet")) == AMOUNT
    assert token.call("balanceOf", vault.address) == 0


def test_sender_is_refunded_after_the_time_only(
    vault: ImageVault, payer: Signer, relayer: Signer, token: Contract, client: Client
) -> None:
    deposit, _ = pay(vault, somebody("nobody can open this image"), AMOUNT, payer, lock_s=DAY_S, token=token.address)
    with pytest.raises(ContractRevertedError) as error:
        vault.refund(deposit, account=payer)
    assert error.value.name == "RefundTooEarly"
    assert error.value.arguments["refundAfter"] == vault.deposit_of(deposit).refund_after
    pass_time(client, DAY_S + 1)
    with pytest.raises(ContractRevertedError) as error:
        vault.refund(deposit, account=relayer)
    assert error.value.name == "NotSender"
    vault.refund(deposit, account=payer)
    assert token.call("balanceOf", payer.address) == 2 * AMOUNT
    with pytest.raises(ContractRevertedError) as error:
        vault.deposit_of(deposit)
    assert error.value.name == "DepositIsSettled"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"destination": "0x" + "11" * 20}, "NotRecipient"),
        ({"relayer": "0x" + "11" * 20}, "NotRecipient"),
        ({"fee": 6}, "NotRecipient"),
        ({"deadline": 2**40}, "NotRecipient"),
        ({"deadline": 1}, "DeadlinePassed"),
        ({"deposit": 2**200}, "DepositUnknown"),
    ],
    ids=str,
)
def test_relayer_can_change_nothing(
    vault: ImageVault, payer: Signer, relayer: Signer, key: SigningKey, change: dict[str, object], reason: str
) -> None:
    deposit, _ = pay(vault, owner_of(key), AMOUNT, payer, lock_s=DAY_S)
    claim = Claim(deposit, somebody("wallet"), later(vault.client), relayer.address, 5)
    signature = sign_typed_data(key, vault.typed_data(claim))
    with pytest.raises(ContractRevertedError) as error:
        vault.claim_for(replace(claim, **change), signature, account=relayer)  # pyright: ignore[reportArgumentType]
    assert error.value.name == reason
    assert vault.deposit_of(deposit).amount == AMOUNT


def test_signatures_that_are_not_the_recipients(
    vault: ImageVault, payer: Signer, relayer: Signer, key: SigningKey
) -> None:
    deposit, _ = pay(vault, owner_of(key), AMOUNT, payer, lock_s=DAY_S)
    claim = Claim(deposit, somebody("wallet"), later(vault.client))
    typed = vault.typed_data(claim)
    signature = sign_typed_data(key, typed)
    assert verify_typed_data(owner_of(key), typed, signature)
    s, v = int.from_bytes(signature[32:64], "big"), signature[64]
    malleated = signature[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    stranger = SigningKey.from_secret(b"\x01" * 32)
    elsewhere = {**typed, "domain": {**typed["domain"], "chainId": 1}}
    for wrong, reason in {
        malleated: "ECDSAInvalidSignatureS",
        signature[:64]: "ECDSAInvalidSignatureLength",
        signature + b"\x00": "ECDSAInvalidSignatureLength",
        signature[:64] + bytes([v - 27]): "ECDSAInvalidSignature",
        sign_typed_data(stranger, typed): "NotRecipient",
        sign_typed_data(key, elsewhere): "NotRecipient",
    }.items():
        with pytest.raises(ContractRevertedError) as error:
            vault.claim_for(claim, wrong, account=relayer)
        assert error.value.name == reason
    vault.claim_for(claim, signature, account=relayer)


@settings(max_examples=15)
@given(destination=addresses, relayer=addresses, fee=uint256s, deadline=uint256s)
def test_python_and_the_contract_sign_the_same(
    vault: ImageVault, waiting: int, destination: str, relayer: str, fee: int, deadline: int
) -> None:
    claim = Claim(waiting, destination, deadline, relayer, fee)
    encoded = encode_typed_data(full_message=vault.typed_data(claim))
    assert keccak(b"\x19" + encoded.version + encoded.header + encoded.body) == vault.claim_digest(claim)


@pytest.fixture(scope="module")
def waiting(contracts: KeysContracts, node: Devnet) -> int:
    """A deposit that nobody claims."""
    return pay(contracts.vault, somebody("waiting"), AMOUNT, node.accounts[0], lock_s=DAY_S)[0]


def test_deposits_are_listed_by_recipient(vault: ImageVault, payer: Signer, contracts: KeysContracts) -> None:
    recipient = somebody("listed")
    made = [pay(vault, name, AMOUNT, payer, lock_s=DAY_S) for name in (recipient, somebody("other"), recipient)]
    expected = (made[0][0], made[2][0])
    assert vault.deposits_to(recipient, since_block=contracts.since_block) == expected
    assert vault.deposits_to(recipient.lower(), since_block=made[2][1].block_number) == expected[1:]
    assert vault.deposits_to(somebody("never paid"), since_block=0) == ()


@pytest.mark.parametrize(
    ("recipient", "amount", "lock_s", "reason"),
    [
        (NO_ADDRESS, AMOUNT, DAY_S, "AccountInvalid"),
        (somebody("x"), 0, DAY_S, "NothingDeposited"),
        (somebody("x"), AMOUNT, 60, "RefundTimeOutOfRange"),
        (somebody("x"), AMOUNT, 6 * 365 * DAY_S, "RefundTimeOutOfRange"),
    ],
    ids=["nobody", "nothing", "too short", "too long"],
)
def test_payments_that_are_refused(
    vault: ImageVault, payer: Signer, recipient: str, amount: int, lock_s: int, reason: str
) -> None:
    count = vault.call("depositCount")
    with pytest.raises(ContractRevertedError) as error:
        pay(vault, recipient, amount, payer, lock_s=lock_s)
    assert error.value.name == reason
    assert vault.call("depositCount") == count


def test_tokens_that_are_not_there(vault: ImageVault, payer: Signer, token: Contract) -> None:
    with pytest.raises(InsufficientFundsError, match="too few tokens"):
        pay(vault, somebody("x"), 3 * AMOUNT, payer, lock_s=DAY_S, token=token.address)
    with pytest.raises(InputError, match="there is no token at"):
        pay(vault, somebody("x"), AMOUNT, payer, lock_s=DAY_S, token=somebody("no token"))


def test_claims_are_checked_before_they_are_signed() -> None:
    with pytest.raises(InputError, match="not an Ethereum address"):
        Claim(0, "0x12", 1)
    with pytest.raises(InputError, match="not an Ethereum address"):
        Claim(0, somebody("x"), 1, relayer="nobody")
    with pytest.raises(InputError, match=r"a claim's numbers are not negative; got \(0, 1, -1\)"):
        Claim(0, somebody("x"), 1, fee=-1)


def test_deposit_that_never_was(vault: ImageVault) -> None:
    with pytest.raises(ContractRevertedError, match=r"^ImageVault refused the call: DepositUnknown\(depositId=9{9}\)$"):
        vault.deposit_of(999_999_999)


def test_deposit_decodes_in_the_order_of_its_fields() -> None:
    raw = {"sender": "a", "refundAfter": 1, "token": "b", "recipient": "c", "amount": 2}
    assert Deposit.decode(raw) == Deposit("a", 1, "b", "c", 2)
