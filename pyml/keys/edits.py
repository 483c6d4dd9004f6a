"""What happens to pictures between enrolment and recovery: the edits that are measured, and those that enrolment tries.

``EDITS`` are those of the specification, section 4. ``views`` are made at enrolment to find reliable bits: the same
kinds at other strengths, so that the measurement is of unseen edits.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from PIL import Image

Edit: TypeAlias = Callable[[Image.Image], Image.Image]


def compressed(kind: str, quality: int) -> Edit:
    """Through a lossy file format and back."""

    def edit(picture: Image.Image) -> Image.Image:
        stored = io.BytesIO()
        picture.save(stored, kind, quality=quality)
        return Image.open(stored).convert("RGB")

    return edit


def resized(scale: float) -> Edit:
    """Both sides by a factor, bicubic."""

    def edit(picture: Image.Image) -> Image.Image:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.BICUBIC)

    return edit


def cropped(share: float, horizontal: float = 0.5, vertical: float = 0.5) -> Edit:
    """A part with ``share`` of each side; 0 is left or top, 1 right or bottom."""

    def edit(picture: Image.Image) -> Image.Image:
        width, height = (round(side * share) for side in picture.size)
        left = round((picture.width - width) * horizontal)
        top = round((picture.height - height) * vertical)
        return picture.crop((left, top, left + width, top + height))

    return edit


def brighter(factor: float) -> Edit:
    """Every level times a factor, clipped."""
    return lambda picture: picture.point([min(255, round(level * factor)) for level in range(256)] * 3)


def rotated(degrees: float) -> Edit:
    """About the centre, bicubic, within the old frame; corners turn black."""
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC)


EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "jpeg 75": compressed("JPEG", 75),
        "jpeg 30": compressed("JPEG", 30),
        "webp 80": compressed("WEBP", 80),
        "resize 50 %": resized(0.5),
        "crop 95 %": cropped(0.95),
        "crop 85 %": cropped(0.85),
        "brightness 120 %": brighter(1.2),
        "rotation 2°": rotated(2),
    }
)

_VIEWS: tuple[Edit, ...] = (
    compressed("JPEG", 50),
    resized(0.35),
    cropped(0.9),
    cropped(0.92, 0, 0),
    cropped(0.92, 1, 1),
    cropped(0.8),
    brighter(0.8),
    rotated(-3),
    rotated(3),
)


def views(picture: Image.Image) -> list[Image.Image]:
    """The picture itself, then as enrolment expects to meet it again."""
    return [picture, *(edit(picture) for edit in _VIEWS)]
