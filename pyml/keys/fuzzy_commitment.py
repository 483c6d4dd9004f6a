"""Code-offset fuzzy commitment (Juels and Wattenberg, CCS 1999) with a primitive narrow-sense binary BCH code.

``commit`` draws a random message u and publishes ``sketch = word ⊕ BCH(u)``; ``open_sketch`` decodes
``other ⊕ sketch`` and returns u whenever ``other`` differs from ``word`` in at most t places. The sketch tells n - k
linear equations of the word, most of its entropy for the codes in use (specification, section 4: 234 of 256 bits for
m = 9, t = 28). That is why u is random and unrelated to the word, why it protects nothing alone, and why ``vault``
hides the sketch itself under a password.

Decoding is by ``galois``, in its mode without a just-in-time compiler: about 20 ms a word, and no ten seconds of
compilation before the first.
"""

# galois' classes are made at run time; its stubs do not say so.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError

Bits: TypeAlias = NDArray[np.uint8]
"""Zeros and ones."""

CODES = {127: {85: 6, 71: 9, 64: 10, 57: 11, 50: 13, 36: 15}, 255: {131: 18, 107: 22, 87: 26}}
"""n: {k: t} of the codes offered: word length, message bits, errors corrected."""


@dataclass(frozen=True, slots=True)
class BchCode:
    """n bits a word, k of them free; ``InputError`` for a code that is not offered."""

    n: int = 127
    k: int = 85

    def __post_init__(self) -> None:
        if self.k not in CODES.get(self.n, {}):
            offered = ", ".join(f"({n}, {k})" for n, codes in CODES.items() for k in codes)
            raise InputError("no such BCH code", expected=f"one of {offered}", got=(self.n, self.k))

    @property
    def t(self) -> int:
        """Errors that are always corrected."""
        return CODES[self.n][self.k]

    @property
    def leak(self) -> int:
        """Bits of a word that its sketch tells at most."""
        return self.n - self.k


def commit(code: BchCode, word: Bits) -> tuple[Bits, Bits]:
    """A fresh random message [k] and the sketch [n] of ``word`` [n]."""
    _require_word(code, word)
    message = unpack(secrets.token_bytes(-(-code.k // 8)), code.k)
    return message, word ^ np.asarray(_bch(code.n, code.k).encode(message), np.uint8)


def open_sketch(code: BchCode, word: Bits, sketch: Bits) -> Bits | None:
    """The message [k] that was committed to with a word within t places of this one; ``None`` if no codeword is near.

    A random word is near *some* codeword with a probability of about 2^-16 for (127, 64): what comes out then is
    another message, which whoever uses it must find out.
    """
    _require_word(code, word)
    _require_word(code, sketch)
    decoder = _bch(code.n, code.k)
    message, errors = decoder.decode(_field()(word ^ sketch), errors=True)
    return None if int(errors) < 0 else np.asarray(message, np.uint8)


def pack(bits: Bits) -> bytes:
    """Bits to bytes, the first bit highest; the last byte is filled with zeros."""
    return np.packbits(bits).tobytes()


def unpack(content: bytes, count: int) -> Bits:
    """The first ``count`` bits."""
    return np.unpackbits(np.frombuffer(content, np.uint8), count=count)


def _require_word(code: BchCode, word: Bits) -> None:
    if word.shape != (code.n,) or word.dtype != np.uint8 or int(word.max()) > 1:
        raise InputError("not a word of the code", expected=f"{code.n} bits", got=f"{word.dtype} {word.shape}")


@cache
def _bch(n: int, k: int) -> Any:
    import galois  # heavy, late

    field = galois.GF(n + 1, compile="python-calculate")
    return galois.BCH(n, k, extension_field=field)


def _field() -> Any:
    import galois

    return galois.GF2
