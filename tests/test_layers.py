"""The arrows of the architecture, enforced: who may import whom, and what a layer may touch.

``cli`` → the five systems → ``chain``, ``store`` → ``ml``, ``crypto`` → ``errors``. Each rule is a pure function of a
module's name and source, so the second half of this file can show that each one bites.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SYSTEMS = frozenset({"keys", "zk", "freezenet", "deepchain", "kdac"})
_GROUND = frozenset({"errors", "files"})  # files: atomic writing, used by every layer that owns a file

ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "files": frozenset({"errors"}),
    "config": frozenset({"errors"}),
    "plots": _GROUND,
    "crypto": frozenset({"errors"}),
    "ml": _GROUND,
    "store": _GROUND | {"crypto", "ml"},
    "chain": _GROUND | {"crypto", "ml"},
    **{system: _GROUND | {"crypto", "ml", "store", "chain", "plots"} for system in SYSTEMS},
    "cli": _GROUND | SYSTEMS | {"crypto", "ml", "store", "chain", "plots", "config"},
    "__init__": frozenset({"errors"}),
    "__main__": frozenset({"cli"}),
}
ALLOWED["freezenet"] |= {"zk"}

CONFINED = {  # package: the only modules that may import it
    "web3": ("pyml.chain",),
    "solcx": ("pyml.chain",),
    "ezkl": ("pyml.zk.ezkl",),
    "pyml_native": ("pyml.zk.native.core",),
    "py_ecc": ("pyml.zk.native.pairing",),
    "typer": ("pyml.cli",),
    "rich": ("pyml.cli",),
}
_OUTSIDE_WORLD = frozenset(
    {"aiohttp", "asyncio", "datetime", "fsspec", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random"}
    | {"requests", "shutil", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib"}
)
FORBIDDEN = {  # layer: packages that it must not import
    "crypto": _OUTSIDE_WORLD | {"numpy", "onnx", "onnxruntime", "pandas", "sklearn", "torch"},
    "ml": frozenset({"coincurve", "cryptography", "eth_abi", "eth_account", "eth_keys", "secrets", "socket"}),
}
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "expandvars"})
_OWN_GENERATORS = {
    "random": frozenset({"Random", "SystemRandom"}),
    "numpy.random": frozenset(
        {"BitGenerator", "Generator", "PCG64", "Philox", "RandomState", "SeedSequence", "default_rng"}
    ),
}


def module_name(path: Path) -> str:
    """``pyml/zk/ezkl.py`` → ``pyml.zk.ezkl``; a package keeps its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module or name that is imported anywhere in the tree, absolute, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = module.split(".")[: -node.level]
                origin = ".".join([*package, origin]).rstrip(".")
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _dotted(node.func, {}) in {
            "importlib.import_module",
            "import_module",
            "__import__",
        }:
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)
            else:
                yield node.lineno, "<computed>"


def violations(module: str, source: str) -> list[str]:
    """What a module does that its layer may not, one line each."""
    tree = ast.parse(source)
    found = [*_import_violations(module, tree), *_use_violations(module, tree)]
    return [f"{module}:{line}: {text}" for line, text in sorted(set(found))]


def _import_violations(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    layer = layer_of(module)
    for line, name in imported(module, tree):
        package = name.split(".")[0]
        if name == "<computed>":
            yield line, "imports a module whose name is computed"
        elif package == "pyml":
            target = layer_of(name) if name.count(".") else "__init__"
            if (
                target in ALLOWED
                and target not in {layer, "__init__"}
                and target not in ALLOWED.get(layer, frozenset())
            ):
                yield line, f"{layer} must not import pyml.{target}"
        homes = CONFINED.get(package)
        if homes and not any(module == home or module.startswith(f"{home}.") for home in homes):
            yield line, f"{package} may be imported in {', '.join(homes)} only"
        if package in FORBIDDEN.get(layer, frozenset()):
            yield line, f"{layer} must not import {package}"


def _use_violations(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    layer = layer_of(module)
    names = dict(_aliases(tree))
    for node in ast.walk(tree):
        dotted = _dotted(node, names) if isinstance(node, (ast.Attribute, ast.Name)) else ""
        origin, _, name = dotted.rpartition(".")
        if layer != "config" and origin in {"os", "os.path"} and name in _ENVIRONMENT:
            yield node_line(node), "only pyml.config reads the environment"
        own = _OWN_GENERATORS.get(origin)
        if own is not None and name not in own:
            yield node_line(node), f"{dotted} is a global random generator"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in {"print", "input"} and layer != "cli":
                yield node.lineno, f"only cli may {node.func.id}"
            if node.func.id == "open" and layer == "crypto":
                yield node.lineno, "crypto must not open files"


def node_line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """``np.random.rand`` with ``import numpy as np`` → ``numpy.random.rand``."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


class _WithoutTypeImports(ast.NodeTransformer):
    """Drops ``if TYPE_CHECKING:`` blocks: an import for an annotation alone makes no cycle in the running program."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if _dotted(node.test, {}) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"} else node


def cycles(sources: dict[str, str]) -> list[list[str]]:
    """Import cycles among the modules given, late imports included."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        graph[module] = set()
        for _, name in imported(module, _WithoutTypeImports().visit(ast.parse(source))):
            target = next(
                (known for known in (name, f"{name}.__init__", name.rpartition(".")[0]) if known in sources), None
            )
            if target and target != module:
                graph[module].add(target)
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in done:
            for target in sorted(graph[module]):
                visit(target, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    return found


def _sources() -> dict[str, str]:
    return {module_name(path): path.read_text(encoding="utf-8") for path in sorted((ROOT / "pyml").rglob("*.py"))}


@pytest.mark.parametrize("module", sorted(_sources()))
def test_layers_point_downward(module: str) -> None:
    source = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    assert violations(module, source) == []


def test_every_package_has_a_layer() -> None:
    assert {layer_of(module) for module in _sources()} <= set(ALLOWED)


def test_no_import_cycles() -> None:
    assert cycles(_sources()) == []


@pytest.mark.parametrize(
    ("module", "source", "message"),
    [
        ("pyml.ml.training", "from pyml.crypto import merkle", "ml must not import pyml.crypto"),
        ("pyml.crypto.merkle", "import pyml.ml.quantise", "crypto must not import pyml.ml"),
        ("pyml.crypto.merkle", "from pyml.files import write", "crypto must not import pyml.files"),
        ("pyml.chain.client", "from pyml.zk import claims", "chain must not import pyml.zk"),
        ("pyml.chain.client", "from pyml import zk", "chain must not import pyml.zk"),
        ("pyml.chain.client", "from ..zk import claims", "chain must not import pyml.zk"),
        ("pyml.chain.client", "from .. import zk", "chain must not import pyml.zk"),
        ("pyml.zk.claims", "def f():\n    from pyml.keys import cell", "zk must not import pyml.keys"),
        ("pyml.zk.claims", "from pyml.freezenet import block", "zk must not import pyml.freezenet"),
        ("pyml.deepchain.escrow", "import pyml.zk", "deepchain must not import pyml.zk"),
        ("pyml.zk.claims", "import pyml.cli.zk", "zk must not import pyml.cli"),
        ("pyml.zk.claims", "from pyml.config import Config", "zk must not import pyml.config"),
        ("pyml.errors", "from pyml.config import Config", "errors must not import pyml.config"),
        ("pyml.zk.claims", "from web3 import Web3", "web3 may be imported in pyml.chain only"),
        ("pyml.cli.zk", "import web3.types as t", "web3 may be imported in pyml.chain only"),
        ("pyml.zk.claims", "def f():\n    import ezkl", "ezkl may be imported in pyml.zk.ezkl only"),
        ("pyml.zk.ezkl_more", "import ezkl", "ezkl may be imported in pyml.zk.ezkl only"),
        (
            "pyml.zk.native.prover",
            "import importlib\nimportlib.import_module('pyml_native')",
            "pyml_native may be imported in pyml.zk.native.core only",
        ),
        (
            "pyml.zk.claims",
            "import importlib\nimportlib.import_module('ezkl')",
            "ezkl may be imported in pyml.zk.ezkl only",
        ),
        ("pyml.zk.claims", "def f(n):\n    __import__(n)", "imports a module whose name is computed"),
        ("pyml.chain.solc", "from rich.progress import track", "rich may be imported in pyml.cli only"),
        ("pyml.crypto.paillier", "import torch", "crypto must not import torch"),
        ("pyml.crypto.paillier", "from time import monotonic", "crypto must not import time"),
        ("pyml.crypto.paillier", "import socket", "crypto must not import socket"),
        ("pyml.crypto.paillier", "x = open('key').read()", "crypto must not open files"),
        ("pyml.ml.training", "import coincurve", "ml must not import coincurve"),
        ("pyml.chain.devnet", "import os\nhome = os.environ['HOME']", "only pyml.config reads the environment"),
        ("pyml.chain.devnet", "from os import getenv\nhome = getenv('HOME')", "only pyml.config reads the environment"),
        ("pyml.chain.devnet", "import os as o\nhome = o.getenv('HOME')", "only pyml.config reads the environment"),
        (
            "pyml.chain.devnet",
            "import os\npath = os.path.expandvars('$HOME')",
            "only pyml.config reads the environment",
        ),
        ("pyml.ml.training", "import numpy as np\nnp.random.seed(1)", "numpy.random.seed is a global random generator"),
        ("pyml.zk.claims", "import random\nrandom.randrange(5)", "random.randrange is a global random generator"),
        ("pyml.zk.claims", "from random import choice\nchoice('ab')", "random.choice is a global random generator"),
        ("pyml.zk.claims", "print('proved')", "only cli may print"),
    ],
)
def test_rule_bites(module: str, source: str, message: str) -> None:
    assert [line.split(": ", 1)[1] for line in violations(module, source)] == [message]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pyml.freezenet.block", "from pyml.zk import claims"),
        (
            "pyml.zk.claims",
            "from pyml import __version__\nfrom pyml.chain.client import Client\nfrom .circuits import Circuit",
        ),
        ("pyml.zk.ezkl", "import ezkl"),
        ("pyml.chain.contract", "from web3.types import TxParams\nfrom pyml.errors import ChainError"),
        ("pyml.cli.zk", "from pyml.config import load_config\nprint('table')"),
        ("pyml.config", "import os\nenv = os.environ"),
        (
            "pyml.ml.training",
            "import numpy as np\nimport torch\nrng = np.random.default_rng(7)\ng = torch.Generator().manual_seed(7)",
        ),
        ("pyml.crypto.ecies", "import hashlib, secrets\nfrom coincurve import PrivateKey"),
    ],
)
def test_rule_lets_pass(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_cycle_is_found() -> None:
    sources = {
        "pyml.a": "import pyml.b",
        "pyml.b": "def f():\n    from pyml.c import x",
        "pyml.c": "from pyml import a",
    }
    assert cycles(sources) == [["pyml.a", "pyml.b", "pyml.c", "pyml.a"]]
    assert cycles({"pyml.a": "import pyml.b", "pyml.b": ""}) == []
    assert cycles({"pyml.a": "import pyml.b", "pyml.b": "if TYPE_CHECKING:\n    import pyml.a"}) == []
