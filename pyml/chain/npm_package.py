"""An npm package of the contracts for dApp developers: ABIs as typed constants, and addresses of what one deployed.

Each ABI is a JavaScript module with a declaration file whose type is the ABI itself, letter by letter, because that is
what viem, wagmi and ethers-abitype infer argument and result types from. No code is in the package but these constants,
and nothing in it is downloaded or compiled when it is installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from pyml import __version__
from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.deployments import Deployments, load_deployments
from pyml.errors import InputError
from pyml.files import write_atomically

NAME: Final = "pyml-contracts"
_KINDS: Final = ("function", "event", "error", "constructor", "fallback", "receive")


def write_package(folder: Path, deployments_folder: Path | None = None) -> list[Path]:
    """Write the package; the files, in order. ``deployments_folder`` holds ``<chainid>.json`` files, if any.

    Raises ``InputError`` if the folder holds anything that this function would not write, so that no old ABI stays.
    """
    content = dict(package_files(_deployed(deployments_folder)))
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if odd := sorted(present - set(content)):
        raise InputError(
            f"{folder} holds other files", expected="an empty folder or an older package", got=odd[:5], hint="Empty it."
        )
    written = [folder / name for name in content]
    for path, text in zip(written, content.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    return written


def package_files(deployments: Sequence[Deployments]) -> Iterator[tuple[str, str]]:
    """Relative path and text of every file."""
    contracts = list(_contracts())
    yield "package.json", json.dumps(_manifest(), indent=2) + "\n"
    yield "README.md", _readme(contracts)
    for artifact in contracts:
        constant = constant_name(artifact.name)
        abi = [dict(entry) for entry in artifact.abi if entry["type"] in _KINDS]
        yield f"abi/{artifact.name}.js", f"export const {constant} = {json.dumps(abi, indent=1)};\n"
        yield f"abi/{artifact.name}.d.ts", f"export declare const {constant}: {typescript(abi)};\n"
    table = _addresses(deployments)
    yield "deployments.js", f"export const deployments = {json.dumps(table, indent=1)};\n"
    yield "deployments.d.ts", f"export declare const deployments: {typescript(table)};\n"
    lines = [f'export {{ {constant_name(artifact.name)} }} from "./abi/{artifact.name}.js";' for artifact in contracts]
    index = "\n".join([*lines, 'export { deployments } from "./deployments.js";', ""])
    yield "index.js", index
    yield "index.d.ts", index


def constant_name(contract: str) -> str:
    """``AccuracyRegistry`` → ``accuracyRegistryAbi``, as viem's own tools name them."""
    return contract[0].lower() + contract[1:] + "Abi"


def typescript(value: object) -> str:
    """The literal, deeply read-only type of a JSON value."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return "{ " + " ".join(f"readonly {json.dumps(key)}: {typescript(item)};" for key, item in items) + " }"
    if isinstance(value, list):
        return "readonly [" + ", ".join(typescript(item) for item in cast("list[object]", value)) + "]"
    return json.dumps(value)


def _contracts() -> Iterator[Artifact]:
    """Everything that has an address on a chain: no interfaces, no libraries without external functions."""
    names = sorted(item.name for item in files("pyml.chain").joinpath("artifacts").iterdir())
    for name in names:
        if name.endswith(".json"):
            artifact = load_artifact(name.removesuffix(".json"))
            if artifact.deployable and any(entry["type"] in ("function", "event") for entry in artifact.abi):
                yield artifact


def _deployed(folder: Path | None) -> list[Deployments]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of deployments", hint="`pyml deploy` writes one.")
    chains = sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal())
    return [load_deployments(folder, chain_id) for chain_id in chains]


def _addresses(deployments: Sequence[Deployments]) -> dict[str, dict[str, dict[str, str]]]:
    """Chain id → system → contract → address, of finished deployments."""
    return {
        str(chain.chain_id): {
            system: {name: record.address for name, record in sorted(records.items()) if record.state == "deployed"}
            for system, records in sorted(chain.systems.items())
        }
        for chain in deployments
    }


def _manifest() -> dict[str, Any]:
    return {
        "name": NAME,
        "version": __version__,
        "description": "ABIs of pyml's contracts as typed constants, and addresses of one's deployments.",
        "license": "MIT",
        "type": "module",
        "sideEffects": False,
        "main": "./index.js",
        "types": "./index.d.ts",
        "exports": {
            ".": {"types": "./index.d.ts", "default": "./index.js"},
            "./abi/*": {"types": "./abi/*.d.ts", "default": "./abi/*.js"},
            "./deployments": {"types": "./deployments.d.ts", "default": "./deployments.js"},
        },
        "files": ["abi", "index.js", "index.d.ts", "deployments.js", "deployments.d.ts"],
    }


def _readme(contracts: Sequence[Artifact]) -> str:
    names = ", ".join(f"`{constant_name(artifact.name)}`" for artifact in contracts)
    return f"""# {NAME}
ABIs of pyml {__version__} as constants whose TypeScript types are the ABIs themselves, for viem or wagmi, and the
addresses of the deployments that the package was made with. Made by `pyml chain package`.

```ts
import {{ accuracyRegistryAbi, deployments }} from "{NAME}";

const claim = await client.readContract({{
  address: deployments["31337"].zk.AccuracyRegistry,
  abi: accuracyRegistryAbi,
  functionName: "claimOf",
  args: [modelId, circuitId],
}});
```

Constants: {names}.
"""
