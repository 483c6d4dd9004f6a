"""The batched hash against the one that the rest of the project uses."""

from __future__ import annotations

import numpy as np
import pytest
from eth_utils.crypto import keccak

from pyml.freezenet.keccak import MESSAGE_BYTES, keccak256_many


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025])
def test_agrees_with_the_single_hash(count: int) -> None:
    messages = np.random.default_rng(count).integers(0, 256, (count, MESSAGE_BYTES), dtype=np.uint8)
    digests = keccak256_many(messages)
    assert digests.shape == (count, 32)
    for index in {0, count // 2, count - 1}:
        assert digests[index].tobytes() == keccak(messages[index].tobytes())


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x80, 0xFF])
def test_constant_messages(byte: int) -> None:
    (digest,) = keccak256_many(np.full((1, MESSAGE_BYTES), byte, dtype=np.uint8))
    assert digest.tobytes() == keccak(bytes([byte]) * MESSAGE_BYTES)


def test_every_bit_of_a_message_counts() -> None:
    messages = np.zeros((8 * MESSAGE_BYTES, MESSAGE_BYTES), dtype=np.uint8)
    bits = np.arange(8 * MESSAGE_BYTES)
    messages[bits, bits // 8] = 1 << bits % 8
    assert len({digest.tobytes() for digest in keccak256_many(messages)}) == len(bits)


def test_nothing_gives_nothing_and_the_input_is_left_alone() -> None:
    assert keccak256_many(np.empty((0, MESSAGE_BYTES), dtype=np.uint8)).shape == (0, 32)
    messages = np.arange(MESSAGE_BYTES, dtype=np.uint8)[None, :]
    messages.setflags(write=False)
    keccak256_many(messages)


def test_a_view_is_read_in_its_own_order() -> None:
    messages = np.random.default_rng(3).integers(0, 256, (4, 2 * MESSAGE_BYTES), dtype=np.uint8)
    digests = keccak256_many(messages[::-1, ::2])
    assert digests[0].tobytes() == keccak(messages[3, ::2].tobytes())
