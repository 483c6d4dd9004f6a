"""Whether a figure is where the project wants it."""

from __future__ import annotations

from typing import Any


def at_most(what: str, limit: float, got: float) -> dict[str, Any]:
    """For costs."""
    return {"what": what, "at_most": limit, "got": got, "met": got <= limit}


def at_least(what: str, limit: float, got: float) -> dict[str, Any]:
    """For ratios."""
    return {"what": what, "at_least": limit, "got": got, "met": got >= limit}
