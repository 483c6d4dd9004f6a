"""Learning curves: test accuracy after each epoch, kept in a CSV file through kills, and when it reached a target."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyml.errors import InputError
from pyml.files import read_bounded, write_atomically

_HEADER = ["epoch", "test_accuracy"]
_LIMIT = 1 << 20


class Curve:
    """Accuracies by epoch, counted from one; written to ``file`` if there is one."""

    def __init__(self, file: Path | None = None, points: Mapping[int, float] | None = None) -> None:
        self._file = file
        self._points = dict(points or {})

    @classmethod
    def read(cls, file: Path, *, epochs: int) -> Curve:
        """What a file says of the first ``epochs``; nothing if it is not there. ``InputError`` for any other file."""
        try:
            text = read_bounded(file, _LIMIT).decode()
        except FileNotFoundError:
            return cls(file)
        except (OSError, ValueError) as error:
            raise InputError(f"{file} cannot be read as a learning curve: {error}") from error
        header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if header != _HEADER:
            raise InputError(f"{file} is no learning curve", expected=",".join(_HEADER), got=",".join(header)[:80])
        try:
            points = {int(epoch): float(accuracy) for epoch, accuracy in rows}
        except ValueError as error:
            raise InputError(f"{file} is no learning curve: {error}") from error
        if not all(epoch > 0 and 0 <= accuracy <= 1 for epoch, accuracy in points.items()):
            raise InputError(f"{file} has an epoch or accuracy that is out of range")
        return cls(file, {epoch: accuracy for epoch, accuracy in points.items() if epoch <= epochs})

    def __contains__(self, epoch: int) -> bool:
        return epoch in self._points

    def record(self, epoch: int, accuracy: float) -> None:
        """Add or replace a point."""
        self._points[epoch] = accuracy

    def write(self) -> None:
        """Bring the file up to date, if there is one."""
        if self._file is None:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(sorted(self._points.items()))
        write_atomically(self._file, text.getvalue().encode())

    @property
    def last(self) -> float:
        """The newest accuracy; 0 before there is one."""
        return self._points[max(self._points)] if self._points else 0.0

    @property
    def accuracies(self) -> tuple[float, ...]:
        """From the first epoch on, NaN where one is not known."""
        return tuple(self._points.get(epoch, math.nan) for epoch in range(1, max(self._points, default=0) + 1))


def epochs_to(curve: Sequence[float], target: float, *, start: float = 0.0) -> float | None:
    """Epochs until a curve reached a target, straight between its points; ``None`` if it did not.

    ``start`` is the accuracy before the first epoch; 0 epochs where that is enough.
    """
    before = start
    if before >= target:
        return 0.0
    for epoch, accuracy in enumerate(curve):
        if accuracy >= target:
            return epoch + (target - before) / (accuracy - before)
        before = accuracy
    return None
