"""Write tests/vectors/native_constants.json anew: what the verifier contracts of native_accuracy.json's circuits hold.

    python scripts/regenerate_native_constants.py        a second

The forge tests read both files; a Python test compares this one with
``pyml.zk.native.solidity``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.zk.native.solidity import architecture_id, constants
from tests.zk.native.toy_cases import POWERS, Case, cases, inference_cases, weights_cases

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "native_constants.json"
COMMENT: Final = (
    "Made by scripts/regenerate_native_constants.py for the circuits of native_accuracy.json, in their order. "
    "`constants` are those of `contracts/zk/native/Key.sol`, `architecture` the id in `WeightRanges.sol`."
)


def main() -> None:
    """Derive, write."""
    parser = argparse.ArgumentParser(description="Write the constants of the verifiers that forge tests use.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    try:
        write_atomically(output, json.dumps(make_constants(), indent=1, ensure_ascii=False).encode() + b"\n")
    except PymlError as error:
        sys.exit(f"regenerate_native_constants: {error}")
    print(f"{output}: {output.stat().st_size} bytes")


def make_constants() -> dict[str, Any]:
    """The whole file."""
    return {
        "comment": COMMENT,
        "accuracy": [_circuit(case) for case in cases()],
        "inference": [_circuit(case) for case in inference_cases()],
        "weights": [_architecture(case) for case in weights_cases()],
    }


def _circuit(case: Case) -> dict[str, str]:
    words = b"".join(word.to_bytes(32, "big") for word in constants(case.key))
    return {**_architecture(case), "constants": "0x" + words.hex()}


def _architecture(case: Case) -> dict[str, str]:
    return {"id": case.name, "architecture": "0x" + architecture_id(case.shape, POWERS.tau_g2).hex()}


if __name__ == "__main__":
    main()
