"""Write contracts/generated/Halo2VerifierReusable.sol anew, after an upgrade of the engine.

    python scripts/regenerate_verifier.py

Then run `pyml build` and the tests. The text does not depend on the small circuit that is set up to obtain it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.circuits import input_graph, input_statement
from pyml.zk.deployment import REUSABLE_CONTRACT
from pyml.zk.engine import require_tensors
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Numerics
from pyml.zk.verifiers import reusable_source
from pyml.zk.workspace import Workspace

TARGET = Path(__file__).parents[1] / "contracts" / "generated" / f"{REUSABLE_CONTRACT}.sol"


def main() -> None:
    """Set up the smallest circuit, take the verifier that comes with it."""
    network = IntegerNetwork((IntegerLayer(np.eye(2, dtype=np.int64), np.zeros(2, dtype=np.int64), 1),), 4, 3)
    statement = input_statement(network, "identity", Numerics(lookup_bits=8, committed_salts=4))
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), EzklEngine())
        circuit = workspace.build_circuit(statement, input_graph(statement, network))
        srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)
        source = reusable_source(workspace.set_up(circuit, srs), require_tensors(workspace.engine))
    TARGET.write_text(source, encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
