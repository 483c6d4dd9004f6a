"""MiniLM's sentence embeddings in exact arithmetic: the same bits on every machine, at any thread count.

The network is all-MiniLM-L6-v2 (Wang et al., "MiniLM", NeurIPS 2020; Reimers and Gurevych, "Sentence-BERT", EMNLP
2019): a BERT of six layers, the mean of its last ones' vectors, of length one. Departs from the published weights in
rounding: weights to multiples of 2^-20, everything between layers to multiples of 2^-15, the error function to 1.5e-7.
No number of an embedding was found to be 5e-5 away from that of ``sentence-transformers``.

Sums are what machines and thread counts differ in. Here all terms of a sum are multiples of one power of two, and no
partial sum reaches 2^53 of them, so that float64 holds each exactly in whatever order they are added:

    layers               multiples of 2^-35, sums below 2^18: 2^9 · Σ|weights|, looked at when weights are read
    attention's scores   multiples of 2^-30, sums up to 2^23: 32 products of two values up to 2^9
    attention's shares   multiples of 2^-40, sums up to 2^8: 256 exponentials of nothing above 0
    attention's means    multiples of 2^-39, sums up to 2^10: values up to 2^9, shares that add up to 1
    variances, lengths   integers below 2^63: 384 squares up to 2^54

All else is one element at a time, by operations that IEEE 754 rounds exactly or ``elementary`` makes of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.ml.embedders.elementary import Reals, error_function, exponential

DIMENSIONS = 384
MAX_PIECES = 256
"""Pieces of a text, with the two that begin and end it: what the network was trained to take."""
_HEADS, _LAYERS = 12, 6
_WIDTH = DIMENSIONS // _HEADS
_WEIGHT_BITS, _VALUE_BITS, _MEAN_BITS, _SHARE_BITS, _EXPONENTIAL_BITS = 20, 15, 18, 24, 40
_LIMIT = float(1 << 9)
"""Values between layers are clipped to this; the greatest that was seen is 223."""
_EPSILON = 1e-12
_ROOT_HALF = 0.7071067811865476


@dataclass(frozen=True, slots=True, eq=False)
class _Dense:
    weight: Reals
    bias: Reals

    def __call__(self, values: Reals) -> Reals:
        return _rounded(values @ self.weight + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class _Norm:
    """Layer normalisation (Ba, Kiros and Hinton, 2016)."""

    gain: Reals
    bias: Reals

    def __call__(self, values: Reals) -> Reals:
        centred = _rounded(values - values.sum(axis=-1, keepdims=True) / DIMENSIONS)
        variance = _sum_of_squares(centred, _VALUE_BITS) / DIMENSIONS
        return _rounded(centred / np.sqrt(variance + _EPSILON) * self.gain + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    query: _Dense
    key: _Dense
    value: _Dense
    mixed: _Dense
    after_attention: _Norm
    wide: _Dense
    narrow: _Dense
    after_all: _Norm

    def __call__(self, values: Reals) -> Reals:
        values = self.after_attention(_rounded(self.mixed(self._attended(values)) + values))
        return self.after_all(_rounded(self.narrow(_rounded(_gelu(self.wide(values)))) + values))

    def _attended(self, values: Reals) -> Reals:
        query, key, value = (
            each(values).reshape(-1, _HEADS, _WIDTH).transpose(1, 0, 2) for each in (self.query, self.key, self.value)
        )
        scores = (query @ key.transpose(0, 2, 1)) / np.sqrt(float(_WIDTH))
        weights = _rounded(exponential(scores - scores.max(axis=-1, keepdims=True)), _EXPONENTIAL_BITS)
        shares = _rounded(weights / weights.sum(axis=-1, keepdims=True), _SHARE_BITS)
        return _rounded((shares @ value).transpose(1, 0, 2).reshape(-1, DIMENSIONS))


class MiniLM:
    """From word pieces to a vector of length one."""

    def __init__(self, weights: bytes) -> None:
        """``weights`` as a safetensors file; ``ModelError`` where it is not this network's."""
        stored = _tensors(weights)
        try:
            self._words = stored["embeddings.word_embeddings.weight"]  # rounded where they are used: there are 30,522
            self._places = stored["embeddings.position_embeddings.weight"].astype(np.float64)
            self._kind = stored["embeddings.token_type_embeddings.weight"][0].astype(np.float64)
            self._first = _norm(stored, "embeddings.LayerNorm")
            self._layers = [_layer(stored, f"encoder.layer.{index}.") for index in range(_LAYERS)]
        except KeyError as error:
            raise ModelError(f"the network lacks {error}", expected="all-MiniLM-L6-v2") from error

    def embed(self, pieces: Sequence[int]) -> Reals:
        """float64 [384] of one text, from its pieces and those that begin and end it; ``ModelError`` for too many."""
        if not 1 <= len(pieces) <= MAX_PIECES:
            raise ModelError("wrong number of word pieces", expected=f"1 to {MAX_PIECES}", got=len(pieces))
        words = self._words[list(pieces)].astype(np.float64)
        values = self._first(_rounded(words + self._places[: len(pieces)] + self._kind))
        for layer in self._layers:
            values = layer(values)
        mean = _rounded(values.sum(axis=0) / len(pieces), _MEAN_BITS)
        return mean / np.sqrt(_sum_of_squares(mean, _MEAN_BITS))


def _rounded(values: Reals, bits: int = _VALUE_BITS) -> Reals:
    """The nearest multiples of 2^-bits, within the limit."""
    return np.rint(np.clip(values, -_LIMIT, _LIMIT) * (1 << bits)) / (1 << bits)


def _sum_of_squares(values: Reals, bits: int) -> Reals:
    """[..., 1] of multiples of 2^-bits."""
    whole = (values * (1 << bits)).astype(np.int64)
    return (whole * whole).sum(axis=-1, keepdims=True) / float(1 << (2 * bits))


def _gelu(values: Reals) -> Reals:
    """x·Φ(x) (Hendrycks and Gimpel, 2016)."""
    return values * 0.5 * (1 + error_function(values * _ROOT_HALF))


def _layer(stored: dict[str, NDArray[np.float32]], prefix: str) -> _Layer:
    return _Layer(
        query=_dense(stored, f"{prefix}attention.self.query"),
        key=_dense(stored, f"{prefix}attention.self.key"),
        value=_dense(stored, f"{prefix}attention.self.value"),
        mixed=_dense(stored, f"{prefix}attention.output.dense"),
        after_attention=_norm(stored, f"{prefix}attention.output.LayerNorm"),
        wide=_dense(stored, f"{prefix}intermediate.dense"),
        narrow=_dense(stored, f"{prefix}output.dense"),
        after_all=_norm(stored, f"{prefix}output.LayerNorm"),
    )


def _dense(stored: dict[str, NDArray[np.float32]], name: str) -> _Dense:
    weight = _rounded(stored[f"{name}.weight"].T.astype(np.float64), _WEIGHT_BITS)
    reach = float(np.abs(weight).sum(axis=0).max()) * _LIMIT * (1 << (_WEIGHT_BITS + _VALUE_BITS))
    if reach >= 1 << 53:
        raise ModelError(f"sums of {name} are not exact in 64-bit floats", expected="below 2^53", got=reach)
    return _Dense(np.ascontiguousarray(weight), stored[f"{name}.bias"].astype(np.float64))


def _norm(stored: dict[str, NDArray[np.float32]], name: str) -> _Norm:
    return _Norm(stored[f"{name}.weight"].astype(np.float64), stored[f"{name}.bias"].astype(np.float64))


def _tensors(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a safetensors file: a length, a JSON header, numbers."""
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        found: dict[str, NDArray[np.float32]] = {}
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                first, last = entry["data_offsets"]
                values = np.frombuffer(content, "<f4", (last - first) // 4, start + first)
                found[name] = values.reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError("not a safetensors file") from error
    return found
