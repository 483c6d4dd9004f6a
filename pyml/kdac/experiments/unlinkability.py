"""Claim of the abstract: "the derived key generated based on the algorithm has complete randomness in association
verification". Judged by statistics of derived keys and by games that somebody who wants to link would play.

The trained game: two receivers with known long-term keys. A third party is shown derived keys with the receiver's name
and trains a classifier on them, then names the receivers of new ones. Features are all bits of K_t, of its tag, and of
both xor the two long-term keys. The classifier's accuracy must be chance, and the same classifier must win against keys
that do leak, or it would prove nothing.

The other players have what the paper gives them: a seed to guess, or the relay's cache. They must win in paper mode.
"""

# Neither matplotlib nor scikit-learn has complete types.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Mapping
from math import log2, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.scalars import multiply_point
from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac import paper
from pyml.kdac.derivation import derive_public, direction_to, tag_of
from pyml.kdac.experiments.randomness import balance_by_position, bits_of, frequency, runs
from pyml.kdac.paper_resolver import PaperResolver

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLOT: Final = 2_975_000
MOMENT_MS: Final = 1_700_000_000_000
LEAST_P: Final = 0.001
"""Below it a statistic says that the strings are not random: once in a thousand for strings that are."""


def run(
    *, samples: int = 4000, guessed_bits: int = 10, seed: int = 1, progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """All statistics and games. ``samples`` for each receiver."""
    report = progress or _ignore
    sender, *receivers = (SigningKey.from_secret(_made(seed, who)) for who in ("sender", "one", "other"))
    keys = [_derived(sender, receiver, samples, _made(seed, receiver.public.hex())) for receiver in receivers]
    report(0.3)
    strings = {"tags": [tag_of(key) for key in keys[0]], "x-coordinates": [key[1:] for key in keys[0]]}
    strings = {"tags": [tag_of(key) for key in keys[0]], "x-coordinates": [key[1:] for key in keys[0]]}
    statistics = [row for what, texts in strings.items() for row in _statistics(what, texts)]
    publics = [receiver.public for receiver in receivers]
    games = [_game("v1, a third party", keys, publics, seed, chance=True)]
    report(0.7)
    leaking = [[bytes((key[0],)) + _leak(key[1:], name) for key in row] for name, row in enumerate(keys)]
    games.append(_game("control: keys that leak one time in four", leaking, publics, seed, chance=False))
    games.append(_relay_game(publics, seed))
    report(0.9)
    guess = _guess(publics[0], guessed_bits)
    return {
        "rows": statistics + games,
        "verdicts": {
            "statistics hold": all(row["measured"] >= LEAST_P for row in statistics),
            "games end as they should": all(game["as expected"] for game in games),
            "paper: both directions share their key": _same_key(sender, receivers[0]),
            **guess,
        },
    }


def _made(seed: int, what: str) -> bytes:
    """Keys of an experiment: the same for the same seed."""
    return hashlib.sha256(f"kdac experiment {seed} {what}".encode()).digest()


def _derived(sender: SigningKey, receiver: SigningKey, count: int, seed: bytes) -> list[bytes]:
    direction = direction_to(receiver.public, sender.public)
    return [derive_public(receiver.public, seed, direction, SLOT + number // 8, number % 8) for number in range(count)]


def _statistics(what: str, strings: list[bytes]) -> list[dict[str, Any]]:
    bits = bits_of(strings)
    tests = {"frequency": frequency, "runs": runs, "balance by position": balance_by_position}
    measured = {f"{what}: {name}": test(bits) for name, test in tests.items()}
    measured = {f"{what}: {name}": test(bits) for name, test in tests.items()}
    return [
        {"test": name, "measured": value, "low": LEAST_P, "high": 1.0, "as expected": value >= LEAST_P}
        for name, value in measured.items()
    ]


def _game(name: str, keys: list[list[bytes]], publics: list[bytes], seed: int, *, chance: bool) -> dict[str, Any]:
    """Train on one half, play on the other."""
    from sklearn.linear_model import LogisticRegression  # heavy, late
    from sklearn.neural_network import MLPClassifier

    features = np.concatenate([_features(row, publics) for row in keys])
    labels = np.repeat([0, 1], [len(row) for row in keys])
    order = np.random.default_rng(seed).permutation(len(labels))
    half = len(order) // 2
    train, play = order[:half], order[half:]
    correct = 0.0
    for model in (
        LogisticRegression(max_iter=500, C=0.01),
        MLPClassifier((64,), max_iter=100, early_stopping=True, n_iter_no_change=5, random_state=seed),
    ):
        model.fit(features[train], labels[train])
        named = np.asarray(model.predict(features[play]))
        named = np.asarray(model.predict(features[play]))
        correct = max(correct, float(np.mean(named == labels[play])))
    margin = 3.3 / (2 * sqrt(len(play)))  # two classifiers, 99.9 % for both
    return {
        "test": f"game: {name}",
        "measured": correct,
        "low": 0.5 - margin,
        "high": 0.5 + margin,
        "as expected": (abs(correct - 0.5) <= margin) == chance,
    }


def _features(keys: list[bytes], publics: list[bytes]) -> NDArray[np.float32]:
    """Bits of key and tag, and of the key xor each long-term key."""
    whole = bits_of([key + tag_of(key) for key in keys])
    mixed = [whole[:, : 33 * 8] ^ bits_of([public])[0] for public in publics]
    return np.concatenate([whole, *mixed], axis=1).astype(np.float32) - 0.5


def _leak(text: bytes, name: int) -> bytes:
    """One key in four has the receiver's name in its last bit."""
    return text if text[0] & 3 else text[:-1] + bytes((text[-1] & 0xFE | name,))


def _relay_game(publics: list[bytes], seed: int) -> dict[str, Any]:
    """In paper mode the relay names the receiver of every message: it has the long-term keys and the hashed seeds."""
    rounds, dice = 100, random.Random(seed)  # noqa: S311 which receiver is meant is no secret here
    relay, scalars = (
        PaperResolver(len(publics)),
        [paper.hashed_seed(_made(seed, key.hex())[:8], MOMENT_MS) for key in publics],
    )
    for user, (public, scalar) in enumerate(zip(publics, scalars, strict=True)):
        relay.expose(public, scalar, SLOT, user)
    correct = 0
    for _ in range(rounds):
        meant = dice.randrange(2)
        correct += relay.resolve(SLOT, multiply_point(publics[meant], scalars[meant])) == meant
    share = correct / rounds
    return {"test": "game: paper, the relay", "measured": share, "low": 1.0, "high": 1.0, "as expected": share == 1.0}


def _guess(public: bytes, bits: int) -> dict[str, Any]:
    """Find a seed of so few bits from one pair (K, K_t), and say what the paper's 64 take at this rate."""
    secret = (2**bits - 1).to_bytes(paper.SEED_BYTES, "big")
    observed = paper.derive_public(public, secret, MOMENT_MS)
    started = time.process_time()
    found = paper.guess_seed(public, observed, MOMENT_MS, (n.to_bytes(8, "big") for n in range(2**bits)))
    rate = 2**bits / (time.process_time() - started)
    years = 2**64 / rate / (365 * 24 * 3600)
    return {
        f"paper: a seed of {bits} bits is found": found == secret,
        "paper: guesses a second, one core": round(rate),
        "paper: core-years for 64 bits, log2": round(log2(years), 1),
        "v1: core-years for 256 bits, log2": round(log2(years) + 192, 1),
    }


def _same_key(one: SigningKey, other: SigningKey) -> bool:
    seed = b"8 bytes."
    forth = paper.session_key(one.reveal, paper.derive_public(other.public, seed, MOMENT_MS))
    return forth == paper.session_key(other.reveal, paper.derive_public(one.public, seed, MOMENT_MS))


def _ignore(_: float) -> None:
    return


def draw(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Measured values with the range in which each must be."""

    def paint(figure: Figure) -> None:
        rows = list(result["rows"])[::-1]
        axes = figure.subplots()
        for place, row in enumerate(rows):
            axes.plot([row["low"], row["high"]], [place, place], color="tab:grey", linewidth=6, alpha=0.4)
        colours = ["tab:blue" if row["as expected"] else "tab:red" for row in rows]
        axes.scatter([row["measured"] for row in rows], range(len(rows)), c=colours, zorder=3)
        axes.set_yticks(range(len(rows)), [row["test"] for row in rows])
        axes.set_xlabel("p-value, or share of receivers named")

    return paint
