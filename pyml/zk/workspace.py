"""Circuits and keys on disk: each in a folder named by what determines it, complete or not there, reused when it fits.

    <home>/circuits/<statement digest>/circuit/   graph, settings, compiled circuit, manifest
                                      /keys-<srs digest, 16 digits>/   proving and verifying key, artefact, manifest

A folder is built under a temporary name and renamed when its manifest, with the SHA-256 of every file, is written. What
a killed run leaves behind is removed by the next one, which takes up at the step that was not finished. Every file is
checked against the manifest when it is opened. A proving key, which is large and can be made again, may be dropped:
what the manifest then names still verifies.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eth_utils.crypto import keccak

from pyml.errors import CircuitError, IntegrityError, ResourceError
from pyml.files import fsync_folder, raise_write_error, write_atomically
from pyml.zk.challenge import NO_ADDRESS, CircuitEntry, circuit_entry
from pyml.zk.engine import CircuitFiles, Engine, EntryPoints, KeyFiles, Progress, silent
from pyml.zk.srs import Srs
from pyml.zk.statement import Statement

_MANIFEST = "manifest.json"
_PROVING_KEY = KeyFiles(Path()).proving_key.name


@dataclass(frozen=True, slots=True)
class Circuit:
    """A compiled circuit ready for set-up."""

    statement: Statement
    files: CircuitFiles
    degree: int
    digests: Mapping[str, str]
    """sha256 of each file by name."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A circuit with its keys under one SRS: everything that proving and verifying take."""

    circuit: Circuit
    srs: Srs
    files: KeyFiles
    artefact: tuple[bytes, ...]
    """The verifying key as 32-byte words."""
    proof_length: int
    digests: Mapping[str, str]
    points: EntryPoints

    @property
    def vka_digest(self) -> bytes:
        """keccak256 of the artefact's words: the verifying key's name on chain, and part of every challenge."""
        return keccak(b"".join(self.artefact))

    def entry(self, *, dedicated_verifier: str = NO_ADDRESS, verifier_code_hash: bytes = bytes(32)) -> CircuitEntry:
        """The circuit as ``CircuitRegistry`` should know it; without a dedicated verifier, for the reusable one."""
        return circuit_entry(
            self.circuit.statement,
            vka_digest=self.vka_digest,
            proof_length=self.proof_length,
            points=self.points,
            dedicated_verifier=dedicated_verifier,
            verifier_code_hash=verifier_code_hash,
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """Artefacts of one engine below one folder."""

    home: Path
    engine: Engine

    def build_circuit(
        self,
        statement: Statement,
        write_source: Callable[[Path], None],
        *,
        pinned_settings: bytes | None = None,
        progress: Progress = silent,
    ) -> Circuit:
        """Compile a statement, or open it if it was compiled before; pinned settings must come out the same."""
        folder = self._statement_folder(statement) / "circuit"

        def build(target: Path) -> dict[str, Any]:
            files = CircuitFiles(target)
            progress("writing what the circuit is made from")
            write_source(target / self.engine.source_file)
            self.engine.compile(statement, files, progress=progress)
            return {"statement": statement.digest, "engine": self.engine.name}

        manifest = self._open_or_build(folder, build)
        files = CircuitFiles(folder)
        if pinned_settings is not None and files.settings.read_bytes() != pinned_settings:
            raise CircuitError(
                "the circuit's settings are not the pinned ones",
                expected=f"sha256 {hashlib.sha256(pinned_settings).hexdigest()}",
                got=f"sha256 {manifest['files']['settings.json']}",
                hint="The engine or the exporter has changed since they were pinned.",
            )
        return Circuit(statement, files, self.engine.degree(files), manifest["files"])

    def set_up(self, circuit: Circuit, srs: Srs, *, proving: bool = True, progress: Progress = silent) -> Keyed:
        """Make the keys of a circuit under an SRS, or open them if they were made before.

        Without ``proving``, keys whose proving key was dropped will do.
        """
        compiled = circuit.digests[self.engine.compiled_file]
        needed = _PROVING_KEY if proving and self.engine.has_proving_key else None

        def build(target: Path) -> dict[str, Any]:
            self.engine.set_up(circuit.files, KeyFiles(target), srs, progress=progress)
            return {"circuit": compiled, "srs": srs.digest, "engine": self.engine.name}

        folder = self._keys_folder(circuit.statement, srs)
        manifest = self._open_or_build(folder, build, needed=needed)
        if manifest["srs"] != srs.digest or manifest["circuit"] != compiled:
            raise IntegrityError(f"the keys in {folder} belong to another circuit", hint="Remove the folder.")
        files = KeyFiles(folder)
        return Keyed(
            circuit,
            srs,
            files,
            self.engine.artefact(files),
            self.engine.proof_length(files),
            manifest["files"],
            self.engine.entry_points(circuit.statement),
        )

    def drop_proving_key(self, statement: Statement, srs: Srs) -> None:
        """Remove a circuit's proving key from disk, if there is one; what is left of its keys verifies."""
        folder = self._keys_folder(statement, srs)
        if not (folder / _MANIFEST).exists():
            return
        with _locked(folder.with_suffix(".lock")):
            manifest = _read_manifest(folder)
            if manifest["files"].pop(_PROVING_KEY, None) is not None:
                write_atomically(folder / _MANIFEST, _encoded(manifest))
            KeyFiles(folder).proving_key.unlink(missing_ok=True)

    def _keys_folder(self, statement: Statement, srs: Srs) -> Path:
        return self._statement_folder(statement) / f"keys-{srs.digest[:16]}"

    def _statement_folder(self, statement: Statement) -> Path:
        return self.home / "circuits" / statement.digest / self.engine.folder

    def _open_or_build(
        self, folder: Path, build: Callable[[Path], dict[str, Any]], *, needed: str | None = None
    ) -> dict[str, Any]:
        def made() -> dict[str, Any] | None:
            if not (folder / _MANIFEST).exists():
                return None
            manifest = _checked_manifest(folder)
            return manifest if needed is None or needed in manifest["files"] else None

        if manifest := made():
            return manifest
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise_write_error(folder, error)
        with _locked(folder.with_suffix(".lock")):
            if manifest := made():  # another process made it while this one waited
                return manifest
            temporary = folder.with_name(f".{folder.name}.tmp")
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            try:
                manifest = build(temporary)
                manifest["files"] = {path.name: _digest(path) for path in sorted(temporary.iterdir())}
                (temporary / _MANIFEST).write_bytes(_encoded(manifest))
                shutil.rmtree(folder, ignore_errors=True)
                temporary.replace(folder)
                fsync_folder(folder.parent)
            except OSError as error:
                raise ResourceError(f"{folder} cannot be written: {error.strerror}") from error
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return _checked_manifest(folder)


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = cast("dict[str, Any]", json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
        manifest["files"] = dict(manifest["files"])
        if not manifest["files"]:
            raise ValueError("it names no file")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{folder} has a damaged manifest", hint="Remove the folder; it is made again.") from error
    return manifest


def _checked_manifest(folder: Path) -> dict[str, Any]:
    manifest = _read_manifest(folder)
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            raise IntegrityError(f"{path} is missing or altered", hint=f"Remove {folder}; it is made again.")
    return manifest


def _encoded(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, sort_keys=True).encode()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)
