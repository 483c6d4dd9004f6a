"""How long a private model's accuracy takes to prove: pyml's form and ezkl's own, same work, side by side, in one run.

    python bench/zk_accuracy.py                  64-32-10 on 100 digits, every form, to bench/results/zk_accuracy.json
    python bench/zk_accuracy.py --mnist          784-64-10 on 1,000 of MNIST, the peer on as many as fit; twelve minutes
    python bench/zk_accuracy.py --quick          a minute, to see that it works
    python bench/zk_accuracy.py --columns        cost of inner columns 1 to 4, to bench/results/zk_columns.json

Rounds are interleaved (one proof by each form, then the next round) and compared round by round, because machines are
shared: ratios hold where absolute times do not. Times favour the peers: theirs run from inputs to proof inside one
process; pyml's also hold both witness passes, the model's commitment, and the start of each engine process.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.measuring.record import RESULTS, write_result
from bench.zk.rounds import FORMS, Bench, Options, compare, compare_columns
from bench.zk.workload import Workload
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.ml.networks import parse_sizes
from pyml.zk.statement import Numerics

TARGET_RATIO = 8.0
TARGET_WORK = [([64, 32, 10], 100), ([784, 64, 10], 1000)]
_MARKS = {"documented": " *", "single": " **"}
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _stop)
    started = time.time()
    config = load_config()
    try:
        with _work_folder(options) as folder:
            bench = Bench(_measured_options(options), folder, config.home, console.print)
            console.print(f"training {options.sizes} on {options.data} …")
            work = Workload(
                options.data,
                parse_sizes(options.sizes),
                options.samples,
                options.input_bits,
                lookup_bits=options.lookup_bits,
            )
            data_dir = str(config.data) if config.data else None
            described = bench.step(action="workload", workload=asdict(work), data_dir=data_dir)
            measured = compare_columns(bench) if options.columns else compare(bench)
            content = {"workload": described, **measured}
            content |= {} if options.columns else _verdicts(content)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    name = "zk_columns" if options.columns else "zk_accuracy_mnist" if options.mnist else "zk_accuracy"
    output = options.output or RESULTS / f"{name}.json"
    write_result(output, benchmark="zk_accuracy", arguments=_shown(arguments), started=started, content=content)
    if not options.columns:
        _show(content)
    else:
        console.print(content["columns"])
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    """A killed run ends its steps and removes its keys."""
    del frame
    sys.exit(128 + number)


def _verdicts(content: dict[str, Any]) -> dict[str, Any]:
    """The project's target, if this is the work that it speaks of, against each naive shape that was measured."""
    work, ratios = content["workload"], content["ratios_to_pyml"]
    if (work["sizes"], work["samples"]) not in TARGET_WORK:
        return {}
    got = {name: ratios[name]["prove_time"] for name in ("naive", "naive-8") if name in ratios}
    verdicts = {
        name: {"at_least": TARGET_RATIO, "got": value, "met": value >= TARGET_RATIO} for name, value in got.items()
    }
    return {"targets": verdicts}


def _show(content: dict[str, Any]) -> None:
    sizes = "-".join(str(size) for size in content["workload"]["sizes"])
    table = Table(
        title=f"accuracy of {sizes} on {content['workload']['samples']} samples: medians, times in seconds",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for heading in ("form", "prove", "× pyml", "set-up", "verify", "peak MB", "key MB", "proof B", "shape"):
        table.add_column(heading, justify="left" if heading == "form" else "right", no_wrap=True)
    for form in content["forms"]:
        prepared, median = form["prepared"], form["median"]
        ratio = content["ratios_to_pyml"].get(form["form"], {}).get("prove_time")
        table.add_row(
            form["form"] + _MARKS.get(form["form"], ""),
            f"{median['total_s']:.2f}",
            "" if ratio is None else f"{ratio:.1f}",
            f"{prepared['setup_s']:.1f}",
            f"{median['verify_s']:.2f}",
            f"{median['peak_mb']:.0f}",
            f"{prepared['proving_key_mb']:.0f}",
            f"{median['proof_bytes']:.0f}",
            f"2^{prepared['k']}×{prepared['inner_columns']}",
        )
    screen = Console()
    screen.print(table)
    screen.print(
        "* unsound, for reference; ** one sample a proof, ratio extrapolated to N proofs; shape: rows × inner columns"
    )
    for name, verdict in content.get("targets", {}).items():
        met = "met" if verdict["met"] else "[red]missed[/red]"
        screen.print(
            f"target: {name} takes {verdict['at_least']:g} times as long as pyml; got {verdict['got']:.1f}: {met}"
        )


def _measured_options(options: argparse.Namespace) -> Options:
    return Options(
        samples=options.samples,
        forms=tuple(options.forms),
        repeats=options.repeats,
        naive_columns=tuple(options.naive_columns),
        naive_samples=options.naive_samples,
        max_degree=options.max_degree,
        timeout_s=options.timeout,
    )


@contextmanager
def _work_folder(options: argparse.Namespace) -> Generator[Path]:
    """A folder for keys (gigabytes for the peers), removed at the end; it must not exist yet if it was named."""
    if options.work is None:
        with tempfile.TemporaryDirectory(prefix="pyml-bench-") as folder:
            yield Path(folder)
    else:
        options.work.mkdir(parents=True)
        yield options.work.resolve()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--sizes", default="64-32-10")
    parser.add_argument("--data", default="digits", help="digits, or mnist and others from PYML_DATA")
    parser.add_argument("--input-bits", type=int, default=None, help="cut pixels to so many bits")
    parser.add_argument("--lookup-bits", type=int, default=Numerics().lookup_bits, help="width of pyml's lookup table")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--forms", default=",".join(FORMS), help="comma-separated")
    parser.add_argument("--naive-columns", default="1,2,3,4,5,6,7,8", help="inner columns tried for the naive circuit")
    parser.add_argument("--max-degree", type=int, default=18, help="largest k tried for the naive circuit")
    parser.add_argument("--naive-samples", type=int, default=None, help="of naive circuits, where all do not fit")
    parser.add_argument("--columns", action="store_true", help="measure the cost of inner columns instead")
    parser.add_argument("--mnist", action="store_true", help="the same for MNIST, as fits 12 GB")
    parser.add_argument("--quick", action="store_true", help="8 samples of 64-8-10, pyml and naive, one round")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for one step")
    parser.add_argument("--work", type=Path, default=None, help="keep keys in this new folder")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    if options.mnist:
        options.data, options.sizes, options.samples = "mnist", "784-64-10", 1000
        options.input_bits, options.lookup_bits = 4, 16
        options.forms, options.repeats = "pyml,naive", 1
        options.naive_samples, options.naive_columns, options.max_degree = 28, "4", 19
    if options.quick:
        options.samples, options.sizes, options.repeats = 8, "64-8-10", 1
        options.forms, options.naive_columns = "pyml,naive", "2"
    options.forms = options.forms.split(",")
    unknown = set(options.forms) - set(FORMS)
    if unknown:
        parser.error(f"unknown forms {sorted(unknown)}; known are {', '.join(FORMS)}")
    options.naive_columns = [int(count) for count in options.naive_columns.split(",")]
    return options


def _shown(arguments: Sequence[str]) -> list[str]:
    """The arguments without paths, which are of no use elsewhere."""
    hidden = {"--work", "--output"}
    return [
        word
        for place, word in enumerate(arguments)
        if word not in hidden and (place == 0 or arguments[place - 1] not in hidden)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
