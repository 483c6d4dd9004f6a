"""Files: what is fetched is what was stored, or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyml.errors import InputError, IntegrityError
from pyml.kdac.files import PIECE_BYTES, decode_link, fetch_file, safe_name, store_file
from pyml.store.blobs import BlobStore, digest_of


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "blobs"))


@pytest.mark.parametrize("size", [0, 1, 70_000, PIECE_BYTES, PIECE_BYTES + 1])
def test_file_comes_back(size: int, tmp_path: Path, blobs: BlobStore) -> None:
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    (tmp_path / "plain.bin").write_bytes(content)
    link = decode_link(store_file(tmp_path / "plain.bin", blobs).encode())
    fetch_file(link, tmp_path / "got.bin", blobs)
    assert (tmp_path / "got.bin").read_bytes() == content
    assert (link.size, link.name) == (size, "plain.bin")
    stored = blobs.get(link.digest)
    assert size < 16 or content[:16] not in stored
    with pytest.raises(InputError, match="exists already"):
        fetch_file(link, tmp_path / "got.bin", blobs)


def test_small_files_are_alike(tmp_path: Path, blobs: BlobStore) -> None:
    lengths = set[int]()
    for size in (1, 500, 65_536):
        (tmp_path / "f").write_bytes(bytes(size))
        lengths.add(len(blobs.get(store_file(tmp_path / "f", blobs).digest)))
    assert lengths == {65_536 + 16}


def test_other_bytes_are_refused(tmp_path: Path, blobs: BlobStore) -> None:
    (tmp_path / "f").write_bytes(bytes(3 * PIECE_BYTES))
    link = store_file(tmp_path / "f", blobs)
    sealed = blobs.get(link.digest)
    piece = PIECE_BYTES + 16
    parts = sealed[:piece], sealed[piece : 2 * piece], sealed[2 * piece :]
    for changed in (
        b"".join(parts[:2]),  # the end left out
        parts[0] + parts[2],
        parts[1] + parts[0] + parts[2],
        sealed + parts[2],
        sealed[:-1] + bytes((sealed[-1] ^ 1,)),
        b"",
    ):
        digest = blobs.put(changed)
        with pytest.raises(IntegrityError, match="does not open"):
            fetch_file(replace(link, digest=digest), tmp_path / "got", blobs)
        assert not (tmp_path / "got").exists()
    with pytest.raises(IntegrityError, match="does not open"):
        fetch_file(replace(link, key=bytes(32)), tmp_path / "got", blobs)
    with pytest.raises(IntegrityError, match="shorter than its link says"):
        fetch_file(replace(link, size=link.size + 1), tmp_path / "got", blobs)


def test_no_key_is_used_twice(tmp_path: Path, blobs: BlobStore) -> None:
    (tmp_path / "f").write_bytes(b"same")
    assert store_file(tmp_path / "f", blobs).digest != store_file(tmp_path / "f", blobs).digest


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.txt", "y.txt"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("", "file"),
        ("n" * 300, "n" * 200),
    ],
)
def test_names_from_outside(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x84\x00\x00\x00\x00", b"noise" * 9])
def test_malformed_links(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="link to a file is malformed"):
        decode_link(content)


def test_file_that_is_not_there(tmp_path: Path, blobs: BlobStore) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        store_file(tmp_path / "nothing", blobs)
    assert digest_of(b"") not in list(blobs.digests())
