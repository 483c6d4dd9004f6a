"""Addresses of many images, as the paper makes them: activations → bits → (PBKDF2) → keys → addresses. UNSAFE.

Source: arXiv 1711.04069, Algorithm 1 and Figure 1, by way of ``pyml.keys.paper``, which says what is unsafe about it.

While the network looks at batches, threads derive the addresses of those before: what comes after the forward pass
hides behind it, and memory is that of a few batches of activations. libsecp256k1 and PBKDF2 run outside Python's lock.
Codes that came up lately are not derived again: a trained network gives few distinct ones (855 for 10,000 digits,
specification, section 4), which is the very thing that makes this mode unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.base58 import encode_check
from pyml.crypto.secp256k1 import SECRET_BYTES, KeyRangeError, SigningKey, is_secret, uncompressed
from pyml.errors import InputError
from pyml.keys import addresses
from pyml.keys.addresses import Network
from pyml.keys.paper import ITERATIONS, SALT, bits, stretch
from pyml.store.keystore import Secret

Addresses: TypeAlias = tuple[str, ...]
"""Of one image, in the order of the recipe's kinds."""
_Cell: TypeAlias = list[Addresses]
"""Empty until a thread has put a code's addresses there."""
_Pending: TypeAlias = tuple[list[Future[None]], list[_Cell]]
"""What threads are deriving, and for each image in order where its addresses will be."""

_TOGETHER: Final = 6
"""Batches derived at once. A forward pass leaves the processor's caches cold for all else, which is paid for less often
so. With PBKDF2 it is one, as that takes seconds."""
_REMEMBERED: Final = 1024
"""Codes whose addresses are kept: about half a megabyte."""


class Kind(Enum):
    """Forms of address."""

    P2PKH = "p2pkh"
    P2PKH_UNCOMPRESSED = "p2pkh-uncompressed"
    """The original form, which the paper's figure 1 shows."""
    P2SH = "p2sh"
    """Of the key's segwit program (P2SH-P2WPKH, BIP-141), the one script that wallets make of a single key."""
    P2WPKH = "p2wpkh"
    ETHEREUM = "ethereum"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of a code. Without a password, the code itself is the key."""

    kinds: tuple[Kind, ...] = (Kind.P2PKH,)
    network: Network = Network.MAINNET
    password: Secret | None = None
    salt: bytes = SALT
    iterations: int = ITERATIONS

    def __post_init__(self) -> None:
        if not self.kinds or len(set(self.kinds)) != len(self.kinds):
            raise InputError("name each kind of address once", expected="one or more", got=len(self.kinds))


def derive_addresses(
    batches: Iterable[NDArray[np.float32]],
    recipe: Recipe,
    *,
    workers: int = 1,
    name: Callable[[int], str] = "image {}".format,
) -> Iterator[Addresses]:
    """The addresses of each image, in order, from activations [b, 256] in batches, such as ``activations`` yields.

    ``workers`` threads share each batch. Raises ``KeyRangeError`` with the ``name`` of the first image whose code is no
    key, and ``InputError`` for activations that are none, or a password that cannot be used.
    """
    derivation, known = _Derivation(recipe), _Known()
    first = 0
    with ThreadPoolExecutor(workers, "derivation") as pool:
        pending: _Pending = ([], [])
        for group in _grouped(batches, _TOGETHER if recipe.password is None else 1):
            codes, cells = known.look_up(_packed(np.concatenate(group)))
            if recipe.password is None:  # PBKDF2 gives a number of its own
                _require_keys(codes, cells, first, name)
            started = [pool.submit(derivation.fill, part) for part in _parts(codes, workers)]
            yield from _finished(pending)
            first, pending = first + len(cells), (started, cells)
        yield from _finished(pending)


def addresses_of(key: SigningKey, kinds: Sequence[Kind], network: Network = Network.MAINNET) -> Addresses:
    """Addresses of a key. Its public key comes from libsecp256k1 and is not parsed again to see whether it is one."""
    return tuple(_FORMS[kind](key.public, network) for kind in kinds)


class _Derivation:
    """From code to addresses; prints nothing of either."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def fill(self, codes: Sequence[tuple[Secret, _Cell]]) -> None:
        recipe = self._recipe
        for code, cell in codes:
            if recipe.password is not None:
                code = stretch(code, recipe.password, salt=recipe.salt, iterations=recipe.iterations)
            cell.append(addresses_of(SigningKey.from_secret(code), recipe.kinds, recipe.network))


class _Known:
    """Codes of late and where their addresses are; prints nothing of either."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[bytes, _Cell] = {}

    def look_up(self, packed: NDArray[np.void]) -> tuple[list[tuple[Secret, _Cell]], list[_Cell]]:
        """Codes that are new, hidden at once, so that no traceback shows one; and each row's cell."""
        if len(self._cells) > _REMEMBERED:
            self._cells.clear()
        rows = packed.tolist()
        new = [
            (Secret(code), self._cells.setdefault(code, [])) for code in dict.fromkeys(rows) if code not in self._cells
        ]
        return new, [self._cells[code] for code in rows]


def _packed(activations: NDArray[np.float32]) -> NDArray[np.void]:
    """Each row's code in 32 bytes."""
    return np.packbits(bits(activations), axis=1).view(f"V{SECRET_BYTES}")[:, 0]


def _require_keys(
    codes: Sequence[tuple[Secret, _Cell]], cells: Sequence[_Cell], first: int, name: Callable[[int], str]
) -> None:
    for code, cell in codes:
        if not is_secret(code.reveal):
            row = next(row for row, other in enumerate(cells) if other is cell)
            raise KeyRangeError(
                f"{name(first + row)} gives no private key",
                expected="a code that is a number from 1 to n-1",
                hint="A code of zeros or ones throughout means that the network's activations are saturated.",
            )


def _grouped(batches: Iterable[NDArray[np.float32]], size: int) -> Iterator[list[NDArray[np.float32]]]:
    rest = iter(batches)
    while group := list(islice(rest, size)):
        yield group


def _parts(codes: list[tuple[Secret, _Cell]], count: int) -> list[list[tuple[Secret, _Cell]]]:
    size = -(-len(codes) // count)
    return [codes[start : start + size] for start in range(0, len(codes), size)] if codes else []


def _finished(pending: _Pending) -> list[Addresses]:
    parts, cells = pending
    for part in parts:
        part.result()
    return [cell[0] for cell in cells]


def _p2pkh(public: bytes, network: Network) -> str:
    return encode_check(bytes([network.key_version]) + addresses.hash160(public))


def _p2sh(public: bytes, network: Network) -> str:
    return addresses.p2sh(addresses.p2wpkh_script(addresses.hash160(public)), network)


_FORMS: Final[dict[Kind, Callable[[bytes, Network], str]]] = {
    Kind.P2PKH: _p2pkh,
    Kind.P2PKH_UNCOMPRESSED: lambda public, network: _p2pkh(uncompressed(public), network),
    Kind.P2SH: _p2sh,
    Kind.P2WPKH: lambda public, network: addresses.p2wpkh(public, network),
    Kind.ETHEREUM: lambda public, _: addresses.ethereum(public),
}
