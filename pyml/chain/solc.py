"""The pinned Solidity compiler: find it, never another version, and run it through py-solc-x.

Order: explicit setting; an installed native solc of the pinned version (py-solc-x's folder, then PATH); a
download, only when asked for; the project's wrapper around npm's ``solc`` (the same compiler as WebAssembly). The
compiler gets every source in its input and reads no file itself.

Bytecode carries no metadata (``bytecodeHash: none``, ``appendCBOR: false``), so it depends on code and settings
and not on paths, comments or file names: whoever compiles the same sources gets the same bytes. ``metadata`` as
an output is still taken, for the list of sources that a contract depends on.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import requests
import solcx
from solcx.exceptions import SolcError, SolcInstallationError

from pyml.chain.tools import SOURCE_ROOT
from pyml.errors import InputError, ToolMissingError

SOLC_VERSION: Final = "0.8.37"
_compile_standard = cast(Callable[..., dict[str, Any]], solcx.compile_standard)  # pyright: ignore[reportUnknownMemberType]
_WRAPPER: Final = Path(".dev") / "bin" / f"solc-v{SOLC_VERSION}"


@dataclass(frozen=True, slots=True)
class Solc:
    """A compiler whose version was asked for and is the pinned one."""

    path: Path
    version: str
    """With commit: ``0.8.37+commit.f401782d``; the same for native and WebAssembly builds."""


@dataclass(frozen=True, slots=True)
class SolcSettings:
    """What may differ between contracts."""

    runs: int = 200
    via_ir: bool = False
    evm_version: str = "cancun"

    def as_json(self) -> dict[str, Any]:
        """The part of the standard JSON input that decides the bytecode; stored in artefacts."""
        return {
            "optimizer": {"enabled": True, "runs": self.runs},
            "viaIR": self.via_ir,
            "evmVersion": self.evm_version,
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
        }


DEFAULT_SETTINGS: Final = SolcSettings()
SETTINGS_BY_FOLDER: Final[Mapping[str, SolcSettings]] = {
    # Gas before size: for 200 runs it fetches the order of the field from the code at each of a thousand products.
    "contracts/zk/native/": SolcSettings(runs=20_000),
}
"""Exceptions from ``DEFAULT_SETTINGS`` by prefix of the source's path; the longest prefix wins."""


def settings_for(source: str) -> SolcSettings:
    """The settings for a source unit name such as ``contracts/zk/ModelRegistry.sol``."""
    matching = [prefix for prefix in SETTINGS_BY_FOLDER if source.startswith(prefix)]
    return SETTINGS_BY_FOLDER[max(matching, key=len)] if matching else DEFAULT_SETTINGS


def find_solc(explicit: Path | None = None, *, project_root: Path | None = None, allow_download: bool = False) -> Solc:
    """The pinned compiler; raises ``ToolMissingError`` if none is found or the explicit one has another version."""
    if explicit is not None:
        return _require_pinned(explicit)
    native = solcx.get_solcx_install_folder() / f"solc-v{SOLC_VERSION}"
    on_path = shutil.which("solc")
    for path in (native, Path(on_path) if on_path else None):
        if path is not None and path.is_file():
            version = _version(path)
            if version is not None and _is_pinned(version):
                return Solc(path, version)
    if allow_download:
        return _download()
    wrapper = (project_root or SOURCE_ROOT) / _WRAPPER
    if wrapper.is_file():
        return _require_pinned(wrapper)
    raise ToolMissingError(
        f"solc {SOLC_VERSION} is not installed",
        hint="Run ./dev once, or set PYML_SOLC; shipped artefacts need no compiler.",
    )


def run_solc(
    solc: Solc, sources: Mapping[str, str], *, settings: SolcSettings = DEFAULT_SETTINGS
) -> dict[str, dict[str, Any]]:
    """Compile and return ``{source: {contract: output}}``; raises ``InputError`` with the compiler's message."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(sources.items())},
        "settings": {
            **settings.as_json(),
            "outputSelection": {"*": {"*": ["abi", "metadata", "evm.bytecode", "evm.deployedBytecode"]}},
        },
    }
    try:
        answer = _compile_standard(request, solc_binary=solc.path)
    except SolcError as error:
        raise InputError(f"Solidity sources do not compile: {error.message}") from error
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ToolMissingError(f"compiler {solc.path} failed: {error}") from error
    return answer["contracts"]


def _download() -> Solc:
    """py-solc-x checks the download against the list's checksum."""
    try:
        solcx.install_solc(SOLC_VERSION, show_progress=False)
    except (SolcInstallationError, SolcError, requests.RequestException, OSError, ValueError) as error:
        raise ToolMissingError(
            f"solc {SOLC_VERSION} cannot be downloaded ({type(error).__name__})",
            hint="Run ./dev once for the compiler from npm, or set PYML_SOLC.",
        ) from error
    return _require_pinned(solcx.get_solcx_install_folder() / f"solc-v{SOLC_VERSION}")


def _require_pinned(path: Path) -> Solc:
    version = _version(path)
    if version is None:
        raise ToolMissingError(f"{path} is not a working solc", expected=f"solc {SOLC_VERSION}")
    if not _is_pinned(version):
        raise ToolMissingError(f"{path} has the wrong version", expected=f"solc {SOLC_VERSION}", got=version)
    return Solc(path, version)


def _is_pinned(version: str) -> bool:
    return version.partition("+")[0] == SOLC_VERSION


def _version(path: Path) -> str | None:
    try:
        version = solcx.wrapper.get_solc_version(path, with_commit_hash=True)
    except (OSError, SolcError, subprocess.SubprocessError, ValueError):
        return None
    return str(version)
