"""pyml's private inference, measured through its public functions: commitments and both witness passes included."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.zk.workload import Prepared
from pyml.chain.accounts import dev_signers
from pyml.errors import CircuitError
from pyml.ml.integer import predict
from pyml.zk.challenge import NO_ADDRESS, Context
from pyml.zk.circuits import accuracy_graph, accuracy_statement, inference_graph, inference_statement
from pyml.zk.claims import prove_inference, verify_claim
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs, read_settings
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel, decode_secret_model, encode_secret_model
from pyml.zk.rows import needed_degree
from pyml.zk.srs import make_insecure
from pyml.zk.statement import MAX_DEGREE, Statement, statement_from_dict
from pyml.zk.witness import architecture_of, secure_felt
from pyml.zk.workspace import Circuit, Keyed, Workspace


def prepare(work: Prepared, folder: Path, srs_home: Path, *, certified: bool) -> dict[str, Any]:
    """Compile and set up, and draw the salts that hide the model.

    ``certified`` is the model as pyml quantises it by default, at the k of its accuracy circuit, so that one commitment
    serves both; else the peers' model at the least k.
    """
    network = work.default_network if certified else work.network
    workspace = Workspace(folder / "home", EzklEngine())
    accuracy = accuracy_statement(architecture_of(network), work.data, work.numerics)
    accuracy_degree = workspace.build_circuit(accuracy, accuracy_graph(accuracy, work.data)).degree
    started = time.monotonic()
    if certified:
        circuit = _built(workspace, inference_statement(accuracy, accuracy_degree))
    else:
        circuit, started = _smallest(workspace, inference_statement(accuracy, 1))
    compiled = time.monotonic()
    keyed, ready = _keyed(workspace, circuit, srs_home)
    settled = time.monotonic()
    salts = tuple(secure_felt() for _ in range(circuit.statement.numerics.committed_salts))
    (folder / "model.json").write_bytes(encode_secret_model(SecretModel(network, salts)))
    (folder / "statement.json").write_text(json.dumps(circuit.statement.as_dict()), encoding="utf-8")
    settings = read_settings(circuit.files.settings)
    return {
        "compile_s": compiled - started,
        "setup_s": settled - ready,
        "k": circuit.degree,
        "accuracy_k": accuracy_degree,
        "rows": int(settings["num_rows"]),
        "inner_columns": int(settings["run_args"]["num_inner_cols"]),
        "einsum_columns": int(settings["einsum_params"]["total_einsum_col_size"]),
        "weight_bits": network.bits,
        "shifts": [layer.shift for layer in network.layers],
        "proving_key_mb": keyed.files.proving_key.stat().st_size / 1e6,
        "verifying_key_bytes": keyed.files.verifying_key.stat().st_size,
    }


def prove(work: Prepared, folder: Path, srs_home: Path, *, sample: int) -> dict[str, Any]:
    """One answer from secret model to claim, then its check."""
    model = decode_secret_model((folder / "model.json").read_bytes())
    statement = statement_from_dict(json.loads((folder / "statement.json").read_text(encoding="utf-8")))
    engine = EzklEngine()
    workspace = Workspace(folder / "home", engine)
    keyed, _ = _keyed(workspace, _built(workspace, statement), srs_home)
    entry, public = keyed.entry(), work.data.inputs[sample]
    context = Context(31337, NO_ADDRESS, dev_signers(1)[0].address)
    ledger = ProofLedger(folder / "ledger", model.proof_limit)
    marks: dict[str, float] = {}

    def mark(phase: str) -> None:
        marks[phase] = time.monotonic()

    started = time.monotonic()
    claim = prove_inference(keyed, engine, entry, model, public, context, ledger=ledger, progress=mark)
    proved = time.monotonic()
    valid = verify_claim(keyed, engine, entry, claim)
    verified = time.monotonic()
    return {
        "total_s": proved - started,
        "witness_s": marks["proving"] - started,
        "prove_s": proved - marks["proving"],
        "verify_s": verified - proved,
        "proof_bytes": len(claim.proof),
        "valid": valid and claim.label == int(predict(model.network, public[None])[0]),
        "answers": [claim.label],
    }


def _smallest(workspace: Workspace, statement: Statement) -> tuple[Circuit, float]:
    """The circuit at the least k that it fits, and when its compilation began."""
    degree = needed_degree(statement, 0)
    while True:
        started = time.monotonic()
        try:
            return _built(workspace, replace(statement, degree=degree)), started
        except CircuitError:
            if degree == MAX_DEGREE:
                raise
            degree += 1


def _built(workspace: Workspace, statement: Statement) -> Circuit:
    return workspace.build_circuit(statement, inference_graph(statement))


def _keyed(workspace: Workspace, circuit: Circuit, srs_home: Path) -> tuple[Keyed, float]:
    """The circuit's keys, made or found, and when that began: making an SRS is nobody's cost."""
    srs = make_insecure(srs_home, circuit.degree, generate_insecure_srs)
    began = time.monotonic()
    return workspace.set_up(circuit, srs), began
