"""Folders of pictures as sets to train on and to derive from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pyml.errors import InputError
from pyml.keys.picture_sets import PictureFolder, PictureRows, as_image
from pyml.ml.siamese import Architecture, SiameseConfig, siamese, train_siamese

COLOUR, GREY = Architecture("cnn", 3, 24, 16), Architecture("cnn", 1, 24, 16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures of two classes."""
    for name, colour in (("cat/1.png", "red"), ("cat/2.jpg", "blue"), ("dog/1.png", "green")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (40, 30), colour).save(tmp_path / name)
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_become_what_the_network_takes() -> None:
    picture = Image.new("RGB", (40, 30), "red")
    colour, grey = as_image(picture, COLOUR), as_image(picture, GREY)
    assert colour.shape == (3, 24, 16)
    assert colour[:, 0, 0].tolist() == [255, 0, 0]
    assert grey.shape == (1, 24, 16)
    assert grey.dtype == colour.dtype == np.uint8


def test_folders_are_classes(folder: Path) -> None:
    found = PictureFolder(folder, COLOUR)
    assert found.train_labels.tolist() == [0, 0, 1]
    assert found.train_images[np.array([2, 0])][:, :, 0, 0].tolist() == [[0, 128, 0], [255, 0, 0]]
    assert found.train_images[:2].shape == (2, 3, 24, 16)
    assert len(found.train_images) == 3


def test_without_folders_each_picture_is_a_class(folder: Path) -> None:
    found = PictureFolder(folder / "cat", COLOUR)
    assert found.train_labels.tolist() == [0, 1]


def test_a_folder_can_be_trained_on(folder: Path) -> None:
    network = siamese(COLOUR)
    with pytest.raises(InputError, match=r"^an image alone in its class makes no pair\. With jitter, two views of it"):
        train_siamese(network, PictureFolder(folder, COLOUR), SiameseConfig(epochs=1))
    before = network.state_dict()["trunk.0.weight"].clone()
    train_siamese(network, PictureFolder(folder, COLOUR), SiameseConfig(epochs=1, batch_size=2, jitter=1.0))
    assert not np.array_equal(before.numpy(), network.state_dict()["trunk.0.weight"].numpy())


def test_the_digest_covers_names_bytes_and_classes(folder: Path) -> None:
    first = PictureFolder(folder, COLOUR).digest
    assert PictureFolder(folder, GREY).digest == first
    (folder / "cat" / "1.png").rename(folder / "cat" / "3.png")
    renamed = PictureFolder(folder, COLOUR).digest
    Image.new("RGB", (40, 30), "white").save(folder / "cat" / "3.png")
    changed = PictureFolder(folder, COLOUR).digest
    assert len({first, renamed, changed}) == 3


def test_what_is_no_picture_is_named(folder: Path) -> None:
    (folder / "cat" / "1.png").write_text("no picture")
    found = PictureFolder(folder, COLOUR)
    with pytest.raises(InputError, match=r"cat/1\.png is not a picture"):
        found.train_images[:1]
    with pytest.raises(InputError, match=r"none\.png cannot be read: No such file"):
        PictureRows([folder / "none.png"], COLOUR)[:1]


def test_folders_that_cannot_be_used_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none cannot be read: No such file"):
        PictureFolder(folder / "none", COLOUR)
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no pictures"):
        PictureFolder(folder, COLOUR)
    with pytest.raises(InputError, match=r"empty has no pictures"):
        PictureFolder(folder / "empty", COLOUR)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_an_unreadable_folder_is_refused(folder: Path) -> None:
    (folder / "cat").chmod(0)
    try:
        with pytest.raises(InputError, match=r"cat cannot be read: Permission denied"):
            PictureFolder(folder, COLOUR)
    finally:
        (folder / "cat").chmod(0o755)
