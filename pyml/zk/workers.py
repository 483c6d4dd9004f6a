"""Long tasks over processes of this machine, or over Ray; each result is yielded as it comes.

A process is started anew for each task, so that its memory is given back. Task and secret reach it through a pipe: they
are in no argument, no environment and on no disk. It leads a process group of its own with the programs that it starts,
and ends the group as soon as its starter is gone (SIGKILL included), because the pipe then ends.

Ray has its own ways to move what a task needs, and may put large values on disk: the secret travels there encrypted
under a fresh key, and the key, which is small, with the task itself. Both cross the network as Ray is set up to send
them (TLS is Ray's option), and every node must see the same files under the same names.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import secrets
import signal
import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pyml.errors import ResourceError, ToolMissingError
from pyml.zk.engine import Progress, silent

Task = TypeVar("Task")
Result = TypeVar("Result")
Act = Callable[[Task, bytes, Progress], Result]
"""What is done with a task, a secret and a callback for phases; a function of a module, so that it can be sent."""
Results = Generator[tuple[Task, Result], None, None]

_NONCE_BYTES = 12
_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class _Running(Generic[Task]):
    task: Task
    process: SpawnProcess
    pipe: Connection

    def end(self) -> None:
        """Kill what is left of the process and of all that it started."""
        self.pipe.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(cast("int", self.process.pid), signal.SIGKILL)
        self.process.kill()  # it may not have had the time to lead a group
        self.process.join()


def in_processes(
    act: Act[Task, Result],
    tasks: Sequence[Task],
    secret: bytes,
    *,
    workers: int,
    progress: Callable[[Task, str], None],
) -> Results[Task, Result]:
    """Run the tasks in at most ``workers`` processes at a time; closing the generator ends them.

    What ``act`` raises is raised here. A task whose process was killed, or that ran out of something, is begun again
    with one process fewer; ``ResourceError`` if it was the only one.
    """
    waiting, running = deque(tasks), list[_Running[Task]]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_start(act, waiting.popleft(), secret))
            pipes = {each.pipe: each for each in running}
            for ready in wait(list(pipes)):
                one = pipes[cast("Connection", ready)]
                kind, content = _received(one.pipe)
                if kind == "phase":
                    progress(one.task, str(content))
                    continue
                running.remove(one)
                one.end()
                if kind == "done":
                    yield one.task, cast("Result", content)
                elif isinstance(content, ResourceError) and workers > 1:
                    workers -= 1
                    waiting.appendleft(one.task)
                else:
                    raise cast("Exception", content)
    finally:
        for one in running:
            one.end()


def on_ray(
    act: Act[Task, Result],
    tasks: Sequence[Task],
    secret: bytes,
    *,
    address: str,
    cores: int,
    memory_bytes: int,
) -> Results[Task, Result]:
    """Run the tasks on the cluster at ``address``, or for ``local`` on one started here for the time being.

    Ray places a task where ``cores`` and ``memory_bytes`` are free, and repeats one whose process died.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise ToolMissingError("Ray is not installed", hint="pip install 'pyml[ray]'") from error
    _require_reachable(address)
    key, nonce = AESGCM.generate_key(256), secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret, None)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ResourceError(f"there is no Ray to work with at {address}: {error}") from error
    try:
        _require_node(ray.nodes(), cores, memory_bytes)
        remote = ray.remote(num_cpus=cores, memory=memory_bytes)(_act_on_ray)
        stored = ray.put(sealed)
        pending = {remote.remote(act, task, stored, key): task for task in tasks}
        while pending:
            (ready, *_), _ = ray.wait(list(pending), num_returns=1)
            task = pending.pop(ready)
            try:
                result = ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayError as error:
                raise ResourceError(f"Ray could not finish a task: {type(error).__name__}") from error
            yield task, result
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    """Ray itself would try for minutes. ``auto`` and ``local`` name no place."""
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        if place.port is not None:
            socket.create_connection((place.hostname or "", place.port), timeout=_CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ResourceError(f"there is no Ray to work with at {address}: {error}") from error


def _require_node(nodes: Sequence[Mapping[str, Any]], cores: int, memory_bytes: int) -> None:
    """Ray itself would wait for such a node for ever."""
    found = [node["Resources"] for node in nodes if node["Alive"]]
    if not any(each.get("CPU", 0) >= cores and each.get("memory", 0) >= memory_bytes for each in found):
        raise ResourceError(
            "no node of the Ray cluster is large enough for a task",
            expected=f"{cores} processors and {memory_bytes / 1e9:.1f} GB",
            got=", ".join(f"{each.get('CPU', 0):g} and {each.get('memory', 0) / 1e9:.1f} GB" for each in found),
        )


def _act_on_ray(act: Act[Task, Result], task: Task, sealed: bytes, key: bytes) -> Result:
    return act(task, AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None), silent)


def _start(act: Act[Task, Result], task: Task, secret: bytes) -> _Running[Task]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = cast("tuple[Connection, Connection]", Pipe())
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    with suppress(OSError):  # it is dead already, which the next receipt will tell
        ours.send((act, task, secret))
    return _Running(task, process, ours)


def _received(pipe: Connection) -> tuple[str, object]:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return "failed", ResourceError(
            "a worker was killed, most likely for want of memory", hint="Run again with fewer --jobs or smaller parts."
        )


def _serve(pipe: Connection) -> None:
    """The worker's side."""
    os.setsid()
    act, task, secret = pipe.recv()

    def progress(phase: str) -> None:
        pipe.send(("phase", phase))

    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    try:
        result = act(task, secret, progress)
    except Exception as error:
        error.add_note(traceback.format_exc())
        pipe.send(("failed", error))
    else:
        pipe.send(("done", result))


def _end_with(pipe: Connection) -> None:
    """Nothing is sent to a worker at work: what it reads is the end of the pipe, and so of its starter."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os.killpg(0, signal.SIGKILL)
