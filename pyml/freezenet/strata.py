"""A v1 watermark over the kernels of a network, the same share of each, and the free weights between.

Source: specification, section 1.2. The paper draws positions over all parameters alike (section 3.2), so that a layer
of few weights, or the biases, may be frozen whole by chance; here each kernel is a stratum with a permutation and codes
of its own seed, and biases, normalisations and the last layer are not watermarked at all.

A kernel is flat in the order neuron, then input: PyTorch's order of ``Linear`` and ``Conv2d`` weights. With P the
tensor's permutation and L its share, position P(r) holds code r where r < L, and free weight r - L otherwise. What a
miner hands in are the free weights of all kernels in that order: the watermark then holds by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, ModelError
from pyml.freezenet.binding import tensor_seed
from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.feistel import MAX_IMAGES, permutation
from pyml.freezenet.inference import Int8Network

FRACTION_UNIT: Final = 1_000_000
"""Fractions are counted in millionths, so that a contract and a miner round alike."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One kernel: ``size`` weights, of which ``length`` are watermarked."""

    size: int
    length: int

    def __post_init__(self) -> None:
        if type(self.size) is not int or not 0 < self.size <= MAX_IMAGES:
            raise ModelError("a kernel's size is out of range", expected=f"1 to {MAX_IMAGES}", got=self.size)
        if type(self.length) is not int or not 0 <= self.length <= self.size:
            raise ModelError("a watermark does not fit its kernel", expected=f"0 to {self.size}", got=self.length)

    @property
    def free(self) -> int:
        """How many weights are the miner's."""
        return self.size - self.length


@dataclass(frozen=True, slots=True, eq=False)
class TensorWatermark:
    """Code r of a kernel lies at ``positions[r]``; ``free`` are the other positions, in the order of submission."""

    positions: NDArray[np.int64]
    codes: NDArray[np.int8]
    free: NDArray[np.int64]


def stratify(sizes: Sequence[int], fraction_ppm: int) -> tuple[Stratum, ...]:
    """Strata of kernels of these sizes, with ``fraction_ppm`` millionths of each watermarked, rounded down."""
    if type(fraction_ppm) is not int or not 0 <= fraction_ppm <= FRACTION_UNIT:
        raise InputError("a watermark's fraction is out of range", expected=f"0 to {FRACTION_UNIT}", got=fraction_ppm)
    return tuple(Stratum(size, size * fraction_ppm // FRACTION_UNIT) for size in sizes)


def kernel_strata(network: Int8Network, fraction_ppm: int) -> tuple[Stratum, ...]:
    """Strata of the kernels that carry a watermark: those of all layers but the last."""
    return stratify([layer.weight.size for layer in network.layers[:-1]], fraction_ppm)


def kernels_of(network: Int8Network) -> tuple[NDArray[np.int8], ...]:
    """The kernels that carry a watermark, flat by neuron and then input."""
    return tuple(layer.weight.T.reshape(-1) for layer in network.layers[:-1])


def with_kernels(network: Int8Network, kernels: Sequence[NDArray[np.int8]]) -> Int8Network:
    """The network with these flat kernels in place of its own; raises ``ModelError`` where they do not fit."""
    got = [kernel.shape for kernel in kernels]
    expected = [(layer.weight.size,) for layer in network.layers[:-1]]
    if got != expected:
        raise ModelError("the kernels do not fit the network", expected=expected, got=got)
    marked = (
        replace(layer, weight=kernel.reshape(layer.weight.T.shape).T)
        for layer, kernel in zip(network.layers[:-1], kernels, strict=True)
    )
    return Int8Network((*marked, network.layers[-1]))


def watermark(seed: bytes, strata: Sequence[Stratum]) -> tuple[TensorWatermark, ...]:
    """Positions and codes for each kernel."""
    return tuple(_tensor_watermark(tensor_seed(seed, index), stratum) for index, stratum in enumerate(strata))


def assemble(marks: Sequence[TensorWatermark], free: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
    """Whole kernels, flat, from the free weights of all of them [Σ free]; raises ``ModelError`` on another length."""
    counts = [len(mark.free) for mark in marks]
    if free.dtype != np.int8 or free.shape != (sum(counts),):
        raise ModelError(
            "the free weights do not fit the network",
            expected=f"int8 of {[sum(counts)]}",
            got=f"{free.dtype} of {list(free.shape)}",
        )
    kernels: list[NDArray[np.int8]] = []
    start = 0
    for mark, count in zip(marks, counts, strict=True):
        kernel = np.empty(len(mark.positions) + count, dtype=np.int8)
        kernel[mark.positions], kernel[mark.free] = mark.codes, free[start : start + count]
        kernels.append(kernel)
        start += count
    return tuple(kernels)


def free_weights(marks: Sequence[TensorWatermark], kernels: Sequence[NDArray[np.int8]]) -> NDArray[np.int8]:
    """What a miner hands in of flat kernels; their values at watermarked positions do not matter."""
    _require_kernels(marks, kernels)
    parts = [kernel[mark.free] for mark, kernel in zip(marks, kernels, strict=True)]
    return np.concatenate([np.empty(0, dtype=np.int8), *parts])


def verify_watermark(marks: Sequence[TensorWatermark], kernels: Sequence[NDArray[np.int8]]) -> bool:
    """Whether flat kernels hold every code exactly: tolerance is zero, on both sides."""
    _require_kernels(marks, kernels)
    return all(np.array_equal(kernel[mark.positions], mark.codes) for mark, kernel in zip(marks, kernels, strict=True))


def _tensor_watermark(seed: bytes, stratum: Stratum) -> TensorWatermark:
    images = permutation(seed, stratum.size)
    return TensorWatermark(images[: stratum.length], watermark_codes(seed, stratum.length), images[stratum.length :])


def _require_kernels(marks: Sequence[TensorWatermark], kernels: Sequence[NDArray[np.int8]]) -> None:
    expected = [len(mark.positions) + len(mark.free) for mark in marks]
    got = [kernel.shape for kernel in kernels]
    if got != [(size,) for size in expected] or any(kernel.dtype != np.int8 for kernel in kernels):
        raise ModelError("the kernels do not fit the watermark", expected=f"flat int8 of {expected}", got=got)
