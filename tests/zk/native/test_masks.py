"""Random scalars in the document's order, and the linear forms on column K."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import ProofError
from pyml.zk.native.layout import Layout, MaskRows
from pyml.zk.native.masks import (
    Libra,
    ScalarStream,
    draw_masks,
    libra_sum_weights,
    libra_value_weights,
    mask_column,
)
from pyml.zk.native.reference.multilinear import inner
from tests.zk.native.toy_cases import SECRETS, cases

ROWS = MaskRows(degrees_a=(4, 4, 7), degrees_b=(2, 4), masks_a=18, masks_b=3)


def test_scalars_are_the_blocks_of_rfc_8439() -> None:
    """Appendix A.1, test vectors 1 and 2: key and nonce zero, blocks 0 and 1."""
    first = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
    first += "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
    second = "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
    second += "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
    stream = ScalarStream(bytes(32))
    assert [*stream.take(1), *stream.take(1)] == [int(block, 16) % R for block in (first, second)]


def test_the_order_of_scalars() -> None:
    scalars = ScalarStream(bytes([7]) * 32).take(200)
    masks = draw_masks(bytes([7]) * 32, ROWS, coefficients=8, polynomials=3)
    assert masks.libra_b is not None
    drawn = [masks.libra_a.constant, *(part for parts in masks.libra_a.rounds for part in parts)]
    drawn += [masks.libra_b.constant, *(part for parts in masks.libra_b.rounds for part in parts)]
    drawn += [*masks.masks_a, *masks.masks_b, *masks.spares, *masks.cover, *masks.blinds]
    assert drawn == scalars[: len(drawn)]
    assert (len(masks.spares), len(masks.cover), len(masks.blinds)) == (16, 8, 3)


def test_column_k_has_every_mask_at_its_place() -> None:
    masks = draw_masks(SECRETS.seed, ROWS, coefficients=4, polynomials=1)
    assert masks.libra_b is not None
    column = mask_column(masks, ROWS)
    assert len(column) == 1 << ROWS.variables == 16 * 16  # 3 + 2 + 2 + 1 + 1 = 9 rows
    assert column[0] == masks.libra_a.constant
    assert column[1 + 16 * 2 : 8 + 16 * 2] == list(masks.libra_a.rounds[2])
    assert column[16 * 3 : 3 + 16 * 3] == [masks.libra_b.constant, *masks.libra_b.rounds[0]]
    assert column[16 * 5 : 16 * 5 + 18] == list(masks.masks_a)
    assert column[16 * 7 : 16 * 7 + 3] == list(masks.masks_b)
    assert column[16 * 8 : 16 * 9] == list(masks.spares)
    used = [masks.libra_a.constant, masks.libra_b.constant, *masks.masks_a, *masks.masks_b, *masks.spares]
    used += [part for libra in (masks.libra_a, masks.libra_b) for parts in libra.rounds for part in parts]
    assert sum(column) == sum(used)


@given(st.lists(st.lists(st.integers(0, R - 1), min_size=1, max_size=7), min_size=1, max_size=5), st.integers(0, 2**64))
def test_forms_give_the_sum_and_the_value(rounds: list[list[int]], seed: int) -> None:
    rng = random.Random(seed)
    libra = Libra(rng.randrange(R), tuple(map(tuple, rounds)))
    point = [rng.randrange(R) for _ in rounds]
    cube = [[index >> place & 1 for place in range(len(rounds))] for index in range(1 << len(rounds))]
    assert libra.cube_sum() == sum(map(libra.at, cube)) % R
    column = [0] * (16 * 8)
    row = rng.randrange(3)
    column[16 * row] = libra.constant
    for place, parts in enumerate(rounds):
        column[16 * (row + place) + 1 : 16 * (row + place) + 1 + len(parts)] = parts
    assert inner(column, libra_sum_weights(libra, row, len(column))) == libra.cube_sum()
    assert inner(column, libra_value_weights(libra, row, len(column), point)) == libra.at(point)


def test_another_seed_gives_other_masks() -> None:
    rows = Layout(cases()[0].shape).mask_rows
    first, second = (draw_masks(bytes([seed]) * 32, rows, 16, 2) for seed in (1, 2))
    assert not set(first.cover) & set(second.cover)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ProofError) as refused:
        ScalarStream(bytes(length))
    assert (refused.value.expected, refused.value.got) == ("32 bytes", length)


def test_secrets_do_not_show() -> None:
    masks = draw_masks(SECRETS.seed, ROWS, coefficients=4, polynomials=1)
    shown = [repr(masks), repr(masks.libra_a), repr(ScalarStream(SECRETS.seed)), repr(SECRETS)]
    assert shown == ["Masks(secret)", "Libra(3 rounds, secret)", "ScalarStream(secret)", "Secrets()"]
