"""What happens to texts between enrolment and recovery: the edits that are measured, and those that enrolment tries.

As ``pyml.keys.edits`` has it for pictures. Enrolment tries other mistakes than those that are measured: it doubles
letters and leaves them out where the measurement exchanges neighbours and hits a wrong key, and it drops and moves
words in other ways. All follow from the text itself.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Edit: TypeAlias = Callable[[str], str]


def without_punctuation(text: str) -> str:
    """Letters, digits and blanks only."""
    return "".join(each for each in text if each.isalnum() or each.isspace())


def spaced(text: str) -> str:
    """Words on lines of their own, indented."""
    return "\n\t".join(text.split())


def exchanged(place: float) -> Edit:
    """Two unlike neighbours exchanged."""

    def change(word: str, at: int) -> str:
        unlike = (index for index in (*range(at, len(word)), *range(at - 1, 0, -1)) if word[index - 1] != word[index])
        index = next(unlike, 0)
        return word[: index - 1] + word[index] + word[index - 1] + word[index + 1 :] if index else word

    return _misspelt(place, change)


def mistyped(place: float) -> Edit:
    """A letter replaced by the next one of the alphabet."""
    return _misspelt(place, lambda word, at: word[:at] + _next(word[at]) + word[at + 1 :])


def left_out(place: float) -> Edit:
    """A letter missing."""
    return _misspelt(place, lambda word, at: word[:at] + word[at + 1 :])


def doubled(place: float) -> Edit:
    """A letter twice."""
    return _misspelt(place, lambda word, at: word[:at] + word[at] + word[at:])


def dropped(first: float, count: int = 1) -> Edit:
    """Without ``count`` words from this share of the text on; the last word stays if it is the only one."""

    def edit(text: str) -> str:
        words = text.split()
        at = min(int(first * len(words)), len(words) - 1)
        return " ".join([*words[:at], *words[at + count :]] or words[:1])

    return edit


def swapped(first: float, distance: int = 1) -> Edit:
    """Two words exchanged, so many places from each other."""

    def edit(text: str) -> str:
        words = text.split()
        at = min(int(first * len(words)), max(len(words) - 1 - distance, 0))
        other = min(at + distance, len(words) - 1)
        words[at], words[other] = words[other], words[at]
        return " ".join(words)

    return edit


def both(first: Edit, second: Edit) -> Edit:
    """One edit after the other."""
    return lambda text: second(first(text))


def _misspelt(place: float, change: Callable[[str, int], str]) -> Edit:
    """A mistake in the middle of one of the text's longer words."""

    def edit(text: str) -> str:
        words = text.split()
        longest = sorted(range(len(words)), key=lambda index: (-len(words[index]), index))
        long = sorted(longest[: max(1, len(words) // 2)])
        at = long[min(int(place * len(long)), len(long) - 1)]
        if len(words[at]) > 1:
            words[at] = change(words[at], len(words[at]) // 2)
        return " ".join(words)

    return edit


def _next(letter: str) -> str:
    place = string.ascii_lowercase.find(letter.lower())
    return string.ascii_lowercase[(place + 1) % 26]


EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "upper case": str.upper,
        "white space": spaced,
        "no punctuation": without_punctuation,
        "two letters exchanged": exchanged(0.5),
        "a wrong letter": mistyped(0.25),
        "two mistakes": both(mistyped(0), exchanged(0.75)),
        "a word dropped": dropped(0.5),
        "two words exchanged": swapped(0.4),
    }
)

_VIEWS: tuple[Edit, ...] = (
    lambda text: text.rstrip(string.punctuation) + "!",
    left_out(0),
    left_out(0.3),
    left_out(0.6),
    left_out(0.9),
    doubled(0.15),
    doubled(0.45),
    doubled(0.75),
    dropped(0),
    dropped(0.25, 2),
    dropped(0.65, 2),
    swapped(0, 2),
    swapped(0.6, 2),
)


def views(text: str) -> list[str]:
    """The text itself, then as enrolment expects to meet it again."""
    return [text, *(edit(text) for edit in _VIEWS)]
