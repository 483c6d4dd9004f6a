"""``pyml zk infer``: what a committed model answers to a public input, proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Folder, Rpc, SrsFile, open_circuit, open_keyed
from pyml.cli.terminal import Json, PasswordFile, address_of, connect, password, phases, show, stopwatch
from pyml.config import load_config
from pyml.errors import InputError


def infer(
    folder: Folder,
    model: Annotated[Path, typer.Option(help="Encrypted model file.")],
    sample: Annotated[Path, typer.Option("--input", help="Public input: JSON list of integers, or .npy.")],
    out: Annotated[Path, typer.Option(help="Claim file to write.")] = Path("answer.json"),
    degree: Annotated[
        int | None, typer.Option(min=4, max=26, help="k of the circuit for answers; any but the model's needs a link.")
    ] = None,
    rpc: Rpc = None,
    account: Account = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Prove what the committed model answers to a public input; the model that was certified, and no other.

    The circuit is the one of the model's accuracy: the circuit for answers is made from it, in its folder
    `inference-K`. `pyml zk claim CIRCUIT/inference-K answer.json` has the contract accept the answer. With a smaller
    `--degree` answers are faster, under a commitment that `pyml zk link` shows to be to the same model.
    """
    from pyml.zk.challenge import Context
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.circuits import inference_statement
    from pyml.zk.claims import prove_inference, write_claim
    from pyml.zk.model_file import ledger_of, open_model, read_sample
    from pyml.zk.registries import open_contracts

    config, elapsed = load_config(), stopwatch()
    circuit_folder = CircuitFolder.open(folder)
    if not circuit_folder.statement.private_model:
        raise InputError("only a committed model can be shown to answer", expected="a private_model_accuracy circuit")
    public = read_sample(sample, circuit_folder.statement.architecture.sizes[0])
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    prover = address_of(client, config, account)
    secret = open_model(model, password(password_file))
    with phases(as_json=as_json) as begin:
        if circuit_folder.statement.kind == "private_model_accuracy":
            size = degree or open_circuit(config, circuit_folder, begin)[1].degree
            statement = inference_statement(circuit_folder.statement, size)
            made = folder / f"inference-{size}"
            circuit_folder = CircuitFolder.create(made, statement, native=circuit_folder.native)
        keyed, workspace = open_keyed(config, circuit_folder, srs_file, begin)
        claim = prove_inference(
            keyed,
            workspace.engine,
            circuit_folder.entry(keyed, client.chain_id),
            secret,
            public,
            Context(client.chain_id, contracts.inference.address, prover),
            ledger=ledger_of(model, secret),
            progress=begin,
        )
    write_claim(claim, out)
    show(
        {
            "claim": str(out),
            "circuit": str(circuit_folder.path),
            "label": claim.label,
            "model": "0x" + claim.model.hex(),
            "proof_bytes": len(claim.proof),
            "prover": prover,
            "seconds": round(elapsed(), 2),
        },
        as_json=as_json,
        title="proved",
    )
