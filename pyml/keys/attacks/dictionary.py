"""The dictionary attack: keys guessed from a list of things that anybody can have, against both modes.

Paper mode (arXiv 1711.04069, Algorithm 1). The attacker has the network and things of the kind that people use; of his
victims he sees addresses. He derives the key of each code that his own things give, the commonest first, and compares
addresses. Similar things sharing a code is what the paper asks of its network; here it is what opens the keys.

Vault mode. The attacker has the helper, the embedder and a list with the very picture in it, and guesses passwords.
Each guess costs one scrypt, and for each picture on the list one more decoding of the sketch, which is cheap: the list
adds to the work only what decoding costs. ``attacks.mask`` tells how it can be sorted before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.password import ScryptCost, stretch
from pyml.crypto.secp256k1 import SigningKey, is_secret
from pyml.errors import InputError, RecoveryError
from pyml.keys.addresses import ethereum
from pyml.keys.evaluation import Rate
from pyml.keys.fuzzy_commitment import BchCode, Bits, commit, open_sketch
from pyml.keys.helper_file import MAX_IMAGES, Helper
from pyml.keys.paper import CODE_BITS, secret_of
from pyml.keys.vault import COST, EmbedderId, recover
from pyml.store.keystore import Secret

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class PaperAttack:
    """Keys that fell, by the number of addresses tried."""

    keys: int
    opened: tuple[int, ...]
    """After one guess, two, …"""

    def within(self, guesses: int) -> Rate:
        """Keys open after so many guesses."""
        if guesses < 1:
            raise InputError("not a number of guesses", expected="1 or more", got=guesses)
        return Rate(self.opened[min(guesses, len(self.opened)) - 1], self.keys)

    def guesses_for(self, share: float) -> int | None:
        """Guesses after which that share of the keys was open; ``None`` if the list ended before."""
        return next((place for place, count in enumerate(self.opened, 1) if count >= share * self.keys), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "keys": self.keys,
            "addresses_on_the_list": len(self.opened),
            "within_1_guess": self.within(1).as_dict(),
            "within_12_guesses": self.within(12).as_dict(),
            "with_the_whole_list": self.within(len(self.opened)).as_dict(),
            "guesses_for_half": self.guesses_for(0.5),
            "guesses_for_nine_tenths": self.guesses_for(0.9),
        }


def likely_addresses(codes: Bits) -> list[str]:
    """Addresses of the keys that codes [things, 256] give, the commonest code first; some codes give no key."""
    if codes.ndim != 2 or codes.shape[1] != CODE_BITS or not len(codes):
        raise InputError("not codes of paper mode", expected=f"[1 or more, {CODE_BITS}]", got=codes.shape)
    distinct, first, counts = np.unique(codes, axis=0, return_index=True, return_counts=True)
    addresses = (address_of(distinct[index]) for index in np.lexsort((first, -counts)))
    return [address for address in addresses if address is not None]


def address_of(code: Bits) -> str | None:
    """The Ethereum address of a code's key in paper mode; ``None`` for a code that gives no key."""
    secret = secret_of(code)
    return ethereum(SigningKey.from_secret(secret).public) if is_secret(secret.reveal) else None


def attack_addresses(victims: Sequence[str], guesses: Sequence[str]) -> PaperAttack:
    """Try addresses of one's own, in order, against those of others."""
    if not victims or not guesses:
        raise InputError("nobody to attack, or nothing to try")
    place = {address: index for index, address in reversed(list(enumerate(guesses)))}
    fell = np.zeros(len(guesses), np.int64)
    for address in victims:
        if address in place:
            fell[place[address]] += 1
    return PaperAttack(len(victims), tuple(int(count) for count in np.cumsum(fell)))


@dataclass(frozen=True, slots=True)
class VaultAttack:
    """A list of pictures and passwords that was tried against one helper."""

    pictures: int
    passwords: int
    opened: bool
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "pictures": self.pictures,
            "passwords": self.passwords,
            "guesses": self.pictures * self.passwords,
            "opened": self.opened,
            "seconds": self.seconds,
        }


def attack_vault(
    helper: Helper,
    pictures: NDArray[np.int64],
    passwords: Sequence[Secret],
    *,
    embedder: EmbedderId,
    clock: Clock = time.perf_counter,
) -> VaultAttack:
    """Try every password with every picture's features [pictures, dimensions], until one pair opens the helper.

    For helpers that need one picture. Stretches a password again for each ``MAX_IMAGES`` pictures; ``GuessPrice`` has
    the cost for those who keep it.
    """
    if helper.threshold != 1:
        raise InputError("only helpers that one picture opens are attacked here", got=helper.threshold)
    started, tried = clock(), 0
    for password in passwords:
        tried += 1
        for first in range(0, len(pictures), MAX_IMAGES):
            try:
                recover(helper, list(pictures[first : first + MAX_IMAGES]), password, embedder=embedder)
            except RecoveryError:
                continue
            return VaultAttack(len(pictures), tried, opened=True, seconds=clock() - started)
    return VaultAttack(len(pictures), tried, opened=False, seconds=clock() - started)


@dataclass(frozen=True, slots=True)
class GuessPrice:
    """What a guess costs on this machine, on one core: scrypt for a password, a decoding for each picture tried."""

    cost: ScryptCost
    scrypt_s: float
    decoding_s: float

    def seconds(self, *, passwords: float, pictures: float) -> float:
        """For every password with every picture, each password stretched once: multiplied out, not run."""
        return passwords * (self.scrypt_s + pictures * self.decoding_s)

    def as_dict(self) -> dict[str, Any]:
        return {"scrypt_n": self.cost.n, "scrypt_s": self.scrypt_s, "decoding_s": self.decoding_s}


def guess_price(
    code: BchCode | None = None, *, cost: ScryptCost = COST, rounds: int = 3, clock: Clock = time.perf_counter
) -> GuessPrice:
    """Measured here: the least of a few rounds. Decoding is that of ``galois`` without compiler; a program in C takes
    microseconds."""
    code = BchCode() if code is None else code
    word = np.zeros(code.n, np.uint8)
    _, sketch = commit(code, word)
    other = np.arange(code.n) % 2 == 0
    return GuessPrice(
        cost,
        _least(lambda: stretch(b"guess", purpose=b"price", salt=bytes(32), cost=cost), rounds, clock),
        _least(lambda: open_sketch(code, other.astype(np.uint8), sketch), 10 * rounds, clock),
    )


def _least(action: Callable[[], object], rounds: int, clock: Clock) -> float:
    times: list[float] = []
    for _ in range(rounds):
        started = clock()
        action()
        times.append(clock() - started)
    return min(times)
