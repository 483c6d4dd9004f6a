"""``pyml kdac relay``: a relay node in the foreground."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from pyml.cli.kdac_chain import Account, AccountPasswordFile, Deployments, anchoring_of, evm_engine
from pyml.cli.kdac_replica import Begins, Network, ReplicaKey, ordering_engine
from pyml.cli.terminal import Json, PasswordFile
from pyml.config import load_config
from pyml.errors import InputError, PymlError, ResourceError

if TYPE_CHECKING:
    from pyml.cli.kdac_chain import Anchors
    from pyml.kdac.ordering import OrderingEngine
    from pyml.kdac.relay import RelaySettings
    from pyml.kdac.relay_pipeline import DeliveryQueue


def relay(
    folder: Annotated[Path | None, typer.Option(help="Where blocks and outbox are [default: PYML_HOME/relay].")] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 7700,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Prometheus endpoint; 0: a free one.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate chain, PEM.")] = None,
    private_key: Annotated[
        Path | None, typer.Option(help="Its private key, PEM, if it is not in the same file.")
    ] = None,
    resolver: Annotated[str, typer.Option(help="How receivers are found: table, or paper for comparison.")] = "table",
    queue: Annotated[str | None, typer.Option(help="amqp:// URL of a RabbitMQ broker [default: embedded].")] = None,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Most messages of a block, of one node.")] = 500,
    network: Network = None,
    replica_key: ReplicaKey = None,
    beginning: Begins = "resume",
    password_file: PasswordFile = None,
    anchor: Annotated[
        str | None, typer.Option(help="Node to anchor decided blocks at, in the network file's message_log.")
    ] = None,
    anchor_every: Annotated[int, typer.Option(min=1, help="Anchor one block in so many: it fixes all before.")] = 1,
    evm: Annotated[str | None, typer.Option(help="Node of a chain that orders, by its MessageQueue.")] = None,
    confirmations: Annotated[int, typer.Option(min=1, help="Of a block that the chain orders.")] = 1,
    deployments: Deployments = Path("deployments"),
    account: Account = None,
    account_password_file: AccountPasswordFile = None,
    as_json: Json = False,
) -> None:
    """Run a relay until interrupted: of one node, with ``--network`` one of several that agree, or ordered by a chain.

    One node can lose no message, but delay all and be switched off. Of four that agree one may do anything.
    """
    from pyml.kdac.relay import RelaySettings

    if resolver not in {"table", "paper"}:
        raise InputError("unknown resolver", expected="table or paper", got=resolver)
    if evm is not None and (network is not None or anchor is not None):
        raise InputError("a chain orders instead of a network", expected="--evm, or --network and --anchor")
    if anchor is not None and network is None:
        raise InputError("there is nothing to anchor", expected="--network FILE", hint="One node signs no blocks.")
    place = folder or load_config().home / "relay"
    settings = RelaySettings(
        _name(place),
        host,
        port,
        metrics_port,
        certificate,
        private_key,
        cast("Literal['table', 'paper']", resolver),
    )
    anchoring: Anchors | None = None
    if evm is not None:
        engine = evm_engine(
            evm, deployments, account=account, password_file=account_password_file, confirmations=confirmations
        )
    else:
        engine = ordering_engine(
            place,
            batch=batch,
            network=network,
            key=replica_key,
            password_file=password_file,
            beginning=beginning,
        )
    if anchor is not None and network is not None:
        anchoring = anchoring_of(
            engine, network, anchor, every=anchor_every, account=account, password_file=account_password_file
        )
    asyncio.run(_serve(place, settings, queue, engine, anchoring, as_json=as_json))


def _name(folder: Path) -> bytes:
    """32 random bytes, the same at each start."""
    from secrets import token_bytes

    from pyml.files import write_atomically

    path = folder / "name"
    if not path.exists():
        write_atomically(path, token_bytes(32), mode=0o600)
    name = path.read_bytes()
    if len(name) != 32:
        raise InputError(f"{path} is damaged", expected="32 bytes", hint="Remove it; clients connect again.")
    return name


async def _serve(
    folder: Path,
    settings: RelaySettings,
    queue: str | None,
    ordering: OrderingEngine,
    anchors: Anchors | None,
    *,
    as_json: bool,
) -> None:
    from pyml.kdac.outbox import Outbox
    from pyml.kdac.relay import Relay

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(ordering)
        outbox = Outbox(folder / "outbox.sqlite")
        stack.callback(outbox.close)
        broker = None if queue is None else await _broker(stack, queue, settings.name)
        node = await stack.enter_async_context(Relay(engine, outbox, settings, clock=time.time, queue=broker))
        if anchors is not None:
            anchoring = anchors(node.metrics)
            await anchoring.prepare()
            stack.push_async_callback(_ended, asyncio.create_task(anchoring.run()))
        ready = {"url": node.url, "metrics_port": node.metrics_port}
        typer.echo(json.dumps(ready) if as_json else f"relay at {node.url}, interrupt to stop")
        while not stop.is_set():
            if node.failure is not None:
                if isinstance(node.failure, PymlError):
                    raise node.failure
                raise ResourceError("delivery has stopped") from node.failure
            try:
                await asyncio.wait_for(stop.wait(), 0.5)
            except TimeoutError:
                continue


async def _ended(task: asyncio.Task[None]) -> None:
    """Stop anchoring before the archive that it reads is closed."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _broker(stack: AsyncExitStack, url: str, name: bytes) -> DeliveryQueue:
    from pyml.kdac.rabbitmq import RabbitQueue

    return await stack.enter_async_context(RabbitQueue(url, f"kdac.{name.hex()[:16]}"))
