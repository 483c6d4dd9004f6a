"""``pyml zk link``: show that a model's commitments under two circuit sizes are to one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Folder, Rpc, SrsFile, open_circuit, open_keyed
from pyml.cli.terminal import Json, PasswordFile, connect, password, phases, show, signer, stopwatch
from pyml.config import load_config
from pyml.errors import InputError


def link(
    folder: Folder,
    model: Annotated[Path, typer.Option(help="Encrypted model file.")],
    degree: Annotated[int, typer.Option(min=4, max=26, help="k of the other commitment, as `infer --degree` has it.")],
    out: Annotated[Path, typer.Option(help="Link file to write.")] = Path("link.json"),
    rpc: Rpc = None,
    account: Account = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Link a model's accuracy to its answers under a smaller circuit; registers both commitments and sends the link.

    A large test set needs a large circuit, an answer a small one, and a commitment is one under one size. One link
    says, once and for all, that both are the same model. It takes four of the model's proofs.
    """
    from pyml.crypto.bn254 import POINT_BYTES
    from pyml.zk.challenge import Context, commitment_of
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.circuits import link_statement
    from pyml.zk.engine import require_tensors
    from pyml.zk.links import prove_link, write_link
    from pyml.zk.model_file import ledger_of, open_model
    from pyml.zk.registries import open_contracts, register_circuit, register_model, submit_link

    config, elapsed = load_config(), stopwatch()
    accuracy = CircuitFolder.open(folder)
    if accuracy.statement.kind != "private_model_accuracy":
        raise InputError("a link starts from a model's accuracy", expected="a private_model_accuracy circuit")
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    payer = signer(client, config, account, password_file)
    secret = open_model(model, password(password_file))
    with phases(as_json=as_json) as begin:
        _, circuit = open_circuit(config, accuracy, begin)
        keyed = [
            open_keyed(
                config,
                CircuitFolder.create(folder / f"link-{each}", link_statement(accuracy.statement, each)),
                srs_file,
                begin,
            )
            for each in (circuit.degree, degree)
        ]
        (first, workspace), (second, _) = keyed
        made = prove_link(
            first,
            second,
            require_tensors(workspace.engine),
            secret,
            Context(client.chain_id, contracts.links.address, payer.address),
            ledger=ledger_of(model, secret),
            progress=begin,
        )
        write_link(made, out)
        begin("registering circuits and models")
        for side, side_keyed in ((made.first, first), (made.second, second)):
            register_circuit(contracts, side_keyed, payer)
            register_model(contracts, commitment_of(side.proof[:POINT_BYTES]), secret.proof_limit, payer)
        begin("linking")
        receipt = submit_link(contracts, first, second, made, payer)
    show(
        {
            "link": str(out),
            "model": "0x" + made.first.model.hex(),
            "same_as": "0x" + made.second.model.hex(),
            "gas": receipt.gas_used,
            "transaction": receipt.tx_hash,
            "seconds": round(elapsed(), 2),
        },
        as_json=as_json,
        title="linked on chain",
    )
