"""BERT's word pieces, lower case: from a text to numbers of a vocabulary (Devlin et al., NAACL 2019; WordPiece).

The same pieces as Hugging Face's ``tokenizers`` gives with the settings of all-MiniLM-L6-v2, tested against it. What a
character is (a letter, an accent, punctuation) is Python's Unicode database to say: characters that one version of
Python knows and another does not may give other pieces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from pyml.errors import ModelError

_LONGEST_WORD = 100
"""Characters; a longer word is unknown as a whole."""
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
"""Blocks whose characters are words of their own, with the bounds that BERT's code has."""
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def read_vocabulary(content: bytes) -> dict[str, int]:
    """A piece a line, numbered from 0; ``ModelError`` without those that the method needs."""
    pieces = content.decode("utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(pieces) if piece}
    if not {"[CLS]", "[SEP]", "[UNK]"} <= set(vocabulary):
        raise ModelError("not a vocabulary of word pieces", expected="[CLS], [SEP] and [UNK] among them")
    return vocabulary


def word_pieces(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    """Numbers of the text's pieces, [CLS] and [SEP] not among them."""
    return [number for word in _words(text) for number in _pieces(word, vocabulary)]


def _words(text: str) -> Iterator[str]:
    spaced = "".join(_cleaned(character) for character in text)
    bare = "".join(each for each in unicodedata.normalize("NFD", spaced) if unicodedata.category(each) != "Mn")
    for run in bare.lower().split():
        word = ""
        for character in run:
            if _is_punctuation(character):
                if word:
                    yield word
                yield character
                word = ""
            else:
                word += character
        if word:
            yield word


def _cleaned(character: str) -> str:
    """Without control characters, every white space a blank, ideographs set apart."""
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    if character == "\ufffd" or unicodedata.category(character).startswith("C"):
        return ""
    if any(low <= ord(character) <= high for low, high in _IDEOGRAPHS):
        return f" {character} "
    return character


def _is_punctuation(character: str) -> bool:
    return character in _ASCII_PUNCTUATION or unicodedata.category(character).startswith("P")


def _pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The longest piece that fits, again and again; one [UNK] for a word that does not come apart."""
    unknown = [vocabulary["[UNK]"]]
    if len(word) > _LONGEST_WORD:
        return unknown
    found: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        fitting = (end for end in range(len(word), start, -1) if prefix + word[start:end] in vocabulary)
        end = next(fitting, None)
        if end is None:
            return unknown
        found.append(vocabulary[prefix + word[start:end]])
        start = end
    return found
