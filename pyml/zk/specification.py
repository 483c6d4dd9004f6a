"""What a SPEC.md says of a circuit: signals, degrees and integer bounds, computed; its numbered constraints, read.

Source: ``circuits/<kind>/SPEC.md``, sections Signals, Constraints and Soundness (steps 4 to 6). Nothing here is copied
from a reference circuit: every number follows from the statement and the lookup table, so it holds for any circuit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import floor, log2, prod

from pyml.chain.tools import SOURCE_ROOT
from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.zk.challenge import MAX_FEATURE_BYTES
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.statement import Kind, Statement

HASH_PREIMAGES = -(-(2**256) // SCALAR_MODULUS)
"""Most 256-bit hashes that are one challenge mod r."""
FEATURE_MAX = 2**16 - 1
"""A public feature has two bytes (``contracts/zk/Features.sol``)."""

_ANY = "any field element"


@dataclass(frozen=True, slots=True)
class Signal:
    """One tensor of the circuit, or one public number."""

    name: str
    visibility: str
    place: str
    """Point of the proof with the entries of its column, or index of the public inputs."""
    shape: tuple[int, ...]
    range: str
    supplier: str


@dataclass(frozen=True, slots=True)
class Bound:
    """Largest magnitude of one side of an identity, as an integer."""

    what: str
    magnitude: int
    bits: int


@dataclass(frozen=True, slots=True)
class Constraint:
    """One row of a SPEC.md's table of constraints, as it is written there."""

    number: str
    constraint: str
    forgery: str
    tests: str


def sentence(statement: Statement) -> str:
    """What a valid proof shows, in words."""
    shape, samples = statement.architecture, statement.samples
    network = "-".join(map(str, shape.sizes))
    strictly = "the logit of the answer is strictly greater than every other"
    match statement.kind:
        case "private_model_accuracy":
            return (
                f"The prover knows integer weights, committed to by point 0 of the proof, with which the {network} "
                f"perceptron answers at least `count` of the {samples} samples of {statement.subject_name} "
                f"correctly; {strictly}."
            )
        case "private_model_inference":
            return (
                f"The prover knows integer weights, committed to by point 0 of the proof, with which the {network} "
                f"perceptron answers `label` to the public input; {strictly}."
            )
        case "model_link":
            return (
                f"The weights of a {network} perceptron and their salts, committed to by point 0 of the proof, have "
                "this `fingerprint` at the challenge: the same as under another commitment, if they are the same."
            )
        case "private_input":
            return (
                f"The prover knows {shape.sizes[0]} integers in [0, {shape.input_max}], committed to by point 0 of the "
                f"proof, to which the pinned public {network} perceptron “{statement.subject_name}” answers `label`; "
                f"{strictly}."
            )


def signals(statement: Statement, table_low: int) -> tuple[Signal, ...]:
    """Every signal, the constants first, then the private tensors part by part, then the public numbers in order.

    ``table_low`` is the low end of the lookup table, which depends on k.
    """
    return (*_constants(statement), *_private(statement, table_low), *_public(statement))


def check_constraints(statement: Statement) -> tuple[str, ...]:
    """The constraint that each check belongs to, in the order of the public inputs that must be zero."""
    if statement.kind == "model_link":
        return ()
    if statement.private_model:
        return (*["C2"] * (statement.architecture.layers - 1), "C3", "C4", "C5")
    return ("C2", *["C3"] * sum(1 for shift in statement.architecture.shifts if shift), "C4", "C5")


def check_degrees(statement: Statement) -> dict[str, int]:
    """Largest degree in ρ of each constraint's polynomial, whose roots are the challenges that let a violation pass."""
    sizes, samples = statement.architecture.sizes, statement.samples
    classes = sizes[-1]
    hidden = [shape.pre_activations for shape in statement.architecture.shapes[:-1]]  # of all positions and channels
    if statement.kind == "model_link":
        return {"C1": committed_layout(statement).size - 1}
    if statement.kind == "private_input":
        shifted = [width for width, shift in zip(hidden, statement.architecture.shifts, strict=True) if shift]
        return {"C2": sizes[0] - 1, **_widest("C3", shifted, 1), "C4": classes, "C5": classes - 1}
    layers = {**_widest("C2", hidden, samples), "C3": samples * classes - 1}
    if statement.kind == "private_model_accuracy":
        return {**layers, "C4": samples * classes - 1, "C5": samples - 1}
    # C6 compares the monic polynomials of two inputs, of which one may have any length that the contract takes.
    return {**layers, "C4": classes, "C5": classes - 1, "C6": max(sizes[0], MAX_FEATURE_BYTES // 2)}


def soundness_bits(statement: Statement) -> float:
    """-log2 of the chance that one hash query hits a root (Schwartz–Zippel), rounded down to a tenth.

    The largest degree counts, not the sum: a violated constraint makes one particular polynomial non-zero.
    """
    degree = max(check_degrees(statement).values())
    return floor(10 * (256 - log2(degree * HASH_PREIMAGES))) / 10


def integer_bounds(statement: Statement, table_low: int) -> tuple[Bound, ...]:
    """Magnitudes of pre-activations and of both sides of every identity; below r/2, congruent means equal.

    None for a link, which compares field elements.
    """
    if statement.kind == "model_link":
        return ()
    shape, numerics = statement.architecture, statement.numerics
    bits, high = numerics.lookup_bits, numerics.table_high
    kept = max(-table_low, high)
    layer_check = "C2" if statement.private_model else "C3"
    found: list[tuple[str, int]] = []
    bound = 0
    for layer, bound in enumerate(_pre_activations(statement), start=1):
        found.append((f"H_{layer}: |h_{layer}|", bound))
        if layer == shape.layers:
            break
        if shift := shape.shifts[layer - 1]:
            found.append((f"{layer_check}: 2^{bits - shift}·h_{layer}", bound << (bits - shift)))
            found.append((f"{layer_check}: low_{layer} + 2^{bits}·high_{layer}", high + (kept << bits)))
        elif statement.private_model:
            found.append((f"{layer_check}: hidden_{layer}", kept))
    margin = "C4" if statement.kind == "private_model_accuracy" else "C5"
    found.append((f"{margin}: difference of logits", 2 * bound + 1))
    found.append((f"{margin}: Σ 2^({bits}·k)·margin_k", (1 << (bits * numerics.margin_limbs)) - 1))
    return tuple(Bound(what, magnitude, magnitude.bit_length()) for what, magnitude in found)


def read_constraints(spec: str) -> tuple[Constraint, ...]:
    """The rows of the table whose first column is C1, C2, …; none if there is no such table."""
    rows = (line.strip().strip("|").split("|") for line in spec.splitlines() if re.match(r"\|\s*C\d+\s*\|", line))
    return tuple(Constraint(*(cell.strip() for cell in row)) for row in rows if len(row) == 4)


def named_tests(spec: str) -> dict[str, str]:
    """Which test file a letter of the table's last column stands for."""
    return dict(re.findall(r"\b([A-Z]) =\s+`(tests/[^`\s]+)`", spec))


def reference_spec(kind: Kind) -> str | None:
    """The SPEC.md that ships with the package for this kind of circuit, if there is one."""
    packaged = files("pyml").joinpath("circuits", kind, "SPEC.md")
    spec = packaged if packaged.is_file() else SOURCE_ROOT / "circuits" / kind / "SPEC.md"
    return spec.read_text(encoding="utf-8") if spec.is_file() else None


def _pre_activations(statement: Statement) -> Iterator[int]:
    """H_l = M·(n·X_{l-1} + u_l): M bounds a weight, n counts the inputs of a neuron, X bounds what enters the layer."""
    shape, high = statement.architecture, statement.numerics.table_high
    # A private weight is only known to pass the lookup as w + B; a public one was checked when it was read.
    weight = max(shape.offset, high - shape.offset) if statement.private_model else shape.offset
    entering = FEATURE_MAX if statement.kind == "private_model_inference" else shape.input_max
    for each, unit in zip(shape.shapes, shape.bias_units, strict=True):
        yield weight * (each.fan_in * entering + unit)
        entering = high * (each.pool.size**2 if each.pool is not None and each.pool.kind == "sum" else 1)


def _constants(statement: Statement) -> Iterator[Signal]:
    shape, place = statement.architecture, "fixed columns (verifying key)"
    if statement.kind == "private_model_accuracy":
        rows, classes = statement.samples, shape.sizes[-1]
        for name, size, top in (("samples", (rows, shape.sizes[0]), shape.input_max), ("labels", (rows,), classes - 1)):
            yield Signal(name, "public, constant", place, size, f"[0, {top}]", "data set, by digest")
    elif statement.kind == "private_input":
        span = f"[{-shape.offset}, {shape.offset - 1}]"
        for layer, each in enumerate(shape.shapes, start=1):
            size = (each.fan_in, each.fan_out)
            yield Signal(f"weights_{layer}", "public, constant", place, size, span, "model, by digest")
            yield Signal(
                f"biases_{layer}",
                "public, constant",
                place,
                size[1:],
                f"{span}·{shape.bias_units[layer - 1]}",
                "model, by digest",
            )


def _private(statement: Statement, table_low: int) -> Iterator[Signal]:
    owner = "owner of the model" if statement.private_model else "prover"
    tensors = [("committed", committed_layout(statement), owner), ("witness", witness_layout(statement), "prover")]
    for point, (tensor, layout, supplier) in enumerate(_present(tensors)):
        places = [(name, part.start, part.shape) for name, part in layout.parts.items()]
        for name, start, size in [*places, ("salts", layout.values, (layout.salts,))]:
            yield Signal(
                f"{tensor}: {name}",
                "private, committed",
                f"point {point}, entries {start} to {start + prod(size) - 1}",
                size,
                _range(statement, name, start < layout.looked_up, table_low),
                _supplier(statement, name, supplier, layout, point),
            )


def _present(tensors: list[tuple[str, Layout, str]]) -> list[tuple[str, Layout, str]]:
    return [tensor for tensor in tensors if tensor[1].size]


def _supplier(statement: Statement, name: str, supplier: str, layout: Layout, point: int) -> str:
    if name == "salts" and point == 0:
        fresh = "" if statement.private_model else "fresh, or "
        return f"{supplier}, {fresh}kept for at most {layout.salts - 1} proofs"
    if name in {"salts", "lookup_salts"}:
        return f"{supplier}, fresh in every proof"
    return "public input of the claim" if statement.kind == "private_model_inference" and name == "input" else supplier


def _range(statement: Statement, name: str, looked_up: bool, table_low: int) -> str:
    shape, high = statement.architecture, statement.numerics.table_high
    if statement.kind == "model_link":
        return _ANY
    if name.startswith("weights_"):
        return f"w + {shape.offset} in [0, {high}]: w in [{-shape.offset}, {high - shape.offset}]"
    if name == "input":
        return f"[0, {shape.input_max}]" if statement.kind == "private_input" else f"[0, {FEATURE_MAX}] by C6"
    if name == "answer":
        return "one-hot"
    if not looked_up or name == "salts":
        return _ANY
    # Used as the output of the lookup, these are not negative; the others are its input.
    low = 0 if name.startswith(("low_", "margin_")) else table_low
    return f"[{low}, {high}]"


def _public(statement: Statement) -> Iterator[Signal]:
    visible, one, verifier = "public", (1,), "contract or verifier"
    points = 2 if witness_layout(statement).size else 1
    yield Signal(
        "ρ", visible, f"instance 0; point {points}", one, "[0, r)", f"{verifier}, hash of the points before it"
    )
    names = check_constraints(statement)
    for index, name in enumerate(names, start=1):
        yield Signal(f"check of {name}", visible, f"instance {index}", one, "must be 0", f"{verifier} puts 0")
    for index, (name, span, supplier) in enumerate(_results(statement), start=len(names) + 1):
        yield Signal(name, visible, f"instance {index}", one, span, supplier)


def _results(statement: Statement) -> Iterator[tuple[str, str, str]]:
    """Name, range and supplier of the public numbers behind the checks."""
    prover, label = "prover, in the claim", f"[0, {statement.architecture.sizes[-1] - 1}]"
    match statement.kind:
        case "private_model_accuracy":
            yield "count", f"[0, {statement.samples}]", prover
        case "private_model_inference":
            yield "Σ ρ^i·x_i", "[0, r)", "contract or verifier, from the public input"
            yield "label", label, prover
        case "model_link":
            yield "fingerprint", "[0, r)", "prover; must be that under the other commitment"
        case "private_input":
            yield "label", label, prover


def _widest(name: str, widths: Sequence[int], samples: int) -> dict[str, int]:
    return {name: samples * max(widths) - 1} if widths else {}
