"""Write tests/vectors/deepchain_arithmetic.json anew: what contracts/deepchain/BigModulus.sol has to compute.

    python scripts/regenerate_deepchain_arithmetic.py        at once

Numbers of the lengths that keys have, by lot (a hash of a counter) and at the edges, where carries run through all
words.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from pyml.files import write_atomically

PATH: Final = Path(__file__).parents[1] / "tests" / "vectors" / "deepchain_arithmetic.json"
LENGTHS: Final = (64, 256, 512, 768)
"""Residues of 256-, 1024-, 2048- and 3072-bit keys; the first is for speed."""
DRAWN: Final = 4


def main() -> None:
    """Compute and write."""
    parser = argparse.ArgumentParser(description="Write products, sums and differences that forge compares.")
    parser.add_argument("--output", type=Path, default=PATH)
    output: Path = parser.parse_args().output
    cases = [case for length in LENGTHS for case in _cases(length)]
    comment = "Made by scripts/regenerate_deepchain_arithmetic.py. product = a·b mod m, quotient = a·b // m."
    write_atomically(output, json.dumps({"comment": comment, "count": len(cases), "cases": cases}, indent=1).encode())
    print(f"{output}: {len(cases)} cases")


def _cases(length: int) -> Iterator[dict[str, Any]]:
    greatest = (1 << 8 * length) - 1  # odd, and every word full
    drawn = _draw(length, 0, 1 << 8 * length) | 1
    small = (1 << 8 * length - 256) + 1  # most of the first word is empty
    for name, modulus in (("greatest", greatest), ("drawn", drawn), ("small", small)):
        edges = (0, 1, modulus - 1, modulus >> 1, (modulus >> 1) + 1)
        pairs = [(a, b) for a in edges for b in edges if a <= b] if length == LENGTHS[0] else [(modulus - 1,) * 2]
        pairs += [(_draw(length, 2 * i + 1, modulus), _draw(length, 2 * i + 2, modulus)) for i in range(DRAWN)]
        for number, (a, b) in enumerate(pairs):
            yield _case(f"{length} bytes, {name} modulus, {number}", length, a, b, modulus)


def _case(name: str, length: int, a: int, b: int, modulus: int) -> dict[str, Any]:
    def text(number: int) -> str:
        return "0x" + number.to_bytes(length, "big").hex()

    return {
        "id": name,
        "comment": "",
        "flags": [],
        "a": text(a),
        "b": text(b),
        "m": text(modulus),
        "product": text(a * b % modulus),
        "quotient": text(a * b // modulus),
        "sum": text((a + b) % modulus),
        "difference": text((a - b) % modulus),
        "result": True,
    }


def _draw(length: int, counter: int, bound: int) -> int:
    words = (keccak(text=f"deepchain arithmetic {length} {counter} {word}") for word in range(length // 32 + 1))
    return int.from_bytes(b"".join(words), "big") % bound


if __name__ == "__main__":
    main()
