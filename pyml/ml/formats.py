"""Decoders of the file formats that data sets are published in; input is untrusted and every length is checked.

* IDX (MNIST, Fashion-MNIST): big-endian magic 0x000008NN (unsigned bytes, NN dimensions), sizes, then the bytes.
* CIFAR-10 binary: records of one label byte and 3 * 32 * 32 pixels, channel by channel.
* A NumPy archive of concatenated JPEG files with offsets and labels (``cifar10_jpeg.npz``).
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import DatasetError

_CIFAR_RECORD = 1 + 3 * 32 * 32


def parse_idx(content: bytes, *, ndim: int, origin: str) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes; raises ``DatasetError`` when header and length disagree."""
    header = 4 + 4 * ndim
    if len(content) < header:
        raise DatasetError(f"{origin}: the IDX header is cut off", expected=f"{header} bytes", got=len(content))
    magic, *sizes = struct.unpack(f">{1 + ndim}I", content[:header])
    if magic != 0x0800 + ndim:
        raise DatasetError(
            f"{origin}: not an IDX file of bytes", expected=f"magic {0x0800 + ndim:#x}", got=f"{magic:#x}"
        )
    total = 1
    for size in sizes:
        total *= size
    if total == 0 or total != len(content) - header:
        raise DatasetError(
            f"{origin}: the IDX header does not match the data",
            expected=f"{'x'.join(map(str, sizes))} bytes",
            got=f"{len(content) - header} bytes",
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(sizes).copy()


def parse_cifar(content: bytes, *, origin: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [n, 3, 32, 32] and labels [n] of one CIFAR-10 batch."""
    if not content or len(content) % _CIFAR_RECORD:
        raise DatasetError(
            f"{origin}: a batch is not whole records", expected=f"a multiple of {_CIFAR_RECORD} bytes", got=len(content)
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _CIFAR_RECORD)
    labels = records[:, 0].copy()
    if labels.max() > 9:
        raise DatasetError(f"{origin}: a label is out of range", expected="0 to 9", got=int(labels.max()))
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), labels


def parse_jpeg_archive(
    content: bytes, *, origin: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Train images [n, 3, 32, 32] and labels, test images and labels of a ``cifar10_jpeg.npz``."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {
                f"{split}_{part}": np.asarray(archive[f"{split}_{part}"])
                for split in ("train", "test")
                for part in ("jpeg", "offset", "label")
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{origin} is not an archive of JPEG images: {error}") from error
    train, test = (
        _decode_jpegs(arrays[f"{split}_jpeg"], arrays[f"{split}_offset"], arrays[f"{split}_label"], origin)
        for split in ("train", "test")
    )
    return *train, *test


def _decode_jpegs(
    stream: NDArray[Any], offsets: NDArray[Any], labels: NDArray[Any], origin: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    count = len(labels)
    if (
        stream.dtype != np.uint8
        or stream.ndim != 1
        or labels.dtype != np.uint8
        or labels.ndim != 1
        or offsets.dtype.kind not in "iu"
        or offsets.shape != (count + 1,)
        or count == 0
        or offsets[0] != 0
        or offsets[-1] != len(stream)
        or bool((np.diff(offsets.astype(np.int64)) <= 0).any())
    ):
        raise DatasetError(f"{origin}: offsets, labels and JPEG bytes do not match")
    images = np.empty((count, 3, 32, 32), dtype=np.uint8)
    for index in range(count):
        encoded = stream[int(offsets[index]) : int(offsets[index + 1])].tobytes()
        try:
            with Image.open(io.BytesIO(encoded), formats=("JPEG",)) as picture:
                if picture.size != (32, 32):
                    raise DatasetError(
                        f"{origin}: image {index} has the wrong size", expected="32x32", got=picture.size
                    )
                images[index] = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        except OSError as error:
            raise DatasetError(f"{origin}: image {index} is not a complete JPEG: {error}") from error
    return images, labels.copy()
