"""One hash state: what it absorbs, in which order, and what is drawn."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.zk.native.transcript import Messages, Transcript, point_words, words_of


def test_challenges_are_states_modulo_r() -> None:
    transcript = Transcript(bytes(32))
    transcript.absorb([1, 2])
    state = keccak(bytes(32) + (1).to_bytes(32, "big") + (2).to_bytes(32, "big"))
    assert transcript.challenge() == transcript.challenge() == int.from_bytes(state, "big") % R
    assert transcript.squeeze() == int.from_bytes(keccak(state), "big") % R


def test_one_message_is_not_two() -> None:
    together, apart = Transcript(bytes(32)), Transcript(bytes(32))
    together.absorb([1, 2])
    apart.absorb([1])
    apart.absorb([2])
    assert together.challenge() != apart.challenge()


def test_messages_keep_words_and_challenges() -> None:
    messages = Messages(Transcript(bytes(32)))
    messages.send_points([(1, 2), (0, 0)])
    first, second = messages.challenge("first"), messages.squeeze("second")
    messages.send(7)
    assert messages.words == [1, 2, 0, 0, 7]
    assert messages.challenges == {"first": first, "second": second}


def test_points_are_two_words() -> None:
    assert point_words(None) == (0, 0)
    assert point_words(Point(1, 2)) == (1, 2)


@pytest.mark.parametrize("number", [-1, 1 << 256])
def test_what_is_no_word_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        words_of([number])
