"""Many small numbers in one plaintext, so that a product of ciphertexts adds all of them at once.

Source: DeepChain, section 4.2.4, the coefficients α_1 … α_l that pack a vector. Deviation: the paper packs a whole
model in one ciphertext, which its own rule (N·d + 1)^l ≤ n forbids beyond some hundred values. Here a vector takes
ceil(l / slots) ciphertexts:

    slot        b + ceil(log2 N) + guard bits: the sum of N values of b bits fits, so no slot runs into the next
    plaintext   slot 0 in the lowest bits; as many slots as fit |n| - 1 bits

16-bit values of up to 16 parties take 20 bits: 102 of them in 2048 bits, 5.02 bytes of ciphertext each. A party that
encrypts something else than b bits a slot spoils its neighbours' sums (no proof excludes it, see
docs/threat-model.md): what shows after decryption, an unused slot or top that is not zero or a sum out of range,
is an ``IntegrityError``; what is in range by then cannot be told from gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, IntegrityError

MAX_SLOT_BITS: Final = 62

_WORD_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Packing:
    """How a group lays out its vectors."""

    value_bits: int
    parties: int
    modulus_bits: int
    guard_bits: int = 0

    def __post_init__(self) -> None:
        if min(self.value_bits, self.parties) < 1 or self.guard_bits < 0 or self.slot_bits > MAX_SLOT_BITS:
            raise InputError("slots are out of range", expected=f"1 to {MAX_SLOT_BITS} bits", got=self.slot_bits)
        if self.slots < 1:
            raise InputError("a slot does not fit a plaintext", expected=f"below {self.modulus_bits} bits")

    @property
    def slot_bits(self) -> int:
        return self.value_bits + (self.parties - 1).bit_length() + self.guard_bits

    @property
    def slots(self) -> int:
        """Values in one plaintext."""
        return (self.modulus_bits - 1) // self.slot_bits

    def count(self, length: int) -> int:
        """Ciphertexts for a vector of ``length`` values."""
        return -(-length // self.slots)

    def pack(self, values: NDArray[np.int64], *, length: int) -> list[int]:
        """Plaintexts for exactly ``length`` whole numbers of ``value_bits`` bits; raises ``InputError``."""
        if values.ndim != 1 or len(values) != length or not np.issubdtype(values.dtype, np.integer):
            raise InputError("an update has the wrong size", expected=f"{length} whole numbers", got=values.shape)
        if length == 0 or int(values.min()) < 0 or int(values.max()) >> self.value_bits:
            raise InputError("a value does not fit its slot", expected=f"0 to 2^{self.value_bits} - 1")
        padded = np.zeros(self.count(length) * self.slots, dtype="<u8")
        padded[:length] = values
        bits = np.unpackbits(padded.view(np.uint8).reshape(-1, 8), axis=1, count=self.slot_bits, bitorder="little")
        rows = np.packbits(bits.reshape(-1, self.slots * self.slot_bits), axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    def unpack(self, plaintexts: Sequence[int], *, length: int) -> NDArray[np.int64]:
        """The sums in decrypted plaintexts; ``IntegrityError`` if bits stand where no sum can have put them."""
        if len(plaintexts) != self.count(length):
            raise InputError("there are too few or too many plaintexts", expected=self.count(length))
        used = self.slots * self.slot_bits
        overflowed = next((place for place, value in enumerate(plaintexts) if int(value) >> used), None)
        if overflowed is not None:
            raise _overflow(f"plaintext {overflowed}")
        size = -(-used // 8)
        data = b"".join(int(value).to_bytes(size, "little") for value in plaintexts)
        rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, size)
        bits = np.unpackbits(rows, axis=1, count=used, bitorder="little").reshape(-1, self.slot_bits)
        words = np.zeros((len(bits), _WORD_BITS), dtype=np.uint8)
        words[:, : self.slot_bits] = bits
        values = np.packbits(words, axis=1, bitorder="little").view("<u8").reshape(-1).astype(np.int64)
        if values[length:].any():
            raise _overflow("an unused slot")
        return values[:length]


def _overflow(where: str) -> IntegrityError:
    return IntegrityError(
        f"{where} overflowed: a party encrypted values out of range",
        hint="No proof excludes it (docs/threat-model.md): leave the round out.",
    )
