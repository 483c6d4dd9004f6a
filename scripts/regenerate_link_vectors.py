"""Write tests/vectors/model_link.json anew, after a change of link circuits, engine, challenge or deployment.

    python scripts/regenerate_link_vectors.py        some seconds

The file holds one honest link between two commitments to a random model of a few weights. As in
tests/vectors/gated_claims.json, chain, deployer and prover are fixed: `ModelLinks` lies where the deployer's next
transaction after those of that file puts it. Salts and keys stay in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from pyml.chain.deploy import created_address
from pyml.errors import ProofError, PymlError
from pyml.files import write_atomically
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.challenge import Context, commitment_of, link_challenge
from pyml.zk.circuits import link_graph
from pyml.zk.engine import require_tensors
from pyml.zk.ezkl import ENGINE_VERSION, EzklEngine, generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.links import LinkSide, prove_link, verify_link
from pyml.zk.model_codec import SecretModel
from pyml.zk.srs import make_insecure
from pyml.zk.statement import ANY_INPUT, Numerics, Statement
from pyml.zk.witness import architecture_of, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from scripts.regenerate_vectors import CHAIN_ID, CREATED, DEPLOYER, PROVER

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "model_link.json"
LINKS: Final = created_address(DEPLOYER, len(CREATED))
DEGREES: Final = (9, 10)
NUMERICS: Final = Numerics(lookup_bits=8, committed_salts=8)
COMMENT: Final = (
    f"Made by scripts/regenerate_link_vectors.py: proofs by ezkl {ENGINE_VERSION} about a random model, keys from "
    "insecure local reference strings. `deployer` creates `links` with its next nonce after those of "
    "gated_claims.json, on the same chain. `sides` are the two commitments to one model, `rho` the challenge of the "
    "link, `fingerprint` what both circuits put out."
)


def main() -> None:
    """Set up, prove, check, write."""
    parser = argparse.ArgumentParser(description="Write the link that forge tests use.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    try:
        with tempfile.TemporaryDirectory() as folder:
            vectors = make_vectors(Workspace(Path(folder), EzklEngine()))
        write_atomically(output, json.dumps(vectors, indent=1).encode() + b"\n")
    except PymlError as error:
        sys.exit(f"regenerate_link_vectors: {error}")
    print(f"{output}: {output.stat().st_size} bytes")


def make_vectors(workspace: Workspace) -> dict[str, Any]:
    """Everything that the file says."""
    model = SecretModel(_random_network(), tuple(secure_felt() for _ in range(NUMERICS.committed_salts)))
    first, second = (_set_up(workspace, model.network, degree) for degree in DEGREES)
    context = Context(CHAIN_ID, LINKS, PROVER)
    ledger = ProofLedger(workspace.home / "model.proofs", model.proof_limit)
    link = prove_link(first, second, require_tensors(workspace.engine), model, context, ledger=ledger)
    if not verify_link(first, second, require_tensors(workspace.engine), link):
        raise ProofError("the link is not valid")
    named = [(side.model, side.circuit) for side in (link.first, link.second)]
    points = (link.first.proof[:64], link.second.proof[:64])
    return {
        "comment": COMMENT,
        "chainId": CHAIN_ID,
        "deployer": DEPLOYER,
        "prover": PROVER,
        "links": LINKS,
        "rho": hex(link_challenge(context, first=named[0], second=named[1], points=points)),
        "fingerprint": hex(link.fingerprint),
        "sides": [_side(first, link.first), _side(second, link.second)],
    }


def _side(keyed: Keyed, side: LinkSide) -> dict[str, Any]:
    entry = keyed.entry()
    return {
        "circuitId": _hex(side.circuit),
        "modelId": _hex(side.model),
        "commitment": _hex(commitment_of(side.proof[:64])),
        "statementDigest": _hex(entry.statement_digest),
        "proofLength": entry.proof_length,
        "proof": _hex(side.proof),
        "vka": [_hex(word) for word in keyed.artefact],
    }


def _set_up(workspace: Workspace, network: IntegerNetwork, degree: int) -> Keyed:
    statement = Statement("model_link", architecture_of(network), 1, ANY_INPUT, "any input", degree, NUMERICS)
    circuit = workspace.build_circuit(statement, link_graph(statement))
    return workspace.set_up(circuit, make_insecure(workspace.home, degree, generate_insecure_srs))


def _random_network() -> IntegerNetwork:
    random = np.random.default_rng(7)
    layers = tuple(
        IntegerLayer(random.integers(-8, 8, shape), random.integers(-8, 8, shape[1]), 2, shift)
        for shape, shift in (((3, 4), 2), ((4, 3), 0))
    )
    return IntegerNetwork(layers, 4, 3)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    main()
