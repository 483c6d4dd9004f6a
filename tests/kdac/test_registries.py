"""The kdac contracts on a devnet: keys registered and revoked, blocks anchored, messages ordered.

The contracts' own rules are tested in ``tests/contracts/kdac/``; the vectors there are held against Python here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.sending import SendPolicy
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import ContractRevertedError, InputError, ResourceError
from pyml.kdac.deployment import deployment_plan
from pyml.kdac.evm import EvmEngine
from pyml.kdac.ordering import Block as Ordered
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.merkle import leaf, path, verify_path
from pyml.kdac.pbft.replica_set import ReplicaSet
from pyml.kdac.pbft.votes import Certificate, Kind, Vote, signed_digest
from pyml.kdac.registries import (
    KdacContracts,
    MessageLog,
    addresses_of,
    anchor,
    certificate_arguments,
    open_contracts,
    register_key,
    registration_digest,
    replica_set,
)
from scripts.regenerate_kdac_certificates import make_vectors

VECTORS = Path(__file__).parents[1] / "vectors" / "kdac_certificates.json"
QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
KEYS = [SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(1, 5)]


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as running:
        yield running


@pytest.fixture(scope="module")
def contracts(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> KdacContracts:
    client = Client.connect(devnet.url, policy=QUICK)
    folder = tmp_path_factory.mktemp("deployments")
    plan = deployment_plan(addresses_of([key.public for key in KEYS]))
    deploy_system(client, plan, devnet.accounts[0], folder=folder)
    return open_contracts(client, folder)


def signed(replicas: ReplicaSet, block: Block, *, count: int = 3, round_: int = 0) -> Certificate:
    """A commit certificate by the first replicas."""
    keys = sorted(KEYS, key=lambda key: replicas.index(key.public))
    digest = signed_digest(replicas.network, Kind.COMMIT, block.height, round_, block.digest)
    votes = (
        Vote(Kind.COMMIT, block.height, round_, block.digest, i, keys[i].sign_recoverable(digest)) for i in range(count)
    )
    return Certificate.of(votes)


# Keys


def test_key_is_registered_once_and_revoked_for_good(contracts: KdacContracts, devnet: Devnet) -> None:
    account, key = devnet.accounts[1], SigningKey.random()
    assert contracts.keys.find(account.address) is None
    assert contracts.keys.owner_of(key.public) is None
    entry = register_key(contracts.keys, key, account)
    assert (entry.owner, entry.key, entry.is_valid) == (account.address, key.public, True)
    assert register_key(contracts.keys, key, account) == entry, "again does nothing"
    assert contracts.keys.owner_of(key.public) == account.address
    with pytest.raises(InputError, match="this account has registered another key"):
        register_key(contracts.keys, SigningKey.random(), account)
    contracts.keys.revoke(account=account)
    assert not contracts.keys.is_valid(key.public)
    with pytest.raises(InputError, match="this account has revoked its key"):
        register_key(contracts.keys, key, account)


@pytest.mark.parametrize("spoil", ["owner", "chain", "registry", "key", "bit"])
def test_key_without_proof_of_possession_is_refused(contracts: KdacContracts, devnet: Devnet, spoil: str) -> None:
    account, key, registry = devnet.accounts[2], KEYS[0], contracts.keys
    digest = registration_digest(
        contracts.client.chain_id + (spoil == "chain"),
        contracts.queue.address if spoil == "registry" else registry.address,
        devnet.accounts[3].address if spoil == "owner" else account.address,
        KEYS[1].public if spoil == "key" else key.public,
    )
    proof = key.sign_recoverable(digest)
    if spoil == "bit":
        proof = proof[:20] + bytes([proof[20] ^ 1]) + proof[21:]
    with pytest.raises(ContractRevertedError) as refusal:
        registry.register(key.public, proof, account=account)
    assert refusal.value.name == "ProofInvalid"
    assert refusal.value.arguments["expected"] != refusal.value.arguments["recovered"]


@pytest.mark.parametrize("key", [b"", bytes(33), b"\x02" + bytes(32), b"\x02" + b"\xff" * 32, bytes(64)])
def test_what_is_no_key_is_refused(contracts: KdacContracts, key: bytes) -> None:
    with pytest.raises(InputError):
        contracts.keys.is_valid(key)


# Certificates


def test_vectors_are_those_of_the_code() -> None:
    assert json.loads(VECTORS.read_text(encoding="utf-8")) == json.loads(json.dumps(make_vectors()))


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text(encoding="utf-8"))["cases"], ids=lambda case: case["id"])
def test_python_judges_certificates_as_the_contract_does(case: dict[str, object]) -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    if "shape" in case["flags"]:  # pyright: ignore[reportOperatorIssue]
        return
    keys = tuple(map(bytes.fromhex, vectors["keys"]))
    replicas = ReplicaSet(keys, vectors["chain_id"], bytes.fromhex(vectors["log"][2:]))
    assert "0x" + replicas.network.hex() == vectors["network"]
    content = bytes.fromhex(str(case["signatures"])[2:])
    rows = [content[at : at + 65] for at in range(0, len(content), 65)]
    raw = [row[:64] + bytes([(row[64] - 27) % 256]) for row in rows]
    header = bytes.fromhex(str(vectors["digest"])[2:]) if case["id"] != "other height" else keccak256(b"another")
    named = [_signer(replicas, row, case, header) for row in raw]
    certificate = Certificate(
        Kind.COMMIT, int(str(case["height"])), int(str(case["round"])), header, tuple(zip(named, raw, strict=True))
    )
    assert certificate.verify(replicas, replicas.network, 4) == (case["result"] == "valid")


def _signer(replicas: ReplicaSet, signature: bytes, case: dict[str, object], digest: bytes) -> int:
    """Who signed, if anybody of the set did; else a number that must fail."""
    height, round_ = int(str(case["height"])), int(str(case["round"]))
    place = signed_digest(replicas.network, Kind.COMMIT, height, round_, digest)
    return next((i for i in range(4) if replicas.verify(i, place, signature)), 0)


def test_block_is_anchored_once_and_proves_its_messages(contracts: KdacContracts, devnet: Devnet) -> None:
    log = contracts.log
    assert log is not None
    replicas = replica_set(log, [key.public for key in KEYS])
    assert log.quorum() == 3
    first = Block(1, GENESIS, tuple(b"message %d" % k for k in range(7)))
    second = Block(2, first.digest, (b"another",))
    account = devnet.accounts[4]
    assert anchor(log, first, signed(replicas, first), account)
    assert not anchor(log, first, signed(replicas, first), account), "another relay was first"
    assert anchor(log, second, signed(replicas, second, count=4, round_=3), account)
    found = log.find(1)
    assert found is not None
    assert (found.digest, found.root, found.count) == (first.digest, first.header.root, 7)
    assert all(log.is_included(first, i) for i in range(7))
    assert not log.is_included(Block(1, GENESIS, (*first.payloads[:6], b"forged")), 6)
    _require_refusals(log, replicas, second, account)


def _require_refusals(log: MessageLog, replicas: ReplicaSet, second: Block, account: Signer) -> None:
    third, fork = (Block(3, parent, (b"third",)) for parent in (second.digest, GENESIS))
    cases = [
        ("SignatureCountOutOfRange", third, signed(replicas, third, count=2)),
        ("ParentMismatch", fork, signed(replicas, fork)),
        ("SignerUnknown|SignersNotAscending", third, signed(ReplicaSet(replicas.keys), third)),
        ("SignerUnknown|SignersNotAscending", third, replace(signed(replicas, third), round=1)),
    ]
    for name, block, certificate in cases:
        with pytest.raises(ContractRevertedError, match=name):
            log.anchor(block.header, certificate, account=account)
    other = Block(2, GENESIS, (b"a block that was not",))
    with pytest.raises(InputError, match="another block of this height is anchored"):
        anchor(log, other, signed(replicas, other), account)
    with pytest.raises(InputError, match="the certificate is not one for this block"):
        certificate_arguments(third.header, signed(replicas, second))
    assert log.latest_height() == 2


def test_log_of_other_replicas_is_noticed(contracts: KdacContracts) -> None:
    assert contracts.log is not None
    with pytest.raises(InputError, match="the message log was made for other replicas"):
        replica_set(contracts.log, [key.public for key in KEYS[:3]])


def test_paths_are_those_of_the_leaf_alone() -> None:
    for count in range(1, 20):
        leaves = [leaf(b"%d" % i) for i in range(count)]
        root = Block(1, GENESIS, tuple(b"%d" % i for i in range(count))).header.root
        for i in range(count):
            neighbours = path(leaves, i)
            assert verify_path(root, count, i, leaves[i], neighbours)
            assert not verify_path(root, count, (i + 1) % count, leaves[i], neighbours) or count == 1
            assert not verify_path(root, count, i, leaf(b"other"), neighbours)
            assert not verify_path(root, count, i, leaves[i], (*neighbours, GENESIS))
    with pytest.raises(InputError, match="the block has no such message"):
        path([leaf(b"0")], 1)


# Messages ordered by the chain


def engine_of(contracts: KdacContracts, account: Signer) -> EvmEngine:
    return EvmEngine(contracts.queue, account, since_block=contracts.since_block, poll_s=0.02)


async def collected(engine: EvmEngine, count: int, *, after: int = 0) -> list[Ordered]:
    blocks = list[Ordered]()
    async with asyncio.timeout(30):
        async for block in engine.committed(after):
            blocks.append(block)
            if sum(len(item.payloads) for item in blocks) >= count:
                return blocks
    raise AssertionError("unreachable")


def test_two_relays_see_the_chains_order(contracts: KdacContracts, devnet: Devnet) -> None:
    async def scenario() -> None:
        one, two = (engine_of(contracts, devnet.accounts[i]) for i in (5, 6))
        async with one, two:
            payloads = [b"message %d" % k for k in range(100)]
            heights = await asyncio.gather(*((one, two)[k % 2].submit(payloads[k]) for k in range(100)))
            first, second = await collected(one, 100), await collected(two, 100)
            assert first == second
            ordered = [payload for block in first for payload in block.payloads]
            assert sorted(ordered) == sorted(payloads)
            by_height = {block.height: block for block in first}
            assert all(payloads[k] in by_height[heights[k]].payloads for k in range(100))
            assert await two.submit(payloads[0]) == heights[0], "once for ever"
            assert contracts.queue.count() == 100
            rest = await collected(one, 1, after=first[0].height)
            assert rest[0] == first[1]

    asyncio.run(scenario())


def test_both_submit_the_same(contracts: KdacContracts, devnet: Devnet) -> None:
    async def scenario() -> None:
        one, two = (engine_of(contracts, devnet.accounts[i]) for i in (5, 6))
        async with one, two:
            before = contracts.queue.count()
            first, second = await asyncio.gather(one.submit(b"the same"), two.submit(b"the same"))
            assert first == second
            assert contracts.queue.count() == before + 1
            assert contracts.queue.index_of(b"the same") == before + 1
            assert contracts.queue.index_of(b"not posted") is None

    asyncio.run(scenario())


@pytest.mark.parametrize("payload", [b"", bytes(64 * 1024 + 1)])
def test_payload_of_wrong_length_is_refused(contracts: KdacContracts, devnet: Devnet, payload: bytes) -> None:
    async def scenario() -> None:
        async with engine_of(contracts, devnet.accounts[5]) as engine:
            with pytest.raises(InputError, match="a message cannot be ordered: wrong length"):
                await engine.submit(payload)

    asyncio.run(scenario())


def test_stopped_engine_says_so(contracts: KdacContracts, devnet: Devnet) -> None:
    async def scenario() -> None:
        engine = engine_of(contracts, devnet.accounts[5])
        with pytest.raises(ResourceError, match="the ordering engine is not running"):
            await engine.submit(b"early")
        async with engine:
            pass
        with pytest.raises(ResourceError, match="the ordering engine stopped"):
            await engine.submit(b"late")

    asyncio.run(scenario())
