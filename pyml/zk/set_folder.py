"""A test set in parts, as people hand it around: circuits of one k, so that one commitment serves them all.

set.toml                 the set's name, and the parts' statements by digest
part-0000/circuit.toml   a circuit folder (``circuit_folder.py``) for each range of samples
         /claim.json     its claim, once it is proved
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from pyml.errors import CircuitError, InputError
from pyml.files import read_bounded, write_atomically
from pyml.ml.datasets import Dataset
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, labelled_set, parse_set_name
from pyml.zk.claims import AccuracyClaim, read_claim
from pyml.zk.statement import Architecture, Numerics, Statement

MAX_PARTS = 256
"""Most circuits that ``AccuracyRegistry.totalOf`` adds up."""
_MAX_FILE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class SetFolder:
    """A folder whose parts are one set, in order and without gaps, under one architecture, numerics and k."""

    path: Path
    name: str
    parts: tuple[CircuitFolder, ...]

    def __post_init__(self) -> None:
        first = self.parts[0].statement
        data, start, samples = parse_set_name(self.name)
        for part in self.parts:
            statement = part.statement
            if statement.kind != "private_model_accuracy" or not statement.degree:
                raise CircuitError(f"{part.path} is not part of a set", expected="an accuracy circuit of a given k")
            shared = (statement.architecture, statement.numerics, statement.degree)
            if shared != (first.architecture, first.numerics, first.degree):
                raise CircuitError(f"{part.path} is for another model or k than {self.parts[0].path}")
            if parse_set_name(statement.subject_name) != (data, start, statement.samples):
                raise CircuitError(
                    f"{part.path} is not the next part of {self.name}",
                    expected=f"{data}/test[{start}:{start + statement.samples}]",
                    got=statement.subject_name,
                )
            start, samples = start + statement.samples, samples - statement.samples
        if samples:
            raise CircuitError(f"the parts of {self.path} are not the whole set", expected=self.name, got=samples)

    @property
    def samples(self) -> int:
        return sum(part.statement.samples for part in self.parts)

    @property
    def statement(self) -> Statement:
        """The first part's: what the parts share is in it."""
        return self.parts[0].statement

    @classmethod
    def create(
        cls,
        path: Path,
        dataset: Dataset,
        architecture: Architecture,
        numerics: Numerics,
        *,
        part_samples: int,
        degree: int,
        samples: int | None = None,
        start: int = 0,
    ) -> SetFolder:
        """Write the public part of a set; one that is there is kept unless it is the same."""
        stop = len(dataset.test_labels) if samples is None else start + samples
        edges = [*range(start, stop, max(part_samples, 1)), stop]
        if not 2 <= len(edges) <= MAX_PARTS + 1:
            raise InputError("a set has too few or too many parts", expected=f"1 to {MAX_PARTS}", got=len(edges) - 1)
        input_bits = architecture.input_max.bit_length()
        statements = [
            accuracy_statement(
                architecture,
                labelled_set(dataset, samples=end - begin, start=begin, input_bits=input_bits),
                numerics,
                degree=degree,
            )
            for begin, end in pairwise(edges)
        ]
        content = _to_toml(f"{dataset.name}/test[{start}:{stop}]", statements)
        target = path / "set.toml"
        if target.exists() and target.read_bytes() != content:
            raise CircuitError(f"{path} already holds another set", hint="Name another folder with --out.")
        parts = [CircuitFolder.create(_part_path(path, index), one) for index, one in enumerate(statements)]
        write_atomically(target, content)
        return cls(path, f"{dataset.name}/test[{start}:{stop}]", tuple(parts))

    @classmethod
    def open(cls, path: Path) -> SetFolder:
        """Raises ``CircuitError`` unless ``set.toml`` and every part are well-formed and fit together."""
        name, digests = _read_toml(path / "set.toml")
        parts: list[CircuitFolder] = []
        for index, digest in enumerate(digests):
            part = CircuitFolder.open(_part_path(path, index))
            if part.statement.digest != digest:
                raise CircuitError(
                    f"{part.path} is not the part that the set pins", expected=digest, got=part.statement.digest
                )
            parts.append(part)
        return cls(path, name, tuple(parts))


def claim_path(part: Path) -> Path:
    """Where the claim of a part in this folder is."""
    return part / "claim.json"


def read_part_claim(part: Path) -> AccuracyClaim | None:
    """The claim in a part's folder, unverified; nothing if there is none."""
    path = claim_path(part)
    if not path.exists():
        return None
    claim = read_claim(path)
    if not isinstance(claim, AccuracyClaim):
        raise InputError(f"{path} is not an accuracy claim", got=claim.KIND)
    return claim


def _part_path(path: Path, index: int) -> Path:
    return path / f"part-{index:04}"


def _to_toml(name: str, statements: Sequence[Statement]) -> bytes:
    lines = [
        "# A test set in parts that one commitment serves; the digests are those of the parts' statements.",
        "version = 1",
        f"name = {json.dumps(name)}",
        "parts = [",
        *(f'    "{statement.digest}",' for statement in statements),
        "]",
    ]
    return ("\n".join(lines) + "\n").encode()


def _read_toml(path: Path) -> tuple[str, list[str]]:
    try:
        table: dict[str, Any] = tomllib.loads(read_bounded(path, _MAX_FILE_BYTES).decode())
    except FileNotFoundError as error:
        raise CircuitError(f"{path} does not exist", hint="Make it with `pyml zk export-set`.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CircuitError(f"{path} cannot be read: {error}") from error
    known = {"version", "name", "parts"}
    if set(table) != known or table["version"] != 1:
        raise CircuitError(f"{path} has the wrong keys", expected=sorted(known), got=sorted(table))
    name, parts = table["name"], table["parts"]
    if not isinstance(name, str) or not isinstance(parts, list):
        raise CircuitError(f"{path} is malformed", expected="a name and a list of parts")
    digests = cast("list[object]", parts)
    if not 1 <= len(digests) <= MAX_PARTS or not all(isinstance(digest, str) for digest in digests):
        raise CircuitError(f"{path} is malformed", expected=f"1 to {MAX_PARTS} digests", got=len(digests))
    return name, cast("list[str]", digests)
