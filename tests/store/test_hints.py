"""Hints: found where they were left, and no trouble where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.errors import InputError
from pyml.store.blobs import BlobStore

TOPIC = bytes(range(32))


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}"


def test_a_hint_is_found_by_another_and_replaced(url: str) -> None:
    assert BlobStore(url).hints.put(TOPIC, 3, b"answer")
    assert BlobStore(url).hints.get(TOPIC, 3, size=6) == b"answer"
    assert BlobStore(url).hints.put(TOPIC, 3, b"other!")
    assert BlobStore(url).hints.get(TOPIC, 3, size=6) == b"other!"


@pytest.mark.parametrize("size", [0, 5, 7])
def test_a_hint_of_another_size_is_none(url: str, size: int) -> None:
    store = BlobStore(url).hints
    store.put(TOPIC, 0, b"answer")
    assert store.get(TOPIC, 0, size=size) is None


def test_absent_hints_are_none(url: str) -> None:
    assert BlobStore(url).hints.get(TOPIC, 1, size=1) is None


def test_hints_are_no_blobs(tmp_path: Path) -> None:
    BlobStore(str(tmp_path)).hints.put(TOPIC, 0, b"answer")
    assert list(BlobStore(str(tmp_path)).digests()) == []


def test_a_hint_that_cannot_be_left_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "hints").write_bytes(b"a file where a folder should be")
    assert not BlobStore(str(tmp_path)).hints.put(TOPIC, 0, b"answer")


@pytest.mark.parametrize(("topic", "number"), [(b"short", 0), (bytes(33), 0), (TOPIC, -1)])
def test_other_names_are_refused(tmp_path: Path, topic: bytes, number: int) -> None:
    with pytest.raises(InputError, match=r"^a hint has no such name"):
        BlobStore(str(tmp_path)).hints.get(topic, number, size=1)


def test_a_url_is_not_shown() -> None:
    assert repr(BlobStore("memory://secret").hints) == "HintStore(MemoryFileSystem)"
