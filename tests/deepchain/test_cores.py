"""Powers over several threads: the same numbers, in the same order."""

from __future__ import annotations

import pytest

from pyml.crypto.big_integers import powers
from pyml.deepchain.cores import Cores
from pyml.errors import InputError


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("length", [0, 1, 16, 17, 100])
def test_powers_are_those_of_one_thread(count: int, length: int) -> None:
    bases = list(range(2, 2 + length))
    assert Cores(count).powers(bases, 65537, 2**127 - 1) == powers(bases, 65537, 2**127 - 1)


def test_there_is_a_core() -> None:
    assert Cores.available().count >= 1


@pytest.mark.parametrize("count", [0, -1])
def test_no_core_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=r"^a computation needs at least one core; got"):
        Cores(count)
