"""Child processes that cannot outlive their parent, however the parent ends (SIGKILL included).

The child is started through ``sh``, which first forks a watcher that blocks on one end of a pipe and then
``exec``s the program, so that the program has the pid that we know and no moment exists in which it is
unwatched. This process holds the only other end. When it dies, by whatever cause, the kernel closes that end,
the watcher reads end-of-file and ends the child's process group (SIGTERM, three seconds later SIGKILL). An
orderly ``stop`` writes a line first, which sends the watcher home.

A pipe rather than ``PR_SET_PDEATHSIG``: that is Linux only and fires when the *thread* that started the child
ends. The child has a session of its own, so Ctrl-C in a terminal reaches this process alone, which can then
save state before it stops the child.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pyml.errors import ToolMissingError

_LAUNCH = """
exec 3<&0 </dev/null
( trap '' TERM INT HUP
  read -r _ <&3 || { kill -TERM -$$; sleep 3; kill -KILL -$$; } ) >/dev/null 2>&1 &
exec 3<&-
exec "$@"
"""
_TAIL_LINES = 200
"""Hardhat prints more than sixty lines, its accounts, right after the one that says it is ready."""

_alive: weakref.WeakSet[TiedProcess] = weakref.WeakSet()


class TiedProcess:
    """A running program whose life ends with this process; its last output lines are kept for error messages.

    With ``output``, two open files, standard output and error go there instead, and no line is kept.
    """

    def __init__(
        self, command: Sequence[str], *, cwd: Path | None = None, output: tuple[IO[bytes], IO[bytes]] | None = None
    ) -> None:
        self._owner_pid = os.getpid()
        out, err = output or (subprocess.PIPE, subprocess.STDOUT)
        read_end, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _LAUNCH, "sh", *command],
                stdin=read_end,
                stdout=out,
                stderr=err,
                cwd=cwd,
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            os.close(self._lifeline)
            raise ToolMissingError(f"{command[0]} cannot be started: {error.strerror}") from error
        finally:
            os.close(read_end)
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._new_line = threading.Condition()
        self._output_ended = False
        threading.Thread(target=self._drain, name=f"output of {Path(command[0]).name}", daemon=True).start()
        _alive.add(self)
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """As ``subprocess`` has it; ``None`` while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """The last lines that the program printed."""
        return "\n".join(self._lines)

    def wait_for_line(self, prefix: str, timeout_s: float) -> str | None:
        """The first line among the recent ones that contains ``prefix``; ``None`` if none came or the program ended."""

        def found() -> str | None:
            return next((line for line in self._lines if prefix in line), None)

        with self._new_line:
            self._new_line.wait_for(lambda: found() is not None or self._output_ended, timeout_s)
            return found()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the program and everything it started (SIGTERM, then SIGKILL); does nothing again or in a fork."""
        if os.getpid() != self._owner_pid or self._lifeline < 0:
            return
        atexit.unregister(self.stop)
        lifeline, self._lifeline = self._lifeline, -1
        with contextlib.suppress(BrokenPipeError):
            os.write(lifeline, b"stop\n")
        os.close(lifeline)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole group: ``npx`` does not pass signals on to the program that it runs."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _drain(self) -> None:
        """Keep reading, or the program would block once the pipe is full."""
        stream = self._process.stdout
        if stream is not None:
            for line in stream:
                with self._new_line:
                    self._lines.append(line.rstrip())
                    self._new_line.notify_all()
        with self._new_line:
            self._output_ended = True
            self._new_line.notify_all()

    def close_in_fork(self) -> None:
        """A forked copy of this process lets go of the lifeline, else it would keep the child alive after us."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


def _release_in_fork() -> None:
    for process in tuple(_alive):
        process.close_in_fork()


os.register_at_fork(after_in_child=_release_in_fork)
