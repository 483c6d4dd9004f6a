"""Texts from outside: a file of UTF-8, bounded before it is decoded, as one line of characters.

A text may be a secret: it is read from a file or the standard input, never from the words of a command, and no error
quotes it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from pyml.errors import InputError
from pyml.files import files_in, read_bounded

MAX_BYTES = 1 << 14
MIN_WORDS = 5
"""Below, a mistake or two leave nothing to recognise."""
SUFFIXES = frozenset({".txt"})


def open_text(path: Path) -> str:
    """The text in a file, or ``InputError`` that says what is wrong with it."""
    try:
        content = read_bounded(path, MAX_BYTES)
    except ValueError as error:
        raise InputError(f"{path} is too long a text", expected=f"at most {MAX_BYTES} bytes") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode_text(content, str(path))


def decode_text(content: bytes, origin: str = "text") -> str:
    """As ``open_text``, from bytes; every run of white space becomes one blank."""
    if len(content) > MAX_BYTES:
        raise InputError(f"{origin} is too long a text", expected=f"at most {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{origin} is not a text", expected="UTF-8") from None  # the cause would quote it
    if any(unicodedata.category(character) == "Cc" and not character.isspace() for character in text):
        raise InputError(f"{origin} is not a text", expected="no control characters")
    words = text.split()
    if len(words) < MIN_WORDS:
        raise InputError(f"{origin} is too short a text", expected=f"{MIN_WORDS} words or more", got=len(words))
    return " ".join(words)


def texts_in(folder: Path) -> list[Path]:
    """Text files right in a folder, sorted by name; ``InputError`` where there are none."""
    return files_in(folder, SUFFIXES, what="texts")
