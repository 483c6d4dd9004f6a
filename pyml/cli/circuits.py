"""What commands about circuits share: their options, and the way from a circuit folder to its keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyml.config import Config
from pyml.errors import SrsError

if TYPE_CHECKING:
    from pyml.ml.datasets import Dataset
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.engine import Engine, Progress
    from pyml.zk.ezkl import EzklEngine
    from pyml.zk.srs import Srs
    from pyml.zk.workspace import Circuit, Keyed, Workspace

Folder = Annotated[Path, typer.Argument(help="Circuit folder, as `export` wrote it.")]
SrsFile = Annotated[Path | None, typer.Option("--srs", help="Structured reference string to use.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Rpc = Annotated[str | None, typer.Option(help="URL of a node; default from the settings.")]
Account = Annotated[str | None, typer.Option(help="Stored account that signs; on a devnet a public one.")]
Deployments = Annotated[Path, typer.Option("--deployments", help="Folder with <chainid>.json.")]


def dataset_of(config: Config, name: str) -> Dataset:
    """A data set from the user's folder, cache or the network."""
    from pyml.ml.datasets import load

    return load(name, config.data, cache_dir=config.home / "data")


def engine_for(config: Config, circuit_folder: CircuitFolder) -> Engine:
    """The engine that a circuit folder was exported for."""
    if circuit_folder.native:
        from pyml.zk.native.engine import NativeEngine

        return NativeEngine(config.home)
    return engine_of(config)


def engine_of(config: Config) -> EzklEngine:
    """The build of ezkl that the settings ask for."""
    from pyml.zk.external import ExternalEzklEngine
    from pyml.zk.ezkl import EzklEngine

    return EzklEngine() if config.ezkl_bin is None else ExternalEzklEngine(config.ezkl_bin)


def open_circuit(config: Config, circuit_folder: CircuitFolder, begin: Progress) -> tuple[Workspace, Circuit]:
    """Compile the circuit of a folder, or open what was compiled."""
    from pyml.zk.workspace import Workspace

    workspace = Workspace(config.home, engine_for(config, circuit_folder))
    begin("opening the circuit")
    return workspace, circuit_folder.build(workspace, lambda name: dataset_of(config, name), progress=begin)


def open_keyed(
    config: Config, circuit_folder: CircuitFolder, srs_file: Path | None, begin: Progress
) -> tuple[Keyed, Workspace]:
    """The circuit with its keys, made now if they were not."""
    workspace, circuit = open_circuit(config, circuit_folder, begin)
    found = require_srs(find_srs_for(config, circuit, srs_file), circuit)
    keyed = workspace.set_up(circuit, found, progress=begin)
    circuit_folder.pin_keys(keyed)
    return keyed, workspace


def make_insecure_for(config: Config, circuit_folder: CircuitFolder, circuit: Circuit) -> Srs:
    """A structured reference string of our own, for development chains; by the native core, where it serves, faster."""
    from pyml.zk.ezkl import generate_insecure_srs
    from pyml.zk.native.development_powers import write_insecure_powers
    from pyml.zk.srs import make_insecure

    generate = write_insecure_powers if circuit_folder.native else generate_insecure_srs
    return make_insecure(config.home, circuit.degree, generate)


def find_srs_for(config: Config, circuit: Circuit, srs_file: Path | None) -> Srs | None:
    """The string in the file that the user named, else one that was fetched or made before."""
    from pyml.zk.srs import find_srs, open_srs

    return find_srs(config.home, circuit.degree) if srs_file is None else open_srs(srs_file)


def require_srs(found: Srs | None, circuit: Circuit) -> Srs:
    """Raise ``SrsError`` that says how to get one."""
    if found is None:
        raise SrsError(
            f"there is no structured reference string of k = {circuit.degree}",
            hint=f"`pyml zk srs {circuit.degree}` downloads the public one; `pyml zk setup --insecure` makes one "
            "for development chains.",
        )
    return found
