"""The sections of an audit that are about a circuit folder's own files: statement, constraints, bounds, settings.

Every file is somebody else's: read with a limit, parsed without belief, compared with what the package computes.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from math import log2
from pathlib import Path
from typing import Any, Final, cast

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError, InputError
from pyml.files import read_bounded
from pyml.zk.audit_report import Check, Section, attempted, equal, holds, judged, not_checked, uncheckable
from pyml.zk.circuit_folder import CircuitFolder, LoadDataset
from pyml.zk.ezkl import (
    ENGINE_VERSION,
    SPARE_ROWS,
    Settings,
    canonical_settings,
    read_settings,
    require_sound_settings,
)
from pyml.zk.model_codec import network_digest
from pyml.zk.specification import (
    Constraint,
    check_degrees,
    integer_bounds,
    named_tests,
    read_constraints,
    reference_spec,
    sentence,
    soundness_bits,
)
from pyml.zk.statement import MAX_DEGREE, Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Circuit

Pins = Mapping[str, Mapping[str, str]]
"""``digests.toml``: table → name → digest."""

CURVE_BITS: Final = 100
"""Security of BN254 against known discrete-logarithm attacks; more than this, no other step has to offer."""
QUERY_BITS: Final = 80
"""log2 of the hash queries that a prover is given to grind challenges."""
NOT_MADE: Final = "the circuit could not be made again"
_FILE_LIMIT: Final = 1 << 20
_REFERENCE: Final = "those of the reference SPEC.md of this kind"
_CANONICAL: Final = "sorted tables, no time of day"


def statement_section(folder: CircuitFolder, load: LoadDataset, pins: Pins) -> Section:
    """What is proved, and whether the set or model behind it is the one that the statement names by digest."""
    statement = folder.statement
    facts = {
        "in words": sentence(statement),
        "kind": statement.kind,
        "architecture": _text_of(asdict(statement.architecture)),
        "numerics": _text_of(asdict(statement.numerics)),
        "subject": f"{statement.subject_name}, {statement.subject}",
        "k": str(statement.degree or "the least that fits"),
        "statement digest": statement.digest,
    }
    visibility = "visibility table of circuit.toml"
    checks = (
        *attempted(visibility, "", lambda: [_visibility_check(folder, visibility)]),
        *_subject_checks(folder, load),
        pinned("pinned digest of the statement", pins, "circuit", "statement", statement.digest),
    )
    return Section("statement", facts, checks=checks)


def constraints_section(folder: CircuitFolder) -> Section:
    """The numbered constraints of the folder's SPEC.md, or of the reference one of this kind."""
    what, path, reference = "constraints of SPEC.md", folder.path / "SPEC.md", reference_spec(folder.statement.kind)
    wanted = read_constraints(reference or "")
    if not path.exists():
        origin = "the package has none of this kind" if reference is None else "the reference SPEC.md of this kind"
        facts = {"table from": origin, **named_tests(reference or "")}
        return Section("constraints", facts, wanted, (not_checked(what, "there is no SPEC.md beside the circuit"),))
    try:
        text = _content(path).decode()
    except (InputError, UnicodeDecodeError) as error:
        return Section("constraints", {}, wanted, (uncheckable(what, f"SPEC.md cannot be read: {error}"),))
    found = read_constraints(text)
    facts = {"table from": "SPEC.md beside the circuit", **named_tests(text)}
    if reference is None:
        check = not_checked(what, "the package has no reference SPEC.md of this kind")
    else:
        differing = _differing(wanted, found)
        check = holds(what, _REFERENCE, differing or _REFERENCE, wanted == found)
    return Section("constraints", facts, found, (check,))


def bounds_section(statement: Statement, table_low: int) -> Section:
    """Chance of a forged check, and how large integers get; all from the statement."""
    degrees, bits = check_degrees(statement), soundness_bits(statement)
    bounds = integer_bounds(statement, table_low)
    left = bits - QUERY_BITS
    facts = {
        "degree in ρ": ", ".join(f"{name}: {degree:,}" for name, degree in degrees.items()),
        "one query forges": f"with probability below 2^-{bits}",
        f"2^{QUERY_BITS} queries forge": f"with probability below 2^-{left:.1f}",
        "r": f"{SCALAR_MODULUS}, about 2^{log2(SCALAR_MODULUS):.1f}",
    }
    wanted = f"at least {CURVE_BITS} bits after 2^{QUERY_BITS} queries"
    checks = [holds("Schwartz–Zippel bound", wanted, f"{left:.1f} bits", left >= CURVE_BITS)]
    if bounds:
        largest = max(bound.magnitude for bound in bounds)
        found = f"below 2^{largest.bit_length()}"
        checks.append(holds("no integer wraps around", "every side below r/2", found, 2 * largest < SCALAR_MODULUS))
    return Section("bounds", facts, bounds, tuple(checks))


def settings_section(folder: CircuitFolder, circuit: Circuit | None) -> Section:
    """The engine's settings: its own soundness rules on the pinned file, and the file against the one made again."""
    facts, checks = dict[str, str](), [_engine_check()]
    if circuit is not None:
        settings, room = read_settings(circuit.files.settings), (1 << circuit.degree) - SPARE_ROWS
        facts, rows = _settings_facts(settings), settings["num_rows"]
        checks.append(holds("rows used", f"at most 2^{circuit.degree} - {SPARE_ROWS}", rows, rows <= room))
    path = folder.path / "settings.json"
    if path.exists():
        checks += attempted(
            "settings.json", "readable settings", lambda: _settings_checks(_content(path), folder.statement, circuit)
        )
    else:
        checks.append(not_checked("settings.json", "there is none in the folder"))
    return Section("settings", facts, checks=tuple(checks))


def read_pins(folder: CircuitFolder) -> tuple[Pins, list[Check]]:
    """The pinned digests, and what is wrong with their file."""
    what, path = "digests.toml", folder.path / "digests.toml"
    if not path.exists():
        return {}, [not_checked(what, "there is none in the folder")]
    try:
        tables = _toml(path)
        pins = {name: {str(key): str(value) for key, value in table.items()} for name, table in tables.items()}
    except InputError as error:
        return {}, [uncheckable(what, str(error))]
    except (CircuitError, AttributeError) as error:
        return {}, [holds(what, "tables of digests", f"malformed: {error}", False)]
    return pins, []


def pinned(
    what: str, pins: Pins, table: str, name: str, digest: str | None, *, absent: str = "it is not pinned"
) -> Check:
    """A digest that was made again, ``None`` if that failed, against its pin."""
    if table not in pins:
        return not_checked(what, absent, found=digest or "")
    wanted = pins[table].get(name, "a pinned digest")
    return uncheckable(what, NOT_MADE, expected=wanted) if digest is None else equal(what, wanted, digest)


def _visibility_check(folder: CircuitFolder, what: str) -> Check:
    """``circuit.toml`` also tells its readers what is private, and the statement's digest does not cover that."""
    written: object = _toml(folder.path / "circuit.toml").get("visibility")
    return equal(what, _text_of(tomllib.loads(folder.statement.to_toml())["visibility"]), _text_of(written))


def _subject_checks(folder: CircuitFolder, load: LoadDataset) -> tuple[Check, ...]:
    subject = folder.statement.subject
    match folder.statement.kind:
        case "private_model_accuracy":
            what = "labelled set"
            return attempted(what, subject, lambda: [equal(what, subject, folder.labelled_set(load).digest)])
        case "private_input":
            return attempted("public model", subject, lambda: _model_checks(folder))
        case "private_model_inference" | "model_link":
            return ()


def _model_checks(folder: CircuitFolder) -> list[Check]:
    network, statement = folder.network(), folder.statement
    shapes = (_text_of(asdict(shape)) for shape in (statement.architecture, architecture_of(network)))
    return [
        equal("public model", statement.subject, network_digest(network)),
        equal("architecture of the public model", *shapes),
    ]


def _differing(wanted: tuple[Constraint, ...], found: tuple[Constraint, ...]) -> str:
    ours, theirs = ({row.number: row for row in rows} for rows in (wanted, found))
    numbers = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return f"others: {', '.join(numbers)}" if numbers else "" if wanted == found else "the same in another order"


def _engine_check() -> Check:
    try:
        return equal("installed engine", f"ezkl {ENGINE_VERSION}", f"ezkl {version('ezkl')}")
    except PackageNotFoundError:
        return uncheckable("installed engine", "ezkl is not installed", expected=f"ezkl {ENGINE_VERSION}")


def _settings_checks(content: bytes, statement: Statement, circuit: Circuit | None) -> list[Check]:
    rules = "soundness rules of the engine"
    try:
        settings = cast("Settings", json.loads(content))
        degree = settings["run_args"]["logrows"]
        if type(degree) is not int or not 1 <= degree <= MAX_DEGREE:
            raise CircuitError("k is out of range", expected=f"1 to {MAX_DEGREE}", got=str(degree)[:80])
        require_sound_settings(settings, statement)
        ordered = canonical_settings(settings) == settings
        checks = [
            holds(rules, "all kept", "all kept", True),
            holds("order of settings.json", _CANONICAL, _CANONICAL if ordered else "another", ordered),
        ]
    except CircuitError as error:
        checks = [judged(rules, "all kept", error)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        checks = [holds(rules, "all kept", f"malformed settings: {type(error).__name__}", False)]
    what, digest = "settings.json in the folder", hashlib.sha256(content).hexdigest()
    if circuit is None:
        return [*checks, uncheckable(what, NOT_MADE)]
    return [*checks, equal(what, circuit.digests["settings.json"], digest)]


def _settings_facts(settings: Settings) -> dict[str, str]:
    run = settings["run_args"]
    low, high = run["lookup_range"]
    return {
        "rows": f"{settings['num_rows']:,} of 2^{run['logrows']}",
        "inner columns": str(run["num_inner_cols"]),
        "private columns": f"entries of the private tensors and ρ: {settings['module_sizes']['polycommit']}",
        "public inputs": str(len(settings["model_instance_shapes"])),
        "lookup tables": f"{json.dumps(settings['required_lookups'])} on [{low:,}, {high:,}]",
        "built-in Freivalds": f"off: {json.dumps(run['disable_freivalds'])}, "
        f"columns: {settings['einsum_params']['total_einsum_col_size']}",
        "scales": f"input {run['input_scale']}, parameters {run['param_scale']}, "
        f"outputs {sorted(set(settings['model_output_scales']))}",
        "visibility": f"inputs {run['input_visibility']}, outputs {run['output_visibility']}, "
        f"parameters {run['param_visibility']}",
        "check mode": f"{run['check_mode']}: whether the prover tests his own witness",
        "decomposition": f"base {run['decomp_base']}, {run['decomp_legs']} legs",
    }


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_content(path).decode())
    except (ValueError, RecursionError) as error:
        raise CircuitError(f"{path.name} is not TOML: {error}") from error


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, _FILE_LIMIT)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path.name} is {error}") from error


def _text_of(fields: object) -> str:
    if not isinstance(fields, dict):
        return str(fields)
    return ", ".join(f"{name} = {value}" for name, value in cast("dict[str, object]", fields).items())
