"""The one place that reads the environment and ``pyml.toml``.

Order: built-in default, then ``pyml.toml`` (path in ``PYML_CONFIG``, else the working directory's), then the
environment. Unknown keys are refused, so a misspelt setting never goes unnoticed. Everything below this
module takes its settings as arguments.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from platformdirs import user_data_path

from pyml.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Config:
    """Settings after composition; each names its ``pyml.toml`` key and, upper-cased with ``PYML_``, its variable."""

    home: Path
    """Root of everything that pyml writes for a user: blobs, keystores, circuits, SRS files (``PYML_HOME``)."""
    data: Path | None = None
    """Folder with data sets laid out as in ``docs/data.md``; absent means download or bundled data (``PYML_DATA``)."""
    blobs: str | None = None
    """fsspec URL of the blob store; default ``file://<home>/blobs``."""
    rpc: str | None = None
    """JSON-RPC URL of an EVM node; default is an embedded devnet."""
    anvil: Path | None = None
    """The ``anvil`` executable, if it is neither on PATH nor among the project's Node packages."""
    solc: Path | None = None
    """A native or wrapped solc of the pinned version."""
    ezkl_bin: Path | None = None
    """An ``ezkl`` command of the pinned version, for instance one built for a GPU, that makes keys and proofs."""
    dev_key: str | None = field(default=None, repr=False)
    """A raw signing key for development chains, from ``PYML_DEV_KEY`` only; refused elsewhere."""

    @property
    def blobs_url(self) -> str:
        return self.blobs or (self.home / "blobs").absolute().as_uri()


_PATHS = frozenset({"home", "data", "anvil", "solc", "ezkl_bin"})
_ENVIRONMENT_ONLY = frozenset({"dev_key"})


def load_config(environ: Mapping[str, str] | None = None, *, file: Path | None = None) -> Config:
    """Compose defaults, ``pyml.toml`` and the environment; raises ``ConfigError`` on an unknown or malformed key."""
    env = os.environ if environ is None else environ
    known = {field.name for field in fields(Config)}
    config = default_config()

    named = env.get("PYML_CONFIG")
    path = file or (Path(named) if named else Path("pyml.toml"))
    if _exists(path):
        config = replace(config, **_from_toml(path, known - _ENVIRONMENT_ONLY))
    elif named or file:
        raise ConfigError(f"configuration file {path} does not exist", hint="Unset PYML_CONFIG or write the file.")

    from_env = {name: env[f"PYML_{name.upper()}"] for name in known if env.get(f"PYML_{name.upper()}")}
    return replace(config, **{name: _typed(name, value) for name, value in from_env.items()})


def default_config() -> Config:
    """Settings where neither file nor environment says anything."""
    return Config(home=user_data_path("pyml"))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # for instance a name that is too long
        raise ConfigError(f"configuration file {str(path)[:80]} cannot be read: {error.strerror}") from error


def ask_for_reproducible_cuda() -> None:
    """Set what cuBLAS wants to see before CUDA starts if its sums are to be reproducible."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def torchrun_place(environ: Mapping[str, str] | None = None) -> tuple[int, int, int]:
    """Rank, rank on this machine and number of the processes that ``torchrun`` started; (0, 0, 1) where it did not."""
    env = os.environ if environ is None else environ
    if "WORLD_SIZE" not in env:
        return 0, 0, 1
    try:
        rank, local_rank, count = (int(env[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"this is not a process of torchrun: {error}", expected="RANK, LOCAL_RANK, WORLD_SIZE"
        ) from error
    if not 0 <= rank < count or not 0 <= local_rank < count:
        raise ConfigError("torchrun's numbers do not fit together", got=(rank, local_rank, count))
    return rank, local_rank, count


def _from_toml(path: Path, known: set[str]) -> dict[str, Path | str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigError(f"{path} has unknown keys", expected=f"some of {sorted(known)}", got=unknown)
    wrong = sorted(name for name, value in table.items() if not isinstance(value, str))
    if wrong:
        raise ConfigError(f"{path}: keys must be strings", got=wrong)
    return {name: _typed(name, value) for name, value in table.items()}


def _typed(name: str, value: str) -> Path | str:
    if name not in _PATHS:
        return value
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ConfigError(f"setting {name} is not a path: {error}", got=value) from error
