"""Steps for the tests of ``bench.measuring.processes``, run as ``python -m tests.bench.steps REQUEST ANSWER``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any] | None:
    action = request["action"]
    if action == "raise":
        raise RuntimeError(request["text"])
    if action == "sleep":
        time.sleep(request["seconds"])
    if action == "hold":
        hold(request["mb"], request["children"])
    return {"value": request.get("value")} if action in {"echo", "hold"} else None


def hold(megabytes: int, children: int) -> None:
    """Keep memory for a while, here and in as many children."""
    code = f"import time; kept = b'x' * ({megabytes} << 20); time.sleep(1)"
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(children)]
    kept = b"x" * (megabytes << 20)
    time.sleep(1)
    for other in others:
        other.wait()
    del kept


if __name__ == "__main__":
    done = answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    if done is not None:
        Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
