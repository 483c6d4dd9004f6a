"""What the deepchain contracts cost on chain: deposits, rounds, disputes, evidence and audits, at current prices.

    python bench/deepchain_gas.py            to bench/results/deepchain_gas.json; a minute or two
    python bench/deepchain_gas.py --quick    vectors of two ciphertexts only, to see that it works

Every figure is the gas of mined transactions on a devnet that refuses transactions above 2^24 gas (EIP-7825). Keys have
2048 bits, groups ten members with a threshold of six, and proofs, traces and ciphertexts are real ones. A vector of 981
ciphertexts holds 100,000 parameters; one of two shows what depends on the model's size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.deepchain.gas_cases import measure_audit, measure_disputes, measure_multiplication, measure_rounds
from bench.deepchain.gas_group import make_group
from bench.measuring.record import RESULTS, write_result
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.solc import find_solc
from pyml.chain.transactions import MAX_CODE_BYTES, Receipt
from pyml.config import load_config
from pyml.errors import PymlError

TARGETS: Final = {
    "register_and_deposit": 70_000,
    "party_round": 120_000,
    "full_dispute": 2_000_000,
    "wrong_aggregate": 800_000,
    "asset_audit": 250_000,
}
"""Most gas of each."""
COUNTS: Final = (2, 981)
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started = time.time()
    config = load_config()
    deployment: dict[str, Any] = {"code_bytes_limit": MAX_CODE_BYTES}

    def deployed(name: str, receipt: Receipt, size: int) -> None:
        deployment[name] = {"gas": receipt.gas_used, "code_bytes": size}

    devnet = DevnetOptions(enforce_tx_gas_cap=True)
    try:
        solc = find_solc(config.solc)
        with tempfile.TemporaryDirectory(prefix="pyml-bench-") as home, Devnet(devnet, anvil=config.anvil) as node:
            group = make_group(node, Path(home), deployed)
            fork = str(node.rpc.request("anvil_nodeInfo")["hardFork"])
            chain = {"fork": fork, "chain_id": group.client.chain_id, "tx_gas_cap": 2**24, "solc": solc.version}
            console.print("rounds …")
            rounds = measure_rounds(group)
            disputes: dict[str, Any] = {}
            for count in options.counts:
                console.print(f"disputes of vectors of {count} ciphertexts …")
                disputes[str(count)] = measure_disputes(group, count)
            console.print("audit, multiplications …")
            audit = measure_audit(group)
            multiplication = measure_multiplication(group, solc)
            once = {name: max(group.meter.used[name]) for name in ("open", "join", "enlist", "start", "escrow_deposit")}
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    content: dict[str, Any] = {"chain": chain, "deployment": deployment, "once": once, "rounds": rounds}
    content |= {"disputes": disputes, "asset_audit": audit, "multiplication": multiplication}
    content["targets"] = _verdicts(rounds, disputes, audit)
    output = options.output or RESULTS / "deepchain_gas.json"
    shown = [word for word in arguments if word != "--output" and word != str(options.output)]
    write_result(output, benchmark="deepchain_gas", arguments=shown, started=started, content=content)
    _show(content)
    return 0


def _verdicts(rounds: dict[str, Any], disputes: dict[str, Any], audit: dict[str, Any]) -> dict[str, Any]:
    largest = disputes[max(disputes, key=int)]
    got = {
        "register_and_deposit": rounds["submit_with_deposit"],
        "party_round": rounds["party_own_later_round"],
        "full_dispute": max(largest["pk_justified"]["total"], largest["cd_justified"]["total"]),
        "wrong_aggregate": largest["wrong_aggregate"],
        "asset_audit": audit["answer"],
    }
    return {name: {"at_most": limit, "got": got[name], "met": got[name] <= limit} for name, limit in TARGETS.items()}


def _show(content: dict[str, Any]) -> None:
    screen = Console()
    table = Table("what", "gas", title=f"deepchain ({content['chain']['fork']})", box=SIMPLE, padding=(0, 1, 0, 0))
    for name, value in content["rounds"].items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    for count, case in content["disputes"].items():
        for name, value in case.items():
            gas = int(cast("dict[str, int]", value)["total"] if isinstance(value, dict) else value)
            table.add_row(f"{name.replace('_', ' ')}, {count} ciphertexts", f"{gas:,}")
    for name, value in (content["asset_audit"] | content["multiplication"]).items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    screen.print(table)
    for name, verdict in content["targets"].items():
        met = "met" if verdict["met"] else "[red]missed[/red]"
        screen.print(f"{name.replace('_', ' ')}: {verdict['got']:,} of {verdict['at_most']:,} gas: {met}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="vectors of two ciphertexts only")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    options.counts = COUNTS[:1] if options.quick else COUNTS
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
