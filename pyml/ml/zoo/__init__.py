"""Small trained networks in golden integers: what circuits, demonstrations and tests have in common.

``index.json`` says what each network is and pins its bytes, which are the canonical form of ``pyml.ml.network_codec``;
``scripts/make_zoo.py`` makes all of it, and ``README.md`` beside it shows how well the networks answer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pyml.errors import InputError, IntegrityError
from pyml.files import read_bounded
from pyml.ml.integer import IntegerNetwork
from pyml.ml.network_codec import decode_network

FOLDER = Path(__file__).parent
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A network of the zoo: its data set, its layers as ``networks.parse_shapes`` reads them, and its digest."""

    data: str
    layers: str
    sha256: str


def entries(folder: Path = FOLDER) -> dict[str, Entry]:
    """Every network by name."""
    content = _read(folder / "index.json")
    try:
        return {name: Entry(**fields) for name, fields in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityError("the index of the zoo is damaged") from error


def load(name: str, folder: Path = FOLDER) -> IntegerNetwork:
    """The named network; ``InputError`` for an unknown name, ``IntegrityError`` where bytes are not the pinned ones."""
    known = entries(folder)
    if name not in known:
        raise InputError("unknown network", expected=f"one of {', '.join(known)}", got=name)
    content = _read(folder / f"{name}.json")
    digest = hashlib.sha256(content).hexdigest()
    if digest != known[name].sha256:
        raise IntegrityError(f"the network {name} is damaged", expected=f"sha256 {known[name].sha256}", got=digest)
    return decode_network(content)


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, _MAX_BYTES)
    except OSError as error:
        raise IntegrityError(f"{path.name} of the zoo cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise IntegrityError(f"{path.name} of the zoo is not what was put there: {error}") from error
