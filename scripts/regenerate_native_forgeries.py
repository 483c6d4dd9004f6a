"""Write tests/vectors/native_forgeries.json anew, after a change of the protocol of ``circuits/native_accuracy``.

    python scripts/regenerate_native_forgeries.py        some seconds

What the cheating provers of ``tests/zk/native`` send: every verifier must refuse each. Circuits, context and set-up are
those of native_accuracy.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from pyml.crypto.bn254 import FELT_BYTES
from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.zk.native.reference.inference import monic_evaluation
from tests.zk.native import inference_cheats, weights_cheats
from tests.zk.native.cheats import CHEATS, DEEP
from tests.zk.native.toy_cases import CONTEXT

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "native_forgeries.json"
COMMENT: Final = (
    "Made by scripts/regenerate_native_forgeries.py: proofs of cheating provers, none of which may be accepted. "
    "`circuit` is the index within the same list of native_accuracy.json; context and set-up are those of that file."
)


def main() -> None:
    """Cheat, write."""
    parser = argparse.ArgumentParser(description="Write the proofs that every verifier must refuse.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    try:
        write_atomically(output, json.dumps(make_forgeries(), indent=1).encode() + b"\n")
    except PymlError as error:
        sys.exit(f"regenerate_native_forgeries: {error}")
    print(f"{output}: {output.stat().st_size} bytes")


def make_forgeries() -> dict[str, Any]:
    """The whole file."""
    return {
        "comment": COMMENT,
        "accuracy": [_accuracy(place) for place in range(len(CHEATS))],
        "inference": [_inference(name) for name in inference_cheats.CHEATS],
        "weights": [
            {"id": name, "circuit": 0, **_proof(weights_cheats.forge(name).proof)} for name in weights_cheats.CHEATS
        ],
    }


def _accuracy(place: int) -> dict[str, Any]:
    cheat = CHEATS[place]
    forged = cheat.forge()
    circuit = int(cheat.case is DEEP)
    return {"id": cheat.name, "circuit": circuit, "count": forged.count, **_proof(forged.proof)}


def _inference(name: str) -> dict[str, Any]:
    forged = inference_cheats.CHEATS[name][0]()
    evaluation = f"0x{monic_evaluation(inference_cheats.public_features(name), CONTEXT):064x}"
    return {"id": name, "circuit": 0, "evaluation": evaluation, "label": forged.count, **_proof(forged.proof)}


def _proof(proof: bytes) -> dict[str, Any]:
    words = [proof[start : start + FELT_BYTES].hex() for start in (0, FELT_BYTES)]
    return {"commitment": [f"0x{word}" for word in words], "proof": "0x" + proof.hex()}


if __name__ == "__main__":
    main()
