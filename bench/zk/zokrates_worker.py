"""One measured step of ZoKrates: ``python -m bench.zk.zokrates_worker REQUEST.json ANSWER.json`` becomes Node.

The process is replaced, so that what is measured is Node's time and memory and nothing of Python's.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HEAP_MB = 8192
"""Of JavaScript itself, generous: the tool's own memory is WASM's, which ends at 4 GB."""

if __name__ == "__main__":
    driver = Path(__file__).with_name("zokrates.mjs")
    os.execv(shutil.which("node") or "node", ["node", f"--max-old-space-size={HEAP_MB}", str(driver), *sys.argv[1:]])
