"""HTML pages that need nothing else: text, style and drawings of their own, to be mailed, printed and kept.

No script, no link, no font, no picture from outside, and a policy that would block them. All text goes through
``text``: names may come from somebody else, and the page must say the same to everybody who reads it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import cast

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


def page(title: str, body: str, *, more_style: str = "") -> str:
    """A whole page; ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{text(title)}</title>\n<style>{_STYLE}{more_style}</style>\n</head>\n<body>\n"
        f"<h1>{text(title)}</h1>\n{body}</body>\n</html>\n"
    )


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


def facts_table(facts: Mapping[str, str]) -> str:
    """Two columns."""
    rows = (f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>\n' for name, value in facts.items())
    return f"<table>\n{''.join(rows)}</table>\n"


def table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Columns with names; whole numbers stand to the right."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(map(_data, row))}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _data(value: object) -> str:
    kind = ' class="number"' if isinstance(value, int) else ""
    return f"<td{kind}>{html.escape(cell(value))}</td>"


def text(words: str) -> str:
    """Words as HTML."""
    return html.escape(printable(words))
