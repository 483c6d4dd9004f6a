"""Where each private value sits in a circuit's two flat private tensors.

The *committed* tensor carries what a persistent commitment is made of (the model, or the input); the *witness* tensor
carries everything else. Each becomes one KZG column of the proof, so there are two commitments whatever the depth.
Values that pass the lookup come first, then those that need none, then the salt, which no gate touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from pyml.zk.statement import Statement


@dataclass(frozen=True, slots=True)
class Part:
    """A named block: row-major ``shape`` from index ``start``."""

    start: int
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts in order; the first ``looked_up`` entries pass the lookup; ``salts`` entries follow the last part."""

    parts: Mapping[str, Part]
    looked_up: int
    salts: int

    @property
    def values(self) -> int:
        return sum(part.length for part in self.parts.values())

    @property
    def size(self) -> int:
        return self.values + self.salts


def committed_layout(statement: Statement) -> Layout:
    """Accuracy: ``weights_l`` [fan_in + 1, fan_out], the bias row last. Private input: ``input`` [features]."""
    sizes = statement.architecture.sizes
    if statement.kind == "private_input":
        shapes = {"input": (sizes[0],)}
    else:
        shapes = {f"weights_{layer}": (sizes[layer - 1] + 1, sizes[layer]) for layer in range(1, len(sizes))}
    return _layout(shapes, {}, statement.numerics.committed_salts)


def witness_layout(statement: Statement) -> Layout:
    """``low_l``/``high_l`` or ``hidden_l`` a hidden layer; ``margin_i``; ``lookup_salts``; ``logits`` or ``answer``."""
    shape, numerics, rows = statement.architecture, statement.numerics, statement.samples
    looked_up: dict[str, tuple[int, ...]] = {}
    for layer, shift in enumerate(shape.shifts, start=1):
        if shift:
            looked_up[f"low_{layer}"] = looked_up[f"high_{layer}"] = (rows, shape.sizes[layer])
        elif statement.kind == "private_model_accuracy":
            looked_up[f"hidden_{layer}"] = (rows, shape.sizes[layer])
    for limb in range(numerics.margin_limbs):
        looked_up[f"margin_{limb}"] = (rows, shape.sizes[-1])
    looked_up["lookup_salts"] = (numerics.lookup_salts,)
    plain = "logits" if statement.kind == "private_model_accuracy" else "answer"
    return _layout(looked_up, {plain: (rows, shape.sizes[-1])}, numerics.witness_salts)


def _layout(looked_up: dict[str, tuple[int, ...]], plain: dict[str, tuple[int, ...]], salts: int) -> Layout:
    parts: dict[str, Part] = {}
    start = 0
    for name, shape in (looked_up | plain).items():
        parts[name] = Part(start, shape)
        start += parts[name].length
    return Layout(parts, sum(parts[name].length for name in looked_up), salts)
