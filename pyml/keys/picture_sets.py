"""Picture files as the arrays that siamese networks take, decoded when asked for, so that memory stays bounded.

In a training folder, folders are classes, as ImageNet is laid out. A folder of pictures only has no classes: then
each picture is one, and a genuine pair is two views of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys.pictures import open_picture, pictures_in
from pyml.ml.siamese import Architecture

PIXEL_MAX = 255


class PictureRows:
    """Pictures uint8 [n, channels, height, width], squeezed to what an architecture takes."""

    def __init__(self, paths: Sequence[Path], architecture: Architecture) -> None:
        self._paths = np.array(paths, dtype=object)
        self._architecture = architecture

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Of a slice or an array of indices; ``InputError`` for a file that is no picture."""
        return np.stack([as_image(open_picture(path), self._architecture) for path in self._paths[rows]])


class PictureFolder:
    """A folder to train on; ``digest`` covers the names and bytes of all files."""

    pixel_max = PIXEL_MAX

    def __init__(self, folder: Path, architecture: Architecture) -> None:
        paths, labels = _labelled(folder)
        self.train_images = PictureRows(paths, architecture)
        self.train_labels = np.array(labels)
        self.digest = _digest(folder, paths)


def as_image(picture: Image.Image, architecture: Architecture) -> NDArray[np.uint8]:
    """A picture as uint8 [channels, height, width], by bicubic interpolation."""
    size = (architecture.width, architecture.height)
    grey = architecture.channels == 1
    pixels = np.asarray(picture.convert("L" if grey else "RGB").resize(size, Image.Resampling.BICUBIC))
    return pixels[None] if grey else pixels.transpose(2, 0, 1)


def _labelled(folder: Path) -> tuple[list[Path], list[int]]:
    try:
        classes = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error
    if not classes:
        paths = pictures_in(folder)
        return paths, list(range(len(paths)))
    labelled = [(path, label) for label, each in enumerate(classes) for path in pictures_in(each)]
    return [path for path, _ in labelled], [label for _, label in labelled]


def _digest(folder: Path, paths: Sequence[Path]) -> bytes:
    state = hashlib.sha256(b"pyml.pictures.v1")
    for path in paths:
        name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
        try:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        state.update(len(name).to_bytes(4, "big") + name + content)
    return state.digest()
