"""``pyml deepchain reproduce``: the paper's figures, each by one command."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Draw figures 4, 5, 6, 7 and 9 of the paper from what is measured here.")
