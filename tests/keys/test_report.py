"""The report holds what was measured: every number in the CSV file, a plot, one line a finding."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import DatasetError, InputError
from pyml.keys.domains import IMAGE
from pyml.keys.report import COLUMNS, Finding, Mode, draw, find, measures, table, to_csv
from pyml.keys.siamese_pictures import SiamesePictures
from pyml.keys.subjects import Subjects, drawn_digits, from_folder, sentence_pairs, spoken_digits
from pyml.ml.embedders.photo import PhotoEmbedder
from pyml.ml.embedders.synthetic import synthetic_pictures
from pyml.ml.siamese import Architecture, activations, siamese
from pyml.plots import save_plot


def pictures(count: int) -> Subjects[Image.Image]:
    shown = [partial(Image.fromarray, each) for each in synthetic_pictures(count, 96, 21)]
    return Subjects("made", IMAGE, shown, [index // 2 for index in range(count)])


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return find(pictures(6), PhotoEmbedder())


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_finding_a_mode(findings: list[Finding]) -> None:
    assert [finding.mode for finding in findings] == [Mode.PAPER, Mode.VAULT]
    assert findings[0].name == "made, pyml photo 1, paper"
    paper, vault = (finding.report for finding in findings)
    assert vault.all_genuine.share > 0.95 > paper.all_genuine.share
    assert vault.alike is not None
    assert (vault.alike.trials, vault.impostors.trials) == (6, 24)
    assert vault.impostors.accepted == 0
    assert findings[1].as_dict()["domain"] == "image"
    (only,) = find(pictures(4), PhotoEmbedder(), modes=[Mode.VAULT])
    assert only.mode is Mode.VAULT


def test_csv_has_every_measure(findings: list[Finding]) -> None:
    written = rows(to_csv(findings))
    assert tuple(written[0]) == COLUMNS
    assert len(written) == sum(len(list(measures(finding.report))) for finding in findings)
    by_name = {(row["mode"], row["measure"]): row for row in written}
    genuine = findings[1].report.genuine["crop 85 %"]
    row = by_name["vault", "recovered after crop 85 %"]
    assert (float(row["value"]), int(row["trials"])) == (pytest.approx(genuine.share), 6)
    assert float(row["low"]) == pytest.approx(genuine.bounds()[0], rel=1e-4)
    assert float(by_name["vault", "helper leak, bits"]["value"]) == 42
    assert by_name["vault", "collision entropy, bits"]["value"] == ""  # all codes differ
    assert by_name["paper", "helper leak, bits"]["trials"] == ""
    assert float(by_name["paper", "min-entropy, bits"]["value"]) == pytest.approx(np.log2(6), rel=1e-5)


def test_a_name_cannot_break_the_csv() -> None:
    (finding,) = find(pictures(4), PhotoEmbedder(), modes=[Mode.PAPER])
    odd = Finding('a,"b"\nc', "image", finding.report)
    assert {row["data"] for row in rows(to_csv([odd]))} == {'a,"b"\nc'}


def test_the_plot_is_a_png_and_repeats(findings: list[Finding], tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        save_plot(tmp_path / name, partial(draw, findings))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as shown:
        assert shown.format == "PNG"
        assert min(shown.size) > 400


def test_one_line_a_finding(findings: list[Finding]) -> None:
    paper, vault = table(findings)
    assert paper["mode"] == "paper"
    assert vault["leak"] == "42 of 127"
    assert vault["false accepts"].startswith("0 of 24 (< ")
    assert paper["distinct"] == "6 of 6"
    assert paper["H, H2, H∞"] == "≥ 2.6, ?, ≥ 2.6"  # six codes that differ tell of six


def test_no_mode() -> None:
    with pytest.raises(InputError, match="no mode to evaluate"):
        find(pictures(4), PhotoEmbedder(), modes=[])


# What it is run on


def test_digits_are_pictures_with_classes() -> None:
    digits = drawn_digits("digits").first(5)
    assert len(digits.things) == 5
    assert digits.things[0]().size == (64, 64)
    assert digits.things[0]().mode == "RGB"
    assert digits.labels is not None
    assert len(digits.labels) == 5


def test_sentences_come_in_pairs() -> None:
    pairs = sentence_pairs()
    assert pairs.labels is not None
    assert len(pairs.things) == 128 == len({load() for load in pairs.things})
    assert np.bincount(pairs.labels).tolist() == [2] * 64
    assert pairs.domain.name == "text"


DATA = Path(os.environ["PYML_DATA"]) if os.environ.get("PYML_DATA") else None


@pytest.mark.skipif(DATA is None or not (DATA / "audio").is_dir(), reason="PYML_DATA has no audio")
def test_digits_are_spoken_by_people_that_nothing_was_trained_on() -> None:
    spoken = spoken_digits(DATA)
    assert spoken.labels is not None
    assert np.bincount(spoken.labels).tolist() == [10] * 20  # takes of ten digits by two people
    assert spoken.things[0]().dtype == np.int16
    assert spoken.first(7).labels == spoken.labels[:7]


def test_recordings_that_are_absent(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the recordings are not here"):
        spoken_digits(tmp_path)


def test_a_folder(tmp_path: Path) -> None:
    for index, each in enumerate(synthetic_pictures(3, 32, 1)):
        Image.fromarray(each).save(tmp_path / f"{index}.png")
    shown = from_folder(tmp_path)
    assert [load().size for load in shown.things] == [(32, 32)] * 3
    assert shown.labels is None
    with pytest.raises(InputError, match="has no sounds"):
        from_folder(tmp_path, "sound")


def test_a_label_for_each() -> None:
    with pytest.raises(InputError, match="made: not a label for each; expected 3; got 1"):
        Subjects("made", IMAGE, pictures(3).things, [1])


# Networks of paper mode as embedders


def test_features_are_the_papers_bits() -> None:
    network = siamese(Architecture("cnn", 1, 8, 8), seed=3)
    embedder = SiamesePictures(network)
    shown = [Image.fromarray(each).convert("L") for each in synthetic_pictures(5, 32, 2)]
    exact = np.concatenate(list(activations(network, _small(shown), pixel_max=255, batch=1)))
    features = embedder.embed([each.convert("RGB") for each in shown])
    assert features.shape == (5, 256)
    assert np.array_equal(features > 0, exact >= 0.5)
    assert np.array_equal(embedder.embed([shown[3]])[0], features[3])


def _small(shown: Sequence[Image.Image]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(each.resize((8, 8), Image.Resampling.BICUBIC)) for each in shown])


def test_an_activation_of_a_half_is_a_one() -> None:
    network = siamese(Architecture("cnn", 1, 8, 8))
    for parameter in network.parameters():
        parameter.data.zero_()
    assert (SiamesePictures(network).embed([Image.new("RGB", (8, 8))]) > 0).all()


def test_another_network_is_another_embedder() -> None:
    architecture = Architecture("cnn", 1, 8, 8)
    one, same, other = (SiamesePictures(siamese(architecture, seed=seed)) for seed in (1, 1, 2))
    assert one.digest == same.digest != other.digest
