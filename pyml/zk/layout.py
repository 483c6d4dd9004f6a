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
    """Private model: ``weights_l`` [fan_in + 1, fan_out], the bias row last. Private input: ``input`` [features]."""
    if statement.private_model:  # the same for accuracy and inference, so that one commitment serves both
        shapes: dict[str, tuple[int, ...]] = {
            f"weights_{layer}": (shape.fan_in + 1, shape.fan_out)
            for layer, shape in enumerate(statement.architecture.shapes, start=1)
        }
    else:
        shapes = {"input": (statement.architecture.sizes[0],)}
    return _layout(shapes, {}, statement.numerics.committed_salts)


def witness_layout(statement: Statement) -> Layout:
    """``low_l``/``high_l`` or ``hidden_l`` a hidden layer; ``margin_i``; ``lookup_salts``; then what needs no lookup:
    ``logits`` (private model), ``answer`` (one sample), ``input`` (inference). A link has no witness: size 0."""
    if statement.kind == "model_link":
        return _layout({}, {}, 0)
    shape, numerics, rows = statement.architecture, statement.numerics, statement.samples
    looked_up: dict[str, tuple[int, ...]] = {}
    for layer, (each, shift) in enumerate(zip(shape.shapes, shape.shifts, strict=False), start=1):
        width = each.pre_activations
        if shift:
            looked_up[f"low_{layer}"] = looked_up[f"high_{layer}"] = (rows, width)
        elif statement.private_model:
            looked_up[f"hidden_{layer}"] = (rows, width)
    for limb in range(numerics.margin_limbs):
        looked_up[f"margin_{limb}"] = (rows, shape.sizes[-1])
    looked_up["lookup_salts"] = (numerics.lookup_salts,)
    scores = (rows, shape.sizes[-1])
    plain: dict[str, tuple[int, ...]] = {}
    if statement.private_model:
        plain["logits"] = scores
    if statement.kind != "private_model_accuracy":
        plain["answer"] = scores
    if statement.kind == "private_model_inference":
        plain["input"] = (rows, shape.sizes[0])
    return _layout(looked_up, plain, numerics.witness_salts)


def _layout(looked_up: dict[str, tuple[int, ...]], plain: dict[str, tuple[int, ...]], salts: int) -> Layout:
    parts: dict[str, Part] = {}
    start = 0
    for name, shape in (looked_up | plain).items():
        parts[name] = Part(start, shape)
        start += parts[name].length
    return Layout(parts, sum(parts[name].length for name in looked_up), salts)
