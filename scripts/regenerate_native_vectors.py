"""Write tests/vectors/native_accuracy.json anew, after a change of the protocol of ``circuits/native_accuracy``.

    python scripts/regenerate_native_vectors.py        some seconds

Everything that a proof is made from, its words, and the challenges on the way, for one proof of each kind of layout.
The set-up's τ is in the file: for tests and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.ml.integer import IntegerNetwork
from pyml.zk.native.generator import H
from pyml.zk.native.key import key_digest, weights_key_digest
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.prove import prove_accuracy, prove_inference, prove_weights
from pyml.zk.native.transcript import PointWords, point_words
from tests.zk.native.toy_cases import CONTEXT, POWERS, SECRETS, Case, cases, inference_cases, weights_cases

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "native_accuracy.json"
COMMENT: Final = (
    "Made by scripts/regenerate_native_vectors.py. Scalars and coordinates are words of 32 bytes in hexadecimal; "
    "`proof` is all words of a proof; `challenges` are those on the way, for debugging. `tau` is the secret of a toy "
    "set-up and `seed` that of the masks: for tests and nothing else. `weight` is [input][output], before the bias."
)


def main() -> None:
    """Prove, write."""
    parser = argparse.ArgumentParser(description="Write the proofs that all implementations agree on.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    try:
        write_atomically(output, json.dumps(make_vectors(), indent=1, ensure_ascii=False).encode() + b"\n")
    except PymlError as error:
        sys.exit(f"regenerate_native_vectors: {error}")
    print(f"{output}: {output.stat().st_size} bytes")


def make_vectors() -> dict[str, Any]:
    """The whole file."""
    return {
        "comment": COMMENT,
        "tau": _hex(POWERS.tau),
        "tauG2": _hexes(POWERS.tau_g2),
        "H": _hexes(point_words(H)),
        "seed": "0x" + SECRETS.seed.hex(),
        "modelBlind": _hex(SECRETS.model_blind),
        "context": _hex(CONTEXT),
        "accuracy": [accuracy_vector(case) for case in cases()],
        "inference": [inference_vector(case) for case in inference_cases()],
        "weights": [weights_vector(case) for case in weights_cases()],
    }


def accuracy_vector(case: Case) -> dict[str, Any]:
    """One proof of accuracy."""
    key = case.key
    count, proof = prove_accuracy(key, POWERS, case.network, (case.inputs, case.labels), CONTEXT, SECRETS)
    return {
        **_statement(case),
        "data": [_hexes(point_words(point)) for point in key.data],
        "vk": "0x" + key_digest(key).hex(),
        "count": count,
        **_proof(proof),
    }


def inference_vector(case: Case) -> dict[str, Any]:
    """One proof of inference; ρ is fixed here, where a contract takes it from the points."""
    proved = prove_inference(case.key, POWERS, case.network, case.inputs[0], _fixed_challenge, SECRETS)
    return {
        **_statement(case),
        "vk": "0x" + key_digest(case.key).hex(),
        "evaluation": _hex(proved.evaluation),
        "label": proved.label,
        **_proof(proved.proof),
    }


def weights_vector(case: Case) -> dict[str, Any]:
    """One proof of small weights."""
    proof = prove_weights(case.shape, POWERS.tau_g2, POWERS, case.network, CONTEXT, SECRETS)
    statement = {name: value for name, value in _statement(case).items() if name not in ("inputs", "labels")}
    return {**statement, "vk": "0x" + weights_key_digest(case.shape, POWERS.tau_g2).hex(), **_proof(proof)}


def _fixed_challenge(_commitment: PointWords, _input: PointWords) -> int:
    return CONTEXT


def _statement(case: Case) -> dict[str, Any]:
    return {
        "id": case.name,
        "comment": case.comment,
        "shape": asdict(case.shape),
        "inputMax": case.network.input_max,
        "layers": _layers(case.network),
        "inputs": case.inputs.tolist(),
        "labels": case.labels.tolist(),
    }


def _layers(network: IntegerNetwork) -> list[dict[str, Any]]:
    return [{"weight": layer.weight.tolist(), "bias": layer.bias.tolist()} for layer in network.layers]


def _proof(proof: NativeProof) -> dict[str, Any]:
    return {
        "commitment": _hexes(proof.commitment),
        "challenges": {name: _hex(value) for name, value in proof.challenges.items()},
        "proof": "0x" + proof.encode().hex(),
    }


def _hexes(numbers: Sequence[int]) -> list[str]:
    return [_hex(number) for number in numbers]


def _hex(number: int) -> str:
    return f"0x{number:064x}"


if __name__ == "__main__":
    main()
