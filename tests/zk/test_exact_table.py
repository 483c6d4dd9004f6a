"""The lookup table in the verifying key is exact ReLU and ends where the limbs do, whatever the engine's cache holds.

The engine fills a table upwards beyond the range asked for, which let limbs be too large, and it loads tables from a
folder in the user's home without looking at them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError
from pyml.zk import ezkl
from pyml.zk.circuits import input_graph, input_statement
from pyml.zk.ezkl import Settings, full_table, require_exact_table
from pyml.zk.statement import Numerics
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network

LOW, HIGH = full_table(9, 255)
NAME = f"hardswish_1_{LOW}_{HIGH}"
SETTINGS: Settings = {
    "run_args": {"lookup_range": [LOW, HIGH]},
    "required_range_checks": [[-1, 1], [0, 127]],
    "required_lookups": [{"HardSwish": {"scale": 1.0}}],
}


def felts(values: list[int]) -> bytes:
    return b"".join((value % SCALAR_MODULUS).to_bytes(32, "little") for value in values)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """What the engine leaves behind when all is well."""
    values = list(range(LOW, HIGH + 1))
    folder = tmp_path / "cache" / NAME
    folder.mkdir(parents=True)
    (folder / "inputs").write_bytes(felts(values))
    (folder / "outputs").write_bytes(felts([max(value, 0) for value in values]))
    (tmp_path / "cache" / "rangecheck_0_127").mkdir()
    return tmp_path


def test_a_full_table_ends_at_the_limbs_greatest_value(tables: Path) -> None:
    assert HIGH - LOW + 1 == 2**9 - 8
    require_exact_table(tables, SETTINGS)


@pytest.mark.parametrize("place", [0, 1, 248, 249, 300, 503])
@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_one_wrong_entry_is_refused(tables: Path, name: str, place: int) -> None:
    path = tables / "cache" / NAME / name
    data = bytearray(path.read_bytes())
    data[32 * place] ^= 1
    path.write_bytes(data)
    with pytest.raises(CircuitError, match="is not ReLU on") as caught:
        require_exact_table(tables, SETTINGS)
    assert caught.value.got == NAME


def one_entry_more(cache: Path) -> None:
    for name in ("inputs", "outputs"):
        path = cache / NAME / name
        path.write_bytes(path.read_bytes() + felts([HIGH + 1]))


def longer_table(cache: Path) -> None:
    (cache / NAME).rename(cache / f"hardswish_1_{LOW}_{HIGH + 1}")


def second_table(cache: Path) -> None:
    shutil.copytree(cache / NAME, cache / "sigmoid_1_-8_7")


def no_table(cache: Path) -> None:
    shutil.rmtree(cache / NAME)


def nothing(cache: Path) -> None:
    shutil.rmtree(cache)


@pytest.mark.parametrize("change", [one_entry_more, longer_table, second_table, no_table, nothing])
def test_another_table_or_none_is_refused(tables: Path, change: Callable[[Path], None]) -> None:
    change(tables / "cache")
    with pytest.raises(CircuitError, match=r"other lookup tables|is not ReLU on"):
        require_exact_table(tables, SETTINGS)


def test_set_up_looks_at_the_table_and_a_poisoned_cache_changes_nothing(
    srs_of: SrsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_network(np.random.default_rng(0), (3, 2), ())
    statement = input_statement(network, "small", Numerics(lookup_bits=8, committed_salts=4))
    keys: list[bytes] = []
    for place in ("clean", "poisoned"):
        if place == "poisoned":
            cache = tmp_path / "home" / "cache" / NAME
            cache.mkdir(parents=True)
            for name in ("inputs", "outputs"):
                (cache / name).write_bytes(felts(list(range(LOW, HIGH + 1))))
            monkeypatch.setenv("EZKL_REPO_PATH", str(tmp_path / "home"))
        workspace = Workspace(tmp_path / place, ezkl.EzklEngine())
        circuit = workspace.build_circuit(statement, input_graph(statement, network))
        assert circuit.degree == 9
        keys.append(workspace.set_up(circuit, srs_of(9)).files.verifying_key.read_bytes())
    assert keys[0] == keys[1]
    misled = tmp_path / "misled.key"
    ezkl._step(
        "setup", cache=tmp_path / "home", model=circuit.files.compiled, srs_path=srs_of(9).path,
        vk_path=misled, pk_path=tmp_path / "proving.key",
    )  # fmt: skip
    assert misled.read_bytes() != keys[0], "the engine no longer believes its cache, so this test shows nothing"


def test_a_table_that_ends_elsewhere_stops_set_up(
    srs_of: SrsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the range that first came to mind, [-2^b + 64, 2^b - 1], the engine's table went on to 311."""
    network = random_network(np.random.default_rng(0), (3, 2), ())
    statement = input_statement(network, "small", Numerics(lookup_bits=8, committed_salts=4))
    workspace = Workspace(tmp_path, ezkl.EzklEngine())

    def not_full(degree: int, table_high: int) -> tuple[int, int]:
        return -192, table_high

    monkeypatch.setattr(ezkl, "full_table", not_full)
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    with pytest.raises(CircuitError, match="set-up used other lookup tables") as caught:
        workspace.set_up(circuit, srs_of(9))
    assert caught.value.got == ["hardswish_1_-192_311"]
