"""An audit as one HTML page: nothing but text and style, so that it can be mailed, printed and kept.

No script, no link, no font, no picture, and a policy that would block them. All text goes through ``_text``: names
come from the audited folder, and the page must say the same to everybody who reads it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, cast

from pyml import __version__

if TYPE_CHECKING:
    from pyml.zk.audit_report import Audit, Check, Section

_LONGEST = 1_000
"""Characters of one cell; digests are far shorter, names in hostile files may be longer."""

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --ok: #177245; --bad: #b3261e; --open: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ok: #6fcf97; --bad: #ff8a80; --open: #ffc46b; } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; } th[scope=row] { width: 14rem; font-weight: 600; }
td.number { text-align: right; } code { font-size: .85em; }
.ok { color: var(--ok); } .failed { color: var(--bad); font-weight: 700; } .open { color: var(--open); }
@media print { body { margin: 0; max-width: none; font-size: 10px; } tr { break-inside: avoid; } }
"""


def html_page(audit: Audit) -> str:
    """The report as a page that needs nothing else."""
    title = f"Audit of circuit {printable(audit.circuit)}"
    body = "".join(_section(section) for section in audit.sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
        f'<p><strong class="{_class(audit.verdict)}">{_text(audit.verdict)}</strong>: {_text(summary(audit))} '
        f"Made by pyml {_text(__version__)} with {_text(audit.engine)}.</p>\n{body}</body>\n</html>\n"
    )


def summary(audit: Audit) -> str:
    """How many checks came to which verdict."""
    counts: dict[str, int] = {}
    for check in audit.checks:
        counts[check.verdict] = counts.get(check.verdict, 0) + 1
    return f"{len(audit.checks)} checks: {', '.join(f'{number} {verdict}' for verdict, number in counts.items())}."


def printable(text: str) -> str:
    """Text that shows itself: control, direction and unpaired characters as their escapes, and cut where too long."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in cut
    )


def cell(value: object) -> str:
    """A field of a record: numbers grouped, shapes as products."""
    if isinstance(value, tuple):
        return " × ".join(map(str, cast("tuple[int, ...]", value)))
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _section(section: Section) -> str:
    parts = [f"<h2>{_text(section.title.capitalize())}</h2>\n"]
    if section.facts:
        parts.append(_facts(section.facts))
    if section.records:
        names = [field.name for field in fields(section.records[0])]
        parts.append(_table(names, ([getattr(record, name) for name in names] for record in section.records)))
    if section.checks:
        parts.append(_checks(section.checks))
    return "".join(parts)


def _facts(facts: Mapping[str, str]) -> str:
    rows = (f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>\n' for name, value in facts.items())
    return f"<table>\n{''.join(rows)}</table>\n"


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(map(_data, row))}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _data(value: object) -> str:
    kind = ' class="number"' if isinstance(value, int) else ""
    return f"<td{kind}>{html.escape(cell(value))}</td>"


def _checks(checks: Iterable[Check]) -> str:
    rows = (
        f'<tr><th scope="row">{_text(check.what)}</th><td><code>{_text(check.expected)}</code></td>'
        f'<td><code>{_text(check.found)}</code></td><td><span class="{_class(check.verdict)}">{_text(check.verdict)}'
        f"</span>{_text(f': {check.reason}' if check.reason else '')}</td></tr>\n"
        for check in checks
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("check", "expected", "found", "verdict"))
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


def _class(verdict: str) -> str:
    return {"ok": "ok", "FAILED": "failed"}.get(verdict, "open")


def _text(text: str) -> str:
    return html.escape(printable(text))
