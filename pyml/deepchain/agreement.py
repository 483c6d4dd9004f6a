"""What a group agrees on before its first round, as one blob under a digest.

Source: DeepChain, section 4.2.4, *collaborative information commitment*: number of parties, model, initial weights.
Rounds, deposit and deadlines are the contract's; the threshold key is a blob of its own. The chain holds the digests,
so that nobody can be told other numbers than the rest. Initial weights are those that the seed gives, or a blob of
them (for networks that PyTorch here does not make, such as a Flower app's).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self, cast

from pyml.deepchain.fixed_point import FixedPoint
from pyml.errors import InputError

FORMAT: Final = "pyml.deepchain.agreement.v1"
SIZE_LIMIT: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """The numbers that all parties use; checked as far as they can be without the data."""

    data: str = "digits"
    network: str = "digits-mlp"
    """A name of ``local_training.NETWORKS``, a description, or ``flower`` for weights in a blob."""
    weights: str = ""
    """Blob of the initial weights; empty where the seed makes them."""
    seed: int = 0
    shards: int = 10
    iterations: int = 15
    batch_size: int = 64
    learning_rate: float = 0.5
    bits: int = 16
    clip: float = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            kinds = {"str": str, "int": int, "float": float}
            if type(value) is not kinds[str(field.type)]:
                raise InputError(f"the agreement's {field.name} is of another kind", expected=field.type, got=value)
        if not 1 <= self.shards <= 10_000 or not 0 <= self.seed < 2**63 or len(self.network) > 200:
            raise InputError("the agreement's numbers are out of range", got=self)
        if min(self.iterations, self.batch_size) < 1 or not 0 < self.learning_rate < 1e6:
            raise InputError("the agreement's training is out of range", got=self)
        if (self.network == "flower") != bool(self.weights):
            raise InputError("initial weights belong to a network that is not made from a seed, and to no other")
        _ = self.encoding

    @property
    def encoding(self) -> FixedPoint:
        """How updates become whole numbers."""
        return FixedPoint(self.bits, self.clip)

    def encode(self) -> bytes:
        """Canonical bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """From bytes of hostile origin; ``InputError`` unless they are exactly those of ``encode``."""
        try:
            raw: object = json.loads(content.decode("ascii")) if len(content) <= SIZE_LIMIT else None
        except (ValueError, RecursionError):
            raw = None
        if not isinstance(raw, dict):
            raise InputError("this is not an agreement of a group")
        values = cast("dict[str, Any]", raw)
        if values.pop("format", None) != FORMAT or set(values) != {field.name for field in fields(cls)}:
            raise InputError("the agreement is of another version", expected=FORMAT)
        found = cls(**values)
        if found.encode() != content:
            raise InputError("the agreement is not in its canonical form")
        return found
