"""Recordings are the pinned ones, from a folder, a cache or the published archive, or are refused in one line."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from pyml.config import load_config
from pyml.errors import DatasetError
from pyml.ml import spoken_digits
from pyml.ml.spoken_digits import FOLDER, Recording, read_recordings

FEW = ("george", "theo")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small data set of the same form, pinned."""
    monkeypatch.setattr(spoken_digits, "SPEAKERS", FEW)
    monkeypatch.setattr(spoken_digits, "TAKES", 2)
    contents = {each.name: f"RIFF {each.name}".encode() for each in spoken_digits._wanted()}
    with pytest.raises(DatasetError) as caught:
        spoken_digits._require_pinned(
            [Recording(each.digit, each.speaker, each.take, contents[each.name]) for each in spoken_digits._wanted()]
        )
    monkeypatch.setattr(spoken_digits, "DIGEST", caught.value.got)
    return contents


@pytest.fixture
def mirror(few: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the archive is published."""
    place = tmp_path / "mirror"
    place.mkdir()
    monkeypatch.setattr(spoken_digits, "_MIRRORS", (place.as_uri(),))
    return place


def archive(contents: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for name, content in contents.items():
            entry = tarfile.TarInfo("free-spoken-digit-dataset-master/recordings/" + name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def written(folder: Path, contents: dict[str, bytes]) -> Path:
    (folder / FOLDER).mkdir(parents=True)
    for name, content in contents.items():
        (folder / FOLDER / name).write_bytes(content)
    return folder


def test_the_published_recordings() -> None:
    data = load_config().data
    if data is None or not (data / FOLDER).is_dir():
        pytest.skip("needs PYML_DATA with audio/")
    recordings = read_recordings(data)
    assert len(recordings) == 600
    assert recordings[61].name == "1_george_1.wav"
    assert recordings[-1].name == "9_yweweler_9.wav"
    assert "RIFF" not in repr(recordings[0])


def test_from_a_folder(few: dict[str, bytes], tmp_path: Path) -> None:
    found = read_recordings(written(tmp_path, few))
    assert {each.name: each.content for each in found} == few


def test_from_the_archive_and_then_from_the_cache(few: dict[str, bytes], mirror: Path, tmp_path: Path) -> None:
    (mirror / "master.tar.gz").write_bytes(archive(few))
    cache = tmp_path / "cache"
    found = read_recordings(None, download=True, cache_dir=cache)
    assert {each.name: each.content for each in found} == few
    (mirror / "master.tar.gz").unlink()
    assert read_recordings(None, download=True, cache_dir=cache) == found


def test_absent(few: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"are not here \(looked in nowhere: no data directory is set\). Set PYML_DATA"
    ):
        read_recordings(None)
    written(tmp_path, few)
    (tmp_path / FOLDER / "9_theo_1.wav").unlink()
    with pytest.raises(DatasetError, match=r"the recordings are not here \(looked in .*audio\)"):
        read_recordings(tmp_path)


def test_one_bit_of_one_recording(few: dict[str, bytes], tmp_path: Path) -> None:
    few["3_george_1.wav"] = few["3_george_1.wav"][:-1] + b"w"
    with pytest.raises(DatasetError, match="the recordings are not the published ones; expected sha256"):
        read_recordings(written(tmp_path, few))


def test_a_file_that_is_too_large(few: dict[str, bytes], tmp_path: Path) -> None:
    few["3_george_1.wav"] = bytes((1 << 17) + 1)
    with pytest.raises(DatasetError, match=r"3_george_1\.wav cannot be read: larger than 131072 bytes"):
        read_recordings(written(tmp_path, few))


def test_archives_that_are_wrong_leave_no_cache(few: dict[str, bytes], mirror: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    def refused(content: bytes) -> str:
        (mirror / "master.tar.gz").write_bytes(content)
        with pytest.raises(DatasetError) as caught:
            read_recordings(None, download=True, cache_dir=cache)
        assert not cache.exists()
        return str(caught.value)

    assert "could not be downloaded: " in refused(b"not gzip")
    assert "the archive lacks a recording" in refused(gzip.compress(b"not tar"))
    assert "the archive lacks a recording" in refused(archive(dict(list(few.items())[1:])))
    assert "are not the published ones" in refused(archive(few | {"0_theo_0.wav": b"RIFF"}))


def test_no_network(few: dict[str, bytes], mirror: Path) -> None:
    with pytest.raises(DatasetError, match=r"master.tar.gz could not be downloaded: .*Check the network"):
        read_recordings(None, download=True)
