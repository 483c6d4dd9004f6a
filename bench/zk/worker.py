"""One measured step in a process of its own: ``python -m bench.zk.worker REQUEST.json ANSWER.json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.zk import peers, pyml_form, workload

PEERS = ("naive", "documented", "single")


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the request says; keys other than ``action`` are those of the function that does it."""
    actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "workload": _workload,
        "scan": lambda asked: {"candidates": peers.scan_columns(*_places(asked)[:2], asked["columns"])},
        "prepare": _prepare,
        "prove": _prove,
    }
    return actions[request["action"]](request)


def _workload(asked: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(asked["workload"])
    given = workload.Workload(sizes=tuple(fields.pop("sizes")), **fields)
    data_dir = Path(asked["data_dir"]) if asked["data_dir"] else None
    return workload.prepare(given, Path(asked["work"]), data_dir)


def _prepare(asked: Mapping[str, Any]) -> dict[str, Any]:
    work, folder, srs_home = _places(asked)
    folder.mkdir(parents=True, exist_ok=True)
    if asked["form"] in PEERS:
        return peers.prepare(asked["form"], work, folder, srs_home, columns=asked.get("columns") or 2)
    return pyml_form.prepare(
        work,
        folder,
        srs_home,
        default_model=asked.get("default_model", False),
        columns=asked.get("columns"),
        degree=asked.get("degree"),
    )


def _prove(asked: Mapping[str, Any]) -> dict[str, Any]:
    work, folder, srs_home = _places(asked)
    if asked["form"] in PEERS:
        return peers.prove(asked["form"], work, folder, srs_home, sample=asked.get("sample", 0))
    return pyml_form.prove(work, folder, srs_home, columns=asked.get("columns"), degree=asked.get("degree"))


def _places(asked: Mapping[str, Any]) -> tuple[workload.Prepared, Path, Path]:
    work = workload.read(Path(asked["work"]))
    if asked.get("samples"):
        work = workload.first_samples(work, asked["samples"])
    return work, Path(asked["folder"]), Path(asked["srs_home"])


if __name__ == "__main__":
    done = answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
    os._exit(0)  # the engine's threads sometimes abort while the interpreter shuts down, after the work is done
