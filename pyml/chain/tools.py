"""Where the external programs are: an explicit path, then PATH, then the project's own, then the user's Foundry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyml.errors import ToolMissingError

SOURCE_ROOT: Final = Path(__file__).resolve().parents[2]
"""Root of the source checkout; in an installed wheel a folder without project files, which is then simply not used."""


def find_anvil(explicit: Path | None = None, *, project_root: Path | None = None) -> Path:
    """The ``anvil`` executable; raises ``ToolMissingError`` saying how to get one."""
    if explicit is not None:
        if not _runnable(explicit):
            raise ToolMissingError(f"anvil is not at {explicit}", hint="Correct the setting 'anvil' or leave it out.")
        return explicit
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    found = next((path for path in _candidates(project_root or SOURCE_ROOT) if _runnable(path)), None)
    if found is None:
        raise ToolMissingError(
            "anvil, the embedded devnet, is not installed",
            hint="Run ./dev once, or `npm install @foundry-rs/anvil-linux-amd64`, or set PYML_ANVIL; "
            "or give --rpc with the URL of a node.",
        )
    return found


def find_hardhat(project_root: Path) -> tuple[str, ...]:
    """The command that runs the project's Hardhat, with the Node that ``./dev`` installed if there is one."""
    starter = project_root / "node_modules" / ".bin" / "hardhat"
    if not any(project_root.glob("hardhat.config.*")) or not starter.exists():
        raise ToolMissingError(
            f"no Hardhat project in {project_root}",
            expected="hardhat.config.js and node_modules/.bin/hardhat",
            hint="Run ./dev once.",
        )
    node = project_root / ".dev" / "bin" / "node"
    if _runnable(node):
        return str(node), str(starter)
    if shutil.which("npx") is None:
        raise ToolMissingError("Node.js is not installed", hint="Run ./dev once, which installs it.")
    return "npx", "--no-install", "hardhat"


def _candidates(root: Path) -> Iterator[Path]:
    yield root / ".dev" / "bin" / "anvil"
    # Platform packages hold the program itself; node_modules/.bin/anvil is a JavaScript starter that needs Node.
    yield from sorted((root / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    yield Path.home() / ".foundry" / "bin" / "anvil"


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
