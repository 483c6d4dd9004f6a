"""A ledger closes, or says that it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyml.deepchain.ledger import Ledger

CLOSED = Ledger(held=10, free={"a": 3}, outside={"a": 4, "b": 6}, pots={"trading": 6}, treasury=1, supply=20)


def test_coins_in_are_coins_out_and_held() -> None:
    assert CLOSED.is_balanced
    assert (CLOSED.of("a"), CLOSED.of("b"), CLOSED.of("c")) == (7, 6, 0)


@pytest.mark.parametrize(
    "change",
    [{"held": 11}, {"treasury": 0}, {"supply": 21}, {"free": {"a": 4}}, {"outside": {"a": 4}}, {"pots": {}}],
)
def test_a_coin_too_many_or_too_few_is_noticed(change: dict[str, object]) -> None:
    assert not replace(CLOSED, **change).is_balanced  # pyright: ignore[reportArgumentType]
