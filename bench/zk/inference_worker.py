"""One measured step of an inference: ``python -m bench.zk.inference_worker REQUEST.json ANSWER.json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.zk import inference_ezkl, inference_pyml, workload


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the request says: ``scan`` for shapes of the sound peer, ``prepare`` or ``prove`` a form."""
    work, folder, srs_home = workload.read(Path(asked["work"])), Path(asked["folder"]), Path(asked["srs_home"])
    form, action = asked["form"], asked["action"]
    if form == "ezkl-batched":
        work = workload.first_samples(work, asked["batch"])
    folder.mkdir(parents=True, exist_ok=True)
    ours = form.startswith("pyml")
    if action == "scan":
        return {"candidates": inference_ezkl.scan_columns(work, folder, asked["columns"])}
    if action == "prepare":
        if ours:
            return inference_pyml.prepare(work, folder, srs_home, certified=form == "pyml-certified")
        return inference_ezkl.prepare(form, work, folder, srs_home, columns=asked.get("columns", 2))
    if ours:
        return inference_pyml.prove(work, folder, srs_home, sample=asked["sample"])
    return inference_ezkl.prove(form, work, folder, srs_home, sample=asked["sample"])


if __name__ == "__main__":
    done = answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
    os._exit(0)  # the engine's threads sometimes abort while the interpreter shuts down, after the work is done
