"""The command as a whole: exit codes, one line for every mistake, JSON where it was asked for, and a quick start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from typer.exceptions import Abort

from pyml import __version__
from pyml.cli import chain, main
from pyml.errors import ContractRevertedError, InputError, PymlError

ROOT = Path(__file__).parents[2]
HEAVY = frozenset(
    {"torch", "ezkl", "web3", "onnx", "onnxruntime", "sklearn", "numpy", "eth_account", "coincurve", "cryptography"}
    | {"galois", "numba", "scipy", "Crypto", "PIL"}
)


def pyml(
    *words: str, folder: Path, options: tuple[str, ...] = (), stdin: int = subprocess.DEVNULL, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-m", "pyml", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(folder / "home"), "COLUMNS": "100", **environment},
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def leave(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object], *words: str) -> object:
    """The exit code of ``main`` when the commands do ``work``."""

    def app(*, prog_name: str, standalone_mode: bool) -> object:
        assert prog_name == "pyml"
        assert not standalone_mode, "errors must come through"
        return work()

    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "argv", ["pyml", *words])
    with pytest.raises(SystemExit) as caught:
        main.main()
    return caught.value.code


def throw(error: BaseException) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise error

    return work


# Exit codes


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (2, 2), ("text", 0)])
def test_what_a_command_returns_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, returned: object, code: int) -> None:
    assert leave(monkeypatch, lambda: returned) == code


def test_a_false_proof_is_1() -> None:
    """``zk verify`` leaves so; ``tests/cli/test_zk.py`` has it with real claims."""
    app = typer.Typer()

    @app.command()
    def verify() -> None:
        raise typer.Exit(1)

    assert app([], standalone_mode=False) == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            InputError("a thing is wrong", expected="this", hint="Mend it."),
            "error: a thing is wrong; expected this. Mend it.\n",
        ),
        (InputError("two\nlines"), "error: two lines\n"),
        (ContractRevertedError("A", "InvalidProof"), "error: A refused the call: InvalidProof()\n"),
    ],
)
def test_a_mistake_is_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: PymlError, line: str
) -> None:
    assert leave(monkeypatch, throw(error)) == 2
    assert capfd.readouterr() == ("", line)


def test_a_mistake_is_json_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    error = InputError("two\nlines", expected=3, got="é\ud800")
    assert leave(monkeypatch, throw(error), "zk", "verify", "--json") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert json.loads(err) == {"error": "InputError", "problem": "two\nlines", "expected": "3", "got": "é\ud800"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Abort()])
def test_an_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException
) -> None:
    assert leave(monkeypatch, throw(error)) == 130
    assert capfd.readouterr() == ("", "interrupted\n")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError, match="ours"):
        leave(monkeypatch, throw(ZeroDivisionError("ours")))


def test_interrupted_while_it_waits(tmp_path: Path) -> None:
    """A real SIGINT, while a password is asked for."""
    command = [sys.executable, "-m", "pyml", "chain", "accounts", "new", "alice"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        wait_until_reading(child.pid)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (130, "")
    assert err.strip() in {"", "interrupted"}
    assert not (tmp_path / "home").exists()


def wait_until_reading(pid: int) -> None:
    """Until the process sleeps in ``read(0, …)``, as Linux tells; where nothing tells, long enough."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/syscall").read_text().split()[:2] == ["0", "0x0"]:
                return
        except OSError:
            pass
        time.sleep(0.05)


# Mistakes at the shell


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("nonsense",), "error: No such command 'nonsense'."),
        (("zk", "nonsense"), "error: No such command 'nonsense'."),
        (("zk", "export"), "error: Missing argument 'model'."),
        (("zk", "train", "--epochs", "many"), "error: Invalid value for '--epochs': "),
        (("zk", "train", "--epochs", "0"), "error: Invalid value for '--epochs': "),
        (("zk", "train", "--nonsense"), "error: No such option"),
        (("zk", "train", "--sizes", "64"), "error: network sizes cannot be read; expected widths joined by '-'"),
        (("zk", "export", "absent.onnx"), "error: absent.onnx cannot be read: No such file or directory"),
        (("zk", "export", "absent.onnx", "--kind", "x"), "error: unknown kind of circuit; expected private_model"),
        (("zk", "verify", "nowhere", "absent.json"), "error: absent.json is not a claim file: "),
        (("zk", "setup", "nowhere"), "error: nowhere/circuit.toml does not exist. Make it with `pyml zk export`."),
        (("zk", "srs"), "error: give either a degree k or a --file to import. For instance: pyml zk srs 15"),
        (("zk", "srs", "3", "--insecure"), "error: degree out of range; expected 4 to 26; got 3"),
        (("zk", "srs", "9"), "error: no public string is pinned for this degree; expected k from 10 to 26; got 9"),
        (
            ("deploy", "--system", "nonsense"),
            "error: there is no system 'nonsense' to deploy; expected one of ['freezenet', 'kdac', 'keys', 'zk']",
        ),
        (("deploy", "--system", "zk"), "error: no node to talk to; expected --rpc URL. `pyml chain devnet` runs one."),
        (("data", "check", "nonsense"), "error: unknown data set; expected one of digits"),
        (("demo", "--samples", "0"), "error: Invalid value for '--samples': "),
        (("demo", "--samples", "501"), "error: Invalid value for '--samples': "),
    ],
)
def test_mistakes_are_one_line_without_traceback(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    done = pyml(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (only,) = [text for text in done.stderr.splitlines() if text]
    assert only.startswith(line)
    assert list(tmp_path.iterdir()) == [], "a mistake leaves nothing behind"


@pytest.mark.parametrize(
    "words", [("zk", "export", "absent.onnx"), ("deploy", "--system", "zk"), ("zk", "setup", "nowhere")]
)
def test_mistakes_are_json_on_standard_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = pyml(*words, "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    table = json.loads(done.stderr)
    assert {"error", "problem"} <= set(table) <= {"error", "problem", "expected", "got", "hint"}


def test_wrong_usage_is_json_too(tmp_path: Path) -> None:
    done = pyml("zk", "train", "--epochs", "many", "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--epochs" in json.loads(done.stderr)["problem"]


def test_settings_that_are_wrong_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "pyml.toml").write_text('hme = "x"\n')
    done = pyml("data", "list", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: pyml.toml has unknown keys; ")


def test_no_words_show_the_help(tmp_path: Path) -> None:
    for words in ((), ("zk",), ("chain",), ("chain", "accounts"), ("data",)):
        done = pyml(*words, folder=tmp_path)
        assert done.returncode == 2
        assert "Usage:" in done.stdout + done.stderr
        assert "error:" not in done.stderr, "help is no error message, least of all an empty one"


def test_closed_pipe_is_not_a_false_proof(tmp_path: Path) -> None:
    """``pyml … | head``: 1 would mean that a claim is false."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pyml", "data", "list", "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(tmp_path / "home")},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert "Traceback" not in done.stderr
    assert done.returncode == 141


# Help, version, completion


def test_version(tmp_path: Path) -> None:
    done = pyml("--version", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"pyml {__version__}\n", "")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("demo",),
        ("doctor",),
        ("deploy",),
        ("data",),
        *(("data", name) for name in ("list", "fetch", "check")),
        ("chain",),
        *(("chain", name) for name in ("devnet", "deploy", "build", "accounts")),
        ("zk",),
        *(("zk", name) for name in ("train", "export", "srs", "setup", "commit", "prove", "verify", "deploy", "claim")),
    ],
    ids=" ".join,
)
def test_every_command_has_help_that_loads_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = pyml(*words, "--help", folder=tmp_path, options=("-X", "importtime"))
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    lines = done.stderr.splitlines()
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if line.startswith("import time:")}
    assert "pyml" in modules, "the list of modules was read"
    assert not modules & HEAVY
    assert list(tmp_path.iterdir()) == []


def test_commands_are_documented(tmp_path: Path) -> None:
    text = pyml("--help", folder=tmp_path).stdout
    for name in ("demo", "doctor", "deploy", "zk", "chain", "data"):
        assert name in text
    assert "Traceback" not in text


def test_systems_that_can_be_deployed() -> None:
    assert {name: plan().system for name, plan in chain.PLANS.items()} == {
        name: name for name in ("zk", "keys", "freezenet", "kdac")
    }


INSTALLED = "import sys; sys.argv[0] = 'pyml'; from pyml.cli.main import main; main()"


def completion(folder: Path, **asked: str) -> str:
    """What a shell asks of the installed command."""
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o default -F _pyml_completion pyml"),
        ("zsh", "#compdef pyml"),
        ("fish", "complete --command pyml"),
    ],
)
def test_completion_script(tmp_path: Path, shell: str, line: str) -> None:
    assert line in completion(tmp_path, _PYML_COMPLETE=f"source_{shell}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pyml z", {"zk"}),
        ("pyml de", {"deepchain", "demo", "deploy"}),
        ("pyml zk ver", {"verify"}),
        ("pyml zk x", set[str]()),
    ],
)
def test_completion_completes(tmp_path: Path, words: str, expected: set[str]) -> None:
    place = str(len(words.split()) - 1)
    answer = completion(tmp_path, _PYML_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place)
    assert set(answer.split()) == expected


def test_verbose_logs_to_standard_error_only(tmp_path: Path) -> None:
    quiet, verbose = (pyml(*words, "data", "list", "--json", folder=tmp_path) for words in ((), ("--verbose",)))
    assert quiet.returncode == verbose.returncode == 0
    assert quiet.stdout == verbose.stdout
    assert quiet.stderr == ""
    sets: Any = json.loads(quiet.stdout)["sets"]
    assert {row["name"] for row in sets} >= {"digits", "mnist"}
