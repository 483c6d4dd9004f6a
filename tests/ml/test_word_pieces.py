"""Word pieces are those of BERT's own tokenizer."""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import ModelError
from pyml.ml.embedders.text import PACKAGE, is_installed
from pyml.ml.embedders.word_pieces import read_vocabulary, word_pieces

SMALL = read_vocabulary(
    b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\na\n##b\n,\n!\nhello\n\xe6\x97\xa5\n\xe6\x9c\xac\n"
)


def pieces(text: str) -> list[str]:
    names = {number: piece for piece, number in SMALL.items()}
    return [names[number] for number in word_pieces(text, SMALL)]


def test_longest_pieces_first() -> None:
    assert pieces("unaffable") == ["un", "##aff", "##able"]
    assert pieces("abb ab") == ["a", "##b", "##b", "a", "##b"]
    assert pieces("unaffabl") == ["[UNK]"]


def test_case_accents_blanks_and_punctuation() -> None:
    assert pieces("  HÉLLO,\u00a0hello!\tun\x00affable\u200b\n") == [
        "hello",
        ",",
        "hello",
        "!",
        "un",
        "##aff",
        "##able",
    ]
    assert pieces("日本") == ["日", "本"]
    assert pieces("") == pieces(" \n") == []


def test_words_too_long_are_unknown() -> None:
    assert pieces("a" + "b" * 99) == ["a", *["##b"] * 99]
    assert pieces("a" + "b" * 100) == ["[UNK]"]


@pytest.mark.parametrize("content", [b"", b"hello\nworld\n", b"[CLS]\n[SEP]\n"])
def test_no_vocabulary(content: bytes) -> None:
    with pytest.raises(ModelError, match="not a vocabulary of word pieces"):
        read_vocabulary(content)


@cache
def both() -> tuple[dict[str, int], Callable[[str], Any]]:
    """The model's vocabulary, and the tokenizer that others use with it."""
    import tokenizers

    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "model"
    theirs: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    return read_vocabulary((folder / "vocab.txt").read_bytes()), theirs.encode


def is_older(text: str) -> bool:
    """Whether all characters are in Unicode 3.2, which every version of both databases has."""
    return all(unicodedata.ucd_3_2_0.category(each) != "Cn" for each in text)


@pytest.mark.skipif(
    not is_installed() or importlib.util.find_spec("tokenizers") is None,
    reason="needs pip install 'pyml[text]' and the package tokenizers",
)
@given(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cn", "Co")), max_size=40),
        st.text("aábcDEÉ'.,- \t1", max_size=40),
    ).filter(is_older)
)
def test_pieces_are_those_of_the_tokenizers_library(text: str) -> None:
    vocabulary, theirs = both()
    assert word_pieces(text, vocabulary) == theirs(text).ids[1:-1]
