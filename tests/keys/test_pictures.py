"""Files that claim to be pictures: every kind that people have, and what must be refused in one line."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pyml.errors import InputError
from pyml.keys.edits import EDITS, views
from pyml.keys.pictures import decode_picture, open_picture, pictures_in

RED, BLUE = (200, 10, 10), (10, 10, 200)


def picture(width: int = 48, height: int = 32) -> Image.Image:
    """Red on the left, blue on the right."""
    made = Image.new("RGB", (width, height), BLUE)
    made.paste(RED, (0, 0, width // 2, height))
    return made


def stored(made: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    made.save(content, kind, **options)
    return content.getvalue()


def near(found: Image.Image, expected: tuple[int, int, int], at: tuple[int, int]) -> bool:
    pixel = np.asarray(found)[at[1], at[0]].astype(int)
    return bool((abs(pixel - expected) <= 12).all())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "GIF"])
def test_kinds(kind: str) -> None:
    found = decode_picture(stored(picture(), kind))
    assert (found.mode, found.size) == ("RGB", (48, 32))
    assert near(found, RED, (10, 16))
    assert near(found, BLUE, (40, 16))


def test_the_cameras_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by a quarter to see it upright
    found = decode_picture(stored(picture(), "JPEG", exif=exif, quality=95))
    assert found.size == (32, 48)
    assert near(found, RED, (16, 10))
    assert near(found, BLUE, (16, 40))


def test_modes() -> None:
    assert near(decode_picture(stored(picture().convert("CMYK"), "JPEG", quality=95)), RED, (10, 16))
    assert near(decode_picture(stored(picture().convert("P"))), RED, (10, 16))
    assert near(decode_picture(stored(picture().convert("L"))), (67, 67, 67), (10, 16))
    deep = Image.fromarray(np.full((32, 48), 40_000, np.uint16))
    assert near(decode_picture(stored(deep)), (156, 156, 156), (10, 16))
    clear = picture().convert("RGBA")
    clear.putalpha(0)
    assert near(decode_picture(stored(clear)), (255, 255, 255), (10, 16))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    other = Image.new("RGB", (48, 32), (10, 200, 10))
    content = stored(picture(), kind, save_all=True, append_images=[other], duration=100)
    assert near(decode_picture(content), RED, (10, 16))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has nothing in it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def refused(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode_picture(content, "p")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_is_no_picture() -> None:
    for content in (b"", b"hello", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"<svg/>"):
        assert "p is not a picture" in refused(content) or "p is a damaged picture" in refused(content)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        whole = stored(Image.effect_noise((64, 64), 90).convert("RGB"), kind)
        assert "damaged picture" in refused(whole[: len(whole) // 2])


def test_sizes() -> None:
    assert refused(png_header(9_000, 8_000)) == "p has too many pixels; expected at most 64 million; got 9000×8000"
    for side in (10_000, 30_000, 2**31 - 1):  # where Pillow itself warns, and where it refuses
        assert refused(png_header(side, side)) == "p has too many pixels; expected at most 64 million"
    assert "p is too small; expected 16×16 or more; got 1×1" in refused(stored(picture(2, 2).crop((0, 0, 1, 1))))
    assert "too small" in refused(stored(picture(15, 400)))


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"none\.png cannot be read: No such file"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        open_picture(tmp_path)
    with pytest.raises(InputError, match=r"has no pictures; expected \.bmp"):
        pictures_in(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        pictures_in(tmp_path / "none")
    (tmp_path / "b.PNG").write_bytes(stored(picture()))
    (tmp_path / "a.jpg").write_bytes(stored(picture(), "JPEG"))
    (tmp_path / "notes.txt").write_text("no")
    assert [path.name for path in pictures_in(tmp_path)] == ["a.jpg", "b.PNG"]
    monkeypatch.setattr("pyml.keys.pictures.MAX_BYTES", 10)
    with pytest.raises(InputError, match="too large a file"):
        open_picture(tmp_path / "b.PNG")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF"]), st.integers(0, 10**6), st.integers(1, 255))
def test_damage_is_refused_or_harmless(kind: str, place: int, change: int) -> None:
    content = bytearray(stored(picture(), kind))
    content[place % len(content)] ^= change
    with contextlib.suppress(InputError):
        assert decode_picture(bytes(content)).mode == "RGB"


# Edits


def test_edits_do_what_they_say() -> None:
    made = picture(200, 100)
    sizes = {name: edit(made).size for name, edit in EDITS.items()}
    assert sizes["resize 50 %"] == (100, 50)
    assert sizes["crop 95 %"] == (190, 95)
    assert sizes["crop 85 %"] == (170, 85)
    assert {sizes[name] for name in ("jpeg 75", "jpeg 30", "webp 80", "brightness 120 %", "rotation 2°")} == {
        (200, 100)
    }
    assert near(EDITS["brightness 120 %"](made), (240, 12, 12), (50, 50))
    assert len(EDITS) == 8


def test_views_begin_with_the_picture_and_differ_from_the_measured_edits() -> None:
    noise = Image.effect_noise((96, 64), 60).convert("RGB")
    seen = [np.asarray(each.resize((64, 64))).tobytes() for each in views(noise)]
    assert views(noise)[0] is noise
    assert len(set(seen)) == len(seen) == 10
    measured = {np.asarray(edit(noise).resize((64, 64))).tobytes() for edit in EDITS.values()}
    assert measured.isdisjoint(seen)
