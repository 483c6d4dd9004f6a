"""An audit as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from pyml import __version__
from pyml.cli.page import facts_table, page, printable, table, text

if TYPE_CHECKING:
    from pyml.zk.audit_report import Audit, Check, Section


def html_page(audit: Audit) -> str:
    """The report as a page that needs nothing else."""
    title = f"Audit of circuit {printable(audit.circuit)}"
    body = "".join(_section(section) for section in audit.sections)
    verdict = f'<strong class="{_class(audit.verdict)}">{text(audit.verdict)}</strong>'
    made = f"Made by pyml {text(__version__)} with {text(audit.engine)}."
    return page(title, f"<p>{verdict}: {text(summary(audit))} {made}</p>\n{body}")


def summary(audit: Audit) -> str:
    """How many checks came to which verdict."""
    counts: dict[str, int] = {}
    for check in audit.checks:
        counts[check.verdict] = counts.get(check.verdict, 0) + 1
    return f"{len(audit.checks)} checks: {', '.join(f'{number} {verdict}' for verdict, number in counts.items())}."


def _section(section: Section) -> str:
    parts = [f"<h2>{text(section.title.capitalize())}</h2>\n"]
    if section.facts:
        parts.append(facts_table(section.facts))
    if section.records:
        names = [field.name for field in fields(section.records[0])]
        parts.append(table(names, ([getattr(record, name) for name in names] for record in section.records)))
    if section.checks:
        parts.append(_checks(section.checks))
    return "".join(parts)


def _checks(checks: Iterable[Check]) -> str:
    rows = (
        f'<tr><th scope="row">{text(check.what)}</th><td><code>{text(check.expected)}</code></td>'
        f'<td><code>{text(check.found)}</code></td><td><span class="{_class(check.verdict)}">{text(check.verdict)}'
        f"</span>{text(f': {check.reason}' if check.reason else '')}</td></tr>\n"
        for check in checks
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("check", "expected", "found", "verdict"))
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


def _class(verdict: str) -> str:
    return {"ok": "ok", "FAILED": "failed"}.get(verdict, "open")
