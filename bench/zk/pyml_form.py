"""The form that pyml ships, measured through its public functions: what a user waits for, commitments included."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.zk.workload import Prepared
from pyml.chain.accounts import dev_signers
from pyml.ml.integer import IntegerNetwork, count_correct
from pyml.zk.challenge import NO_ADDRESS, Context
from pyml.zk.circuits import accuracy_graph, accuracy_statement
from pyml.zk.claims import prove_accuracy, verify_claim
from pyml.zk.ezkl import EzklEngine, Settings, generate_insecure_srs, read_settings
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel, decode_secret_model, encode_secret_model
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Statement
from pyml.zk.witness import architecture_of, secure_felt
from pyml.zk.workspace import Keyed, Workspace


class FixedColumnsEngine(EzklEngine):
    """The engine with the number of inner columns, and optionally k, given instead of chosen."""

    def __init__(self, columns: int, degree: int | None = None) -> None:
        self._columns, self._degree = columns, degree

    def _settings(self, statement: Statement, files: Any, columns: int) -> Settings:
        del columns
        settings = super()._settings(statement, files, self._columns)
        needed = int(settings["run_args"]["logrows"])
        settings["run_args"]["logrows"] = max(needed, self._degree or needed)
        return settings


def engine_for(columns: int | None, degree: int | None) -> EzklEngine:
    """pyml's own choice without ``columns``."""
    return EzklEngine() if columns is None else FixedColumnsEngine(columns, degree)


def prepare(
    work: Prepared, folder: Path, srs_home: Path, *, default_model: bool, columns: int | None, degree: int | None
) -> dict[str, Any]:
    """Compile and set up, and draw the salts that hide the model."""
    network = work.default_network if default_model else work.network
    engine = engine_for(columns, degree)
    workspace = Workspace(folder / "home", engine)
    started = time.monotonic()
    keyed, marks = _open(work, network, workspace, srs_home)
    settings = read_settings(keyed.circuit.files.settings)
    salts = tuple(secure_felt() for _ in range(keyed.circuit.statement.numerics.committed_salts))
    (folder / "model.json").write_bytes(encode_secret_model(SecretModel(network, salts)))
    return {
        "compile_s": marks["compiled"] - started,
        "setup_s": marks["keyed"] - marks["srs"],
        "k": keyed.circuit.degree,
        "rows": int(settings["num_rows"]),
        "inner_columns": int(settings["run_args"]["num_inner_cols"]),
        "proving_key_mb": keyed.files.proving_key.stat().st_size / 1e6,
        "einsum_columns": int(settings["einsum_params"]["total_einsum_col_size"]),
    }


def prove(
    work: Prepared, folder: Path, srs_home: Path, *, columns: int | None = None, degree: int | None = None
) -> dict[str, Any]:
    """One claim from secret model to claim file contents, then its check."""
    model = decode_secret_model((folder / "model.json").read_bytes())
    engine = engine_for(columns, degree)
    keyed, _ = _open(work, model.network, Workspace(folder / "home", engine), srs_home)
    context = Context(31337, NO_ADDRESS, dev_signers(1)[0].address)
    ledger = ProofLedger(folder / "ledger", model.proof_limit)
    entry = keyed.entry()
    marks: dict[str, float] = {}

    def mark(phase: str) -> None:
        marks[phase] = time.monotonic()

    started = time.monotonic()
    claim = prove_accuracy(
        keyed,
        engine,
        entry,
        model,
        work.data,
        context,
        ledger=ledger,
        progress=mark,
    )
    proved = time.monotonic()
    valid = verify_claim(keyed, engine, entry, claim)
    verified = time.monotonic()
    expected = count_correct(model.network, work.data.inputs, work.data.labels)
    return {
        "total_s": proved - started,
        "witness_s": marks["proving"] - started,
        "prove_s": proved - marks["proving"],
        "verify_s": verified - proved,
        "proof_bytes": len(claim.proof),
        "valid": valid and claim.count == expected,
        "count": claim.count,
    }


def _open(
    work: Prepared, network: IntegerNetwork, workspace: Workspace, srs_home: Path
) -> tuple[Keyed, dict[str, float]]:
    """The circuit and its keys, made or found; making an SRS is nobody's cost."""
    statement = accuracy_statement(architecture_of(network), work.data, work.numerics)
    circuit = workspace.build_circuit(statement, accuracy_graph(statement, work.data))
    marks = {"compiled": time.monotonic()}
    srs = make_insecure(srs_home, circuit.degree, generate_insecure_srs)
    marks["srs"] = time.monotonic()
    keyed = workspace.set_up(circuit, srs)
    marks["keyed"] = time.monotonic()
    return keyed, marks
