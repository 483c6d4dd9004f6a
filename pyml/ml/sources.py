"""Where the published data sets come from, with the digests that their bytes must have.

Each file is pinned by SHA-256, either of its decompressed bytes (``raw``: any compression of the right bytes will do)
or of the file as published (``packed``). MNIST's digests were computed from the original files, whose training images
have the published MD5 6bbc9ace898e44ae57da46a324031adb; those of Fashion-MNIST and of CIFAR-10's binary archive are the
ones that TensorFlow Datasets pins. Nothing is parsed before its digest is right, downloads are bounded in size, and a
file appears in the cache only whole and checked.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from pyml.errors import DatasetError
from pyml.files import write_atomically
from pyml.ml.formats import parse_cifar, parse_idx, parse_jpeg_archive

Images: TypeAlias = NDArray[np.uint8]
RawSplits: TypeAlias = tuple[Images, Images, Images, Images]
"""Train images, train labels, test images, test labels; images [n, h, w] or [n, channels, h, w]."""

Progress: TypeAlias = Callable[[str, float], None]

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One published file: its size limits in bytes and one pinned SHA-256 (hex)."""

    name: str
    packed_limit: int
    raw_limit: int
    raw_sha256: str | None = None
    packed_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A data set as published: folder under the data directory, files in the order of ``RawSplits``, mirrors."""

    folder: str
    files: tuple[SourceFile, ...]
    mirrors: tuple[str, ...]
    parse: Callable[[str, list[bytes]], RawSplits]


def read_source(
    name: str,
    data_dir: Path | None,
    *,
    download: bool,
    cache_dir: Path | None,
    progress: Progress | None = None,
) -> RawSplits:
    """Decode the named source from ``data_dir``, ``cache_dir`` or, with ``download``, its mirrors (fills the cache)."""
    source = SOURCES[name]
    folders = [folder / source.folder for folder in (data_dir, cache_dir) if folder is not None]
    contents: list[bytes] = []
    for step, file in enumerate(source.files):
        path = next((folder / file.name for folder in folders if (folder / file.name).is_file()), None)
        if path is not None:
            contents.append(unpack(file, _read_bounded(path, file.packed_limit), origin=str(path)))
            continue
        lossy = _read_lossy(name, folders)
        if lossy is not None:
            return lossy
        if not download:
            raise _absent(name, source, file, folders)
        packed, raw = fetch(file, source.mirrors, progress=_scaled(progress, step, len(source.files)))
        contents.append(raw)
        if cache_dir is not None:
            write_atomically(cache_dir / source.folder / file.name, packed)
    return source.parse(name, contents)


def missing_files(name: str, folders: Iterable[Path]) -> tuple[str, ...]:
    """Published files of the named source that none of the folders has; empty for one that is complete or bundled."""
    source = SOURCES.get(name)
    if source is None:
        return ()
    places = [folder / source.folder for folder in folders]
    if name == "cifar10" and any((place / JPEG_ARCHIVE.name).is_file() for place in places):
        return ()
    return tuple(file.name for file in source.files if not any((place / file.name).is_file() for place in places))


def unpack(file: SourceFile, packed: bytes, *, origin: str) -> bytes:
    """The decompressed bytes of ``file``; raises ``DatasetError`` unless they carry the pinned digest."""
    if file.packed_sha256 is not None:
        _require_digest(packed, file.packed_sha256, f"{origin}: the file is not the published one")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            raw = stream.read(file.raw_limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{origin} is not a complete gzip file: {error}") from error
    if len(raw) > file.raw_limit:
        raise DatasetError(f"{origin} decompresses to more than the published size", expected=f"{file.raw_limit} bytes")
    if file.raw_sha256 is not None:
        _require_digest(raw, file.raw_sha256, f"{origin}: the decompressed bytes are not the published ones")
    return raw


def fetch(file: SourceFile, mirrors: Iterable[str], *, progress: Progress | None = None) -> tuple[bytes, bytes]:
    """Download ``file`` from the first mirror that has the pinned bytes; packed and decompressed bytes."""
    failures: list[str] = []
    for mirror in mirrors:
        url = f"{mirror}/{file.name}"
        try:
            packed = _download(url, file.packed_limit, progress)
            return packed, unpack(file, packed, origin=url)
        except DatasetError as error:
            failures.append(error.problem)
        except (OSError, ValueError) as error:
            failures.append(f"{urlsplit(url).hostname}: {error}")
    raise DatasetError(
        f"{file.name} could not be downloaded: {'; '.join(failures)}",
        hint="Check the network, or put the file into the data directory (PYML_DATA).",
    )


def _download(url: str, limit: int, progress: Progress | None) -> bytes:
    content = bytearray()
    with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - URLs of this module, content checked by digest
        while chunk := answer.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise DatasetError(f"{url} sends more than the published size", expected=f"at most {limit} bytes")
            if progress is not None:
                progress(f"downloading {url.rsplit('/', 1)[-1]}", len(content) / limit)
    return bytes(content)


def _read_bounded(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise DatasetError(f"{path} is larger than the published file", expected=f"at most {limit} bytes")
    return content


def _require_digest(content: bytes, wanted: str, problem: str) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != wanted:
        raise DatasetError(
            problem,
            expected=f"sha256 {wanted}",
            got=got,
            hint="The file is damaged or has been changed: fetch it again.",
        )


def _absent(name: str, source: Source, file: SourceFile, folders: list[Path]) -> DatasetError:
    looked = ", ".join(str(folder) for folder in folders) or "nowhere: no data directory is set"
    return DatasetError(
        f"{name}: {file.name} is not here (looked in {looked})",
        hint=f"Set PYML_DATA to a folder that has {source.folder}/{file.name}, or run: pyml data fetch {name}",
    )


def _read_lossy(name: str, folders: list[Path]) -> RawSplits | None:
    """CIFAR-10 as JPEG bytes, which stands in for the binary release where only that is present."""
    if name != "cifar10":
        return None
    path = next((folder / JPEG_ARCHIVE.name for folder in folders if (folder / JPEG_ARCHIVE.name).is_file()), None)
    if path is None:
        return None
    packed = _read_bounded(path, JPEG_ARCHIVE.packed_limit)
    _require_digest(packed, str(JPEG_ARCHIVE.packed_sha256), f"{path}: the file is not the pinned one")
    return parse_jpeg_archive(packed, origin=str(path))


def _scaled(progress: Progress | None, step: int, steps: int) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda text, fraction: report(text, (step + min(fraction, 1.0)) / steps)


def _parse_idx_files(name: str, contents: list[bytes]) -> RawSplits:
    train, train_labels, test, test_labels = (
        parse_idx(content, ndim=3 - 2 * (index % 2), origin=f"{name}, file {index + 1}")
        for index, content in enumerate(contents)
    )
    return train, train_labels, test, test_labels


def _parse_cifar_archive(name: str, contents: list[bytes]) -> RawSplits:
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    try:
        with tarfile.open(fileobj=io.BytesIO(contents[0])) as archive:
            members = [archive.extractfile(f"cifar-10-batches-bin/{member}") for member in names]
            parts = [parse_cifar(member.read() if member else b"", origin=name) for member in members]
    except (tarfile.TarError, KeyError) as error:
        raise DatasetError(f"{name}: the archive lacks a batch: {error}") from error
    images = np.concatenate([part[0] for part in parts[:5]])
    labels = np.concatenate([part[1] for part in parts[:5]])
    return images, labels, parts[5][0], parts[5][1]


_IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_IDX_SIZES = (16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000)
_MNIST_RAW = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
_FASHION_PACKED = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
_CIFAR_ARCHIVE = SourceFile(
    "cifar-10-binary.tar.gz",
    packed_limit=170_052_171,
    raw_limit=200_000_000,
    packed_sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
JPEG_ARCHIVE = SourceFile(
    "cifar10_jpeg.npz",
    packed_limit=64 * 2**20,
    raw_limit=64 * 2**20,
    packed_sha256="45a663542d82f74d41c0b9041d014efa29d9069291a710ffb73804ccc15613e7",
)
"""A lossy stand-in that some data directories have; its accuracies differ slightly from the binary release's."""

SOURCES: dict[str, Source] = {
    "mnist": Source(
        "mnist",
        tuple(
            SourceFile(name, packed_limit=size + 2**16, raw_limit=size, raw_sha256=digest)
            for name, size, digest in zip(_IDX_NAMES, _IDX_SIZES, _MNIST_RAW, strict=True)
        ),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://yann.lecun.com/exdb/mnist",
        ),
        _parse_idx_files,
    ),
    "fashion-mnist": Source(
        "fashion-mnist",
        tuple(
            SourceFile(name, packed_limit=size + 2**16, raw_limit=size, packed_sha256=digest)
            for name, size, digest in zip(_IDX_NAMES, _IDX_SIZES, _FASHION_PACKED, strict=True)
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
        _parse_idx_files,
    ),
    "cifar10": Source(
        "cifar10",
        (_CIFAR_ARCHIVE,),
        ("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz"),
        _parse_cifar_archive,
    ),
}
"""The published data sets by name."""
