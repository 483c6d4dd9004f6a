"""Homes that are in the way, open to others or full of the wrong bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.cli.doctor.findings import Finding, State, Surroundings
from pyml.cli.doctor.places import look_at_data, look_at_home, look_at_keys_in_the_environment, look_at_srs
from pyml.config import Config
from pyml.zk.srs import file_size, insecure_path, public_path

DEGREE = 4
MNIST = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz")


@pytest.fixture
def place(tmp_path: Path) -> Surroundings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Surroundings(Config(home=home))


def all_of(found: Iterator[Finding]) -> list[Finding]:
    findings = list(found)
    assert all(each.advice or each.state is State.OK for each in findings)
    return findings


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = all_of(found)
    return finding


def string(path: Path, degree: int, *, missing: int = 0) -> Path:
    """A file of the right form, which nobody made from powers of tau."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((degree.to_bytes(4, "little") + bytes(file_size(degree) - 4))[: file_size(degree) - missing])
    return path


# PYML_HOME


def test_a_home_of_ones_own(place: Surroundings) -> None:
    found = only(look_at_home(place))
    assert (found.state, found.found) == (State.OK, f"{place.config.home}, mode 700")


def test_a_home_that_is_not_there_yet(tmp_path: Path) -> None:
    assert only(look_at_home(Surroundings(Config(home=tmp_path / "a" / "b")))).state is State.OK
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        found = only(look_at_home(Surroundings(Config(home=home))))
        assert found.state is State.PROBLEM
        assert "PYML_HOME" in found.advice


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_home_that_others_may_write(place: Surroundings, mode: int) -> None:
    place.config.home.chmod(mode)
    found = only(look_at_home(place))
    assert found.state is State.PROBLEM
    assert found.advice == f"chmod go-w {place.config.home}"


@pytest.mark.parametrize("name", ["accounts/alice.json", "deepchain/1-0xab/enrolment.keystore", "model.secret"])
def test_secrets_that_others_may_read(place: Surroundings, name: str) -> None:
    path = place.config.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("sealed")
    path.chmod(0o600)
    assert only(look_at_home(place)).state is State.OK
    for mode in (0o640, 0o604, 0o666):
        path.chmod(mode)
        found = only(look_at_home(place))
        assert found.state is State.PROBLEM
        assert name in found.found
        assert "chmod 600" in found.advice


def test_keys_of_circuits_are_no_secrets(place: Surroundings) -> None:
    path = place.config.home / "circuits" / "abc" / "proving.key"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"public")
    path.chmod(0o644)
    assert only(look_at_home(place)).state is State.OK


# Reference strings


def test_no_reference_string(place: Surroundings) -> None:
    found = only(look_at_srs(place))
    assert found.state is State.OPTIONAL
    assert "pyml zk srs" in found.advice


def test_a_string_made_here_is_for_development(place: Surroundings) -> None:
    string(insecure_path(place.config.home, DEGREE), DEGREE)
    found = only(look_at_srs(place))
    assert found.state is State.OK
    assert "insecure" in found.found


def test_a_string_that_only_calls_itself_public(place: Surroundings) -> None:
    path = string(public_path(place.config.home, DEGREE), DEGREE)
    found = only(look_at_srs(place))
    assert found.state is State.PROBLEM
    assert "not the public string" in found.found
    assert str(path) in found.advice


@pytest.mark.parametrize("missing", [1, 200, 10**9])
def test_a_string_cut_short(place: Surroundings, missing: int) -> None:
    good = string(insecure_path(place.config.home, DEGREE), DEGREE)
    bad = string(insecure_path(place.config.home, 5), 5, missing=min(missing, file_size(5)))
    states = {each.found.split(":")[0]: each.state for each in all_of(look_at_srs(place))}
    assert states[good.name] is State.OK, "one bad file does not hide the others"
    assert list(states.values()).count(State.PROBLEM) == 1
    assert str(bad) in next(each.advice for each in look_at_srs(place) if each.state is State.PROBLEM)


# Data sets


def test_bundled_sets_are_checked_and_others_are_told_of(place: Surroundings) -> None:
    found = {each.check: each for each in all_of(look_at_data(place))}
    assert found["data: digits"].state is found["data: breast-cancer"].state is State.OK
    assert "1297 + 500" in found["data: digits"].found
    for name in ("mnist", "fashion-mnist", "cifar10"):
        assert found[f"data: {name}"].state is State.OPTIONAL
        assert f"pyml data fetch {name}" in found[f"data: {name}"].advice


def test_a_data_folder_that_is_none(place: Surroundings, tmp_path: Path) -> None:
    named = replace(place, config=replace(place.config, data=tmp_path / "absent"))
    found = {each.check: each for each in all_of(look_at_data(named))}
    assert (found["data"].state, found["data"].advice) == (State.PROBLEM, "Correct or unset PYML_DATA.")


def test_a_set_with_a_wrong_checksum(place: Surroundings, tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "mnist"
    folder.mkdir(parents=True)
    for name in (*MNIST, "t10k-labels-idx1-ubyte.gz"):
        (folder / name).write_bytes(gzip.compress(b"something else"))
    named = replace(place, config=replace(place.config, data=folder.parent))
    found = {each.check: each for each in all_of(look_at_data(named))}["data: mnist"]
    assert found.state is State.PROBLEM
    assert "not the published" in found.found
    assert "pyml data fetch mnist" in found.advice


def test_a_set_that_is_there_in_part(place: Surroundings) -> None:
    folder = place.config.home / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / MNIST[0]).write_bytes(b"")
    assert {each.check: each.state for each in look_at_data(place)}["data: mnist"] is State.OPTIONAL


# Keys


def test_a_key_in_the_environment_is_not_shown(place: Surroundings) -> None:
    assert all_of(look_at_keys_in_the_environment(place)) == []
    secret = "0x" + "5e" * 32
    found = only(look_at_keys_in_the_environment(replace(place, config=replace(place.config, dev_key=secret))))
    assert "5e5e" not in f"{found.found} {found.advice}"
    assert "PYML_DEV_KEY is set" in found.found
