"""Pictures from outside, read safely and always to the same kind of array.

A file is bounded in bytes before it is opened and in pixels before it is decoded. Everything becomes 8-bit RGB:
the camera's rotation (EXIF) is applied, 16-bit grey is scaled, CMYK and palettes are converted, transparency lies on
white, and of an animation the first frame counts. JPEG decoders may differ by one level between builds; the margins of
the mask absorb that, and golden codes in the tests are of lossless pictures.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pyml.errors import InputError
from pyml.files import files_in, read_bounded

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
_PIXELS = f"at most {MAX_PIXELS / 1e6:.0f} million"
MIN_SIDE = 16
"""Smallest width and height: below, there is nothing to recognise."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})


def open_picture(path: Path) -> Image.Image:
    """An RGB picture, or ``InputError`` that says what is wrong with the file."""
    try:
        content = read_bounded(path, MAX_BYTES)
    except ValueError as error:
        raise InputError(f"{path} is too large a file", expected=f"at most {MAX_BYTES >> 20} MiB") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode_picture(content, str(path))


def decode_picture(content: bytes, origin: str = "picture") -> Image.Image:
    """As ``open_picture``, from bytes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of half a bomb and of broken metadata
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                _require_size(opened, origin)
                opened.seek(0)
                opened.load()
                turned = ImageOps.exif_transpose(opened)
                return _rgb(turned)
    except InputError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{origin} has too many pixels", expected=_PIXELS) from error
    except UnidentifiedImageError as error:
        raise InputError(f"{origin} is not a picture", expected=", ".join(_FORMATS)) from error
    except MemoryError as error:
        raise InputError(f"{origin} does not fit the memory") from error
    except Exception as error:  # decoders raise what they like: OSError, SyntaxError, struct.error, EOFError, …
        raise InputError(f"{origin} is a damaged picture: {error}") from error


def pictures_in(folder: Path) -> list[Path]:
    """Picture files right in a folder, sorted by name; ``InputError`` where there are none."""
    return files_in(folder, SUFFIXES, what="pictures")


def opened(paths: list[Path]) -> Iterator[Image.Image]:
    """One at a time, so that memory stays bounded."""
    return (open_picture(path) for path in paths)


def _require_size(picture: Image.Image, origin: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise InputError(f"{origin} has too many pixels", expected=_PIXELS, got=f"{width}×{height}")
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{origin} is too small", expected=f"{MIN_SIDE}×{MIN_SIDE} or more", got=f"{width}×{height}")


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture).astype(np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        picture = Image.fromarray((np.clip(values / top, 0, 1) * 255).round().astype(np.uint8))
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        above = picture.convert("RGBA")
        picture = Image.new("RGBA", above.size, "white")
        picture.alpha_composite(above)
    return picture.convert("RGB")
