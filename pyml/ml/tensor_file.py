"""Files of tensors from outside, in the format of ``torch.save``: read without running code, bounded, and checked.

``torch.load`` with ``weights_only=True`` builds tensors and plain containers, nothing else. Two things it leaves open
are closed here: an archive whose entries are compressed, and so may unpack to far more than the file's size, and a
tensor whose shape claims more than its bytes (a stride of zero does that), which only later uses would unroll.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from zipfile import ZIP_STORED, ZipFile, is_zipfile

import torch
from torch import Tensor

from pyml.errors import ModelError

_SHOWN_NAMES = 3


def read_table(path: Path, *, limit: int) -> dict[str, Any]:
    """The dictionary that a file holds; ``ModelError`` for more than ``limit`` bytes or anything that is none."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise ModelError(f"{path} is too large", expected=f"at most {limit} bytes", got=size)
        _require_plain_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old pickles
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist") from error
    except ModelError:
        raise
    except Exception as error:  # the unpickler raises what its bytes make it stumble over: struct.error, TypeError, …
        raise ModelError(f"{path} is not a file of weights", got=type(error).__name__) from error
    table = cast("dict[Any, Any]", content)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in table):
        raise ModelError(f"{path} is not a file of weights", expected="names with tensors", got=type(table).__name__)
    return table


def read_tensors(path: Path, *, limit: int) -> dict[str, Tensor]:
    """As ``read_table``, for a file that holds tensors by name and nothing else; not yet checked any further."""
    return tensors(read_table(path, limit=limit), origin=str(path))


def tensors(table: Mapping[str, Any], *, origin: str) -> dict[str, Tensor]:
    """The same table, known to hold plain tensors only."""
    for name, value in table.items():
        if type(value) not in (Tensor, torch.nn.Parameter) or value.layout != torch.strided or value.is_quantized:
            raise ModelError(f"{origin}: {name} is not a tensor", got=type(value).__name__)
    return dict(table)


def require_fit(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], *, origin: str) -> None:
    """Raise ``ModelError`` unless names, shapes and types are those wanted and every number is finite."""
    missing, added = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    if missing or added:
        shown = [f"no {name}" for name in missing[:_SHOWN_NAMES]] + added[:_SHOWN_NAMES]
        raise ModelError(
            f"{origin} has the weights of another network",
            expected=f"{len(wanted)} names of this one",
            got=f"{', '.join(shown)}{', …' * (len(missing) + len(added) > len(shown))}",
        )
    for name, value in given.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise ModelError(
                f"{origin}: {name} does not fit the network",
                expected=f"{wanted[name].dtype} {list(wanted[name].shape)}",
                got=f"{value.dtype} {list(value.shape)}",
            )
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ModelError(f"{origin}: {name} has NaN or infinite values", expected="finite weights")


def _require_plain_archive(path: Path) -> None:
    if is_zipfile(path):  # the format before PyTorch 1.6 is no archive and cannot be compressed
        with ZipFile(path) as archive:
            if any(entry.compress_type != ZIP_STORED for entry in archive.infolist()):
                raise ModelError(f"{path} is not a file of weights", expected="stored entries", got="compressed ones")
