"""Settings: default, then ``pyml.toml``, then the environment; nothing misspelt, nothing secret shown."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_data_path

from pyml.config import Config, ask_for_reproducible_cuda, load_config, torchrun_place
from pyml.errors import ConfigError

IN_FILE = ("home", "data", "blobs", "rpc", "anvil", "solc", "ezkl_bin")
PATHS = frozenset({"home", "data", "anvil", "solc", "ezkl_bin"})


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ``pyml.toml`` of anybody's in the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(name: str, value: str) -> Path | str:
    return Path(value) if name in PATHS else value


def write(folder: Path, text: str, name: str = "pyml.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    config = load_config({})
    assert config == Config(home=user_data_path("pyml"))
    assert {getattr(config, field.name) for field in fields(Config) if field.name != "home"} == {None}
    assert {field.name for field in fields(Config)} == {*IN_FILE, "dev_key"}


@pytest.mark.parametrize("name", IN_FILE)
def test_file_beats_default_and_environment_beats_file(empty_folder: Path, name: str) -> None:
    write(empty_folder, f'{name} = "/from/file"')
    assert getattr(load_config({}), name) == typed(name, "/from/file")
    config = load_config({f"PYML_{name.upper()}": "/from/environment"})
    assert getattr(config, name) == typed(name, "/from/environment")


@pytest.mark.parametrize("name", IN_FILE)
def test_an_empty_variable_is_as_good_as_none(empty_folder: Path, name: str) -> None:
    write(empty_folder, f'{name} = "/from/file"')
    assert getattr(load_config({f"PYML_{name.upper()}": ""}), name) == typed(name, "/from/file")


def test_each_setting_is_decided_by_itself(empty_folder: Path) -> None:
    write(empty_folder, 'home = "/file/home"\nrpc = "http://file"\n')
    config = load_config({"PYML_RPC": "http://environment", "PYML_DATA": "/environment/data"})
    assert (config.home, config.rpc, config.data) == (
        Path("/file/home"),
        "http://environment",
        Path("/environment/data"),
    )
    assert config.blobs is None


def test_which_file(empty_folder: Path) -> None:
    """An argument beats ``PYML_CONFIG``, which beats the working directory."""
    write(empty_folder, 'rpc = "here"')
    named = write(empty_folder, 'rpc = "named"', "named.toml")
    given_file = write(empty_folder, 'rpc = "given"', "given.toml")
    assert load_config({}).rpc == "here"
    assert load_config({"PYML_CONFIG": str(named)}).rpc == "named"
    assert load_config({"PYML_CONFIG": str(named)}, file=given_file).rpc == "given"


def test_a_file_that_was_named_must_exist(empty_folder: Path) -> None:
    for attempt in (
        lambda: load_config({"PYML_CONFIG": "absent.toml"}),
        lambda: load_config({}, file=Path("absent.toml")),
    ):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert str(caught.value) == (
            "configuration file absent.toml does not exist. Unset PYML_CONFIG or write the file."
        )
    assert load_config({}).rpc is None, "the working directory's file may be absent"


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYML_HOME", "/from/process")
    assert load_config().home == Path("/from/process")
    assert load_config({}).home == user_data_path("pyml")


def test_home_signs_are_expanded_in_paths_only(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    monkeypatch.setenv("HOME", "/users/alice")
    assert load_config({"PYML_HOME": "~/pyml"}).home == Path("/users/alice/pyml")
    write(empty_folder, 'data = "~/data"\nrpc = "~/rpc"\n')
    config = load_config({})
    assert (config.data, config.rpc) == (Path("/users/alice/data"), "~/rpc")


def test_home_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="home"):
        load_config({"PYML_HOME": "~no-such-user-here/pyml"})


def test_unknown_keys_are_refused_by_name(empty_folder: Path) -> None:
    write(empty_folder, 'hme = "/x"\nrpc = "http://x"\nzzz = "1"\n')
    with pytest.raises(ConfigError) as caught:
        load_config({})
    assert str(caught.value) == (
        "pyml.toml has unknown keys; expected some of ['anvil', 'blobs', 'data', 'ezkl_bin', 'home', 'rpc', 'solc']; "
        "got ['hme', 'zzz']"
    )


@given(st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=127), min_size=1, max_size=12))
def test_only_known_keys_pass(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    path = write(tmp_path_factory.mktemp("any"), f'{key} = "value"')
    if key in IN_FILE:
        assert getattr(load_config({}, file=path), key) == typed(key, "value")
    else:
        with pytest.raises(ConfigError, match="has unknown keys"):
            load_config({}, file=path)


@pytest.mark.parametrize("value", ["1", "true", "[]", "{}", "1.5", "1979-05-27", '["a"]'])
def test_values_must_be_strings(empty_folder: Path, value: str) -> None:
    write(empty_folder, f"rpc = {value}")
    with pytest.raises(ConfigError) as caught:
        load_config({})
    assert str(caught.value) == "pyml.toml: keys must be strings; got ['rpc']"


@pytest.mark.parametrize("content", [b"rpc = ", b"rpc", b'rpc = "a"\nrpc = "b"', b"\xff\xfe", b"[rpc\n", b"\x00"])
def test_malformed_files_are_refused(empty_folder: Path, content: bytes) -> None:
    (empty_folder / "pyml.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"^pyml\.toml cannot be read as TOML: "):
        load_config({})


def test_deep_nesting_is_refused(empty_folder: Path) -> None:
    write(empty_folder, "rpc = " + "[" * 100_000)
    with pytest.raises(ConfigError, match=r"^pyml\.toml cannot be read as TOML: "):
        load_config({})


def test_a_folder_in_place_of_the_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / "pyml.toml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be read as TOML: .*directory"):
        load_config({})


def test_dev_key_comes_from_the_environment_only(empty_folder: Path) -> None:
    write(empty_folder, 'dev_key = "0x11"')
    with pytest.raises(ConfigError) as caught:
        load_config({})
    assert "pyml.toml has unknown keys" in str(caught.value)
    assert "got ['dev_key']" in str(caught.value)
    assert "0x11" not in str(caught.value)


def test_dev_key_is_not_shown(empty_folder: Path) -> None:
    config = load_config({"PYML_DEV_KEY": "11" * 32, "PYML_RPC": "http://node"})
    assert config.dev_key == "11" * 32
    for shown in (repr(config), str(config), f"{config}"):
        assert "11" * 4 not in shown
        assert "dev_key" not in shown
        assert "http://node" in shown


def test_blobs_default_to_a_folder_of_home(empty_folder: Path) -> None:
    assert load_config({"PYML_HOME": "/users/alice/pyml data"}).blobs_url == "file:///users/alice/pyml%20data/blobs"
    assert load_config({"PYML_HOME": "relative"}).blobs_url == (empty_folder / "relative" / "blobs").as_uri()
    assert load_config({"PYML_BLOBS": "memory://x"}).blobs_url == "memory://x"


def test_reproducible_cuda_respects_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back afterwards
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    ask_for_reproducible_cuda()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    ask_for_reproducible_cuda()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_torchrun_says_where_a_process_stands() -> None:
    assert torchrun_place({}) == (0, 0, 1)
    assert torchrun_place({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}) == (3, 1, 4)


@pytest.mark.parametrize(
    ("rank", "local_rank"), [("", "0"), ("x", "0"), ("2", "0"), ("-1", "0"), ("0", "2"), ("0", None), (None, "0")]
)
def test_half_a_torchrun_is_refused(rank: str | None, local_rank: str | None) -> None:
    given = {"RANK": rank, "LOCAL_RANK": local_rank, "WORLD_SIZE": "2"}
    with pytest.raises(ConfigError, match="torchrun"):
        torchrun_place({name: value for name, value in given.items() if value is not None})
