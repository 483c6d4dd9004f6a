"""Disk, memory, ports, a broker, a node: what the machine has to spare and whom it can reach."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from typing import Final

from pyml.cli.doctor.findings import GIB, Finding, Surroundings, ok, optional, problem
from pyml.errors import PymlError
from pyml.zk.machine import free_memory, processors

LEAST_DISK: Final = GIB
"""Circuits and keys of the demonstration take 90 MB; the rest is room for what is written on the way."""
LEAST_MEMORY: Final = 3 * GIB
"""The demonstration's processes together were seen to take 2.4 GiB."""


def look_at_disk(place: Surroundings) -> Iterator[Finding]:
    """Where pyml writes."""
    home = place.config.home.absolute()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        yield problem("disk", f"{existing} cannot be looked at ({error.strerror})", "Name another place: PYML_HOME.")
        return
    if free < LEAST_DISK:
        yield problem(
            "disk", f"{_gib(free)} free at {existing}", f"Free {_gib(LEAST_DISK)}, or name another place: PYML_HOME."
        )
    else:
        yield ok("disk", f"{_gib(free)} free at {existing}")


def look_at_memory(place: Surroundings) -> Iterator[Finding]:
    """What processes can take without swapping, within the container's limits."""
    free = free_memory(place.meminfo, place.control_group)
    shown = f"{_gib(free)} free, {processors()} processors"
    if free < LEAST_MEMORY:
        yield problem("memory", shown, f"End other programs: the demonstration takes up to {_gib(LEAST_MEMORY)}.")
    else:
        yield ok("memory", shown)


def look_at_ports(place: Surroundings) -> Iterator[Finding]:
    """Whether this machine lets processes listen; devnets take any free port, a relay has one of its own."""
    if not _can_listen(place.host, 0):
        yield problem(
            "ports",
            f"nothing can listen at {place.host}",
            "Devnets and relays need the loopback interface: bring it up.",
        )
    elif not _can_listen(place.host, place.relay_port):
        taken = f"port {place.relay_port} is taken"
        yield optional("ports", taken, "Give `pyml kdac relay` another one with --port; nothing else has a fixed port.")
    else:
        yield ok("ports", f"{place.host} can be listened at; {place.relay_port} is free for a relay")


def look_at_broker(place: Surroundings) -> Iterator[Finding]:
    """RabbitMQ, which can deliver messages in place of the embedded queue."""
    try:
        with socket.create_connection((place.host, place.broker_port), timeout=2):
            yield ok("rabbitmq", f"something answers at {place.host}:{place.broker_port}")
    except OSError:
        program = shutil.which("rabbitmq-server")
        found = "not running" if program else "not installed"
        advice = "Messages are delivered by the embedded queue; with a broker: `pyml kdac relay --queue amqp://…`."
        yield optional("rabbitmq", found, advice)


def look_at_node_url(place: Surroundings) -> Iterator[Finding]:
    """The node that the settings name; without one, commands start a devnet or ask for ``--rpc``."""
    from pyml.chain.client import Client

    if place.config.rpc is None:
        yield ok("node url", "none set: demonstrations use a devnet of their own")
        return
    try:
        yield ok("node url", repr(Client.connect(place.config.rpc)))
    except PymlError as error:  # its text has the address without credentials
        yield problem("node url", error.problem, "Start the node, or correct or unset PYML_RPC (or rpc in pyml.toml).")


def _can_listen(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
