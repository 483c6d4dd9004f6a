"""Addresses of many images, as the paper makes them: activations → bits → (PBKDF2) → keys → addresses. UNSAFE.

Source: arXiv 1711.04069, Algorithm 1 and Figure 1, by way of ``pyml.keys.paper``, which says what is unsafe about it.

While the network looks at batches, threads derive the addresses of those before: what comes after the forward pass
hides behind it. libsecp256k1 and PBKDF2 run outside Python's lock. Activations become codes as they come, a thirtieth
of their size, so that memory is that of one batch and of the addresses that are kept.
Codes that came up lately are not derived again: a trained network gives few distinct ones (855 for 10,000 digits,
specification, section 4), which is the very thing that makes this mode unsafe.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.base58 import encode_check
from pyml.crypto.secp256k1 import SECRET_BYTES, KeyRangeError, is_secret, public_keys, uncompressed
from pyml.errors import InputError
from pyml.keys import addresses
from pyml.keys.addresses import Network
from pyml.keys.paper import ITERATIONS, SALT, bits, stretch
from pyml.store.keystore import Secret

Addresses: TypeAlias = tuple[str, ...]
"""Of one image, in the order of the recipe's kinds."""
_Cell: TypeAlias = list[Addresses]
"""Empty until a thread has put a code's addresses there."""
_Part: TypeAlias = tuple[Secret, list[_Cell]]
"""Codes, end to end, and where the addresses of each go."""
_Pending: TypeAlias = tuple[list[Future[None]], list[_Cell]]
"""What threads are deriving, and for each image in order where its addresses will be."""
_Item = TypeVar("_Item")

_PACKED: Final = 2
"""Batches that become codes at once. A forward pass leaves the processor's caches cold for all else, which is paid for
less often so; more batches would take more memory."""
_TOGETHER: Final = 8
"""As many times that many are derived at once: each hand-over to a thread costs as much as two keys."""
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
        # PBKDF2 takes seconds for a batch: there, no time is to be saved by waiting for another.
        packed, together = (_PACKED, _TOGETHER) if recipe.password is None else (1, 1)
        for group in _grouped(map(_codes, _grouped(batches, packed)), together):
            new, cells = known.look_up(group)
            if recipe.password is None:  # PBKDF2 gives a number of its own
                _require_keys(new, cells, first, name)
            started = [pool.submit(derivation.fill, part) for part in _parts(new, workers)]
            yield from _finished(pending)
            first, pending = first + len(cells), (started, cells)
        yield from _finished(pending)


def addresses_of(public: bytes, kinds: Sequence[Kind], network: Network = Network.MAINNET) -> Addresses:
    """Addresses of a compressed public key that libsecp256k1 made: it is not parsed again to see whether it is one."""
    return tuple(_FORMS[kind](public, network) for kind in kinds)


class _Derivation:
    """From codes to addresses; prints nothing of either."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def fill(self, part: _Part) -> None:
        recipe = self._recipe
        secrets, cells = part
        if recipe.password is not None:
            secrets = self._stretched(secrets, recipe.password)
        for public, cell in zip(public_keys(secrets.reveal), cells, strict=True):
            cell.append(addresses_of(public, recipe.kinds, recipe.network))

    def _stretched(self, codes: Secret, password: Secret) -> Secret:
        salt, iterations = self._recipe.salt, self._recipe.iterations
        each = (stretch(code, password, salt=salt, iterations=iterations) for code in map(Secret, _split(codes)))
        return Secret(b"".join(stretched.reveal for stretched in each))


class _Known:
    """Codes of late and where their addresses are; prints nothing of either."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: defaultdict[bytes, _Cell] = defaultdict(list)

    def look_up(self, group: Sequence[Secret]) -> tuple[_Part, list[_Cell]]:
        """The codes that are new, and each row's cell."""
        if len(self._cells) > _REMEMBERED:
            self._cells.clear()
        before = len(self._cells)
        cells = [self._cells[code] for code in chain.from_iterable(map(_split, group))]
        added = dict(islice(self._cells.items(), before, None))  # in the order in which they came
        return (Secret(b"".join(added)), list(added.values())), cells


def _codes(batches: Sequence[NDArray[np.float32]]) -> Secret:
    """Each row's code in 32 bytes, end to end; hidden at once, so that no traceback shows one."""
    return Secret(np.packbits(bits(np.concatenate(batches)), axis=1).tobytes())


def _split(codes: Secret) -> list[bytes]:
    return np.frombuffer(codes.reveal, f"V{SECRET_BYTES}").tolist()


def _require_keys(new: _Part, cells: Sequence[_Cell], first: int, name: Callable[[int], str]) -> None:
    codes, places = new
    refused = next((cell for code, cell in zip(_split(codes), places, strict=True) if not is_secret(code)), None)
    if refused is not None:
        row = next(row for row, cell in enumerate(cells) if cell is refused)
        raise KeyRangeError(
            f"{name(first + row)} gives no private key",
            expected="a code that is a number from 1 to n-1",
            hint="A code of zeros or ones throughout means that the network's activations are saturated.",
        )


def _grouped(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


def _parts(new: _Part, count: int) -> list[_Part]:
    codes, cells = new
    size = -(-len(cells) // count)
    starts = range(0, len(cells), size) if cells else ()
    return [
        (Secret(codes.reveal[SECRET_BYTES * start : SECRET_BYTES * (start + size)]), cells[start : start + size])
        for start in starts
    ]


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
