"""One circuit of a chosen shape (k, inner columns), nearly full, and what its steps take: ``bench/zk_shapes.py``.

The data are random: time and memory depend on the shape, not on whose pixels they are.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.zk.pyml_form import FixedColumnsEngine
from pyml.chain.accounts import dev_signers
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict
from pyml.zk.challenge import NO_ADDRESS, Context
from pyml.zk.circuits import LabelledSet, accuracy_graph, accuracy_statement
from pyml.zk.claims import prove_accuracy, verify_claim
from pyml.zk.ezkl import generate_insecure_srs, read_settings
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.rows import predicted_rows
from pyml.zk.srs import make_insecure
from pyml.zk.witness import architecture_of, secure_felt
from pyml.zk.workspace import Workspace

SIZES = (64, 32, 10)
_FULL = 0.95
_Result = TypeVar("_Result")


def measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Build, set up, prove and verify once; times on the clock and of all processors together, keys and proof."""
    degree, columns = int(asked["degree"]), int(asked["columns"])
    folder = Path(asked["folder"])
    network = _network()
    data = _largest_set(network, columns, degree)
    engine = FixedColumnsEngine(columns)
    statement = accuracy_statement(architecture_of(network), data, degree=degree)
    workspace = Workspace(folder, engine)
    srs = make_insecure(Path(asked["srs_home"]), degree, generate_insecure_srs)
    steps: dict[str, dict[str, float]] = {}
    circuit = _timed(steps, "build", lambda: workspace.build_circuit(statement, accuracy_graph(statement, data)))
    keyed = _timed(steps, "set_up", lambda: workspace.set_up(circuit, srs))
    model = SecretModel(network, tuple(secure_felt() for _ in range(statement.numerics.committed_salts)))
    context = Context(31337, NO_ADDRESS, dev_signers(1)[0].address)
    ledger = ProofLedger(folder / "ledger", model.proof_limit)
    entry = keyed.entry()
    claim = _timed(steps, "prove", lambda: prove_accuracy(keyed, engine, entry, model, data, context, ledger=ledger))
    valid = _timed(steps, "verify", lambda: verify_claim(keyed, engine, entry, claim))
    return {
        "k": circuit.degree,
        "inner_columns": columns,
        "samples": statement.samples,
        "rows": int(read_settings(circuit.files.settings)["num_rows"]),
        "proving_key_bytes": keyed.files.proving_key.stat().st_size,
        "proof_bytes": len(claim.proof),
        "valid": valid,
        "steps": steps,
    }


def _network() -> IntegerNetwork:
    random = np.random.default_rng(1)
    layers = tuple(
        IntegerLayer(random.integers(-8, 8, (fan_in, fan_out)), random.integers(-8, 8, fan_out), 1, 0)
        for fan_in, fan_out in itertools.pairwise(SIZES)
    )
    return IntegerNetwork(layers, 4, 3)


def _largest_set(network: IntegerNetwork, columns: int, degree: int) -> LabelledSet:
    """As many random samples as fill the rows."""
    random = np.random.default_rng(2)
    samples = 1
    while True:
        inputs = random.integers(0, network.input_max + 1, (samples, network.sizes[0]))
        labels = np.maximum(predict(network, inputs), 0)
        data = LabelledSet(f"random/test[0:{samples}]", inputs, labels)
        rows = predicted_rows(
            accuracy_statement(architecture_of(network), data), np.count_nonzero(inputs, axis=0), columns
        )
        full = rows / (_FULL * 2**degree)
        if full > 0.97:
            return data
        samples = max(samples + 1, int(samples / full))


def _timed(steps: dict[str, dict[str, float]], name: str, act: Callable[[], _Result]) -> _Result:
    clock, processors = time.monotonic(), _processor_seconds()
    result = act()
    steps[name] = {"clock_s": time.monotonic() - clock, "processor_s": _processor_seconds() - processors}
    return result


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    done = measure(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
    os._exit(0)  # the engine's threads sometimes abort while the interpreter shuts down, after the work is done
