"""Lengths that tell little: each content is filled up to 256 bytes, 1, 4 or 16 KiB.

Source: specification, section 1.5; ISO/IEC 7816-4 (one bit, then zeros).
"""

from __future__ import annotations

from typing import Final

from pyml.errors import InputError, IntegrityError

BUCKETS: Final = (256, 1024, 4096, 16384)
MAX_CONTENT_BYTES: Final = BUCKETS[-1] - 1
_MARK: Final = b"\x80"
_LESS: Final = dict(zip(BUCKETS, (0, *BUCKETS), strict=False))
"""The next smaller bucket, in which a shorter content would have been."""


def pad(content: bytes) -> bytes:
    """Fill up to the next bucket."""
    size = len(content)
    for bucket in BUCKETS:
        if size < bucket:
            return (content + _MARK).ljust(bucket, b"\0")
    raise InputError(
        "the message is too long", expected=f"at most {MAX_CONTENT_BYTES} bytes", got=size, hint="Send it as a file."
    )


def unpad(padded: bytes) -> bytes:
    """The content; ``IntegrityError`` if no content gives these bytes."""
    content, size = padded.rstrip(b"\0"), len(padded)
    if content[-1:] != _MARK or size not in BUCKETS or len(content) <= _LESS[size]:
        raise IntegrityError("a message is not padded as it should be")
    return content[:-1]
