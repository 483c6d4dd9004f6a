"""``pyml doctor`` as it is called: exit codes, both forms, and no secret in either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.tools import find_anvil
from pyml.errors import ToolMissingError

ROOT = Path(__file__).parents[3]
SECRETS = {
    "PYML_DEV_KEY": "0x" + "5e" * 32,
    "PYML_RPC": "http://somebody:hunter2@127.0.0.1:9/0123456789abcdef0123456789abcdef",
    "PYML_BLOBS": "s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@bucket/blobs",
}


def called(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYML_")}
    return subprocess.run(
        [sys.executable, "-m", "pyml", "doctor", *words],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), "PYML_HOME": str(folder / "home"), "COLUMNS": "200", **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_a_machine_that_has_everything(tmp_path: Path) -> None:
    try:
        find_anvil()
    except ToolMissingError as error:
        pytest.skip(str(error))
    done = called(tmp_path, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    wrong = [each for each in told["findings"] if each["state"] == "problem"]
    assert (done.returncode, done.stderr, wrong, told["problems"]) == (0, "", [], 0)
    checks = [each["check"] for each in told["findings"]]
    assert checks[:2] == ["settings", "python"]
    assert {"torch", "ezkl", "anvil", "forge", "solc", "node", "c++", "gpu", "disk", "memory"} <= set(checks)
    assert {"home", "srs", "data: digits", "ports", "rabbitmq", "node url"} <= set(checks)
    assert list(tmp_path.iterdir()) == [], "looking leaves nothing"


def test_what_is_needed_and_missing_is_told_with_exit_code_1_and_without_secrets(tmp_path: Path) -> None:
    done = called(tmp_path, PYML_ANVIL=str(tmp_path / "no-anvil"), **SECRETS)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "2 problems: see above." in done.stdout
    assert "anvil is not at" in done.stdout
    for secret in ("5e5e", "hunter2", "somebody", "0123456789abcdef", "AKIA", "wJalr"):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["hoem = '/somewhere'", "home = 3", "= broken"])
def test_settings_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyml.toml").write_text(text)
    done = called(tmp_path, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["findings"][0]["check"], told["findings"][0]["state"]) == ("settings", "problem")
    assert len(told["findings"]) > 10, "the rest is looked at all the same"
