"""Sending on a real node: nonces under load, replacement, confirmation, and refusals."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet, DevNode
from pyml.chain.fees import Fees, market_fees
from pyml.chain.rpc import RpcUnavailableError
from pyml.chain.sending import SendPolicy
from pyml.chain.transactions import Receipt, Transaction
from pyml.errors import ContractRevertedError, InputError, InsufficientFundsError, KeystoreError, TransactionFailedError

QUICK = SendPolicy(deadline_s=10, poll_s=0.01, lost_after_s=0.5)


def pay(node: DevNode, value_wei: int = 1) -> Transaction:
    return Transaction(node.accounts[9].address, value_wei=value_wei)


def test_receipt_says_what_happened(client: Client, node: DevNode) -> None:
    before = client.balance_wei(node.accounts[8].address)
    receipt = client.send(pay(node, 1000), node.accounts[8])
    assert receipt.succeeded
    assert receipt.gas_used == 21000
    cost = receipt.gas_used * receipt.effective_gas_price_wei
    assert client.balance_wei(node.accounts[8].address) == before - 1000 - cost


def watch_hand_overs(client: Client, monkeypatch: pytest.MonkeyPatch, seen: list[str]) -> None:
    once = client.rpc._once

    def watching(method: str, params: tuple[object, ...]) -> object:
        if method == "eth_sendRawTransaction":
            seen.append(str(params[0]))
        return once(method, params)

    monkeypatch.setattr(client.rpc, "_once", watching)


@pytest.mark.parametrize("clients", [1, 2])
def test_eight_threads_share_an_account(
    anvil: Devnet, compiled: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch, clients: int
) -> None:
    """Nothing is lost or done twice. Two clients also race for nonces that no lock arbitrates, and push each other's
    transactions out of the pool: that is said, and means that the action was not done.
    """
    account = anvil.accounts[0]
    pool = [Client.connect(anvil.url, policy=QUICK) for _ in range(clients)]
    inner = Contract.deploy(pool[0], account=account, artifact=compiled["Inner"])
    vault = Contract.deploy(pool[0], 100, inner.address, account=account, artifact=compiled["Vault"])
    handles = [Contract(client, vault.artifact, vault.address) for client in pool]
    first = pool[0].transaction_count(account.address)
    start = threading.Barrier(8)

    hand_overs: list[str] = []
    for client in pool:
        watch_hand_overs(client, monkeypatch, hand_overs)

    def increment(handle: Contract) -> Receipt:
        while True:
            try:
                return handle.send("increment", account=account, gas=100_000)
            except TransactionFailedError as error:
                if clients == 1 or "was used by another transaction" not in str(error):
                    raise

    def work(index: int) -> list[Receipt]:
        start.wait()
        return [increment(handles[index % clients]) for _ in range(4)]

    with ThreadPoolExecutor(8) as threads:
        receipts = [receipt for batch in threads.map(work, range(8)) for receipt in batch]
    assert len({receipt.tx_hash for receipt in receipts}) == 32
    assert vault.call("count") == 32
    assert pool[0].transaction_count(account.address) == first + 32, "no nonce was wasted"
    assert clients > 1 or len(hand_overs) == 32, "threads of one client never race for a nonce"


def test_stuck_transaction_is_replaced_with_the_same_nonce_and_a_higher_fee(anvil: Devnet) -> None:
    client, account = Client.connect(anvil.url), anvil.accounts[0]
    anvil.rpc.request("evm_setAutomine", False)
    versions: list[tuple[str, int]] = []
    seen: list[dict[str, str]] = []

    def journal(tx_hash: str, nonce: int) -> None:
        versions.append((tx_hash, nonce))
        if len(versions) == 3:
            threading.Timer(0.2, anvil.rpc.request, ("evm_mine",)).start()
        for known, _ in versions[:-1]:
            pending = anvil.rpc.request("eth_getTransactionByHash", known)
            if pending:
                seen.append(pending)

    policy = SendPolicy(deadline_s=10, resend_after_s=0.3, poll_s=0.01)
    receipt = client.send(pay(anvil), account, on_signed=journal, policy=policy)
    assert receipt.tx_hash in [tx_hash for tx_hash, _ in versions[2:]]
    assert {nonce for _, nonce in versions} == {0}
    mined = anvil.rpc.request("eth_getTransactionByHash", receipt.tx_hash)
    for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
        first, last = int(seen[0][name], 16), int(mined[name], 16)
        assert last >= first * 1.125**2
    assert client.transaction_count(account.address) == 1


def test_never_mined_gives_up_at_the_deadline(anvil: Devnet) -> None:
    client = Client.connect(anvil.url)
    anvil.rpc.request("evm_setAutomine", False)
    policy = SendPolicy(deadline_s=0.6, resend_after_s=0.2, poll_s=0.01)
    with pytest.raises(TransactionFailedError, match=r"did not reach 1 confirmations in time.*may still be mined"):
        client.send(pay(anvil), anvil.accounts[0], policy=policy)


def test_fee_ceiling_is_not_exceeded(anvil: Devnet) -> None:
    client, ceiling = Client.connect(anvil.url), 2_000_000_000
    anvil.rpc.request("evm_setAutomine", False)
    hashes: list[str] = []
    policy = SendPolicy(deadline_s=0.8, resend_after_s=0.1, poll_s=0.01, max_fee_wei=ceiling)
    with pytest.raises(TransactionFailedError, match=f"1 versions with nonce 0, the last at {ceiling} wei"):
        client.send(pay(anvil), anvil.accounts[0], policy=policy, on_signed=lambda tx_hash, _: hashes.append(tx_hash))
    assert len(hashes) == 1


def test_confirmations_are_waited_for(anvil: Devnet) -> None:
    client = Client.connect(anvil.url)
    miner = threading.Timer(0.3, anvil.rpc.request, ("anvil_mine", hex(2)))
    miner.start()
    receipt = client.send(pay(anvil), anvil.accounts[0], policy=replace(QUICK, confirmations=3))
    assert client.block_number() >= receipt.block_number + 2
    with pytest.raises(TransactionFailedError, match="did not reach 3 confirmations"):
        client.send(pay(anvil), anvil.accounts[0], policy=replace(QUICK, confirmations=3, deadline_s=0.3))


def test_transaction_that_a_reorganisation_drops_is_sent_again(anvil: Devnet) -> None:
    """It is mined, its block is replaced by an empty one, and only the block that stays counts."""
    client, account = Client.connect(anvil.url), anvil.accounts[0]
    snapshot = anvil.rpc.request("evm_snapshot")
    first: list[str] = []

    def rewrite() -> None:
        block = client.block(1)
        assert block is not None
        first.append(block.hash)
        anvil.rpc.request("evm_revert", snapshot)
        anvil.rpc.request("anvil_mine", hex(1))

    threading.Timer(0.4, rewrite).start()
    threading.Timer(1.5, anvil.rpc.request, ("anvil_mine", hex(3))).start()
    policy = SendPolicy(confirmations=3, deadline_s=10, resend_after_s=0.4, poll_s=0.01)
    receipt = client.send(pay(anvil), account, policy=policy)
    assert receipt.block_hash != first[0]
    block = client.block(receipt.block_number)
    assert block is not None
    assert block.hash == receipt.block_hash


def test_chain_that_went_back_does_not_leave_a_nonce_gap(anvil: Devnet, anvil_client: Client) -> None:
    snapshot = anvil.rpc.request("evm_snapshot")
    for _ in range(3):
        anvil_client.send(pay(anvil), anvil.accounts[0])
    anvil.rpc.request("evm_revert", snapshot)
    assert anvil_client.send(pay(anvil), anvil.accounts[0]).succeeded
    assert anvil_client.transaction_count(anvil.accounts[0].address) == 1


@pytest.mark.parametrize("mined_at_once", [True, False])
def test_lost_answer_does_not_send_twice(anvil: Devnet, monkeypatch: pytest.MonkeyPatch, mined_at_once: bool) -> None:
    """The node accepts, the answer is lost, and the repetition is met with "nonce too low" or "already imported"."""
    client, account = Client.connect(anvil.url, policy=QUICK), anvil.accounts[0]
    if not mined_at_once:
        anvil.rpc.request("evm_setAutomine", False)
        threading.Timer(0.5, anvil.rpc.request, ("evm_mine",)).start()
    once = client.rpc._once
    lost: list[str] = []

    def lossy(method: str, params: tuple[object, ...]) -> object:
        answer = once(method, params)
        if method == "eth_sendRawTransaction" and not lost:
            lost.append(str(answer))
            raise RpcUnavailableError("answer lost")
        return answer

    monkeypatch.setattr(client.rpc, "_once", lossy)
    receipt = client.send(pay(anvil), account)
    assert lost == [receipt.tx_hash]
    assert client.transaction_count(account.address) == 1


@pytest.mark.parametrize("mined", [True, False])
def test_same_transaction_of_another_client_is_not_taken_for_ours(
    anvil: Devnet, monkeypatch: pytest.MonkeyPatch, mined: bool
) -> None:
    """Signatures are deterministic: two clients that race for a nonce with the same action send the same bytes."""
    client, account = Client.connect(anvil.url, policy=QUICK), anvil.accounts[0]
    fees = market_fees(client)
    fields = {"chainId": 31337, "nonce": 0, "to": anvil.accounts[9].address, "value": 1, "data": "0x", "gas": 30_000}
    theirs = account.sign({**fields, **fees.as_fields()})
    anvil.rpc.request("evm_setAutomine", False)
    anvil.rpc.request("eth_sendRawTransaction", "0x" + theirs.raw.hex())
    if mined:
        anvil.rpc.request("evm_mine")
    stale = [0]  # their transaction arrives just after we asked for the next nonce
    count = client.transaction_count

    def stale_count(address: str, block: int | str = "latest") -> int:
        return stale.pop() if stale else count(address, block)

    def same_fees(_: Client) -> Fees:
        return fees

    monkeypatch.setattr(client, "transaction_count", stale_count)
    monkeypatch.setattr("pyml.chain.sending.market_fees", same_fees)
    threading.Timer(0.5, anvil.rpc.request, ("evm_mine",)).start()
    ours: list[str] = []
    tx = replace(pay(anvil), gas=30_000)
    receipt = client.send(tx, account, on_signed=lambda tx_hash, _: ours.append(tx_hash))
    assert ours[0] == theirs.tx_hash, "the race happened"
    assert receipt.tx_hash != theirs.tx_hash
    assert client.balance_wei(anvil.accounts[9].address) == 10_000 * 10**18 + 2


def test_node_that_goes_away_for_good_names_the_transaction(anvil: Devnet, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client.connect(anvil.url, policy=QUICK)
    once = client.rpc._once

    def broken(method: str, params: tuple[object, ...]) -> object:
        if method == "eth_sendRawTransaction":
            raise RpcUnavailableError("gone")
        return once(method, params)

    monkeypatch.setattr(client.rpc, "_once", broken)
    with pytest.raises(TransactionFailedError, match=r"stopped answering while transaction 0x[0-9a-f]{64}"):
        client.send(pay(anvil), anvil.accounts[0])


def test_insufficient_balance_names_needed_and_available(anvil: Devnet, anvil_client: Client) -> None:
    poor = Signer(Account.create(), origin="test", dev_only=True)
    with pytest.raises(InsufficientFundsError, match=r"expected 5 wei .*; got 0 wei"):
        anvil_client.send(pay(anvil, 5), poor)
    anvil_client.send(Transaction(poor.address, value_wei=10**9), anvil.accounts[0])
    with pytest.raises(InsufficientFundsError, match=r"expected \d{11,} wei \(value plus gas\); got 1000000000 wei"):
        anvil_client.send(pay(anvil, 1), poor)
    assert anvil_client.transaction_count(poor.address) == 0


def test_replaced_by_another_sender_is_reported(anvil: Devnet) -> None:
    """A second program spends the nonce while ours waits in the pool."""
    client, other = Client.connect(anvil.url), Client.connect(anvil.url)
    account = anvil.accounts[0]
    anvil.rpc.request("evm_setAutomine", False)

    def steal() -> None:
        fields = {"chainId": 31337, "nonce": 0, "to": account.address, "value": 0, "gas": 21000}
        signed = account.sign({**fields, **Fees(10**12, 10**11).as_fields()})
        other.rpc.request("eth_sendRawTransaction", "0x" + signed.raw.hex())
        other.rpc.request("evm_mine")

    threading.Timer(0.2, steal).start()
    with pytest.raises(TransactionFailedError, match=f"nonce 0 of {account.address} was used by another"):
        client.send(pay(anvil), account, policy=QUICK)


def test_dev_key_never_signs_for_a_public_chain(node: DevNode, client: Client) -> None:
    public = Client(client.rpc, chain_id=1)
    with pytest.raises(KeystoreError, match="for development chains only; expected chain id 1337 or 31337; got 1"):
        public.send(pay(node), node.accounts[0])


def test_estimate_that_reverts_sends_nothing(vault: Contract, node: DevNode) -> None:
    hashes: list[str] = []
    tx = Transaction(vault.address, vault.encode("requireString"))
    with pytest.raises(ContractRevertedError, match="plain words"):
        vault.client.send(tx, node.accounts[0], on_signed=lambda tx_hash, _: hashes.append(tx_hash))
    assert hashes == []


@pytest.mark.parametrize("to", ["0x1234", "", "vitalik.eth", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267"])
def test_malformed_recipient_is_refused(to: str) -> None:
    with pytest.raises(InputError, match="not an Ethereum address"):
        Transaction(to)


def test_negative_value_is_refused(node: DevNode) -> None:
    with pytest.raises(InputError, match="value is negative"):
        pay(node, -1)


@given(
    st.integers(0, 2**80),
    st.one_of(st.none(), st.integers(0, 2**70)),
    st.integers(0, 2**80),
    st.integers(0, 2**70),
)
def test_bump_is_at_least_an_eighth_and_consistent(cap: int, tip: int | None, market_cap: int, market_tip: int) -> None:
    fees = Fees(cap if tip is None else max(cap, tip), tip)
    market = Fees(market_cap, None if tip is None else market_tip)
    bumped = fees.bumped(market)
    assert bumped.cap_wei > fees.cap_wei
    assert 8 * bumped.cap_wei >= 9 * fees.cap_wei
    assert bumped.cap_wei >= market.cap_wei
    if tip is None:
        assert bumped.as_fields() == {"gasPrice": bumped.cap_wei}
    else:
        assert bumped.tip_wei is not None
        assert bumped.tip_wei > tip
        assert 8 * bumped.tip_wei >= 9 * tip
        assert bumped.tip_wei <= bumped.cap_wei
