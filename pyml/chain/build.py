"""Compile the project's contracts into artefacts: the one code path for the wheel, the tests and generated verifiers.

Files with the same settings are compiled together; a folder may have settings of its own (``solc.SETTINGS_BY_FOLDER``).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pyml.chain.artifacts import Artifact, save_artifact
from pyml.chain.solc import DEFAULT_SETTINGS, Solc, SolcSettings, run_solc, settings_for
from pyml.chain.sources import read_with_imports, source_names
from pyml.errors import InputError

ARTIFACTS_FOLDER: Final = Path(__file__).parent / "artifacts"
Progress = Callable[[str, float], None]
"""Told what is being done and the fraction done, 0 to 1."""


def build(
    project_root: Path, solc: Solc, *, folder: Path = ARTIFACTS_FOLDER, progress: Progress | None = None
) -> tuple[Artifact, ...]:
    """Compile all of ``contracts/`` and make ``folder`` hold exactly its artefacts; nothing is written if any fails."""
    artifacts = compile_project(project_root, solc, progress=progress)
    for artifact in artifacts:
        artifact.require_size()
    for artifact in artifacts:
        save_artifact(artifact, folder)
    kept = {f"{artifact.name}.json" for artifact in artifacts}
    for path in folder.glob("*.json"):
        if path.name not in kept:
            path.unlink()
    return artifacts


def compile_project(project_root: Path, solc: Solc, *, progress: Progress | None = None) -> tuple[Artifact, ...]:
    """Artefacts of every contract and interface in ``contracts/``, by name, without writing them."""
    groups: defaultdict[SolcSettings, list[str]] = defaultdict(list)
    for name in source_names(project_root):
        groups[settings_for(name)].append(name)
    found: list[Artifact] = []
    for done, (settings, names) in enumerate(groups.items()):
        if progress is not None:
            progress(f"compiling {len(names)} files", done / len(groups))
        found += compile_sources(solc, read_with_imports(project_root, names), wanted=names, settings=settings)
    if progress is not None:
        progress(f"compiled {len(found)} contracts", 1.0)
    _require_unique(found)
    return tuple(sorted(found, key=lambda artifact: artifact.name))


def compile_sources(
    solc: Solc,
    sources: Mapping[str, str],
    *,
    wanted: Iterable[str] | None = None,
    settings: SolcSettings = DEFAULT_SETTINGS,
) -> list[Artifact]:
    """Compile texts by source unit name; artefacts for the contracts in the ``wanted`` ones (default: all)."""
    names = set(sources if wanted is None else wanted)
    output = run_solc(solc, sources, settings=settings)
    return [
        _artifact(name, source, raw, solc, settings)
        for source, contracts in sorted(output.items())
        if source in names
        for name, raw in sorted(contracts.items())
    ]


def _artifact(name: str, source: str, raw: Mapping[str, Any], solc: Solc, settings: SolcSettings) -> Artifact:
    creation, deployed = raw["evm"]["bytecode"], raw["evm"]["deployedBytecode"]
    spans = [span for spans in deployed.get("immutableReferences", {}).values() for span in spans]
    metadata: dict[str, Any] = json.loads(raw["metadata"]) if raw.get("metadata") else {"sources": {}}
    return Artifact(
        name=name,
        source=source,
        abi=tuple(raw["abi"]),
        bytecode=creation["object"],
        deployed_bytecode=deployed["object"],
        immutable_references=tuple(sorted((span["start"], span["length"]) for span in spans)),
        link_references={
            library: tuple((span["start"], span["length"]) for span in spans)
            for libraries in creation.get("linkReferences", {}).values()
            for library, spans in libraries.items()
        },
        compiler=solc.version,
        settings=settings.as_json(),
        sources={unit: entry["keccak256"] for unit, entry in sorted(metadata["sources"].items())},
    )


def _require_unique(artifacts: list[Artifact]) -> None:
    """Artefact files are named after contracts, so a name may stand for one contract only."""
    origin: dict[str, str] = {}
    for artifact in artifacts:
        other = origin.setdefault(artifact.name, artifact.source)
        if other != artifact.source:
            raise InputError(f"two contracts are named {artifact.name}", got=f"{other} and {artifact.source}")
