"""Audit of a circuit folder: everything that a verifier's word rests on, made again and compared.

The circuit is compiled and its keys are made from ``circuit.toml``, the data set or public model, and a structured
reference string, in a workspace of its own, so that no cached file is trusted; the audited folder is only read. Pins,
settings, what the user's workspace holds and, if asked, the contracts on a chain are compared with what came out.

What an audit does not show: that package, engine, compiler and node are honest. It runs them.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from eth_utils.crypto import keccak

from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.solc import Solc
from pyml.errors import CircuitError, PymlError
from pyml.files import raise_write_error
from pyml.zk.audit_chain import ChainUnderAudit, chain_section
from pyml.zk.audit_folder import (
    NOT_MADE,
    Pins,
    bounds_section,
    constraints_section,
    pinned,
    read_pins,
    settings_section,
    statement_section,
)
from pyml.zk.audit_report import (
    Audit,
    Check,
    Section,
    attempted,
    equal,
    judged,
    not_checked,
    uncheckable,
)
from pyml.zk.circuit_folder import CircuitFolder, LoadDataset
from pyml.zk.deployment import REUSABLE_CONTRACT
from pyml.zk.engine import Progress, TensorEngine, require_tensors, silent
from pyml.zk.ezkl import full_table
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.specification import signals
from pyml.zk.srs import PUBLIC_SHA256, Srs
from pyml.zk.statement import MAX_DEGREE, Statement
from pyml.zk.verifiers import reusable_source
from pyml.zk.workspace import Circuit, Keyed, Workspace

FindSrs = Callable[[int], Srs]
"""The structured reference string for circuits of 2^k rows; ``SrsError`` if there is none."""

_SRS_TABLE = re.compile(r"srs-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class _Derived:
    """What came out of the pinned inputs, and what kept the rest from coming."""

    statement: Statement
    circuit: Circuit | None = None
    keyed: Keyed | None = None
    error: PymlError | None = None

    @property
    def table_low(self) -> int:
        """Low end of the lookup table; of the largest circuit there could be where k is unknown."""
        degree = MAX_DEGREE if self.circuit is None else self.circuit.degree
        return full_table(degree, self.statement.numerics.table_high)[0]


def audit(
    folder: CircuitFolder,
    workspace: Workspace,
    load: LoadDataset,
    srs: FindSrs,
    *,
    fresh: bool = True,
    chain: ChainUnderAudit | None = None,
    solc: Solc | None = None,
    progress: Progress = silent,
) -> Audit:
    """Make the circuit again, compare everything with it, and report; nothing is written to ``folder``.

    With ``fresh`` a temporary workspace below ``workspace.home`` is used, and what ``workspace`` holds of this circuit
    is compared too; without, it is trusted. ``solc`` serves to compile generated verifiers; ``chain`` asks for the
    contracts there. Raises ``PymlError`` only where there is no room to work; all else becomes a check.
    """
    load = cache(load)
    with _place(workspace, fresh=fresh) as (copy, place):
        derived = _derive(folder, copy, place, load, srs, progress)
        progress("comparing")
        pins, pin_checks = read_pins(folder)
        sections = [
            statement_section(folder, load, pins),
            Section("signals", records=signals(folder.statement, derived.table_low)),
            constraints_section(folder),
            bounds_section(folder.statement, derived.table_low),
            settings_section(folder, derived.circuit),
            _circuit_section(derived, pins, pin_checks),
            _keys_section(derived, pins, _kept_checks(workspace, derived, fresh=fresh)),
            _verifier_section(derived.keyed, require_tensors(place.engine), solc),
        ]
        if chain is not None:
            progress("asking the chain")
            engine = require_tensors(place.engine)
            sections.append(chain_section(chain, folder.statement.kind, derived.keyed, engine, solc))
    return Audit(folder.path.resolve().name, workspace.engine.name, tuple(sections))


@contextmanager
def _place(workspace: Workspace, *, fresh: bool) -> Generator[tuple[Path, Workspace]]:
    """A folder for a copy of the circuit, and the workspace to make it in, on the disk that has room for keys."""
    try:
        workspace.home.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".audit-", dir=workspace.home)
    except OSError as error:
        raise_write_error(workspace.home, error)
    with folder as name:
        yield Path(name) / "circuit", replace(workspace, home=Path(name)) if fresh else workspace


def _derive(
    folder: CircuitFolder, copy: Path, place: Workspace, load: LoadDataset, srs: FindSrs, progress: Progress
) -> _Derived:
    statement = folder.statement
    try:
        _require_size(statement)
        network = folder.network() if statement.kind == "private_input" else None
        circuit = CircuitFolder.create(copy, statement, network).build(place, load, progress=progress)
    except PymlError as error:
        return _Derived(statement, error=error)
    try:
        return _Derived(statement, circuit, place.set_up(circuit, srs(circuit.degree), progress=progress))
    except PymlError as error:
        return _Derived(statement, circuit, error=error)


def _require_size(statement: Statement) -> None:
    """Whoever wrote the statement must not have us allocate tensors that no circuit has room for."""
    size = max(committed_layout(statement).size, witness_layout(statement).size)
    if size > 1 << MAX_DEGREE:
        raise CircuitError(
            "a private tensor has more entries than the largest circuit has rows",
            expected=f"at most 2^{MAX_DEGREE}",
            got=size,
        )


def _circuit_section(derived: _Derived, pins: Pins, pin_checks: list[Check]) -> Section:
    """Graph and settings, made again from the statement and its subject."""
    made = dict.fromkeys(("graph.onnx", "settings.json"))
    if derived.circuit is not None:
        made = {name: derived.circuit.digests[name] for name in made}
    checks = [pinned(f"pinned digest of {name}", pins, "circuit", name, digest) for name, digest in made.items()]
    facts = {name: digest for name, digest in made.items() if digest is not None}
    error = derived.error if derived.circuit is None else None
    return Section("circuit", facts, checks=(_made("circuit made again", error), *pin_checks, *checks))


def _keys_section(derived: _Derived, pins: Pins, kept: list[Check]) -> Section:
    """The verifying key under this structured reference string, made again; set-up also reads back its lookup table."""
    what, keyed = "keys made again", derived.keyed
    under = [_srs_name(match[1]) for name in pins if (match := _SRS_TABLE.fullmatch(name))]
    facts = {"pinned under": ", ".join(under) or "no structured reference string"}
    if keyed is None:
        missing = uncheckable(what, NOT_MADE) if derived.circuit is None else _made(what, derived.error)
        return Section("keys", facts, checks=(missing, *kept))
    facts |= {
        "made under": f"{_srs_name(keyed.srs.digest)}, file {keyed.srs.path.name} of k = {keyed.srs.degree}",
        "verifying key": keyed.digests["verifying.key"],
        "vka digest": keyed.vka_digest.hex(),
        "artefact": f"{len(keyed.artefact)} words; a proof has {keyed.proof_length:,} bytes",
        "circuit id": f"0x{keyed.entry().identifier().hex()} (reusable verifier, set not sealed)",
    }
    table, absent = f"srs-{keyed.srs.digest}", "not pinned for this structured reference string"
    checks = (
        _srs_check(keyed.srs),
        _made(what, None),
        pinned(
            "pinned digest of the verifying key",
            pins,
            table,
            "verifying.key",
            keyed.digests["verifying.key"],
            absent=absent,
        ),
        pinned("pinned vka digest", pins, table, "vka", keyed.vka_digest.hex(), absent=absent),
    )
    return Section("keys", facts, checks=(*checks, *kept))


def _made(what: str, error: PymlError | None) -> Check:
    return equal(what, "yes", "yes") if error is None else judged(what, "yes", error)


def _srs_check(srs: Srs) -> Check:
    what = "structured reference string"
    if srs.insecure:
        return not_checked(what, "it is insecure, for development chains only", found=srs.digest)
    return equal(what, PUBLIC_SHA256.get(srs.degree, "none is known for this k"), srs.digest)


def _srs_name(digest: str) -> str:
    public = next((f"public, k = {degree}" for degree, known in PUBLIC_SHA256.items() if known == digest), "not public")
    return f"{digest} ({public})"


def _kept_checks(workspace: Workspace, derived: _Derived, *, fresh: bool) -> list[Check]:
    """What the user's workspace holds, below the folders that ``workspace.py`` names, against what was made here."""
    if not fresh:
        return [not_checked("files in the workspace", "they were used as they are")]
    if derived.circuit is None or derived.keyed is None:
        return []
    home = workspace.home / "circuits" / derived.statement.digest
    keys = home / f"keys-{derived.keyed.srs.digest[:16]}"
    files = [(home / "circuit" / name, derived.circuit.digests[name]) for name in ("graph.onnx", "settings.json")]
    files += [(keys / name, digest) for name, digest in derived.keyed.digests.items()]
    found = [_kept_check(path, digest) for path, digest in files if path.exists()]
    return found or [not_checked("files in the workspace", "it holds none of this circuit under this string")]


def _verifier_section(keyed: Keyed | None, engine: TensorEngine, solc: Solc | None) -> Section:
    """The shipped reusable verifier against what the engine writes now, as source and as bytecode."""
    artifact = load_artifact(REUSABLE_CONTRACT)
    facts = {
        "contract": f"{artifact.source}, compiled by solc {artifact.compiler}",
        "bytecode": _code_text(artifact),
    }
    what = "source of the shipped reusable verifier"
    if keyed is None:
        return Section("verifier", facts, checks=(uncheckable(what, NOT_MADE),))

    def compare() -> list[Check]:
        source = reusable_source(keyed, engine)
        return [
            equal(what, "0x" + keccak(text=source).hex(), artifact.sources.get(artifact.source)),
            _compiled_check(source, solc),
        ]

    return Section("verifier", facts, checks=attempted(what, "", compare))


def _compiled_check(source: str, solc: Solc | None) -> Check:
    what, shipped = "bytecode of the shipped reusable verifier", load_artifact(REUSABLE_CONTRACT)
    if solc is None:
        return not_checked(what, "no compiler was given")
    artifacts = compile_sources(solc, {shipped.source: source})
    compiled = next((artifact for artifact in artifacts if artifact.name == REUSABLE_CONTRACT), None)
    return equal(what, _code_text(shipped), "no such contract" if compiled is None else _code_text(compiled))


def _code_text(artifact: Artifact) -> str:
    return f"{artifact.code_size:,} bytes, keccak256 0x{keccak(bytes.fromhex(artifact.deployed_bytecode)).hex()}"


def _kept_check(path: Path, wanted: str) -> Check:
    what = f"{path.name} in the workspace"
    try:
        with path.open("rb") as stream:
            return equal(what, wanted, hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        return uncheckable(what, f"it cannot be read: {error.strerror}", expected=wanted)
