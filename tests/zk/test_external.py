"""An ``ezkl`` command instead of the package: real keys and proofs by a command that speaks its flags, and bad ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyml.cli.circuits import engine_of
from pyml.config import Config, load_config
from pyml.errors import CircuitError, ProofError, ToolMissingError
from pyml.zk.external import ExternalEzklEngine
from pyml.zk.ezkl import ENGINE_VERSION, EzklEngine
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import Small, random_network, random_set, small_accuracy

COMMAND = """#!{python}
import argparse, sys
if sys.argv[1:] == ["--version"]:
    print("ezkl {version}")
    sys.exit()
parser = argparse.ArgumentParser(allow_abbrev=False)
steps = parser.add_subparsers(dest="step", required=True)
for step, flags in dict(
    setup=("compiled-circuit", "srs-path", "vk-path", "pk-path"),
    prove=("witness", "compiled-circuit", "pk-path", "proof-path", "srs-path"),
).items():
    command = steps.add_parser(step)
    for flag in flags:
        command.add_argument("--" + flag, required=True)
arguments = vars(parser.parse_args())
step = arguments.pop("step")
arguments["model"] = arguments.pop("compiled_circuit")
open({log!r}, "a").write(step + "\\n")
import ezkl
getattr(ezkl, step)(**arguments)
{afterwards}
import os
sys.stdout.flush()
os._exit(0)
"""


def command(folder: Path, *, version: str = ENGINE_VERSION, afterwards: str = "") -> Path:
    path = folder / "ezkl"
    log = str(folder / "log")
    path.write_text(COMMAND.format(python=sys.executable, version=version, log=log, afterwards=afterwards))
    path.chmod(0o755)
    return path


def small_with(engine: EzklEngine, srs_of: SrsOf, home: Path) -> Small:
    random = np.random.default_rng(0)
    network = random_network(random, (6, 4), ())
    return small_accuracy(home, engine, srs_of, network, random_set(random, network, 4))


def test_keys_and_proofs_are_the_packages_own(tmp_path: Path, srs_of: SrsOf) -> None:
    external = small_with(ExternalEzklEngine(command(tmp_path)), srs_of, tmp_path / "external")
    package = small_with(EzklEngine(), srs_of, tmp_path / "package")
    assert external.keyed.vka_digest == package.keyed.vka_digest
    proof = external.prove(external.honest)
    assert (tmp_path / "log").read_text() == "setup\nprove\n"
    assert package.accepts(proof.data, package.honest.result)
    assert not package.accepts(proof.data, package.honest.result + 1)


def test_a_false_proof_is_not_handed_out(tmp_path: Path, srs_of: SrsOf) -> None:
    spoil = """
if step == "prove":
    import json
    proof = json.load(open(arguments["proof_path"]))
    last = int(proof["hex_proof"][-2:], 16) ^ 1
    proof["hex_proof"] = proof["hex_proof"][:-2] + format(last, "02x")
    json.dump(proof, open(arguments["proof_path"], "w"))
"""
    small = small_with(ExternalEzklEngine(command(tmp_path, afterwards=spoil)), srs_of, tmp_path / "home")
    with pytest.raises(ProofError, match="ezkl made does not verify"):
        small.prove(small.honest)


def test_a_failing_command_is_named_by_its_reason(tmp_path: Path, srs_of: SrsOf) -> None:
    fail = 'sys.exit("Error: no device found")'
    with pytest.raises(CircuitError, match="the engine failed in setup: Error: no device found"):
        small_with(ExternalEzklEngine(command(tmp_path, afterwards=fail)), srs_of, tmp_path / "home")


@pytest.mark.parametrize("version", ["22.9.9", "23.0.50", "", "x" * 1000])
def test_another_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ToolMissingError, match="is not the ezkl that circuits are pinned to"):
        ExternalEzklEngine(command(tmp_path, version=version))


def test_what_does_not_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "text"):
        with pytest.raises(ToolMissingError, match="does not run"):
            ExternalEzklEngine(path)


def test_the_settings_choose(tmp_path: Path) -> None:
    plain = replace(load_config({}), ezkl_bin=None)
    assert type(engine_of(plain)) is EzklEngine
    chosen: Config = load_config({"PYML_EZKL_BIN": str(command(tmp_path))})
    assert type(engine_of(chosen)) is ExternalEzklEngine
