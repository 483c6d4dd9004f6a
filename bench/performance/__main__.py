"""Write ``docs/performance.md`` anew."""

from __future__ import annotations

from bench.performance.page import PAGE, page
from pyml.files import write_atomically

if __name__ == "__main__":
    write_atomically(PAGE, page().encode())
