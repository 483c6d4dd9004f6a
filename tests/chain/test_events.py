"""Event reading: a consumer of its pages ends with exactly the events of the chain that stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet
from pyml.chain.events import BlockRef, Cursor, NodeLogs, Page, TooManyLogsError, decode_cursor, follow
from pyml.chain.rpc import RpcError
from pyml.chain.transactions import Block, Log
from pyml.errors import ChainError, InputError, IntegrityError

ADDRESS = "0x" + "00" * 20


@dataclass
class ModelChain:
    """A chain in memory: each block has a salt (so that forks differ) and a number of events."""

    blocks: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    max_logs: int = 10**9
    asked: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def hash_of(self, number: int) -> str:
        digest = b""
        for block in self.blocks[: number + 1]:
            digest = hashlib.sha256(digest + repr(block).encode()).digest()
        return "0x" + digest.hex()

    def head_number(self) -> int:
        return len(self.blocks) - 1

    def block(self, number: int) -> Block | None:
        if not 0 <= number < len(self.blocks):
            return None
        return Block(number, self.hash_of(number), self.hash_of(number - 1) if number else "0x00", 0, 0, 0)

    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        self.asked.append((first_block, last_block))
        found = tuple(
            Log(ADDRESS, (), bytes([index]), number, self.hash_of(number), "0x", index)
            for number in range(first_block, min(last_block, self.head_number()) + 1)
            for index in range(self.blocks[number][1])
        )
        if len(found) > self.max_logs:
            raise TooManyLogsError("too many")
        return found

    def events_until(self, last: int) -> list[tuple[int, str, int]]:
        return [(log.block_number, log.block_hash, log.log_index) for log in self.logs(0, last)] if last >= 0 else []


@dataclass
class Consumer:
    """Does what a user of the reader must do."""

    cursor: Cursor
    seen: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    rewinds: int = 0

    def read(self, pages: Iterator[Page]) -> None:
        for page in pages:
            if page.rewound_to is not None:
                self.seen = [event for event in self.seen if event[0] <= page.rewound_to]
                self.rewinds += 1
            self.seen += [(log.block_number, log.block_hash, log.log_index) for log in page.logs]
            self.cursor = decode_cursor(page.cursor.to_json())


blocks = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3)), max_size=12)


@given(
    st.lists(st.tuples(st.integers(0, 20), blocks), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(1, 7),
    st.integers(1, 12),
)
def test_consumer_ends_with_the_chain_that_stays(
    history: list[tuple[int, list[tuple[int, int]]]], confirmations: int, span: int, max_logs: int
) -> None:
    """Each step drops some blocks and adds others; the reader may stop after any page."""
    chain = ModelChain(max_logs=max(max_logs, 3))
    consumer = Consumer(Cursor(0))
    for dropped, added in history:
        chain.blocks = chain.blocks[: max(1, len(chain.blocks) - dropped)] + added
        consumer.read(follow(chain, consumer.cursor, confirmations=confirmations, max_span=span))
    # A chain never stays shorter than it was: let it grow past everything that was delivered.
    chain.blocks += [(7, 1)] * 130
    consumer.read(follow(chain, consumer.cursor, confirmations=confirmations, max_span=span))
    chain.max_logs = 10**9
    assert consumer.seen == chain.events_until(chain.head_number() - confirmations + 1)


@dataclass
class Forking(ModelChain):
    """Replaces its end by other blocks just before, or just after, answering some question."""

    forks: dict[int, tuple[int, list[tuple[int, int]]]] = field(
        default_factory=dict[int, tuple[int, list[tuple[int, int]]]]
    )
    questions: int = 0

    def tick(self) -> None:
        self.questions += 1
        if self.questions in self.forks:
            dropped, added = self.forks[self.questions]
            self.blocks = self.blocks[: max(1, len(self.blocks) - dropped)] + added

    def block(self, number: int) -> Block | None:
        self.tick()
        return super().block(number)

    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        self.tick()
        found = super().logs(first_block, last_block)
        self.tick()
        return found


@given(
    blocks,
    st.dictionaries(st.integers(1, 40), st.tuples(st.integers(1, 6), blocks)),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_forks_in_the_middle_of_reading(
    start: list[tuple[int, int]],
    forks: dict[int, tuple[int, list[tuple[int, int]]]],
    confirmations: int,
    span: int,
) -> None:
    """However the chain changes between two questions, no event of a replaced block stays."""
    chain = Forking([(0, 0), *start], forks=forks)
    consumer = Consumer(Cursor(0))
    for _ in range(8):
        consumer.read(follow(chain, consumer.cursor, confirmations=confirmations, max_span=span))
    chain.forks = {}
    chain.blocks += [(7, 1)] * 60
    consumer.read(follow(chain, consumer.cursor, confirmations=confirmations, max_span=span))
    assert consumer.seen == chain.events_until(chain.head_number() - confirmations + 1)


def test_fork_while_the_logs_are_fetched() -> None:
    """The replaced block had the only event and is not the last of its range: its hash alone would not tell."""
    chain = Forking([(0, 0), (1, 1), (2, 0)], forks={5: (2, [(3, 0), (4, 0)])})
    consumer = Consumer(Cursor(0))
    consumer.read(follow(chain, consumer.cursor))
    assert chain.questions > 5, "the fork happened"
    assert consumer.seen == []


def test_fork_between_the_check_and_the_range() -> None:
    """The block under the cursor is replaced after it was looked at."""
    chain = Forking([(0, 0), (1, 1)])
    consumer = Consumer(Cursor(0))
    consumer.read(follow(chain, consumer.cursor))
    chain.forks = {chain.questions + 2: (1, [(5, 2), (6, 1)])}
    chain.blocks.append((2, 1))
    consumer.read(follow(chain, consumer.cursor))
    assert consumer.seen == chain.events_until(chain.head_number())


@given(st.integers(0, 30), st.integers(1, 10), st.integers(1, 5))
def test_unconfirmed_blocks_are_not_delivered(length: int, confirmations: int, span: int) -> None:
    chain = ModelChain([(number, 1) for number in range(length + 1)])
    consumer = Consumer(Cursor(0))
    consumer.read(follow(chain, consumer.cursor, confirmations=confirmations, max_span=span))
    assert [event[0] for event in consumer.seen] == list(range(length + 2 - confirmations))


@given(st.integers(2, 400))
def test_trail_stays_short_and_keeps_both_ends(count: int) -> None:
    cursor = Cursor(0)
    for number in range(count):
        cursor = cursor.advanced(BlockRef(number, hex(number)))
    assert len(cursor.trail) <= 16 + 12
    assert (cursor.trail[0].number, cursor.next_block) == (0, count)


def test_span_is_halved_on_too_many_logs_and_grows_again() -> None:
    chain = ModelChain([(number, 2 if number < 8 else 0) for number in range(40)], max_logs=4)
    consumer = Consumer(Cursor(0))
    consumer.read(follow(chain, consumer.cursor, max_span=16))
    assert chain.asked[:4] == [(0, 15), (0, 7), (0, 3), (0, 1)]
    assert max(last - first + 1 for first, last in chain.asked[4:]) == 16
    assert len(consumer.seen) == 16


def test_one_block_with_too_many_logs_is_an_error() -> None:
    chain = ModelChain([(0, 0), (1, 9)], max_logs=4)
    with pytest.raises(TooManyLogsError):
        list(follow(chain, Cursor(0)))


def test_lagging_node_is_no_reorganisation() -> None:
    chain = ModelChain([(number, 1) for number in range(10)])
    consumer = Consumer(Cursor(0))
    consumer.read(follow(chain, consumer.cursor))
    lagging = ModelChain(chain.blocks[:5])
    consumer.read(follow(lagging, consumer.cursor))
    assert (consumer.rewinds, len(consumer.seen)) == (0, 10)


class Shifting(ModelChain):
    """Changes its last block whenever logs are asked for."""

    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        found = super().logs(first_block, last_block)
        self.blocks[-1] = (self.blocks[-1][0] + 1, 1)
        return found


def test_chain_that_never_holds_still_is_an_error() -> None:
    with pytest.raises(ChainError, match="keeps changing its answers"):
        list(follow(Shifting([(0, 0), (1, 1)]), Cursor(0)))


class Foreign(ModelChain):
    """Answers with logs of a block that was not asked for."""

    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        return (Log(ADDRESS, (), b"", last_block + 1, "0x", "0x", 0),)


def test_logs_of_other_blocks_are_refused() -> None:
    with pytest.raises(ChainError, match="logs of other blocks than asked for; got block 1"):
        list(follow(Foreign(), Cursor(0)))


@pytest.mark.parametrize(("confirmations", "span"), [(0, 1), (-1, 1), (1, 0)])
def test_settings_must_be_positive(confirmations: int, span: int) -> None:
    with pytest.raises(InputError, match="must be positive"):
        list(follow(ModelChain(), Cursor(0), confirmations=confirmations, max_span=span))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"start_block": 0, "trail": [[2, "0x"], [1, "0x"]]}', '{"start_block": -1, "trail": []}']
)
def test_stored_cursor_that_is_damaged(text: str) -> None:
    with pytest.raises(IntegrityError, match="stored event cursor"):
        decode_cursor(text)


@pytest.fixture
def counter(anvil: Devnet, anvil_client: Client, compiled: dict[str, Artifact]) -> Contract:
    account = anvil.accounts[0]
    inner = Contract.deploy(anvil_client, account=account, artifact=compiled["Inner"])
    return Contract.deploy(anvil_client, 100, inner.address, account=account, artifact=compiled["Vault"])


def test_events_of_a_real_chain_with_a_reorganisation(anvil: Devnet, anvil_client: Client, counter: Contract) -> None:
    account = anvil.accounts[1]
    source = NodeLogs(anvil_client, addresses=(counter.address,), topics=(counter.topic("Counted"),))
    consumer = Consumer(Cursor(0))
    for _ in range(3):
        counter.send("increment", account=account)
    consumer.read(follow(source, consumer.cursor))
    assert len(consumer.seen) == 3
    before = consumer.seen
    anvil.rpc.request("anvil_reorg", 2, [])  # replaces the last two blocks by empty ones
    counter.send("increment", account=account)
    consumer.read(follow(source, consumer.cursor))
    assert consumer.rewinds == 1
    assert consumer.seen[0] == before[0]
    assert len(consumer.seen) == 2
    last = anvil_client.block(consumer.seen[1][0])
    assert last is not None
    assert consumer.seen[1][1] == last.hash
    assert counter.call("count") == 2


def test_snapshot_and_revert_to_a_longer_chain(anvil: Devnet, anvil_client: Client, counter: Contract) -> None:
    account, source = anvil.accounts[1], NodeLogs(anvil_client, addresses=(counter.address,))
    consumer = Consumer(Cursor(0))
    snapshot = anvil.rpc.request("evm_snapshot")
    counter.send("increment", account=account)
    consumer.read(follow(source, consumer.cursor))
    anvil.rpc.request("evm_revert", snapshot)
    for value in range(3):
        counter.send("store", value, "after", account=account)
    consumer.read(follow(source, consumer.cursor))
    logs = [log for page in follow(source, Cursor(0)) for log in page.logs]
    assert [event.name for log in logs if (event := counter.decode_log(log))] == ["Stored"] * 3
    assert consumer.seen == [(log.block_number, log.block_hash, log.log_index) for log in logs]
    assert consumer.rewinds == 1


@pytest.mark.parametrize(
    ("code", "text", "too_many"),
    [
        (-32005, "query returned more than 10000 results", True),
        (-32602, "block range is too large", True),
        (-32000, "Log response size exceeded", True),
        (-32000, "header not found", False),
    ],
)
def test_refusals_of_known_nodes(
    anvil_client: Client, monkeypatch: pytest.MonkeyPatch, code: int, text: str, too_many: bool
) -> None:
    def refuse(*_: object, **__: object) -> tuple[Log, ...]:
        raise RpcError("node", "eth_getLogs", code, text, None)

    monkeypatch.setattr(anvil_client, "logs", refuse)
    with pytest.raises(TooManyLogsError if too_many else RpcError, match=text):
        NodeLogs(anvil_client).logs(0, 1)
