"""Watermarks over kernels: they hold by construction, cover each kernel alike, and one changed weight breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.freezenet.binding import tensor_seed
from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.feistel import MAX_IMAGES, inverse_position
from pyml.freezenet.strata import (
    FRACTION_UNIT,
    Stratum,
    assemble,
    free_weights,
    kernel_strata,
    kernels_of,
    stratify,
    verify_watermark,
    watermark,
    with_kernels,
)
from tests.freezenet.random_networks import case_named, network_of

SEED = bytes(range(32))
STRATA = stratify([72, 288, 1000], 300_000)
MARKS = watermark(SEED, STRATA)


def random_free(seed: int = 1) -> np.ndarray[Any, np.dtype[np.int8]]:
    count = sum(stratum.free for stratum in STRATA)
    return np.random.default_rng(seed).integers(-128, 128, count, dtype=np.int8)


def test_every_kernel_has_the_same_share_rounded_down() -> None:
    assert list(STRATA) == [Stratum(72, 21), Stratum(288, 86), Stratum(1000, 300)]
    assert stratify([7], 0) == (Stratum(7, 0),)
    assert stratify([7], FRACTION_UNIT) == (Stratum(7, 7),)
    assert stratify([], 5) == ()


@given(st.binary(min_size=32, max_size=32), st.lists(st.integers(1, 200), max_size=4), st.integers(0, FRACTION_UNIT))
def test_assembled_kernels_hold_and_give_the_free_weights_back(seed: bytes, sizes: list[int], fraction: int) -> None:
    strata = stratify(sizes, fraction)
    marks = watermark(seed, strata)
    count = sum(stratum.free for stratum in strata)
    free = np.random.default_rng(0).integers(-128, 128, count, dtype=np.int8)
    kernels = assemble(marks, free)
    assert [len(kernel) for kernel in kernels] == sizes
    assert verify_watermark(marks, kernels)
    assert np.array_equal(free_weights(marks, kernels), free)


def test_one_weight_is_found_by_the_inverse_alone() -> None:
    """What a contract does: index below the share is a code's, else a free weight's."""
    free, start = random_free(), 0
    kernels = assemble(MARKS, free)
    for tensor, (stratum, kernel) in enumerate(zip(STRATA, kernels, strict=True)):
        seed = tensor_seed(SEED, tensor)
        codes = watermark_codes(seed, stratum.length)
        for place in range(0, stratum.size, 7):
            index = inverse_position(seed, stratum.size, place)
            stands = codes[index] if index < stratum.length else free[start + index - stratum.length]
            assert kernel[place] == stands
        start += stratum.free


def test_equal_kernels_are_marked_differently() -> None:
    first, second = watermark(SEED, [Stratum(500, 100)] * 2)
    assert not np.array_equal(first.positions, second.positions)
    assert not np.array_equal(first.codes, second.codes)


@given(st.data())
def test_any_changed_code_is_noticed_and_a_changed_free_weight_is_not(data: st.DataObject) -> None:
    kernels = [kernel.copy() for kernel in assemble(MARKS, random_free())]
    tensor = data.draw(st.integers(0, 2))
    place = data.draw(st.integers(0, STRATA[tensor].size - 1))
    kernels[tensor][place] ^= np.int8(data.draw(st.integers(1, 127)))
    assert verify_watermark(MARKS, kernels) == (place in MARKS[tensor].free)


def test_a_watermark_one_below_or_above_does_not_hold() -> None:
    """Two-sided: the paper's check let every lower weight pass."""
    for step in (-1, 1):
        kernels = [kernel.copy() for kernel in assemble(MARKS, random_free())]
        for kernel, mark in zip(kernels, MARKS, strict=True):
            kernel[mark.positions] += np.int8(step)
        assert not verify_watermark(MARKS, kernels)


def test_another_miner_s_kernels_do_not_hold() -> None:
    other = watermark(SEED[::-1], STRATA)
    assert not verify_watermark(other, assemble(MARKS, random_free()))


def test_a_network_is_marked_in_all_kernels_but_the_last() -> None:
    network = network_of(case_named("convolution"))
    strata = kernel_strata(network, 300_000)
    assert strata == (Stratum(36, 10),), "as contracts/freezenet/Architecture.sol counts it"
    marks = watermark(SEED, strata)
    own = kernels_of(network)
    assert np.array_equal(own[0], network.layers[0].weight.T.ravel())
    marked = with_kernels(network, assemble(marks, free_weights(marks, own)))
    assert verify_watermark(marks, kernels_of(marked))
    assert marked.layers[1] is network.layers[1]
    changed = np.flatnonzero(kernels_of(marked)[0] != own[0])
    assert len(changed) > 5
    assert set(changed) <= set(marks[0].positions.tolist())
    assert all(np.array_equal(*pair) for pair in zip(kernels_of(with_kernels(network, own)), own, strict=True))


@pytest.mark.parametrize("sizes", [[], [35], [37], [36, 1]])
def test_kernels_that_do_not_fit_a_network(sizes: list[int]) -> None:
    kernels = [np.zeros(size, dtype=np.int8) for size in sizes]
    with pytest.raises(ModelError) as caught:
        with_kernels(network_of(case_named("convolution")), kernels)
    assert str(caught.value) == (
        f"the kernels do not fit the network; expected [(36,)]; got {[(size,) for size in sizes]}"
    )


@pytest.mark.parametrize(
    ("size", "length", "message"),
    [
        (0, 0, f"a kernel's size is out of range; expected 1 to {MAX_IMAGES}; got 0"),
        (MAX_IMAGES + 1, 0, f"a kernel's size is out of range; expected 1 to {MAX_IMAGES}; got {MAX_IMAGES + 1}"),
        (5, 6, "a watermark does not fit its kernel; expected 0 to 5; got 6"),
        (5, -1, "a watermark does not fit its kernel; expected 0 to 5; got -1"),
        (5.0, 1, f"a kernel's size is out of range; expected 1 to {MAX_IMAGES}; got 5.0"),
    ],
)
def test_wrong_stratum(size: Any, length: int, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Stratum(size, length)
    assert str(caught.value) == message


@pytest.mark.parametrize("fraction", [-1, FRACTION_UNIT + 1, 0.5, True])
def test_wrong_fraction(fraction: Any) -> None:
    with pytest.raises(InputError) as caught:
        stratify([5], fraction)
    assert str(caught.value) == f"a watermark's fraction is out of range; expected 0 to 1000000; got {fraction}"


def test_wrong_seed() -> None:
    with pytest.raises(InputError, match=r"^a seed has the wrong length; expected 32 bytes; got 4$"):
        watermark(bytes(4), STRATA)


@pytest.mark.parametrize("change", [-1, 1])
def test_short_and_long_submissions(change: int) -> None:
    free = np.zeros(953 + change, dtype=np.int8)
    with pytest.raises(ModelError) as caught:
        assemble(MARKS, free)
    assert (
        str(caught.value)
        == f"the free weights do not fit the network; expected int8 of [953]; got int8 of [{953 + change}]"
    )


def test_submission_of_another_type() -> None:
    with pytest.raises(ModelError, match=r"expected int8 of \[953\]; got int64 of \[953\]$"):
        assemble(MARKS, np.zeros(953, dtype=np.int64))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("check", [verify_watermark, free_weights])
def test_kernels_of_another_network(check: Any) -> None:
    kernels = list(assemble(MARKS, random_free()))
    for wrong in (kernels[:2], [*kernels[:2], kernels[2][:-1]], [*kernels[:2], kernels[2].astype(np.int16)]):
        with pytest.raises(
            ModelError, match=r"^the kernels do not fit the watermark; expected flat int8 of \[72, 288, 1000\]"
        ):
            check(MARKS, wrong)
