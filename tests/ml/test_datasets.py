"""Data sets: pinned content, splits, digests, and everything hostile or absent refused in one line."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pyml.errors import DatasetError
from pyml.ml.datasets import NAMES, Dataset, floats, input_shift, integers, load
from pyml.ml.formats import parse_cifar, parse_idx, parse_jpeg_archive
from pyml.ml.sources import SOURCES, SourceFile, fetch, unpack

DATA = Path(os.environ["PYML_DATA"]) if os.environ.get("PYML_DATA") else None


def toy(**change: object) -> Dataset:
    random = np.random.default_rng(0)
    fields: dict[str, object] = {
        "name": "toy",
        "train_images": random.integers(0, 17, (6, 2, 2), dtype=np.uint8),
        "train_labels": random.integers(0, 3, 6, dtype=np.uint8),
        "test_images": random.integers(0, 17, (4, 2, 2), dtype=np.uint8),
        "test_labels": random.integers(0, 3, 4, dtype=np.uint8),
        "classes": 3,
        "pixel_max": 16,
        **change,
    }
    return Dataset(**fields)  # pyright: ignore[reportArgumentType]


def test_digits_are_the_bundled_ones() -> None:
    digits = load("digits")
    assert (len(digits.train_images), len(digits.test_images)) == (1297, 500)
    assert (digits.shape, digits.features, digits.classes, digits.pixel_max) == ((8, 8), 64, 10, 16)
    assert np.bincount(digits.test_labels).min() >= 46
    assert digits.digest.hex() == "f7746d2745893f952b4760a74eb359dc1eae69df82a4d7238cb88873c1bdc000"


def test_breast_cancer_is_scaled_by_its_training_rows() -> None:
    cancer = load("breast-cancer")
    assert (len(cancer.train_images), len(cancer.test_images)) == (456, 113)
    assert (cancer.shape, cancer.classes) == ((30,), 2)
    assert cancer.train_images.min(axis=0).tolist() == [0] * 30
    assert cancer.train_images.max(axis=0).tolist() == [255] * 30
    assert cancer.digest.hex() == "3ee81f5abf5a6c160b64e35e06e9892ab0433354f8923c230ceb9cb97756b3f8"


def test_every_value_moves_the_digest() -> None:
    base = toy()
    seen = {base.digest, toy(classes=4).digest, toy(pixel_max=17).digest}
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        changed = getattr(base, name).copy()
        changed.flat[0] = (changed.flat[0] + 1) % 3
        seen.add(replace(base, **{name: changed}).digest)
    flat = {f"{split}_images": getattr(base, f"{split}_images").reshape(-1, 4) for split in ("train", "test")}
    seen.add(replace(base, **flat).digest)
    assert len(seen) == 8
    assert toy(name="another").digest == base.digest  # content, not name


def test_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        toy().test_labels[0] = 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"train_labels": np.zeros(5, dtype=np.uint8)}, "every image needs one label"),
        ({"train_labels": np.full(6, 3, dtype=np.uint8)}, "a label or a pixel is out of range"),
        ({"test_images": np.full((4, 2, 2), 17, dtype=np.uint8)}, "a label or a pixel is out of range"),
        ({"test_images": np.zeros((4, 2, 3), dtype=np.uint8)}, "differ in shape"),
        ({"test_images": np.zeros((4, 2, 2))}, "must be non-empty unsigned bytes"),
        ({"test_images": np.zeros((0, 2, 2), dtype=np.uint8)}, "must be non-empty unsigned bytes"),
        ({"classes": 1}, "out of range"),
        ({"pixel_max": 0}, "out of range"),
        ({"pixel_max": 256}, "out of range"),
    ],
)
def test_impossible_sets_are_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        toy(**change)


@given(st.integers(1, 255), st.integers(1, 9))
def test_narrowed_integers_fit_their_width(pixel_max: int, bits: int) -> None:
    images = np.array([[0], [pixel_max], [pixel_max // 2]], dtype=np.uint8)
    values = integers(images, pixel_max=pixel_max, bits=bits)
    shift = input_shift(pixel_max, bits)
    assert values.dtype == np.int64
    assert values.max() < 2**bits
    assert [int(value) for value in values[:, 0]] == [0, pixel_max >> shift, (pixel_max // 2) >> shift]
    assert shift == 0 or pixel_max >> (shift - 1) >= 2**bits  # no more is dropped than needed


def test_floats_are_the_integers_over_the_pixel_range() -> None:
    images = np.array([[[0, 4], [8, 16]]], dtype=np.uint8)
    assert floats(images, pixel_max=16).tolist() == [[0.0, 0.25, 0.5, 1.0]]
    assert integers(images, pixel_max=16).tolist() == [[0, 4, 8, 16]]
    with pytest.raises(DatasetError, match="at least one bit"):
        integers(images, pixel_max=16, bits=0)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"unknown data set; expected one of digits, .*; got \.\./etc"):
        load("../etc")


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_absent_files_are_named_with_a_hint(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=rf"is not here \(looked in .*run: pyml data fetch {name}"):
        load(name, tmp_path)
    with pytest.raises(DatasetError, match="no data directory is set"):
        load(name)


@pytest.mark.skipif(DATA is None or not (DATA / "mnist").is_dir(), reason="PYML_DATA has no mnist")
def test_mnist_from_the_data_directory(tmp_path: Path) -> None:
    mnist = load("mnist", DATA)
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert np.bincount(mnist.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.digest.hex() == "fda0576d0363914d1a93164d7abd2ae15f3bd26b19836a9f500f8ca3c280807a"
    assert DATA is not None
    folder = tmp_path / "mnist"
    folder.mkdir()
    for path in (DATA / "mnist").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    damaged = bytearray(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes()))
    damaged[5000] ^= 1  # one label of the test set
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(damaged)))
    with pytest.raises(DatasetError, match="decompressed bytes are not the published ones"):
        load("mnist", tmp_path)


@pytest.mark.skipif(DATA is None or not (DATA / "cifar10").is_dir(), reason="PYML_DATA has no cifar10")
def test_cifar10_from_jpeg_bytes() -> None:
    cifar = load("cifar10", DATA)
    assert cifar.train_images.shape == (50_000, 3, 32, 32)
    assert cifar.test_images.shape == (10_000, 3, 32, 32)
    assert np.bincount(cifar.test_labels).tolist() == [1000] * 10


# Files and formats.


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_idx_round_trip() -> None:
    assert np.array_equal(parse_idx(idx(IMAGES), ndim=3, origin="x"), IMAGES)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "header is cut off"),
        (idx(IMAGES)[:15], "header is cut off"),
        (idx(IMAGES)[:-1], "header does not match the data"),
        (idx(IMAGES) + b"\0", "header does not match the data"),
        (idx(IMAGES[0]) + bytes(8), "not an IDX file of bytes"),
        (struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(8), "header does not match the data"),
        (struct.pack(">4I", 0x803, 0, 28, 28), "header does not match the data"),
        (struct.pack(">4I", 0xD03, 2, 3, 4) + bytes(24), "not an IDX file of bytes"),
    ],
)
def test_lying_idx_headers_are_refused(content: bytes, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        parse_idx(content, ndim=3, origin="x")


def test_cifar_batches() -> None:
    record = bytes([7]) + bytes(range(256)) * 12
    images, labels = parse_cifar(record * 2, origin="x")
    assert labels.tolist() == [7, 7]
    assert images.shape == (2, 3, 32, 32)
    assert images[1, 2, 31, 31] == 255
    assert images[0, 0, 0, 3] == 3
    for content, problem in ((b"", "whole records"), (record[:-1], "whole records"), (b"\x0a" + record[1:], "a label")):
        with pytest.raises(DatasetError, match=problem):
            parse_cifar(content, origin="x")


def jpeg_archive(**change: object) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 200, dtype=np.uint8)).save(encoded, "JPEG")
    one = np.frombuffer(encoded.getvalue(), dtype=np.uint8)
    arrays: dict[str, object] = {}
    for split in ("train", "test"):
        arrays[f"{split}_jpeg"] = np.concatenate([one, one])
        arrays[f"{split}_offset"] = np.array([0, len(one), 2 * len(one)])
        arrays[f"{split}_label"] = np.array([1, 2], dtype=np.uint8)
    target = io.BytesIO()
    np.savez(target, **{**arrays, **change})  # pyright: ignore[reportArgumentType]
    return target.getvalue()


def test_jpeg_archives() -> None:
    images, labels, *_ = parse_jpeg_archive(jpeg_archive(), origin="x")
    assert images.shape == (2, 3, 32, 32)
    assert labels.tolist() == [1, 2]
    assert abs(int(images.mean()) - 200) <= 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"train_offset": np.array([0, 5, 10])}, "do not match"),
        ({"train_offset": np.array([0, 10**9, 2])}, "do not match"),
        ({"test_label": np.array([1, 2, 3], dtype=np.uint8)}, "do not match"),
        ({"test_label": np.array([1, 2])}, "do not match"),
        ({"train_jpeg": np.zeros(4), "train_offset": np.array([0, 2, 4])}, "do not match"),
        ({"train_jpeg": np.zeros(4, dtype=np.uint8), "train_offset": np.array([0, 2, 4])}, "not a complete JPEG"),
        ({"train_jpeg": np.array([{}], dtype=object)}, "not an archive of JPEG images"),
    ],
)
def test_hostile_jpeg_archives_are_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        parse_jpeg_archive(jpeg_archive(**change), origin="x")


def test_files_that_are_no_archive_are_refused() -> None:
    for content in (b"", b"PK\x03\x04 nothing", jpeg_archive()[:-40]):
        with pytest.raises(DatasetError, match="not an archive of JPEG images"):
            parse_jpeg_archive(content, origin="x")


CONTENT = os.urandom(5000)
PACKED = gzip.compress(CONTENT)
RAW_PIN = SourceFile("f.gz", 6000, 5000, raw_sha256=hashlib.sha256(CONTENT).hexdigest())
PACKED_PIN = SourceFile("f.gz", 6000, 5000, packed_sha256=hashlib.sha256(PACKED).hexdigest())


def test_a_raw_pin_accepts_another_compression_and_a_packed_pin_does_not() -> None:
    other = gzip.compress(CONTENT, compresslevel=1, mtime=1)
    assert other != PACKED
    assert unpack(RAW_PIN, other, origin="x") == unpack(PACKED_PIN, PACKED, origin="x") == CONTENT
    with pytest.raises(DatasetError, match="not the published one; expected sha256"):
        unpack(PACKED_PIN, other, origin="x")


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        (b"", "not the published"),
        (b"plain text", "not a complete gzip file"),
        (PACKED[:-1], "not a complete gzip file"),
        (PACKED[:2500], "not a complete gzip file"),
        (PACKED[:2500] + b"\0" * 100 + PACKED[2600:], "not a complete gzip file"),
        (gzip.compress(CONTENT[:-1]), "not the published"),
        (gzip.compress(CONTENT + b"\0"), "more than the published size"),
    ],
)
def test_damaged_files_are_refused(packed: bytes, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        unpack(RAW_PIN, packed, origin="x")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(10**8))
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="more than the published size"):
            unpack(RAW_PIN, bomb, origin="x")
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {"/good": PACKED, "/bad": gzip.compress(b"x" * 5000), "/endless": bytes(10**6)}
        content = answers.get(self.path.rsplit("/", 1)[0])
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the reader hangs up on the endless answer, as it should
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_bad_mirrors_are_passed_over(mirror: str) -> None:
    seen: list[float] = []
    mirrors = [f"{mirror}/absent", f"{mirror}/bad", f"{mirror}/endless", f"{mirror}/good"]
    packed, raw = fetch(RAW_PIN, mirrors, progress=lambda _, share: seen.append(share))
    assert (packed, raw) == (PACKED, CONTENT)
    assert seen
    assert all(0 <= share <= 1 for share in seen)


def test_when_every_mirror_fails_each_reason_is_told(mirror: str) -> None:
    with pytest.raises(DatasetError) as caught:
        fetch(RAW_PIN, [f"{mirror}/absent", f"{mirror}/bad", f"{mirror}/endless", "http://127.0.0.1:1"])
    for reason in ("404", "not the published ones", "more than the published size", "refused", "PYML_DATA"):
        assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_download_fills_the_cache_and_the_cache_is_checked(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = np.full((2, 28, 28), 9, dtype=np.uint8), np.array([1, 2], dtype=np.uint8)
    served = {f"/{i}.gz": gzip.compress(idx(array)) for i, array in enumerate((images, labels, images, labels))}
    files = tuple(
        SourceFile(name[1:], 4096, 4096, raw_sha256=hashlib.sha256(gzip.decompress(content)).hexdigest())
        for name, content in served.items()
    )

    def answer(request: Mirror) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(served[request.path])

    monkeypatch.setattr(Mirror, "do_GET", answer)
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], files=files, mirrors=(mirror,)))
    shares: list[float] = []
    first = load("mnist", download=True, cache_dir=tmp_path, progress=lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == ["0.gz", "1.gz", "2.gz", "3.gz"]
    served.clear()
    assert load("mnist", cache_dir=tmp_path).digest == first.digest  # offline from now on
    (tmp_path / "mnist" / "2.gz").write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"2\.gz is not a complete gzip file"):
        load("mnist", cache_dir=tmp_path)
    (tmp_path / "mnist" / "2.gz").write_bytes(bytes(5000))
    with pytest.raises(DatasetError, match=r"2\.gz is larger than the published file"):
        load("mnist", cache_dir=tmp_path)


def test_every_source_is_pinned() -> None:
    assert set(SOURCES) < set(NAMES)
    for source in SOURCES.values():
        for file in source.files:
            assert len(file.raw_sha256 or file.packed_sha256 or "") == 64
            assert "/" not in file.name
