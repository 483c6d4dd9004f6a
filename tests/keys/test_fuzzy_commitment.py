"""The code corrects what it says and no more, and the sketch is one-time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.keys.fuzzy_commitment import CODES, BchCode, commit, open_sketch, pack, unpack
from pyml.keys.mask import feature_bits, mask_at, mask_count, mask_place, masked, reliable_mask

FORMS = [(n, k) for n, codes in CODES.items() for k in codes]


@pytest.mark.parametrize("form", FORMS)
def test_the_table_is_that_of_the_library(form: tuple[int, int]) -> None:
    import galois

    assert galois.BCH(*form, extension_field=galois.GF(form[0] + 1, compile="python-calculate")).t == BchCode(*form).t


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMS), st.integers(0, 2**32), st.floats(0, 2))
def test_exactly_t_errors_are_corrected(form: tuple[int, int], seed: int, share: float) -> None:
    code = BchCode(*form)
    random = np.random.default_rng(seed)
    word = random.integers(0, 2, code.n, dtype=np.uint8)
    message, sketch = commit(code, word)
    errors = int(share * code.t)
    near = word.copy()
    near[random.choice(code.n, errors, replace=False)] ^= 1
    found = open_sketch(code, near, sketch)
    if errors <= code.t:
        assert found is not None
        assert np.array_equal(found, message)
    else:
        assert found is None or not np.array_equal(found, message)


def test_messages_are_fresh_and_the_sketch_of_equal_words_differs() -> None:
    code, word = BchCode(), np.zeros(127, np.uint8)
    made = [commit(code, word) for _ in range(8)]
    assert len({pack(message) for message, _ in made}) == 8
    assert len({pack(sketch) for _, sketch in made}) == 8


def test_a_random_word_decodes_about_as_rarely_as_it_should() -> None:
    """Spheres of radius 15 around the codewords of (127, 36) cover 2^-27 of the space; of (127, 85) 2^-9.5."""
    code, random = BchCode(127, 85), np.random.default_rng(5)
    _, sketch = commit(code, random.integers(0, 2, 127, dtype=np.uint8))
    words = random.integers(0, 2, (400, 127), dtype=np.uint8)
    assert sum(open_sketch(code, word, sketch) is not None for word in words) <= 5


@pytest.mark.parametrize("form", [(127, 63), (128, 64), (63, 30), (0, 0), (255, 64)])
def test_codes_that_are_not_offered(form: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="no such BCH code"):
        BchCode(*form)


@pytest.mark.parametrize(
    "word", [np.zeros(126, np.uint8), np.zeros((1, 127), np.uint8), np.zeros(127, np.int64), np.full(127, 2, np.uint8)]
)
def test_words_that_are_none(word: np.ndarray) -> None:
    with pytest.raises(InputError, match="not a word of the code"):
        commit(BchCode(), word)
    with pytest.raises(InputError, match="not a word of the code"):
        open_sketch(BchCode(), np.zeros(127, np.uint8), word)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=99))
def test_packing(bits: list[int]) -> None:
    array = np.array(bits, np.uint8)
    assert np.array_equal(unpack(pack(array), len(bits)), array)


# Masks


def test_the_mask_takes_the_widest_worst_case() -> None:
    views = np.array([[9, -9, 3, -8, 1], [1, -9, 4, -7, 1], [9, -8, 5, 1, 1]])
    assert reliable_mask(views, 2).tolist() == [0, 1, 1, 0, 0]
    assert reliable_mask(views, 3).tolist() == [1, 1, 1, 0, 0]  # a tie goes to the lower index
    assert masked(feature_bits(views[0]), reliable_mask(views, 3)).tolist() == [1, 0, 1]


@pytest.mark.parametrize(("shape", "size"), [((0, 5), 2), ((2, 5), 6), ((2, 5), 0), ((5,), 2), ((1, 2, 3), 1)])
def test_views_that_are_none(shape: tuple[int, ...], size: int) -> None:
    with pytest.raises(InputError, match="not views of a feature vector"):
        reliable_mask(np.ones(shape, np.int64), size)


# Masks as numbers


@pytest.mark.parametrize(("size", "weight"), [(1, 0), (1, 1), (6, 3), (7, 2), (8, 8), (9, 1)])
def test_every_mask_has_a_place_of_its_own(size: int, weight: int) -> None:
    made = [mask_at(place, size, weight) for place in range(mask_count(size, weight))]
    assert len({each.tobytes() for each in made}) == len(made)
    assert all(each.sum() == weight and each.dtype == np.uint8 for each in made)
    assert [mask_place(each) for each in made] == list(range(len(made)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(256, 127), (1024, 127), (300, 255)]))
def test_places_and_masks_are_inverse(seed: int, form: tuple[int, int]) -> None:
    size, weight = form
    mask = reliable_mask(np.random.default_rng(seed).integers(-999, 999, (1, size)), weight)
    place = mask_place(mask)
    assert 0 <= place < mask_count(size, weight)
    assert np.array_equal(mask_at(place, size, weight), mask)


@pytest.mark.parametrize(("place", "size", "weight"), [(-1, 6, 3), (20, 6, 3), (0, 3, 4), (0, 3, -1), (1, 0, 0)])
def test_places_that_are_none(place: int, size: int, weight: int) -> None:
    with pytest.raises(InputError, match="there is no such mask"):
        mask_at(place, size, weight)
