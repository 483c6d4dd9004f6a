"""A siamese network as a file: its architecture and its weights, in one ``torch.save`` table.

    {"format": "pyml.siamese.v1", "architecture": {"kind", "channels", "height", "width"}, "weights": {name: tensor}}

A file may come from anywhere: no code runs, the architecture is bounded before anything of its size is made, and each
weight's name, shape and type are compared with it.
"""

from __future__ import annotations

import io
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, cast

import torch

from pyml.errors import ModelError
from pyml.files import write_atomically
from pyml.ml.siamese import Architecture, Siamese
from pyml.ml.tensor_file import read_table, require_fit, tensors

FORMAT: Final = "pyml.siamese.v1"
_FILE_LIMIT: Final = 256 << 20


def write_siamese(path: Path, network: Siamese) -> None:
    """Write a network, wholly or not at all; it is no secret."""
    content = io.BytesIO()
    weights = dict(network.state_dict())
    torch.save({"format": FORMAT, "architecture": asdict(network.architecture), "weights": weights}, content)
    write_atomically(path, content.getvalue())


def read_siamese(path: Path) -> Siamese:
    """A network in evaluation mode on the CPU; ``ModelError`` for anything but what ``write_siamese`` wrote."""
    table = read_table(path, limit=_FILE_LIMIT)
    if table.get("format") != FORMAT or table.keys() != {"format", "architecture", "weights"}:
        raise ModelError(f"{path} is not a siamese network", expected=FORMAT, hint="`pyml keys train` writes one.")
    with torch.device("meta"):  # shapes without numbers
        network = Siamese(_architecture(table["architecture"], path))
    if not isinstance(table["weights"], dict):
        raise ModelError(f"{path} holds no weights", got=type(table["weights"]).__name__)
    weights = tensors(cast("dict[str, Any]", table["weights"]), origin=str(path))
    require_fit(weights, network.state_dict(), origin=str(path))
    network.load_state_dict({name: value.contiguous() for name, value in weights.items()}, assign=True)
    return network.eval()


def _architecture(stored: object, path: Path) -> Architecture:
    wanted = {field.name: str if field.name == "kind" else int for field in fields(Architecture)}
    table = cast("dict[Any, Any]", stored) if isinstance(stored, dict) else {}
    if {name: type(value) for name, value in table.items()} != wanted:
        raise ModelError(f"{path} does not say what network it is", expected=", ".join(wanted))
    return Architecture(**table)
