"""What a key may hang on: pictures, texts, sounds. One value each, so that all else is the same for the three."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from PIL import Image

from pyml.errors import InputError
from pyml.keys import edits, sound_edits, text_edits
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.pictures import open_picture, pictures_in
from pyml.keys.sounds import Samples, open_sound, sounds_in
from pyml.keys.texts import open_text, texts_in
from pyml.ml.embedders.protocol import Embedder

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Domain(Generic[Item]):
    """How items of one kind are read, what becomes of them, and what makes bits of them."""

    name: str
    noun: str
    """What people call one of its items."""
    open: Callable[[Path], Item]
    """An item from a file; ``InputError`` that says what is wrong with it."""
    views: Callable[[Item], list[Item]]
    """The item itself, then as enrolment expects to meet it again."""
    edits: Mapping[str, Callable[[Item], Item]]
    """What recovery is measured with, none of it among the views."""
    files: Callable[[Path], list[Path]]
    """Its files right in a folder, sorted by name; ``InputError`` where there are none."""
    embedder: Callable[[], Embedder[Item]]
    """The one that is built in."""
    code: BchCode = field(default_factory=BchCode)
    """What vaults of its items correct errors with."""

    @property
    def plural(self) -> str:
        return f"{self.noun}s"


def _photo_embedder() -> Embedder[Image.Image]:
    from pyml.ml.embedders.photo import PhotoEmbedder

    return PhotoEmbedder()


def _text_embedder() -> Embedder[str]:
    from pyml.ml.embedders.text import TextEmbedder

    return TextEmbedder()


def _sound_embedder() -> Embedder[Samples]:
    from pyml.ml.embedders.sound import SoundEmbedder

    return SoundEmbedder()


IMAGE = Domain("image", "picture", open_picture, edits.views, edits.EDITS, pictures_in, _photo_embedder)
TEXT = Domain("text", "text", open_text, text_edits.views, text_edits.EDITS, texts_in, _text_embedder)
SOUND = Domain("sound", "sound", open_sound, sound_edits.views, sound_edits.EDITS, sounds_in, _sound_embedder)

DOMAINS: Mapping[str, Domain[Any]] = MappingProxyType({each.name: each for each in (IMAGE, TEXT, SOUND)})
"""By name."""


def domain_named(name: str) -> Domain[Any]:
    """``InputError`` for a name that is none."""
    if name not in DOMAINS:
        raise InputError("no such domain", expected=f"one of {', '.join(DOMAINS)}", got=name)
    return DOMAINS[name]
