"""What the demonstrations share: a devnet of their own, refusals that must be refusals, and how results are shown."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pyml.chain.devnet import Devnet
from pyml.cli.demo.story import refused_by_contract
from pyml.config import load_config
from pyml.errors import PymlError

Result: TypeAlias = dict[str, Any]


def refusal(attempt: Callable[[], object], expected: str = "InvalidProof") -> str:
    """The contract's reason for refusing; another one, or being let through, is an error."""
    return refused_by_contract(attempt, expected).name


def options(description: str) -> argparse.ArgumentParser:
    """With ``--json``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def run(demonstrate: Callable[[Devnet, Path], Result], show: Callable[[Result], None], *, as_json: bool) -> None:
    """Run on a new devnet in a folder that is removed, and print; a failure ends the program with one line."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder, Devnet(anvil=load_config().anvil) as devnet:
            result = demonstrate(devnet, Path(folder))
    except PymlError as error:
        sys.exit(f"{Path(sys.argv[0]).stem}: {error}")
    result["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        print(json.dumps(result))
    else:
        show(result)


def show(result: Result) -> None:
    """A proof's result as text."""
    show_claims(result)
    print(f"{result['gas']:,} gas, {result['seconds']} s")


def show_claims(result: Result) -> None:
    """What was proved and what was not, and what was refused."""
    for heading in ("proved", "hidden", "not_proved"):
        print(heading.replace("_", " "), *result[heading], sep="\n  ")
    show_refused(result)


def show_refused(result: Result) -> None:
    """Each attempt with the answer that it got."""
    print("refused", *(f"{attempt}: {answer}" for attempt, answer in result["refused"].items()), sep="\n  ")
