"""What an audit of a circuit says: sections of facts and records, and checks that are right, wrong, or were not made.

"It is wrong" and "it could not be checked" are kept apart: the first is a finding about the circuit, the second about
the auditor's machine. Every text may come from the audited folder or a node, and is as hostile as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pyml import __version__
from pyml.errors import CircuitError, IntegrityError, ModelError, PymlError
from pyml.zk.specification import Bound, Constraint, Signal


class Verdict(StrEnum):
    """Of one check, or of all of them."""

    OK = "ok"
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"
    """Nobody asked for it, or there is nothing to compare with."""
    UNCHECKABLE = "could not be checked"
    """Something that the check needs is missing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison; ``reason`` says what a verdict other than ``OK`` comes from."""

    what: str
    expected: str
    found: str
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report; ``records`` are rows of one type, shown as a table."""

    title: str
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    records: tuple[Signal | Constraint | Bound, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole report. ``circuit`` is the folder's name."""

    circuit: str
    engine: str
    sections: tuple[Section, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(check for section in self.sections for check in section.checks)

    @property
    def verdict(self) -> Verdict:
        """``FAILED`` if any check is, else ``UNCHECKABLE`` if any is, else ``OK``."""
        found = {check.verdict for check in self.checks}
        return next((worst for worst in (Verdict.FAILED, Verdict.UNCHECKABLE) if worst in found), Verdict.OK)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, sections by title."""
        return {
            "circuit": self.circuit,
            "verdict": self.verdict.value,
            "pyml": __version__,
            "engine": self.engine,
            "sections": {section.title: _plain(section) for section in self.sections},
        }


def equal(what: str, expected: object, found: object, *, reason: str = "") -> Check:
    """``OK`` if both are the same text."""
    same = str(expected) == str(found)
    return Check(what, str(expected), str(found), Verdict.OK if same else Verdict.FAILED, "" if same else reason)


def holds(what: str, expected: str, found: object, condition: bool, *, reason: str = "") -> Check:
    """``OK`` if the condition is true of what was found."""
    verdict = Verdict.OK if condition else Verdict.FAILED
    return Check(what, expected, str(found), verdict, "" if condition else reason)


def not_checked(what: str, reason: str, *, found: str = "") -> Check:
    """Nothing to compare with."""
    return Check(what, "", found, Verdict.NOT_CHECKED, reason)


def uncheckable(what: str, reason: str, *, expected: str = "") -> Check:
    """Something is missing."""
    return Check(what, expected, "", Verdict.UNCHECKABLE, reason)


def judged(what: str, expected: object, error: PymlError) -> Check:
    """What an error means: a finding where it says what came in place of what was wanted, else a missing means."""
    finding = isinstance(error, ModelError) or (
        isinstance(error, (CircuitError, IntegrityError)) and error.got is not None
    )
    if not finding:
        return uncheckable(what, str(error), expected=str(expected))
    wanted = expected if error.expected is None else error.expected
    return Check(what, str(wanted), str("" if error.got is None else error.got), Verdict.FAILED, error.problem)


def attempted(what: str, expected: object, make: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    """The checks that ``make`` gives, or the one that its error amounts to."""
    try:
        return tuple(make())
    except PymlError as error:
        return (judged(what, expected, error),)


def _plain(section: Section) -> dict[str, Any]:
    return {
        "facts": dict(section.facts),
        "records": [asdict(record) for record in section.records],
        "checks": [asdict(check) | {"verdict": check.verdict.value} for check in section.checks],
    }
