"""Hash_DRBG with SHA-256: NIST SP 800-90A revision 1, section 10.1.1; derivation function of section 10.3.1.

Checked against NIST's CAVP vectors. Prediction resistance is the caller's: reseed before each ``generate`` (section
9.3.1, step 7). Lengths are whole bytes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from pyml.errors import InputError, ResourceError

MIN_ENTROPY_BYTES: Final = 32
"""The security strength of SHA-256, 256 bits (SP 800-57, table 3)."""
MIN_NONCE_BYTES: Final = 16
MAX_REQUEST_BYTES: Final = 2**19 // 8
"""Table 2: 2^19 bits a request."""
RESEED_INTERVAL: Final = 2**48
"""Table 2: requests between reseeds."""

_SEED_BYTES: Final = 440 // 8
_SEED_MASK: Final = (1 << 440) - 1


class HashDrbg:
    """A generator with the working state V, C and reseed counter; ``repr`` shows none of it."""

    __slots__ = ("__constant", "__requests", "__value")

    def __init__(self, entropy: bytes, nonce: bytes, personalization: bytes = b"") -> None:
        """Instantiate; raises ``InputError`` for less entropy or nonce than SHA-256's strength asks for."""
        if len(entropy) < MIN_ENTROPY_BYTES:
            raise InputError(
                "Hash_DRBG needs more entropy", expected=f"{MIN_ENTROPY_BYTES} bytes or more", got=len(entropy)
            )
        if len(nonce) < MIN_NONCE_BYTES:
            raise InputError(
                "Hash_DRBG needs a longer nonce", expected=f"{MIN_NONCE_BYTES} bytes or more", got=len(nonce)
            )
        self._seed(entropy + nonce + personalization)

    def __repr__(self) -> str:
        return "HashDrbg(…)"

    def reseed(self, entropy: bytes, additional: bytes = b"") -> None:
        """Mix fresh entropy into the state."""
        if len(entropy) < MIN_ENTROPY_BYTES:
            raise InputError(
                "Hash_DRBG needs more entropy", expected=f"{MIN_ENTROPY_BYTES} bytes or more", got=len(entropy)
            )
        self._seed(b"\x01" + _bytes(self.__value) + entropy + additional)

    def generate(self, count: int, additional: bytes = b"") -> bytes:
        """``count`` bytes, at most 2^16; raises ``ResourceError`` when a reseed is due."""
        if not 0 <= count <= MAX_REQUEST_BYTES:
            raise InputError("a Hash_DRBG request is out of range", expected=f"0 to {MAX_REQUEST_BYTES}", got=count)
        if self.__requests > RESEED_INTERVAL:
            raise ResourceError("Hash_DRBG must be reseeded", expected=f"at most {RESEED_INTERVAL} requests")
        if additional:
            self.__value = self.__value + _hash(b"\x02" + _bytes(self.__value) + additional) & _SEED_MASK
        output = _hashgen(self.__value, count)
        digest = _hash(b"\x03" + _bytes(self.__value))
        self.__value = self.__value + digest + self.__constant + self.__requests & _SEED_MASK
        self.__requests += 1
        return output

    def _seed(self, material: bytes) -> None:
        seed = _hash_df(material)
        self.__value = int.from_bytes(seed, "big")
        self.__constant = int.from_bytes(_hash_df(b"\x00" + seed), "big")
        self.__requests = 1


def _hash_df(material: bytes) -> bytes:
    """Hash_df to 440 bits: SHA-256 of a block counter, the length in bits, and the material."""
    blocks = (
        sha256(bytes([counter]) + (8 * _SEED_BYTES).to_bytes(4, "big") + material).digest()
        for counter in range(1, -(-_SEED_BYTES // 32) + 1)
    )
    return b"".join(blocks)[:_SEED_BYTES]


def _hashgen(value: int, count: int) -> bytes:
    blocks = (sha256(_bytes(value + block & _SEED_MASK)).digest() for block in range(-(-count // 32)))
    return b"".join(blocks)[:count]


def _hash(material: bytes) -> int:
    return int.from_bytes(sha256(material).digest(), "big")


def _bytes(value: int) -> bytes:
    return value.to_bytes(_SEED_BYTES, "big")
