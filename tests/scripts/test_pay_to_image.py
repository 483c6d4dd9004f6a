"""Paying to a picture, as it is called: real enrolment, real contracts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from pyml.cli.demo.keys import made_by_rule, seen_again
from scripts import pay_to_image

ROOT = Path(__file__).parents[2]


def called(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(pay_to_image.__file__), *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_a_picture_is_paid_and_everything_else_refused(tmp_path: Path) -> None:
    picture, again = tmp_path / "picture.png", tmp_path / "again.jpg"
    made_by_rule(seed=7).save(picture)
    seen_again(made_by_rule(seed=7)).save(again, quality=80)
    done = called(tmp_path, str(picture), "--shown", str(again), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["arrived_wei"] == 99 * result["paid_wei"] // 100
    names = [answer for answer in result["refused"].values() if not answer.startswith("no key")]
    assert names == ["NotRecipient"] * 3 + ["DepositIsSettled", "RefundTooEarly"]
    assert len(result["refused"]) == len(names) + 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.jpg", "picture.png"], "nothing is left behind"


def test_another_picture_opens_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    made_by_rule(seed=9).save(other)
    done = called(tmp_path, "--shown", str(other))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pay_to_image: no key: the pictures are not close enough")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_picture_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear reader")
    done = called(tmp_path, "letter.png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("pay_to_image: letter.png is not a picture")


def test_pictures_are_made_and_seen_again_by_rule() -> None:
    assert made_by_rule(seed=1).tobytes() == made_by_rule(seed=1).tobytes() != made_by_rule(seed=2).tobytes()
    assert seen_again(Image.new("RGB", (100, 50))).size == (94, 47)
