"""One measured step in a process of its own: ``python -m bench.zk.native_worker REQUEST.json ANSWER.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.zk import native_steps

ACTIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "powers": native_steps.make_powers,
    "work": native_steps.make_work,
    "set-up": native_steps.set_up,
    "prove": native_steps.prove,
    "weights": native_steps.prove_weights,
    "answer": native_steps.answer,
    "verify": native_steps.verify,
}

if __name__ == "__main__":
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    done = ACTIONS[request["action"]](request)
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
