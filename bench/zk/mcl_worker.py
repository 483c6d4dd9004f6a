"""mcl's multi-scalar multiplication on the points and scalars of a file; runs in the peer's own environment.

    python mcl_worker.py FOLDER

FOLDER has points.npy, uint64 [n, 8], and scalars.npy, uint64 [n, 4], both as a · 2^256 (Montgomery form),
which is mcl's own. The package is made for another curve; its library has alt_bn128 (mcl's "SNARK1", number 4) as well.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

SNARK1: Final = 4
COORDINATE_MODULUS: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
REPEATS: Final = 3


def main(folder: Path) -> int:
    # This version keeps its buckets on the stack.
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    import mclbn256.mclbn256 as package  # pyright: ignore[reportMissingImports]

    module: Any = package
    library = module.lib
    if library.mclBn_init(SNARK1, module.MCLBN_COMPILED_TIME_VAR) != 0:
        raise SystemExit("mcl does not know alt_bn128")
    affine, scalars = np.load(folder / "points.npy"), np.load(folder / "scalars.npy")
    points = np.zeros((len(affine), 12), np.uint64)
    points[:, :8] = affine
    points[:, 8:] = [(2**256 % COORDINATE_MODULUS >> 64 * i) & (2**64 - 1) for i in range(4)]
    result = np.zeros(12, np.uint64)
    best = min(
        (_timed(library, result, points.copy(), scalars) for _ in range(REPEATS)), key=lambda took: took["cpu_s"]
    )
    library.mclBnG1_normalize(_at(result), _at(result))
    print(json.dumps({**best, "result": result[:8].astype("<u8").tobytes().hex()}))
    return 0


def _timed(library: Any, result: np.ndarray, points: np.ndarray, scalars: np.ndarray) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    library.mclBnG1_mulVec(_at(result), _at(points), _at(scalars), ctypes.c_size_t(len(points)))
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
