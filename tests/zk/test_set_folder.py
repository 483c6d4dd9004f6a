"""Sets in parts on disk: cut without gaps, opened only if the parts are the pinned ones and fit together."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import CircuitError, DatasetError, InputError
from pyml.zk.circuits import parse_set_name
from pyml.zk.set_folder import MAX_PARTS, SetFolder, claim_path, read_part_claim
from pyml.zk.statement import ANY_INPUT, Numerics
from pyml.zk.witness import architecture_of
from tests.zk.small_sets import DEGREE, NUMERICS, PART_SAMPLES, SAMPLES, digits, nearest_mean, small_set

DIGITS = digits()
ARCHITECTURE = architecture_of(nearest_mean(DIGITS))


@pytest.fixture
def folder(tmp_path: Path) -> SetFolder:
    return small_set(tmp_path / "set")


def create(path: Path, *, part_samples: int, samples: int, start: int = 0) -> SetFolder:
    return SetFolder.create(
        path, DIGITS, ARCHITECTURE, NUMERICS, part_samples=part_samples, degree=DEGREE, samples=samples, start=start
    )


def test_parts_are_circuits_of_the_given_degree(folder: SetFolder) -> None:
    assert folder.name == f"digits/test[0:{SAMPLES}]"
    assert [part.statement.samples for part in folder.parts] == [PART_SAMPLES, PART_SAMPLES, SAMPLES - 2 * PART_SAMPLES]
    assert {part.statement.degree for part in folder.parts} == {DEGREE}
    assert len({part.statement.digest for part in folder.parts}) == 3
    assert folder.samples == SAMPLES
    assert [part.path.name for part in folder.parts] == ["part-0000", "part-0001", "part-0002"]


def test_what_was_written_is_opened(folder: SetFolder) -> None:
    assert SetFolder.open(folder.path) == folder
    before = (folder.path / "set.toml").read_bytes()
    assert small_set(folder.path) == folder
    assert (folder.path / "set.toml").read_bytes() == before


def test_samples_default_to_all_from_the_start(tmp_path: Path) -> None:
    made = SetFolder.create(tmp_path / "set", DIGITS, ARCHITECTURE, NUMERICS, part_samples=300, degree=DEGREE, start=10)
    assert made.name == "digits/test[10:500]"
    assert made.samples == 490


@given(st.integers(0, 490), st.integers(1, 30), st.data())
def test_every_sample_is_in_one_part(start: int, samples: int, data: st.DataObject) -> None:
    samples = min(samples, 500 - start)
    part_samples = data.draw(st.integers(1, samples + 3))
    with TemporaryDirectory() as name:
        made = create(Path(name, "set"), part_samples=part_samples, samples=samples, start=start)
        ranges = [parse_set_name(part.statement.subject_name)[1:] for part in made.parts]
    assert ranges[0][0] == start
    assert all(begin + count == following for (begin, count), (following, _) in pairwise(ranges))
    assert sum(count for _, count in ranges) == samples
    assert all(count == part_samples for _, count in ranges[:-1])


# Refusals


@pytest.mark.parametrize(("part_samples", "samples"), [(1, MAX_PARTS + 1), (0, MAX_PARTS + 1), (5, 0), (-3, 300)])
def test_too_many_or_too_few_parts(tmp_path: Path, part_samples: int, samples: int) -> None:
    with pytest.raises(InputError, match="a set has too few or too many parts") as caught:
        create(tmp_path / "set", part_samples=part_samples, samples=samples)
    assert caught.value.expected == f"1 to {MAX_PARTS}"
    assert not (tmp_path / "set").exists()


def test_samples_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="digits has no test samples 480 to 510"):
        create(tmp_path / "set", part_samples=30, samples=60, start=450)
    assert not (tmp_path / "set").exists()


def test_another_set_is_kept(folder: SetFolder) -> None:
    with pytest.raises(CircuitError, match="already holds another set") as caught:
        create(folder.path, part_samples=50, samples=SAMPLES)
    assert caught.value.hint == "Name another folder with --out."
    with pytest.raises(CircuitError, match="already holds another set"):
        small_set(folder.path, degree=DEGREE + 1)
    assert SetFolder.open(folder.path) == folder


def test_parts_of_another_set_are_kept(folder: SetFolder) -> None:
    """Its making was interrupted: parts are there, the list is not."""
    (folder.path / "set.toml").unlink()
    with pytest.raises(CircuitError, match="part-0000 already holds another circuit"):
        create(folder.path, part_samples=50, samples=SAMPLES)
    assert small_set(folder.path) == folder


def test_absent_set(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match=r"set\.toml does not exist") as caught:
        SetFolder.open(tmp_path)
    assert caught.value.hint == "Make it with `pyml zk export-set`."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has the wrong keys"),
        ("version = 2\nname = 'a'\nparts = ['b']", "has the wrong keys"),
        ("version = 1\nname = 'a'\nparts = ['b']\nmore = 1", "has the wrong keys"),
        ("version = 1\nname = 3\nparts = ['b']", "expected a name and a list of parts"),
        ("version = 1\nname = 'a'\nparts = 'b'", "expected a name and a list of parts"),
        ("version = 1\nname = 'a'\nparts = []", f"expected 1 to {MAX_PARTS} digests; got 0"),
        ("version = 1\nname = 'a'\nparts = [1]", f"expected 1 to {MAX_PARTS} digests; got 1"),
        (f"version = 1\nname = 'a'\nparts = {['b'] * 257}", f"expected 1 to {MAX_PARTS} digests; got 257"),
        ("version = ", "cannot be read"),
        ("a" * 70_000, "cannot be read"),
        ("\ud800", "cannot be read"),
    ],
)
def test_malformed_list(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "set.toml").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(CircuitError) as caught:
        SetFolder.open(tmp_path)
    assert words in str(caught.value)


def test_exchanged_part(folder: SetFolder) -> None:
    """Two parts that changed places, and one that stands in for another."""
    first, second = (part.path / "circuit.toml" for part in folder.parts[:2])
    text = first.read_text()
    first.write_text(second.read_text())
    with pytest.raises(CircuitError, match="part-0000 is not the part that the set pins"):
        SetFolder.open(folder.path)
    second.write_text(text)
    with pytest.raises(CircuitError, match="part-0000 is not the part that the set pins"):
        SetFolder.open(folder.path)


def test_absent_part(folder: SetFolder) -> None:
    shutil.rmtree(folder.parts[1].path)
    with pytest.raises(CircuitError, match=r"part-0001/circuit\.toml does not exist"):
        SetFolder.open(folder.path)


def test_parts_that_do_not_make_up_the_set(folder: SetFolder) -> None:
    """A list may pin anything; what it pins must still be the set that it names."""
    first, second, third = folder.parts
    for parts, words in (
        ((first, third), "is not the next part of digits/test[0:130]"),
        ((second, first, third), "is not the next part of digits/test[0:130]"),
        ((first, first, second, third), "is not the next part of digits/test[0:130]"),
        ((first, second), "are not the whole set"),
    ):
        with pytest.raises(CircuitError) as caught:
            SetFolder(folder.path, folder.name, parts)
        assert words in str(caught.value)
    with pytest.raises(CircuitError, match="is not the next part of"):
        SetFolder(folder.path, f"mnist/test[0:{SAMPLES}]", folder.parts)


def test_parts_of_different_models_or_degrees(folder: SetFolder) -> None:
    first, second, third = folder.parts
    others = (
        replace(second.statement, degree=DEGREE + 1),
        replace(second.statement, numerics=Numerics(lookup_bits=9)),
        replace(second.statement, architecture=replace(ARCHITECTURE, weight_bits=4)),
    )
    for statement in others:
        with pytest.raises(CircuitError, match="is for another model or k than"):
            SetFolder(folder.path, folder.name, (first, replace(second, statement=statement), third))
    asking = replace(first.statement, kind="private_model_inference", samples=1, subject=ANY_INPUT)
    for statement in (replace(first.statement, degree=0), asking):
        with pytest.raises(CircuitError, match="is not part of a set") as caught:
            SetFolder(folder.path, folder.name, (replace(first, statement=statement), second, third))
        assert caught.value.expected == "an accuracy circuit of a given k"


def test_claims_of_parts(folder: SetFolder) -> None:
    path = folder.parts[0].path
    assert read_part_claim(path) is None
    claim_path(path).write_text("{}")
    with pytest.raises(InputError, match="a claim is malformed"):
        read_part_claim(path)
