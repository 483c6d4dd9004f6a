"""What evaluation is run on: digits, MNIST, folders of pictures, pairs of sentences, spoken digits.

Things under one label are alike without being the same: other digits of the same class, the other sentence of a pair,
other takes of a word by its speaker. They are neither edits nor impostors, and are counted apart.

Digits are shown as pictures that a person could look at: enlarged to about 64 and 112 pixels, before any edit. Only the
test split is used, because networks were trained on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys.domains import DOMAINS, Domain
from pyml.keys.sounds import decode_sound
from pyml.ml.datasets import load
from pyml.ml.spoken_digits import read_recordings

Item = TypeVar("Item")
SENTENCES = "sentence_pairs.tsv"
_SIDE = 64
"""At least so many pixels are made of a digit's side."""


@dataclass(frozen=True, slots=True)
class Subjects(Generic[Item]):
    """Things of one domain, opened one at a time."""

    name: str
    domain: Domain[Item]
    things: Sequence[Callable[[], Item]]
    labels: Sequence[int] | None = None
    """Equal for things that are alike; ``None``: no two are."""

    def __post_init__(self) -> None:
        if self.labels is not None and len(self.labels) != len(self.things):
            raise InputError(f"{self.name}: not a label for each", expected=len(self.things), got=len(self.labels))

    def first(self, count: int) -> Subjects[Item]:
        """At most so many of them."""
        labels = None if self.labels is None else self.labels[:count]
        return Subjects(self.name, self.domain, self.things[:count], labels)


def drawn_digits(name: str, data_dir: Path | None = None) -> Subjects[Any]:
    """Test images of ``digits`` or ``mnist``, labelled by class."""
    dataset = load(name, data_dir)
    levels = (dataset.test_images.astype(np.uint16) * 255 // dataset.pixel_max).astype(np.uint8)
    things = [partial(_enlarged, image) for image in levels]
    return Subjects(name, DOMAINS["image"], things, dataset.test_labels.tolist())


def from_folder(folder: Path, kind: str = "image") -> Subjects[Any]:
    """Files of a domain right in a folder; no two are taken to be alike."""
    domain = DOMAINS[kind]
    return Subjects(folder.name, domain, [partial(domain.open, path) for path in domain.files(folder)])


def spoken_digits(data_dir: Path | None) -> Subjects[Any]:
    """Digits said by those whom the built-in embedder was not trained on; takes of a digit by one person are alike."""
    from pyml.ml.embedders.sound import TRAINED_ON

    recordings = [each for each in read_recordings(data_dir) if each.speaker not in TRAINED_ON]
    things = [partial(decode_sound, each.content, each.name) for each in recordings]
    _, labels = np.unique([f"{each.digit} {each.speaker}" for each in recordings], return_inverse=True)
    return Subjects("spoken digits", DOMAINS["sound"], things, labels.tolist())


def sentence_pairs() -> Subjects[Any]:
    """Sentences that come with pyml, two of each meaning, written for this purpose."""
    text = (resources.files("pyml.keys") / SENTENCES).read_text(encoding="utf-8")
    sentences = [sentence for line in text.splitlines() for sentence in line.split("\t")]
    labels = [index // 2 for index in range(len(sentences))]
    return Subjects("sentence pairs", DOMAINS["text"], [partial(_itself, each) for each in sentences], labels)


def _enlarged(image: NDArray[np.uint8]) -> Image.Image:
    factor = -(-_SIDE // image.shape[0])
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return Image.fromarray(image).resize(size, Image.Resampling.BICUBIC).convert("RGB")


def _itself(sentence: str) -> str:
    return sentence
