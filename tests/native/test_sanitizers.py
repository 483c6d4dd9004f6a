"""The C++ core under address and undefined-behaviour sanitizers: its own tests, and mutated input for every decoder and
for the verifier."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".dev" / "native-sanitized"
"""Kept, so that only what changed is compiled again."""
SANITIZERS = "address,undefined"
MUTATIONS, MUTATED_PROOFS = 200_000, 20_000

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def programs() -> Path:
    if not (shutil.which("cmake") and shutil.which(os.environ.get("CXX", "c++"))):
        pytest.skip("needs a C++ compiler and CMake")
    options = ["-DPYML_NATIVE_MODULE=OFF", "-DPYML_NATIVE_TESTS=ON", f"-DPYML_NATIVE_SANITIZE={SANITIZERS}"]
    for command in (
        ["cmake", "-S", str(ROOT / "native"), "-B", str(BUILD), *options],
        ["cmake", "--build", str(BUILD), "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return BUILD


def test_the_core_is_clean(programs: Path) -> None:
    done = subprocess.run([str(programs / "pyml_native_tests")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1].endswith(" 0 failed")


@pytest.mark.parametrize("seed", [1, 2])
def test_decoders_bear_mutated_input(programs: Path, seed: int) -> None:
    fuzz(programs / "pyml_native_fuzz_decoders", MUTATIONS, seed)


def test_mutated_proofs_are_refused_cleanly(programs: Path) -> None:
    fuzz(programs / "pyml_native_fuzz_proofs", MUTATED_PROOFS, seed=3)


def fuzz(program: Path, runs: int, seed: int) -> None:
    """With libFuzzer where the compiler has it, else with the program's own mutations."""
    asked = subprocess.run([str(program), "-help=1"], capture_output=True, text=True, check=False)
    libfuzzer = "libFuzzer" in asked.stdout + asked.stderr
    arguments = [f"-runs={runs}", f"-seed={seed}"] if libfuzzer else [str(runs), str(seed)]
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert libfuzzer or done.stdout == f"{runs} inputs from seed {seed}\n"
