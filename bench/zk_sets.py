"""A whole test set by one command that is killed twice: time, memory, and whether anything was lost.

    PYML_DATA=… python bench/zk_sets.py     784-64-10 on all 10,000 of MNIST, 12 GB, to bench/results/zk_sets.json
    python bench/zk_sets.py --quick         a minute with 64-10 and 24 digits, to see that it works

Everything is done by the ``pyml`` command, as its users do it, on a devnet of its own. ``prove-set`` gets kill -9 at a
random moment after a part is done, twice, and is started again with the same words. The count that the contract
accepts is compared with that of the integer model, computed here from the model's file and the set.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.measuring.processes import SAMPLE_S, StepFailedError, tree_resident
from bench.measuring.record import RESULTS, ROOT, write_result
from pyml.chain.devnet import Devnet
from pyml.errors import PymlError
from pyml.ml.datasets import integers, load
from pyml.ml.integer import count_correct
from pyml.store.keystore import Secret
from pyml.zk.model_file import open_model

KILLS = 2
PASSWORD = "only for this run"
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained and proved."""

    data: str = "mnist"
    sizes: str = "784-64-10"
    samples: int = 10_000
    memory_gb: float = 12.0
    epochs: int = 30
    cut: tuple[str, ...] = ()
    """More options for ``export-set``."""


QUICK = Work("digits", "64-10", 24, epochs=5, cut=("--part-samples", "6", "--bits", "5", "--lookup-bits", "9"))


@dataclass(slots=True)
class Shop:
    """A working folder, and the ``pyml`` command in it."""

    folder: Path
    rpc: str
    peak_bytes: int = 0
    attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYML_HOME": str(self.folder / "home"), "PYML_RPC": self.rpc}
        with (self.folder / "out.json").open("wb") as out, (self.folder / "err.txt").open("wb") as err:
            return subprocess.Popen(
                [sys.executable, "-m", "pyml", *words, "--json"],
                cwd=self.folder,
                env={**environment, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def must(self, *words: str) -> dict[str, Any]:
        console.print(f"pyml {' '.join(words)}")
        return self.answer(self.start(*words))

    def answer(self, child: subprocess.Popen[bytes]) -> dict[str, Any]:
        if child.wait() != 0:
            raise StepFailedError("a command failed", got=(self.folder / "err.txt").read_text()[-2000:])
        return json.loads((self.folder / "out.json").read_text())

    def claims(self) -> dict[str, bytes]:
        """The claim of each part that has one."""
        return {path.parent.name: path.read_bytes() for path in (self.folder / "set").glob("part-*/claim.json")}

    def prove(self, words: Sequence[str], kills: int) -> dict[str, Any]:
        """Run until it is done, and kill so many attempts, each after one part more and up to a part's time."""
        part_s = 0.0
        for attempt in range(kills + 1):
            before, started = self.claims(), time.monotonic()
            console.print(f"pyml {' '.join(words)}: attempt {attempt + 1}, {len(before)} parts are there")
            child, end = self.start(*words), None
            while child.poll() is None:
                self.peak_bytes = max(self.peak_bytes, tree_resident(child.pid))
                now = time.monotonic()
                if end is None and attempt < kills and len(self.claims()) > len(before):
                    part_s = part_s or now - started
                    end = now + random.uniform(0, 0.8 * part_s)
                if end is not None and now >= end:
                    child.kill()
                time.sleep(SAMPLE_S)
            kept = self.claims()
            if {name: kept.get(name) for name in before} != before:
                raise PymlError("a part that was done has changed")
            self.attempts.append(
                {
                    "seconds": time.monotonic() - started,
                    "killed": child.returncode < 0,
                    "parts_before": len(before),
                    "parts_after": len(kept),
                }
            )
            if child.returncode >= 0:
                return self.answer(child)
        raise PymlError("every attempt was killed")


def run(work: Work, folder: Path) -> dict[str, Any]:
    """The whole way from training to the accepted total."""
    with Devnet() as devnet:
        shop = Shop(folder, devnet.url)
        (folder / "password").write_text(PASSWORD + "\n")
        locked = ("--password-file", "password")
        trained = shop.must(
            *("zk", "train", "--data", work.data, "--sizes", work.sizes, "--epochs", str(work.epochs)),
            *("--out", "model.onnx"),
        )
        limit = ("--memory", str(work.memory_gb))
        exported = shop.must(
            *("zk", "export-set", "model.onnx", "--data", work.data, "--samples", str(work.samples), "--out", "set"),
            *limit,
            *work.cut,
        )
        shop.must("zk", "srs", str(exported["k"]), "--insecure")
        shop.must("zk", "deploy")
        shop.must("zk", "commit", "set/part-0000", "model.onnx", "--out", "model.secret", *locked)
        proved = shop.prove(("zk", "prove-set", "set", "--model", "model.secret", *locked, *limit), KILLS)
        claimed = shop.must("zk", "claim-set", "set")
    expected = _expected(work, folder)
    if not claimed["count"] == proved["count"] == expected:
        raise PymlError("the count is not the integer model's", expected=expected, got=claimed["count"])
    total = sum(attempt["seconds"] for attempt in shop.attempts)
    return {
        "workload": {
            "data": work.data,
            "sizes": work.sizes,
            "samples": work.samples,
            "epochs": work.epochs,
            "float_test_accuracy": trained["test_accuracy"],
        },
        "predicted": exported,
        "memory_limit_gb": work.memory_gb,
        "peak_gb": shop.peak_bytes / 1e9,
        "within_memory": shop.peak_bytes <= work.memory_gb * 1e9,
        "attempts": shop.attempts,
        "prove_s": total,
        "prove_s_per_sample": total / work.samples,
        "count": claimed["count"],
        "count_of_integer_model": expected,
        "accuracy_proved": claimed["count"] / work.samples,
        "parts": len(claimed["circuits"]),
        "claims_gas": claimed["gas"],
    }


def _expected(work: Work, folder: Path) -> int:
    network = open_model(folder / "model.secret", Secret(PASSWORD.encode())).network
    dataset = load(work.data, Path(os.environ["PYML_DATA"]) if os.environ.get("PYML_DATA") else None)
    images = integers(dataset.test_images[: work.samples], pixel_max=dataset.pixel_max)
    return count_correct(network, images, dataset.test_labels[: work.samples])


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started = time.time()
    try:
        with tempfile.TemporaryDirectory(prefix="pyml-bench-") as folder:
            content = run(QUICK if options.quick else Work(), Path(folder))
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    write_result(
        options.output or RESULTS / "zk_sets.json",
        benchmark="zk_sets",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content=content,
    )
    console.print(content)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits only")
    parser.add_argument("--output", type=Path, default=None)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
