"""Spoken digits: 600 recordings of the Free Spoken Digit Dataset, six people who say each digit ten times.

The data set (Zohar Jackson and contributors, https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0) has
fifty takes of each; these are the first ten. What is pinned is their names and bytes, not the archive that they come
in, which its host packs anew as it likes.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from pyml.errors import DatasetError
from pyml.files import read_bounded, write_atomically
from pyml.ml.sources import Progress, SourceFile, fetch

FOLDER = "audio"
"""Where the recordings lie in a data directory, and in the cache."""
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
DIGITS, TAKES = 10, 10
DIGEST = "917cff73325c724b8d698df77c3260ba843a6d2b05225affe40341daf9872fa7"
"""SHA-256 over the recordings in order of digit, speaker, take: name, a zero byte, length in four bytes, content."""
_MAX_RECORDING = 1 << 17
_ARCHIVE = SourceFile("master.tar.gz", packed_limit=64 << 20, raw_limit=128 << 20)
_MIRRORS = ("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads",)
_MEMBER = "free-spoken-digit-dataset-master/recordings/"


@dataclass(frozen=True, slots=True)
class Recording:
    """One WAV file: 8 kHz, one channel, 16 bits."""

    digit: int
    speaker: str
    take: int
    content: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return f"{self.digit}_{self.speaker}_{self.take}.wav"


def read_recordings(
    data_dir: Path | None,
    *,
    download: bool = False,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[Recording]:
    """All 600 by digit, speaker and take; ``DatasetError`` where they are absent or not the pinned ones.

    Looked for in ``data_dir``, then ``cache_dir``, then (with ``download``) at the public source (fills the cache).
    """
    folders = [folder / FOLDER for folder in (data_dir, cache_dir) if folder is not None]
    names = [each.name for each in _wanted()]
    folder = next((each for each in folders if all((each / name).is_file() for name in names)), None)
    if folder is not None:
        contents = {name: _read(folder / name) for name in names}
    elif download:
        _, archive = fetch(_ARCHIVE, _MIRRORS, progress=progress)
        contents = _extracted(archive, names)
    else:
        looked = ", ".join(str(each) for each in folders) or "nowhere: no data directory is set"
        raise DatasetError(
            f"spoken digits: the recordings are not here (looked in {looked})",
            hint=f"Set PYML_DATA to a folder that has {FOLDER}/{names[0]} and the others.",
        )
    recordings = [Recording(each.digit, each.speaker, each.take, contents[each.name]) for each in _wanted()]
    _require_pinned(recordings)
    if folder is None and cache_dir is not None:
        for each in recordings:
            write_atomically(cache_dir / FOLDER / each.name, each.content)
    return recordings


def _wanted() -> list[Recording]:
    return [Recording(digit, speaker, take) for digit in range(DIGITS) for speaker in SPEAKERS for take in range(TAKES)]


def _require_pinned(recordings: list[Recording]) -> None:
    state = hashlib.sha256()
    for each in recordings:
        state.update(each.name.encode() + b"\0" + len(each.content).to_bytes(4, "big") + each.content)
    if state.hexdigest() != DIGEST:
        raise DatasetError(
            "spoken digits: the recordings are not the published ones",
            expected=f"sha256 {DIGEST}",
            got=state.hexdigest(),
        )


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, _MAX_RECORDING)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def _extracted(archive: bytes, names: list[str]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            for name in names:
                member = opened.extractfile(_MEMBER + name)
                contents[name] = member.read(_MAX_RECORDING) if member is not None else b""
    except (tarfile.TarError, KeyError) as error:
        raise DatasetError(f"spoken digits: the archive lacks a recording: {error}") from error
    return contents
