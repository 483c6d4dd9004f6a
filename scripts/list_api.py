"""Write docs/api.txt anew: every public name of the library with its signature, so that no change goes unnoticed.

    python scripts/list_api.py        at once, from the sources alone

Public is what has no leading underscore, in the packages that users import; commands are in ``pyml --help`` instead.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyml.files import write_atomically

ROOT: Final = Path(__file__).parents[1]
PATH: Final = ROOT / "docs" / "api.txt"
LEFT_OUT: Final = ("cli",)


def listing(package: Path = ROOT / "pyml") -> str:
    """One block a module, one line a name."""
    blocks = list[str]()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package.parent).with_suffix("")
        parts = place.parts[:-1] if place.name == "__init__" else place.parts
        if any(part.startswith("_") for part in parts) or (parts[1:2] and parts[1] in LEFT_OUT):
            continue
        lines = list(_names(ast.parse(path.read_text(encoding="utf-8")).body))
        if lines:
            blocks.append("\n".join([".".join(parts), *(f"    {line}" for line in lines)]))
    return "\n\n".join(blocks) + "\n"


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if _public(name):
                yield _signature(statement)
            case ast.ClassDef(name=name) if _public(name):
                bases = ", ".join(ast.unparse(base) for base in statement.bases)
                yield f"class {name}({bases})" if bases else f"class {name}"
                yield from (f"    {line}" for line in _names(statement.body))
            case ast.AnnAssign(target=ast.Name(id=name)) if _public(name):
                yield f"{name}: {ast.unparse(statement.annotation)}"
            case ast.Assign(targets=[ast.Name(id=name)]) if _public(name):
                yield name
            case _:
                pass


def _public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__", "__enter__", "__exit__")


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    kind = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    marks = "".join(f"@{ast.unparse(mark)} " for mark in function.decorator_list)
    returns = "" if function.returns is None else f" -> {ast.unparse(function.returns)}"
    return f"{marks}{kind} {function.name}({ast.unparse(function.args)}){returns}"


def main() -> None:
    """List and write."""
    parser = argparse.ArgumentParser(description="Write the list of public names that a test compares.")
    parser.add_argument("--output", type=Path, default=PATH)
    output: Path = parser.parse_args().output
    write_atomically(output, listing().encode())
    print(f"{output}: {len(listing().splitlines())} lines")


if __name__ == "__main__":
    main()
