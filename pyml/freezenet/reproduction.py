"""The paper's three results, run: learning curves, a watermark put into a trained network, transfer.

Source: FreezeNet, section 3.5, figures 1 to 3. Each returns rows of a table, a row for every seed, and draws nothing:
``pyml.freezenet.figures`` does. Deviations: several seeds with their spread where the paper has one; every seed has a
block of its own, so that positions and values vary too; on a laptop smaller data and networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, TypeAlias

from pyml.errors import InputError
from pyml.freezenet.curve import epochs_to
from pyml.freezenet.experiment import Experiment
from pyml.freezenet.runs import Run, Runs

FRACTIONS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
INSERTED: Final = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
TRANSFERRED: Final = (0.1, 0.2, 0.5, 0.7)
MIN_SEEDS: Final = 3

Curves: TypeAlias = dict[float, list[tuple[float, ...]]]
"""Accuracies after each epoch, by fraction, a curve a seed."""
Told = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Figure 3: honest and transferred curves by fraction, and how much faster transfer reached the target."""

    honest: Curves
    attacker: Curves
    starts: dict[float, list[float]]
    """The attacker's accuracy before the first epoch."""

    def epochs(self, fraction: float, target: float, *, batches: int) -> list[tuple[float | None, float | None]]:
        """Honest and attacker's epochs to a target, a pair a seed; an attacker who is there at once takes one batch."""
        pairs: list[tuple[float | None, float | None]] = []
        rows = zip(self.honest[fraction], self.attacker[fraction], self.starts[fraction], strict=True)
        for honest, attacker, start in rows:
            reached = epochs_to(attacker, target, start=start)
            pairs.append((epochs_to(honest, target), None if reached is None else max(reached, 1 / batches)))
        return pairs


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """Epochs to a target, medians over seeds; ``None`` where most seeds did not reach it."""

    honest: float | None
    attacker: float | None
    median: float | None
    """Of the ratios of a seed's honest epochs to its attacker's."""
    least: float | None
    most: float | None
    reached: tuple[int, int]
    """By how many seeds, honest and attacker's."""

    def as_dict(self) -> dict[str, object]:
        return {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in ((name, getattr(self, name)) for name in self.__slots__)
        }


def speed_up(pairs: Sequence[tuple[float | None, float | None]]) -> SpeedUp:
    """Of honest and attacker's epochs, a pair a seed; a seed in which either never arrived counts for neither."""
    honest = [one for one, _ in pairs if one is not None]
    attacker = [other for _, other in pairs if other is not None]
    ratios = [one / other for one, other in pairs if one is not None and other is not None]
    enough = 2 * len(ratios) > len(pairs)
    return SpeedUp(
        median(honest) if 2 * len(honest) > len(pairs) else None,
        median(attacker) if 2 * len(attacker) > len(pairs) else None,
        median(ratios) if enough else None,
        min(ratios) if enough else None,
        max(ratios) if enough else None,
        (len(honest), len(attacker)),
    )


def learning(runs: Runs, experiment: Experiment, fractions: Sequence[float], seeds: int, told: Told) -> Curves:
    """Figure 1: honest training under watermarks of several sizes."""
    found: Curves = {fraction: [] for fraction in fractions}
    for seed, fraction in _each(seeds, fractions, told):
        found[fraction].append(runs.scratch(_seeded(experiment, fraction, seed)).curve)
    return found


def insertion(
    runs: Runs, experiment: Experiment, fractions: Sequence[float], seeds: int, told: Told
) -> dict[float, list[float]]:
    """Figure 2: accuracy of trained networks right after a watermark was put into them, an accuracy a seed."""
    found: dict[float, list[float]] = {fraction: [] for fraction in fractions}
    for seed, fraction in _each(seeds, fractions, told):
        own = _seeded(experiment, fraction, seed)
        network = runs.pretrained(own).copied()
        own.held(network)
        found[fraction].append(runs.accuracy(network))
    return found


def transfer(runs: Runs, experiment: Experiment, fractions: Sequence[float], seeds: int, told: Told) -> Transfer:
    """Figure 3: honest training against training that begins with a trained network of another seed."""
    honest: Curves = {fraction: [] for fraction in fractions}
    attacker: Curves = {fraction: [] for fraction in fractions}
    starts: dict[float, list[float]] = {fraction: [] for fraction in fractions}
    for seed, fraction in _each(seeds, fractions, told):
        own = _seeded(experiment, fraction, seed)
        run = transferred(runs, own, pretraining=own.setting.epochs)
        honest[fraction].append(runs.scratch(own).curve)
        attacker[fraction].append(run.curve)
        starts[fraction].append(run.start)
    return Transfer(honest, attacker, starts)


def transferred(
    runs: Runs, experiment: Experiment, *, pretraining: int, until: float | None = None, renormalise: bool = False
) -> Run:
    """The attacker's training: begun with a network that was trained so many epochs without a watermark."""
    other = replace(
        experiment, seed=experiment.seed + _OTHER_SEED, setting=replace(experiment.setting, epochs=pretraining)
    )
    origin = repr(replace(other, fraction=0.0))
    return runs.transfer(experiment, runs.pretrained(other), origin=origin, until=until, renormalise=renormalise)


def require_seeds(seeds: int) -> None:
    """A spread needs some; raises ``InputError``."""
    if seeds < MIN_SEEDS:
        raise InputError("too few seeds for a spread", expected=f"{MIN_SEEDS} or more", got=seeds)


def rows_of(curves: Mapping[float, Sequence[Sequence[float]]]) -> Iterator[tuple[float, int, int, float]]:
    """Fraction, seed, epoch and accuracy, for a table."""
    for fraction, rows in curves.items():
        for seed, curve in enumerate(rows):
            for epoch, accuracy in enumerate(curve, start=1):
                yield fraction, seed, epoch, accuracy


def _each(seeds: int, fractions: Sequence[float], told: Told) -> Iterator[tuple[int, float]]:
    total = seeds * len(fractions)
    for seed in range(seeds):
        for index, fraction in enumerate(fractions):
            told(f"seed {seed + 1} of {seeds}, {fraction:.0%} watermarked", (seed * len(fractions) + index) / total)
            yield seed, fraction


def _seeded(experiment: Experiment, fraction: float, seed: int) -> Experiment:
    return replace(experiment, fraction=fraction, seed=seed, block=experiment.block + b"/%d" % seed)


_OTHER_SEED: Final = 1_000_000
