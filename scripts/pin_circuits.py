"""Make the reference circuits below ``circuits/`` again and write what pins them.

    python scripts/pin_circuits.py               settings.json and digests.toml, from circuit.toml and model.json
    python scripts/pin_circuits.py --check       write nothing; fail where a pin differs
    python scripts/pin_circuits.py --train       first train the model anew: new circuit.toml and model.json
    python scripts/pin_circuits.py --srs FILE    add the digests of the keys under a public reference string

Run it after an upgrade of the engine, the exporter or the circuits, and say in CHANGELOG.md that digests have changed.
Training is repeatable to the bit on one machine only, so the model is pinned itself, not its recipe.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from pyml.errors import PymlError, SrsError
from pyml.files import write_atomically
from pyml.ml.datasets import load
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, inference_statement, input_statement, labelled_set, link_statement
from pyml.zk.engine import CircuitFiles, Engine
from pyml.zk.ezkl import EzklEngine
from pyml.zk.model_codec import encode_network
from pyml.zk.preparation import prepare
from pyml.zk.srs import open_srs
from pyml.zk.workspace import Workspace

CIRCUITS = Path(__file__).parents[1] / "circuits"
NAMES = ("private_model_accuracy", "private_input", "private_model_inference", "model_link")
FOLLOWING = {"private_model_inference": inference_statement, "model_link": link_statement}
"""Circuits for the models of the accuracy circuit, at its k."""
SIZES, EPOCHS, SEED, SAMPLES = (64, 32, 10), 30, 1, 100
PINS = ("settings.json", "digests.toml")


def train_model(circuits: Path) -> None:
    """Write the statements of accuracy and private input, and the model that ``private_input`` makes public."""
    dataset = load("digits")
    model = mlp(SIZES, seed=SEED)
    train(model, dataset, TrainingConfig(epochs=EPOCHS, seed=SEED))
    prepared = prepare(affine_layers(model), dataset)
    network = prepared.quantisation.network
    accuracy = accuracy_statement(prepared.architecture, labelled_set(dataset, samples=SAMPLES))
    answer = input_statement(network, "digit classifier")
    for statement in (accuracy, answer):
        write_atomically(circuits / statement.kind / "circuit.toml", statement.to_toml().encode())
    write_atomically(circuits / "private_input" / "model.json", encode_network(network))


def write_following(circuits: Path, name: str) -> None:
    """Write the statement of a circuit that takes models and k from the accuracy circuit, as that is pinned."""
    accuracy = circuits / "private_model_accuracy"
    statement = FOLLOWING[name](CircuitFolder.open(accuracy).statement, EzklEngine().degree(CircuitFiles(accuracy)))
    write_atomically(circuits / name / "circuit.toml", statement.to_toml().encode())


def pin(circuit: Path, engine: Engine, *, srs: Path | None = None) -> dict[str, bytes]:
    """The pins of one circuit, made elsewhere; with ``srs`` the present ones are checked, those of its keys added."""
    with tempfile.TemporaryDirectory() as name:
        folder, workspace = Path(name) / "circuit", Workspace(Path(name) / "workspace", engine)
        shutil.copytree(circuit, folder)
        if srs is None:
            for each in PINS:
                (folder / each).unlink(missing_ok=True)
        copy = CircuitFolder.open(folder)
        compiled = copy.build(workspace, load)
        if srs is not None:
            found = open_srs(srs)
            if found.insecure:
                raise SrsError(f"keys made from {srs} are not worth pinning", expected="a public reference string")
            copy.pin_keys(workspace.set_up(compiled, found))
        return {each: (folder / each).read_bytes() for each in PINS}


def main(arguments: list[str] | None = None) -> int:
    """0: written, or all as pinned; 1: something differs; 2: it could not be done."""
    parser = argparse.ArgumentParser(description="Pin the reference circuits.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--srs", type=Path)
    options = parser.parse_args(arguments)
    differing = False
    try:
        if options.train:
            train_model(CIRCUITS)
        for name in NAMES:
            if options.train and name in FOLLOWING:
                write_following(CIRCUITS, name)
            for file, made in pin(CIRCUITS / name, EzklEngine(), srs=options.srs).items():
                path = CIRCUITS / name / file
                same = path.exists() and path.read_bytes() == made
                print(f"{name}/{file}: {'as pinned' if same else 'differs' if options.check else 'written'}")
                differing = differing or not same
                if not same and not options.check:
                    write_atomically(path, made)
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
