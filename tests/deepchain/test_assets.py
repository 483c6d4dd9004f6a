"""Asset statements: a right answer pairs, any other does not; py_ecc computes the pairing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from py_ecc import optimized_bn128

from pyml.crypto.bn254 import SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import G1, PointG2, add_g1, multiply_g1, multiply_g2
from pyml.deepchain.assets import (
    Answer,
    answer_challenge,
    block_point,
    draw_challenge,
    new_blind,
    pairing_points,
    state_asset,
)
from pyml.errors import InputError

ECC = cast("Any", optimized_bn128)
BLIND = bytes(range(32))
BLOCKS = [bytes([place]) * 40 for place in range(5)]
OWNER = b"\x0a" * 20
STATEMENT = state_asset(BLOCKS, BLIND, owner=OWNER)
ROOT = STATEMENT.tree.root
CHALLENGE = draw_challenge(b"\x07" * 32, blocks=5, count=3)
ANSWER = answer_challenge(STATEMENT, BLOCKS, BLIND, CHALLENGE)


def pairs(left: Point | None, right: Point | None, key: PointG2) -> bool:
    """e(left, g2) = e(right, pk_data), by py_ecc."""
    assert left is not None
    assert right is not None
    first, second = ((ECC.FQ(point.x), ECC.FQ(point.y), ECC.FQ(1)) for point in (left, right))
    twisted = (ECC.FQ2(list(key.x)), ECC.FQ2(list(key.y)), ECC.FQ2.one())
    return bool(ECC.pairing(ECC.G2, first) == ECC.pairing(twisted, second))


def points_of(
    answer: Answer, *, challenge: list[tuple[int, int]] | None = None, root: bytes = ROOT, owner: bytes = OWNER
) -> tuple[Point | None, Point | None] | None:
    return pairing_points(STATEMENT.key, owner, root, answer, challenge or CHALLENGE, blocks=5)


def accepted(answer: Answer, *, challenge: list[tuple[int, int]] | None = None, owner: bytes = OWNER) -> bool:
    points = points_of(answer, challenge=challenge, owner=owner)
    return points is not None and pairs(*points, STATEMENT.key)


def test_the_owner_answers() -> None:
    assert accepted(ANSWER)


def test_an_answer_without_the_data_is_refused() -> None:
    assert not accepted(replace(ANSWER, mu=ANSWER.mu ^ 1))


def test_an_answer_to_another_challenge_is_refused() -> None:
    other = [(place, factor + 1) for place, factor in CHALLENGE]
    assert not accepted(ANSWER, challenge=other)


def test_tags_must_be_under_the_root() -> None:
    """Whoever knows x could make a tag for any number: the root says which tags count."""
    made_up = add_g1(ANSWER.tags[0], G1)
    assert made_up is not None
    assert points_of(ANSWER) is not None
    assert points_of(ANSWER, root=bytes(32)) is None
    assert points_of(replace(ANSWER, tags=(made_up, *ANSWER.tags[1:]))) is None
    assert points_of(replace(ANSWER, paths=ANSWER.paths[::-1])) is None
    assert points_of(replace(ANSWER, tags=ANSWER.tags[:2])) is None


@pytest.mark.parametrize("mu", [-1, SCALAR_MODULUS, ANSWER.mu + SCALAR_MODULUS])
def test_a_response_that_is_not_reduced_is_refused(mu: int) -> None:
    assert points_of(replace(ANSWER, mu=mu)) is None


def test_one_changed_byte_is_another_asset() -> None:
    changed = [BLOCKS[0][:-1] + b"\xff", *BLOCKS[1:]]
    for blocks, blind in ((changed, BLIND), (BLOCKS, bytes(32)), (BLOCKS[:4], BLIND)):
        with pytest.raises(InputError, match=r"^data or blind are not those of the statement"):
            answer_challenge(STATEMENT, blocks, blind, CHALLENGE)


def test_guessing_the_data_confirms_nothing_without_the_blind() -> None:
    assert state_asset(BLOCKS, new_blind(), owner=OWNER).key != STATEMENT.key
    assert not set(state_asset(BLOCKS, new_blind(), owner=OWNER).tags) & set(STATEMENT.tags)


def test_a_tag_is_what_the_formula_says() -> None:
    """Two tags of one block under keys x and 2x, from the same h: here h from a statement of one block."""
    statement = state_asset([b"only"], BLIND, owner=OWNER)
    (challenge,) = [(0, 1)]
    answer = answer_challenge(statement, [b"only"], BLIND, [challenge])
    h_point = add_g1(block_point(statement.key, OWNER, 0), multiply_g1(G1, answer.mu))
    assert pairs(statement.tags[0], h_point, statement.key)


def test_points_differ_by_place_and_by_asset() -> None:
    keys, owners = [STATEMENT.key, multiply_g2(7)], [OWNER, bytes(20)]
    points = {block_point(key, owner, place) for key in keys for owner in owners for place in range(4)}
    assert len(points) == 16


def test_a_copied_statement_is_not_answered_for() -> None:
    """Key, tags and numbers are public after some audits; the points are another account's."""
    assert not accepted(ANSWER, owner=b"\x0b" * 20)


def test_hints_are_those_of_the_points() -> None:
    for (counter, y), (place, _) in zip(ANSWER.hints, CHALLENGE, strict=True):
        assert block_point(STATEMENT.key, OWNER, place).y == y
        assert 0 <= counter < 256


def test_a_challenge_is_fixed_by_its_seed_and_in_range() -> None:
    drawn = draw_challenge(b"\x01" * 32, blocks=3, count=64)
    assert drawn == draw_challenge(b"\x01" * 32, blocks=3, count=64)
    assert drawn != draw_challenge(b"\x02" * 32, blocks=3, count=64)
    assert {place for place, _ in drawn} == {0, 1, 2}
    assert all(0 < factor < 2**128 for _, factor in drawn)


@pytest.mark.parametrize(("blocks", "count"), [(0, 1), (1, 0), (2**16 + 1, 1), (1, 65)])
def test_audits_out_of_range_are_refused(blocks: int, count: int) -> None:
    with pytest.raises(InputError, match=r"^an audit is out of range"):
        draw_challenge(bytes(32), blocks=blocks, count=count)


def test_empty_assets_and_short_blinds_are_refused() -> None:
    with pytest.raises(InputError, match=r"^an asset has too many blocks or none; expected 1 to 65536; got 0$"):
        state_asset([], BLIND, owner=OWNER)
    with pytest.raises(InputError, match=r"^a blind has the wrong length; expected 32 bytes; got 31$"):
        state_asset(BLOCKS, BLIND[:-1], owner=OWNER)
    with pytest.raises(InputError, match=r"^an owner's address has the wrong length; expected 20 bytes; got 19$"):
        state_asset(BLOCKS, BLIND, owner=OWNER[:-1])
