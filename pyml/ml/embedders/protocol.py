"""What every embedder offers, whatever it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", contravariant=True)


class Embedder(Protocol[Item]):
    """Deterministic: the same features for the same item at any batch size and thread count."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def digest(self) -> bytes:
        """SHA-256 over all that features depend on: weights, input form, projection."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a feature vector."""
        ...

    def embed(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """Features [items, dimensions]; about half of them positive."""
        ...
