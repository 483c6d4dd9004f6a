"""The folder of witness files: private, gone at the end, and after a kill gone at the next start."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyml.zk import secret_folder as module
from pyml.zk.secret_folder import secret_folder

HOLD = """
from pathlib import Path
from pyml.zk import secret_folder as module
module._MEMORY = Path({place!r})
with module.secret_folder(10) as folder:
    (folder / "witness.json").write_text("secret")
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_MEMORY", tmp_path)
    return tmp_path


def holder(place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD.format(place=str(place))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(child: subprocess.Popen[str]) -> Path:
    assert child.stdout is not None
    return Path(child.stdout.readline().strip())


def test_private_and_gone_at_the_end(memory: Path) -> None:
    with secret_folder(1) as folder:
        assert folder.parent == memory
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "witness.json").write_text("secret")
    assert not folder.exists()


def test_gone_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), secret_folder(1) as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_on_disk_where_memory_has_no_room(memory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with secret_folder(1 << 60) as folder:
        assert folder.parent != memory
    assert not folder.exists()


def test_what_a_killed_process_left_goes_with_the_next_and_what_is_held_stays(memory: Path) -> None:
    with holder(memory) as killed, holder(memory) as living:
        try:
            abandoned, held = first_line(killed), first_line(living)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            assert (abandoned / "witness.json").exists()
            with secret_folder(1):
                assert not abandoned.exists()
                assert (held / "witness.json").read_text() == "secret"
        finally:
            killed.kill()
            living.communicate("\n")
    assert not held.exists()


def test_links_and_other_names_are_left_alone(memory: Path) -> None:
    (memory / "elsewhere").mkdir()
    (memory / "elsewhere" / "kept").write_text("kept")
    (memory / "pyml-witness-link").symlink_to(memory / "elsewhere")
    (memory / "pyml-witness-file").write_text("not a folder")
    (memory / "other").mkdir()
    with secret_folder(1):
        pass
    assert (memory / "elsewhere" / "kept").read_text() == "kept"
    assert sorted(path.name for path in memory.iterdir()) == [
        "elsewhere",
        "other",
        "pyml-witness-file",
        "pyml-witness-link",
    ]


def test_many_at_once_never_take_one_anothers() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                with secret_folder(1) as folder:
                    (folder / "witness.json").write_text(str(os.getpid()))
                    assert (folder / "witness.json").exists()
        except BaseException as error:  # reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
