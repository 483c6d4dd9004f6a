"""``pyml zk register``: a circuit made known on chain; for the native engine its verifier and a model's weights too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyml.cli.circuits import Account, Deployments, Folder, Rpc, SrsFile, open_keyed
from pyml.cli.terminal import Json, PasswordFile, connect, password, phases, show, signer
from pyml.config import load_config
from pyml.errors import InputError


def register(
    folder: Folder,
    model: Annotated[
        Path | None, typer.Option(help="Encrypted model file whose weights are proved to be small integers (native).")
    ] = None,
    experimental: Annotated[bool, typer.Option(help="Use the native engine on a chain that is no devnet.")] = False,
    rpc: Rpc = None,
    account: Account = None,
    password_file: PasswordFile = None,
    deployments: Deployments = Path("deployments"),
    srs_file: SrsFile = None,
    as_json: Json = False,
) -> None:
    """Make a circuit known on chain. Native circuits need it before `prove`, once with --model for each model.

    A native circuit gets a verifier contract of its own, whose address is noted in the circuit folder. The password is
    that of the model file.
    """
    from pyml.chain.solc import find_solc
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.claims import commit_model
    from pyml.zk.model_file import ledger_of, open_model
    from pyml.zk.native.engine import NativeEngine
    from pyml.zk.native.registration import prove_ranges, register_native_circuit, require_experimental
    from pyml.zk.registries import open_contracts, register_circuit

    config = load_config()
    circuit_folder = CircuitFolder.open(folder)
    if model is not None and not circuit_folder.native:
        raise InputError("only models of native circuits are proved apart; ezkl's circuits prove them in each claim")
    client = connect(config, rpc)
    contracts = open_contracts(client, deployments)
    payer = signer(client, config, account, None if model is not None else password_file)
    secret = None if model is None else open_model(model, password(password_file))
    if circuit_folder.native:
        require_experimental(client.chain_id, allowed=experimental)
    with phases(as_json=as_json) as begin:
        keyed, workspace = open_keyed(config, circuit_folder, srs_file, begin)
        begin("registering the circuit")
        if isinstance(workspace.engine, NativeEngine):
            entry = register_native_circuit(contracts, circuit_folder, keyed, find_solc(config.solc), payer)
            if model is not None and secret is not None:
                commitment = commit_model(keyed, workspace.engine, secret)
                ledger_of(model, secret).record_all((), commitments=[commitment])  # before it is shown
                prove_ranges(contracts, keyed, workspace.engine, secret, commitment, payer, progress=begin)
        else:
            entry = register_circuit(contracts, keyed, payer)
    show(
        {
            "circuit_id": "0x" + entry.identifier().hex(),
            "verifier": entry.dedicated_verifier if entry.dedicated else "the reusable one",
            "weights_proved": secret is not None,
        },
        as_json=as_json,
        title="registered",
    )
