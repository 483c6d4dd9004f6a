"""Tasks over real processes: results, refusals, kills, orphans, and where the secret can be seen. Ray where it is."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pyml.errors import ProofError, ResourceError, ToolMissingError
from pyml.zk.engine import Progress
from pyml.zk.workers import Act, in_processes, on_ray

ROOT = Path(__file__).parents[2]
SECRET = b"the secret model"


def echo(task: str, secret: bytes, progress: Progress) -> str:
    progress("echoing")
    return f"{task} {len(secret)}"


def refuse(task: str, secret: bytes, progress: Progress) -> str:
    raise ProofError("no", expected=1, got=2, hint="Try again.")


def misbehave(task: str, secret: bytes, progress: Progress) -> str:
    raise ZeroDivisionError("a bug")


def lack(task: str, secret: bytes, progress: Progress) -> str:
    raise ResourceError("no memory")


def die(task: str, secret: bytes, progress: Progress) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


def lack_once(task: str, secret: bytes, progress: Progress) -> str:
    return lack(task, secret, progress) if is_first(task) else echo(task, secret, progress)


def die_once(task: str, secret: bytes, progress: Progress) -> str:
    return die(task, secret, progress) if is_first(task) else echo(task, secret, progress)


def is_first(task: str) -> bool:
    """Whether the task, a path, is done for the first time."""
    try:
        Path(task).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def hang(task: str, secret: bytes, progress: Progress) -> str:
    """For a folder, leave two process ids in it and wait for another program; else do it at once."""
    if not task:
        return echo(task, secret, progress)
    child = subprocess.Popen(["sleep", "600"])
    Path(task, "pids").write_text(f"{os.getpid()} {child.pid}")
    progress("hanging")
    child.wait()
    return task


def sees_secret(task: str, secret: bytes, progress: Progress) -> str:
    """Whether this process's arguments or environment hold the secret."""
    return str(any(secret in Path("/proc/self", name).read_bytes() for name in ("cmdline", "environ")))


def unseen(task: str, phase: str) -> None:
    """Nobody watches."""


def run(act: Act[str, str], tasks: Sequence[str], *, workers: int = 1) -> dict[str, str]:
    return dict(in_processes(act, tasks, SECRET, workers=workers, progress=unseen))


def test_every_task_is_done_and_says_what_it_does() -> None:
    phases: list[tuple[str, str]] = []
    results = in_processes(
        echo, ["a", "b", "c"], SECRET, workers=2, progress=lambda task, phase: phases.append((task, phase))
    )
    assert sorted(results) == [(name, f"{name} {len(SECRET)}") for name in ("a", "b", "c")]
    assert sorted(phases) == [(name, "echoing") for name in ("a", "b", "c")]


def test_nothing_to_do_starts_nothing() -> None:
    assert run(echo, []) == {}


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_secret_is_in_no_argument_and_no_environment() -> None:
    assert run(sees_secret, ["a"]) == {"a": "False"}


def test_a_refusal_arrives_whole() -> None:
    with pytest.raises(ProofError) as caught:
        run(refuse, ["a"], workers=2)
    assert str(caught.value) == "no; expected 1; got 2. Try again."


def test_a_bug_arrives_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match="a bug") as caught:
        run(misbehave, ["a"])
    assert "in misbehave" in caught.value.__notes__[0]


@pytest.mark.parametrize("act", [die_once, lack_once])
def test_a_lost_task_is_begun_again_with_one_process_fewer(act: Act[str, str], tmp_path: Path) -> None:
    """Every task is lost once, and two workers go to one: the second loss is the last one's."""
    task = str(tmp_path / "lost")
    assert run(act, [task], workers=2) == {task: f"{task} {len(SECRET)}"}
    others = [str(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(ResourceError):
        run(act, others, workers=2)


@pytest.mark.parametrize(("act", "words"), [(die, "a worker was killed"), (lack, "no memory")])
def test_the_only_process_is_not_begun_again(act: Act[str, str], words: str) -> None:
    with pytest.raises(ResourceError, match=words):
        run(act, ["a"])


def test_closing_ends_workers_and_what_they_started(tmp_path: Path) -> None:
    results = in_processes(hang, ["", str(tmp_path)], SECRET, workers=2, progress=unseen)
    assert next(results) == ("", f" {len(SECRET)}")
    pids = hanging(tmp_path)
    results.close()
    until(lambda: all(gone(pid) for pid in pids))


def test_a_killed_worker_takes_along_what_it_started(tmp_path: Path) -> None:
    pids: list[int] = []

    def kill(task: str, phase: str) -> None:
        pids.extend(hanging(tmp_path))
        os.kill(pids[0], signal.SIGKILL)

    with pytest.raises(ResourceError, match="a worker was killed"):
        list(in_processes(hang, [str(tmp_path)], SECRET, workers=1, progress=kill))
    until(lambda: all(gone(pid) for pid in pids))


def test_workers_end_with_a_killed_starter(tmp_path: Path) -> None:
    program = f"from tests.zk.test_workers import hang, run; run(hang, [{str(tmp_path)!r}])"
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        pids = hanging(tmp_path)
    finally:
        starter.kill()
        starter.wait()
    until(lambda: all(gone(pid) for pid in pids))


def hanging(folder: Path) -> list[int]:
    """Process ids of a hanging worker and of the program that it started."""
    until(lambda: len(_words(folder / "pids")) == 2)
    return [int(word) for word in _words(folder / "pids")]


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has collected its exit status."""
    status = Path("/proc", str(pid), "stat")
    if status.parent.parent.joinpath("self").exists():
        with contextlib.suppress(OSError):
            return status.read_text().rpartition(")")[2].split()[0] == "Z"
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# Ray

NO_RAY = importlib.util.find_spec("ray") is None
needs_ray = pytest.mark.skipif(NO_RAY, reason="Ray is not installed")


def on_local_ray(act: Act[str, str], tasks: Sequence[str]) -> dict[str, str]:
    return dict(on_ray(act, tasks, SECRET, address="local", cores=1, memory_bytes=10**6))


@pytest.mark.skipif(not NO_RAY, reason="Ray is installed")
def test_ray_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolMissingError, match="Ray is not installed") as caught:
        on_local_ray(echo, ["a"])
    assert caught.value.hint == "pip install 'pyml[ray]'"


@needs_ray
def test_ray_does_the_same() -> None:
    assert on_local_ray(echo, ["a", "b"]) == {name: f"{name} {len(SECRET)}" for name in ("a", "b")}


@needs_ray
@pytest.mark.parametrize(
    ("act", "error", "words"),
    [(refuse, ProofError, "no"), (die, ResourceError, "Ray could not finish a task: WorkerCrashedError")],
)
def test_ray_says_what_went_wrong(act: Act[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        on_local_ray(act, ["a"])


@needs_ray
def test_ray_that_is_too_small_is_named() -> None:
    with pytest.raises(ResourceError, match="no node of the Ray cluster is large enough for a task"):
        list(on_ray(echo, ["a"], SECRET, address="local", cores=1, memory_bytes=10**15))


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:none"])
def test_ray_that_does_not_answer_is_named_at_once(address: str) -> None:
    with pytest.raises(ResourceError, match=f"there is no Ray to work with at {address}"):
        list(on_ray(echo, ["a"], SECRET, address=address, cores=1, memory_bytes=1))
