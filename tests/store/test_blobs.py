"""Blobs: every read is verified, names cannot escape, and a store is never left half-written."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, IntegrityError, ToolMissingError
from pyml.store.blobs import BlobStore, digest_of, require_blob_digest

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    name = f"memory://{uuid.uuid4().hex}"
    yield BlobStore(
        {"path": str(tmp_path / "blobs"), "file": (tmp_path / "blobs").as_uri(), "memory": name}[request.param]
    )
    memory: Any = fsspec.filesystem("memory")  # pyright: ignore[reportUnknownMemberType]
    if memory.exists(name):
        memory.rm(name, recursive=True)


def damage(store: BlobStore, digest: str, content: bytes) -> None:
    with store._filesystem.open(store._path(require_blob_digest(digest)), "wb") as stream:
        stream.write(content)


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 3_000_000])
def test_round_trip_by_every_way(store: BlobStore, tmp_path: Path, content: bytes) -> None:
    digest = store.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    source = tmp_path / "source"
    source.write_bytes(content)
    assert store.put_file(source) == store.put_stream(io.BytesIO(content)) == digest
    assert store.get(digest) == store.get("0x" + digest) == store.get(bytes.fromhex(digest)) == content
    store.fetch(digest, tmp_path / "out" / "copy")
    assert (tmp_path / "out" / "copy").read_bytes() == content
    assert list(store.digests()) == [digest]
    assert store.has(digest)


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_what_goes_in_comes_out(contents: list[bytes]) -> None:
    store = BlobStore(f"memory://{uuid.uuid4().hex}")
    digests = [store.put(content) for content in contents]
    assert list(store.digests()) == sorted(set(digests))
    assert [store.get(digest) for digest in digests] == contents


def test_storing_again_changes_nothing(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    digest = store.put(b"same")
    path = tmp_path / digest[:2] / digest[2:]
    before = path.stat()
    store.put(b"same")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("bad", [b"", b"conten", b"Content", b"content!", b"\0ontent"])
def test_damage_is_noticed_at_every_read_and_mended_by_storing_again(
    store: BlobStore, tmp_path: Path, bad: bytes
) -> None:
    digest = store.put(b"content")
    damage(store, digest, bad)
    for _ in range(2):
        with pytest.raises(IntegrityError, match=f"blob {digest} is damaged"):
            store.get(digest)
    with pytest.raises(IntegrityError):
        store.fetch(digest, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert store.put(b"content") == digest
    assert store.get(digest) == b"content"


def test_every_flipped_bit_is_noticed(store: BlobStore) -> None:
    content = b"\x00\xffabc"
    digest = store.put(content)
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        damage(store, digest, bytes(flipped))
        with pytest.raises(IntegrityError):
            store.get(digest)


def test_size_limits(store: BlobStore, tmp_path: Path) -> None:
    digest = store.put(bytes(1000))
    assert len(store.get(digest, max_bytes=1000)) == 1000
    with pytest.raises(InputError, match="larger than allowed; expected at most 999 bytes"):
        store.get(digest, max_bytes=999)
    with pytest.raises(InputError, match="larger than allowed"):
        store.fetch(digest, tmp_path / "copy", max_bytes=999)
    assert not (tmp_path / "copy").exists()


def test_absent_blobs(store: BlobStore, tmp_path: Path) -> None:
    digest = digest_of(b"never stored")
    assert not store.has(digest)
    assert list(store.digests()) == []
    with pytest.raises(InputError, match=f"blob {digest} is not in the store"):
        store.get(digest)
    with pytest.raises(InputError, match="is not in the store"):
        store.fetch(digest, tmp_path / "copy")
    store.remove(digest)
    stored = store.put(b"soon gone")
    store.remove(stored)
    assert not store.has(stored)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "../" + "a" * 61,
        "a" * 62 + "/.",
        "a" * 63 + "\n",
        "a" * 64 + "\n",
        "0x0x" + "a" * 60,
        "٠" * 64,
        b"",
        bytes(31),
        bytes(33),
    ],
)
def test_names_that_are_no_digest_are_refused(store: BlobStore, name: str | bytes) -> None:
    for use in (store.get, store.has, store.remove, require_blob_digest):
        with pytest.raises(InputError, match="not a blob digest"):
            use(name)


def test_foreign_files_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    digest = store.put(b"content")
    (tmp_path / digest[:2] / ".leftover.tmp").write_bytes(b"")
    (tmp_path / "README").write_bytes(b"")
    assert list(store.digests()) == [digest]


def test_a_file_that_changes_while_it_is_stored_is_refused(store: BlobStore) -> None:
    class Changing(io.BytesIO):
        reads = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.reads += 1
            if self.reads == 2:
                super().seek(0)
                self.write(b"X")
            return super().seek(offset, whence)

    with pytest.raises(IntegrityError, match="changed while it was being stored"):
        store._put_seekable(Changing(b"content"), "source")
    assert list(store.digests()) == []
    assert not store.has(digest_of(b"content"))


def test_a_failure_half_way_leaves_nothing(store: BlobStore) -> None:
    class Failing(io.BytesIO):
        starts = 0

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 0:
                self.starts += 1
            if self.starts == 2:
                raise KeyboardInterrupt
            return super().read(size)

    with pytest.raises(KeyboardInterrupt):
        store._put_seekable(Failing(b"content"), "source")
    assert not store.has(digest_of(b"content"))
    filesystem, root = store._filesystem, store._root
    assert not filesystem.exists(root) or filesystem.find(root) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from pyml.errors import ResourceError
from pyml.store.blobs import BlobStore
store = BlobStore(sys.argv[1])
store.put(b"small")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for put in (lambda: store.put(bytes(10000)), lambda: store.put_file(Path(sys.argv[2]))):
    try:
        put()
    except ResourceError as error:
        print(str(error).split(":")[0].split("/")[0])
"""
    source = tmp_path / "source"
    source.write_bytes(os.urandom(10000))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "blobs"), str(source)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "no room to write \n" * 2
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"small"]


def test_unusable_sources_and_urls_are_refused(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path / "blobs"))
    with pytest.raises(InputError, match="does not exist"):
        store.put_file(tmp_path / "absent")
    with pytest.raises(InputError, match="cannot be read"):
        store.put_file(tmp_path)
    with pytest.raises(InputError, match=r"URL is not usable: .*; got nonsense://…"):
        BlobStore("nonsense://user:password@host/x")
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        BlobStore(str(tmp_path / "plain")).put(b"x")


def test_a_protocol_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ToolMissingError, match=r"protocol needs a package: .*s3fs"):
        BlobStore("s3://bucket/prefix")


def test_the_repr_shows_no_url() -> None:
    assert repr(BlobStore("memory://secret-name")) == "BlobStore(MemoryFileSystem)"
