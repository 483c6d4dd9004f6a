"""Test accuracy round by round: DeepChain's average, and what it must be compared with.

Source: DeepChain, figures 6 and 7 (four and ten parties on MNIST). The paper draws one curve a party and one of a party
alone. Here are four curves from the same start, rows and number of steps:

    deepchain    the average of encoded updates: what the encrypted rounds give, bit for bit (``averaging``)
    centralised  the same average in floats, as a trusted server would compute it
    pooled       one model trained on the rows of all, as if nobody had anything to hide; as many steps as one party
    alone        party 0 by itself; ``every_lone_party`` trains them all
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pyml.deepchain.averaging import accuracy_on_test_rows, federation
from pyml.deepchain.fixed_point import FixedPoint
from pyml.deepchain.local_training import LocalTraining, network, weights_of
from pyml.deepchain.shards import PAPER_PARTIES, pooled, shard
from pyml.errors import InputError
from pyml.ml.datasets import Dataset

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is trained, by how many, how often."""

    parties: int
    rounds: int = 100
    every: int = 5
    """Accuracy is measured every so many rounds, and after the last."""
    network: str = "cnn"
    training: LocalTraining = field(default_factory=LocalTraining)
    encoding: FixedPoint = field(default_factory=FixedPoint)
    shards: int = PAPER_PARTIES
    """Into how many parts the rows are cut: a party has the same number of them whether four take part or ten."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.parties <= self.shards:
            raise InputError("more parties than shards", expected=f"1 to {self.shards}", got=self.parties)
        if min(self.rounds, self.every) < 1:
            raise InputError("rounds are positive", got=(self.rounds, self.every))


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy on the test rows by round."""

    name: str
    rounds: tuple[int, ...]
    accuracy: tuple[float, ...]
    clipped: int = 0
    """Values that were cut to the clip, over all rounds and parties."""

    @property
    def last(self) -> float:
        return self.accuracy[-1]


def compare(dataset: Dataset, asked: Comparison, *, progress: Progress | None = None) -> tuple[Curve, ...]:
    """The four curves."""
    shards = [shard(dataset, index, shards=asked.shards, seed=asked.seed) for index in range(asked.parties)]
    everything = [pooled(dataset, asked.parties, shards=asked.shards, seed=asked.seed)]
    plans = (
        ("deepchain", shards, asked.encoding),
        ("centralised", shards, None),
        ("pooled", everything, None),
        ("alone", shards[:1], None),
    )
    total = sum(len(rows) for _, rows, _ in plans)
    done = 0
    curves: list[Curve] = []
    for name, rows, encoding in plans:

        def report(index: int, name: str = name, weight: int = len(rows), before: int = done) -> None:
            if progress is not None:
                progress(f"{name}, round {index} of {asked.rounds}", (before + weight * index / asked.rounds) / total)

        curves.append(_trained(dataset, asked, name, rows, encoding, report))
        done += len(rows)
    return tuple(curves)


def every_lone_party(dataset: Dataset, asked: Comparison) -> Iterator[float]:
    """The accuracy that each party reaches by itself in as many rounds."""
    for index in range(asked.parties):
        rows = [shard(dataset, index, shards=asked.shards, seed=asked.seed)]
        yield _trained(dataset, asked, "alone", rows, None, lambda _: None).last


def _trained(
    dataset: Dataset,
    asked: Comparison,
    name: str,
    rows: list[Dataset],
    encoding: FixedPoint | None,
    report: Callable[[int], None],
) -> Curve:
    model = network(asked.network, seed=asked.seed)
    curve = Curve(name, (), ())
    for step in federation(model, weights_of(model), rows, asked.training, rounds=asked.rounds, encoding=encoding):
        curve = replace(curve, clipped=curve.clipped + step.clipped)
        if step.index % asked.every == 0 or step.index == asked.rounds:
            found = accuracy_on_test_rows(model, step.weights, dataset)
            curve = replace(curve, rounds=(*curve.rounds, step.index), accuracy=(*curve.accuracy, found))
        report(step.index)
    return curve
