"""Read Solidity sources with everything that they import, so that the compiler needs no file system.

Source unit names are paths relative to the project root with ``/`` (``contracts/zk/ModelRegistry.sol``). A name that
starts with ``@`` is a package and is read from ``node_modules``, which is what a remapping would do.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pyml.errors import InputError

# Strings and comments are matched first so that an import inside one of them is not seen.
_TOKEN: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/
      |\bimport\b(?P<clause>[^;"']*)(?P<quote>["'])(?P<path>[^"'\n]+)(?P=quote)
      |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.S | re.X,
)


def source_names(project_root: Path, folder: str = "contracts") -> tuple[str, ...]:
    """Every ``.sol`` file below ``folder``, as source unit names."""
    found = (project_root / folder).rglob("*.sol")
    return tuple(sorted(path.relative_to(project_root).as_posix() for path in found))


def read_with_imports(project_root: Path, names: Iterable[str]) -> dict[str, str]:
    """Source texts by unit name, imports followed; raises ``InputError`` naming a missing import and who wants it."""
    texts: dict[str, str] = {}
    waiting = [(name, "the build") for name in names]
    while waiting:
        name, importer = waiting.pop()
        if name in texts:
            continue
        texts[name] = _read(project_root, name, importer)
        waiting.extend((imported, name) for imported in imports_of(name, texts[name]))
    return texts


def imports_of(name: str, text: str) -> Iterator[str]:
    """The unit names that a source imports, relative paths resolved against its own name."""
    for match in _TOKEN.finditer(text):
        path = match["path"]
        if path is None:
            continue
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path.startswith(".") else path


def _read(project_root: Path, name: str, importer: str) -> str:
    if name.startswith(("/", "../")) or ":" in name or "\\" in name:
        raise InputError(f"{importer} imports {name}, which lies outside the project")
    path = project_root / "node_modules" / name if name.startswith("@") else project_root / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "Run ./dev once to install the Node packages." if name.startswith("@") else None
        raise InputError(f"Solidity source {name}, imported by {importer}, does not exist", hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Solidity source {name} cannot be read ({type(error).__name__})") from error
