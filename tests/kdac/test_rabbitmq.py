"""Delivery through a real broker: quorum queue, publisher confirms, and a broker that is killed in between."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyml.errors import ResourceError
from pyml.kdac.ordering import SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.rabbitmq import RabbitQueue
from pyml.kdac.relay import Relay, RelaySettings
from pyml.kdac.wire import Ack, Ping, Pong, Session, encode_frame
from tests.kdac.network import NAME, eventually, raw, read
from tests.kdac.test_relay import heartbeat, message, sides

PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/sbin/rabbitmq-server")
START_S = 60.0


class Broker:
    """A RabbitMQ node of our own: its folder, its ports, its cookie. Distribution stays on 127.0.0.1."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.port, self._distribution, self._names = free_port(), free_port(), free_port()
        self.name = f"kdac{secrets.token_hex(4)}@localhost"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        settings = self.folder / "rabbitmq.conf"
        settings.write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        plugins = self.folder / "plugins"
        plugins.write_text("[].\n")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names),
        }
        self.process = subprocess.Popen(
            [self.program],
            env=environment,
            cwd=self.folder,
            stdout=(self.folder / "out").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_S
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                words = (self.folder / "out").read_text(errors="replace")[-800:]
                pytest.skip(f"the broker does not start here: {' '.join(words.split())}")
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, number)
            self.process.wait(START_S)
            self.process = None

    def forget(self) -> None:
        """End Erlang's name server, which started with the broker, on a port of our own."""
        program = shutil.which("epmd")
        if program is not None:
            environment = {"ERL_EPMD_PORT": str(self._names), "PATH": os.environ["PATH"]}
            for _ in range(50):  # it stays until it has noticed that the broker is gone
                done = subprocess.run([program, "-kill"], env=environment, capture_output=True, text=True, check=False)
                if "Killing not allowed" not in done.stdout + done.stderr:
                    return
                time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(b"AMQP\x00\x00\x09\x01")
            line.settimeout(5)
            return bool(line.recv(1))
    except OSError:
        return False


@contextmanager
def running(folder: Path) -> Generator[Broker]:
    program = next((place for place in PLACES if os.access(place, os.X_OK)), shutil.which("rabbitmq-server"))
    if program is None:
        pytest.skip("rabbitmq-server is not installed: apt install rabbitmq-server")
    broker = Broker(program, folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        broker.forget()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[Broker]:
    with running(tmp_path_factory.mktemp("broker")) as made:
        yield made


def test_a_relay_delivers_through_a_quorum_queue(broker: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        outbox = Outbox(tmp_path / "outbox.sqlite")
        async with (
            SingleNode(tmp_path / "blocks.journal") as engine,
            RabbitQueue(broker.url, "kdac.one") as queue,
            Relay(engine, outbox, RelaySettings(NAME), clock=time.time, queue=queue) as node,
            raw(node.url) as (receiver, welcome),
            raw(node.url) as (sender, _),
        ):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            assert await read(receiver) == Ack()
            sent = [message(alice) for _ in range(4)]
            for item in sent:
                await sender.send(encode_frame(Session(item)))
            got = [await read(receiver) for _ in sent]
            assert sorted(map(repr, got)) == sorted(repr(Session(item)) for item in sent)
            assert outbox.height() >= 1
        outbox.close()

    asyncio.run(scenario())


def test_nothing_is_lost_or_doubled_when_relay_and_broker_go_away(tmp_path: Path) -> None:
    """Messages are confirmed and not yet taken; the relay is gone, the broker starts again; everything comes once.

    SIGTERM, not SIGKILL: RabbitMQ 3.10 of one node, killed seconds after a quorum queue was declared, was seen to come
    back without a leader for that queue. Brokers that must bear it are three.
    """

    async def leave(url: str, bodies: Sequence[bytes]) -> None:
        async with RabbitQueue(url, "kdac.two") as queue:
            await queue.publish(bodies)
            await queue.publish(bodies[:2])  # as a relay does that died before it had written the height

    async def scenario(broker: Broker) -> None:
        alice, bob = sides()
        sent = [message(alice) for _ in range(4)]
        await leave(broker.url, [item.cbor for item in sent])
        await asyncio.to_thread(broker.stop, signal.SIGTERM)
        await asyncio.to_thread(broker.start)
        outbox = Outbox(tmp_path / "outbox.sqlite")
        async with (
            SingleNode(tmp_path / "blocks.journal") as engine,
            RabbitQueue(broker.url, "kdac.two") as queue,
            Relay(engine, outbox, RelaySettings(NAME), clock=time.time, queue=queue) as node,
            raw(node.url) as (receiver, welcome),
        ):
            await eventually(lambda: len(outbox) == 4)
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            assert await read(receiver) == Ack()
            assert [await read(receiver) for _ in sent] == [Session(item) for item in sent]
            await receiver.send(encode_frame(Ping(1)))
            assert await read(receiver) == Pong(1)
        outbox.close()

    (tmp_path / "broker").mkdir()
    with running(tmp_path / "broker") as own:
        asyncio.run(scenario(own))


def test_what_was_not_taken_comes_again(broker: Broker) -> None:
    async def scenario() -> None:
        taken: list[bytes] = []

        def fail(payloads: Sequence[bytes]) -> asyncio.Future[None]:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(ResourceError("the outbox is full"))
            return future

        def take(payloads: Sequence[bytes]) -> asyncio.Future[None]:
            taken.extend(payloads)
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_result(None)
            return future

        async with RabbitQueue(broker.url, "kdac.three") as queue:
            await queue.publish([b"one", b"two"])
            with pytest.raises(ResourceError, match="outbox is full"):
                await queue.consume(fail)
        async with RabbitQueue(broker.url, "kdac.three") as queue:
            await consume_until(queue, take, lambda: len(taken) == 2)
        async with RabbitQueue(broker.url, "kdac.three") as queue:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue.consume(take), 0.5)
        assert sorted(taken) == [b"one", b"two"]

    asyncio.run(scenario())


async def consume_until(
    queue: RabbitQueue, take: Callable[[Sequence[bytes]], asyncio.Future[None]], done: Callable[[], bool]
) -> None:
    task = asyncio.create_task(queue.consume(take))
    await eventually(done)
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_broker_that_is_not_there() -> None:
    async def scenario() -> None:
        async with RabbitQueue(f"amqp://guest:secret@127.0.0.1:{free_port()}/", "kdac.none"):
            pass

    with pytest.raises(ResourceError, match="broker cannot be used") as refused:
        asyncio.run(scenario())
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(RabbitQueue("amqp://guest:secret@host/", "kdac.none"))
