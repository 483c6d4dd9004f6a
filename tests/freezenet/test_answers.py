"""Answers as bits: both ways, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.freezenet.answers import pack_answers, unpack_answers


@given(st.lists(st.booleans(), max_size=70))
def test_flags_come_back(flags: list[bool]) -> None:
    packed = pack_answers(np.array(flags, dtype=np.bool_))
    assert unpack_answers(packed, len(flags)).tolist() == flags
    assert [bool(packed[i // 8] >> i % 8 & 1) for i in range(len(flags))] == flags


@given(st.integers(0, 70), st.integers(0, 12))
def test_another_length_is_refused(samples: int, length: int) -> None:
    if length == -(-samples // 8):
        return
    with pytest.raises(InputError, match="another test set"):
        unpack_answers(bytes(length), samples)


@pytest.mark.parametrize("bit", range(3, 8))
def test_a_bit_of_no_sample_is_refused(bit: int) -> None:
    with pytest.raises(InputError, match="no sample"):
        unpack_answers(bytes([255, 1 << bit]), 11)


@pytest.mark.parametrize("flags", [np.zeros(3, dtype=np.int8), np.zeros((2, 2), dtype=np.bool_)])
def test_what_is_no_row_of_flags_is_refused(flags: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="one flag a sample"):
        pack_answers(flags)
