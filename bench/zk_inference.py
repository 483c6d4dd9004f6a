"""How long one answer of a private model takes to prove: pyml, ezkl in three forms, and ZoKrates, side by side.

    python bench/zk_inference.py             every form, to bench/results/zk_inference.json; a quarter of an hour
    python bench/zk_inference.py --quick     half a minute, without ZoKrates, to see that it works

All forms answer the same public inputs by one trained network. Rounds are interleaved (one proof by each form, then the
next round) and compared round by round, because machines are shared: ratios hold where absolute times do not. Times
favour the peers: theirs run from inputs to proof inside one process, with keys that Node has loaded before; pyml's also
hold both witness passes, the model's commitment, and the start of each engine process.

ZoKrates is the npm package ``zokrates-js`` (GPL), which the bench installs into a folder of its own below PYML_HOME;
its WASM runs on one thread. Without Node or network its forms are left out, and the result says why.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.measuring.processes import run_measured
from bench.measuring.record import RESULTS, write_result
from bench.zk import zokrates
from bench.zk.inference_forms import FORMS, ZOKRATES_FORMS, Bench, Options, compare
from bench.zk.published import NOTE, PUBLISHED
from bench.zk.workload import Workload
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.ml.networks import parse_sizes
from pyml.zk.statement import Numerics

console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _stop)
    started = time.time()
    config = load_config()
    try:
        with tempfile.TemporaryDirectory(prefix="pyml-bench-") as name:
            folder = Path(name)
            package, described = _zokrates(options, config.home)
            console.print(f"training {options.sizes} on {options.data} …")
            work = Workload(options.data, parse_sizes(options.sizes), options.samples, lookup_bits=options.lookup_bits)
            data_dir = str(config.data) if config.data else None
            asked = {"action": "workload", "workload": asdict(work), "data_dir": data_dir, "work": str(folder / "work")}
            trained = run_measured("bench.zk.worker", asked).as_dict()
            bench = Bench(_measured_options(options), folder, config.home, package, console.print)
            content = {"workload": trained, "zokrates": described, **compare(bench)}
            content["published"] = {"note": NOTE, "figures": PUBLISHED}
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    output = options.output or RESULTS / "zk_inference.json"
    write_result(output, benchmark="zk_inference", arguments=_shown(arguments), started=started, content=content)
    _show(content)
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    """A killed run ends its steps and removes its keys."""
    del frame
    sys.exit(128 + number)


def _zokrates(options: argparse.Namespace, home: Path) -> tuple[Path | None, dict[str, Any]]:
    """The package's folder and what the result says of it; no folder where its forms are not wanted or not possible."""
    if not set(options.forms) & set(ZOKRATES_FORMS):
        return None, {"left_out": "not asked for"}
    try:
        package = zokrates.install(home)
    except zokrates.ZokratesUnavailableError as error:
        console.print(f"[yellow]without ZoKrates: {error.problem}[/yellow]")
        return None, {"left_out": error.problem}
    return package, zokrates.describe()


def _show(content: dict[str, Any]) -> None:
    sizes = "-".join(str(size) for size in content["workload"]["sizes"])
    table = Table(title=f"one answer of {sizes}: medians, times in seconds", box=SIMPLE, padding=(0, 1, 0, 0))
    headings = ("form", "prove", "× pyml", "set-up", "verify", "peak MB", "proof B", "size")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "form" else "right", no_wrap=True)
    for form in content["forms"]:
        prepared, median = form["prepared"], form["median"]
        ratio = content["ratios_to_pyml"].get(form["form"], {}).get("sample_time")
        marks = ("" if form["sound"] else " †") + ("" if form["names_model"] else " *")
        table.add_row(
            form["form"] + marks,
            f"{median['sample_s']:.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            f"{prepared['setup_s']:.1f}",
            f"{median['verify_s']:.3f}",
            f"{median['peak_mb']:.0f}",
            f"{median['proof_bytes']:.0f}",
            _size(prepared),
        )
    screen = Console()
    screen.print(table)
    screen.print(
        "† accepts forged results; * says nothing of whose weights answered; size: rows × columns, constraints"
    )
    for name, reason in content["failed_forms"].items():
        screen.print(f"{name}: {reason}")
    for tried in content["zokrates_sizes"]:
        size, count = "-".join(map(str, tried["sizes"])), tried.get("constraints", "unknown")
        screen.print(f"ZoKrates at {size}: {count} constraints, {tried['outcome']}")


def _size(prepared: dict[str, Any]) -> str:
    return (
        f"{prepared['constraints']}" if "constraints" in prepared else f"2^{prepared['k']}×{prepared['inner_columns']}"
    )


def _measured_options(options: argparse.Namespace) -> Options:
    return Options(
        forms=tuple(options.forms),
        repeats=options.repeats,
        batch=options.batch,
        columns=tuple(options.columns),
        widths=tuple(options.widths),
        timeout_s=options.timeout,
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="64-32-10")
    parser.add_argument("--data", default="digits", help="digits, or mnist and others from PYML_DATA")
    parser.add_argument("--samples", type=int, default=100, help="of the accuracy circuit whose k pyml-certified has")
    parser.add_argument("--lookup-bits", type=int, default=Numerics().lookup_bits, help="width of pyml's lookup table")
    parser.add_argument("--batch", type=int, default=16, help="samples in a proof of ezkl-batched")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--forms", default=",".join(FORMS), help="comma-separated")
    parser.add_argument("--columns", default="1,2,3,4", help="inner columns tried for ezkl-sound")
    parser.add_argument("--widths", default="64,128,256,512", help="hidden widths tried with ZoKrates until it fails")
    parser.add_argument("--quick", action="store_true", help="pyml and ezkl-sound on 64-8-10, one round, no ZoKrates")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one step")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    if options.quick:
        options.sizes, options.samples, options.batch, options.repeats = "64-8-10", 8, 4, 1
        options.forms, options.columns = "pyml,ezkl-sound", "2"
    options.forms = options.forms.split(",")
    unknown = set(options.forms) - set(FORMS)
    if unknown:
        parser.error(f"unknown forms {sorted(unknown)}; known are {', '.join(FORMS)}")
    if not 1 <= options.batch <= options.samples:
        parser.error("--batch is at least 1 and at most --samples")
    options.columns, options.widths = _integers(options.columns), _integers(options.widths)
    return options


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _shown(arguments: Sequence[str]) -> list[str]:
    """The arguments without the output path, which is of no use elsewhere."""
    return [
        word
        for place, word in enumerate(arguments)
        if word != "--output" and (place == 0 or arguments[place - 1] != "--output")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
