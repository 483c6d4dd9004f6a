"""What a native accuracy proof takes: at the project's sizes, beside ezkl, along each axis of the shape, on chain.

    python bench/zk_native.py                   everything; ten minutes, and ten more and 15 GB for the ezkl forms
    python bench/zk_native.py --only native     one section: native, peers, scaling or gas; repeat it for several
    python bench/zk_native.py --reuse-peers     ezkl's figures from an earlier run of zk_accuracy.py, marked as such
    python bench/zk_native.py --quick           small statements, without peers, to see that it works

Seconds run from a model and samples in memory to a proof, zero-knowledge as always, each in a process of its own. The
load of the powers of tau is part of them and also shown apart; that these were fetched, checked and on disk before is
not. So is, once a set, the commitment to its samples. Memory is the peak of the whole process. Sections go into the one
result file as they end, each with its machine and time: a broken run keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.measuring.record import RESULTS, environment, load_average, write_result
from bench.zk.native_gas import measure_gas
from bench.zk.native_peers import measure_peers
from bench.zk.native_rounds import Workshop, measure_native, measure_scaling
from pyml.chain.solc import find_solc
from pyml.config import Config, load_config
from pyml.errors import PymlError

SECTIONS: Final = ("native", "gas", "scaling", "peers")
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started, config = time.time(), load_config()
    shown = _shown(arguments)
    try:
        found = _earlier(options.output)
        for name in options.only:
            began, load = time.time(), load_average()
            with tempfile.TemporaryDirectory(prefix="pyml-bench-") as folder:
                workshop = Workshop(Path(folder), config.home, config.data, console.print, quick=options.quick)
                measured = _section(name, workshop, config, options)()
            found[name] = {**_circumstances(shown, began, load), **measured}
            write_result(options.output, benchmark="zk_native", arguments=shown, started=started, content=found)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    _show({name: found[name] for name in options.only})
    return 0


def _section(
    name: str, workshop: Workshop, config: Config, options: argparse.Namespace
) -> Callable[[], dict[str, Any]]:
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "native": lambda: measure_native(workshop),
        "gas": lambda: measure_gas(workshop, find_solc(config.solc), config.anvil),
        "scaling": lambda: measure_scaling(workshop),
        "peers": lambda: measure_peers(workshop, reuse=options.reuse_peers),
    }
    return sections[name]


def _circumstances(arguments: Sequence[str], began: float, load: list[float]) -> dict[str, Any]:
    """Of one section, which may be of another day than the rest of the file."""
    return {
        "arguments": list(arguments),
        "started_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "elapsed_s": round(time.time() - began, 1),
        "load_average_before": load,
        "environment": environment(),
    }


def _earlier(path: Path) -> dict[str, Any]:
    """Sections of the file that this run may leave as they are."""
    if not path.exists():
        return {}
    try:
        found = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise PymlError(f"{path} is not a result file", hint="Remove it, or name another with --output.") from error
    return {name: found[name] for name in SECTIONS if name in found}


def _show(content: Mapping[str, Any]) -> None:
    screen = Console()
    if "native" in content:
        proofs = content["native"]["proofs"]
        _table(screen, "proofs of accuracy", ("samples",), [({**one, **one["median"]}) for one in proofs])
    if "scaling" in content:
        rows = [{**one, "sizes": "-".join(map(str, one["sizes"]))} for one in content["scaling"]["points"]]
        _table(screen, "scaling", ("axis", "samples", "sizes", "threads", "degree"), rows)
    if "gas" in content:
        for claim in content["gas"]["claims"]:
            screen.print(f"claim, n = {claim['degree']}: {claim['claim_gas']:,} gas, {claim['proof_bytes']:,} bytes")
        for name, key in (("range proof", "gas"), ("answer", "answer_gas")):
            screen.print(f"{name}: {content['gas'][name.replace(' ', '_')][key]:,} gas")
    for section in content.values():
        for target in section.get("targets", ()):
            limit = f"at most {target['at_most']:,}" if "at_most" in target else f"at least {target['at_least']:,}"
            verdict = "met" if target["met"] else "[red]missed[/red]"
            got = target["got"]
            screen.print(f"{verdict}: {target['what']}: {got:,.{0 if got >= 100 else 2}f}, {limit}")


def _table(screen: Console, title: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(*names, "seconds", "peak MB", "proof B", title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    for row in rows:
        figures = (f"{row['total_s']:.2f}", f"{row['peak_mb']:.0f}", f"{row['proof_bytes']:.0f}")
        table.add_row(*(str(row[name]) for name in names), *figures)
    screen.print(table)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=SECTIONS, help="a section; may be given several times")
    parser.add_argument("--reuse-peers", action="store_true", help="take ezkl's figures from an earlier result file")
    parser.add_argument("--quick", action="store_true", help="small statements; without peers unless --only names them")
    parser.add_argument("--output", type=Path, default=RESULTS / "zk_native.json")
    options = parser.parse_args(arguments)
    if options.only is None:
        options.only = [name for name in SECTIONS if not (options.quick and name == "peers")]
    return options


def _shown(arguments: Sequence[str]) -> list[str]:
    """Without the output's path, which is of no use elsewhere."""
    return [
        word
        for place, word in enumerate(arguments)
        if word != "--output" and (place == 0 or arguments[place - 1] != "--output")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
