"""``pyml chain``: a devnet to work on, deploying a system's contracts, encrypted accounts, rebuilding the artefacts.

``deploy`` is offered as ``pyml deploy`` as well. Which systems it knows is in ``PLANS``, filled by whoever mounts this.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.terminal import Json, PasswordFile, ask_secret, connect, share_done, signer
from pyml.config import load_config
from pyml.errors import ChainError, InputError

if TYPE_CHECKING:
    from pyml.chain.accounts import Password
    from pyml.chain.deploy import Plan

app = typer.Typer(no_args_is_help=True, help="Devnet, deployment, accounts, contract build.")
accounts = typer.Typer(no_args_is_help=True, help="Encrypted accounts for signing transactions.")
app.add_typer(accounts, name="accounts")

PLANS: Final[dict[str, Callable[[], Plan]]] = {}
"""What ``--system`` may be: name → its deployment plan, made when asked for."""

_Name = Annotated[str, typer.Argument(help="Name of the account.")]


@app.command()
def devnet(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    chain_id: Annotated[int, typer.Option(help="Chain id.", min=1)] = 31337,
    state: Annotated[Path | None, typer.Option(help="Continue from this file and save to it at the end.")] = None,
    block_time: Annotated[float | None, typer.Option(help="Seconds between blocks; at once when absent.")] = None,
    hardfork: Annotated[str | None, typer.Option(help="cancun, prague, osaka …")] = None,
    tx_gas_cap: Annotated[bool, typer.Option(help="Refuse transactions above 2^24 gas, as public chains do.")] = False,
    as_json: Json = False,
) -> None:
    """Run a development chain until interrupted (Ctrl-C or SIGTERM)."""
    from pyml.chain.devnet import Devnet, DevnetOptions

    options = DevnetOptions(
        chain_id=chain_id,
        port=port,
        block_time_s=block_time,
        hardfork=hardfork,
        enforce_tx_gas_cap=tx_gas_cap,
        state=state,
    )
    ended = threading.Event()

    def end(_number: int, _frame: object) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with Devnet(options, anvil=load_config().anvil) as node:
        addresses = [account.address for account in node.accounts]
        if as_json:
            typer.echo(json.dumps({"url": node.url, "chain_id": chain_id, "pid": node.pid, "accounts": addresses}))
        else:
            typer.echo(f"Listening on {node.url}, chain id {chain_id}. Ctrl-C ends it.")
            typer.echo("Funded accounts, whose keys are public (anvil's test phrase), for development only:")
            typer.echo("\n".join(addresses))
        while not ended.wait(0.3):
            if not node.running:
                raise ChainError("the devnet ended by itself", hint="Look at its state file and the free memory.")


@app.command()
def deploy(
    system: Annotated[str, typer.Option(help="Which system's contracts.")],
    rpc: Annotated[str | None, typer.Option(help="URL of a node; default from the settings.")] = None,
    account: Annotated[str | None, typer.Option(help="Stored account that pays; on a devnet a public one.")] = None,
    password_file: PasswordFile = None,
    chain_id: Annotated[int | None, typer.Option(help="Refuse any other chain.")] = None,
    folder: Annotated[Path, typer.Option(help="Where <chainid>.json is kept.")] = Path("deployments"),
    confirmations: Annotated[int, typer.Option(help="Blocks to wait for after each transaction.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Deploy a system's contracts, or continue an interrupted deployment; what is there already is reused."""
    from pyml.chain.deploy import deploy_system
    from pyml.chain.sending import SendPolicy

    if system not in PLANS:
        raise InputError(f"there is no system {system!r} to deploy", expected=f"one of {sorted(PLANS)}")
    config = load_config()
    client = connect(config, rpc, chain_id=chain_id)
    payer = signer(client, config, account, password_file)
    with share_done(system, as_json=as_json) as report:
        policy = SendPolicy(confirmations=confirmations)
        records = deploy_system(client, PLANS[system](), payer, folder=folder, policy=policy, progress=report)
    found = records.systems.get(system, {})
    if as_json:
        rows = {name: {"address": item.address, "tx_hash": item.tx_hashes[0]} for name, item in found.items()}
        typer.echo(json.dumps({"chain_id": client.chain_id, "system": system, "contracts": rows}))
        return
    table = Table("contract", "address", "block", title=f"{system} on chain {client.chain_id}")
    for name, item in found.items():
        table.add_row(name, item.address, str(item.block_number))
    Console().print(table)


@app.command()
def build(
    as_json: Json = False, download: Annotated[bool, typer.Option(help="May download the compiler.")] = False
) -> None:
    """Compile contracts/ of a source checkout into the artefacts that the package ships (for developers of pyml)."""
    from pyml.chain.build import build as build_artifacts
    from pyml.chain.solc import find_solc
    from pyml.chain.tools import SOURCE_ROOT

    if not (SOURCE_ROOT / "contracts").is_dir():
        raise InputError("there are no contracts to compile", expected="a source checkout of pyml")
    solc = find_solc(load_config().solc, allow_download=download)
    artifacts = build_artifacts(SOURCE_ROOT, solc)
    if as_json:
        rows = {artifact.name: {"bytes": artifact.code_size, "digest": artifact.digest} for artifact in artifacts}
        typer.echo(json.dumps({"compiler": solc.version, "contracts": rows}))
        return
    table = Table("contract", "bytes on chain", title=f"solc {solc.version}")
    for artifact in artifacts:
        table.add_row(artifact.name, f"{artifact.code_size:,}" if artifact.deployable else "interface")
    Console().print(table)


@app.command()
def package(
    folder: Annotated[Path, typer.Argument(help="Where to write it; empty, or an older package.")],
    deployments: Annotated[
        Path | None, typer.Option(help="Folder of <chainid>.json whose addresses go into the package.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an npm package: every contract's ABI with TypeScript types, and the addresses of your deployments."""
    from pyml.chain.npm_package import NAME, write_package

    written = write_package(folder, deployments)
    if as_json:
        typer.echo(json.dumps({"package": NAME, "folder": str(folder), "files": len(written)}))
        return
    typer.echo(f"{NAME}: {len(written)} files in {folder}. Publish it, or: npm install {folder}")


@accounts.command("new")
def new_account(name: _Name, password_file: PasswordFile = None, as_json: Json = False) -> None:
    """Make a new account and store it encrypted."""
    from pyml.chain.accounts import create_keystore

    stored = create_keystore(_folder(), name, _password(password_file, confirm=True))
    _show([(stored.name, stored.address)], as_json=as_json)


@accounts.command("import")
def import_account(name: _Name, password_file: PasswordFile = None, as_json: Json = False) -> None:
    """Store an existing private key, typed or piped in (never as an argument), encrypted."""
    from pyml.chain.accounts import import_keystore

    key = ask_secret("Private key (hexadecimal)")
    stored = import_keystore(_folder(), name, key, _password(password_file, confirm=True))
    _show([(stored.name, stored.address)], as_json=as_json)


@accounts.command("list")
def list_accounts(as_json: Json = False) -> None:
    """Show the stored accounts."""
    from pyml.chain.accounts import list_keystores

    _show([(stored.name, stored.address) for stored in list_keystores(_folder())], as_json=as_json)


def _password(file: Path | None, *, confirm: bool = False) -> Password:
    from pyml.chain.accounts import password_from_file

    if file is not None:
        return password_from_file(file)
    return lambda: ask_secret("Password", confirm=confirm)


def _folder() -> Path:
    return load_config().home / "accounts"


def _show(rows: list[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"accounts": [{"name": name, "address": address} for name, address in rows]}))
        return
    table = Table("name", "address")
    for name, address in rows:
        table.add_row(name, address)
    Console().print(table)
