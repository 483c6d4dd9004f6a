"""The embedder that ships: golden codes, whatever the machine, the batch or the threads."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from pyml.errors import ModelError
from pyml.ml.embedders.photo import PhotoEmbedder, thumbnail
from pyml.ml.embedders.synthetic import synthetic_pictures

DIGEST = "d7265a6f5e69fc82262aa969dcf0bf885102dab5401e4c9861baa51bce881faf"
GOLDEN = [
    "89b5f29e39457cfd2a08ee7e2e7cab6753c9616decb95a99771fb82357e3d97f",
    "68816c01c85dbd3716a48e1eb105f5d118ba17f88ccc97f4410a7ce8cf04b7a0",
    "2b734c016774a8727b502da986c86cdc0b87d0048acb12e3ed8acf5d33d91923",
]
FIRST = [19144, -14916, -13312, -9606, 12591, -3503]
"""Signs of the features of three pictures, and the first six features of the first."""


def pictures(count: int = 3) -> list[Image.Image]:
    return [Image.fromarray(each) for each in synthetic_pictures(count, 96, 11)]


def test_golden_codes() -> None:
    embedder = PhotoEmbedder()
    assert embedder.digest.hex() == DIGEST
    features = embedder.embed(pictures())
    assert [np.packbits(row > 0).tobytes().hex() for row in features] == GOLDEN
    assert features[0, :6].tolist() == FIRST


def test_batch_size_and_threads_do_not_matter() -> None:
    embedder, shown = PhotoEmbedder(), pictures(7)
    whole = embedder.embed(shown)
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert np.array_equal(np.concatenate([embedder.embed([each]) for each in shown]), whole)
            assert np.array_equal(embedder.embed(shown[::-1]), whole[::-1])


def test_features_are_balanced_and_unlike_pictures_differ() -> None:
    bits = PhotoEmbedder().embed(pictures(40)) > 0
    assert 0.4 < bits.mean() < 0.6
    apart = [int((a != b).sum()) for index, a in enumerate(bits) for b in bits[:index]]
    assert min(apart) > 60  # of 256; 128 by chance


def test_shape_does_not_count_but_content_does() -> None:
    embedder = PhotoEmbedder()
    shown = Image.fromarray(synthetic_pictures(1, 256, 3)[0])
    stretched = shown.resize((400, 300), Image.Resampling.BICUBIC)
    one, other = embedder.embed([shown, stretched]) > 0
    assert (one != other).sum() < 26
    turned = embedder.embed([shown.rotate(90)])[0] > 0
    assert (one != turned).sum() > 60


def test_thumbnails_of_small_and_large_pictures() -> None:
    for size in ((16, 16), (127, 300), (128, 128), (1000, 700)):
        assert thumbnail(Image.new("RGB", size, (1, 2, 3))).tolist() == [[[1, 2, 3]] * 64] * 64


@pytest.mark.parametrize("content", [b"", b"weights", bytes(1000)])
def test_other_weights(content: bytes) -> None:
    with pytest.raises(ModelError, match="not a fixed-point network"):
        PhotoEmbedder(content)
