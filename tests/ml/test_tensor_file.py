"""Weight files of strangers: tensors come out, code does not run, and nothing unpacks or unrolls beyond its bounds."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pyml.errors import ModelError
from pyml.ml.tensor_file import read_table, read_tensors, require_fit, tensors

LIMIT = 1 << 20


def stored(path: Path, content: object, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_come_back(tmp_path: Path, legacy: bool) -> None:
    given = OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.tensor([1, 2]), c=nn.Parameter(torch.ones(2)))
    path = stored(tmp_path / "w.pth", given, _use_new_zipfile_serialization=not legacy)
    found = read_tensors(path, limit=LIMIT)
    assert found.keys() == given.keys()
    assert all(torch.equal(found[name], given[name]) for name in given)


class Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.marker),))


@pytest.mark.parametrize("legacy", [False, True])
def test_code_does_not_run(tmp_path: Path, legacy: bool) -> None:
    path = stored(tmp_path / "w", {"a": Payload(tmp_path / "ran")}, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match=r"w is not a file of weights; got UnpicklingError$"):
        read_tensors(path, limit=LIMIT)
    path.write_bytes(pickle.dumps({"a": Payload(tmp_path / "ran")}))
    with pytest.raises(ModelError, match="is not a file of weights"):
        read_tensors(path, limit=LIMIT)
    assert not (tmp_path / "ran").exists()


def test_compressed_archives_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "w", {"a": torch.zeros(100_000)})
    with ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    for kind in (ZIP_STORED, ZIP_DEFLATED):
        with ZipFile(path, "w", kind) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        if kind == ZIP_STORED:
            assert len(read_tensors(path, limit=LIMIT)["a"]) == 100_000
        else:
            assert path.stat().st_size < 10_000  # would unpack to 400,000 bytes
            with pytest.raises(ModelError, match=r"expected stored entries; got compressed ones$"):
                read_tensors(path, limit=LIMIT)


def test_sizes_and_places(tmp_path: Path) -> None:
    path = stored(tmp_path / "w", {"a": torch.zeros(1000)})
    with pytest.raises(ModelError, match=r"w is too large; expected at most 100 bytes; got \d+$"):
        read_table(path, limit=100)
    with pytest.raises(ModelError, match=r"none does not exist$"):
        read_table(tmp_path / "none", limit=LIMIT)
    with pytest.raises(ModelError, match=r"is not a file of weights; got IsADirectoryError$"):
        read_table(tmp_path, limit=LIMIT)


@pytest.mark.parametrize("content", [[torch.ones(1)], torch.ones(1), {1: torch.ones(1)}, None, "text"])
def test_other_contents_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ModelError, match=r"is not a file of weights; expected names with tensors; got"):
        read_table(stored(tmp_path / "w", content), limit=LIMIT)


@pytest.mark.parametrize("value", [1.0, "x", [torch.ones(1)], torch.eye(2).to_sparse(), None])
def test_values_that_are_no_plain_tensors_are_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ModelError, match=r"^here: a is not a tensor; got"):
        tensors({"a": value}, origin="here")


@pytest.mark.parametrize("keep", [0, 1, 50, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, keep: float) -> None:
    path = stored(tmp_path / "w", {"a": torch.arange(1000.0)})
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(ModelError, match="is not a file of weights; got"):
        read_tensors(path, limit=LIMIT)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "w"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_tensors(path, limit=LIMIT)
    assert "\n" not in str(caught.value)


def test_names_shapes_types_and_numbers_must_fit() -> None:
    wanted = {"a": torch.zeros(2, 3), "b": torch.zeros(1, dtype=torch.int64)}
    require_fit(wanted, wanted, origin="w")

    def refusal(**change: torch.Tensor | None) -> str:
        given = {name: value for name, value in {**wanted, **change}.items() if value is not None}
        with pytest.raises(ModelError) as caught:
            require_fit(given, wanted, origin="w")
        return str(caught.value)

    other = "w has the weights of another network; expected 2 names of this one; got "
    assert refusal(b=None) == other + "no b"
    assert refusal(c=torch.ones(1)) == other + "c"
    assert refusal(**{f"x{number}": torch.ones(1) for number in range(9)}) == other + "x0, x1, x2, …"
    assert refusal(a=torch.zeros(3, 2)) == (
        "w: a does not fit the network; expected torch.float32 [2, 3]; got torch.float32 [3, 2]"
    )
    assert "got torch.float64 [2, 3]" in refusal(a=torch.zeros(2, 3, dtype=torch.float64))
    for value in (float("nan"), float("inf")):
        assert refusal(a=torch.full((2, 3), value)) == "w: a has NaN or infinite values; expected finite weights"


def test_a_tensor_that_claims_more_than_it_has_is_refused_before_it_unrolls() -> None:
    claim = torch.zeros(1).expand(10**12)  # four bytes that say four terabytes
    with pytest.raises(ModelError, match=r"does not fit the network; expected torch\.float32 \[2\]"):
        require_fit({"a": claim}, {"a": torch.zeros(2)}, origin="w")
