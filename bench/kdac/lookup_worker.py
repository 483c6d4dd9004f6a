"""One measured size of ``bench/kdac_lookup.py``: ``python -m bench.kdac.lookup_worker REQUEST.json ANSWER.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyml.kdac.experiments.lookup import run

if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    (row,) = run(users=(asked["users"],))["rows"]
    Path(sys.argv[2]).write_text(json.dumps(row), encoding="utf-8")
